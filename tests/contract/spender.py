"""One of several processes that spend under one ceiling: run by `test_spending_processes`, which reads what it prints.

`python -m tests.contract.spender FILE TRIES` reserves again and again, lets every third reservation run, takes every fifth back, and prints a line
for each thing that it was told is durable: `reserved`, `committed` or `released`.
"""

import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

from aaf.adapters.driving import drive
from aaf.adapters.sqlite.file import Options
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.system import SystemIds
from aaf.adapters.waiting import Blocking
from aaf.domain.events import Event, EventType
from aaf.domain.states import State
from aaf.ports import Commit, Committed, InsertAction, ReserveSpend, UpdateAction
from tests.contract.material import ORG, action

THREADS = 4
AMOUNT = 3_330_000
CEILING = 100_000_000
WINDOW = 3_600_000_000
NAME, SUBJECT = "refunds", "EUR organisation"


def say(word: str) -> None:
    """One line, whole."""
    os.write(1, f"{word}\n".encode())


def spend(store: SqliteStore, ids: SystemIds, number: int) -> None:
    """One action that wants to spend, and what becomes of it."""
    record = replace(action(ids.new(), state=State.ALLOWED), spends=True)
    wanted = ReserveSpend(record.id, NAME, SUBJECT, AMOUNT, CEILING, WINDOW)
    event = Event(ids.new(), EventType.ACTION_ALLOWED, b"{}", record.id)
    if not isinstance(drive(store.commit(Commit(ORG, (InsertAction(record), wanted), (event,)))), Committed):
        return
    say("reserved")
    if number % 15 in {0, 3, 5, 6, 9, 12}:
        ended = State.CANCELLED if number % 5 == 0 else State.EXECUTING
        moved = replace(record, version=2, state=ended)
        event = Event(ids.new(), EventType.ACTION_EXECUTING, b"{}", record.id)
        if isinstance(drive(store.commit(Commit(ORG, (UpdateAction(moved),), (event,)))), Committed):
            say("released" if ended is State.CANCELLED else "committed")


def main() -> None:
    path, tries = Path(sys.argv[1]), int(sys.argv[2])
    store = SqliteStore.open(path, waiting=Blocking(), options=Options(busy_timeout=60_000))
    ids = SystemIds()

    def work() -> None:
        for number in range(tries):
            spend(store, ids, number)

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drive(store.close())


if __name__ == "__main__":
    main()

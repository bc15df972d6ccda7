"""One of several processes that work on one file: run by `test_processes`, which reads the JSON line that it prints.

`python -m tests.contract.hammer FILE ROUNDS NAME` with everything that the racers want in common made beforehand.
"""

import json
import sys
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

from aaf.adapters.driving import drive
from aaf.adapters.sqlite.file import Options
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.system import SystemIds
from aaf.adapters.waiting import Blocking
from aaf.domain.events import Event, EventType
from aaf.domain.record import ActionRecord
from aaf.ports import ChargeLimit, Commit, Committed, Conflict, ConsumePermit, InsertAction, UpdateAction
from tests.contract.material import AGENT, ORG, OTHER, action

THREADS = 4
SHARED = "01890000-0000-7000-8000-0000000005a4"


def jti(number: int) -> str:
    return f"01890000-0000-7000-8000-0000001{number:05x}"


def bump(store: SqliteStore, ids: SystemIds) -> bool:
    """Read an action that everybody moves, move it, and say whether it was still as read."""
    record: ActionRecord | None = drive(store.action(ORG, SHARED))
    if record is None:
        raise RuntimeError("the shared action is missing")
    moved = replace(record, version=record.version + 1)
    event = Event(ids.new(), EventType.ACTION_EXECUTING, b'{"n":%d}' % moved.version, SHARED)
    return isinstance(drive(store.commit(Commit(ORG, (UpdateAction(moved),), (event,)))), Committed)


def work(store: SqliteStore, ids: SystemIds, rounds: int, tally: Counter[str], consumed: list[str]) -> None:
    """Do a bit of everything, and count what was won."""
    for number in range(rounds):
        tally["moved"] += bump(store, ids)
        plain = Event(ids.new(), EventType.ACCESS_REFUSED, b"{}", None)
        answer = drive(store.commit(Commit(ORG, (ConsumePermit(jti(number)),), (plain,))))
        if isinstance(answer, Committed):
            consumed.append(jti(number))
        charge = ChargeLimit("shared", AGENT, 3_600_000_000, 3_600_000_000 * 9)
        answer = drive(store.commit(Commit(OTHER, (charge,), (replace(plain, id=ids.new()),))))
        tally["charged"] += isinstance(answer, Committed)
        tally["over"] += isinstance(answer, Conflict)
        fresh = action(ids.new())
        answer = drive(
            store.commit(Commit(ORG, (InsertAction(fresh),), (replace(plain, id=ids.new(), action=fresh.id),)))
        )
        tally["inserted"] += isinstance(answer, Committed)


def main() -> None:
    path, rounds = Path(sys.argv[1]), int(sys.argv[2])
    store = SqliteStore.open(path, waiting=Blocking(), options=Options(busy_timeout=60_000))
    ids = SystemIds()
    tallies = [Counter[str]() for _ in range(THREADS)]
    consumed: list[str] = []
    threads = [threading.Thread(target=work, args=(store, ids, rounds, tally, consumed)) for tally in tallies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drive(store.close())
    print(json.dumps({"tally": sum(tallies, Counter[str]()), "consumed": consumed}))


if __name__ == "__main__":
    main()

"""The writer thread: nobody waits for ever, whatever happens to it."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from aaf.adapters.clock import FixedClock
from aaf.adapters.driving import drive
from aaf.adapters.sqlite.file import Options
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.waiting import Blocking, Outcome, Slot
from aaf.adapters.waiting_asyncio import OnLoop
from aaf.domain.errors import Code, StoreFailed
from aaf.ports import Commit, Committed, InsertAction
from tests.adapters.gate import Gate
from tests.contract.material import ORG, action, commit, event


def answer(store: SqliteStore, one: Commit, answers: list[object]) -> threading.Thread:
    """Commit in a thread of its own."""

    def run() -> None:
        try:
            answers.append(drive(store.commit(one)))
        except StoreFailed as error:
            answers.append(error.code)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def held(store: SqliteStore, gate: Gate, answers: list[object]) -> threading.Thread:
    """Stop the writer with one commit in hand, so that what comes next makes one batch."""
    gate.shut()
    thread = answer(store, commit(), answers)
    gate.reached()
    return thread


def queued(store: SqliteStore, count: int) -> None:
    """Wait until so much waits; the gate is shut, so it can't go away."""
    while store._writer._queue.qsize() < count:
        pass


def test_when_the_thread_ends_everybody_is_told_and_nobody_hangs(tmp_path: Path) -> None:
    gate = Gate()
    store = SqliteStore.open(tmp_path / "aaf.db", waiting=Blocking(), clock=gate)
    assert isinstance(drive(store.commit(commit())), Committed)
    answers: list[object] = []
    threads = [held(store, gate, answers)]
    threads += [answer(store, commit(), answers) for _ in range(5)]
    queued(store, 5)
    gate.dead = True
    gate.open()
    for thread in threads:
        thread.join()
    gate.dead = False
    assert answers == [Code.STORE_UNAVAILABLE] * 6
    with pytest.raises(StoreFailed) as refused:
        drive(store.commit(commit()))
    assert refused.value.code is Code.STORE_UNAVAILABLE
    assert drive(store.head(ORG)).size == 1
    drive(store.close())


def test_a_full_queue_refuses_at_once(tmp_path: Path) -> None:
    gate = Gate()
    store = SqliteStore.open(tmp_path / "aaf.db", waiting=Blocking(), clock=gate, options=Options(queue=3))
    answers: list[object] = []
    first = held(store, gate, answers)
    threads = [answer(store, commit(), answers) for _ in range(3)]
    queued(store, 3)
    with pytest.raises(StoreFailed) as refused:
        drive(store.commit(commit()))
    assert refused.value.code is Code.STORE_BUSY
    gate.open()
    for thread in (first, *threads):
        thread.join()
    assert all(isinstance(one, Committed) for one in answers)
    assert drive(store.head(ORG)).size == 4
    drive(store.close())


def test_closing_finishes_what_was_asked_before(tmp_path: Path) -> None:
    gate = Gate()
    store = SqliteStore.open(tmp_path / "aaf.db", waiting=Blocking(), clock=gate)
    answers: list[object] = []
    threads = [held(store, gate, answers)]
    threads += [answer(store, commit(), answers) for _ in range(10)]
    queued(store, 10)
    closing = threading.Thread(target=store.close_now)
    closing.start()
    queued(store, 11)
    late = [answer(store, commit(), answers) for _ in range(3)]
    gate.open()
    for thread in (*threads, closing, *late):
        thread.join()
    assert sum(isinstance(one, Committed) for one in answers) >= 11
    assert len(answers) == 14
    drive(store.close())


@pytest.mark.attack(
    "G40", guard="aaf.adapters.sqlite.failures:concerns_one_item", without="tests.contract.without:raises_for_all"
)
def test_a_batch_with_a_poisoned_item_commits_the_rest(tmp_path: Path) -> None:
    gate = Gate()
    store = SqliteStore.open(tmp_path / "aaf.db", waiting=Blocking(), clock=gate)
    answers: list[object] = []
    threads = [held(store, gate, answers)]
    poison = [
        Commit(ORG, (), (event(body=b"x" * 70_000),)),
        Commit(ORG, (InsertAction(action(deadline=2**70)),), (event(),)),
        Commit(ORG, (InsertAction(action("\udfff")),), (event(),)),
        Commit("no id", (), (event(),)),
    ]
    for place, one in enumerate(poison):
        threads += [answer(store, commit(InsertAction(action())), answers), answer(store, one, answers)]
        queued(store, 2 * place + 2)
    gate.open()
    for thread in threads:
        thread.join()
    assert answers.count(Code.INTERNAL_ERROR) == 4
    assert sorted(one.seq for one in answers if isinstance(one, Committed)) == [1, 2, 3, 4, 5]
    drive(store.close())


class Counted(OnLoop):
    """Counts how often a batch is delivered."""

    def __init__(self) -> None:
        self.batches = 0
        self.answers = 0

    def deliver(self, settled: Iterable[tuple[Slot, Outcome]]) -> None:
        settled = list(settled)
        self.batches += bool(settled)
        self.answers += len(settled)
        super().deliver(settled)


def test_answers_of_one_batch_wake_the_loop_once(tmp_path: Path) -> None:
    waiting = Counted()
    wakes = 0

    async def main() -> None:
        nonlocal wakes
        loop = asyncio.get_running_loop()
        wake = loop.call_soon_threadsafe

        def counting(*arguments: object, **named: object) -> asyncio.Handle:
            nonlocal wakes
            wakes += 1
            return wake(*arguments, **named)  # type: ignore[arg-type] # passed on as they came

        loop.call_soon_threadsafe = counting  # type: ignore[method-assign] # the loop's own method is what is counted
        store = SqliteStore.open(tmp_path / "aaf.db", waiting=waiting)
        await asyncio.gather(*(store.commit(commit()) for _ in range(50)))
        await store.close()

    asyncio.run(main())
    assert waiting.answers == 51
    assert wakes == waiting.batches < 40


def test_a_cancelled_task_breaks_nothing_and_its_commit_stands(tmp_path: Path) -> None:
    async def main() -> int:
        gate = Gate()
        store = SqliteStore.open(tmp_path / "aaf.db", waiting=OnLoop(), clock=gate)
        gate.shut()
        tasks = [asyncio.create_task(store.commit(commit())) for _ in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        gate.open()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(one) for one in done] == [Committed, asyncio.CancelledError, Committed, Committed]
        assert isinstance(await store.commit(commit()), Committed)
        size = (await store.head(ORG)).size
        await store.close()
        return size

    assert asyncio.run(main()) == 5


def test_a_loop_that_closed_is_nobodys_error(tmp_path: Path) -> None:
    gate = Gate()
    store = SqliteStore.open(tmp_path / "aaf.db", waiting=OnLoop(), clock=gate)
    gate.shut()

    async def leave() -> None:
        asyncio.create_task(store.commit(commit()))  # noqa: RUF006 - it is meant to be lost
        await asyncio.sleep(0)

    asyncio.run(leave())
    gate.open()

    async def stay() -> None:
        assert isinstance(await store.commit(commit()), Committed)
        await store.close()

    asyncio.run(stay())


class Contended(FixedClock):
    """Whenever it is read while the write lock is free, somebody else takes the lock and keeps it for 100 seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.other: sqlite3.Connection | None = None

    def wall(self) -> int:
        told = super().wall()
        if self.other is not None:
            try:
                self.other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return told
            self.other.execute("ROLLBACK")
            self.advance(100)
        return told


def test_a_deadline_is_compared_with_the_time_at_which_the_write_lock_was_had(tmp_path: Path) -> None:
    clock = Contended()
    store = SqliteStore.open(tmp_path / "aaf.db", waiting=Blocking(), clock=clock)
    clock.other = sqlite3.connect(tmp_path / "aaf.db", isolation_level=None, timeout=0, check_same_thread=False)
    written = drive(store.commit(commit()))
    assert isinstance(written, Committed)
    assert written.at == clock.at
    clock.other.close()
    drive(store.close())

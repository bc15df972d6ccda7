"""The one thread of a process that writes: whatever queued while the last COMMIT was in flight goes into the next transaction.

There is no timer: a lone caller never waits for company, and sixty-four share one flush of the disk. An item that the database refuses fails alone. Should the
thread end for whatever reason, everybody who waits and everybody who comes later is told; nobody hangs.
"""

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aaf.adapters.clock import Clock, read
from aaf.adapters.sqlite import queries
from aaf.adapters.sqlite.failures import concerns_one_item, failure, unavailable
from aaf.adapters.sqlite.file import Options
from aaf.adapters.sqlite.transaction import Transaction
from aaf.adapters.sqlite.tree import Tree
from aaf.adapters.sqlite.work import KeepCheckpoint, Stop, Work
from aaf.adapters.waiting import Outcome, Slot, Waiting
from aaf.domain.errors import Code, StoreFailed
from aaf.ports import Commit

BATCH = 256
"""Items of one transaction at most: enough to share a flush, few enough that other processes get their turn."""


@dataclass(frozen=True, slots=True)
class _Job:
    """Work and where its outcome goes."""

    work: Work | Stop
    slot: Slot


class Writer:
    """Owns the writing connection from the moment it starts."""

    def __init__(
        self, connection: sqlite3.Connection, path: Path, *, waiting: Waiting, clock: Clock, options: Options
    ) -> None:
        self._connection = connection
        self._path = path
        self._waiting = waiting
        self._clock = clock
        self._options = options
        self._last = read(clock)
        (self._schema,) = connection.execute(queries.SCHEMA).fetchone()
        self.mark = 0
        self._queue: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._ended: Callable[[], StoreFailed] | None = None
        self._thread = threading.Thread(target=self._run, name="aaf-sqlite-writer", daemon=True)
        self._thread.start()

    async def ask(self, work: Work) -> Outcome:
        """Queue `work` and wait for its outcome.

        Raises:
            StoreFailed: too much is waiting, or the store has ended, or this item failed.
        """
        if self._queue.qsize() >= self._options.queue:
            raise StoreFailed(Code.STORE_BUSY, "Too much is waiting to be recorded.", hint="Try again in a moment.")
        outcome = await self._put(work).outcome()
        if isinstance(outcome, StoreFailed):
            raise outcome
        return outcome

    @property
    def queued(self) -> int:
        """How many jobs wait for the thread."""
        return self._queue.qsize()

    async def stop(self) -> None:
        """Finish what was asked before, empty the write-ahead log, close the file."""
        if self._ended is None:
            await self._put(Stop()).outcome()
        self._thread.join()

    def stop_now(self) -> None:
        """The same from a thread that has no coroutine to drive, such as an exit handler."""
        self._queue.put(_Job(Stop(), _Nobody()))
        self._thread.join()

    def _put(self, work: Work | Stop) -> Slot:
        slot = self._waiting.slot()
        self._queue.put(_Job(work, slot))
        if self._ended is not None:  # the thread may have looked into the queue for the last time before we put
            self._refuse(self._ended)
        return slot

    def _refuse(self, why: Callable[[], StoreFailed]) -> None:
        """Tell everybody in the queue; an error each, because an exception keeps the trace of where it was raised."""
        waiting: list[_Job] = []
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(self._queue.get_nowait())
        self._waiting.deliver([(job.slot, None if isinstance(job.work, Stop) else why()) for job in waiting])

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        jobs: list[_Job] = []
        why: Callable[[], StoreFailed] = _closed
        try:
            stop: list[_Job] = []
            while not stop:
                jobs = self._take()
                stop = [job for job in jobs if isinstance(job.work, Stop)]
                self._waiting.deliver(self._settle([job for job in jobs if not isinstance(job.work, Stop)]))
                jobs = stop
            with contextlib.suppress(sqlite3.Error):  # another process may be reading; its own close will do it
                self._connection.execute(queries.TRUNCATE_WAL).fetchall()
        except BaseException as error:  # noqa: BLE001 - whatever ends this thread is told to everybody who waits
            detail = f"the writer thread ended: {type(error).__name__}: {error}"

            def why() -> StoreFailed:
                return unavailable(detail)

        finally:
            self._ended = why
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._waiting.deliver([(job.slot, None if isinstance(job.work, Stop) else why()) for job in jobs])
            self._refuse(why)

    def _take(self) -> list[_Job]:
        """Wait for one job, then take what is there."""
        jobs = [self._queue.get()]
        jobs += [self._queue.get_nowait() for _ in range(min(self._queue.qsize(), BATCH - 1))]
        return jobs

    def _settle(self, jobs: Sequence[_Job]) -> list[tuple[Slot, Outcome]]:
        """Do one batch and say what became of each."""
        slots: list[Slot] = []
        works: list[Work] = []
        settled: list[tuple[Slot, Outcome]] = []
        for job in jobs:
            try:
                work = self._prepared(job.work)
            except StoreFailed as refused:
                settled.append((job.slot, refused))
            else:
                slots.append(job.slot)
                works.append(work)
        if works:
            settled += zip(slots, self._batch(works), strict=True)
        return settled

    def _prepared(self, work: Work | Stop) -> Work:
        """Compute a checkpoint's nodes before the write lock is taken: the leaves it covers don't change any more."""
        if isinstance(work, Stop):
            raise TypeError("stop is no work")
        if not isinstance(work, KeepCheckpoint):
            return work
        row = work.row
        try:
            tree = Tree(self._connection, row.org)
            root = tree.hash(0, row.size)
            nodes = tuple(tree.new_nodes(row.size))
        except sqlite3.Error as error:
            raise failure(error) from error
        except IndexError as error:
            raise _foreign(str(error)) from error
        if root != row.root:
            raise _foreign(f"root {row.root.hex()} at size {row.size}, the ledger's is {root.hex()}")
        return replace(work, nodes=nodes)

    def _batch(self, works: list[Work]) -> list[Outcome]:
        """One transaction for all, or where an item breaks it, one savepoint for each."""
        full = any(isinstance(work, Commit) and work.admission for work in works) and self._low()
        try:
            return self._together(works, full=full)
        except Exception as error:  # noqa: BLE001 - told apart below, and every item gets an answer
            self._roll_back()
            if not concerns_one_item(error):
                return self._without_admissions(works, failure(error))
        try:
            return self._one_by_one(works, full=full)
        except Exception as error:  # noqa: BLE001 - as above
            self._roll_back()
            return [failure(error) for _ in works]

    def _begin(self) -> sqlite3.Connection:
        """Take the write lock on a file that still has the schema that it was opened with.

        Raises:
            StoreFailed: a newer version of this program has migrated it meanwhile.
        """
        self._connection.execute(queries.BEGIN)
        (version,) = self._connection.execute(queries.SCHEMA).fetchone()
        if version != self._schema:
            raise StoreFailed(
                Code.STORE_NEWER,
                f"The database has schema {version} by now; this process opened it with {self._schema}.",
                hint="Stop this process and start the newer version of this program.",
            )
        return self._connection

    def _together(self, works: list[Work], *, full: bool) -> list[Outcome]:
        """The usual case."""
        connection = self._begin()
        now = read(self._clock)  # only now: another process may have held the lock past a deadline
        transaction = Transaction(connection, last=self._last, now=now, full=full, hopeful=True)
        outcomes: list[Outcome] = []
        for work in works:
            try:
                outcomes.append(transaction.do(work))
            except StoreFailed as refused:
                outcomes.append(refused)
        transaction.flush()
        connection.execute(queries.COMMIT)
        self._last, self.mark = now, transaction.at
        return outcomes

    def _one_by_one(self, works: list[Work], *, full: bool) -> list[Outcome]:
        """Each item on its own in one transaction, so that a bad one costs the others a little time and nothing else."""
        connection = self._begin()
        now = read(self._clock)
        # The clock's mark moves, and a jump is recorded, whatever becomes of the items.
        Transaction(connection, last=self._last, now=now, full=full, hopeful=False).flush()
        outcomes: list[Outcome] = []
        for work in works:
            connection.execute(queries.SAVEPOINT)
            try:
                transaction = Transaction(connection, last=self._last, now=now, full=full, hopeful=False)
                outcome = transaction.do(work)
                transaction.flush()
            except StoreFailed as refused:
                outcome = refused
                connection.execute(queries.ROLLBACK_ITEM)
            except Exception as error:
                if not concerns_one_item(error):
                    raise
                outcome = failure(error)
                connection.execute(queries.ROLLBACK_ITEM)
            connection.execute(queries.RELEASE_ITEM)
            outcomes.append(outcome)
        connection.execute(queries.COMMIT)
        self._last = now
        return outcomes

    def _without_admissions(self, works: list[Work], why: StoreFailed) -> list[Outcome]:
        """Where the disk is full, try what may not wait once more without what may; otherwise all of it failed."""
        small = [work for work in works if not (isinstance(work, Commit) and work.admission)]
        done: list[Outcome] = []
        if why.code is Code.STORE_FULL and 0 < len(small) < len(works):
            try:
                done = self._one_by_one(small, full=True)
            except Exception:  # noqa: BLE001 - the first reason is told
                self._roll_back()
        answers = iter(done)
        again = {id(work) for work in small} if done else set()
        return [next(answers) if id(work) in again else _copy(why) for work in works]

    def _roll_back(self) -> None:
        """Leave the transaction, which SQLite may have left by itself."""
        if self._connection.in_transaction:
            self._connection.execute(queries.ROLLBACK)

    def _low(self) -> bool:
        """Whether only the reserve is left; a disk that can't be asked counts as low."""
        try:
            return self._options.free(self._path) < self._options.reserve
        except OSError:
            return True


class _Nobody:
    """A slot that nobody waits at."""

    async def outcome(self) -> Outcome:
        """Nothing."""
        return None


def _closed() -> StoreFailed:
    """What a caller of a closed store is told."""
    return unavailable("the store was closed")


def _foreign(detail: str) -> StoreFailed:
    """A checkpoint that isn't one of this ledger is never kept."""
    return StoreFailed(Code.INTERNAL_ERROR, "The checkpoint does not belong to this ledger.", detail=detail)


def _copy(why: StoreFailed) -> StoreFailed:
    """The same failure for somebody else."""
    return StoreFailed(why.code, why.message, hint=why.hint, detail=why.detail)

"""The SQLite store: reads on a connection of their own, the writer thread for everything else.

Any number of processes may open one file on a local disk. A store belongs to the process that opened it: after `fork` it refuses, because SQLite's locks
don't survive that. Nothing that decides an order, a permit or a limit is kept in memory.
"""

import os
import sqlite3
import threading
from pathlib import Path
from typing import Any, LiteralString, Self

from aaf.adapters.clock import Clock, Doubt, SystemClock, read
from aaf.adapters.expectations import OPEN
from aaf.adapters.sqlite import queries, rows
from aaf.adapters.sqlite.failures import failure, unavailable
from aaf.adapters.sqlite.file import Options, open_file, open_for_reading
from aaf.adapters.sqlite.rows import Row
from aaf.adapters.sqlite.tree import Tree
from aaf.adapters.sqlite.work import KeepCheckpoint, SetRecovering, TakeLease, Work
from aaf.adapters.sqlite.writer import Writer
from aaf.adapters.waiting import Outcome, Waiting
from aaf.domain.approval import Review
from aaf.domain.chain import genesis
from aaf.domain.errors import AafError, Code, StoreFailed
from aaf.domain.merkle import Frontier
from aaf.domain.record import (
    ActionRecord,
    Aggregate,
    CheckpointRow,
    DataKey,
    Draft,
    EventRow,
    Head,
    KeyRecord,
    Lease,
    PermitRecord,
    PrincipalRecord,
    Recorded,
    Release,
    Sealed,
    Spent,
    Watch,
)
from aaf.domain.states import State
from aaf.ports import Answer, Commit, InsertIdempotency

DEFAULTS = Options()
_ASK_AGAIN = 1_000_000
_DRIFT = 20_000
"""Microseconds."""


class SqliteStore:
    """The port `Store` over one file. Make it with `open`."""

    def __init__(self, reading: sqlite3.Connection, writer: Writer, clock: Clock) -> None:
        self._reading = reading
        self._lock = threading.Lock()
        self._writer = writer
        self._clock = clock
        self._pid = os.getpid()
        self._telling = threading.Lock()
        self._base = read(clock), 0
        self._doubt = Doubt(clock)

    @classmethod
    def open(cls, path: Path, *, waiting: Waiting, clock: Clock | None = None, options: Options = DEFAULTS) -> Self:
        """Open `path`, making and migrating it where needed; `waiting` says how callers wait.

        Raises:
            StoreFailed: it can't be used; the code says why.
        """
        clock = clock or SystemClock()
        path = path.absolute()
        writing = open_file(path, options, wall=clock.wall())
        try:
            reading = open_for_reading(path, options)
        except sqlite3.Error as error:
            writing.close()
            raise failure(error) from error
        return cls(reading, Writer(writing, path, waiting=waiting, clock=clock, options=options), clock)

    @property
    def queued(self) -> int:
        """How many commits wait for the writer."""
        return self._writer.queued

    # --- writes -------------------------------------------------------------------------------------------------------

    async def commit(self, commit: Commit) -> Answer:
        """Write all of it durably or nothing."""
        answer = await self._ask(commit)
        if answer is None or isinstance(answer, bool | AafError):
            raise unavailable("the writer gave no answer")
        return answer

    async def put_checkpoint(self, row: CheckpointRow) -> bool:
        """Keep a checkpoint whose root is the ledger's own; False where one of this size is there."""
        return bool(await self._ask(KeepCheckpoint(row)))

    async def take_lease(self, name: str, holder: str, seconds: int) -> bool:
        """Take or renew a named lease; False while somebody else holds it."""
        return bool(await self._ask(TakeLease(name, holder, seconds)))

    async def set_recovering(self, why: str | None) -> None:
        """Enter recovery or leave it."""
        await self._ask(SetRecovering(why))

    async def close(self) -> None:
        """Finish what is queued and let go of the file."""
        self._ours()
        await self._writer.stop()
        with self._lock:
            self._reading.close()

    def close_now(self) -> None:
        """The same for an exit handler."""
        self._ours()
        self._writer.stop_now()
        with self._lock:
            self._reading.close()

    async def _ask(self, work: Work) -> Outcome:
        self._ours()
        return await self._writer.ask(work)

    def _ours(self) -> None:
        """Refuse a process that inherited this store."""
        if os.getpid() != self._pid:
            raise StoreFailed(
                Code.STORE_FORKED,
                "The store was opened by another process.",
                hint="Open it after the fork, once in each process.",
            )

    # --- reads --------------------------------------------------------------------------------------------------------

    def _all(self, query: LiteralString, values: tuple[Any, ...] | dict[str, Any] = ()) -> list[Row]:
        """Run one read."""
        self._ours()
        with self._lock:
            try:
                return self._reading.execute(query, values).fetchall()
            except (sqlite3.Error, UnicodeError, OverflowError) as error:
                raise failure(error) from error

    def _one(self, query: LiteralString, *values: str | int | bytes) -> Row | None:
        found = self._all(query, values)
        return found[0] if found else None

    async def now(self) -> int:
        """The later of the wall clock and the highest instant written or told before.

        Other processes write their marks by the same wall clock, so the database has to be asked only where that clock may have
        jumped since it was asked last, or after a second. The append compares with the stored mark in any case.
        """
        now, (asked, highest) = read(self._clock), self._base
        passed = now.steady - asked.steady
        extrapolated = asked.wall + passed
        if highest == 0 or passed > _ASK_AGAIN or abs(now.wall - extrapolated) > _DRIFT:
            _, mark, _, _ = self._all(queries.INSTALLATION)[0]
            with self._telling:
                highest = max(self._base[1], mark, extrapolated, now.wall)
                self._base = now, highest
        # Extrapolated by the steady clock, what is told never goes back although nothing is kept of each telling.
        return max(highest, extrapolated, now.wall, self._writer.mark)

    async def doubtful(self) -> bool:
        """Whether this process saw the wall clock jump forward and that isn't confirmed yet."""
        return self._doubt.lasts()

    async def epoch(self, org: str) -> int:
        """The organisation's epoch."""
        row = self._one(queries.LEDGER, org)
        return row[3] if row else 0

    async def action(self, org: str, action: str) -> ActionRecord | None:
        """One action."""
        row = self._one(queries.ACTION, org, action)
        return rows.action(row) if row else None

    async def actions(
        self,
        org: str,
        *,
        state: State | None = None,
        agent: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[ActionRecord]:
        """Newest first by id, older than `before`."""
        names = {"org": org, "state": state and str(state), "agent": agent, "before": before, "limit": limit}
        query = queries.OPEN_ACTIONS if state in OPEN else queries.ACTIONS
        return [rows.action(row) for row in self._all(query, names)]

    async def count(self, org: str, state: State) -> int:
        """How many actions are in `state`."""
        found: int = self._all(queries.COUNT_OPEN if state in OPEN else queries.COUNT, (org, str(state)))[0][0]
        return found

    async def reviews(self, org: str, action: str, round_: int) -> list[Review]:
        """The reviews of one round in order."""
        return [rows.review(row) for row in self._all(queries.REVIEWS, (org, action, round_))]

    async def openings(self, org: str, action: str, round_: int, reviewer: str) -> frozenset[int]:
        """Which long values this reviewer has opened."""
        return frozenset(row[0] for row in self._all(queries.OPENINGS, (org, action, round_, reviewer)))

    async def sealed(self, org: str, owner: str, name: str) -> Sealed | None:
        """One sealed value."""
        row = self._one(queries.SEALED, org, owner, name)
        return Sealed(*row) if row else None

    async def data_key(self, org: str, key_id: str) -> DataKey | None:
        """One data key."""
        row = self._one(queries.DATA_KEY, org, key_id)
        return DataKey(*row) if row else None

    async def data_key_of(self, org: str, subject: str) -> DataKey | None:
        """The newest data key of a subject."""
        row = self._one(queries.DATA_KEY_OF, org, subject)
        return DataKey(*row) if row else None

    async def idempotent(self, org: str, agent: str, key: str) -> InsertIdempotency | None:
        """What an idempotency key stands for."""
        names = {"org": org, "agent": agent, "key": key, "now": await self.now()}
        found = self._all(queries.IDEMPOTENCY, names)
        return InsertIdempotency(*found[0]) if found else None

    async def limit(self, org: str, name: str, subject: str) -> int:
        """The limit's theoretical arrival time."""
        row = self._one(queries.TAT, org, name, subject)
        return row[0] if row else 0

    async def limits(self, org: str, name: str, *, since: int, limit: int = 50) -> list[tuple[str, int]]:
        """Subjects of a limit with their theoretical arrival times after `since`, latest first."""
        return [(subject, tat) for subject, tat in self._all(queries.TATS, (org, name, since, limit))]

    async def spent(self, org: str, name: str, subject: str, *, since: int) -> Spent:
        """What is reserved, and what was committed after `since`."""
        names = {"org": org, "name": name, "subject": subject, "since": since}
        found = self._all(queries.SPENT, names)
        return Spent(*found[0]) if found else Spent()

    async def spent_by(self, org: str, name: str, *, since: int, limit: int = 50) -> list[tuple[str, Spent]]:
        """The same of every subject that has any, the largest total first."""
        found = [
            (subject, await self.spent(org, name, subject, since=since))
            for (subject,) in self._all(queries.SPENDERS, (org, name))
        ]
        return sorted((one for one in found if one[1].total), key=lambda one: (-one[1].total, one[0]))[:limit]

    async def commitments(
        self, org: str, name: str, subject: str, *, since: int, limit: int = 500
    ) -> list[tuple[int, int]]:
        """When, after `since`, how much was committed: oldest first."""
        return [(at, amount) for at, amount in self._all(queries.COMMITMENTS, (org, name, subject, since, limit))]

    async def permit(self, jti: str) -> PermitRecord | None:
        """One permit."""
        row = self._one(queries.PERMIT, jti)
        return rows.permit(row) if row else None

    async def principals(self, org: str) -> list[PrincipalRecord]:
        """All principals, oldest first."""
        return [rows.principal(row) for row in self._all(queries.PRINCIPALS, (org,))]

    async def keys(self, org: str) -> list[KeyRecord]:
        """All keys, oldest first."""
        return [rows.key(row) for row in self._all(queries.KEYS, (org,))]

    async def key_by_mac(self, mac: bytes) -> tuple[KeyRecord, PrincipalRecord] | None:
        """The key with this HMAC, in whichever organisation."""
        row = self._one(queries.KEY_BY_MAC, mac)
        return (rows.key(row[:10]), rows.principal(row[10:])) if row else None

    async def release(self, org: str, number: int | None = None) -> Release | None:
        """The active release, or the one of this number."""
        found = self._releases(org, number=number, before=None, limit=1)
        return found[0] if found else None

    async def releases(self, org: str, *, before: int | None = None, limit: int = 50) -> list[Release]:
        """Newest first, numbers below `before`."""
        return self._releases(org, number=None, before=before, limit=limit)

    def _releases(self, org: str, *, number: int | None, before: int | None, limit: int) -> list[Release]:
        names = {"org": org, "number": number, "before": before, "limit": limit}
        return [rows.release(row) for row in self._all(queries.RELEASES, names)]

    async def draft(self, org: str, draft: str) -> Draft | None:
        """One draft."""
        row = self._one(queries.DRAFT, org, draft)
        return Draft(*row) if row else None

    async def drafts(self, org: str) -> list[Draft]:
        """All drafts without their files, oldest id first."""
        return [Draft(*row) for row in self._all(queries.DRAFTS, (org,))]

    async def watch(self, org: str) -> Watch | None:
        """What was last found in the organisation's folder."""
        row = self._one(queries.WATCH, org)
        return rows.watch(row) if row else None

    async def lease(self, name: str) -> Lease | None:
        """Who took a lease last."""
        row = self._one(queries.LEASE, name)
        return Lease(*row) if row else None

    async def decided(self, org: str, *, since: int = 0, after: str = "", limit: int = 500) -> list[Recorded]:
        """Actions made at or after `since`, oldest first by id, each with its sealed input."""
        names = {"org": org, "since": since, "after": after, "limit": limit}
        return [rows.recorded(row) for row in self._all(queries.DECIDED, names)]

    async def due(self, now: int, limit: int) -> list[tuple[str, str]]:
        """Actions whose deadline has come, earliest first."""
        return [(org, action) for org, action in self._all(queries.DUE, (now, limit))]

    async def events(self, org: str, *, after: int = 0, limit: int = 1000) -> list[EventRow]:
        """Events with `seq > after`, in order."""
        return [EventRow(*row) for row in self._all(queries.EVENTS, (org, after, limit))]

    async def events_of(self, org: str, action: str) -> list[EventRow]:
        """Every event of an action or about it, in order."""
        return [EventRow(*row) for row in self._all(queries.EVENTS_OF, (org, action))]

    async def head(self, org: str) -> Head:
        """The end of the ledger."""
        row = self._one(queries.LEDGER, org)
        if row is None:
            return Head(0, genesis(org), Frontier.from_bytes(0, b"").root())
        size, chain, frontier, _ = row
        return Head(size, chain, Frontier.from_bytes(size, frontier).root())

    async def subtree(self, org: str, start: int, end: int) -> bytes:
        """RFC 6962 tree hash of the leaves `start <= i < end`."""
        self._ours()
        with self._lock:
            try:
                return Tree(self._reading, org).hash(start, end)
            except sqlite3.Error as error:
                raise failure(error) from error

    async def checkpoint(self, org: str, *, at_least: int = 0) -> CheckpointRow | None:
        """The newest checkpoint, or None if none covers `at_least` events."""
        row = self._one(queries.CHECKPOINT, org, at_least)
        return CheckpointRow(*row) if row else None

    async def checkpoints(self, org: str) -> list[CheckpointRow]:
        """All checkpoints, smallest first."""
        return [CheckpointRow(*row) for row in self._all(queries.CHECKPOINTS, (org,))]

    async def dirty(self) -> list[str]:
        """Organisations whose ledger has grown past their newest checkpoint."""
        return [row[0] for row in self._all(queries.DIRTY)]

    async def aggregate(self, org: str, name: str, source: str, minute: int) -> int | None:
        """The count of one aggregate."""
        row = self._one(queries.AGGREGATE, org, name, source, minute)
        return row[0] if row else None

    async def aggregates(self, before_minute: int) -> list[Aggregate]:
        """Aggregates of earlier minutes."""
        return [Aggregate(*row) for row in self._all(queries.AGGREGATES, (before_minute,))]

    async def organisations(self) -> list[str]:
        """Every organisation that has events or an epoch."""
        return [row[0] for row in self._all(queries.ORGANISATIONS)]

    async def recovering(self) -> str | None:
        """Why the store denies everything, or None."""
        why: str | None = self._all(queries.INSTALLATION)[0][3]
        return why

    async def installation(self) -> str:
        """The installation's UUID."""
        found: str = self._all(queries.INSTALLATION)[0][0]
        return found

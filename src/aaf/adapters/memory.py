"""The store in memory: the port's semantics without a file, for tests, notebooks and trials. Nothing survives the process.

It passes the suite that every store passes. It is one process's store; threads and tasks may share it. A disk that runs low and clocks that
jump are played by its arguments.
"""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

from aaf.adapters.clock import Clock, Doubt, Mark, SystemClock, read
from aaf.adapters.expectations import first_conflict, reviews
from aaf.adapters.memory_tables import Tables, storable
from aaf.domain.approval import Review
from aaf.domain.chain import chain_next, genesis
from aaf.domain.errors import Code, StoreFailed
from aaf.domain.events import MAX_BODY, Event, EventType, occurrence
from aaf.domain.merkle import Frontier, leaf_hash, tree_root
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
from aaf.ports import (
    Answer,
    Commit,
    Committed,
    Duplicate,
    InsertIdempotency,
    StaleEpoch,
)


class MemoryStore:
    """The port `Store` over dictionaries; never suspends. `low` says whether the disk it hasn't got runs low."""

    def __init__(self, clock: Clock | None = None, *, low: Callable[[], bool] = lambda: False) -> None:
        self._clock = clock or SystemClock()
        self._low = low
        self._lock = threading.RLock()
        self._tables = Tables()
        self._installation = str(uuid.uuid4())
        self._last = read(self._clock)
        self._mark = Mark(self._last.wall, behind=False)
        self._latest = 0
        self._doubt = Doubt(self._clock)
        self._recovering: str | None = None
        self._closed = False

    # --- writes -------------------------------------------------------------------------------------------------------

    async def commit(self, commit: Commit) -> Answer:
        """Write all of it or nothing."""
        with self._lock:
            at = self._tick()
            if commit.admission or (self._recovering is not None and reviews(commit)):
                self._admit()
            self._check(commit)
            if commit.events and (commit.org, commit.events[0].id) in self._tables.places:
                return Duplicate(self._tables.places[commit.org, commit.events[0].id])
            epoch = self._tables.epochs.get(commit.org, 0)
            if commit.epoch is not None and commit.epoch != epoch:
                return StaleEpoch(epoch)
            conflict = first_conflict(commit, now=at, before=self._tables)
            if conflict is not None:
                return conflict
            self._check_events(commit)
            for write in commit.writes:
                self._tables.write(commit.org, write, at)
            return Committed(self._append(commit.org, commit.events), at)

    async def put_checkpoint(self, row: CheckpointRow) -> bool:
        """Keep a checkpoint whose root is the ledger's own; False where one of this size is there."""
        with self._lock:
            self._open()
            if row.size > len(self._rows(row.org)) or self._hash(row.org, 0, row.size) != row.root:
                raise StoreFailed(Code.INTERNAL_ERROR, "The checkpoint does not belong to this ledger.")
            self._tick()
            there = self._tables.checkpoints[row.org]
            return there.setdefault(row.size, row) is row

    async def take_lease(self, name: str, holder: str, seconds: int) -> bool:
        """Take or renew a named lease; False while somebody else holds it."""
        with self._lock:
            at = self._tick()
            its, ends_at = self._tables.leases.get(name, (holder, at))
            if its != holder and ends_at > at:
                return False
            self._tables.leases[name] = (holder, at + seconds * 1_000_000)
            return True

    async def set_recovering(self, why: str | None) -> None:
        """Enter recovery or leave it."""
        with self._lock:
            self._tick()
            self._recovering = why

    async def close(self) -> None:
        """Take nothing any more."""
        self._closed = True

    def _open(self) -> None:
        """Refuse after `close`."""
        if self._closed:
            raise StoreFailed(
                Code.STORE_UNAVAILABLE,
                "The store cannot be used, so nothing can be recorded.",
                detail="the store was closed",
            )

    def _tick(self) -> int:
        """Move the mark, note a jump, return the store's clock."""
        self._open()
        now = read(self._clock)
        self._mark, jump = self._mark.moved(self._last, now)
        self._last = now
        if jump is not None:
            event = occurrence(
                event_id=str(uuid.uuid4()),
                org=self._installation,
                at=self._mark.at,
                actor="system",
                kind=EventType.CLOCK_JUMPED,
                data={"direction": str(jump[0]), "seconds": jump[1]},
            )
            self._append(self._installation, (event,))
        return self._mark.at

    def _admit(self) -> None:
        """Refuse what may wait."""
        if self._recovering is not None:
            raise StoreFailed(
                Code.RECOVERING,
                "The store is in recovery, so nothing new is accepted.",
                hint="A person has to release it.",
                detail=self._recovering,
            )
        if self._low():
            raise StoreFailed(
                Code.STORE_FULL,
                "The disk runs low, so nothing new is accepted; outcomes and reviews still are.",
                hint="Free some space.",
            )

    def _check(self, commit: Commit) -> None:
        """Refuse what a store on disk could not hold."""
        if not all(storable(part) and len(part.body) <= MAX_BODY for part in commit.events) or not storable(
            commit.writes
        ):
            raise _unrecordable("a value that no store holds")

    def _check_events(self, commit: Commit) -> None:
        """Refuse ids that are there already, or twice."""
        ids = [(commit.org, event.id) for event in commit.events]
        if len(set(ids)) < len(ids) or any(place in self._tables.places for place in ids):
            raise _unrecordable("an event's id is taken")
        if ids:
            try:
                genesis(commit.org)
            except ValueError as error:
                raise _unrecordable(str(error)) from error

    def _append(self, org: str, events: tuple[Event, ...]) -> int:
        """Number and chain the events; return the last one's number, 0 if there are none."""
        if not events:
            return 0
        rows = self._tables.events.setdefault(org, [])
        frontier = self._tables.frontiers.setdefault(org, Frontier())
        for event in events:
            leaf = leaf_hash(event.body)
            seq = len(rows) + 1
            chain = chain_next(org, seq, rows[-1].chain if rows else genesis(org), leaf)
            rows.append(EventRow(seq, event.id, str(event.type), event.action, event.body, chain))
            frontier.append(leaf)
            self._tables.places[org, event.id] = seq
        return len(rows)

    def _rows(self, org: str) -> list[EventRow]:
        return self._tables.events.get(org, [])

    def _hash(self, org: str, start: int, end: int) -> bytes:
        return tree_root([leaf_hash(row.body) for row in self._rows(org)[start:end]])

    # --- reads --------------------------------------------------------------------------------------------------------

    async def now(self) -> int:
        """The later of the wall clock and the highest instant written or told before."""
        with self._lock:
            self._latest = max(self._latest, self._clock.wall(), self._mark.at)
            return self._latest

    async def doubtful(self) -> bool:
        """Whether this process saw the wall clock jump forward and that isn't confirmed yet."""
        return self._doubt.lasts()

    async def epoch(self, org: str) -> int:
        """The organisation's epoch."""
        return self._tables.epochs.get(org, 0)

    async def action(self, org: str, action: str) -> ActionRecord | None:
        """One action."""
        return self._tables.actions.get((org, action))

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
        with self._lock:
            found = [
                record
                for (its, id_), record in self._tables.actions.items()
                if its == org and state in {None, record.state} and agent in {None, record.agent}
                if before is None or id_ < before
            ]
        return sorted(found, key=lambda record: record.id, reverse=True)[:limit]

    async def count(self, org: str, state: State) -> int:
        """How many actions are in `state`."""
        with self._lock:
            return sum(its == org and one.state is state for (its, _), one in self._tables.actions.items())

    async def reviews(self, org: str, action: str, round_: int) -> list[Review]:
        """The reviews of one round in order."""
        with self._lock:
            there = self._tables.reviews.get((org, action, round_), {})
            return [there[ordinal] for ordinal in sorted(there)]

    async def openings(self, org: str, action: str, round_: int, reviewer: str) -> frozenset[int]:
        """Which long values this reviewer has opened."""
        return frozenset(self._tables.openings.get((org, action, round_, reviewer), ()))

    async def sealed(self, org: str, owner: str, name: str) -> Sealed | None:
        """One sealed value."""
        return self._tables.sealed.get((org, owner, name))

    async def data_key(self, org: str, key_id: str) -> DataKey | None:
        """One data key."""
        return self._tables.data_keys.get((org, key_id))

    async def data_key_of(self, org: str, subject: str) -> DataKey | None:
        """The newest data key of a subject."""
        with self._lock:
            found = [key for (its, _), key in self._tables.data_keys.items() if its == org and key.subject == subject]
        return found[-1] if found else None

    async def idempotent(self, org: str, agent: str, key: str) -> InsertIdempotency | None:
        """What an idempotency key stands for."""
        return self._tables.stands_for(org, agent, key, await self.now())

    async def limit(self, org: str, name: str, subject: str) -> int:
        """The limit's theoretical arrival time."""
        return self._tables.tat(org, name, subject)

    async def limits(self, org: str, name: str, *, since: int, limit: int = 50) -> list[tuple[str, int]]:
        """Subjects of a limit with their theoretical arrival times after `since`, latest first."""
        with self._lock:
            found = [
                (subject, tat)
                for (its, named, subject), tat in self._tables.tats.items()
                if (its, named) == (org, name) and tat > since
            ]
        return sorted(found, key=lambda one: (-one[1], one[0]))[:limit]

    async def spent(self, org: str, name: str, subject: str, *, since: int) -> Spent:
        """What is reserved, and what was committed after `since`."""
        with self._lock:
            return self._tables.spent_of(org, name, subject, since)

    async def spent_by(self, org: str, name: str, *, since: int, limit: int = 50) -> list[tuple[str, Spent]]:
        """The same of every subject that has any, the largest total first."""
        with self._lock:
            places = [place for place in self._tables.spends if place[:2] == (org, name)]
            found = [(subject, self._tables.spent_of(org, name, subject, since)) for _, _, subject in places]
        return sorted((one for one in found if one[1].total), key=lambda one: (-one[1].total, one[0]))[:limit]

    async def commitments(
        self, org: str, name: str, subject: str, *, since: int, limit: int = 500
    ) -> list[tuple[int, int]]:
        """When, after `since`, how much was committed: oldest first."""
        with self._lock:
            entries = self._tables.spends.get((org, name, subject), {}).values()
            found = [(one.committed_at, one.amount) for one in entries if one.committed_at is not None]
        return sorted(one for one in found if one[0] > since)[:limit]

    async def permit(self, jti: str) -> PermitRecord | None:
        """One permit."""
        return self._tables.permit(jti)

    async def principals(self, org: str) -> list[PrincipalRecord]:
        """All principals, oldest first."""
        with self._lock:
            found = [record for (its, _), record in self._tables.principals.items() if its == org]
        return sorted(found, key=lambda record: (record.created_at, record.id))

    async def keys(self, org: str) -> list[KeyRecord]:
        """All keys, oldest first."""
        with self._lock:
            found = [record for (its, _), record in self._tables.keys.items() if its == org]
        return sorted(found, key=lambda record: (record.created_at, record.id))

    async def key_by_mac(self, mac: bytes) -> tuple[KeyRecord, PrincipalRecord] | None:
        """The key with this HMAC, in whichever organisation."""
        with self._lock:
            for key in self._tables.keys.values():
                if key.mac == mac:
                    return key, self._tables.principals[key.org, key.principal]
        return None

    async def release(self, org: str, number: int | None = None) -> Release | None:
        """The active release, or the one of this number."""
        found = self._tables.releases.get(org, [])
        place = len(found) if number is None else number
        return found[place - 1] if 0 < place <= len(found) else None

    async def releases(self, org: str, *, before: int | None = None, limit: int = 50) -> list[Release]:
        """Newest first, numbers below `before`."""
        with self._lock:
            found = self._tables.releases.get(org, [])
            return [one for one in reversed(found) if before is None or one.number < before][:limit]

    async def draft(self, org: str, draft: str) -> Draft | None:
        """One draft."""
        return self._tables.drafts.get((org, draft))

    async def drafts(self, org: str) -> list[Draft]:
        """All drafts without their files, oldest id first."""
        with self._lock:
            found = [replace(draft, files=b"{}") for (its, _), draft in self._tables.drafts.items() if its == org]
        return sorted(found, key=lambda draft: draft.id)

    async def watch(self, org: str) -> Watch | None:
        """What was last found in the organisation's folder."""
        return self._tables.watches.get(org)

    async def lease(self, name: str) -> Lease | None:
        """Who took a lease last."""
        found = self._tables.leases.get(name)
        return Lease(*found) if found else None

    async def decided(self, org: str, *, since: int = 0, after: str = "", limit: int = 500) -> list[Recorded]:
        """Actions made at or after `since`, oldest first by id, each with its sealed input."""
        with self._lock:
            found = [
                record
                for (its, id_), record in self._tables.actions.items()
                if its == org and id_ > after and record.created_at >= since
            ]
            chosen = sorted(found, key=lambda record: record.id)[:limit]
            return [Recorded(record, self._tables.sealed.get((org, record.id, "input"))) for record in chosen]

    async def due(self, now: int, limit: int) -> list[tuple[str, str]]:
        """Actions whose deadline has come, earliest first."""
        with self._lock:
            found = [
                (record.deadline, org, id_)
                for (org, id_), record in self._tables.actions.items()
                if record.deadline is not None and record.deadline <= now
            ]
        return [(org, id_) for _, org, id_ in sorted(found)[:limit]]

    async def events(self, org: str, *, after: int = 0, limit: int = 1000) -> list[EventRow]:
        """Events with `seq > after`, in order."""
        with self._lock:
            return self._rows(org)[after : after + limit]

    async def events_of(self, org: str, action: str) -> list[EventRow]:
        """Every event of an action or about it, in order."""
        with self._lock:
            return [row for row in self._rows(org) if row.action == action]

    async def head(self, org: str) -> Head:
        """The end of the ledger."""
        with self._lock:
            rows = self._rows(org)
            root = self._tables.frontiers.get(org, Frontier()).root()
            return Head(len(rows), rows[-1].chain if rows else genesis(org), root)

    async def subtree(self, org: str, start: int, end: int) -> bytes:
        """RFC 6962 tree hash of the leaves `start <= i < end`."""
        with self._lock:
            if not 0 <= start <= end <= len(self._rows(org)):
                raise IndexError(f"the ledger has no leaves {start} to {end}")
            return self._hash(org, start, end)

    async def checkpoint(self, org: str, *, at_least: int = 0) -> CheckpointRow | None:
        """The newest checkpoint, or None if none covers `at_least` events."""
        there = await self.checkpoints(org)
        return there[-1] if there and there[-1].size >= at_least else None

    async def checkpoints(self, org: str) -> list[CheckpointRow]:
        """All checkpoints, smallest first."""
        with self._lock:
            there = self._tables.checkpoints.get(org, {})
            return [there[size] for size in sorted(there)]

    async def dirty(self) -> list[str]:
        """Organisations whose ledger has grown past their newest checkpoint."""
        with self._lock:
            there = self._tables.checkpoints
            return sorted(
                org for org, rows in self._tables.events.items() if len(rows) > max(there.get(org, {}), default=0)
            )

    async def aggregate(self, org: str, name: str, source: str, minute: int) -> int | None:
        """The count of one aggregate."""
        return self._tables.aggregate(org, name, source, minute)

    async def aggregates(self, before_minute: int) -> list[Aggregate]:
        """Aggregates of earlier minutes."""
        with self._lock:
            found = [(*place, count) for place, count in self._tables.aggregates.items() if place[3] < before_minute]
        return [Aggregate(*one) for one in sorted(found, key=lambda one: (one[3], one[0], one[1], one[2]))]

    async def organisations(self) -> list[str]:
        """Every organisation that has events or an epoch."""
        with self._lock:
            return sorted({*self._tables.events, *self._tables.epochs})

    async def recovering(self) -> str | None:
        """Why the store denies everything, or None."""
        return self._recovering

    async def installation(self) -> str:
        """The installation's UUID."""
        return self._installation


def _unrecordable(detail: str) -> StoreFailed:
    """One item is at fault."""
    return StoreFailed(Code.INTERNAL_ERROR, "This cannot be recorded, so it cannot run.", detail=detail)

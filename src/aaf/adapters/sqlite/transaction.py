"""One database transaction: what is expected is read in it, then written in it. Nothing outlives it.

Rows that nothing in the same transaction reads from the database are gathered and written together at the end; versions, limits and
ledger heads that later items need are kept beside them. In a *hopeful* transaction ids that ought to be new aren't looked up: a constraint finds a
clash, the transaction is rolled back and each item gets a careful one of its own.
"""

import sqlite3
import uuid
from dataclasses import dataclass, field
from typing import LiteralString, TypeAlias, assert_never

from aaf.adapters.clock import Mark, Reading
from aaf.adapters.expectations import charged, first_conflict, reviews
from aaf.adapters.sqlite import queries, rows
from aaf.adapters.sqlite.before import StoredBefore
from aaf.adapters.sqlite.rows import Row
from aaf.adapters.sqlite.work import KeepCheckpoint, SetRecovering, TakeLease, Work
from aaf.adapters.waiting import Outcome
from aaf.domain.canonical import Json
from aaf.domain.chain import chain_next, genesis
from aaf.domain.errors import Code, StoreFailed
from aaf.domain.events import Event, EventType, occurrence
from aaf.domain.merkle import Frontier, leaf_hash
from aaf.domain.record import ActionRecord
from aaf.domain.spending import KEPT, Settlement, settlement
from aaf.ports import (
    AddAggregate,
    Answer,
    ChargeLimit,
    Commit,
    Committed,
    Conflict,
    ConsumePermit,
    Duplicate,
    InsertAction,
    InsertDataKey,
    InsertIdempotency,
    InsertKey,
    InsertOpening,
    InsertPermit,
    InsertPrincipal,
    InsertRelease,
    InsertReview,
    InsertSealed,
    NotAfter,
    NotBefore,
    PutDraft,
    PutWatch,
    RaiseEpoch,
    RemoveDraft,
    ReserveSpend,
    RevokeKey,
    StaleEpoch,
    TakeAggregate,
    UpdateAction,
    Write,
)

_AtOnce: TypeAlias = (
    ConsumePermit
    | InsertDataKey
    | InsertIdempotency
    | InsertKey
    | InsertPermit
    | InsertPrincipal
    | InsertRelease
    | InsertReview
    | PutDraft
    | PutWatch
    | RemoveDraft
    | ReserveSpend
    | RevokeKey
    | TakeAggregate
)


@dataclass(slots=True)
class _Ledger:
    """The end of one ledger while it grows."""

    size: int
    chain: bytes
    frontier: Frontier
    epoch: int
    changed: bool = False


@dataclass(slots=True)
class _Gathered:
    """Rows to be written together, in the order of the fields."""

    actions: list[Row] = field(default_factory=list)
    updates: list[Row] = field(default_factory=list)
    sealed: list[Row] = field(default_factory=list)
    openings: list[Row] = field(default_factory=list)
    aggregates: list[Row] = field(default_factory=list)
    events: list[Row] = field(default_factory=list)

    def flush(self, connection: sqlite3.Connection) -> None:
        """Write them."""
        for query, gathered in (
            (queries.INSERT_ACTION, self.actions),
            (queries.UPDATE_ACTION, self.updates),
            (queries.UPSERT_SEALED, self.sealed),
            (queries.INSERT_OPENING, self.openings),
            (queries.ADD_AGGREGATE, self.aggregates),
            (queries.INSERT_EVENT, self.events),
        ):
            if gathered:
                connection.executemany(query, gathered)
                gathered.clear()


class Transaction:
    """Between BEGIN IMMEDIATE and COMMIT. `last` is this process's previous reading of the clocks, `now` the present one."""

    def __init__(
        self, connection: sqlite3.Connection, *, last: Reading, now: Reading, full: bool, hopeful: bool
    ) -> None:
        self._connection = connection
        self._full = full
        self._hopeful = hopeful
        self._ledgers: dict[str, _Ledger] = {}
        self._gathered = _Gathered()
        self._before = StoredBefore(connection, self._gathered.flush)
        self._installation, at, behind, self._recovering = connection.execute(queries.INSTALLATION).fetchone()
        old = Mark(at, bool(behind))
        self._mark, jump = old.moved(last, now)
        self._mark_moved = self._mark != old
        self.at = self._mark.at
        if jump is not None:
            direction, seconds = jump
            data: dict[str, Json] = {"direction": str(direction), "seconds": seconds}
            self._append(self._installation, (_installation_event(self._installation, self.at, data),))

    def do(self, work: Work) -> Outcome:
        """Do one item, all of it or, where the answer isn't that it was done, nothing.

        Raises:
            StoreFailed: this item is refused and nothing of it was written.
        """
        match work:
            case Commit():
                return self._commit(work)
            case KeepCheckpoint():
                return self._keep_checkpoint(work)
            case TakeLease():
                return self._take_lease(work)
            case SetRecovering(why):
                self._connection.execute(queries.UPDATE_RECOVERING, (why,))
                self._recovering = why
                return None

    def flush(self) -> None:
        """Write what was gathered, the ends of the ledgers and the clock's mark."""
        self._gathered.flush(self._connection)
        if self._before.tats:
            self._connection.executemany(
                queries.UPSERT_TAT, [(*place, tat) for place, tat in self._before.tats.items() if tat]
            )
        changed = [
            (org, ledger.size, ledger.chain, ledger.frontier.to_bytes(), ledger.epoch)
            for org, ledger in self._ledgers.items()
            if ledger.changed
        ]
        if changed:
            self._connection.executemany(queries.UPSERT_LEDGER, changed)
        if self._mark_moved:
            self._connection.execute(queries.UPDATE_MARK, (self._mark.at, self._mark.behind))

    def _commit(self, commit: Commit) -> Answer:
        """Compare, then write."""
        if commit.admission or (self._recovering is not None and reviews(commit)):
            self._admit()
        refused = self._refusal(commit, careful=not self._hopeful)
        if refused is not None and self._hopeful:
            refused = self._refusal(commit, careful=True) or refused  # what stood in the way first is what is told
        if refused is not None:
            return refused
        for write in commit.writes:
            self._write(commit.org, write)
        return Committed(self._append(commit.org, commit.events), self.at)

    def _refusal(self, commit: Commit, *, careful: bool) -> Duplicate | StaleEpoch | Conflict | None:
        """What stands in the way of the commit: that it is there already, an old epoch, or an expectation that isn't met."""
        duplicate = self._duplicate(commit) if careful else None
        if duplicate is not None:
            return duplicate
        if commit.epoch is not None:
            epoch = self._ledger(commit.org).epoch
            if epoch != commit.epoch:
                return StaleEpoch(epoch)
        self._before.hopeful = not careful
        return first_conflict(commit, now=self.at, before=self._before)

    def _admit(self) -> None:
        """Refuse what may wait, while the store is in recovery or the disk runs low."""
        if self._recovering is not None:
            raise StoreFailed(
                Code.RECOVERING,
                "The store is in recovery, so nothing new is accepted.",
                hint="A person has to release it.",
                detail=self._recovering,
            )
        if self._full:
            raise StoreFailed(
                Code.STORE_FULL,
                "The disk runs low, so nothing new is accepted; outcomes and reviews still are.",
                hint="Free some space.",
            )

    def _duplicate(self, commit: Commit) -> Duplicate | None:
        """Whether the first event is there already."""
        if not commit.events:
            return None
        self._gathered.flush(self._connection)
        row = self._connection.execute(queries.EVENT_SEQ, (commit.org, commit.events[0].id)).fetchone()
        return Duplicate(row[0]) if row else None

    def _ledger(self, org: str) -> _Ledger:
        """The end of a ledger, read once in this transaction."""
        ledger = self._ledgers.get(org)
        if ledger is None:
            row = self._connection.execute(queries.LEDGER, (org,)).fetchone()
            if row is None:
                ledger = _Ledger(0, genesis(org), Frontier.from_bytes(0, b""), 0)
            else:
                size, chain, frontier, epoch = row
                ledger = _Ledger(size, chain, Frontier.from_bytes(size, frontier), epoch)
            self._ledgers[org] = ledger
        return ledger

    def _append(self, org: str, events: tuple[Event, ...]) -> int:
        """Number and chain the events; return the last one's number, 0 if there are none."""
        if not events:
            return 0
        ledger = self._ledger(org)
        ledger.changed = True
        gathered = self._gathered.events
        for event in events:
            leaf = leaf_hash(event.body)
            ledger.size += 1
            ledger.chain = chain_next(org, ledger.size, ledger.chain, leaf)
            ledger.frontier.append(leaf)
            gathered.append((org, ledger.size, event.id, str(event.type), event.action, event.body, ledger.chain))
        return ledger.size

    def _keep_checkpoint(self, work: KeepCheckpoint) -> bool:
        row = work.row
        if self._connection.execute(queries.CHECKPOINT_AT, (row.org, row.size)).fetchone():
            return False
        self._connection.execute(queries.INSERT_CHECKPOINT, (row.org, row.size, row.root, row.note, row.at))
        self._connection.executemany(queries.INSERT_TREE_NODE, work.nodes or ())
        return True

    def _take_lease(self, work: TakeLease) -> bool:
        row = self._connection.execute(queries.LEASE, (work.name,)).fetchone()
        if row is not None and row[0] != work.holder and row[1] > self.at:
            return False
        self._connection.execute(queries.UPSERT_LEASE, (work.name, work.holder, self.at + work.seconds * 1_000_000))
        return True

    # --- writes, each after its expectation was found to hold ---------------------------------------------------------

    def _write(self, org: str, write: Write) -> None:
        """Gather what nothing in this transaction reads; the most frequent first."""
        gathered = self._gathered
        match write:
            case InsertAction(record):
                gathered.actions.append(rows.action_row(record))
                self._before.versions[org, record.id] = 1
            case InsertSealed(one):
                gathered.sealed.append((org, one.owner, one.name, one.key_id, one.nonce, one.ciphertext))
            case ChargeLimit():
                tat = self._before.tat(org, write.name, write.subject)
                self._before.tats[org, write.name, write.subject] = charged(tat, write.interval, self.at)
            case UpdateAction(record):
                gathered.updates.append(rows.action_row(record))
                self._before.versions[org, record.id] = record.version
                if record.spends:
                    self._settle(record)
            case NotAfter() | NotBefore():
                pass
            case InsertOpening():
                gathered.openings.append((org, write.action, write.round, write.reviewer, write.index))
            case AddAggregate(count):
                gathered.aggregates.append((org, count.name, count.source, count.minute, count.count))
            case RaiseEpoch():
                ledger = self._ledger(org)
                ledger.epoch += 1
                ledger.changed = True
            case _:
                self._write_at_once(org, write)

    def _write_at_once(self, org: str, write: _AtOnce) -> None:  # noqa: C901, PLR0912 - a line or two for each write of the port
        """Write what later items may ask the database for."""
        match write:
            case InsertPermit(permit):
                self._run(queries.VOID_PERMITS, org, permit.action)
                self._run(queries.INSERT_PERMIT, *rows.permit_row(permit))
            case ConsumePermit(jti):
                self._run(queries.CONSUME_PERMIT, jti)
            case ReserveSpend():
                self._reserve(org, write)
            case InsertIdempotency():
                row = (org, write.agent, write.key, write.body_hash, write.action, write.expires_at)
                self._run(queries.UPSERT_IDEMPOTENCY, *row)
            case InsertReview():
                self._gathered.flush(self._connection)  # the action may be among them
                self._run(queries.INSERT_REVIEW, *rows.review_row(org, write))
            case InsertDataKey(key):
                self._run(queries.INSERT_DATA_KEY, org, key.id, key.subject, key.wrapped, key.kek_id)
            case InsertPrincipal(principal):
                self._run(queries.INSERT_PRINCIPAL, *rows.principal_row(principal))
            case InsertKey(api_key):
                self._run(queries.INSERT_KEY, *rows.key_row(api_key))
            case RevokeKey(revoked):
                self._run(queries.REVOKE_KEY, self.at, org, revoked)
            case InsertRelease(release):
                self._run(queries.INSERT_RELEASE, *rows.release_row(release))
            case PutDraft(draft):
                self._run(queries.UPSERT_DRAFT, *rows.draft_row(draft))
            case RemoveDraft():
                self._run(queries.DELETE_DRAFT, org, write.draft)
            case PutWatch(watch):
                self._run(queries.UPSERT_WATCH, *rows.watch_row(watch))
            case TakeAggregate(one):
                self._gathered.flush(self._connection)
                self._run(queries.TAKE_AGGREGATE, org, one.name, one.source, one.minute)
            case _:
                assert_never(write)

    def _reserve(self, org: str, write: ReserveSpend) -> None:
        """Add an entry, move the sum's horizon up to the window, clear some of what is over."""
        place, since = (org, write.name, write.subject), self.at - write.window
        spent = self._before.spent_of(*place, since)
        self._run(queries.UPSERT_TOTAL, *place, spent.reserved + write.amount, spent.committed, since)
        self._run(queries.INSERT_SPEND, org, write.action, write.name, write.subject, write.amount)
        self._run(queries.CLEAR_SPEND, *place, min(self.at - KEPT, since))

    def _settle(self, record: ActionRecord) -> None:
        """Commit or release what was reserved for an action that moved."""
        settled = settlement(record)
        if settled is Settlement.COMMIT:
            self._run(queries.COMMIT_TOTALS, record.org, record.id)
            self._run(queries.COMMIT_SPEND, self.at, record.org, record.id)
        elif settled is Settlement.RELEASE:
            self._run(queries.RELEASE_TOTALS, record.org, record.id)
            self._run(queries.RELEASE_SPEND, record.org, record.id)

    def _run(self, query: LiteralString, *row: str | int | bytes | None) -> None:
        self._connection.execute(query, row)


def _installation_event(installation: str, at: int, data: dict[str, Json]) -> Event:
    """What the store itself has to say goes into the installation's own ledger."""
    return occurrence(
        event_id=str(uuid.uuid4()), org=installation, at=at, actor="system", kind=EventType.CLOCK_JUMPED, data=data
    )

"""What the services read and write, and what is remembered of it outside.

A store numbers and chains events, and its one write call is atomic: a commit is there as a whole, durably, when `commit`
returns, or not at all. Services hold no transaction.
"""

from typing import Protocol

from aaf.domain.approval import Review
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
from aaf.ports.commits import Answer, Commit, InsertIdempotency


class Reader(Protocol):
    """Point reads and pages. A read may be older than the last commit of another process by one transaction, never torn."""

    async def now(self) -> int:
        """The store's clock in microseconds: it never goes back, in this process or another."""

    async def doubtful(self) -> bool:
        """Whether the wall clock jumped forward by more than a minute and that isn't confirmed yet.

        It is once ten minutes have passed steadily since; a wall clock that comes back ends the doubt too.
        """

    async def epoch(self, org: str) -> int:
        """The organisation's epoch, from 0; unknown organisations are 0."""

    async def action(self, org: str, action: str) -> ActionRecord | None:
        """One action."""

    async def actions(
        self,
        org: str,
        *,
        state: State | None = None,
        agent: str | None = None,
        before: str | None = None,
        limit: int = 50,
    ) -> list[ActionRecord]:
        """Newest first by id (ids are time-ordered), older than the id `before`, at most `limit`."""

    async def count(self, org: str, state: State) -> int:
        """How many actions are in `state`; meant for the states that are open."""

    async def reviews(self, org: str, action: str, round_: int) -> list[Review]:
        """The reviews of one round in order."""

    async def openings(self, org: str, action: str, round_: int, reviewer: str) -> frozenset[int]:
        """Which long values this reviewer has opened."""

    async def sealed(self, org: str, owner: str, name: str) -> Sealed | None:
        """One sealed value."""

    async def data_key(self, org: str, key_id: str) -> DataKey | None:
        """One data key; None where it was erased."""

    async def data_key_of(self, org: str, subject: str) -> DataKey | None:
        """The newest data key of a subject."""

    async def idempotent(self, org: str, agent: str, key: str) -> InsertIdempotency | None:
        """What an idempotency key stands for; expired ones whose action is closed are not found."""

    async def limit(self, org: str, name: str, subject: str) -> int:
        """The limit's theoretical arrival time in microseconds, 0 if never charged."""

    async def limits(self, org: str, name: str, *, since: int, limit: int = 50) -> list[tuple[str, int]]:
        """Subjects of a limit with their theoretical arrival times after `since`, latest first, at most `limit`."""

    async def spent(self, org: str, name: str, subject: str, *, since: int) -> Spent:
        """What is reserved, and what was committed after `since`, in microseconds."""

    async def spent_by(self, org: str, name: str, *, since: int, limit: int = 50) -> list[tuple[str, Spent]]:
        """The same of every subject that has any, the largest total first, at most `limit`."""

    async def commitments(
        self, org: str, name: str, subject: str, *, since: int, limit: int = 500
    ) -> list[tuple[int, int]]:
        """When, after `since`, how many micro-units were committed: oldest first, at most `limit`."""

    async def permit(self, jti: str) -> PermitRecord | None:
        """One permit."""

    async def principals(self, org: str) -> list[PrincipalRecord]:
        """All principals, oldest first."""

    async def keys(self, org: str) -> list[KeyRecord]:
        """All keys, oldest first, revoked ones too."""

    async def key_by_mac(self, mac: bytes) -> tuple[KeyRecord, PrincipalRecord] | None:
        """The key with this HMAC, in whichever organisation."""

    async def release(self, org: str, number: int | None = None) -> Release | None:
        """The active release, or the one of this number."""

    async def releases(self, org: str, *, before: int | None = None, limit: int = 50) -> list[Release]:
        """Newest first, numbers below `before`, at most `limit`."""

    async def draft(self, org: str, draft: str) -> Draft | None:
        """One draft."""

    async def drafts(self, org: str) -> list[Draft]:
        """All drafts, oldest id first, each with no files: `{}`; all of theirs together could be more than a process holds."""

    async def watch(self, org: str) -> Watch | None:
        """What was last found in the organisation's folder."""

    async def lease(self, name: str) -> Lease | None:
        """Who took a lease last; whoever compares its end with `now` knows whether it is held."""

    async def decided(self, org: str, *, since: int = 0, after: str = "", limit: int = 500) -> list[Recorded]:
        """Actions made at or after `since`, oldest first by id, ids above `after`, at most `limit`, each with its sealed input."""

    async def due(self, now: int, limit: int) -> list[tuple[str, str]]:
        """(org, action) whose deadline is at or before `now`, earliest first, at most `limit`."""

    async def events(self, org: str, *, after: int = 0, limit: int = 1000) -> list[EventRow]:
        """Events with `seq > after`, in order."""

    async def events_of(self, org: str, action: str) -> list[EventRow]:
        """Every event of an action or about it, in order."""

    async def head(self, org: str) -> Head:
        """The end of the ledger; size 0 before the first event."""

    async def subtree(self, org: str, start: int, end: int) -> bytes:
        """RFC 6962 tree hash of the leaves with index `start <= i < end`."""

    async def checkpoint(self, org: str, *, at_least: int = 0) -> CheckpointRow | None:
        """The newest checkpoint, or None if none covers `at_least` events."""

    async def checkpoints(self, org: str) -> list[CheckpointRow]:
        """All checkpoints, smallest first."""

    async def dirty(self) -> list[str]:
        """Organisations whose ledger has grown past their newest checkpoint."""

    async def aggregate(self, org: str, name: str, source: str, minute: int) -> int | None:
        """The count of one aggregate, or None where there is none."""

    async def aggregates(self, before_minute: int) -> list[Aggregate]:
        """Aggregates of minutes earlier than `before_minute`."""

    async def organisations(self) -> list[str]:
        """Every organisation that has events or an epoch."""

    async def recovering(self) -> str | None:
        """Why the store denies everything until a person releases it, or None."""

    async def installation(self) -> str:
        """The installation's UUID, made when the store was."""


class Store(Reader, Protocol):
    """Reads, and the one write call."""

    async def commit(self, commit: Commit) -> Answer:
        """Write all of it durably or nothing.

        Raises:
            StoreFailed: the store can take nothing now; nothing was written, except after STORE_UNAVAILABLE, when it isn't known.
        """

    async def put_checkpoint(self, row: CheckpointRow) -> bool:
        """Keep a checkpoint, and the inner tree nodes that it makes final; False where one of this size is there."""

    async def take_lease(self, name: str, holder: str, seconds: int) -> bool:
        """Take or renew a named lease until the store's clock plus `seconds`; False while somebody else holds it."""

    async def set_recovering(self, why: str | None) -> None:
        """Enter recovery (every admission is refused) or leave it."""

    async def close(self) -> None:
        """Finish what is queued and let go of the files."""


class Anchors(Protocol):
    """Remembers, outside the store, the last checkpoint that was signed; that is how a store that was rolled back is noticed."""

    def keep(self, org: str, size: int, root: bytes) -> None:
        """Remember it; best effort, because the proof lies in checkpoints that left the machine."""

    def kept(self) -> list[tuple[str, int, bytes]]:
        """What is remembered: organisation, size, root.

        Raises:
            StoreFailed: what was remembered can't be read.
        """

    def forget(self) -> None:
        """Begin anew: a person decided that the store, as it is now, is the one that counts."""

"""What may be written, the one way to write it, and what a store answers.

Writes are a closed set. Nothing promises that what was read is still so when it is written: that is what the expected versions, the epoch
and the answers are for.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TypeAlias

from aaf.domain.approval import Review
from aaf.domain.events import Event
from aaf.domain.record import (
    ActionRecord,
    Aggregate,
    DataKey,
    Draft,
    KeyRecord,
    PermitRecord,
    PrincipalRecord,
    Release,
    Sealed,
    Watch,
)


@dataclass(frozen=True, slots=True)
class InsertAction:
    """A new action; its version is 1."""

    record: ActionRecord


@dataclass(frozen=True, slots=True)
class UpdateAction:
    """Replace the action whose version is still `record.version - 1`; otherwise `VERSION`.

    Where the record `spends`, what was reserved for it is settled with it, as `aaf.domain.spending.settlement` says: committed at the store's clock,
    released or kept. So no path can move an action and forget its reservations.
    """

    record: ActionRecord


@dataclass(frozen=True, slots=True)
class InsertSealed:
    """A sealed value; the same owner and name again replaces it."""

    sealed: Sealed


@dataclass(frozen=True, slots=True)
class InsertDataKey:
    """A new data key."""

    key: DataKey


@dataclass(frozen=True, slots=True)
class InsertReview:
    """The `ordinal`-th review (from 0) of this round; a taken ordinal or a second one by the same person is `REVIEW`.

    `action_version` must still be the action's version, otherwise `VERSION`.
    """

    action: str
    action_version: int
    round: int
    ordinal: int
    review: Review


@dataclass(frozen=True, slots=True)
class InsertOpening:
    """That a reviewer opened the `index`-th long value of this round; again is no error."""

    action: str
    round: int
    reviewer: str
    index: int


@dataclass(frozen=True, slots=True)
class InsertIdempotency:
    """That this agent's key stands for this body and action; a taken key is `IDEMPOTENCY`."""

    agent: str
    key: str
    body_hash: str
    action: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class ChargeLimit:
    """One unit of a GCRA limit (RFC-free; the generic cell rate algorithm of ATM Forum TM 4.0): over it is `LIMIT`.

    `interval` is microseconds a unit, `tolerance` is microseconds of burst: charged when max(tat, now) - now <= tolerance.
    """

    name: str
    subject: str
    interval: int
    tolerance: int


@dataclass(frozen=True, slots=True)
class ReserveSpend:
    """Reserve `amount` micro-units for `action`; over `ceiling` is `SPEND`, and so is a second reservation of the action in the same place.

    What counts against the ceiling is everything reserved, whenever it was, and what was committed in the last `window` microseconds before
    the store's clock. Without a ceiling, people decide.
    """

    action: str
    name: str
    subject: str
    amount: int
    ceiling: int | None
    window: int


@dataclass(frozen=True, slots=True)
class InsertPermit:
    """A new permit. An action has at most one live one: an earlier issued permit of the same action is made void."""

    permit: PermitRecord


@dataclass(frozen=True, slots=True)
class ConsumePermit:
    """Consume it now: unknown is `PERMIT_UNKNOWN`, used or void is `PERMIT_USED`, late by the store's clock is `PERMIT_EXPIRED`."""

    jti: str


@dataclass(frozen=True, slots=True)
class NotAfter:
    """The whole commit is refused with `DEADLINE` if the store's clock is past `at` (microseconds)."""

    at: int


@dataclass(frozen=True, slots=True)
class NotBefore:
    """The whole commit is refused with `DEADLINE` unless the store's clock has passed `at` (microseconds)."""

    at: int


@dataclass(frozen=True, slots=True)
class InsertPrincipal:
    """A new principal; a taken name of the same kind is `NAME`."""

    record: PrincipalRecord


@dataclass(frozen=True, slots=True)
class InsertKey:
    """A new key."""

    record: KeyRecord


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """Revoke at the store's clock; a key already revoked or unknown is `KEY`."""

    key: str


@dataclass(frozen=True, slots=True)
class RaiseEpoch:
    """Whatever anybody cached of keys, roles or configuration is stale from this commit on."""


@dataclass(frozen=True, slots=True)
class InsertRelease:
    """Activate this release; its number must be the active one plus one, otherwise `VERSION`."""

    release: Release


@dataclass(frozen=True, slots=True)
class PutDraft:
    """Keep this draft; its version must be the stored one plus one, where none is stored 1, otherwise `VERSION`."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class RemoveDraft:
    """Forget a draft whose version is still this; otherwise `VERSION`."""

    draft: str
    version: int


@dataclass(frozen=True, slots=True)
class PutWatch:
    """Keep what was found in the organisation's folder, in place of what was found before."""

    watch: Watch


@dataclass(frozen=True, slots=True)
class AddAggregate:
    """Add `aggregate.count` to the count of this name, source and minute."""

    aggregate: Aggregate


@dataclass(frozen=True, slots=True)
class TakeAggregate:
    """Remove an aggregate whose count is still `aggregate.count`; otherwise `AGGREGATE`."""

    aggregate: Aggregate


Write: TypeAlias = (
    InsertAction
    | UpdateAction
    | InsertSealed
    | InsertDataKey
    | InsertReview
    | InsertOpening
    | InsertIdempotency
    | ChargeLimit
    | ReserveSpend
    | InsertPermit
    | ConsumePermit
    | NotAfter
    | NotBefore
    | InsertPrincipal
    | InsertKey
    | RevokeKey
    | RaiseEpoch
    | InsertRelease
    | PutDraft
    | RemoveDraft
    | PutWatch
    | AddAggregate
    | TakeAggregate
)


@dataclass(frozen=True, slots=True)
class Commit:
    """Writes and events that are there together or not at all.

    `epoch` is the organisation's epoch that the caller judged under, or None where nothing cached was used. `admission` marks work that may wait:
    when the disk runs low it is refused, while outcomes and reviews still pass; in recovery reviews are refused too.
    """

    org: str
    writes: tuple[Write, ...]
    events: tuple[Event, ...]
    epoch: int | None = None
    admission: bool = False


@unique
class ConflictKind(StrEnum):
    """Which expectation of a commit was not met."""

    AGGREGATE = "aggregate"
    DEADLINE = "deadline"
    IDEMPOTENCY = "idempotency"
    KEY = "key"
    LIMIT = "limit"
    NAME = "name"
    PERMIT_EXPIRED = "permit_expired"
    PERMIT_UNKNOWN = "permit_unknown"
    PERMIT_USED = "permit_used"
    REVIEW = "review"
    SPEND = "spend"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Committed:
    """Durable: `seq` of the last event (0 if the commit had none), `at` the store's clock of the append."""

    seq: int
    at: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The first event's id is in the ledger already, at `seq`; nothing was written."""

    seq: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """An expectation was not met; nothing was written. Read again, judge again."""

    kind: ConflictKind
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StaleEpoch:
    """Keys, roles or configuration changed since `Commit.epoch`; nothing was written."""

    epoch: int


Answer: TypeAlias = Committed | Duplicate | Conflict | StaleEpoch

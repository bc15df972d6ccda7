"""What the services need from outside, as small protocols; each says what it doesn't promise.

A store numbers and chains events, and its one write call is atomic: a commit is there as a whole, durably, when `commit`
returns, or not at all. Services hold no transaction. Nothing here promises that what was read is still so when it is written: that is what the
expected versions, the epoch and the answers of `commit` are for.
"""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol, TypeAlias

from aaf.domain.approval import Review
from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.events import Event
from aaf.domain.finding import Analysis
from aaf.domain.metering import Metric, Reading
from aaf.domain.record import (
    ActionRecord,
    Aggregate,
    CheckpointRow,
    DataKey,
    EventRow,
    Head,
    KeyRecord,
    PermitRecord,
    PrincipalRecord,
    Release,
    Sealed,
)
from aaf.domain.redaction import Values
from aaf.domain.states import State
from aaf.policy.rego.answers import Answer as Says
from aaf.policy.rego.module import Module

# --- writes: a closed set ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InsertAction:
    """A new action; its version is 1."""

    record: ActionRecord


@dataclass(frozen=True, slots=True)
class UpdateAction:
    """Replace the action whose version is still `record.version - 1`; otherwise `VERSION`."""

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
    | InsertPermit
    | ConsumePermit
    | NotAfter
    | NotBefore
    | InsertPrincipal
    | InsertKey
    | RevokeKey
    | RaiseEpoch
    | InsertRelease
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


# --- answers ----------------------------------------------------------------------------------------------------------


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

    async def permit(self, jti: str) -> PermitRecord | None:
        """One permit."""

    async def principals(self, org: str) -> list[PrincipalRecord]:
        """All principals, oldest first."""

    async def keys(self, org: str) -> list[KeyRecord]:
        """All keys, oldest first, revoked ones too."""

    async def key_by_mac(self, mac: bytes) -> tuple[KeyRecord, PrincipalRecord] | None:
        """The key with this HMAC, in whichever organisation."""

    async def release(self, org: str) -> Release | None:
        """The active release."""

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


# --- the rest ---------------------------------------------------------------------------------------------------------


class Ids(Protocol):
    """Randomness: ids are UUIDv7 (RFC 9562) in text, ordered by time within a process."""

    def new(self) -> str:
        """A new id."""

    def salt(self) -> bytes:
        """32 random bytes."""


class Vault(Protocol):
    """Seals values under data keys; keeps unwrapped keys in memory and never writes one in the clear."""

    def new_data_key(self, org: str, key_id: str, subject: str) -> DataKey:
        """Make and wrap a data key."""

    def seal(self, key: DataKey, *, owner: str, name: str, plaintext: bytes) -> Sealed:
        """Seal under `key` with a fresh nonce (docs/formats.md section 11)."""

    def unseal(self, key: DataKey, sealed: Sealed) -> bytes:
        """Open what `seal` made.

        Raises:
            Unavailable: the key or the bytes are not what they were.
        """


class Signer(Protocol):
    """One Ed25519 key."""

    @property
    def public_key(self) -> bytes:
        """32 bytes, RFC 8032."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes, RFC 8032."""


class Secrets(Protocol):
    """Keyed hashes whose keys never leave the adapter."""

    def key_mac(self, key: str) -> bytes:
        """HMAC-SHA-256 of an API key under the pepper."""

    def match_key(self, org: str) -> bytes:
        """The organisation's key for matching alike calls."""

    def new_api_key(self) -> str:
        """A new API key (docs/formats.md section 12)."""


class SecretSource(Protocol):
    """Credentials by handle. Nothing is promised of how fresh a value is, beyond the provider's own lifetime."""

    async def get(self, handle: str) -> str:
        """One value, to be used at once and kept nowhere.

        Raises:
            ConnectorFailed: SECRET_UNAVAILABLE; it names the handle to the log only, and no value to anybody.
        """


class KnownSecrets(Protocol):
    """What the firewall itself must not let out. It finds values that it holds, and no others."""

    def known(self) -> Values:
        """A finder of every value that is there now, or that was when they could last be read."""


class HeldSecrets(SecretSource, KnownSecrets, Protocol):
    """Credentials, and a finder of them."""


class SecretStore(SecretSource, Protocol):
    """Credentials that an operator keeps; nothing gives a value back but `get`."""

    def values(self) -> frozenset[str]:
        """Every value, for the finder."""

    def handles(self) -> list[str]:
        """The handles that are there, in order."""

    def put(self, handle: str, value: str) -> bool:
        """Keep a value durably; True where it replaced one.

        Raises:
            InputRefused: the handle or the value isn't one.
            StoreFailed: it can't be kept.
        """

    def remove(self, handle: str) -> bool:
        """Forget a value; False where there was none."""


class Connector(Protocol):
    """Runs actions of one tool. Nothing here judges; whatever can't be told apart from harm is a `ConnectorFailed`."""

    @property
    def name(self) -> str:
        """As the catalogue's `effect: {connector: name}`."""

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        """Look at the parameters alone; no I/O."""

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:
        """What a run would do now.

        Raises:
            ConnectorFailed: it would not succeed, or may not.
        """

    async def run(self, *, operation: str, params: Mapping[str, Json], expected: Effect | None) -> Json:
        """Do it, if the target is still what `expected` saw; return the result.

        Raises:
            ConnectorFailed: it didn't happen (or, for CONNECTOR_TIMEOUT, it isn't known).
        """


class Log(Protocol):
    """Where causes go that no caller sees. One line an entry; never a parameter value or a secret."""

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        """Write one entry; must neither raise nor wait. A line that can't be written may be lost, the ledger is the record."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a piece of work came in: the door, and the request's id."""

    door: str
    request: str


ORIGIN: ContextVar[Origin | None] = ContextVar("origin", default=None)
"""Set by an entry point for what it starts; log lines name it. Nothing decides by it."""


class Meter(Protocol):
    """Counts what happened, for operators; must neither raise nor wait, and forgets with the process."""

    @property
    def public(self) -> bool:
        """Whether reading takes no key."""

    def add(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Count `by` more of the series with these labels, in the order of the metric's definition."""

    def time(self, metric: Metric, seconds: float) -> None:
        """Note one duration."""

    def gauge(self, metric: Metric, read: Callable[[], float]) -> None:
        """Ask `read` whenever the metrics are read; it must not wait."""

    def read(self) -> Reading:
        """All that was counted."""


class Connectors(Protocol):
    """The connectors of an organisation, as the active release configures them."""

    def get(
        self, name: str, settings: Mapping[str, Mapping[str, Json]], timeout: int, secrets: tuple[str, ...] = (), /
    ) -> Connector | None:
        """The connector under these settings of all connectors and this run timeout in seconds, or None.

        `secrets` are the handles that the action type declares; no other is used for it.
        """


class PolicyEngine(Protocol):
    """Asks policy modules. It promises no answer: whatever keeps it from one is a `PolicyFailed`, and the decision is a deny."""

    async def evaluate(
        self,
        modules: tuple[Module, ...],
        applying: tuple[Module, ...],
        document: bytes,
        facts: bytes,
        asker: str = "",
        /,
    ) -> tuple[Says, ...]:
        """What `applying` say of the JSON `document`, in their order; `modules` are all of the release, libraries too.

        `facts` is a JSON object of what the modules' functions may know, by the function's kind and its argument. `asker` is whose
        action it is, so that an engine can set aside who breaks it again and again.

        Raises:
            PolicyFailed: a module failed, took too long, or none can be asked now.
        """

    async def close(self) -> None:
        """End what was started."""


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

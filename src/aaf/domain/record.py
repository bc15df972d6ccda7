"""What a store keeps of an action, a permit, a key: values with a version, and nothing secret in the clear.

Parameters, context, views and results are never here; they lie sealed beside the record. `to_doc` and `from_doc` are the stored form.
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from aaf.domain.canonical import Json
from aaf.domain.decision import Requirement
from aaf.domain.errors import Problem
from aaf.domain.principal import Kind
from aaf.domain.states import State


@dataclass(frozen=True, slots=True)
class ActionRecord:
    """One action as it stands. Times in microseconds; `version` is the `action_seq` of its last event.

    `deadline` ends the present state by itself: the answer's timeout while pending, the time to use it while allowed or
    approved, the end of the lease while executing. `round` counts how often it went to people; `long_values` is how many values an approver has to open.
    `spends` says that spend was reserved for it.
    """

    org: str
    id: str
    version: int
    state: State
    agent: str
    type: str
    server: str | None
    digest: str
    match_key: str
    action_class: str
    risk: str
    release: int
    entry: str
    effect: str
    created_at: int
    updated_at: int
    deadline: int | None
    reasons: tuple[dict[str, Json], ...]
    code: str
    requirements: tuple[Requirement, ...] = ()
    round: int = 0
    effect_digest: str | None = None
    view_digest: str | None = None
    long_values: int = 0
    run: str = "no"
    lease: str | None = None
    outcome: dict[str, Json] | None = None
    spends: bool = False

    def to_doc(self) -> dict[str, Json]:
        """Everything that isn't a column of its own in a store."""
        return {
            "action_class": self.action_class,
            "code": self.code,
            "digest": self.digest,
            "effect": self.effect,
            "effect_digest": self.effect_digest,
            "entry": self.entry,
            "lease": self.lease,
            "long_values": self.long_values,
            "outcome": self.outcome,
            "reasons": list(self.reasons),
            "release": self.release,
            "requirements": [requirement.to_json() for requirement in self.requirements],
            "risk": self.risk,
            "round": self.round,
            "run": self.run,
            "server": self.server,
            "spends": self.spends,
            "updated_at": self.updated_at,
            "view_digest": self.view_digest,
        }


@unique
class PermitState(StrEnum):
    """Whether the single-use right is still there."""

    CONSUMED = "consumed"
    ISSUED = "issued"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class PermitRecord:
    """A permit as stored; times in microseconds. `action_version` is the version of the action that it was issued for."""

    org: str
    jti: str
    action: str
    agent: str
    digest: str
    audience: str
    issued_at: int
    expires_at: int
    action_version: int
    state: PermitState = PermitState.ISSUED


@dataclass(frozen=True, slots=True)
class PrincipalRecord:
    """Somebody who may hold keys."""

    org: str
    id: str
    kind: Kind
    name: str
    roles: tuple[str, ...]
    created_at: int


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as stored: `mac` is its HMAC under the pepper, `hint` its first characters; times in microseconds."""

    org: str
    id: str
    principal: str
    name: str
    mac: bytes
    hint: str
    action_types: tuple[str, ...]
    created_at: int
    expires_at: int | None
    revoked_at: int | None = None

    def is_live(self, now: int) -> bool:
        """Whether it is good at `now`, in microseconds."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value: which data key, nonce, ciphertext with its tag."""

    owner: str
    name: str
    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """An action with its sealed decision input, which may be gone."""

    action: ActionRecord
    input: Sealed | None


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key, wrapped by the key-encryption key `kek_id`; one per organisation and subject."""

    org: str
    id: str
    subject: str
    wrapped: bytes
    kek_id: str


@unique
class ManagedBy(StrEnum):
    """Who may write an organisation's configuration: the folder that a server watches, or people over the API."""

    API = "api"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Release:
    """One immutable, numbered configuration: the compiled document and the files that it came from, both as canonical JSON.

    `files` is an object of texts by their names in the folder, `source` their hash.
    """

    org: str
    number: int
    document: bytes
    source: str
    author: str
    message: str
    activated_at: int
    files: bytes = b"{}"
    managed_by: ManagedBy = ManagedBy.FILE


@dataclass(frozen=True, slots=True)
class Draft:
    """Files that somebody works on and nobody is judged by: `base` is the release that they began from, `version` counts the saves from 1."""

    org: str
    id: str
    version: int
    base: int
    files: bytes
    message: str
    author: str
    updated_at: int


@dataclass(frozen=True, slots=True)
class Watch:
    """What the process that watches an organisation's folder last found there: one row an organisation.

    `source` is the hash of the files that were found, `release` the number that was active then. `problems` is why they were not activated,
    files named as in the folder; none where what was found is what was active. `at` in microseconds.
    """

    org: str
    process: str
    pid: int
    folder: str
    source: str
    release: int
    at: int
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a named lease, and until when by the store's clock, in microseconds."""

    holder: str
    ends_at: int


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event with its place."""

    seq: int
    id: str
    type: str
    action: str | None
    body: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a ledger: how many events, the last chain value, the Merkle root, the time of the last append in microseconds."""

    size: int
    chain: bytes
    root: bytes


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A signed tree head as stored."""

    org: str
    size: int
    root: bytes
    note: str
    at: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Repeated refusals counted instead of recorded one by one: `minute` is microseconds cut down to a minute."""

    org: str
    name: str
    source: str
    minute: int
    count: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What counts against a ceiling, in micro-units: reserved for actions that may still run, and committed within the window."""

    reserved: int = 0
    committed: int = 0

    @property
    def total(self) -> int:
        """Both."""
        return self.reserved + self.committed

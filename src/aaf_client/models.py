"""What the firewall answers, as values. Unknown members are kept in `raw`; a known one of another form is a `BadAnswer`, never a guess.

Values only: nothing here asks, waits or remembers. Parameters are not part of an action's answer, so no `repr` can show one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, unique
from typing import Final, Self, TypeAlias, TypeVar, cast

from aaf_client._root import BadAnswer

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
"""What JSON can hold; an integral number is an int."""

T = TypeVar("T")


@unique
class ActionStatus(StrEnum):
    """Where an action stands."""

    ALLOWED = "allowed"
    APPROVED = "approved"
    CANCELLED = "cancelled"
    DENIED = "denied"
    EXECUTING = "executing"
    EXPIRED = "expired"
    FAILED = "failed"
    LAPSED = "lapsed"
    PENDING_APPROVAL = "pending_approval"
    REJECTED = "rejected"
    SUCCEEDED = "succeeded"
    UNKNOWN = "unknown"


MAY_RUN: Final = frozenset({ActionStatus.ALLOWED, ActionStatus.APPROVED})
"""Execute it, or ask for a permit."""

MOVING: Final = frozenset({ActionStatus.EXECUTING, ActionStatus.PENDING_APPROVAL})
"""Something is about to happen; worth waiting for."""

CALLER: Final = "caller"
"""The `effect` of an action that the caller runs itself, with a permit."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a parameter isn't what the catalogue declares: a JSON path and a sentence without the value."""

    path: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the run ended, and who says so: `connector`, `caller` or `person`."""

    code: str
    source: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One vote of a decision, for those with the right to an explanation; agents are shown none."""

    code: str
    raw: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One request of one agent and what became of it.

    `code`, `message` and `next` say how it got to its `status` and what may be done; `deadline` is until when it can be approved or run;
    `digest` binds the bytes that were decided on; `retry_after` is how many seconds after `updated_at` a limit that denied it may say otherwise. `raw` is the answer as it came.
    """

    id: str
    status: ActionStatus
    type: str
    digest: str
    code: str
    effect: str
    message: str = ""
    next: str = ""
    agent: str = ""
    action_class: str = ""
    risk: str = ""
    run: str = "no"
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deadline: datetime | None = None
    faults: tuple[Fault, ...] = ()
    outcome: Outcome | None = None
    rejection: str | None = None
    result: Json = field(default=None, repr=False)
    retry_after: int | None = None
    reasons: tuple[Reason, ...] = ()
    raw: Mapping[str, Json] = field(default_factory=dict, repr=False, compare=False)

    @property
    def may_run(self) -> bool:
        """Whether it is allowed or approved and not run yet."""
        return self.status in MAY_RUN

    @property
    def is_caller_run(self) -> bool:
        """Whether the caller runs it with a permit; else a connector does."""
        return self.effect == CALLER

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the answer of the firewall.

        Raises:
            BadAnswer: it is none.
        """
        raw = _object(value, "an action")
        status = _text(raw, "status")
        if status not in _STATUSES:
            raise BadAnswer("The action is in a state that this client doesn't know.", hint="Update the client.")
        return cls(
            id=_text(raw, "id", least=1),
            status=ActionStatus(status),
            type=_text(raw, "type"),
            digest=_text(raw, "digest", least=1),
            code=_text(raw, "code"),
            effect=_text(raw, "effect", least=1),
            message=_text(raw, "message", ""),
            next=_text(raw, "next", ""),
            agent=_text(raw, "agent", ""),
            action_class=_text(raw, "class", ""),
            risk=_text(raw, "risk", ""),
            run=_text(raw, "run", "no"),
            created_at=_instant(raw, "created_at"),
            updated_at=_instant(raw, "updated_at"),
            deadline=_instant(raw, "deadline"),
            faults=tuple(Fault(_text(one, "path"), _text(one, "message")) for one in _objects(raw, "faults")),
            outcome=_outcome(raw.get("outcome")),
            rejection=None if raw.get("rejection") is None else _text(raw, "rejection"),
            result=raw.get("result"),
            retry_after=_seconds(raw, "retry_after"),
            reasons=tuple(Reason(_text(one, "code", ""), one) for one in _objects(raw, "reasons")),
            raw=raw,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The single-use right to run one digest before `expires_at`; `token` is for a tool server that checks it offline."""

    jti: str
    action: str
    digest: str
    expires_at: datetime
    token: str = field(default="", repr=False)

    @classmethod
    def from_json(cls, value: Json, *, action: str, digest: str) -> Self:
        """Read the answer of the firewall about the permit of `action`.

        Raises:
            BadAnswer: it is none.
        """
        raw = _object(value, "a permit")
        expires_at = _instant(raw, "expires_at")
        if expires_at is None:
            raise _not_of_form("expires_at")
        return cls(
            jti=_text(raw, "jti", least=1),
            action=action,
            digest=digest,
            expires_at=expires_at,
            token=_text(raw, "token", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """A permit that was used up: the action is executing; run it with `params` and nothing else, then report with `lease`."""

    action: Action
    lease: str
    params: Mapping[str, Json] = field(repr=False)

    @classmethod
    def from_json(cls, value: Json, *, lease: str) -> Self:
        """Read the answer of the firewall about the permit `lease`.

        Raises:
            BadAnswer: it is none.
        """
        raw = _object(value, "a consumed permit")
        return cls(
            action=Action.from_json(raw.get("action")),
            lease=lease,
            params=_object(raw.get("params"), "parameters"),
        )


_STATUSES = frozenset(map(str, ActionStatus))


def _not_of_form(name: str) -> BadAnswer:
    return BadAnswer(f"The answer's `{name}` is not of the form that is expected.")


def _object(value: Json, what: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise BadAnswer(f"The answer is not {what}.")
    return value


def _objects(raw: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    found = raw.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _not_of_form(name)
    return cast("list[dict[str, Json]]", found)


def _text(raw: Mapping[str, Json], name: str, default: str | None = None, *, least: int = 0) -> str:
    found = raw.get(name, default)
    if not isinstance(found, str) or len(found) < least:
        raise _not_of_form(name)
    return found


def _instant(raw: Mapping[str, Json], name: str) -> datetime | None:
    found = raw.get(name)
    if found is None:
        return None
    try:
        instant = datetime.fromisoformat(found) if isinstance(found, str) else None
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise _not_of_form(name)
    return instant


def _seconds(raw: Mapping[str, Json], name: str) -> int | None:
    found = raw.get(name)
    if found is not None and (isinstance(found, bool) or not isinstance(found, int)):
        raise _not_of_form(name)
    return found


def _outcome(value: Json) -> Outcome | None:
    if value is None:
        return None
    raw = _object(value, "an outcome")
    return Outcome(_text(raw, "code"), _text(raw, "source"))

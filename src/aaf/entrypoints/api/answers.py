"""What the routes answer: the shapes, and how a record becomes one. An agent is told codes and what to do next, never a rule's name.

Times are RFC 3339 in UTC with microseconds; digests, roots and hashes are lowercase hex.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NotRequired

import orjson
from pydantic import ConfigDict, with_config
from starlette.responses import Response
from typing_extensions import TypedDict

from aaf.domain.advice import advise
from aaf.domain.approval import Review
from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord, EventRow, KeyRecord, PrincipalRecord
from aaf.services.actions import Seen
from aaf.services.core import Caller, Known
from aaf.services.review import Shown

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_closed = with_config(ConfigDict(extra="forbid"))


def instant(microseconds: int) -> str:
    """`2026-01-31T12:00:00.000000Z`."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds")[:-6] + "Z"


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(body), status, headers, "application/json")


# --- actions ----------------------------------------------------------------------------------------------------------


@_closed
class Fault(TypedDict):
    """Where a parameter isn't what the catalogue declares."""

    path: str
    message: str


@_closed
class Outcome(TypedDict):
    """How the run ended, and who says so: `connector`, `caller` or `person`."""

    code: str
    source: str


@_closed
class RequirementBody(TypedDict):
    """What a hold asks of people; `timeout` in seconds."""

    approvers: list[str]
    quorum: int
    reason_required: bool
    timeout: int


_Class = TypedDict("_Class", {"class": str})


@_closed
class ActionBody(_Class):
    """An action; `reasons`, `release` and `requirements` only for people with the right to an explanation."""

    id: str
    status: str
    type: str
    agent: str
    risk: str
    digest: str
    code: str
    message: str
    next: str
    effect: str
    run: str
    created_at: str
    updated_at: str
    deadline: str | None
    faults: list[Fault]
    outcome: Outcome | None
    rejection: str | None
    result: Any
    reasons: NotRequired[list[dict[str, Any]]]
    release: NotRequired[int]
    requirements: NotRequired[list[RequirementBody]]


def action_body(
    caller: Caller,
    record: ActionRecord,
    *,
    result: Json = None,
    rejection: str | None = None,
    faults: Iterable[dict[str, Any]] = (),
) -> ActionBody:
    """The action as `caller` may see it."""
    advice = advise(record.state, Code(record.code))
    outcome = record.outcome
    body: ActionBody = {
        "id": record.id,
        "status": record.state,
        "type": record.type,
        "agent": record.agent,
        "class": record.action_class,
        "risk": record.risk,
        "digest": record.digest,
        "code": record.code,
        "message": advice.message,
        "next": advice.next,
        "effect": record.effect,
        "run": record.run,
        "created_at": instant(record.created_at),
        "updated_at": instant(record.updated_at),
        "deadline": None if record.deadline is None else instant(record.deadline),
        "faults": [{"path": str(fault["path"]), "message": str(fault["message"])} for fault in faults],
        "outcome": None if outcome is None else {"code": str(outcome["code"]), "source": str(outcome["source"])},
        "rejection": rejection,
        "result": result,
    }
    if caller.principal.may(Permission.ORG_DECISION_EXPLAIN):
        body["reasons"] = list(record.reasons)
        body["release"] = record.release
        body["requirements"] = _requirements(record)
    return body


def seen_body(caller: Caller, seen: Seen) -> ActionBody:
    """An action that was read."""
    return action_body(caller, seen.record, result=seen.result, rejection=seen.rejection, faults=seen.faults)


def _requirements(record: ActionRecord) -> list[RequirementBody]:
    return [
        {
            "approvers": list(one.approvers),
            "quorum": one.quorum,
            "reason_required": one.reason_required,
            "timeout": one.timeout,
        }
        for one in record.requirements
    ]


@_closed
class ActionList(TypedDict):
    """Actions, newest first; `next` is the `before` of the following page, null where there is none."""

    actions: list[ActionBody]
    next: str | None


@_closed
class PermitBody(TypedDict):
    """A permit: the signed token, and until when it can be consumed."""

    jti: str
    token: str
    expires_at: str


@_closed
class ConsumedBody(TypedDict):
    """The action, now executing, and the parameters to run it with: these, and no others."""

    action: ActionBody
    params: dict[str, Any]


# --- approvals --------------------------------------------------------------------------------------------------------


@_closed
class Named(TypedDict):
    """Somebody, by id and name."""

    id: str
    name: str


@_closed
class ReviewBody(TypedDict):
    """One person's answer."""

    reviewer: Named
    verdict: Literal["approve", "reject"]
    reason: str
    at: str


@_closed
class ApprovalSummary(_Class):
    """A held action in a list."""

    id: str
    status: str
    type: str
    agent: Named
    risk: str
    digest: str
    view_digest: str
    round: int
    created_at: str
    deadline: str | None
    requirements: list[RequirementBody]


@_closed
class ApprovalBody(ApprovalSummary):
    """A held action in full. `view` holds every value as segments; `opened` are the long values that this person has opened."""

    view: dict[str, Any]
    long_values: int
    opened: list[int]
    reviews: list[ReviewBody]
    may_review: bool
    may_not_because: str | None


@_closed
class ApprovalList(TypedDict):
    """What waits, newest first; `next` is the `before` of the following page."""

    approvals: list[ApprovalSummary]
    next: str | None


@_closed
class ValueBody(TypedDict):
    """A long value, whole: segments of `[kind, text, flag]`."""

    index: int
    path: list[Any]
    type: str
    length: int
    long: bool
    hidden: int
    opened: bool
    segments: list[Any]


def approval_summary(known: Known, record: ActionRecord) -> ApprovalSummary:
    """A held action in a list."""
    return {
        "id": record.id,
        "status": record.state,
        "type": record.type,
        "agent": _named(known, record.agent),
        "class": record.action_class,
        "risk": record.risk,
        "digest": record.digest,
        "view_digest": record.view_digest or "",
        "round": record.round,
        "created_at": instant(record.created_at),
        "deadline": None if record.deadline is None else instant(record.deadline),
        "requirements": _requirements(record),
    }


def approval_body(known: Known, shown: Shown) -> ApprovalBody:
    """A held action in full."""
    return {
        **approval_summary(known, shown.record),
        "view": shown.view,
        "long_values": shown.record.long_values,
        "opened": sorted(shown.opened),
        "reviews": [_review(known, review) for review in shown.reviews],
        "may_review": shown.may_review is None,
        "may_not_because": shown.may_review,
    }


def _review(known: Known, review: Review) -> ReviewBody:
    return {
        "reviewer": _named(known, review.reviewer),
        "verdict": review.verdict.value,
        "reason": review.reason,
        "at": instant(review.at),
    }


def _named(known: Known, principal: str) -> Named:
    return {"id": principal, "name": known.name(principal)}


# --- keys -------------------------------------------------------------------------------------------------------------


@_closed
class PrincipalBody(TypedDict):
    """Whom a key stands for."""

    id: str
    kind: str
    name: str
    roles: list[str]


@_closed
class KeyBody(TypedDict):
    """A key, without the key itself: `hint` is how it begins."""

    id: str
    name: str
    hint: str
    principal: PrincipalBody
    action_types: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


@_closed
class NewKeyBody(KeyBody):
    """A key just made: `key` is shown this once."""

    key: str


@_closed
class KeyList(TypedDict):
    """Every key, oldest first."""

    keys: list[KeyBody]


@_closed
class RevokedBody(TypedDict):
    """A key that is good no longer."""

    id: str
    revoked: Literal[True]


def key_body(key: KeyRecord, principal: PrincipalRecord) -> KeyBody:
    """A key."""
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "principal": {
            "id": principal.id,
            "kind": principal.kind,
            "name": principal.name,
            "roles": list(principal.roles),
        },
        "action_types": list(key.action_types),
        "created_at": instant(key.created_at),
        "expires_at": None if key.expires_at is None else instant(key.expires_at),
        "revoked_at": None if key.revoked_at is None else instant(key.revoked_at),
    }


# --- ledger and process -----------------------------------------------------------------------------------------------


@_closed
class EventBody(TypedDict):
    """An event with its place; `body` is the recorded one, canonical and byte for byte."""

    seq: int
    chain: str
    body: dict[str, Any]


@_closed
class EventList(TypedDict):
    """Events in order; `next` is the `after` of the following page, null where there is none."""

    events: list[EventBody]
    next: int | None


@_closed
class VerifiedBody(TypedDict):
    """What a check of the ledger found: `bad` is the first sequence number that doesn't fit, and `why`."""

    ok: bool
    size: int
    root: str
    checkpoint: int
    bad: int | None
    why: str


@_closed
class CheckpointBody(TypedDict):
    """The newest signed tree head, and the key to check it with."""

    note: str
    size: int
    root: str
    origin: str
    vkey: str


@_closed
class ConsistencyBody(TypedDict):
    """The hashes that show that the newer tree continues the older one (RFC 9162 section 2.1.4)."""

    old: int
    new: int
    proof: list[str]


@_closed
class HealthBody(TypedDict):
    """Whether new actions are taken."""

    status: Literal["ok", "recovering", "unavailable"]


def event_body(row: EventRow) -> dict[str, object]:
    """An event, its body as the bytes that were recorded."""
    return {"seq": row.seq, "chain": row.chain.hex(), "body": orjson.Fragment(row.body)}

"""What the routes answer: the shapes, and how a record becomes one. An agent is told codes and what to do next, never a rule's name.

Times are RFC 3339 in UTC with microseconds; digests, roots and hashes are lowercase hex.
"""

from typing import Any, Literal, NotRequired, cast

import orjson
from pydantic import ConfigDict, with_config
from starlette.responses import Response
from typing_extensions import TypedDict

from aaf.domain.approval import Review
from aaf.domain.instants import instant
from aaf.domain.record import ActionRecord
from aaf.services.core import Known
from aaf.services.review import Shown
from aaf.services.telling import asked_of_people

closed = with_config(ConfigDict(extra="forbid"))
"""A shape with these members and no others."""


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(orjson.dumps(body), status, headers, "application/json")


# --- actions ----------------------------------------------------------------------------------------------------------


@closed
class Fault(TypedDict):
    """Where a parameter isn't what the catalogue declares."""

    path: str
    message: str


@closed
class Outcome(TypedDict):
    """How the run ended, and who says so: `connector`, `caller` or `person`."""

    code: str
    source: str


@closed
class RequirementBody(TypedDict):
    """What a hold asks of people; `timeout` in seconds."""

    approvers: list[str]
    quorum: int
    reason_required: bool
    timeout: int


_Class = TypedDict("_Class", {"class": str})


@closed
class ActionBody(_Class):
    """An action; `retry_after` in seconds from `updated_at`, where only limits denied it; `reasons`, `release` and `requirements` only for people with the right to an explanation."""

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
    retry_after: int | None
    reasons: NotRequired[list[dict[str, Any]]]
    release: NotRequired[int]
    requirements: NotRequired[list[RequirementBody]]


@closed
class ActionList(TypedDict):
    """Actions, newest first; `next` is the `before` of the following page, null where there is none."""

    actions: list[ActionBody]
    next: str | None


@closed
class PermitBody(TypedDict):
    """A permit: the signed token, and until when it can be consumed."""

    jti: str
    token: str
    expires_at: str


@closed
class ConsumedBody(TypedDict):
    """The action, now executing, and the parameters to run it with: these, and no others."""

    action: ActionBody
    params: dict[str, Any]


# --- approvals --------------------------------------------------------------------------------------------------------


@closed
class Named(TypedDict):
    """Somebody, by id and name."""

    id: str
    name: str


@closed
class ReviewBody(TypedDict):
    """One person's answer."""

    reviewer: Named
    verdict: Literal["approve", "reject"]
    reason: str
    at: str


@closed
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


@closed
class ApprovalBody(ApprovalSummary):
    """A held action in full. `view` is segments, `opened` the long values that this person opened, `approved` what counts for each requirement."""

    view: dict[str, Any]
    long_values: int
    opened: list[int]
    reviews: list[ReviewBody]
    approved: list[int]
    may_review: bool
    may_not_because: str | None


@closed
class ApprovalList(TypedDict):
    """What waits, newest first; `next` is the `before` of the following page."""

    approvals: list[ApprovalSummary]
    next: str | None


@closed
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
        "requirements": cast("list[RequirementBody]", asked_of_people(record)),
    }


def approval_body(known: Known, shown: Shown) -> ApprovalBody:
    """A held action in full."""
    return {
        **approval_summary(known, shown.record),
        "view": shown.view,
        "long_values": shown.record.long_values,
        "opened": sorted(shown.opened),
        "reviews": [_review(known, review) for review in shown.reviews],
        "approved": list(shown.approved),
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

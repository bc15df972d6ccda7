"""Why an action was decided as it was."""

from typing import Annotated, Any, Literal, NotRequired

from fastapi import APIRouter, Query
from starlette.responses import Response
from typing_extensions import TypedDict

from aaf.entrypoints.api.answers import Fault, answer, closed
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated, DoorRoute
from aaf.entrypoints.api.requests import ActionId
from aaf.services.explaining import explain

_Verdict = Literal["allow", "deny", "require_approval"]
Now = Annotated[bool, Query(description="Judge it under the active release instead of the one that judged.")]


@closed
class ReasonBody(TypedDict):
    """Who made a recorded decision; `unknown` where a rule fired for want of a value."""

    code: str
    name: str
    source: str
    unknown: NotRequired[bool]


@closed
class DecisionBody(TypedDict):
    """A decision as the ledger has it."""

    at: str
    code: str
    reasons: list[ReasonBody]
    release: int
    verdict: _Verdict


@closed
class ReleaseBody(TypedDict):
    """The release that judges here; null members where it isn't kept any more."""

    activated_at: str | None
    active: bool
    author: str | None
    message: str | None
    number: int


@closed
class OutcomeBody(TypedDict):
    """What was decided when it was judged again."""

    code: str
    verdict: _Verdict


@closed
class VoteBody(TypedDict):
    """One vote: `counted` is false for defaults where somebody spoke, `deciding` where a stricter vote won."""

    code: str
    counted: bool
    deciding: bool
    name: str
    pool: Literal["default", "explicit", "guard"]
    reason: str
    source: str
    unknown: bool
    verdict: _Verdict


@closed
class RuleBody(TypedDict):
    """One rule that could have matched. `condition` is a tree of `all` and `any` lists whose leaves are tests."""

    condition: dict[str, Any]
    decision: _Verdict
    name: str
    reason: str
    said: Literal["failed", "silent", "spoke", "unknown"]


@closed
class ModuleBody(TypedDict):
    """One policy module that applies; `hash` is of the module as its release keeps it."""

    answer: Any
    code: str | None
    hash: str
    line: int | None
    name: str
    package: str
    said: Literal["failed", "not_asked", "silent", "spoke"]


@closed
class ChangedBody(TypedDict):
    """One parameter, the values that would do, in words, and the one that was tried; null where it is left out."""

    field: str
    value: Any
    words: str


@closed
class ChangeBody(TypedDict):
    """Changes that together are judged otherwise."""

    fields: list[ChangedBody]
    verdict: _Verdict


@closed
class CounterfactualBody(TypedDict):
    """The smallest change for each other verdict, how many were judged, and why there is none."""

    changes: list[ChangeBody]
    tried: int
    why: str


@closed
class ExplanationBody(TypedDict):
    """Why it was decided so. `same` is false where judging again doesn't give the recorded decision, null where that can't be told."""

    action: str
    agent: str
    counterfactual: CounterfactualBody
    decided_at: str
    faults: list[Fault]
    judged_under: Literal["active", "recorded"]
    later: list[DecisionBody]
    modules: list[ModuleBody]
    notes: list[str]
    outcome: OutcomeBody | None
    recorded: DecisionBody
    release: ReleaseBody
    rules: list[RuleBody]
    same: bool | None
    type: str
    votes: list[VoteBody]


router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["actions"])


@router.get(
    "/actions/{action}/explanation",
    response_model=ExplanationBody,
    summary="Explain a decision",
    responses=refusals(400, 403, 404),
)
async def explain_decision(call: Authenticated, action: ActionId, now: Now = False) -> Response:  # noqa: FBT002 - a parameter of the query
    """Judged again on the recorded input. Each opening is recorded; no agent's key can open one."""
    return answer(await explain(call.core, call.caller, action, now=now))

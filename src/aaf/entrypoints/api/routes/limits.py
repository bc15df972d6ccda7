"""Limits: what the active configuration says, and who uses how much of it now."""

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response
from typing_extensions import TypedDict

from aaf.domain.instants import instant
from aaf.domain.spending import decimal_text
from aaf.entrypoints.api.answers import answer, closed
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated, DoorRoute
from aaf.policy.limits import Limit, SpendLimit
from aaf.services.core import Known
from aaf.services.limiting import InUse, RateUse, SpendUse, limits_in_use

Scope = TypedDict("Scope", {"tool": list[str], "operation": list[str], "class": list[str]})
"""What a limit is about; an empty list leaves it open."""


@closed
class Part(TypedDict):
    """Half of whom a use is counted for: `per` is `agent`, `user`, `action` or `organisation`; `name` is for people."""

    per: str
    id: str
    name: str


@closed
class RateUseBody(TypedDict):
    """One subject of a rate: units left now, and when one more comes back."""

    subject: list[Part]
    remaining: int
    frees_at: str


@closed
class SpendUseBody(TypedDict):
    """One subject of a ceiling: amounts as decimal strings, and when the first of what is committed leaves the window."""

    subject: list[Part]
    currency: str
    reserved: str
    committed: str
    remaining: str
    frees_at: str | None


@closed
class RateBody(TypedDict):
    """A rate; `over` is what it says of an action over it, null where the door refuses it."""

    kind: Literal["rate"]
    name: str
    per: list[str]
    match: Scope
    enforce: str
    over: str | None
    rate: str
    burst: int
    uses: list[RateUseBody]


@closed
class CeilingBody(TypedDict):
    """A ceiling: decimal strings by currency; `window` in seconds."""

    kind: Literal["spend"]
    name: str
    per: list[str]
    match: Scope
    over: str
    ceilings: dict[str, str]
    window: int
    uses: list[SpendUseBody]


@closed
class LimitList(TypedDict):
    """Every limit of the active configuration, at most 50 subjects each."""

    limits: list[RateBody | CeilingBody]


router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["configuration"])

_SECOND = 1_000_000


@router.get(
    "/limits", response_model=LimitList, summary="List limits and what is used of them", responses=refusals(400, 403)
)
async def list_limits(call: Authenticated) -> Response:
    """Those with the least left come first."""
    found = await limits_in_use(call.core, call.caller)
    return answer({"limits": [_limit(call.caller.known, one) for one in found]})


def _limit(known: Known, found: InUse) -> RateBody | CeilingBody:
    limit = found.limit
    if isinstance(limit, Limit):
        return {
            "kind": "rate",
            "name": limit.name,
            "per": [*limit.per],
            "match": _match(limit),
            "enforce": limit.enforce,
            "over": None if limit.enforce == "door" else limit.over,
            "rate": limit.rate,
            "burst": limit.burst,
            "uses": [
                {
                    "subject": _subject(known, use.subject),
                    "remaining": use.remaining,
                    "frees_at": instant(use.frees_at),
                }
                for use in found.uses
                if isinstance(use, RateUse)
            ],
        }
    return {
        "kind": "spend",
        "name": limit.name,
        "per": [*limit.per],
        "match": _match(limit),
        "over": limit.over,
        "ceilings": {currency: decimal_text(ceiling) for currency, ceiling in limit.ceilings.items()},
        "window": limit.window // _SECOND,
        "uses": [_spent(known, limit, use) for use in found.uses if isinstance(use, SpendUse)],
    }


def _match(limit: Limit | SpendLimit) -> Scope:
    scope = limit.scope
    return {"tool": [*scope.tools], "operation": [*scope.operations], "class": [*scope.classes]}


def _spent(known: Known, limit: SpendLimit, use: SpendUse) -> SpendUseBody:
    left = limit.ceilings.get(use.currency, 0) - use.spent.total
    return {
        "subject": _subject(known, use.subject),
        "currency": use.currency,
        "reserved": decimal_text(use.spent.reserved),
        "committed": decimal_text(use.spent.committed),
        "remaining": decimal_text(max(left, 0)),
        "frees_at": None if use.frees_at is None else instant(use.frees_at),
    }


def _subject(known: Known, subject: str) -> list[Part]:
    """The parts of a subject as the store names it."""
    found: list[Part] = []
    for part in subject.split(" "):
        per, _, named = part.partition("=")
        who = named or known.org
        found.append({"per": per, "id": who, "name": known.name(who) if named else "everybody"})
    return found

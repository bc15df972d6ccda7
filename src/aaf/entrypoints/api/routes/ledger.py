"""The ledger: events, checks, export, checkpoints and proof packs."""

from typing import Any

import orjson
from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from aaf.domain.errors import Code, InputRefused, NotFound
from aaf.domain.record import EventRow
from aaf.entrypoints.api.answers import answer, closed
from aaf.entrypoints.api.openapi import binary, refusals, text
from aaf.entrypoints.api.receiving import Authenticated, DoorRoute
from aaf.entrypoints.api.requests import ActionId, After, EventLimit, OfAction, OfType, Size
from aaf.services import ledger
from aaf.services.proof import proof_pack


@closed
class EventBody(TypedDict):
    """An event with its place; `body` is the recorded one, canonical and byte for byte."""

    seq: int
    chain: str
    body: dict[str, Any]


@closed
class EventList(TypedDict):
    """Events in order; `next` is the `after` of the following page, null where there is none."""

    events: list[EventBody]
    next: int | None


@closed
class VerifiedBody(TypedDict):
    """What a check of the ledger found: `bad` is the first sequence number that doesn't fit, and `why`."""

    ok: bool
    size: int
    root: str
    checkpoint: int
    bad: int | None
    why: str


@closed
class CheckpointBody(TypedDict):
    """The newest signed tree head, and the key to check it with."""

    note: str
    size: int
    root: str
    origin: str
    vkey: str


@closed
class ConsistencyBody(TypedDict):
    """The hashes that show that the newer tree continues the older one (RFC 9162 section 2.1.4)."""

    old: int
    new: int
    proof: list[str]


def event_body(row: EventRow) -> dict[str, object]:
    """An event, its body as the bytes that were recorded."""
    return {"seq": row.seq, "chain": row.chain.hex(), "body": orjson.Fragment(row.body)}


router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["ledger"])


@router.get("/audit/events", response_model=EventList, summary="Read events", responses=refusals(400, 403))
async def list_events(
    call: Authenticated,
    after: After = 0,
    limit: EventLimit = 100,
    action: OfAction = None,
    type: OfType = None,  # noqa: A002 - the parameter's name in the interface
) -> Response:
    """In order of `seq`, after a sequence number."""
    rows = await ledger.page(call.core, call.caller, after=after, limit=limit, action=action, kind=type)
    last = rows[-1].seq if len(rows) == limit else None
    return answer({"events": [event_body(row) for row in rows], "next": last})


@router.get("/audit/verify", response_model=VerifiedBody, summary="Check the ledger", responses=refusals(400, 403))
async def verify(call: Authenticated) -> Response:
    """Recomputes chain and tree. A convenience: proof for others is the export and the offline verifier."""
    report = await ledger.check(call.core, call.caller)
    return answer(
        {
            "ok": report.bad is None,
            "size": report.size,
            "root": report.root.hex(),
            "checkpoint": report.checkpoint,
            "bad": report.bad,
            "why": report.why,
        }
    )


@router.get(
    "/audit/export",
    response_class=StreamingResponse,
    summary="Export the ledger",
    responses={**text("The ledger as lines (docs/formats.md section 10)."), **refusals(400, 403)},
)
async def export(call: Authenticated) -> Response:
    """Streamed; an export that breaks off is closed without its end, and its header says how many events there are."""
    lines = await ledger.export(call.core, call.caller)
    name = f'attachment; filename="ledger-{call.caller.principal.org}.txt"'
    return StreamingResponse(lines, 200, {"Content-Disposition": name}, "text/plain; charset=utf-8")


@router.get(
    "/checkpoints/latest",
    response_model=CheckpointBody,
    summary="Get a signed tree head of now",
    responses=refusals(400, 403, 404),
)
async def latest_checkpoint(call: Authenticated) -> Response:
    """Keep it: a ledger that was rewritten can't be shown to continue it."""
    row = await ledger.newest_checkpoint(call.core, call.caller)
    if row is None:
        raise NotFound(Code.NOT_FOUND, "The ledger is empty.", hint="There is a checkpoint after the first event.")
    return answer(
        {
            "note": row.note,
            "size": row.size,
            "root": row.root.hex(),
            "origin": call.core.origin(row.org),
            "vkey": ledger.verifier_key(call.core, row.org),
        }
    )


@router.get(
    "/checkpoints/consistency",
    response_model=ConsistencyBody,
    summary="Prove that the ledger continued",
    responses=refusals(400, 403),
)
async def consistency(call: Authenticated, old: Size, new: Size) -> Response:
    """From the tree of `old` events to the tree of `new`."""
    try:
        proof = await ledger.consistency(call.core, call.caller, old=old, new=new)
    except InputRefused as refused:
        refused.path = "?old" if old > new else "?new"
        raise
    return answer({"old": old, "new": new, "proof": [one.hex() for one in proof]})


@router.get(
    "/proof-pack/{action}",
    response_class=Response,
    summary="Get the proof pack of an action",
    responses={**binary("application/zip", "The pack (docs/formats.md section 8)."), **refusals(400, 403, 404)},
)
async def get_proof_pack(call: Authenticated, action: ActionId) -> Response:
    """A zip that `aaf-verify` checks offline."""
    pack = await proof_pack(call.core, call.caller, action)
    name = f'attachment; filename="proof-{action}.zip"'
    return Response(pack, 200, {"Content-Disposition": name}, "application/zip")

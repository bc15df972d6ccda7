"""Held actions, for the people who answer them."""

from fastapi import APIRouter
from starlette.responses import Response

from aaf.entrypoints.api import answers
from aaf.entrypoints.api.answers import answer, approval_body, approval_summary
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated, DoorRoute
from aaf.entrypoints.api.requests import ActionId, Before, Index, Limit, ReviewBody
from aaf.services import review
from aaf.services.telling import tell

router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["approvals"])


@router.get(
    "/approvals",
    response_model=answers.ApprovalList,
    summary="List what waits for an answer",
    responses=refusals(400, 403),
)
async def list_approvals(call: Authenticated, before: Before = None, limit: Limit = 50) -> Response:
    """Newest first; what nobody answered in time is closed on the way and left out, so a page may be shorter than `limit`."""
    page = await review.waiting(call.core, call.caller, before=before, limit=limit)
    listed = [approval_summary(call.caller.known, record) for record in page.records]
    return answer({"approvals": listed, "next": page.next})


@router.get(
    "/approvals/{action}",
    response_model=answers.ApprovalBody,
    summary="See all of a held action",
    responses=refusals(400, 403, 404),
)
async def read_approval(call: Authenticated, action: ActionId) -> Response:
    """Every value as inert segments; a long one is cut until this person opens it."""
    shown = await review.show(call.core, call.caller, action)
    return answer(approval_body(call.caller.known, shown))


@router.post(
    "/approvals/{action}/values/{index}/open",
    response_model=answers.ValueBody,
    summary="Open a long value",
    responses=refusals(400, 403, 404),
)
async def open_value(call: Authenticated, action: ActionId, index: Index) -> Response:
    """Recorded for this person; approving needs every long value opened."""
    return answer(await review.open_value(call.core, call.caller, action, index))


@router.post(
    "/approvals/{action}/reviews",
    response_model=answers.ActionBody,
    summary="Approve or reject",
    responses=refusals(400, 403, 404, 409),
)
async def answer_approval(call: Authenticated, action: ActionId, body: ReviewBody) -> Response:
    """The reviewer is whoever holds the key. The answer counts only for the digest and the view that it names."""
    given = review.Answer(action, body.verdict, body.digest, body.view_digest, body.reason)
    record = await review.review(call.core, call.caller, given)
    call.door.wakes.ring(action)
    return answer(tell(call.caller, record))

"""Actions after they were submitted: read, wait, run, permit, report, cancel, close."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from aaf.domain.advice import ADVICE
from aaf.domain.errors import Code, InputRefused
from aaf.domain.instants import instant
from aaf.entrypoints.api import answers
from aaf.entrypoints.api.answers import answer
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated, Call, DoorRoute
from aaf.entrypoints.api.requests import (
    ActionId,
    Before,
    ConsumeBody,
    ExecuteBody,
    InState,
    Limit,
    OutcomeBody,
    PermitBody,
    PermitId,
    ResolveBody,
    Wait,
)
from aaf.services import actions, permits
from aaf.services.actions import AWAITED, Seen
from aaf.services.execute import execute
from aaf.services.telling import tell, tell_seen

router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["actions"])

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 1.0, 1.5
"""Seconds between two looks at the store while waiting; whatever this process changes wakes at once."""


@router.get(
    "/actions", response_model=answers.ActionList, summary="List actions, newest first", responses=refusals(400, 403)
)
async def list_actions(
    call: Authenticated, state: InState = None, before: Before = None, limit: Limit = 50
) -> Response:
    """An agent sees its own actions, people with `org:action:read` all of them."""
    page = await actions.listed(call.core, call.caller, state=state, before=before, limit=limit)
    return answer({"actions": [tell(call.caller, record) for record in page.records], "next": page.next})


@router.get(
    "/actions/{action}",
    response_model=answers.ActionBody,
    summary="Read an action, or wait for it",
    responses=refusals(400, 403, 404),
)
async def read_action(call: Authenticated, action: ActionId, wait: Wait = 0) -> Response:
    """With `wait`, answers as soon as the action is neither `pending_approval` nor `executing`, or the time is over."""
    if wait > call.door.limits.wait:
        hint = f"Wait at most {call.door.limits.wait} seconds, then ask again."
        raise InputRefused(Code.WRONG_TYPE, ADVICE[Code.WRONG_TYPE].message, hint=hint, path="?wait")
    seen = await _awaited(call, action, wait) if wait else await actions.see(call.core, call.caller, action)
    return answer(tell_seen(call.caller, seen))


async def _awaited(call: Call, action: str, seconds: int) -> Seen:
    """Look until the action has moved on, the time is over or nobody listens; each look asks anew who may see it."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    caller, pause = call.caller, _FIRST_PAUSE
    while True:
        seen = await actions.see(call.core, caller, action)
        left = until - loop.time()
        if seen.record.state not in AWAITED or left <= 0 or await call.request.is_disconnected():
            return seen
        await call.door.wakes.wait(action, min(pause, left))
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
        caller = await caller.again(call.core)


@router.post(
    "/actions/{action}/execute",
    response_model=answers.ActionBody,
    summary="Run an allowed or approved action",
    responses=refusals(400, 403, 404, 409),
)
async def execute_action(call: Authenticated, action: ActionId, body: ExecuteBody) -> Response:
    """Judges it again and runs it once, by its connector; a run that fails is an answer too, with `status` `failed` or `unknown`."""
    try:
        ran = await execute(call.core, call.caller, action, digest=body.digest)
    finally:
        call.door.wakes.ring(action)
    return answer(tell(call.caller, ran.record, result=ran.result))


@router.post(
    "/actions/{action}/permit",
    response_model=answers.PermitBody,
    summary="Get a permit to run an action yourself",
    responses=refusals(400, 403, 404, 409),
)
async def issue_permit(call: Authenticated, action: ActionId, body: PermitBody) -> Response:
    """For actions whose `effect` is `caller`. A new permit makes an earlier unused one void."""
    issued = await permits.issue(call.core, call.caller, action, digest=body.digest, audience=body.audience)
    expires = instant(issued.permit.expires_at)
    return answer({"jti": issued.permit.jti, "token": issued.token, "expires_at": expires})


@router.post(
    "/permits/{jti}/consume",
    response_model=answers.ConsumedBody,
    summary="Use a permit up",
    responses=refusals(400, 403, 404, 409),
)
async def consume_permit(call: Authenticated, jti: PermitId, body: ConsumeBody) -> Response:
    """The action is `executing` afterwards; run it with the parameters of the answer and report the outcome."""
    consumed = await permits.consume(call.core, call.caller, jti, digest=body.digest)
    call.door.wakes.ring(consumed.record.id)
    return answer({"action": tell(call.caller, consumed.record), "params": consumed.params})


@router.post(
    "/actions/{action}/outcome",
    response_model=answers.ActionBody,
    summary="Report how a run ended",
    responses=refusals(400, 403, 404, 409),
)
async def report_outcome(call: Authenticated, action: ActionId, body: OutcomeBody) -> Response:
    """A late report still closes an action that is `unknown`."""
    ran = await permits.report(
        call.core, call.caller, action, lease=body.lease, succeeded=body.succeeded, result=body.result
    )
    call.door.wakes.ring(action)
    return answer(tell(call.caller, ran.record, result=ran.result))


@router.post(
    "/actions/{action}/cancel",
    response_model=answers.ActionBody,
    summary="Take an action back before it runs",
    responses=refusals(400, 403, 404, 409),
)
async def cancel_action(call: Authenticated, action: ActionId) -> Response:
    """Only the agent that submitted it can."""
    record = await actions.cancel(call.core, call.caller, action)
    call.door.wakes.ring(action)
    return answer(tell(call.caller, record))


@router.post(
    "/actions/{action}/resolve",
    response_model=answers.ActionBody,
    summary="Close an action whose end is unknown",
    responses=refusals(400, 403, 404, 409),
)
async def resolve_action(call: Authenticated, action: ActionId, body: ResolveBody) -> Response:
    """A person says how it ended, with a reason."""
    record = await actions.resolve(call.core, call.caller, action, succeeded=body.succeeded, reason=body.reason)
    call.door.wakes.ring(action)
    return answer(tell(call.caller, record))

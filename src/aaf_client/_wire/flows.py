"""The calls of a gate as procedures over requests. Each runs nothing twice: where an answer was lost, it looks before it asks again.

`submit` carries a key, `report` a lease; `execute` asks where the action stands; `consume` is never sent again once it may have arrived.
"""

from collections.abc import Mapping
from typing import Any

from aaf_client._wire import requests
from aaf_client._wire.answers import read_object
from aaf_client._wire.calling import Uncertain, call
from aaf_client._wire.port import Wire
from aaf_client._wire.waiting import settled
from aaf_client.errors import (
    AgentFirewallError,
    AlreadyConsumed,
    ApprovalPending,
    ApprovalTimeout,
    BadAnswer,
    Conflict,
    DigestMismatch,
    Misuse,
    OutcomeUnknown,
    RequestRefused,
    Unavailable,
    refusal_of,
)
from aaf_client.gate import Run
from aaf_client.models import MOVING, Action, ActionStatus, Consumed, Json, Permit

_PENDING = frozenset({ActionStatus.PENDING_APPROVAL})
_EXECUTING = frozenset({ActionStatus.EXECUTING})
_LOOK_AGAIN = 0.2


async def submit(
    wire: Wire,
    name: str | None,
    params: Mapping[str, Any] | None,
    *,
    until: float,
    tool: str | None = None,
    operation: str | None = None,
    context: Mapping[str, Any] | None = None,
    server: str | None = None,
    run: Run = False,
    key: str | None = None,
) -> Action:
    """Ask for a decision, as often as it takes, under one key."""
    key = key if key is not None else wire.fresh_key()
    request = requests.submit(
        name, params, tool=tool, operation=operation, context=context, server=server, run=run, key=key
    )
    try:
        return Action.from_json(read_object(await call(wire, request, until=until)))
    except AgentFirewallError as failure:
        # Whatever this answer says, an earlier attempt may have arrived.
        failure.idempotency_key = key
        raise


async def get(wire: Wire, action: Action | str, *, until: float) -> Action:
    """Read an action."""
    return Action.from_json(read_object(await call(wire, requests.read(_id(action)), until=until)))


async def wait_for_approval(wire: Wire, action: Action | str, *, until: float) -> Action:
    """Wait until people have answered."""
    return await settled(wire, _id(action), until=until, moving=_PENDING)


async def execute(wire: Wire, action: Action, *, until: float) -> Action:
    """Have the connector run it, and see how it ended."""
    if action.is_caller_run:
        raise _wrong_effect()
    looked = False
    while True:
        request = requests.execute(action, patience=max(0.0, until - wire.now()))
        try:
            ran = Action.from_json(read_object(await call(wire, request, until=until)))
        except (Uncertain, BadAnswer) as unsure:
            ran = await _seen(wire, action, until=until, cause=unsure)
        except DigestMismatch:
            raise
        except AlreadyConsumed:
            if not looked:
                raise
            ran = await _seen(wire, action, until=until)
        except Conflict as conflict:
            now = await get(wire, action, until=until)
            raise refusal_of(now) or conflict from conflict
        except (Unavailable, RequestRefused) as failure:
            if looked:  # an earlier attempt may still arrive, or has
                raise OutcomeUnknown("Nobody knows whether the run has begun.", action_id=action.id) from failure
            raise
        looked = True
        if not ran.may_run:
            return await _ended(wire, ran, until=until)
        if wire.now() + _LOOK_AGAIN >= until:
            raise OutcomeUnknown("Nobody knows whether the run has begun.", action_id=ran.id, action=ran)
        await wire.pause(_LOOK_AGAIN)


async def _seen(wire: Wire, action: Action, *, until: float, cause: Exception | None = None) -> Action:
    """Where the action stands after an answer was lost."""
    try:
        return await get(wire, action, until=max(until, wire.now() + requests.LAST_LOOK))
    except AgentFirewallError as failure:
        raise OutcomeUnknown(
            "The firewall was asked to run the action, and its answer was lost.", action_id=action.id
        ) from (cause or failure)


async def _ended(wire: Wire, action: Action, *, until: float) -> Action:
    """The action that succeeded, once its run has ended."""
    if action.status is ActionStatus.EXECUTING:
        try:
            action = await settled(wire, action.id, until=until, moving=_EXECUTING)
        except AgentFirewallError as failure:
            raise OutcomeUnknown("The action still runs.", action_id=action.id, action=action) from failure
    refused = refusal_of(action)
    if refused is not None:
        raise refused
    return action


async def perform(
    wire: Wire,
    name: str,
    payload: Mapping[str, Any] | None,
    *,
    until: float,
    approval: float,
    running: float,
    context: Mapping[str, Any] | None = None,
    server: str | None = None,
    key: str | None = None,
) -> Action:
    """Submit, wait for people at most `approval` seconds, and execute within `running` seconds."""
    action = await submit(wire, name, payload, until=until, context=context, server=server, run=True, key=key)
    people = wire.now() + approval
    while True:
        if action.is_caller_run and (action.may_run or action.status in MOVING):
            await _withdraw(wire, action, until=wire.now() + requests.LAST_LOOK)
            raise _wrong_effect()
        if action.status is ActionStatus.PENDING_APPROVAL:
            action = await wait_for_approval(wire, action, until=people)
        elif action.may_run:
            try:
                return await execute(wire, action, until=wire.now() + running)
            except ApprovalPending as again:  # judged again, more is asked of people than before
                if isinstance(again, ApprovalTimeout):
                    raise
                action = again.action
        else:
            return await _ended(wire, action, until=wire.now() + running)


async def _withdraw(wire: Wire, action: Action, *, until: float) -> None:
    """Take back what can't be run this way, so that nobody is asked to approve it; if that fails it lapses by itself."""
    try:
        await cancel(wire, action, until=until)
    except AgentFirewallError:
        return


async def cancel(wire: Wire, action: Action | str, *, until: float) -> Action:
    """Take an action back; one that was taken back already is what was asked for."""
    try:
        return Action.from_json(read_object(await call(wire, requests.cancel(_id(action)), until=until)))
    except Conflict:
        now = await get(wire, action, until=until)
        if now.status is ActionStatus.CANCELLED:
            return now
        raise


async def permit(wire: Wire, action: Action, *, audience: str, until: float) -> Permit:
    """Get a permit."""
    try:
        reply = await call(wire, requests.permit(action, audience=audience), until=until)
        return Permit.from_json(read_object(reply), action=action.id, digest=action.digest)
    except (AlreadyConsumed, DigestMismatch):
        raise
    except Conflict as conflict:
        raise refusal_of(await get(wire, action, until=until)) or conflict from conflict


async def consume(wire: Wire, jti: str, *, digest: str, until: float) -> Consumed:
    """Use a permit up, once."""
    try:
        reply = await call(wire, requests.consume(jti, digest=digest), until=until)
        return Consumed.from_json(read_object(reply), lease=jti)
    except (Uncertain, BadAnswer) as unsure:
        raise OutcomeUnknown(
            "Nobody knows whether the permit was used up.",
            action_id="",
            hint="Run nothing with it: ask for a new permit, or report a failed run with this one's id as lease.",
        ) from unsure


async def report(
    wire: Wire, action: Action | str, *, lease: str, succeeded: bool, result: Json, until: float
) -> Action:
    """Say how a run ended; a report whose first answer was lost finds its own word recorded."""
    id_ = _id(action)
    request = requests.report(id_, lease=lease, succeeded=succeeded, result=result)
    try:
        return Action.from_json(read_object(await call(wire, request, until=until)))
    except Conflict as conflict:
        if conflict.code != "outcome_conflict":
            raise
        now = await get(wire, id_, until=until)
        said = {ActionStatus.SUCCEEDED} if succeeded else {ActionStatus.FAILED}
        withheld = now.status is ActionStatus.FAILED and now.code == "result_withheld"
        if now.outcome is not None and now.outcome.source == "caller" and (now.status in said or withheld):
            return now
        raise


def _wrong_effect() -> Misuse:
    return Misuse(
        "The caller runs actions of this type itself.",
        code="wrong_effect",
        hint="Decorate the function that runs it with `guard`, or use a permit.",
    )


def _id(action: Action | str) -> str:
    return action if isinstance(action, str) else action.id

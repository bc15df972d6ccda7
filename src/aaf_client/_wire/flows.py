"""The calls of a gate as procedures over requests. Each runs nothing twice: where an answer was lost, it looks before it asks again.

`submit` carries a key, `report` a lease; `execute` asks where the action stands; `consume` is never sent again once it may have arrived.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from aaf_client import clock
from aaf_client._wire import requests
from aaf_client._wire.calling import Uncertain, ask
from aaf_client._wire.port import Wire
from aaf_client._wire.waiting import settled
from aaf_client.errors import (
    AgentFirewallError,
    AlreadyConsumed,
    BadAnswer,
    Conflict,
    DigestMismatch,
    OutcomeUnknown,
    RequestRefused,
    Unavailable,
    refusal_of,
)
from aaf_client.gate import Run
from aaf_client.models import Action, ActionStatus, Consumed, Json, Permit
from aaf_client.performing import ended, was_reported, wrong_effect

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
    key = key if key is not None else clock.fresh_key()
    request = requests.submit(
        name, params, tool=tool, operation=operation, context=context, server=server, run=run, key=key
    )
    try:
        return Action.from_json(await ask(wire, request, until=until))
    except AgentFirewallError as failure:
        # Whatever this answer says, an earlier attempt may have arrived.
        failure.idempotency_key = key
        raise


async def get(wire: Wire, action: Action | str, *, until: float) -> Action:
    """Read an action."""
    return Action.from_json(await ask(wire, requests.read(action), until=until))


async def wait_for_approval(wire: Wire, action: Action | str, *, until: float) -> Action:
    """Wait until people have answered."""
    return await settled(wire, action, until=until, moving=_PENDING)


async def execute(wire: Wire, action: Action, *, until: float) -> Action:
    """Have the connector run it, and see how it ended."""
    if action.is_caller_run:
        raise wrong_effect(action)
    looked = False
    while True:
        request = requests.execute(action, patience=max(0.0, until - clock.now()))
        try:
            ran = Action.from_json(await ask(wire, request, until=until))
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
            return await ended(ran, partial(follow, wire, until=until))
        if clock.now() + _LOOK_AGAIN >= until:
            raise OutcomeUnknown("Nobody knows whether the run has begun.", action_id=ran.id, action=ran)
        await wire.pause(_LOOK_AGAIN)


async def _seen(wire: Wire, action: Action, *, until: float, cause: Exception | None = None) -> Action:
    """Where the action stands after an answer was lost."""
    try:
        return await get(wire, action, until=max(until, clock.now() + requests.LAST_LOOK))
    except AgentFirewallError as failure:
        raise OutcomeUnknown(
            "The firewall was asked to run the action, and its answer was lost.", action_id=action.id
        ) from (cause or failure)


async def follow(wire: Wire, action: Action, *, until: float) -> Action:
    """Wait until it runs no more."""
    return await settled(wire, action, until=until, moving=_EXECUTING)


async def cancel(wire: Wire, action: Action | str, *, until: float) -> Action:
    """Take an action back; one that was taken back already is what was asked for."""
    try:
        return Action.from_json(await ask(wire, requests.cancel(action), until=until))
    except Conflict:
        now = await get(wire, action, until=until)
        if now.status is ActionStatus.CANCELLED:
            return now
        raise


async def permit(wire: Wire, action: Action, *, audience: str, until: float) -> Permit:
    """Get a permit."""
    try:
        told = await ask(wire, requests.permit(action, audience=audience), until=until)
        return Permit.from_json(told, action=action.id, digest=action.digest)
    except (AlreadyConsumed, DigestMismatch):
        raise
    except Conflict as conflict:
        raise refusal_of(await get(wire, action, until=until)) or conflict from conflict


async def consume(wire: Wire, jti: str, *, digest: str, until: float) -> Consumed:
    """Use a permit up, once."""
    try:
        return Consumed.from_json(await ask(wire, requests.consume(jti, digest=digest), until=until), lease=jti)
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
    request = requests.report(action, lease=lease, succeeded=succeeded, result=result)
    try:
        return Action.from_json(await ask(wire, request, until=until))
    except Conflict as conflict:
        if conflict.code != "outcome_conflict":
            raise
        now = await get(wire, action, until=until)
        if was_reported(now, succeeded=succeeded):
            return now
        raise

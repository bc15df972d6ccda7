"""What every gate does alike: how an action is named, the way from submitting to the end of its run, which reports repeat each other.

The procedures await nothing but a gate; one whose calls return drives them over an `AwaitedGate`. They decide nothing: whether an action may run,
runs or has ended is the firewall's answer.
"""

# ruff: noqa: ASYNC109 - a timeout over people is a parameter of the call, not the caller's cancellation

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from aaf_client import clock
from aaf_client.errors import (
    AgentFirewallError,
    AlreadyConsumed,
    ApprovalPending,
    ApprovalTimeout,
    Misuse,
    OutcomeUnknown,
    refusal_of,
)
from aaf_client.gate import AsyncGate
from aaf_client.models import CALLER, MOVING, Action, ActionStatus

T = TypeVar("T")

Follow: TypeAlias = Callable[[Action], Awaitable[Action]]
"""How a gate follows a run that another program began: the action once it runs no more, or an error when the time for a run is over."""


def named(name: str | None, tool: str | None, operation: str | None) -> dict[str, str]:
    """The name of an action as it is sent: whole, or in two parts.

    Raises:
        Misuse: it is neither.
    """
    match name, tool, operation:
        case str(), None, None:
            return {"action": name}
        case None, str(), str():
            return {"tool": tool, "operation": operation}
        case _:
            raise Misuse("Name the action whole, or by its tool and its operation.")


def id_of(action: Action | str) -> str:
    """The id of an action that is named by itself or by its id."""
    return action if isinstance(action, str) else action.id


async def perform(
    gate: AsyncGate,
    name: str,
    payload: Mapping[str, Any] | None,
    *,
    timeout: float,
    context: Mapping[str, Any] | None,
    server: str | None,
    idempotency_key: str | None,
    follow: Follow,
) -> Action:
    """As `Gate.perform_action`; `timeout` is for people, a run has the time that `execute` and `follow` give it."""
    action = await gate.submit_action(
        name, payload, context=context, server=server, run=True, idempotency_key=idempotency_key
    )

    async def run(ready: Action) -> Action:
        if ready.may_run:
            try:
                return await gate.execute(ready)
            except AlreadyConsumed as used:  # by another program, since it was looked at
                ready = await _as_it_stands(gate, ready)
                if ready.may_run:
                    raise used from None
        return await ended(ready, follow)

    return await carry(gate, action, run, by_caller=False, timeout=timeout)


async def _as_it_stands(gate: AsyncGate, action: Action) -> Action:
    """What became of an action that another program runs or ran."""
    try:
        return await gate.get_action(action)
    except AgentFirewallError as failure:
        raise OutcomeUnknown("Another program ran it.", action_id=action.id, action=action) from failure


async def carry(
    gate: AsyncGate, action: Action, run: Callable[[Action], Awaitable[T]], *, by_caller: bool, timeout: float
) -> T:
    """Wait for people where they are asked, then `run` the action; as often as it is judged again and more is asked of people.

    Raises:
        Misuse: the other side runs it; it was taken back, so that nobody is asked to approve it.
        ApprovalTimeout: people have not answered in `timeout` seconds altogether.
    """
    until = clock.now() + timeout
    while True:
        if action.is_caller_run is not by_caller and (action.may_run or action.status in MOVING):
            await _withdraw(gate, action)
            raise wrong_effect(action)
        if action.status is ActionStatus.PENDING_APPROVAL:
            action = await gate.wait_for_approval(action, timeout=max(0.0, until - clock.now()))
        try:
            return await run(action)
        except ApprovalPending as again:  # judged again, more is asked of people than before
            action = again.action
            if clock.now() >= until:
                raise ApprovalTimeout(action) from None


async def _withdraw(gate: AsyncGate, action: Action) -> None:
    """Take back what can't be run this way; if that fails it lapses by itself."""
    try:
        await gate.cancel_action(action)
    except AgentFirewallError:
        return


async def ended(action: Action, follow: Follow) -> Action:
    """The action that succeeded, once its run has ended.

    Raises:
        OutcomeUnknown: it still runs, for all that can be seen.
        ActionRefused, ActionFailed: as they say.
    """
    if action.status is ActionStatus.EXECUTING:
        try:
            action = await follow(action)
        except AgentFirewallError as failure:
            raise OutcomeUnknown("The action still runs.", action_id=action.id, action=action) from failure
    if action.status is not ActionStatus.SUCCEEDED and refusal_of(action) is None:
        raise OutcomeUnknown("Nobody knows how the run ended.", action_id=action.id, action=action)
    return unrefused(action)


def unrefused(action: Action) -> Action:
    """The action, unless it is not to run or did not succeed; that is raised."""
    refused = refusal_of(action)
    if refused is not None:
        raise refused
    return action


def was_reported(action: Action, *, succeeded: bool) -> bool:
    """Whether the recorded end is what a caller says once more; a result that was withheld made a success a failure."""
    said = ActionStatus.SUCCEEDED if succeeded else ActionStatus.FAILED
    by_caller = action.outcome is not None and action.outcome.source == CALLER
    return by_caller and (action.status is said or action.code == "result_withheld")


def wrong_effect(action: Action) -> Misuse:
    """The refusal to run what the other side runs."""
    if action.is_caller_run:
        message = "The caller runs actions of this type itself."
        hint = "Decorate the function that runs it with `guard`, or use a permit."
    else:
        message = "A connector runs actions of this type."
        hint = "Call perform_action instead, or declare the type's effect as caller."
    return Misuse(message, code="wrong_effect", hint=hint)

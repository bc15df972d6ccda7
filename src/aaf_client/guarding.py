"""A function behind the firewall: each call is bound to the signature, decided, and run with exactly what was decided.

submit → wait for people → permit → consume → call → report. The function gets the values that the firewall returned when the permit was used
up, never those that the call came with. An exception is reported as a failed run and raised again; what ends the program meanwhile (a
cancelled task, an interrupt) is not reported, because nobody knows how the run ended.
"""

import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from aaf_client.awaiting import Awaited, drive
from aaf_client.binding import Binder, Bound
from aaf_client.codecs import ANY
from aaf_client.errors import (
    ActionFailed,
    AgentFirewallError,
    BadAnswer,
    Conflict,
    Misuse,
    OutcomeNotReported,
    OutcomeUnknown,
    RequestRefused,
    Unavailable,
)
from aaf_client.gate import APPROVAL_TIMEOUT, AsyncGate, Gate
from aaf_client.models import Action, ActionStatus, Consumed, Json
from aaf_client.performing import carry, unrefused

P = ParamSpec("P")
R = TypeVar("R")

AUDIENCE = "aaf-client"
"""Who consumes the permits of guarded functions: this program itself."""

_MAX_RESULT = 512 * 1024
_PERMITS = 3


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every call of one guarded function asks with."""

    name: str
    timeout: float
    context: Mapping[str, Any] | None
    server: str | None
    audience: str


def guard(
    gate: Gate,
    name: str,
    *,
    timeout: float = APPROVAL_TIMEOUT,
    context: Mapping[str, Any] | None = None,
    server: str | None = None,
    audience: str | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """As `Gate.guard`; for whoever makes a gate."""
    asked, view = _Asked(name, timeout, context, server, audience or AUDIENCE), AwaitedGate(gate)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        plain, dress = _plain(function)
        if inspect.iscoroutinefunction(plain):
            raise Misuse("An async function needs an async gate.", hint="Use AsyncAgentFirewallClient.")
        binder = Binder.of(plain)

        @functools.wraps(plain)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = binder.bind(args, kwargs)
            consumed = drive(_begin(view, asked, bound))
            arguments = drive(_arguments(view, binder, consumed))
            try:
                result = plain(*bound.receiver, *arguments.args, **arguments.kwargs)
                _refuse_unrun(result)
            except Exception as error:
                drive(_failed(view, consumed, error))
                raise
            drive(_succeeded(view, consumed, result))
            return cast("R", result)

        return cast("Callable[P, R]", dress(_in_place_of(plain, guarded)))

    return decorate


def guard_async(
    gate: AsyncGate,
    name: str,
    *,
    timeout: float = APPROVAL_TIMEOUT,
    context: Mapping[str, Any] | None = None,
    server: str | None = None,
    audience: str | None = None,
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """As `AsyncGate.guard`; for whoever makes a gate."""
    asked = _Asked(name, timeout, context, server, audience or AUDIENCE)

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        plain, dress = _plain(function)
        if not inspect.iscoroutinefunction(plain):
            raise Misuse("An async gate guards async functions only.", hint="Use AgentFirewallClient for others.")
        binder = Binder.of(plain)

        @functools.wraps(plain)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = binder.bind(args, kwargs)
            consumed = await _begin(gate, asked, bound)
            arguments = await _arguments(gate, binder, consumed)
            try:
                result = await plain(*bound.receiver, *arguments.args, **arguments.kwargs)
                _refuse_unrun(result)
            except Exception as error:
                await _failed(gate, consumed, error)
                raise
            await _succeeded(gate, consumed, result)
            return cast("R", result)

        return cast("Callable[P, Awaitable[R]]", dress(_in_place_of(plain, guarded)))

    return decorate


class AwaitedGate(Awaited):
    """An `AsyncGate` of a `Gate` that answers at once."""

    def guard(
        self,
        name: str,
        *,
        timeout: float = APPROVAL_TIMEOUT,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        audience: str | None = None,
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """As `AsyncGate.guard`."""
        return guard_async(self, name, timeout=timeout, context=context, server=server, audience=audience)


# --- the function -----------------------------------------------------------------------------------------------------


def _plain(function: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[[Any], Any]]:
    """The function that is called, and what it was dressed as in its class."""
    plain, dress = function, _as_it_is
    if isinstance(function, staticmethod | classmethod):
        plain, dress = function.__func__, type(function)
    if inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        raise Misuse("A generator can't be guarded: it runs after its call has returned.", hint="Return a list.")
    return plain, dress


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _in_place_of(plain: Callable[..., Any], guarded: Callable[..., Any]) -> Callable[..., Any]:
    """Show the function's signature, but not the function: what unwraps decorators must not find a way round."""
    del guarded.__wrapped__  # type: ignore[attr-defined]
    guarded.__signature__ = inspect.signature(plain)  # type: ignore[attr-defined]
    return guarded


def _refuse_unrun(result: object) -> None:
    """Refuse what a plain function returned where nothing has happened yet.

    Raises:
        Misuse: it is something that runs later.
    """
    if inspect.isawaitable(result) or inspect.isgenerator(result) or inspect.isasyncgen(result):
        if inspect.iscoroutine(result):
            result.close()
        raise Misuse("The function returned something that runs later, beyond its guard.", hint="Return a value.")


# --- the calls --------------------------------------------------------------------------------------------------------


async def _begin(gate: AsyncGate, asked: _Asked, bound: Bound) -> Consumed:
    """From a bound call to a permit used up."""
    action = await gate.submit_action(asked.name, bound.params, context=asked.context, server=asked.server)

    async def run(ready: Action) -> Consumed:
        return await _consumed(gate, unrefused(ready), asked.audience)

    return await carry(gate, action, run, by_caller=True, timeout=asked.timeout)


async def _consumed(gate: AsyncGate, action: Action, audience: str) -> Consumed:
    """Get a permit and use it up. Where the answer to that was lost, a new permit makes the old one void, or tells that it was used."""
    lost = ""
    for _ in range(_PERMITS):
        try:
            permit = await gate.request_permit(action, audience=audience)
        except Conflict:
            if not lost:
                raise
            break
        try:
            consumed = await gate.consume_permit(permit.jti, digest=action.digest)
        except OutcomeUnknown:
            lost = permit.jti
            continue
        if consumed.action.id != action.id or consumed.action.digest != action.digest:
            raise BadAnswer("The firewall answered about another action.")
        return consumed
    await _report(gate, action, lost, succeeded=False)
    raise Unavailable("The answer that the right to run was used up was lost, so nothing was run.", code="permit_lost")


async def _arguments(gate: AsyncGate, binder: Binder, consumed: Consumed) -> inspect.BoundArguments:
    """What the function is called with."""
    try:
        return binder.unbind(consumed.params)
    except Misuse:
        await _report(gate, consumed.action, consumed.lease, succeeded=False)
        raise


async def _succeeded(gate: AsyncGate, consumed: Consumed, result: object) -> None:
    """Report a run; what can't be told as JSON, or is too long for a request, is told as nothing."""
    action = await _report(gate, consumed.action, consumed.lease, succeeded=True, result=_told(result))
    if action is None:
        raise OutcomeNotReported(action_id=consumed.action.id, lease=consumed.lease, result=result)
    if action.status is ActionStatus.FAILED:  # the result isn't what the catalogue declares
        raise ActionFailed(action)


async def _failed(gate: AsyncGate, consumed: Consumed, error: Exception) -> None:
    """Report a run that failed, without the exception: that may hold anything."""
    if await _report(gate, consumed.action, consumed.lease, succeeded=False) is None:
        error.add_note("The firewall could not be told that this run failed.")


async def _report(
    gate: AsyncGate, action: Action, lease: str, *, succeeded: bool, result: Json = None
) -> Action | None:
    """Report, without the result where it is refused; None where it could not be done."""
    try:
        return await gate.report_outcome(action, lease=lease, succeeded=succeeded, result=result)
    except RequestRefused:
        if result is None:
            return None
    except AgentFirewallError:
        return None
    return await _report(gate, action, lease, succeeded=succeeded)


def _told(result: object) -> Json:
    try:
        value = ANY.encode(result)
    except ValueError:
        return None
    return value if len(json.dumps(value)) <= _MAX_RESULT else None

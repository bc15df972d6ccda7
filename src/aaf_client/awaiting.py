"""A gate whose calls return, as one whose calls are awaited: they never suspend, so that one procedure serves both forms, and `drive` runs it.

Waiting for people in such a gate stops the event loop; it is for gates that answer at once.
"""

# ruff: noqa: ASYNC109 - a timeout over people is a parameter of the call, not the caller's cancellation

from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from aaf_client.gate import APPROVAL_TIMEOUT, Gate, Run
from aaf_client.models import Action, Consumed, Json, Permit

T = TypeVar("T")


def drive(work: Coroutine[Any, Any, T]) -> T:
    """Run to its end a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    work.close()
    msg = "a call that must not suspend did"
    raise RuntimeError(msg)


class Awaited:
    """Every call of a gate, awaited; `guarding.AwaitedGate` adds `guard`."""

    def __init__(self, gate: Gate) -> None:
        """Use `gate`."""
        self._gate = gate

    async def submit_action(
        self,
        name: str | None = None,
        params: Mapping[str, Any] | None = None,
        *,
        tool: str | None = None,
        operation: str | None = None,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        run: Run = False,
        idempotency_key: str | None = None,
    ) -> Action:
        """As the gate's."""
        return self._gate.submit_action(
            name,
            params,
            tool=tool,
            operation=operation,
            context=context,
            server=server,
            run=run,
            idempotency_key=idempotency_key,
        )

    async def perform_action(
        self,
        name: str,
        payload: Mapping[str, Any] | None = None,
        *,
        timeout: float = APPROVAL_TIMEOUT,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        idempotency_key: str | None = None,
    ) -> Action:
        """As the gate's."""
        return self._gate.perform_action(
            name, payload, timeout=timeout, context=context, server=server, idempotency_key=idempotency_key
        )

    async def get_action(self, action: Action | str) -> Action:
        """As the gate's."""
        return self._gate.get_action(action)

    async def execute(self, action: Action, *, timeout: float | None = None) -> Action:
        """As the gate's."""
        return self._gate.execute(action, timeout=timeout)

    async def wait_for_approval(self, action: Action | str, *, timeout: float = APPROVAL_TIMEOUT) -> Action:
        """As the gate's."""
        return self._gate.wait_for_approval(action, timeout=timeout)

    async def cancel_action(self, action: Action | str) -> Action:
        """As the gate's."""
        return self._gate.cancel_action(action)

    async def request_permit(self, action: Action, *, audience: str) -> Permit:
        """As the gate's."""
        return self._gate.request_permit(action, audience=audience)

    async def consume_permit(self, jti: str, *, digest: str) -> Consumed:
        """As the gate's."""
        return self._gate.consume_permit(jti, digest=digest)

    async def report_outcome(self, action: Action | str, *, lease: str, succeeded: bool, result: Json = None) -> Action:
        """As the gate's."""
        return self._gate.report_outcome(action, lease=lease, succeeded=succeeded, result=result)

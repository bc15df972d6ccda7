"""What every way to a firewall offers: over HTTP, in process, scripted. Integrations take a `Gate` or an `AsyncGate` and know no more.

`submit_action` and `wait_for_approval` return the action whatever the answer was; `perform_action`, `execute` and a guarded function raise
unless it ran. Nothing here can make an action run twice: repeating is the firewall's word, never a caller's guess.
"""

# ruff: noqa: ASYNC109 - a timeout over people is a parameter of the call, not the caller's cancellation

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, ParamSpec, Protocol, TypeAlias, TypeVar

from aaf_client.models import Action, Consumed, Json, Permit

P = ParamSpec("P")
R = TypeVar("R")

Run: TypeAlias = bool | Literal["when_approved"]
"""Run in the same request where the answer is allow (`True`), or when people approve, where the catalogue lets a worker do that."""

APPROVAL_TIMEOUT = 300.0
"""Seconds that a call waits for people, unless told otherwise."""

RUN_TIMEOUT = 120.0
"""Seconds that a call waits for the end of a run, unless told otherwise."""


class Gate(Protocol):
    """A firewall, asked by calls that return when they are done. Timeouts are in seconds; each call says what for."""

    def submit_action(
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
        """Ask for a decision on one action, named whole or by tool and operation; deciding runs nothing unless `run` says so.

        Raises:
            RequestRefused: no action exists.
            Unavailable: nobody knows whether one exists; `idempotency_key` continues it.
        """
        ...

    def perform_action(
        self,
        name: str,
        payload: Mapping[str, Any] | None = None,
        *,
        timeout: float = APPROVAL_TIMEOUT,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        idempotency_key: str | None = None,
    ) -> Action:
        """Submit, wait for people where they are asked, have the connector run it; the action that succeeded, with its `result`.

        `timeout` is for people alone. A run that another program began, under the same idempotency key, is waited for as long as `execute` waits.

        Raises:
            ActionRefused: it is not to run.
            ApprovalTimeout: nobody answered in `timeout` seconds.
            ActionFailed: it ran and failed.
            OutcomeUnknown: it may have run.
            Misuse: the caller runs actions of this type itself; use `guard`.
        """
        ...

    def get_action(self, action: Action | str) -> Action:
        """Read an action, by itself or by its id."""
        ...

    def wait_for_approval(self, action: Action | str, *, timeout: float = APPROVAL_TIMEOUT) -> Action:
        """Wait until people have answered, whatever they answered.

        Raises:
            ApprovalTimeout: they have not in `timeout` seconds; the action goes on waiting.
        """
        ...

    def execute(self, action: Action, *, timeout: float | None = None) -> Action:
        """Have the connector run an allowed or approved action, once.

        Raises:
            ActionRefused: judged again, the answer is no.
            ApprovalPending: a person has to answer first.
            AlreadyConsumed: it was run before.
            ActionFailed: it ran and failed.
            OutcomeUnknown: it may have run.
        """
        ...

    def cancel_action(self, action: Action | str) -> Action:
        """Take an action back before it runs."""
        ...

    def request_permit(self, action: Action, *, audience: str) -> Permit:
        """Get the right to run an action of effect `caller`; a new permit makes an earlier unused one void."""
        ...

    def consume_permit(self, jti: str, *, digest: str) -> Consumed:
        """Use a permit up; run the action with the parameters of the answer, and report.

        Raises:
            AlreadyConsumed: it was used before.
            OutcomeUnknown: nobody knows whether it was used up now; run nothing.
        """
        ...

    def report_outcome(self, action: Action | str, *, lease: str, succeeded: bool, result: Json = None) -> Action:
        """Say how a run ended; `lease` is the id of the consumed permit. The same report may be repeated."""
        ...

    def guard(
        self,
        name: str,
        *,
        timeout: float = APPROVAL_TIMEOUT,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        audience: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a function so that each call is an action: bound to the signature, decided, and run with the decided values.

        Raises:
            Misuse: at decoration: a generator, an async function, or a parameter without a codec.
        """
        ...


class AsyncGate(Protocol):
    """A firewall, asked by calls that are awaited; otherwise as `Gate`."""

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
        """As `Gate.submit_action`."""
        ...

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
        """As `Gate.perform_action`."""
        ...

    async def get_action(self, action: Action | str) -> Action:
        """As `Gate.get_action`."""
        ...

    async def wait_for_approval(self, action: Action | str, *, timeout: float = APPROVAL_TIMEOUT) -> Action:
        """As `Gate.wait_for_approval`."""
        ...

    async def execute(self, action: Action, *, timeout: float | None = None) -> Action:
        """As `Gate.execute`."""
        ...

    async def cancel_action(self, action: Action | str) -> Action:
        """As `Gate.cancel_action`."""
        ...

    async def request_permit(self, action: Action, *, audience: str) -> Permit:
        """As `Gate.request_permit`."""
        ...

    async def consume_permit(self, jti: str, *, digest: str) -> Consumed:
        """As `Gate.consume_permit`."""
        ...

    async def report_outcome(self, action: Action | str, *, lease: str, succeeded: bool, result: Json = None) -> Action:
        """As `Gate.report_outcome`."""
        ...

    def guard(
        self,
        name: str,
        *,
        timeout: float = APPROVAL_TIMEOUT,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        audience: str | None = None,
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
        """As `Gate.guard`, for async functions."""
        ...

"""The firewall over HTTP, in two forms that share every procedure. A client holds one key and one origin, and sends the key nowhere else.

Timeouts are in seconds and for the whole call, repetitions included. Nothing is read from the environment, no redirect is followed, no
answer is believed without being read; the HTTP library is imported when a client is made.
"""

# ruff: noqa: ASYNC109 - a timeout over people is a parameter of the call, not the caller's cancellation

from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from typing import Any, NoReturn, ParamSpec, Self, TypeVar

from aaf_client import clock
from aaf_client._wire import flows
from aaf_client._wire.address import Address, read_address
from aaf_client._wire.port import Wire
from aaf_client.awaiting import drive
from aaf_client.errors import Misuse
from aaf_client.gate import APPROVAL_TIMEOUT, RUN_TIMEOUT, Run
from aaf_client.guarding import AwaitedGate, guard, guard_async
from aaf_client.models import Action, Consumed, Json, Permit
from aaf_client.performing import perform

P = ParamSpec("P")
R = TypeVar("R")

BASE_URL = "http://127.0.0.1:8700"
TIMEOUT = 30.0
"""Seconds of one call, unless told otherwise."""
_LONGEST = 7 * 86_400.0
"""Seconds that no call exceeds, however long it may: the platform's timers have an end."""

_INSTALL = 'Install the client whole: pip install "agent-action-firewall[client]".'


class _Holder:
    """Where the firewall is, and how long a call may take; the key is in no `repr`, no copy and no pickle."""

    _wire: Wire

    def __init__(self, address: Address, timeout: float, run_timeout: float) -> None:
        if not (timeout > 0 and run_timeout > 0):
            raise Misuse("A timeout is a number of seconds above 0.")
        if find_spec("httpcore2") is None:
            raise Misuse("The HTTP library isn't installed.", hint=_INSTALL)
        self._address = address
        self._timeout = timeout
        self._run_timeout = run_timeout

    def _until(self, seconds: float | None = None) -> float:
        """The instant at which a call ends."""
        return clock.now() + max(0.0, min(self._timeout if seconds is None else seconds, _LONGEST))

    async def _follow(self, action: Action) -> Action:
        """The action once a run that another program began has ended."""
        return await flows.follow(self._wire, action, until=self._until(self._run_timeout))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._address.origin}>"

    def __reduce__(self) -> NoReturn:
        raise Misuse("A client can't be copied or pickled: it holds a key.", hint="Make one where it is used.")


def _tls(address: Address, ca: str | None) -> Any:  # noqa: ANN401 - a type of the module that is imported here
    """TLS 1.2 or newer, verified against the system's authorities or the one in the file `ca`."""
    if address.scheme == "http":
        return None
    import ssl  # noqa: PLC0415 - only who needs TLS pays for it

    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise Misuse("The file of the certificate authority can't be read.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class AgentFirewallClient(_Holder):
    """A `Gate` over HTTP; close it, or use it as a context. Threads may share it.

    Args:
        api_key: the agent's own key; that there is none is refused with what to do.
        agent_id: the agent's id or name; the firewall refuses the key of another.
        base_url: the firewall; `https`, or `http` on this machine.
        timeout: seconds of one call.
        run_timeout: seconds that `execute` and `perform_action` wait for the end of a run.
        ca: file with the certificate authority, in PEM; the system's where it is None.
        insecure: lets the key cross a network in the clear; for networks that are protected themselves.

    Raises:
        Misuse: the address or the key can't be right.
    """

    def __init__(
        self,
        api_key: str | None,
        agent_id: str | None = None,
        *,
        base_url: str = BASE_URL,
        timeout: float = TIMEOUT,
        run_timeout: float = RUN_TIMEOUT,
        ca: str | None = None,
        insecure: bool = False,
    ) -> None:
        super().__init__(
            read_address(base_url, api_key=api_key, agent_id=agent_id, insecure=insecure), timeout, run_timeout
        )
        from aaf_client._wire.blocking import BlockingWire  # noqa: PLC0415 - only who has a client pays for the library

        self._wire: BlockingWire = BlockingWire(self._address, _tls(self._address, ca))

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
        """As `Gate.submit_action`; sent under one idempotency key as often as it takes."""
        return drive(
            flows.submit(
                self._wire,
                name,
                params,
                until=self._until(),
                tool=tool,
                operation=operation,
                context=context,
                server=server,
                run=run,
                key=idempotency_key,
            )
        )

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
        """As `Gate.perform_action`."""
        return drive(
            perform(
                AwaitedGate(self),
                name,
                payload,
                timeout=timeout,
                context=context,
                server=server,
                idempotency_key=idempotency_key,
                follow=self._follow,
            )
        )

    def get_action(self, action: Action | str) -> Action:
        """As `Gate.get_action`."""
        return drive(flows.get(self._wire, action, until=self._until()))

    def wait_for_approval(self, action: Action | str, *, timeout: float = APPROVAL_TIMEOUT) -> Action:
        """As `Gate.wait_for_approval`."""
        return drive(flows.wait_for_approval(self._wire, action, until=self._until(timeout)))

    def execute(self, action: Action, *, timeout: float | None = None) -> Action:
        """As `Gate.execute`."""
        seconds = self._run_timeout if timeout is None else timeout
        return drive(flows.execute(self._wire, action, until=self._until(seconds)))

    def cancel_action(self, action: Action | str) -> Action:
        """As `Gate.cancel_action`."""
        return drive(flows.cancel(self._wire, action, until=self._until()))

    def request_permit(self, action: Action, *, audience: str) -> Permit:
        """As `Gate.request_permit`."""
        return drive(flows.permit(self._wire, action, audience=audience, until=self._until()))

    def consume_permit(self, jti: str, *, digest: str) -> Consumed:
        """As `Gate.consume_permit`."""
        return drive(flows.consume(self._wire, jti, digest=digest, until=self._until()))

    def report_outcome(self, action: Action | str, *, lease: str, succeeded: bool, result: Json = None) -> Action:
        """As `Gate.report_outcome`."""
        return drive(
            flows.report(self._wire, action, lease=lease, succeeded=succeeded, result=result, until=self._until())
        )

    def guard(
        self,
        name: str,
        *,
        timeout: float = APPROVAL_TIMEOUT,
        context: Mapping[str, Any] | None = None,
        server: str | None = None,
        audience: str | None = None,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """As `Gate.guard`."""
        return guard(self, name, timeout=timeout, context=context, server=server, audience=audience)

    def close(self) -> None:
        """Let go of the connections."""
        self._wire.close()

    def __enter__(self) -> Self:
        """This."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


class AsyncAgentFirewallClient(_Holder):
    """An `AsyncGate` over HTTP, for asyncio; close it, or use it as a context. Tasks of one event loop may share it.

    The arguments are those of `AgentFirewallClient`.
    """

    def __init__(
        self,
        api_key: str | None,
        agent_id: str | None = None,
        *,
        base_url: str = BASE_URL,
        timeout: float = TIMEOUT,
        run_timeout: float = RUN_TIMEOUT,
        ca: str | None = None,
        insecure: bool = False,
    ) -> None:
        super().__init__(
            read_address(base_url, api_key=api_key, agent_id=agent_id, insecure=insecure), timeout, run_timeout
        )
        from aaf_client._wire.asynchronous import AsyncWire  # noqa: PLC0415 - only who has a client pays for the library

        self._wire: AsyncWire = AsyncWire(self._address, _tls(self._address, ca))

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
        """As `AgentFirewallClient.submit_action`."""
        return await flows.submit(
            self._wire,
            name,
            params,
            until=self._until(),
            tool=tool,
            operation=operation,
            context=context,
            server=server,
            run=run,
            key=idempotency_key,
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
        """As `Gate.perform_action`."""
        return await perform(
            self,
            name,
            payload,
            timeout=timeout,
            context=context,
            server=server,
            idempotency_key=idempotency_key,
            follow=self._follow,
        )

    async def get_action(self, action: Action | str) -> Action:
        """As `Gate.get_action`."""
        return await flows.get(self._wire, action, until=self._until())

    async def wait_for_approval(self, action: Action | str, *, timeout: float = APPROVAL_TIMEOUT) -> Action:
        """As `Gate.wait_for_approval`."""
        return await flows.wait_for_approval(self._wire, action, until=self._until(timeout))

    async def execute(self, action: Action, *, timeout: float | None = None) -> Action:
        """As `Gate.execute`."""
        seconds = self._run_timeout if timeout is None else timeout
        return await flows.execute(self._wire, action, until=self._until(seconds))

    async def cancel_action(self, action: Action | str) -> Action:
        """As `Gate.cancel_action`."""
        return await flows.cancel(self._wire, action, until=self._until())

    async def request_permit(self, action: Action, *, audience: str) -> Permit:
        """As `Gate.request_permit`."""
        return await flows.permit(self._wire, action, audience=audience, until=self._until())

    async def consume_permit(self, jti: str, *, digest: str) -> Consumed:
        """As `Gate.consume_permit`."""
        return await flows.consume(self._wire, jti, digest=digest, until=self._until())

    async def report_outcome(self, action: Action | str, *, lease: str, succeeded: bool, result: Json = None) -> Action:
        """As `Gate.report_outcome`."""
        return await flows.report(
            self._wire, action, lease=lease, succeeded=succeeded, result=result, until=self._until()
        )

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

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._wire.aclose()

    async def __aenter__(self) -> Self:
        """This."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.aclose()

"""The wire for the server: connections of the running event loop, each operation under the deadline."""

# ruff: noqa: ARG002, ASYNC109 - the library names its arguments; the meter knows better how long an operation may take

import asyncio
import contextlib
import ssl
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import httpcore2

from aaf.adapters.egress.answer import Body, read_head
from aaf.adapters.egress.client import Answer, EgressClient, Hop, Resolver
from aaf.adapters.egress.exchange import pool_options, request_options, tls_failed, translated
from aaf.adapters.egress.gate import check_peer
from aaf.adapters.egress.metering import Meter
from aaf.adapters.egress.resolving import SHARED, Asking, Found, addresses_of, late
from aaf.adapters.egress.rules import Limits, Rules
from aaf.adapters.egress.tls import client_context
from aaf.domain.errors import Code, ConnectorFailed

Peer = tuple[str, int]
_PIECES_AT_ONCE = 128
"""After so many pieces of a body, which may all have come with one read, others get their turn."""


class Dialer(Protocol):
    """Opens a connection to an address; tests put their own server behind it."""

    async def dial(self, address: str, port: int, seconds: float) -> tuple[httpcore2.AsyncNetworkStream, Peer]:
        """The connected stream, and who is at its other end.

        Raises:
            OSError: there is no connection.
            httpcore2.ConnectError: likewise.
            httpcore2.ConnectTimeout: there is none within `seconds`.
        """


class LoopDialer:
    """Dials what it is given."""

    def __init__(self) -> None:
        self._backend = httpcore2.AnyIOBackend()

    async def dial(self, address: str, port: int, seconds: float) -> tuple[httpcore2.AsyncNetworkStream, Peer]:
        """Connect; an address is no name, so nothing is looked up."""
        stream = await self._backend.connect_tcp(address, port, timeout=seconds)
        peer = stream.get_extra_info("server_addr")
        if peer is None:  # it was reset meanwhile
            await stream.aclose()
            raise ConnectionResetError
        host, number, *_ = peer
        return stream, (host, number)


class LoopResolver:
    """Suspends the task, at most as long as it may."""

    def __init__(self, asking: Asking | None = None) -> None:
        self._asking = asking or SHARED

    async def resolve(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Ask and wait."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Found] = loop.create_future()

        def settle(found: Found) -> None:
            if not answer.done():
                answer.set_result(found)

        def deliver(found: Found) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed, and with it everybody who waited
                loop.call_soon_threadsafe(settle, found)

        question = self._asking.start(host, port, deliver)
        try:
            async with asyncio.timeout(seconds):
                found = await answer
        except TimeoutError:
            raise late() from None
        finally:
            self._asking.drop(question)
        return addresses_of(found)


class LoopWire:
    """One connection for one request."""

    def __init__(self, *, context: ssl.SSLContext, limits: Limits, dialer: Dialer) -> None:
        self._context = context
        self._limits = limits
        self._dialer = dialer

    async def exchange(self, hop: Hop, meter: Meter) -> Answer:
        """Send and read."""
        backend = _Backend(hop, meter, self._dialer, self._limits)
        with translated(meter):
            async with (
                httpcore2.AsyncConnectionPool(network_backend=backend, **pool_options(self._context)) as pool,
                pool.stream(**request_options(hop)) as response,
            ):
                head = read_head(hop.request.method, response.status, response.headers, self._limits)
                meter.head_done()
                body = Body(head, self._limits)
                if head.location is None:
                    async with contextlib.aclosing(response.aiter_stream()) as chunks:
                        async for chunk in chunks:
                            body.feed(chunk)
                            if body.pieces % _PIECES_AT_ONCE == 0:
                                await asyncio.sleep(0)
                return Answer(head, body.end(), backend.address)


class _Backend(httpcore2.AsyncNetworkBackend):
    """Dials the vetted addresses in turn, whatever name it is asked for."""

    def __init__(self, hop: Hop, meter: Meter, dialer: Dialer, limits: Limits) -> None:
        self._hop = hop
        self._meter = meter
        self._dialer = dialer
        self._limits = limits
        self.address = ""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers."""
        del host, port, timeout, local_address, socket_options
        failure: Exception = ConnectionError("no address")
        for address in self._hop.addresses[: self._limits.dials]:
            seconds = self._meter.left(Code.EGRESS_CONNECT_FAILED)
            try:
                stream, peer = await self._dialer.dial(address, self._hop.url.port, seconds)
            except (OSError, httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
                continue
            try:
                check_peer(peer, address, self._hop.url.port)
            except ConnectorFailed:
                await stream.aclose()
                raise
            self.address = address
            return _Stream(stream, self._meter, sending=self._hop.url.scheme == "http")
        raise failure


class _Stream(httpcore2.AsyncNetworkStream):
    """A stream under the meter; bytes of the request are those that are written once the connection is as it must be."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream, meter: Meter, *, sending: bool) -> None:
        self._stream = stream
        self._meter = meter
        self._sending = sending

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What there is, at most `max_bytes`."""
        room = self._meter.room(max_bytes)
        data = await self._stream.read(room, timeout=self._meter.left(Code.EGRESS_CONNECT_FAILED))
        self._meter.took(len(data))
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it, within what is left of the deadline."""
        left = self._meter.left(Code.EGRESS_CONNECT_FAILED)
        self._meter.sent = self._meter.sent or self._sending
        await self._stream.write(buffer, timeout=left)

    async def aclose(self) -> None:
        """Let go of the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Shake hands within the deadline; the certificate has to be for `server_hostname`."""
        try:
            left = self._meter.left(Code.EGRESS_TLS_FAILED)
            wrapped = await self._stream.start_tls(ssl_context, server_hostname, timeout=left)
        except (OSError, ValueError, httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            await self.aclose()
            raise tls_failed(error) from None
        except BaseException:  # cancelled, which the library leaves open
            await self.aclose()
            raise
        return _Stream(wrapped, self._meter, sending=True)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the library's signature
        """Nothing: the library has no need to look."""
        return None


def loop_client(
    rules: Rules,
    *,
    extra_authorities: str | None = None,
    resolver: Resolver | None = None,
    dialer: Dialer | None = None,
) -> EgressClient:
    """A client for the running event loop."""
    wire = LoopWire(context=client_context(extra_authorities), limits=rules.limits, dialer=dialer or LoopDialer())
    return EgressClient(resolver=resolver or LoopResolver(), wire=wire, rules=rules)

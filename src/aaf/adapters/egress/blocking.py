"""The wire for embedded use, the terminal and threads: plain sockets that block the calling thread, never longer than the deadline."""

# ruff: noqa: ARG002 - the library names its arguments; the meter knows better how long an operation may take

import socket
import ssl
from collections.abc import Iterable
from typing import Any, Protocol

import httpcore2

from aaf.adapters.egress.answer import Body, read_head
from aaf.adapters.egress.client import Answer, EgressClient, Hop, Resolver
from aaf.adapters.egress.exchange import pool_options, request_options, tls_failed, translated
from aaf.adapters.egress.gate import check_peer
from aaf.adapters.egress.metering import Meter
from aaf.adapters.egress.resolving import SystemResolver
from aaf.adapters.egress.rules import Limits, Rules
from aaf.adapters.egress.tls import client_context
from aaf.domain.errors import Code, ConnectorFailed

Peer = tuple[str, int]


class Dialer(Protocol):
    """Opens a connection to an address; tests put their own server behind it."""

    def dial(self, address: str, port: int, seconds: float) -> tuple[socket.socket, Peer]:
        """The connected socket, and who is at its other end.

        Raises:
            OSError: there is no connection within `seconds`.
        """


class SocketDialer:
    """Dials what it is given."""

    def dial(self, address: str, port: int, seconds: float) -> tuple[socket.socket, Peer]:
        """Connect; an address is no name, so nothing is looked up."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(seconds)
            connection.connect((address, port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            host, number, *_ = connection.getpeername()
        except BaseException:
            connection.close()
            raise
        return connection, (host, number)


class BlockingWire:
    """One connection for one request; its coroutine never suspends."""

    def __init__(self, *, context: ssl.SSLContext, limits: Limits, dialer: Dialer) -> None:
        self._context = context
        self._limits = limits
        self._dialer = dialer

    async def exchange(self, hop: Hop, meter: Meter) -> Answer:
        """Send and read."""
        backend = _Backend(hop, meter, self._dialer, self._limits)
        with (
            translated(meter),
            httpcore2.ConnectionPool(network_backend=backend, **pool_options(self._context)) as pool,
            pool.stream(**request_options(hop)) as response,
        ):
            head = read_head(hop.request.method, response.status, response.headers, self._limits)
            meter.head_done()
            body = Body(head, self._limits)
            if head.location is None:
                for chunk in response.iter_stream():
                    body.feed(chunk)
            return Answer(head, body.end(), backend.address)


class _Backend(httpcore2.NetworkBackend):
    """Dials the vetted addresses in turn, whatever name it is asked for."""

    def __init__(self, hop: Hop, meter: Meter, dialer: Dialer, limits: Limits) -> None:
        self._hop = hop
        self._meter = meter
        self._dialer = dialer
        self._limits = limits
        self.address = ""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address that answers."""
        del host, port, timeout, local_address, socket_options
        failure: OSError = ConnectionError("no address")
        for address in self._hop.addresses[: self._limits.dials]:
            seconds = self._meter.left(Code.EGRESS_CONNECT_FAILED)
            try:
                connection, peer = self._dialer.dial(address, self._hop.url.port, seconds)
            except OSError as error:
                failure = error
                continue
            try:
                check_peer(peer, address, self._hop.url.port)
            except ConnectorFailed:
                connection.close()
                raise
            self.address = address
            return _Stream(connection, self._meter, sending=self._hop.url.scheme == "http")
        raise failure


class _Stream(httpcore2.NetworkStream):
    """A socket under the meter; bytes of the request are those that are written once the connection is as it must be."""

    def __init__(self, connection: socket.socket, meter: Meter, *, sending: bool) -> None:
        self._connection = connection
        self._meter = meter
        self._sending = sending

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What there is, at most `max_bytes`."""
        room = self._meter.room(max_bytes)
        self._connection.settimeout(self._meter.left(Code.EGRESS_CONNECT_FAILED))
        data = self._connection.recv(room)
        self._meter.took(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it; each piece gets what is left of the deadline."""
        view = memoryview(buffer)
        while view:
            self._connection.settimeout(self._meter.left(Code.EGRESS_CONNECT_FAILED))
            self._meter.sent = self._meter.sent or self._sending
            try:
                view = view[self._connection.send(view) :]
            except TimeoutError:
                raise
            except OSError as error:
                raise httpcore2.WriteError(error) from error  # the library reads what the server said before it closed

    def close(self) -> None:
        """Let go of the socket."""
        self._connection.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Shake hands within the deadline; the certificate has to be for `server_hostname`."""
        try:
            self._connection.settimeout(self._meter.left(Code.EGRESS_TLS_FAILED))
            # On its own line: wrapping a socket that was reset meanwhile skips the handshake, and what is written then goes out in the clear.
            wrapped = ssl_context.wrap_socket(
                self._connection, server_hostname=server_hostname, do_handshake_on_connect=False
            )
            self._connection = wrapped
            wrapped.do_handshake()
        except (OSError, ValueError) as error:
            self.close()
            raise tls_failed(error) from None
        except BaseException:
            self.close()
            raise
        return _Stream(wrapped, self._meter, sending=True)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - the library's signature
        """Nothing: the library has no need to look."""
        return None


def blocking_client(
    rules: Rules,
    *,
    extra_authorities: str | None = None,
    resolver: Resolver | None = None,
    dialer: Dialer | None = None,
) -> EgressClient:
    """A client whose coroutines never suspend; `aaf.adapters.driving.drive` runs them."""
    wire = BlockingWire(context=client_context(extra_authorities), limits=rules.limits, dialer=dialer or SocketDialer())
    return EgressClient(resolver=resolver or SystemResolver(), wire=wire, rules=rules)

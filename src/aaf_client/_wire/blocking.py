"""The form of the wire that never suspends: one pool of connections, any number of threads.

The library's timeouts are for each read; here the connection itself knows when the attempt ends, so that an answer which drips ends too, and so does
the looking up of a name.
"""

import ssl
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpcore2

from aaf_client import clock
from aaf_client._wire import sending
from aaf_client._wire.address import Address
from aaf_client._wire.lookup import Lookup
from aaf_client._wire.port import NotSent, Reply, Request

_PIECE = 16_384
"""Bytes of a request between two looks at the clock."""


class _Until(threading.local):
    """When the attempt of this thread ends."""

    instant: float = 0.0

    def left(self) -> float:
        """Seconds; raises what the library maps to a timeout where there are none."""
        left = self.instant - clock.now()
        if left <= 0:
            raise TimeoutError
        return left


class _Connection(httpcore2.NetworkStream):
    """A connection whose every step ends with the attempt."""

    def __init__(self, inner: httpcore2.NetworkStream, until: _Until) -> None:
        self._inner = inner
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the attempt's own end counts
        return self._inner.read(max_bytes, _left(self._until, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the attempt's own end counts
        # The library begins its timeout anew with each part that the other side takes.
        for start in range(0, len(buffer), _PIECE):
            self._inner.write(buffer[start : start + _PIECE], _left(self._until, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(self._until, httpcore2.ConnectTimeout)
        within = left if timeout is None else min(left, timeout)
        return _Connection(self._inner.start_tls(ssl_context, server_hostname, within), self._until)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - whatever it is declared to be
        return self._inner.get_extra_info(info)


def _left(until: _Until, kind: type[Exception]) -> float:
    try:
        return until.left()
    except TimeoutError as over:
        raise kind from over


class _Network(httpcore2.NetworkBackend):
    """Makes such connections."""

    def __init__(self, until: _Until) -> None:
        self._inner = httpcore2.SyncBackend()
        self._until = until
        self._lookup = Lookup()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        until = _Until()
        until.instant = min(self._until.instant, clock.now() + (timeout or sending.CONNECT_TIME))
        try:
            addresses = self._lookup.addresses(host, port, seconds=_left(until, httpcore2.ConnectTimeout))
        except TimeoutError as late:
            raise httpcore2.ConnectTimeout from late
        except OSError as unknown:
            raise httpcore2.ConnectError(unknown) from unknown
        failure: Exception = httpcore2.ConnectError()
        for tried, address in enumerate(addresses):
            left = _left(until, httpcore2.ConnectTimeout)
            share = left / (len(addresses) - tried)  # one that is silent leaves time for the next
            try:
                made = self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as refused:
                failure = refused
            else:
                return _Connection(made, self._until)
        raise failure


class _Pieces:
    """A response that goes on."""

    def __init__(self, reply: Reply, chunks: Iterator[bytes], until: _Until, sent: sending.Sent) -> None:
        self.reply = reply
        self._chunks = chunks
        self._until = until
        self._sent = sent

    async def read(self, *, until: float) -> bytes:
        self._until.instant = until
        try:
            return next(self._chunks, b"")
        except Exception as error:  # noqa: BLE001 - `broken` lets through what it does not know
            sending.broken(error, self._sent)


class BlockingWire:
    """Exchanges with one firewall."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None) -> None:
        """Connect on first use."""
        self._address = address
        self.origin = address.origin
        self._until = _Until()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=tls,
            max_connections=sending.CONNECTIONS,
            max_keepalive_connections=sending.KEPT,
            keepalive_expiry=sending.KEPT_FOR,
            network_backend=_Network(self._until),
        )

    async def pause(self, seconds: float) -> None:
        """Wait, in this thread."""
        clock.sleep(seconds)

    @asynccontextmanager
    async def listen(self, request: Request, *, until: float) -> AsyncIterator[_Pieces]:
        """One attempt whose answer is read in pieces."""
        sent = sending.Sent()
        self._until.instant = until
        left = until - clock.now()
        if left <= 0:
            raise NotSent
        asked = sending.arguments(self._address, request, sent.note, left=left)
        try:
            response = self._pool.stream(**asked)
            opened = response.__enter__()
        except Exception as error:  # noqa: BLE001 - `broken` lets through what it does not know
            sending.broken(error, sent)
        try:
            chunks = opened.iter_stream()
            yield _Pieces(sending.head(opened.status, opened.headers), chunks, self._until, sent)
        finally:
            try:
                response.__exit__(None, None, None)
            except Exception as error:  # noqa: BLE001 - `broken` lets through what it does not know
                sending.broken(error, sent)

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()

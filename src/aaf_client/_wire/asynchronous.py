"""The form of the wire for an event loop of asyncio: one pool of connections, any number of tasks of one loop."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import httpcore2

from aaf_client import clock
from aaf_client._wire import sending
from aaf_client._wire.address import Address
from aaf_client._wire.port import NotSent, Reply, Request


class _Pieces:
    """A response that goes on."""

    def __init__(self, reply: Reply, chunks: AsyncIterator[bytes], sent: sending.Sent) -> None:
        self.reply = reply
        self._chunks = chunks
        self._sent = sent

    async def read(self, *, until: float) -> bytes:
        try:
            async with asyncio.timeout(until - clock.now()):
                return await anext(self._chunks, b"")
        except Exception as error:  # noqa: BLE001 - `broken` lets through what it does not know
            sending.broken(error, self._sent)


class AsyncWire:
    """Exchanges with one firewall."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None) -> None:
        """Connect on first use, in the loop that uses it."""
        self._address = address
        self.origin = address.origin
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=sending.CONNECTIONS,
            max_keepalive_connections=sending.KEPT,
            keepalive_expiry=sending.KEPT_FOR,
        )

    async def pause(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    @asynccontextmanager
    async def listen(self, request: Request, *, until: float) -> AsyncIterator[_Pieces]:
        """One attempt whose answer is read in pieces."""
        sent = sending.Sent()
        left = until - clock.now()
        if left <= 0:
            raise NotSent
        asked = sending.arguments(self._address, request, sent.anote, left=left)
        try:
            async with asyncio.timeout(left):
                response = self._pool.stream(**asked)
                opened = await response.__aenter__()
        except Exception as error:  # noqa: BLE001 - `broken` lets through what it does not know
            sending.broken(error, sent)
        try:
            chunks = cast("AsyncIterator[bytes]", opened.aiter_stream())
            yield _Pieces(sending.head(opened.status, opened.headers), chunks, sent)
        finally:
            try:
                await response.__aexit__(None, None, None)
            except Exception as error:  # noqa: BLE001 - `broken` lets through what it does not know
                sending.broken(error, sent)

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._pool.aclose()

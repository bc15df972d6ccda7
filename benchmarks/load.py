"""A load generator for one route: keep-alive connections that each send the same request again and again, and time every answer.

Closed loop: a connection sends its next request when the last answer is complete. It reads the status and the length, nothing else.
"""

import asyncio
from dataclasses import dataclass, field
from time import perf_counter


@dataclass(slots=True)
class Load:
    """What came back: requests a second, latencies in milliseconds, sorted, and how many answers had another status."""

    rate: float
    latencies: list[float]
    others: int

    def quantile(self, share: float) -> float:
        """The latency that `share` of the answers didn't exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]


@dataclass(slots=True)
class _Connection(asyncio.Protocol):
    """One keep-alive connection."""

    request: bytes
    expected: bytes
    until: float
    done: asyncio.Future[None]
    latencies: list[float] = field(default_factory=list)
    others: int = 0
    _buffer: bytes = b""
    _sent: float = 0.0
    _transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._send()

    def _send(self) -> None:
        """Send, or end when the time is over."""
        now = perf_counter()
        if self._transport is None:
            return
        if now >= self.until:
            self._transport.close()
            return
        self._sent = now
        self._transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Take an answer; when it is complete, send again."""
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lower = head.lower()
        start = lower.index(b"content-length:") + 15
        end = lower.find(b"\r\n", start)
        length = int(lower[start : end if end > 0 else len(lower)])
        if len(body) < length:
            return
        self.latencies.append((perf_counter() - self._sent) * 1_000)
        self.others += head[9:12] != self.expected
        self._buffer = body[length:]
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell that this one has ended."""
        if not self.done.done():
            self.done.set_result(None)


def request(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """The bytes of one POST."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
    ]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def run(port: int, payload: bytes, *, connections: int, seconds: float, expected: int) -> Load:
    """Load 127.0.0.1:`port` for `seconds`; answers with another status than `expected` are counted apart."""
    loop = asyncio.get_running_loop()
    began = perf_counter()
    made: list[_Connection] = []
    for _ in range(connections):
        one = _Connection(payload, str(expected).encode(), began + seconds, loop.create_future())
        await loop.create_connection(lambda one=one: one, "127.0.0.1", port)  # type: ignore[misc]
        made.append(one)
    await asyncio.gather(*(one.done for one in made))
    elapsed = perf_counter() - began
    latencies = sorted(value for one in made for value in one.latencies)
    return Load(len(latencies) / elapsed, latencies, sum(one.others for one in made))

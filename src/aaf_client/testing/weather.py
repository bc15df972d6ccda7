"""A server on loopback that behaves as badly as it is told: for testing what a client makes of it.

Each request takes the next step of the script, the last step stays; what was asked is remembered. It serves real connections, so that what is tested is
the client and not a stand-in of it.
"""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeAlias

from aaf_client.models import Json

_PATIENCE = 20.0
"""Seconds after which a connection of the test itself is over, whatever happens."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    raw: bytes = field(repr=False)

    @property
    def json(self) -> Json:
        """The body."""
        found: Json = json.loads(self.body)
        return found


class Encrypting(Protocol):
    """What an `ssl.SSLContext` of a server does."""

    def wrap_socket(self, sock: socket.socket, server_side: bool = ...) -> socket.socket:  # noqa: FBT001 - ssl's own signature
        """Encrypt a connection."""
        ...


class Ending(Exception):
    """The connection is over."""


@dataclass(slots=True)
class Exchange:
    """What a step has in hand: the request, the connection, and the server's end."""

    received: Received
    connection: socket.socket
    over: threading.Event

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.connection.sendall(data)

    def close(self) -> None:
        """End the connection in order."""
        raise Ending

    def reset(self) -> None:
        """End the connection as a crash does."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Ending

    def hang(self) -> None:
        """Say nothing more, until the server is closed."""
        self.over.wait(_PATIENCE)
        raise Ending


Step: TypeAlias = Callable[[Exchange], None]


def answer(
    body: Json | bytes, status: int = 200, *, type_: str = "application/json", headers: Mapping[str, str] | None = None
) -> Step:
    """A whole answer; the connection goes on."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()

    def step(exchange: Exchange) -> None:
        exchange.send(head(status, {"Content-Type": type_, "Content-Length": str(len(data)), **(headers or {})}) + data)

    return step


def problem(status: int, code: str, *, headers: Mapping[str, str] | None = None, **members: Json) -> Step:
    """A refusal of a firewall."""
    body: dict[str, Json] = {"code": code, "detail": "It was refused.", "hint": "", "status": status, **members}
    return answer(body, status, type_="application/problem+json", headers=headers)


def events(*pieces: bytes, then: Step | None = None) -> Step:
    """The beginning of an event stream, piece by piece; afterwards the connection ends, or `then` happens."""

    def step(exchange: Exchange) -> None:
        exchange.send(head(200, {"Content-Type": "text/event-stream", "Connection": "close"}))
        for piece in pieces:
            exchange.send(piece)
        (then or close)(exchange)

    return step


def raw(data: bytes, then: Step | None = None) -> Step:
    """These bytes, and then the end, or `then`."""

    def step(exchange: Exchange) -> None:
        exchange.send(data)
        (then or close)(exchange)

    return step


def close(exchange: Exchange) -> None:
    """End the connection without an answer."""
    exchange.close()


def reset(exchange: Exchange) -> None:
    """Break the connection without an answer."""
    exchange.reset()


def hang(exchange: Exchange) -> None:
    """Never answer."""
    exchange.hang()


def forward(port: int, *, request: int | None = None, answer: int | None = None) -> Step:
    """Hand on to the server at `port` of loopback; cut after so many bytes of the request, or of the answer.

    What is cut is broken in both directions, as by a network that fails.
    """

    def step(exchange: Exchange) -> None:
        with socket.create_connection(("127.0.0.1", port), _PATIENCE) as upstream:
            upstream.sendall(exchange.received.raw[:request])
            if request is not None and request < len(exchange.received.raw):
                exchange.reset()
            left = answer
            for piece in _answered(upstream):
                exchange.send(piece if left is None else piece[:left])
                if left is not None:
                    left -= min(left, len(piece))
                    if not left:
                        exchange.reset()

    return step


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """Status line and headers."""
    lines = [f"HTTP/1.1 {status} Told", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


class ScriptedServer:
    """Listens on a port of loopback as long as it is entered.

    Attributes:
        script: what happens to each request; a test may change it at any time.
        received: every request, in order.
    """

    def __init__(self, *script: Step, tls: Encrypting | None = None) -> None:
        """Behave by `script`; without one, answer nothing. With `tls`, the connections are encrypted."""
        self._tls = tls
        self.script: list[Step] = list(script)
        self.received: list[Received] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener: socket.socket | None = None
        self.port = 0

    @property
    def base_url(self) -> str:
        """Its address."""
        return f"http{'' if self._tls is None else 's'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Listen; the port stays the same when it is entered again."""
        self._over.clear()
        listener = socket.create_server(("127.0.0.1", self.port))
        self._listener, self.port = listener, listener.getsockname()[1]
        self._start(self._accept, listener)
        return self

    def __exit__(self, *_: object) -> None:
        """End every connection."""
        self._over.set()
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE)
        self._threads.clear()

    def _start(self, work: Callable[[socket.socket], None], connection: socket.socket) -> None:
        thread = threading.Thread(target=work, args=(connection,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while not self._over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                self._open.add(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(_PATIENCE)
        plain = connection
        try:
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                while not self._over.is_set():
                    received = _read(connection)
                    with self._lock:
                        self.received.append(received)
                        step = self._next()
                    step(Exchange(received, connection, self._over))
        except (Ending, OSError):
            return
        finally:
            with self._lock:
                self._open.discard(plain)
            plain.close()

    def _next(self) -> Step:
        if not self.script:
            return hang
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]


def _read(connection: socket.socket) -> Received:
    """One request, by its Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    start, _, body = data.partition(b"\r\n\r\n")
    first, *lines = start.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(connection)
    method, target, _ = first.split(" ", 2)
    return Received(method, target, headers, body, start + b"\r\n\r\n" + body)


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65_536)
    if not data:
        raise Ending
    return data


def _answered(upstream: socket.socket) -> list[bytes]:
    """The whole answer of the server behind, head and body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(upstream)
    start, _, body = data.partition(b"\r\n\r\n")
    headers = {
        name.lower(): value
        for name, _, value in (one.partition(": ") for one in start.decode("latin-1").split("\r\n")[1:])
    }
    while len(body) < int(headers.get("content-length", "0")):
        body += _more(upstream)
    return [start + b"\r\n\r\n" + body]

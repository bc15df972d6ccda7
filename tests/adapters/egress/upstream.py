"""Servers on loopback that say exactly the bytes they are told to, good or bad."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Talk:
    """One connection as its script sees it."""

    connection: socket.socket
    request: bytes
    ending: threading.Event

    def say(self, data: bytes) -> None:
        self.connection.sendall(data)

    def reset(self) -> None:
        """End with RST in place of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def hang(self) -> None:
        self.ending.wait(20)


Script = Callable[[Talk], None]


def saying(*pieces: bytes) -> Script:
    """Say these, then close."""

    def script(talk: Talk) -> None:
        for piece in pieces:
            talk.say(piece)

    return script


def dripping(piece: bytes, times: int, every: float = 0.02) -> Script:
    """Say this again and again, with a pause in between, until the test is over."""

    def script(talk: Talk) -> None:
        for _ in range(times):
            talk.say(piece)
            if talk.ending.wait(every):
                return

    return script


def in_turn(*scripts: Script) -> Script:
    """One after the other."""

    def script(talk: Talk) -> None:
        for one in scripts:
            one(talk)

    return script


def ok(body: bytes, *headers: bytes) -> bytes:
    """A plain answer."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body)
    return head + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


def redirect(status: int, *locations: bytes) -> bytes:
    head = b"HTTP/1.1 %d Elsewhere\r\nContent-Length: 0\r\n" % status
    return head + b"".join(b"Location: " + location + b"\r\n" for location in locations) + b"\r\n"


@dataclass
class Upstream:
    """A server; `scripts` are used one for each connection, the last for all further ones."""

    scripts: list[Script]
    tls: ssl.SSLContext | None
    reads: bool = True
    before_tls: Script | None = None
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    connections: int = 0
    ending: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        if self.tls is not None:
            self.tls.sni_callback = lambda _, name, __: self.names.append(name)
        self._main = threading.Thread(target=self._accept, daemon=True)
        self._main.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            script = self.scripts[min(self.connections, len(self.scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, script), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket, script: Script) -> None:
        plain.settimeout(20)
        connection = plain
        with suppress(OSError):
            if self.before_tls is not None:
                self.before_tls(Talk(plain, b"", self.ending))
            if self.tls is not None:
                connection = self.tls.wrap_socket(plain, server_side=True)
            request = _read_request(connection) if self.reads else b""
            self.requests.append(request)
            script(Talk(connection, request, self.ending))
        with suppress(OSError):
            connection.close()

    def close(self) -> None:
        self.ending.set()
        # A connection wakes the accepting thread, which a close alone does not.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in (self._main, *self._threads):
            thread.join(10)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
    )
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(
    *scripts: Script, tls: ssl.SSLContext | None = None, reads: bool = True, before_tls: Script | None = None
) -> Iterator[Upstream]:
    """Run a server for the length of a test."""
    server = Upstream(list(scripts), tls, reads, before_tls)
    try:
        yield server
    finally:
        server.close()

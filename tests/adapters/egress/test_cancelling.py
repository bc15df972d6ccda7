"""A call that is cancelled, or whose time is over between two steps, ends at once and leaves no connection and no question behind."""

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence

import httpcore2
import pytest

from aaf.adapters.egress.blocking import _Stream as BlockingStream
from aaf.adapters.egress.metering import Deadline, Meter
from aaf.adapters.egress.on_loop import LoopResolver, _Stream
from aaf.adapters.egress.request import Request
from aaf.adapters.egress.resolving import Asking
from aaf.adapters.egress.rules import Limits, Rules
from aaf.adapters.egress.tls import client_context
from aaf.domain.errors import Code, ConnectorFailed
from tests.adapters.egress.calling import HOST, PUBLIC, Caller, everything
from tests.adapters.egress.certificates import Authority
from tests.adapters.egress.upstream import Script, Talk, Upstream, redirect, saying, serving

PATIENT = Limits(seconds=60.0, connect_seconds=60.0, request_body=64 << 20)


class Stage:
    """A server that gets as far as this, and notices when the client goes away."""

    def __init__(self, *said: bytes) -> None:
        self.said = said
        self.reached = threading.Event()
        self.cancelled = threading.Event()
        self.gone = threading.Event()

    def script(self, talk: Talk) -> None:
        for piece in self.said:
            talk.say(piece)
        self.reached.set()
        self.cancelled.wait(20)
        try:
            while talk.connection.recv(1 << 20):
                pass
        except OSError as error:
            if isinstance(error, TimeoutError):
                return
        self.gone.set()


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What is only closed by the garbage collector stays open."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def cancelled(caller: Caller, stage: Stage, *, method: str = "GET", body: bytes = b"") -> None:
    request = Request(method, f"https://{HOST}/", body=body)
    call = asyncio.ensure_future(caller.client().fetch(request, allowed=everything))
    assert await asyncio.to_thread(stage.reached.wait, 10)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    stage.cancelled.set()
    assert await asyncio.to_thread(stage.gone.wait, 10)


def call_of(authority: Authority, server: Upstream) -> Caller:
    return Caller("loop", authority.file, rules=Rules(limits=PATIENT)).to(server)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
STAGES: list[tuple[str, list[bytes], list[Script]]] = [
    ("before the head", [], []),
    ("within the head", [HEAD[:20]], []),
    ("before the body", [HEAD], []),
    ("within the body", [HEAD, b"hello"], []),
    ("at the second hop", [], [saying(redirect(302, b"/again"))]),
]


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(("said", "before"), [case[1:] for case in STAGES], ids=[case[0] for case in STAGES])
def test_a_call_that_is_cancelled_closes_its_connection(
    authority: Authority, good: ssl.SSLContext, said: list[bytes], before: list[Script]
) -> None:
    stage = Stage(*said)
    with serving(*before, stage.script, tls=good) as server:
        asyncio.run(cancelled(call_of(authority, server), stage))
    assert server.connections == len(before) + 1


@pytest.mark.usefixtures("no_collector")
def test_a_call_that_is_cancelled_within_the_handshake_closes_its_connection(authority: Authority) -> None:
    stage = Stage()
    with serving(stage.script, reads=False) as server:
        asyncio.run(cancelled(call_of(authority, server), stage))


@pytest.mark.usefixtures("no_collector")
def test_a_call_that_is_cancelled_while_it_sends_closes_its_connection(
    authority: Authority, good: ssl.SSLContext
) -> None:
    stage = Stage()
    with serving(stage.script, tls=good, reads=False) as server:
        asyncio.run(cancelled(call_of(authority, server), stage, method="PUT", body=bytes(64 << 20)))


def test_a_question_of_somebody_who_was_cancelled_is_not_asked() -> None:
    answering, asked = threading.Event(), threading.Event()
    names: list[str] = []

    def lookup(host: str, port: int) -> Sequence[str]:
        names.append(host)
        asked.set()
        answering.wait(20)
        return [PUBLIC]

    async def call() -> Sequence[str]:
        resolver = LoopResolver(Asking(lookup, threads=1))
        first, second, third = [asyncio.ensure_future(resolver.resolve(name, 443, 20)) for name in "abc"]
        assert await asyncio.to_thread(asked.wait, 10)
        for one in (first, second):
            one.cancel()
            with pytest.raises(asyncio.CancelledError):
                await one
        answering.set()
        return await third

    assert asyncio.run(call()) == [PUBLIC]
    assert names == ["a", "c"]


class Open(httpcore2.AsyncMockStream):
    """A stream that knows whether it was closed."""

    closed = False

    async def aclose(self) -> None:
        self.closed = True


def test_a_connection_whose_time_is_over_before_the_handshake_is_closed() -> None:
    stream = Open([])

    async def call() -> None:
        meter = Meter(Deadline(0, now=lambda: 0), Limits())
        await _Stream(stream, meter, sending=False).start_tls(client_context(), HOST)

    with pytest.raises(ConnectorFailed) as failure:
        asyncio.run(call())
    assert failure.value.code is Code.EGRESS_TLS_FAILED
    assert stream.closed


def test_a_socket_whose_time_is_over_before_the_handshake_is_closed() -> None:
    ours, theirs = socket.socketpair()
    meter = Meter(Deadline(0, now=lambda: 0), Limits())
    with theirs, pytest.raises(ConnectorFailed) as failure:
        BlockingStream(ours, meter, sending=False).start_tls(client_context(), HOST)
    assert failure.value.code is Code.EGRESS_TLS_FAILED
    assert ours.fileno() == -1

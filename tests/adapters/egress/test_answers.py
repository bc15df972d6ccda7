"""What a server says, right and wrong: each wrong answer ends the call with its own code, within every cap."""

import asyncio
import gzip
import logging
import ssl
import zlib
from dataclasses import replace

import pytest

from aaf.adapters.egress.answer import Body
from aaf.adapters.egress.request import Request
from aaf.adapters.egress.rules import Limits, Rules
from aaf.domain.errors import Code
from tests.adapters.egress.calling import HOST, QUICK, Caller, everything
from tests.adapters.egress.certificates import Authority
from tests.adapters.egress.upstream import Script, Talk, dripping, in_turn, ok, saying, serving

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
GZIP = b"Content-Encoding: gzip"
SMALL = Limits(seconds=5.0, head=4096, wire=100_000, body=100_000, ratio=100)


def bomb() -> bytes:
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packing.compress(bytes(1 << 20)) for _ in range(50)) + packing.flush()


BOMB = bomb()

RIGHT: list[tuple[str, bytes, int, bytes]] = [
    ("length", ok(b"hello"), 200, b"hello"),
    ("empty", ok(b""), 200, b""),
    ("chunks", CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", 200, b"hello"),
    ("chunks with an extension and a trailer", CHUNKED + b"5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", 200, b"hello"),
    ("gzip", ok(gzip.compress(b"hello"), GZIP), 200, b"hello"),
    ("gzip by its older name", ok(gzip.compress(b"hello"), b"Content-Encoding: x-gzip"), 200, b"hello"),
    ("identity", ok(b"hello", b"Content-Encoding: identity"), 200, b"hello"),
    ("until the end", b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello"),
    ("early hints first", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + ok(b"hello"), 200, b"hello"),
    ("no content", b"HTTP/1.1 204 None\r\n\r\n", 204, b""),
    ("not found", b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno", 404, b"no"),
    ("fault", b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno", 500, b"no"),
    ("a redirect that says not where", b"HTTP/1.1 302 X\r\nContent-Length: 2\r\n\r\nno", 302, b"no"),
    ("more than it announced", ok(b"hello") + b"and more", 200, b"hello"),
]

WRONG: list[tuple[str, Script, Code]] = [
    ("http 0.9", saying(b"<html>hello</html>"), Code.EGRESS_PROTOCOL_ERROR),
    ("garbage", saying(bytes(range(256)) * 8), Code.EGRESS_PROTOCOL_ERROR),
    ("http 2", saying(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Code.EGRESS_PROTOCOL_ERROR),
    ("nothing", saying(), Code.EGRESS_PROTOCOL_ERROR),
    ("half a head", saying(b"HTTP/1.1 200 OK\r\nContent-Le"), Code.EGRESS_PROTOCOL_ERROR),
    ("reset at once", Talk.reset, Code.EGRESS_PROTOCOL_ERROR),
    ("no status", saying(b"HTTP/1.1 OK\r\n\r\n"), Code.EGRESS_PROTOCOL_ERROR),
    ("status 999", saying(b"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n"), Code.EGRESS_PROTOCOL_ERROR),
    ("switching protocols", saying(b"HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\nraw"), Code.EGRESS_PROTOCOL_ERROR),
    (
        "less than it announced",
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"),
        Code.EGRESS_PROTOCOL_ERROR,
    ),
    ("a negative length", saying(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx"), Code.EGRESS_PROTOCOL_ERROR),
    ("a length in words", saying(b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello"), Code.EGRESS_PROTOCOL_ERROR),
    ("a length with a plus", saying(b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello"), Code.EGRESS_PROTOCOL_ERROR),
    ("two lengths", saying(ok(b"hello", b"Content-Length: 4")), Code.EGRESS_PROTOCOL_ERROR),
    (
        "two equal lengths in one",
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 4\r\n\r\nx"),
        Code.EGRESS_PROTOCOL_ERROR,
    ),
    (
        "length and chunks",
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        Code.EGRESS_PROTOCOL_ERROR,
    ),
    (
        "chunks in gzip",
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
        Code.EGRESS_PROTOCOL_ERROR,
    ),
    ("a bad chunk", saying(CHUNKED + b"zz\r\nhello\r\n"), Code.EGRESS_PROTOCOL_ERROR),
    ("a chunk cut short", saying(CHUNKED + b"ff\r\nhello"), Code.EGRESS_PROTOCOL_ERROR),
    ("a zero byte in a header", saying(b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"), Code.EGRESS_PROTOCOL_ERROR),
    ("a space before the colon", saying(b"HTTP/1.1 200 OK\r\nX : a\r\n\r\n"), Code.EGRESS_PROTOCOL_ERROR),
    ("brotli", saying(ok(b"x", b"Content-Encoding: br")), Code.EGRESS_PROTOCOL_ERROR),
    ("deflate", saying(ok(zlib.compress(b"x"), b"Content-Encoding: deflate")), Code.EGRESS_PROTOCOL_ERROR),
    ("gzip in gzip", saying(ok(b"x", b"Content-Encoding: gzip, gzip")), Code.EGRESS_PROTOCOL_ERROR),
    ("two encodings", saying(ok(b"x", GZIP, GZIP)), Code.EGRESS_PROTOCOL_ERROR),
    ("not gzip", saying(ok(b"plain text", GZIP)), Code.EGRESS_PROTOCOL_ERROR),
    ("gzip cut short", saying(ok(gzip.compress(b"hello" * 100)[:-9], GZIP)), Code.EGRESS_PROTOCOL_ERROR),
    ("bytes after gzip", saying(ok(gzip.compress(b"hello") + b"more", GZIP)), Code.EGRESS_PROTOCOL_ERROR),
    ("a bomb", saying(ok(BOMB, GZIP)), Code.EGRESS_TOO_LARGE),
    ("an announced length", saying(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n"), Code.EGRESS_TOO_LARGE),
    ("a long line", saying(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 8192), Code.EGRESS_TOO_LARGE),
    (
        "many headers",
        saying(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: a\r\n" % n for n in range(1000)) + b"\r\n"),
        Code.EGRESS_TOO_LARGE,
    ),
    (
        "many short headers",
        saying(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d:\r\n" % n for n in range(300)) + b"\r\n"),
        Code.EGRESS_PROTOCOL_ERROR,
    ),
    ("interim answers for ever", dripping(b"HTTP/1.1 100 C\r\n\r\n" * 40, 1000), Code.EGRESS_TOO_LARGE),
    (
        "chunks for ever",
        in_turn(saying(CHUNKED), dripping(b"4000\r\n" + b"a" * 0x4000 + b"\r\n", 1000, 0)),
        Code.EGRESS_TOO_LARGE,
    ),
    (
        "extensions for ever",
        in_turn(saying(CHUNKED), dripping((b"1;" + b"x" * 4000 + b"\r\na\r\n") * 9, 1000, 0)),
        Code.EGRESS_TOO_LARGE,
    ),
    ("more pieces than bytes are worth", saying(CHUNKED + b"1\r\na\r\n" * 6000), Code.EGRESS_TOO_LARGE),
    (
        "a body for ever",
        in_turn(saying(b"HTTP/1.0 200 OK\r\n\r\n"), dripping(b"a" * 0x4000, 1000, 0)),
        Code.EGRESS_TOO_LARGE,
    ),
]

# Each of these ends well after five seconds, so that a call without its deadline would succeed.
LATE: list[tuple[str, Script]] = [
    ("silence", Talk.hang),
    ("a head in drips", in_turn(saying(b"HTTP/1.1 200 OK\r\nX: "), dripping(b"a", 250), saying(b"\r\n\r\n"))),
    ("a body in drips", in_turn(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 250\r\n\r\n"), dripping(b"a", 250))),
    ("chunks in drips", in_turn(saying(CHUNKED), dripping(b"1\r\na\r\n", 250), saying(b"0\r\n\r\n"))),
    ("interim answers in drips", in_turn(dripping(b"HTTP/1.1 100 C\r\n\r\n", 250), saying(ok(b"x")))),
    ("half a body", in_turn(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"), Talk.hang)),
]


@pytest.mark.parametrize(("said", "status", "body"), [case[1:] for case in RIGHT], ids=[case[0] for case in RIGHT])
def test_a_right_answer_comes_back_whole(
    caller: Caller, good: ssl.SSLContext, said: bytes, status: int, body: bytes
) -> None:
    with serving(saying(said), tls=good) as server:
        response = caller.to(server).fetch(f"https://{HOST}/a?b=c#d")
    assert (response.status, response.body, response.hops) == (status, body, 0)
    assert server.requests[0].startswith(b"GET /a?b=c HTTP/1.1\r\nHost: api.example.com\r\n")
    assert server.names == [HOST]


@pytest.mark.requirement("R08")
@pytest.mark.parametrize(("script", "code"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_answer_ends_the_call_with_its_code(
    caller: Caller, good: ssl.SSLContext, script: Script, code: Code
) -> None:
    caller.rules = Rules(limits=SMALL)
    with serving(script, tls=good) as server:
        assert caller.to(server).refusal() is code


@pytest.mark.parametrize("script", [case[1] for case in LATE], ids=[case[0] for case in LATE])
def test_no_server_can_lengthen_a_call_beyond_its_deadline(
    caller: Caller, good: ssl.SSLContext, script: Script
) -> None:
    caller.rules = Rules(limits=replace(QUICK, seconds=0.5))
    with serving(script, tls=good) as server:
        assert caller.to(server).refusal() is Code.CONNECTOR_TIMEOUT


def test_a_server_that_does_not_read_can_not_lengthen_a_call(caller: Caller, good: ssl.SSLContext) -> None:
    caller.rules = Rules(limits=replace(QUICK, seconds=0.5, request_body=32 << 20))
    with serving(Talk.hang, tls=good, reads=False) as server:
        assert caller.to(server).refusal(method="PUT", body=bytes(32 << 20)) is Code.CONNECTOR_TIMEOUT


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("script", [Talk.reset, saying(), saying(b"rubbish\r\n\r\n"), saying(ok(BOMB, GZIP))])
def test_after_a_request_that_changes_things_nobody_knows(
    caller: Caller, good: ssl.SSLContext, method: str, script: Script
) -> None:
    caller.rules = Rules(limits=SMALL)
    with serving(script, tls=good) as server:
        assert caller.to(server).refusal(method=method, body=b"x") is Code.CONNECTOR_TIMEOUT
    assert len(server.requests) == 1


def test_nothing_is_sent_twice(caller: Caller, good: ssl.SSLContext) -> None:
    with serving(Talk.reset, tls=good) as server:
        assert caller.to(server).refusal() is Code.EGRESS_PROTOCOL_ERROR
    assert server.connections == 1


def test_a_bomb_is_cut_at_the_ratio_before_the_cap(caller: Caller, good: ssl.SSLContext) -> None:
    caller.rules = Rules(limits=replace(QUICK, body=1 << 30))
    with serving(saying(ok(BOMB, GZIP)), tls=good) as server:
        assert caller.to(server).refusal() is Code.EGRESS_TOO_LARGE


def test_a_head_answer_announces_a_body_and_has_none(caller: Caller, good: ssl.SSLContext) -> None:
    with serving(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nContent-Encoding: gzip\r\n\r\n"), tls=good) as server:
        response = caller.to(server).fetch(method="HEAD")
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304)])
def test_a_length_of_what_does_not_come_has_no_bound(
    caller: Caller, good: ssl.SSLContext, method: str, status: int
) -> None:
    with serving(saying(b"HTTP/1.1 %d X\r\nContent-Length: 99999999999\r\n\r\n" % status), tls=good) as server:
        response = caller.to(server).fetch(method=method)
    assert (response.status, response.body) == (status, b"")


def test_others_get_their_turn_while_a_body_comes_in_tiny_pieces(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = [0]

    class Counting(Body):
        def feed(self, chunk: bytes) -> None:
            turns[-1] += 1
            super().feed(chunk)

    async def others() -> None:
        while True:
            turns.append(0)
            await asyncio.sleep(0)

    async def call() -> bytes:
        caller = Caller("loop", authority.file, rules=Rules(frozenset({"http"}), limits=QUICK)).to(server)
        waiting = asyncio.ensure_future(others())
        response = await caller.client().fetch(Request("GET", f"http://{HOST}/"), allowed=everything)
        waiting.cancel()
        return response.body

    monkeypatch.setattr("aaf.adapters.egress.on_loop.Body", Counting)
    with serving(saying(CHUNKED + b"1\r\na\r\n" * 4000 + b"0\r\n\r\n")) as server:
        assert asyncio.run(call()) == b"a" * 4000
    assert sum(turns) == 4000
    assert max(turns) <= 200


def test_the_library_s_own_log_quotes_nothing(
    caller: Caller, good: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(saying(ok(b"", b"X-Echo: s3cret")), tls=good) as server:
        caller.to(server).fetch(credentials=(("Authorization", "s3cret"),))
    assert [record for record in caplog.records if record.name.startswith("httpcore2")] == []
    logging.getLogger("httpcore2.http11").debug("of somebody else")
    assert "of somebody else" in caplog.text


def test_headers_of_an_answer_keep_their_order_and_lose_their_case(caller: Caller, good: ssl.SSLContext) -> None:
    with serving(saying(ok(b"", b"X-B: 1", b"Set-Cookie: a=b", b"set-cookie: c=d")), tls=good) as server:
        response = caller.to(server).fetch()
    assert response.headers == (("content-length", "0"), ("x-b", "1"), ("set-cookie", "a=b"), ("set-cookie", "c=d"))

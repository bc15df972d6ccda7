"""What a client sends, or doesn't send, before it is a request: on a real loop, over loopback."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope, Send

from aaf.domain.errors import Code
from aaf.entrypoints.api import ApiLimits
from aaf.entrypoints.api.protocol import Connection
from aaf.entrypoints.api.wire import Wire, WireLimits
from aaf.ports import ORIGIN, Origin
from tests.api.wired import PATIENCE, Heard, Wired, listening, looping
from tests.api.world import World

SOON = 0.05
LIMITS = WireLimits(head_time=60, idle=60, rest=60, linger=60, stalled=60, drain=60)
HEALTH = b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
NOTE = json.dumps({"action": "note.take", "params": {"text": "x"}}).encode()

Play = Callable[[Wired], Coroutine[Any, Any, None]]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with looping(tmp_path, ApiLimits(body_time=SOON)) as made:
        yield made


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[World]:
    with looping(tmp_path) as made:
        yield made


def play(world: World, scene: Play, app: Any = None, **limits: float) -> None:
    values = {name: getattr(LIMITS, name) for name in LIMITS.__slots__} | limits

    async def whole() -> None:
        async with listening(world, WireLimits(**values), app) as wired:
            await scene(wired)

    world.run(whole())


def _is_safe(heard: Heard) -> None:
    assert heard.headers["connection"] == "close"
    assert heard.headers["x-content-type-options"] == "nosniff"
    assert heard.headers["cache-control"] == "no-store"
    assert heard.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


LARGE = [
    ("one header", b"GET / HTTP/1.1\r\nA: " + b"a" * 100_000),
    ("one header, complete", b"GET / HTTP/1.1\r\nA: " + b"a" * 100_000 + b"\r\n\r\n"),
    ("many headers", b"GET / HTTP/1.1\r\n" + b"A: a\r\n" * 20_000),
    ("a header's name", b"GET / HTTP/1.1\r\n" + b"A" * 100_000),
    ("the address", b"GET /" + b"a" * 8_192),
    ("the address, complete", b"GET /" + b"a" * 8_192 + b" HTTP/1.1\r\n\r\n"),
    ("lines before it", b"\r\n" * 50_000),
]


@pytest.mark.parametrize("sent", [case[1] for case in LARGE], ids=[case[0] for case in LARGE])
@pytest.mark.parametrize("piece", [1_000, 1_000_000])
def test_a_head_beyond_the_limit_is_refused_before_it_ends(world: World, sent: bytes, piece: int) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        for start in range(0, len(sent), piece):
            await caller.send(sent[start : start + piece])
        heard = await caller.hear()
        assert (heard.status, heard.code) == (431, "headers_too_large")
        _is_safe(heard)
        assert await caller.ended() == b""

    play(world, scene)


def test_a_head_just_within_the_limit_is_a_request(world: World) -> None:
    async def scene(wired: Wired) -> None:
        padded = HEALTH.replace(b"\r\n\r\n", b"\r\nA: " + b"a" * 60_000 + b"\r\n\r\n")
        assert (await wired.ask(padded)).status == 200
        assert (await wired.ask(HEALTH.replace(b"/v1", b"/" + b"a" * 8_000))).status == 404

    play(world, scene)


CHUNKED = b"POST /v1/actions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize("trailers", [b"A: a\r\n" * 20_000, b"A: " + b"a" * 100_000, b"A: " + b"a" * 100_000 + b"\r\n"])
@pytest.mark.parametrize("piece", [1_000, 1_000_000])
def test_trailers_beyond_the_limit_are_refused(patient: World, trailers: bytes, piece: int) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        key = b"Authorization: Bearer " + wired.world.key("agent").encode() + b"\r\n\r\n"
        await caller.send(CHUNKED + key + b"%x\r\n" % len(NOTE) + NOTE + b"\r\n0\r\n")
        for start in range(0, len(trailers), piece):
            await caller.send(trailers[start : start + piece])
        heard = await caller.hear()
        assert (heard.status, heard.code) == (431, "headers_too_large")

    play(patient, scene)
    assert patient.get("agent", "/v1/actions").json()["actions"] == []


def test_a_chunk_extension_without_end_is_refused(patient: World) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        await caller.send(CHUNKED + b"Authorization: Bearer " + wired.world.key("agent").encode() + b"\r\n\r\n")
        await caller.send(b"1;" + b"a" * 100_000)
        assert (await caller.hear()).code == "headers_too_large"

    play(patient, scene)


def test_a_trailer_is_no_credential(patient: World) -> None:
    async def scene(wired: Wired) -> None:
        key = b"Authorization: Bearer " + wired.world.key("agent").encode()
        heard = await wired.ask(CHUNKED + b"\r\n%x\r\n" % len(NOTE) + NOTE + b"\r\n0\r\n" + key + b"\r\n\r\n")
        assert (heard.status, heard.code) == (401, "missing_credential")

    play(patient, scene)


MALFORMED = [
    ("two lengths", b"POST /v1/actions HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ("two equal lengths", b"POST /v1/actions HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"),
    ("a length and chunks", b"POST /v1/actions HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("chunks and a length", b"POST /v1/actions HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    ("another encoding", b"POST /v1/actions HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n"),
    ("a bad chunk", b"POST /v1/actions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ("a negative length", b"POST /v1/actions HTTP/1.1\r\nContent-Length: -1\r\n\r\n"),
    ("a huge length", b"POST /v1/actions HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"),
    ("an unknown method", b"BREW / HTTP/1.1\r\n\r\n"),
    ("a tunnel", b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\nhello"),
    ("an old version", b"GET /v1/health\r\n\r\n"),
    ("a new version", b"GET /v1/health HTTP/2.0\r\n\r\n"),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("a folded header", b"GET /v1/health HTTP/1.1\r\nA: a\r\n b\r\n\r\n"),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
]  # fmt: skip


@pytest.mark.parametrize("sent", [case[1] for case in MALFORMED], ids=[case[0] for case in MALFORMED])
def test_what_is_no_http_is_a_problem_like_every_other(
    patient: World, sent: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        heard = await caller.ask(sent)
        assert (heard.status, heard.code) == (400, "bad_request")
        _is_safe(heard)
        assert await caller.ended() == b""
        assert wired.logged == [("connections_refused", {"bad_request": 1})]

    play(patient, scene, linger=SOON)
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert capfd.readouterr().out == ""


def test_a_client_that_was_refused_and_does_not_close_is_left(patient: World) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        assert (await caller.ask(b"BREW / HTTP/1.1\r\n\r\n")).status == 400
        assert await caller.ended() == b""
        await wired.until(lambda: not wired.wire.connected)

    play(patient, scene, linger=SOON)


def test_refusals_are_summed_up_in_the_log(world: World) -> None:
    async def scene(wired: Wired) -> None:
        for _ in range(5):
            await wired.ask(b"BREW / HTTP/1.1\r\n\r\n")
        await wired.ask(b"GET /" + b"a" * 9_000)
        await wired.until(lambda: len(wired.logged) > 1)
        assert wired.logged == [
            ("connections_refused", {"bad_request": 1}),
            ("connections_refused", {"bad_request": 4, "headers_too_large": 1}),
        ]

    play(world, scene, quiet=0.5)


def test_what_was_complete_is_answered_before_what_follows_is_refused(patient: World) -> None:
    action = patient.mail()["id"]

    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        await caller.send(wired.request("GET", f"/v1/actions/{action}?wait=60") + HEALTH + b"BREW / HTTP/1.1\r\n\r\n")
        await wired.until(lambda: patient.wakes_for(action))
        await patient.asend("agent", "POST", f"/v1/actions/{action}/cancel", {})
        heard = [await caller.hear() for _ in range(3)]
        assert [one.status for one in heard] == [200, 200, 400]
        assert json.loads(heard[0].body)["status"] == "cancelled"
        assert await caller.ended() == b""

    play(patient, scene)


def test_a_bad_body_behind_other_requests_waits_for_them(patient: World) -> None:
    action = patient.mail()["id"]

    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        bad = wired.request("POST", "/v1/actions", "Transfer-Encoding: chunked") + b"zz\r\n"
        await caller.send(wired.request("GET", f"/v1/actions/{action}?wait=60") + bad)
        await wired.until(lambda: patient.wakes_for(action))
        await patient.asend("agent", "POST", f"/v1/actions/{action}/cancel", {})
        assert [(await caller.hear()).status for _ in range(2)] == [200, 400]

    play(patient, scene)


def test_an_answer_that_has_begun_is_broken_off_where_its_request_turns_out_bad(patient: World) -> None:
    async def early(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"ab", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        raise asyncio.CancelledError

    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        await caller.send(CHUNKED + b"\r\n")
        await caller.reader.readuntil(b"\r\n\r\nab")
        await caller.send(b"zz\r\n")
        assert await caller.ended() == b""

    play(patient, scene, app=early)


def test_at_the_end_what_was_to_be_refused_later_is_closed(patient: World) -> None:
    action = patient.mail()["id"]

    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        await caller.send(wired.request("GET", f"/v1/actions/{action}?wait=60") + b"BREW / HTTP/1.1\r\n\r\n")
        await wired.until(lambda: patient.wakes_for(action))
        (connection,) = wired.state.connections
        connection.shutdown()
        await patient.asend("agent", "POST", f"/v1/actions/{action}/cancel", {})
        assert (await caller.hear()).status == 200
        assert await caller.ended() == b""
        assert "connections_refused" not in {kind for kind, _ in wired.logged}

    play(patient, scene)


def test_an_answer_that_ends_the_connection_is_the_last_one_also_where_its_client_reads_slowly(patient: World) -> None:
    shut, large = asyncio.Event(), 8_000_000

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await shut.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % large)]})
        await send({"type": "http.response.body", "body": bytes(large)})

    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        caller.writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket's transport has it
        await caller.send(HEALTH + b"BREW / HTTP/1.1\r\n\r\n")
        await wired.until(lambda: bool(wired.state.tasks))
        (connection,) = wired.state.connections
        connection.shutdown()
        shut.set()
        await wired.until(lambda: not wired.state.tasks)
        caller.writer.transport.resume_reading()  # type: ignore[attr-defined] # as above
        assert len((await caller.hear()).body) == large
        assert await caller.ended() == b""

    play(patient, scene, app=answer)


def test_requests_that_wait_behind_another_are_limited(patient: World) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        await caller.send(HEALTH * 1_000)
        assert [(await caller.hear()).status for _ in range(6)] == [200] * 5 + [400]
        assert await caller.ended() == b""

    play(patient, scene, pipelined=4)


@pytest.mark.parametrize("what", ["websocket", "h2c"])
def test_an_upgrade_is_a_request_like_any_other_and_nothing_after_it_is_read(
    patient: World, what: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        upgrade = wired.request("GET", "/v1/health", "Connection: Upgrade", f"Upgrade: {what}")
        heard = await caller.ask(upgrade + HEALTH)
        assert heard.status == 200
        assert heard.headers["connection"] == "close"
        assert await caller.ended() == b""

    play(patient, scene)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


# --- time -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"\r\n"], ids=["nothing", "an empty line"])
def test_a_connection_that_sends_nothing_is_closed(patient: World, sent: bytes) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        await caller.send(sent)
        assert await caller.ended() == b""

    play(patient, scene, head_time=SOON)


def test_a_head_that_does_not_end_is_closed_however_it_trickles(patient: World) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        assert (await caller.ask(HEALTH)).status == 200
        trickle = asyncio.create_task(_trickle(caller.send))
        heard = await caller.hear()
        trickle.cancel()
        assert (heard.status, heard.code) == (408, "request_timeout")

    play(patient, scene, head_time=SOON)


async def _trickle(send: Callable[[bytes], Coroutine[Any, Any, None]]) -> None:
    await send(b"GET /v1/health HTTP/1.1\r\n")
    while True:
        await send(b"A: a\r\n")
        await asyncio.sleep(SOON / 10)


def test_a_head_in_pieces_behind_an_answer_has_its_own_time(patient: World) -> None:
    action = patient.mail()["id"]

    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        await caller.send(wired.request("GET", f"/v1/actions/{action}?wait=60") + b"\r\nGET /v1")
        (connection,) = wired.state.connections
        await wired.until(lambda: cast("Connection", connection)._postponed is not None)
        await caller.send(b"/health HTTP/1.1\r\n\r\n")
        await patient.asend("agent", "POST", f"/v1/actions/{action}/cancel", {})
        assert [(await caller.hear()).status for _ in range(2)] == [200, 408]

    play(patient, scene, head_time=SOON)


@pytest.mark.parametrize("path", ["/v1/actions", "/v1/api-keys"])
def test_a_body_that_does_not_end_is_refused(world: World, path: str) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        heard = await caller.ask(wired.request("POST", path, "Content-Length: 100", who="admin") + b"{")
        assert (heard.status, heard.code) == (408, "request_timeout")
        _is_safe(heard)
        assert await caller.ended() == b""

    play(world, scene)


def test_a_body_that_was_answered_early_has_a_short_time_left(patient: World) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        heard = await caller.ask(wired.request("POST", "/v1/actions", "Content-Length: 100", who=None) + b"{")
        assert heard.status == 401
        await caller.send(b" ")
        assert await caller.ended() == b""

    play(patient, scene, rest=SOON)


def test_a_connection_goes_on_after_the_rest_of_a_body_that_was_answered_early(patient: World) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        heard = await caller.ask(wired.request("POST", "/v1/actions", "Content-Length: 3", who=None) + b"{")
        assert heard.status == 401
        await caller.send(b" }")
        assert (await caller.ask(HEALTH)).status == 200
        heard = await caller.ask(wired.request("POST", "/v1/actions", "Content-Length: 3", who=None) + b"{")
        await caller.send(b" }")
        assert await caller.ended() == b""

    play(patient, scene, idle=SOON * 4)


def test_the_rest_of_a_body_that_was_answered_early_gets_no_second_answer_where_it_turns_out_bad(
    patient: World,
) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        heard = await caller.ask(wired.request("POST", "/v1/actions", "Transfer-Encoding: chunked", who=None))
        assert heard.status == 401
        await caller.send(b"zz\r\n")
        assert await caller.ended() == b""
        assert "connections_refused" not in {kind for kind, _ in wired.logged}

    play(patient, scene, linger=SOON)


def test_the_line_about_refused_connections_is_about_no_request() -> None:
    told: list[Origin | None] = []

    class Origins:
        def entry(self, *_: object) -> None:
            told.append(ORIGIN.get())

    async def scene() -> None:
        ORIGIN.set(Origin("api", "a request that is served meanwhile"))
        wire = Wire(Origins(), WireLimits(quiet=SOON))
        for _ in range(2):
            wire.count(Code.BAD_REQUEST)
        async with asyncio.timeout(PATIENCE):
            while len(told) < 2:  # noqa: ASYNC110 - a timer of the same loop tells
                await asyncio.sleep(0)

    asyncio.run(scene())
    assert told == [None, None]


def test_an_idle_connection_is_closed(patient: World) -> None:
    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        assert (await caller.ask(HEALTH)).status == 200
        assert await caller.ended() == b""
        await wired.until(lambda: not wired.wire.waited_for)

    play(patient, scene, idle=SOON)


def test_a_client_that_does_not_read_is_left(patient: World) -> None:
    done = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(2_000):
            await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        done.set()

    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        caller.writer.transport.pause_reading()  # type: ignore[attr-defined] # a socket's transport has it
        await caller.send(HEALTH)
        await done.wait()

    play(patient, scene, app=endless, stalled=SOON)


# --- room -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"GET /v1/health HTTP/1.1\r\nA: "], ids=["nothing", "half a head"])
def test_connections_that_send_nothing_whole_lock_nobody_out(patient: World, sent: bytes) -> None:
    async def scene(wired: Wired) -> None:
        slow = [await wired.call() for _ in range(4)]
        for caller in slow:
            await caller.send(sent)
        await wired.until(lambda: len(wired.wire.waited_for) == 4)
        for _ in range(8):
            assert (await wired.ask(HEALTH)).status == 200
        assert len(wired.state.connections) == 4
        assert await slow[0].ended() == b""
        assert wired.logged == [("connections_refused", {"too_many_connections": 1})]

    play(patient, scene, connections=4)


def test_bodies_that_do_not_end_lock_nobody_out(patient: World) -> None:
    async def scene(wired: Wired) -> None:
        for _ in range(4):
            caller = await wired.call()
            await caller.send(wired.request("POST", "/v1/actions", "Content-Length: 100") + b"{")
        await wired.until(lambda: len(wired.state.tasks) == 4)
        for _ in range(8):
            assert (await wired.ask(HEALTH)).status == 200
        await wired.until(lambda: not wired.state.tasks)

    play(patient, scene, connections=4)
    assert patient.get("agent", "/v1/actions").json()["actions"] == []


def test_where_every_connection_is_busy_a_new_one_is_refused_and_the_others_go_on(patient: World) -> None:
    action = patient.mail()["id"]

    async def scene(wired: Wired) -> None:
        busy = await wired.call()
        await busy.send(wired.request("GET", f"/v1/actions/{action}?wait=60"))
        await wired.until(lambda: patient.wakes_for(action))
        refused = await wired.call()
        heard = await refused.hear()
        assert (heard.status, heard.code) == (503, "too_many_connections")
        assert heard.headers["retry-after"] == "1"
        _is_safe(heard)
        await patient.asend("agent", "POST", f"/v1/actions/{action}/cancel", {})
        assert (await busy.hear()).status == 200
        assert (await wired.ask(HEALTH)).status == 200

    play(patient, scene, connections=1)


def test_as_many_connections_as_leave_descriptors_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, expected in ((1_024, 768), (100_000, 2_048), (-1, 2_048), (1, 1)):
        monkeypatch.setattr("resource.getrlimit", lambda _, soft=soft: (soft, soft))
        assert WireLimits.of_process().connections == expected


# --- the end ----------------------------------------------------------------------------------------------------------


def test_at_the_end_what_is_incomplete_has_a_short_time_and_what_is_complete_is_answered(patient: World) -> None:
    action = patient.mail()["id"]

    async def scene(wired: Wired) -> None:
        half, whole, late = await wired.call(), await wired.call(), await wired.call()
        await half.send(wired.request("POST", "/v1/actions", "Content-Length: 100") + b"{")
        await late.send(wired.request("POST", "/v1/actions", f"Content-Length: {len(NOTE)}") + NOTE[:5])
        await whole.send(wired.request("GET", f"/v1/actions/{action}?wait=60"))
        await wired.until(lambda: patient.wakes_for(action) and len(wired.state.tasks) == 3)
        for connection in list(wired.state.connections):
            connection.shutdown()
        assert (await late.ask(NOTE[5:])).status == 201
        assert await half.ended() == b""
        await patient.asend("agent", "POST", f"/v1/actions/{action}/cancel", {})
        heard = await whole.hear()
        assert (heard.status, heard.headers["connection"]) == (200, "close")
        await wired.until(lambda: not wired.state.connections)

    play(patient, scene, drain=0.5)


def test_a_request_that_is_cut_at_the_end_is_told_so(patient: World) -> None:
    action = patient.mail()["id"]

    async def scene(wired: Wired) -> None:
        caller = await wired.call()
        await caller.send(wired.request("GET", f"/v1/actions/{action}?wait=60"))
        await wired.until(lambda: patient.wakes_for(action))
        for task in wired.state.tasks:
            task.cancel()
        heard = await caller.hear()
        assert (heard.status, heard.code) == (503, "shutting_down")

    play(patient, scene)

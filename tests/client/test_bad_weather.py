"""Whatever comes instead of an answer: a typed error, in bounded time, and the key goes nowhere else."""

import asyncio
import json
import math
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

import httpcore2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from httpcore2._backends.sync import SyncStream

from aaf_client import Action, ActionStatus, AgentFirewallClient, AsyncAgentFirewallClient, clock
from aaf_client._wire.answers import MAX_ANSWER
from aaf_client._wire.blocking import _Connection, _Until
from aaf_client._wire.lookup import Lookup
from aaf_client.errors import (
    AgentFirewallError,
    ApprovalTimeout,
    BadAnswer,
    Conflict,
    Misuse,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from aaf_client.testing import ScriptedServer
from aaf_client.testing.weather import Exchange, Step, answer, close, events, hang, head, problem, raw, reset
from tests.client.conftest import Server

KEY = "aaf_live_0123456789"
ID = "01a1fe3e-660c-7ce3-8a78-c974eea7e7f1"
BODY: dict[str, Any] = {
    "id": ID,
    "status": "pending_approval",
    "type": "mail.send",
    "digest": "ab",
    "code": "rule",
    "effect": "caller",
}
APPROVED = {**BODY, "status": "approved"}


def event(body: dict[str, Any], number: int = 1) -> bytes:
    return f"id: {number}\nevent: action\ndata: {json.dumps(body)}\n\n".encode()


def drip(exchange: Exchange) -> None:
    """One byte of a header after the other, for ever."""
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not exchange.over.wait(0.02):
        exchange.send(b"a")


def drip_body(exchange: Exchange) -> None:
    exchange.send(head(200, {"Content-Type": "application/json", "Content-Length": "100000"}))
    while not exchange.over.wait(0.02):
        exchange.send(b" ")


def flood(exchange: Exchange) -> None:
    """An answer without an end."""
    exchange.send(head(200, {"Content-Type": "application/json", "Connection": "close"}))
    while True:
        exchange.send(b" " * 65_536)


Ask = Callable[[ScriptedServer, float], Action]


def blocking(storm: ScriptedServer, timeout: float) -> Action:
    with AgentFirewallClient(KEY, base_url=storm.base_url, timeout=timeout) as client:
        return client.get_action(ID)


def asynchronous(storm: ScriptedServer, timeout: float) -> Action:
    async def work() -> Action:
        async with AsyncAgentFirewallClient(KEY, base_url=storm.base_url, timeout=timeout) as client:
            return await client.get_action(ID)

    return asyncio.run(work())


def client_of(storm: ScriptedServer) -> AgentFirewallClient:
    return AgentFirewallClient(KEY, base_url=storm.base_url)


@pytest.fixture(params=[blocking, asynchronous])
def ask(request: pytest.FixtureRequest) -> Ask:
    chosen: Ask = request.param
    return chosen


HTML = b"<html>Sign in to the network</html>"
WEATHER: dict[str, tuple[Step, type[AgentFirewallError], str]] = {
    "rubbish": (answer(b"{]"), BadAnswer, "bad_answer"),
    "a list": (answer([]), BadAnswer, "bad_answer"),
    "an empty object": (answer({}), BadAnswer, "bad_answer"),
    "not a number": (answer(b'{"id": NaN}'), BadAnswer, "bad_answer"),
    "too deep": (answer(b"[" * 100_000), BadAnswer, "bad_answer"),
    "no utf-8": (answer(b'{"id": "\xff"}'), BadAnswer, "bad_answer"),
    "a page": (answer(HTML, type_="text/html"), BadAnswer, "bad_answer"),
    "nothing": (answer(b""), BadAnswer, "bad_answer"),
    "no content": (answer(b"", 204), BadAnswer, "bad_answer"),
    "a state of the future": (answer({**BODY, "status": "levitating"}), BadAnswer, "bad_answer"),
    "a number for an id": (answer({**BODY, "id": 1}), BadAnswer, "bad_answer"),
    "a date of rubbish": (answer({**BODY, "deadline": "soon"}), BadAnswer, "bad_answer"),
    "a date without a zone": (answer({**BODY, "deadline": "2026-01-01T00:00:00"}), BadAnswer, "bad_answer"),
    "faults of rubbish": (answer({**BODY, "faults": [1]}), BadAnswer, "bad_answer"),
    "an outcome of rubbish": (answer({**BODY, "outcome": 1}), BadAnswer, "bad_answer"),
    "encoded": (answer(BODY, headers={"Content-Encoding": "gzip"}), BadAnswer, "bad_answer"),
    "announced too large": (raw(head(200, {"Content-Length": "99999999999"})), BadAnswer, "bad_answer"),
    "without an end": (flood, BadAnswer, "bad_answer"),
    "redirected": (answer(b"", 307, headers={"Location": "http://127.0.0.1:1/"}), BadAnswer, "redirected"),
    "not HTTP": (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), Unavailable, "connection_lost"),
    "closed": (close, Unavailable, "connection_lost"),
    "reset": (reset, Unavailable, "connection_lost"),
    "cut": (raw(head(200, {"Content-Type": "application/json", "Content-Length": "50"}) + b"{"), Unavailable, "connection_lost"),
    "a 500": (problem(500, "internal_error", incident="i-1"), Unavailable, "internal_error"),
    "a 500 of something else": (answer(HTML, 500, type_="text/html"), Unavailable, "http_500"),
    "a 502": (answer(b"", 502), Unavailable, "http_502"),
    "busy": (problem(503, "store_busy", headers={"Retry-After": "1"}), Unavailable, "store_busy"),
    "busy with rubbish": (problem(503, "store_busy", headers={"Retry-After": "nan"}), Unavailable, "store_busy"),
    "a 408": (problem(408, "request_timeout"), Unavailable, "request_timeout"),
    "a 401": (problem(401, "invalid_credential"), NotAuthenticated, "invalid_credential"),
    "a 403": (problem(403, "permission_denied"), NotPermitted, "permission_denied"),
    "a 404": (problem(404, "not_found"), NotFound, "not_found"),
    "a 404 of something else": (answer(HTML, 404, type_="text/html"), BadAnswer, "bad_answer"),
    "a 409": (problem(409, "action_closed"), Conflict, "action_closed"),
    "a 413": (problem(413, "body_too_large"), RequestRefused, "body_too_large"),
    "a 429": (problem(429, "rate_limited", headers={"Retry-After": "3600"}), RateLimited, "rate_limited"),
    "a problem of rubbish": (answer(b"{", 400, type_="application/problem+json"), BadAnswer, "bad_answer"),
}  # fmt: skip


@pytest.mark.requirement("R57")
@pytest.mark.parametrize("name", WEATHER)
def test_what_is_no_answer_is_a_typed_error(hasty: Callable[[], float], ask: Ask, name: str) -> None:
    step, kind, code = WEATHER[name]
    with ScriptedServer(step) as storm, pytest.raises(AgentFirewallError) as caught:
        ask(storm, 30)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert KEY not in repr(caught.value) + str(caught.value) + str(caught.getrepr(chain=True))


@pytest.mark.parametrize("step", [hang, drip, drip_body], ids=lambda step: step.__name__)
def test_an_answer_that_takes_for_ever_ends_with_the_calls_time(ask: Ask, step: Step) -> None:
    with ScriptedServer(step) as storm, pytest.raises(Unavailable) as caught:
        ask(storm, 0.3)
    assert caught.value.code in {"connection_lost", "unreachable"}


def test_nobody_there_is_a_typed_error_that_says_where_and_what_to_do(hasty: Callable[[], float], ask: Ask) -> None:
    with ScriptedServer() as storm:
        pass
    with pytest.raises(Unavailable) as caught:
        ask(storm, 30)
    assert caught.value.code == "unreachable"
    assert str(caught.value).startswith(f"The firewall at {storm.base_url} can't be reached.")
    assert "`aaf serve`" in caught.value.hint
    assert "`base_url`" in caught.value.hint


@pytest.mark.parametrize(
    "step", [problem(401, "invalid_credential"), answer(HTML, type_="text/html"), answer(b"", 302), close]
)
def test_an_answer_of_perhaps_another_server_names_the_one_that_was_asked(
    hasty: Callable[[], float], ask: Ask, step: Step
) -> None:
    with ScriptedServer(step) as storm, pytest.raises(AgentFirewallError) as caught:
        ask(storm, 30)
    assert storm.base_url in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_name_that_leads_nowhere_is_a_typed_error(
    monkeypatch: pytest.MonkeyPatch, hasty: Callable[[], float]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    client = AgentFirewallClient(KEY, base_url="http://localhost:1")
    with pytest.raises(Unavailable) as caught:
        client.get_action(ID)
    assert caught.value.code == "unreachable"


def test_a_name_that_nobody_answers_for_ends_with_the_call_and_is_asked_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, asked = threading.Event(), []

    def silent(*name: object, **_: object) -> None:
        asked.append(name)
        told.wait(60)
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    client = AgentFirewallClient(KEY, base_url="http://localhost:1", timeout=0.2)
    try:
        for _ in range(2):
            with pytest.raises(Unavailable) as caught:
                client.get_action(ID)
            assert caught.value.code == "unreachable"
        assert not told.is_set()
        assert len(asked) == 1
    finally:
        told.set()


def test_a_lookup_that_found_no_thread_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    lookup = Lookup()

    def full(_: threading.Thread) -> None:
        raise RuntimeError

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(threading.Thread, "start", full)
        with pytest.raises(OSError, match="no thread"):
            lookup.addresses("localhost", 1, seconds=1)
    assert "127.0.0.1" in lookup.addresses("localhost", 1, seconds=60)


def test_of_several_addresses_one_that_is_silent_or_closed_leaves_time_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedServer(answer(BODY)) as storm, ExitStack() as open_:
        port = int(storm.base_url.rpartition(":")[2])
        full = open_.enter_context(socket.create_server(("127.0.0.2", port), backlog=0))
        for _ in range(3):  # whoever comes after these is not answered
            waiting = open_.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{last}", port)) for last in (3, 2, 1)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: _as_asked(found, host))
        with AgentFirewallClient(KEY, base_url=f"http://localhost:{port}", timeout=2) as client:
            assert client.get_action(ID).id == ID


def _as_asked(found: list[Any], host: str) -> list[Any]:
    """The rows for a name; an address is its own."""
    return found if host == "localhost" else [row for row in found if row[4][0] == host]


@pytest.mark.parametrize("seconds", [math.inf, 1e10])
def test_a_time_without_an_end_is_a_very_long_one(ask: Ask, seconds: float) -> None:
    decided = answer({**BODY, "status": "allowed"})
    with ScriptedServer(decided, decided, decided) as storm:
        assert ask(storm, seconds).id == ID
        with AgentFirewallClient(KEY, base_url=storm.base_url, run_timeout=seconds) as client:
            assert client.wait_for_approval(ID, timeout=seconds).id == ID


def test_a_path_that_only_the_firewall_needs_is_in_no_message(hasty: Callable[[], float]) -> None:
    with pytest.raises(Unavailable) as caught:
        AgentFirewallClient(KEY, base_url="http://127.0.0.1:1/t0ken", timeout=0.1).get_action(ID)
    assert "http://127.0.0.1:1 " in str(caught.value)
    assert "t0ken" not in str(caught.value)


def test_a_server_that_restarts_is_asked_again(hasty: Callable[[], float]) -> None:
    with ScriptedServer(reset, close, answer(b"", 502), problem(503, "shutting_down"), answer(BODY)) as storm:
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client:
            assert client.get_action(ID).id == ID
        assert len(storm.received) == 5


def test_the_server_says_how_long_to_wait(hasty: Callable[[], float]) -> None:
    late = problem(429, "rate_limited", headers={"Retry-After": "7"})
    with ScriptedServer(late, answer(BODY, 201)) as storm:
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client:
            client.submit_action("a.b")
        assert hasty() == 7
        keys = {received.headers["idempotency-key"] for received in storm.received}
        assert len(storm.received) == 2
        assert len(keys) == 1


def test_a_rate_limit_beyond_the_calls_time_is_told_at_once(hasty: Callable[[], float]) -> None:
    with ScriptedServer(problem(429, "rate_limited", headers={"Retry-After": "60"})) as storm:
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client, pytest.raises(RateLimited) as caught:
            client.submit_action("a.b")
        assert (caught.value.retry_after, hasty(), len(storm.received)) == (60, 0, 1)


def test_the_key_is_sent_to_no_other_origin() -> None:
    with ScriptedServer(answer(BODY)) as other:
        away = answer(b"", 308, headers={"Location": f"{other.base_url}/v1/actions/{ID}"})
        with ScriptedServer(away) as storm:
            with AgentFirewallClient(KEY, base_url=storm.base_url) as client, pytest.raises(BadAnswer):
                client.get_action(ID)
            assert storm.received[0].headers["authorization"] == f"Bearer {KEY}"
        assert other.received == []


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer(answer(BODY)) as proxy, ScriptedServer(answer(BODY)) as storm:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.base_url)
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client:
            client.get_action(ID)
        assert (len(proxy.received), len(storm.received)) == (0, 1)


def test_an_execution_is_sent_once_and_looked_after(hasty: Callable[[], float]) -> None:
    held = {**BODY, "status": "allowed", "effect": "files"}
    done = {**held, "status": "succeeded"}
    for lost in (close, answer(b"", 502), answer(b"{]"), problem(503, "store_unavailable")):
        with ScriptedServer(lost, answer(done)) as storm:
            with AgentFirewallClient(KEY, base_url=storm.base_url) as client:
                assert client.execute(Action.from_json(held)).status is ActionStatus.SUCCEEDED
            assert [received.method for received in storm.received] == ["POST", "GET"]


def test_a_run_that_outlasts_the_call_is_unknown_to_it() -> None:
    running = {**BODY, "status": "executing", "effect": "files"}
    with ScriptedServer(answer(running)) as storm, AgentFirewallClient(KEY, base_url=storm.base_url) as client:
        with pytest.raises(OutcomeUnknown) as caught:
            client.execute(Action.from_json({**running, "status": "allowed"}), timeout=0.1)
        assert caught.value.action is not None
        assert caught.value.action.status is ActionStatus.EXECUTING


# --- waiting ----------------------------------------------------------------------------------------------------------

STREAMS: dict[str, tuple[Step, ...]] = {
    "events": (events(event(BODY), event(APPROVED, 2)),),
    "in pieces": (events(*(event(APPROVED)[at : at + 1] for at in range(len(event(APPROVED))))),),
    "heartbeats": (events(b": beat\n\n", b":\n\n", event(BODY), b": beat\n\n", event(APPROVED, 2)),),
    "other events": (events(b"event: news\ndata: {]\n\n", event(APPROVED)),),
    "a restart": (events(event(BODY)), reset, events(event(APPROVED, 2))),
    "cut within an event": (events(event(APPROVED)[:40]), events(event(APPROVED))),
    "not there": (problem(404, "not_found"), answer(APPROVED)),
    "not allowed": (problem(405, "method_not_allowed"), answer(APPROVED)),
    "too many": (problem(503, "too_many_connections"), answer(APPROVED)),
    "a page": (answer(HTML, type_="text/html"), answer(APPROVED)),
    "garbled": (events(b"event: action\ndata: {]\n\n"), answer(APPROVED)),
    "no utf-8": (events(b"\xff\xfe\n\n"), answer(APPROVED)),
    "without an end": (events(*[b"data: " + b"a" * 65_536] * 80), answer(APPROVED)),
    "an encoded one": (
        answer(b"", type_="text/event-stream", headers={"Content-Encoding": "gzip"}),
        answer(APPROVED),
    ),
    "ending again and again": (*[events(b"retry: 1\n\n")] * 4, answer(APPROVED)),
    "a restart while polling": (problem(404, "not_found"), reset, answer(b"", 502), answer(APPROVED)),
    "a poll that doesn't wait": (problem(404, "not_found"), answer(BODY), answer(BODY), answer(APPROVED)),
}


@pytest.mark.requirement("R57")
@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("form", ["blocking", "asynchronous"])
def test_an_approval_is_heard_of_through_any_weather(hasty: Callable[[], float], form: str, name: str) -> None:
    async def work() -> Action:
        async with AsyncAgentFirewallClient(KEY, base_url=storm.base_url) as client:
            return await client.wait_for_approval(ID, timeout=20)

    with ScriptedServer(*STREAMS[name]) as storm:
        if form == "asynchronous":
            found = asyncio.run(work())
        else:
            with AgentFirewallClient(KEY, base_url=storm.base_url) as client:
                found = client.wait_for_approval(ID, timeout=20)
    assert found.status is ActionStatus.APPROVED


def test_a_stream_goes_on_where_it_ended(hasty: Callable[[], float]) -> None:
    with ScriptedServer(events(event(BODY, 7)), events(event(APPROVED, 8))) as storm:
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client:
            client.wait_for_approval(ID)
        assert "last-event-id" not in storm.received[0].headers
        assert storm.received[1].headers["last-event-id"] == "7"
        assert hasty() == 1.0


def test_a_stream_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch, hasty: Callable[[], float]) -> None:
    monkeypatch.setattr("aaf_client._wire.waiting.FIRST_BYTES", 0.05)
    silent, told = events(then=hang), answer(APPROVED)

    def step(exchange: Exchange) -> None:
        (silent if exchange.received.target.endswith("/events") else told)(exchange)

    with ScriptedServer(step) as storm:
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client:
            assert client.wait_for_approval(ID, timeout=30).status is ActionStatus.APPROVED
        assert storm.received[-1].target.startswith(f"/v1/actions/{ID}?wait=")


def test_a_stream_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch, hasty: Callable[[], float]) -> None:
    monkeypatch.setattr("aaf_client._wire.waiting.SILENCE", 0.05)
    steps = events(event(BODY), then=hang), events(event(APPROVED, 2))
    with ScriptedServer(*steps) as storm, AgentFirewallClient(KEY, base_url=storm.base_url) as client:
        assert client.wait_for_approval(ID, timeout=30).status is ActionStatus.APPROVED


@pytest.mark.parametrize("first", [events(event(BODY), then=hang), problem(404, "not_found")])
def test_waiting_ends_with_the_state_that_was_last_seen(first: Step) -> None:
    with ScriptedServer(first, answer(BODY)) as storm:
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client, pytest.raises(ApprovalTimeout) as caught:
            client.wait_for_approval(ID, timeout=0.1)
        assert caught.value.action.status is ActionStatus.PENDING_APPROVAL


def test_waiting_through_an_outage_that_does_not_end_says_so(hasty: Callable[[], float]) -> None:
    with ScriptedServer(reset) as storm:
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client, pytest.raises(Unavailable):
            client.wait_for_approval(ID, timeout=100)
        assert 90 < hasty() < 110


@pytest.mark.requirement("R57")
def test_the_real_server_tells_of_an_approval_by_events(server: Server) -> None:
    with server.client() as client:
        held = client.submit_action("mail.send", {"to": "bob@example.org"})

        async def later() -> None:
            await server.world.until(lambda: server.world.wakes_for(held.id))
            await asyncio.to_thread(server.answer, held)

        answered = asyncio.run_coroutine_threadsafe(later(), server.loop)
        assert client.wait_for_approval(held).status is ActionStatus.APPROVED
        answered.result(20)


def test_what_is_larger_than_any_answer_is_refused_before_it_is_read() -> None:
    assert MAX_ANSWER == 8 * 1024 * 1024


def test_performing_goes_on_wherever_the_action_stands(hasty: Callable[[], float]) -> None:
    """Held, approved, judged again and held again, approved, run."""
    held = {**BODY, "effect": "files"}
    approved, running, done = ({**held, "status": status} for status in ("approved", "executing", "succeeded"))
    steps = (
        answer(held, 201),
        events(event(approved)),
        problem(409, "requirement_changed"),
        answer(held),
        events(event(approved)),
        answer(running),
        events(event(running), event(done, 2)),
    )
    with ScriptedServer(*steps) as storm:
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client:
            assert client.perform_action("files.write").status is ActionStatus.SUCCEEDED
        assert len(storm.received) == len(steps)


@pytest.mark.parametrize("form", ["blocking", "asynchronous"])
@pytest.mark.parametrize("ends", [True, False])
def test_a_run_that_another_program_began_has_the_time_of_a_run_and_not_that_of_people(
    hasty: Callable[[], float], form: str, ends: bool
) -> None:
    running = {**BODY, "status": "executing", "effect": "files"}
    last = events(event({**running, "status": "succeeded"})) if ends else answer(running)

    async def work() -> Action:
        async with AsyncAgentFirewallClient(KEY, base_url=storm.base_url, run_timeout=100) as client:
            return await client.perform_action("files.write", timeout=0)

    def perform() -> Action:
        if form == "asynchronous":
            return asyncio.run(work())
        with AgentFirewallClient(KEY, base_url=storm.base_url, run_timeout=100) as client:
            return client.perform_action("files.write", timeout=0)

    with ScriptedServer(answer(running, 201), last) as storm:
        if ends:
            assert perform().status is ActionStatus.SUCCEEDED
            return
        with pytest.raises(OutcomeUnknown, match="still runs"):
            perform()
        assert 90 < hasty() < 110


@pytest.mark.parametrize("cancelled", [answer({**APPROVED, "status": "cancelled"}), problem(409, "action_closed")])
def test_performing_what_the_caller_runs_takes_it_back(hasty: Callable[[], float], cancelled: Step) -> None:
    with ScriptedServer(answer(BODY, 201), cancelled, answer(BODY)) as storm:
        with AgentFirewallClient(KEY, base_url=storm.base_url) as client, pytest.raises(Misuse):
            client.perform_action("mail.send")
        assert storm.received[1].target.endswith("/cancel")


def test_an_execution_that_never_begins_is_unknown_in_the_end(hasty: Callable[[], float]) -> None:
    allowed = {**BODY, "status": "allowed", "effect": "files"}
    with ScriptedServer(answer(allowed)) as storm, client_of(storm) as client, pytest.raises(OutcomeUnknown):
        client.execute(Action.from_json(allowed))


def test_a_rate_limit_is_no_reason_to_believe_that_something_ran(hasty: Callable[[], float]) -> None:
    allowed = {**BODY, "status": "allowed", "effect": "files"}
    late = problem(429, "rate_limited", headers={"Retry-After": "9999"})
    with ScriptedServer(late) as storm, client_of(storm) as client, pytest.raises(RateLimited):
        client.execute(Action.from_json(allowed))


@pytest.mark.parametrize(
    ("code", "succeeded", "raised"), [("ok", True, False), ("result_withheld", True, False), ("ok", False, True)]
)
def test_a_report_that_was_recorded_before_is_the_answer_if_it_says_the_same(
    hasty: Callable[[], float], code: str, succeeded: bool, raised: bool
) -> None:
    status = "failed" if code == "result_withheld" else "succeeded"
    ended = {**BODY, "status": status, "code": code, "outcome": {"code": code, "source": "caller"}}
    with ScriptedServer(problem(409, "outcome_conflict"), answer(ended)) as storm, client_of(storm) as client:
        if not raised:
            assert client.report_outcome(ID, lease="l", succeeded=succeeded).status == status
            return
        with pytest.raises(Conflict):
            client.report_outcome(ID, lease="l", succeeded=succeeded)


def test_a_report_of_an_action_that_is_over_otherwise_is_refused(hasty: Callable[[], float]) -> None:
    closed = problem(409, "action_closed")
    with ScriptedServer(closed) as storm, client_of(storm) as client, pytest.raises(Conflict):
        client.report_outcome(ID, lease="l", succeeded=True)


def test_an_execution_that_may_still_arrive_is_unknown_where_the_firewall_is_gone(hasty: Callable[[], float]) -> None:
    allowed = {**BODY, "status": "allowed", "effect": "files"}
    with ScriptedServer(close, answer(allowed)) as storm, client_of(storm) as client:
        real = client._wire.pause

        async def gone(seconds: float) -> None:
            storm.__exit__()
            await real(seconds)

        client._wire.pause = gone  # type: ignore[method-assign]
        with pytest.raises(OutcomeUnknown):
            client.execute(Action.from_json(allowed))


# --- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server's certificate that no system knows, and the file to know it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context, str(folder / "ca.pem")


def over_tls(storm: ScriptedServer, ca: str | None) -> Action:
    with AgentFirewallClient(KEY, base_url=storm.base_url, ca=ca) as client:
        return client.get_action(ID)


def over_tls_async(storm: ScriptedServer, ca: str | None) -> Action:
    async def work() -> Action:
        async with AsyncAgentFirewallClient(KEY, base_url=storm.base_url, ca=ca) as client:
            return await client.get_action(ID)

    return asyncio.run(work())


@pytest.mark.parametrize("asked", [over_tls, over_tls_async])
def test_a_certificate_that_is_not_good_gets_no_key(
    hasty: Callable[[], float],
    authority: tuple[ssl.SSLContext, str],
    asked: Callable[[ScriptedServer, str | None], Action],
) -> None:
    with ScriptedServer(answer(BODY), tls=authority[0]) as storm:
        with pytest.raises(Unavailable) as caught:
            asked(storm, None)
        assert (caught.value.code, storm.received) == ("certificate_refused", [])
        found = asked(storm, authority[1])
        assert (found.id, len(storm.received), hasty()) == (ID, 1, 0)


# --- a lost answer, and then something else ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "then",
    [
        problem(429, "rate_limited", headers={"Retry-After": "3000"}),
        problem(401, "revoked_credential"),
        raw(b"rubbish"),
        answer({}),
    ],
)
def test_a_submission_that_may_have_arrived_can_always_be_continued(hasty: Callable[[], float], then: Step) -> None:
    with ScriptedServer(close, then) as storm, AgentFirewallClient(KEY, base_url=storm.base_url) as client:
        with pytest.raises(AgentFirewallError) as failed:
            client.submit_action("a.b")
        assert failed.value.idempotency_key
        assert {one.headers["idempotency-key"] for one in storm.received} == {failed.value.idempotency_key}


@pytest.mark.parametrize(
    "then", [problem(429, "rate_limited", headers={"Retry-After": "3000"}), problem(401, "revoked_credential")]
)
def test_a_run_that_may_have_begun_is_never_called_a_refusal(hasty: Callable[[], float], then: Step) -> None:
    ready = {**BODY, "status": "allowed", "effect": "files"}
    with (
        ScriptedServer(close, answer(ready), then) as storm,
        AgentFirewallClient(KEY, base_url=storm.base_url) as client,
        pytest.raises(OutcomeUnknown),
    ):
        client.execute(Action.from_json(ready))


def test_a_request_that_is_taken_in_drops_ends_with_the_call() -> None:
    ours, theirs = socket.socketpair()
    over = threading.Event()

    def drain() -> None:
        while theirs.recv(4096):
            over.wait(0.02)

    with theirs, ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        thread = threading.Thread(target=drain)
        thread.start()
        until = _Until()
        until.instant = clock.now() + 0.3
        connection = _Connection(SyncStream(ours), until)
        with pytest.raises(httpcore2.WriteTimeout):
            connection.write(b"a" * 1_000_000)
        over.set()
        connection.close()
        thread.join(20)

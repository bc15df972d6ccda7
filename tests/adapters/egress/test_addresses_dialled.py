"""Which addresses are dialled: those that were vetted, resolved once for each connection, all of them judged."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Sequence
from dataclasses import replace

import httpcore2
import pytest

from aaf.adapters.driving import drive
from aaf.adapters.egress.failures import failed
from aaf.adapters.egress.gate import vet
from aaf.adapters.egress.on_loop import LoopDialer, LoopResolver
from aaf.adapters.egress.resolving import Asking, SystemResolver
from aaf.adapters.egress.rules import Exemption, Rules
from aaf.analysis.url import Url
from aaf.domain.errors import Code, ConnectorFailed
from tests.adapters.egress.calling import HOST, LOOPBACK, OTHER, PUBLIC, QUICK, Caller, Wires
from tests.adapters.egress.upstream import Upstream, ok, saying, serving

INWARD = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - an answer, nothing binds to it
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2606:4700::5efe:7f00:1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]
LOCAL = Exemption("127.0.0.1", "127.0.0.1", 8080, "http")


@pytest.mark.parametrize("address", INWARD)
@pytest.mark.parametrize("answers", [("{}",), ("{}", PUBLIC), (PUBLIC, "{}"), (PUBLIC, OTHER, "{}", PUBLIC)])
def test_one_inward_answer_poisons_all_of_them(caller: Caller, address: str, answers: tuple[str, ...]) -> None:
    caller.knowing(api_example_com=[[answer.format(address) for answer in answers]])
    assert caller.refusal() is Code.EGRESS_ADDRESS_REFUSED
    assert caller.wires.dialled == []


def test_an_answer_that_changes_after_the_check_is_not_asked_for(caller: Caller, good: ssl.SSLContext) -> None:
    with serving(saying(ok(b"hello")), tls=good) as server:
        caller.to(server).knowing(api_example_com=[[PUBLIC], ["169.254.169.254"]])
        response = caller.fetch()
    assert (response.body, response.address) == (b"hello", PUBLIC)
    assert caller.names.asked == [HOST]
    assert caller.wires.dialled == [(PUBLIC, 443)]


def test_each_hop_is_resolved_once_and_vetted_again(caller: Caller, good: ssl.SSLContext) -> None:
    again = b"HTTP/1.1 302 X\r\nContent-Length: 0\r\nLocation: /again\r\n\r\n"
    with serving(saying(again), saying(ok(b"hello")), tls=good) as server:
        caller.to(server).knowing(api_example_com=[[PUBLIC], ["10.0.0.1"]])
        assert caller.refusal() is Code.EGRESS_ADDRESS_REFUSED
    assert caller.names.asked == [HOST, HOST]
    assert caller.wires.dialled == [(PUBLIC, 443)]


@pytest.mark.parametrize("number", [33, 1000])
def test_too_many_answers_are_refused(caller: Caller, number: int) -> None:
    caller.knowing(api_example_com=[[f"8.8.{n // 250}.{n % 250}" for n in range(number)]])
    assert caller.refusal() is Code.EGRESS_DNS_FAILED
    assert caller.wires.dialled == []


def test_no_answer_is_refused(caller: Caller) -> None:
    assert caller.knowing(api_example_com=[[]]).refusal() is Code.EGRESS_DNS_FAILED


def test_an_unknown_name_is_refused(caller: Caller) -> None:
    assert caller.refusal("https://nobody.example.org/") is Code.EGRESS_DNS_FAILED


def test_the_next_vetted_address_is_tried_where_one_does_not_answer(caller: Caller, good: ssl.SSLContext) -> None:
    with serving(saying(ok(b"hello")), tls=good) as server:
        caller.to(server, OTHER).knowing(api_example_com=[[PUBLIC, PUBLIC, OTHER]])
        assert caller.fetch().address == OTHER
    assert caller.wires.dialled == [(PUBLIC, 443), (OTHER, 443)]


def test_no_more_than_a_few_addresses_are_tried(caller: Caller) -> None:
    caller.knowing(api_example_com=[[f"8.8.8.{n}" for n in range(1, 30)]])
    assert caller.refusal() is Code.EGRESS_CONNECT_FAILED
    assert len(caller.wires.dialled) == caller.rules.limits.dials


def test_a_literal_is_dialled_without_a_question(caller: Caller, good: ssl.SSLContext) -> None:
    with serving(saying(ok(b"hello")), tls=good) as server:
        assert caller.to(server).fetch(f"https://{PUBLIC}/").body == b"hello"
    assert caller.names.asked == []
    assert server.names == [None]


@pytest.mark.parametrize("peer", ["127.0.0.1", "169.254.169.254", OTHER, "::ffff:93.184.216.34", "nonsense"])
def test_a_connection_to_somebody_else_is_closed(caller: Caller, good: ssl.SSLContext, peer: str) -> None:
    with serving(saying(ok(b"hello")), tls=good) as server:
        caller.to(server).wires.lie = peer
        assert caller.refusal() is Code.EGRESS_ADDRESS_REFUSED
    assert server.requests in ([], [b""])


def test_looking_resolves_and_sends_nothing(caller: Caller) -> None:
    looked = caller.look(f"https://{HOST}/x")
    assert (str(looked.url), looked.addresses) == (f"https://{HOST}/x", (PUBLIC,))
    assert caller.wires.dialled == []


# --- the exact exemption ----------------------------------------------------------------------------------------------


def exempted(server: Upstream, **changes: str | int) -> Exemption:
    return replace(LOCAL, port=server.port, **changes)  # type: ignore[arg-type]


def test_an_exempt_upstream_is_reached_by_the_product_s_own_dialer(caller: Caller) -> None:
    with serving(saying(ok(b"hello"))) as server:
        caller.rules = Rules(limits=QUICK, exempt=(exempted(server),))
        caller.dials_itself = True
        response = caller.fetch(f"http://127.0.0.1:{server.port}/")
    assert (response.body, response.address) == (b"hello", LOOPBACK)


def test_an_exempt_upstream_that_does_not_listen_is_not_reached(caller: Caller) -> None:
    with serving(saying(ok(b"hello"))) as server:
        gone = exempted(server)
    caller.rules = Rules(limits=QUICK, exempt=(gone,))
    caller.dials_itself = True
    assert caller.refusal(f"http://127.0.0.1:{gone.port}/", method="POST") is Code.EGRESS_CONNECT_FAILED


@pytest.mark.parametrize(
    "changes", [{"host": "localhost"}, {"address": "127.0.0.2"}, {"port": 1}, {"scheme": "https"}], ids=str
)
def test_an_exemption_that_differs_in_one_part_exempts_nothing(caller: Caller, changes: dict[str, str | int]) -> None:
    with serving(saying(ok(b"hello"))) as server:
        caller.rules = Rules(
            schemes=frozenset({"http", "https"}),
            ports=frozenset({server.port}),
            limits=QUICK,
            exempt=(replace(exempted(server), **changes),),  # type: ignore[arg-type]
        )
        caller.to(server, LOOPBACK)
        assert caller.refusal(f"http://127.0.0.1:{server.port}/") is Code.EGRESS_ADDRESS_REFUSED
    assert caller.wires.dialled == []


def test_an_exempt_name_is_exempt_at_its_one_address_only(caller: Caller) -> None:
    with serving(saying(ok(b"hello"))) as server:
        url = f"http://upstream.internal:{server.port}/"
        caller.rules = Rules(limits=QUICK, exempt=(exempted(server, host="upstream.internal"),))
        caller.to(server, LOOPBACK).knowing(upstream_internal=[[LOOPBACK], ["127.0.0.2"], [LOOPBACK, "10.0.0.1"]])
        assert caller.fetch(url).body == b"hello"
        assert caller.refusal(url) is Code.EGRESS_ADDRESS_REFUSED
        assert caller.refusal(url) is Code.EGRESS_ADDRESS_REFUSED


@pytest.mark.parametrize("answers", [[PUBLIC], [LOOPBACK, PUBLIC], [PUBLIC, LOOPBACK]])
def test_an_exempt_origin_is_not_looked_for_on_the_public_internet(caller: Caller, answers: list[str]) -> None:
    # Its scheme, its port and its name were let through for one address: whoever answers for the name must not get a request in clear.
    with serving(saying(ok(b"hello"))) as server:
        caller.rules = Rules(limits=QUICK, exempt=(exempted(server, host="upstream.internal"),))
        caller.to(server, PUBLIC, LOOPBACK).knowing(upstream_internal=[answers])
        assert caller.refusal(f"http://upstream.internal:{server.port}/") is Code.EGRESS_ADDRESS_REFUSED
    assert caller.wires.dialled == []


@pytest.mark.parametrize("answer", ["::ffff:127.0.0.1", "::ffff:7f00:1", "::FFFF:7F00:1"])
def test_an_exempt_address_is_compared_as_an_address(answer: str) -> None:
    rules = Rules(exempt=(Exemption("upstream.internal", "::ffff:7f00:1", 80, "http"),))
    assert vet(Url("http", "upstream.internal", 80, "/", is_literal=False), [answer], rules) == (answer,)


def test_a_connection_that_is_reset_at_once_has_nobody_at_its_other_end() -> None:
    async def call() -> None:
        with socket.create_server((LOOPBACK, 0)) as listener:
            listener.setblocking(False)
            dialling = asyncio.ensure_future(LoopDialer().dial(LOOPBACK, listener.getsockname()[1], 5))
            other, _ = await asyncio.get_running_loop().sock_accept(listener)
            other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            other.close()
            with pytest.raises(ConnectionResetError):
                await dialling

    asyncio.run(call())


@pytest.mark.parametrize("error", [ValueError("s3cret"), KeyError("s3cret"), httpcore2.UnsupportedProtocol("s3cret")])
def test_whatever_goes_wrong_is_a_failure_of_the_one_type_without_a_value(caller: Caller, error: Exception) -> None:
    class Odd(Wires):
        def lead(self, address: str, port: int) -> int:
            raise error

    caller.wires = Odd({})
    with pytest.raises(ConnectorFailed) as failure:
        caller.fetch()
    assert failure.value.code is Code.EGRESS_CONNECT_FAILED
    assert "s3cret" not in failure.value.message + failure.value.detail


def test_an_exemption_says_nothing_about_other_names_at_its_address(caller: Caller) -> None:
    with serving(saying(ok(b"hello"))) as server:
        caller.rules = Rules(frozenset({"http"}), frozenset({server.port}), (exempted(server),), QUICK)
        caller.knowing(api_example_com=[[LOOPBACK]])
        assert caller.refusal(f"http://{HOST}:{server.port}/") is Code.EGRESS_ADDRESS_REFUSED


# --- asking the system ------------------------------------------------------------------------------------------------


def ask(form: str, asking: Asking, seconds: float) -> Sequence[str]:
    if form == "blocking":
        return drive(SystemResolver(asking).resolve(HOST, 443, seconds))

    async def call() -> Sequence[str]:
        return await LoopResolver(asking).resolve(HOST, 443, seconds)

    return asyncio.run(call())


@pytest.mark.parametrize("form", ["blocking", "loop"])
def test_the_system_is_asked_once(form: str) -> None:
    questions: list[tuple[str, int]] = []

    def lookup(host: str, port: int) -> Sequence[str]:
        questions.append((host, port))
        return [PUBLIC]

    assert list(ask(form, Asking(lookup), 5)) == [PUBLIC]
    assert questions == [(HOST, 443)]


@pytest.mark.parametrize("form", ["blocking", "loop"])
@pytest.mark.parametrize("error", [OSError(), UnicodeError(), ValueError(), OverflowError()])
def test_a_question_that_fails_is_a_failure(form: str, error: Exception) -> None:
    def lookup(host: str, port: int) -> Sequence[str]:
        raise error

    asking = Asking(lookup, threads=1)
    for _ in range(2):
        with pytest.raises(ConnectorFailed) as failure:
            ask(form, asking, 5)
        assert (failure.value.code, failure.value.detail) == (Code.EGRESS_DNS_FAILED, type(error).__name__)


@pytest.mark.parametrize("form", ["blocking", "loop"])
def test_a_slow_name_server_is_left_behind_and_a_bounded_number_of_them(form: str) -> None:
    answering = threading.Event()
    asked: list[str] = []

    def lookup(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        answering.wait(20)
        return [PUBLIC]

    asking = Asking(lookup, threads=2)
    for _ in range(4):
        with pytest.raises(ConnectorFailed) as failure:
            ask(form, asking, 0.05)
        assert (failure.value.code, failure.value.detail) == (Code.EGRESS_DNS_FAILED, "out of time")
    assert asked == [HOST, HOST]
    answering.set()
    assert list(ask(form, asking, 5)) == [PUBLIC]
    assert asked == [HOST, HOST, HOST]  # nobody asks for those who have left


def test_more_questions_than_threads_are_all_answered() -> None:
    busy, most, lock = 0, 0, threading.Lock()

    def lookup(host: str, port: int) -> Sequence[str]:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        with lock:
            busy -= 1
        return [PUBLIC]

    async def call() -> list[Sequence[str]]:
        resolver = LoopResolver(Asking(lookup, threads=4))
        return await asyncio.gather(*(resolver.resolve(HOST, 443, 10) for _ in range(300)))

    assert asyncio.run(call()) == [[PUBLIC]] * 300
    assert most <= 4


def test_a_slow_name_keeps_nobody_else_from_an_answer() -> None:
    answering = threading.Event()

    def lookup(host: str, port: int) -> Sequence[str]:
        if host == HOST:
            answering.wait(20)
        return [PUBLIC]

    async def call() -> None:
        resolver = LoopResolver(Asking(lookup, threads=4, each=3))
        slow = [asyncio.ensure_future(resolver.resolve(HOST, 443, 20)) for _ in range(20)]
        await asyncio.sleep(0)
        assert await resolver.resolve("other.example.org", 443, 10) == [PUBLIC]
        answering.set()
        assert await asyncio.gather(*slow) == [[PUBLIC]] * 20

    asyncio.run(call())


@pytest.mark.parametrize("form", ["blocking", "loop"])
def test_no_more_than_so_many_questions_wait(form: str) -> None:
    with pytest.raises(ConnectorFailed) as failure:
        ask(form, Asking(waiting=0), 5)
    assert failure.value.code is Code.EGRESS_DNS_FAILED


@pytest.mark.parametrize("form", ["blocking", "loop"])
def test_a_system_without_threads_is_a_failure_that_passes(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError

    asking = Asking(lambda host, port: [PUBLIC], threads=1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", none_left)
        with pytest.raises(ConnectorFailed) as failure:
            ask(form, asking, 5)
    assert failure.value.code is Code.EGRESS_DNS_FAILED
    assert list(ask(form, asking, 5)) == [PUBLIC]


def test_a_resolver_that_fails_with_time_already_over_is_not_asked(caller: Caller) -> None:
    caller.rules = Rules(limits=replace(QUICK, seconds=0.0))
    assert caller.refusal() is Code.EGRESS_DNS_FAILED
    assert caller.names.asked == []


@pytest.mark.parametrize("form", ["blocking", "loop"])
def test_the_system_knows_loopback(form: str) -> None:
    resolver = SystemResolver() if form == "blocking" else LoopResolver()

    async def call() -> Sequence[str]:
        return await resolver.resolve("localhost", 80, 5)

    assert LOOPBACK in (drive(call()) if form == "blocking" else asyncio.run(call()))


def test_failures_hold_no_value() -> None:
    failure = failed(Code.EGRESS_CONNECT_FAILED, "ConnectionRefusedError")
    assert HOST not in repr(failure)

"""A redirect is a new call: through the whole gate again, with nothing that could be a secret where the origin is another."""

import ssl
from dataclasses import replace

import pytest

from aaf.adapters.egress.rules import Exemption, Rules
from aaf.analysis.url import Url
from aaf.domain.errors import Code
from tests.adapters.egress.calling import HOST, LOOPBACK, OTHER, PUBLIC, QUICK, Caller
from tests.adapters.egress.upstream import ok, redirect, saying, serving

ELSEWHERE = "https://other.example.org/x"
CODES = [301, 302, 303, 307, 308]

REFUSED: list[tuple[bytes, Code]] = [
    (b"http://169.254.169.254/latest/meta-data/", Code.EGRESS_ADDRESS_REFUSED),
    (b"https://169.254.169.254/", Code.EGRESS_ADDRESS_REFUSED),
    (b"https://127.0.0.1/", Code.EGRESS_ADDRESS_REFUSED),
    (b"https://[::1]/", Code.EGRESS_ADDRESS_REFUSED),
    (b"https://[::ffff:127.0.0.1]/", Code.EGRESS_ADDRESS_REFUSED),
    (b"https://0x7f.1/", Code.EGRESS_URL_REFUSED),
    (b"https://2130706433/", Code.EGRESS_URL_REFUSED),
    (b"//10.0.0.1/", Code.EGRESS_ADDRESS_REFUSED),
    (b"https://inward.example.org/", Code.EGRESS_ADDRESS_REFUSED),
    (b"https://nobody.example.org/", Code.EGRESS_DNS_FAILED),
    (b"https://localhost/", Code.EGRESS_HOST_REFUSED),
    (b"https://metadata.google.internal/", Code.EGRESS_HOST_REFUSED),
    (b"https://intranet/", Code.EGRESS_HOST_REFUSED),
    (b"https://api.example.com:22/", Code.EGRESS_HOST_REFUSED),
    (b"https://denied.example.org/", Code.EGRESS_HOST_REFUSED),
    (b"http://api.example.com/", Code.EGRESS_URL_REFUSED),
    (b"ftp://api.example.com/", Code.EGRESS_URL_REFUSED),
    (b"file:///etc/passwd", Code.EGRESS_URL_REFUSED),
    (b"gopher://127.0.0.1:6379/_x", Code.EGRESS_URL_REFUSED),
    (b"javascript:alert(1)", Code.EGRESS_URL_REFUSED),
    (b"https://user:pw@api.example.com/", Code.EGRESS_URL_REFUSED),
    (b"https://api.example.com@evil.example.org/", Code.EGRESS_URL_REFUSED),
    (b"/\\evil.example.org/", Code.EGRESS_URL_REFUSED),
    (b"\\\\evil.example.org/", Code.EGRESS_URL_REFUSED),
    (b"https:/evil.example.org", Code.EGRESS_URL_REFUSED),
    (b"https:evil.example.org", Code.EGRESS_URL_REFUSED),
    (b"/a b", Code.EGRESS_URL_REFUSED),
    (b"/a\tb", Code.EGRESS_URL_REFUSED),
    (b"/caf\xc3\xa9", Code.EGRESS_URL_REFUSED),
    (b"/%2e%2e/x", Code.EGRESS_URL_REFUSED),
    (b"/%zz", Code.EGRESS_URL_REFUSED),
    (b"/" + b"a" * 9000, Code.EGRESS_URL_REFUSED),
]


def known(caller: Caller) -> Caller:
    caller.allowed = lambda url: url.host != "denied.example.org"
    return caller.knowing(
        api_example_com=[[PUBLIC]],
        other_example_org=[[OTHER]],
        denied_example_org=[[OTHER]],
        inward_example_org=[["10.0.0.1"]],
    )


@pytest.mark.requirement("R21")
@pytest.mark.parametrize(("location", "code"), REFUSED, ids=[case[0][:40].decode("latin-1") for case in REFUSED])
def test_a_redirect_goes_through_the_whole_gate(
    caller: Caller, good: ssl.SSLContext, location: bytes, code: Code
) -> None:
    with serving(saying(redirect(302, location)), tls=good) as server:
        assert known(caller).to(server, PUBLIC, OTHER, LOOPBACK, "10.0.0.1").refusal() is code
    assert caller.wires.dialled == [(PUBLIC, 443)]
    assert server.connections == 1


def test_a_downgrade_is_refused_even_where_http_may_be_called(caller: Caller, good: ssl.SSLContext) -> None:
    caller.rules = Rules(schemes=frozenset({"http", "https"}), limits=QUICK)
    with serving(saying(redirect(302, b"http://api.example.com/")), tls=good) as server:
        assert caller.to(server).refusal() is Code.EGRESS_REDIRECT_REFUSED
    assert server.connections == 1


def test_an_exempt_upstream_does_not_open_its_neighbours(caller: Caller) -> None:
    with serving(saying(ok(b"secret"))) as neighbour, serving(saying(b"")) as server:
        server.scripts[:] = [saying(redirect(302, b"http://127.0.0.1:%d/" % neighbour.port))]
        caller.rules = Rules(
            schemes=frozenset({"http"}),
            ports=frozenset({neighbour.port}),
            limits=QUICK,
            exempt=(Exemption(LOOPBACK, LOOPBACK, server.port, "http"),),
        )
        assert caller.to(server, LOOPBACK).refusal(f"http://127.0.0.1:{server.port}/") is Code.EGRESS_ADDRESS_REFUSED
    assert neighbour.connections == 0


@pytest.mark.parametrize("status", CODES)
def test_an_endless_redirect_ends(caller: Caller, good: ssl.SSLContext, status: int) -> None:
    with serving(saying(redirect(status, b"/again")), tls=good) as server:
        assert caller.to(server).refusal() is Code.EGRESS_REDIRECT_REFUSED
    assert server.connections == caller.rules.limits.redirects + 1


def test_redirects_may_be_forbidden(caller: Caller, good: ssl.SSLContext) -> None:
    caller.rules = Rules(limits=replace(QUICK, redirects=0))
    with serving(saying(redirect(302, b"/again")), tls=good) as server:
        assert caller.to(server).refusal() is Code.EGRESS_REDIRECT_REFUSED
    assert server.connections == 1


def test_two_locations_are_none(caller: Caller, good: ssl.SSLContext) -> None:
    with serving(saying(redirect(302, b"/a", b"https://127.0.0.1/")), tls=good) as server:
        assert caller.to(server).refusal() is Code.EGRESS_PROTOCOL_ERROR


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"/x", b"/x"),
        (b"x", b"/a/x"),
        (b"./x?y", b"/a/x?y"),
        (b"../x", b"/x"),
        (b"../../x", b"/x"),
        (b"?y", b"/a/b?y"),
        (b"#f", b"/a/b?q"),
        (b"", b"/a/b?q"),
        (b"//api.example.com/x", b"/x"),
        (b"https://API.example.com.:443/x#f", b"/x"),
        (b"..", b"/"),
    ],
)
def test_a_redirect_at_home_is_followed_with_everything(
    caller: Caller, good: ssl.SSLContext, location: bytes, target: bytes
) -> None:
    with serving(saying(redirect(302, location)), saying(ok(b"hello")), tls=good) as server:
        response = caller.to(server).fetch(
            f"https://{HOST}/a/b?q", headers=(("X-Mine", "1"),), credentials=(("Authorization", "Bearer s3cret"),)
        )
    assert (response.body, response.hops) == (b"hello", 1)
    assert server.requests[1].startswith(b"GET " + target + b" HTTP/1.1\r\n")
    assert all(b"s3cret" in request and b"X-Mine" in request for request in server.requests)


@pytest.mark.parametrize("status", CODES)
def test_nothing_that_may_be_a_credential_follows_to_another_origin(
    caller: Caller, good: ssl.SSLContext, status: int
) -> None:
    headers = (("Accept", "text/plain"), ("X-Api-Key", "s3cret"), ("Cookie", "s3cret"), ("Range", "bytes=0-9"))
    with (
        serving(saying(redirect(status, ELSEWHERE.encode())), saying(ok(b"back")), tls=good) as server,
        serving(saying(redirect(302, b"https://api.example.com/back")), tls=good) as other,
    ):
        known(caller).to(server, PUBLIC).to(other, OTHER)
        response = caller.fetch(headers=headers, credentials=(("Authorization", "Bearer s3cret"),))
    assert (response.body, response.hops, response.url.path_query) == (b"back", 2, "/back")
    assert server.requests[0].count(b"s3cret") == 3
    assert b"s3cret" not in other.requests[0]
    assert b"Range" not in other.requests[0]
    assert b"Accept: text/plain" in other.requests[0]
    assert b"s3cret" not in server.requests[1]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("status", [307, 308])
def test_a_body_never_goes_to_another_origin(caller: Caller, good: ssl.SSLContext, method: str, status: int) -> None:
    with serving(saying(redirect(status, ELSEWHERE.encode())), tls=good) as server:
        code = known(caller).to(server, PUBLIC, OTHER).refusal(method=method, body=b"pay")
    # The server did not take it, so this is a failure and not an end that nobody knows.
    assert code is Code.EGRESS_REDIRECT_REFUSED
    assert server.connections == 1


@pytest.mark.parametrize("status", [307, 308])
def test_a_body_goes_again_to_the_same_origin_that_asks_for_it(
    caller: Caller, good: ssl.SSLContext, status: int
) -> None:
    with serving(saying(redirect(status, b"/again")), saying(ok(b"done")), tls=good) as server:
        assert caller.to(server).fetch(method="POST", body=b"pay").body == b"done"
    assert [request.split(b" ")[0] for request in server.requests] == [b"POST", b"POST"]
    assert all(request.endswith(b"\r\n\r\npay") for request in server.requests)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_after_other_redirects_the_result_is_read(caller: Caller, good: ssl.SSLContext, status: int) -> None:
    with (
        serving(saying(redirect(status, ELSEWHERE.encode())), tls=good) as server,
        serving(saying(ok(b"done")), tls=good) as other,
    ):
        known(caller).to(server, PUBLIC).to(other, OTHER)
        response = caller.fetch(method="POST", body=b"pay", headers=(("Content-Type", "text/plain"),))
    assert response.body == b"done"
    assert other.requests[0].startswith(b"GET /x HTTP/1.1\r\n")
    assert b"pay" not in other.requests[0]
    assert b"ontent-" not in other.requests[0]


@pytest.mark.parametrize("location", [b"https://169.254.169.254/", b"/again", b"https://nobody.example.org/"])
def test_a_request_that_changed_things_stays_unknown_when_its_redirect_fails(
    caller: Caller, good: ssl.SSLContext, location: bytes
) -> None:
    with serving(saying(redirect(303, location)), tls=good) as server:
        assert known(caller).to(server).refusal(method="POST", body=b"pay") is Code.CONNECTOR_TIMEOUT
    assert [request.split(b" ")[0] for request in server.requests][:1] == [b"POST"]


def test_the_allowlist_is_asked_at_every_hop(caller: Caller, good: ssl.SSLContext) -> None:
    asked: list[str] = []

    def allowed(url: Url) -> bool:
        asked.append(str(url))
        return True

    known(caller).allowed = allowed
    with (
        serving(saying(redirect(302, ELSEWHERE.encode())), tls=good) as server,
        serving(saying(ok(b"hello")), tls=good) as other,
    ):
        response = caller.to(server, PUBLIC).to(other, OTHER).fetch(f"https://{HOST}/")
    assert asked == [f"https://{HOST}/", ELSEWHERE]
    assert (str(response.url), response.address) == (ELSEWHERE, OTHER)

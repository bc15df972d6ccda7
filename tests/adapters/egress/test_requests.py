"""What is sent: exactly what was asked for, or nothing."""

import ssl

import pytest

from aaf.adapters.egress.request import MAX_HEADERS, Request
from aaf.adapters.egress.rules import Limits, Rules
from aaf.domain.errors import Code, ConnectorFailed
from tests.adapters.egress.calling import HOST, PUBLIC, QUICK, Caller
from tests.adapters.egress.upstream import ok, saying, serving

SMUGGLING = [
    ("X-A", "1\r\nX-B: 2"),
    ("X-A", "1\nX-B: 2"),
    ("X-A", "1\rX-B: 2"),
    ("X-A", "1\r\n\r\nGET / HTTP/1.1"),
    ("X-A", "1\0"),
    ("X-A", "1\x1b[0m"),
    ("X-A", "caf\u00e9"),
    ("X-A", "\u010d\u010a"),
    ("X-A", " padded"),
    ("X-A", "padded\t"),
    ("X-A", "a" * (17 << 10)),
    ("X-A: 1\r\nX-B", "2"),
    ("X-A:", "1"),
    ("X A", "1"),
    ("X-A ", "1"),
    ("", "1"),
    ("X\u00c4", "1"),
    (":authority", "evil.example.org"),
    ("Host", "evil.example.org"),
    ("hOST", HOST),
    ("Content-Length", "0"),
    ("content_length", "0"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer_Encoding", "chunked"),
    ("Content-Encoding", "gzip"),
    ("Connection", "keep-alive, X-Api-Key"),
    ("Keep-Alive", "timeout=5"),
    ("Upgrade", "h2c"),
    ("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"),
    ("TE", "trailers"),
    ("Trailer", "X"),
    ("Expect", "100-continue"),
    ("Accept-Encoding", "br"),
    ("Proxy-Authorization", "Basic x"),
    ("Proxy-Connection", "keep-alive"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Host", "evil.example.org"),
    ("Forwarded", "for=127.0.0.1"),
    ("Via", "1.1 x"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X_Method_Override", "DELETE"),
    ("X-Original-URL", "/admin"),
    ("X.HTTP.Method.Override", "DELETE"),
    ("Content~Length", "0"),
    ("X-HTTP-Host-Override", "evil.example.org"),
    ("X-Original-Host", "evil.example.org"),
    ("X-Host", "evil.example.org"),
    ("X-Forwarded", "for=127.0.0.1"),
    ("True-Client-IP", "127.0.0.1"),
]


@pytest.mark.parametrize("header", SMUGGLING, ids=[repr(case)[:40] for case in SMUGGLING])
def test_a_header_that_is_not_the_caller_s_is_refused(caller: Caller, header: tuple[str, str]) -> None:
    assert caller.refusal(headers=(header,)) is Code.EGRESS_REQUEST_REFUSED
    assert caller.refusal(method="POST", headers=(("X-Good", "1"), header), body=b"x") is Code.EGRESS_REQUEST_REFUSED
    assert (caller.names.asked, caller.wires.dialled) == ([], [])


def test_a_credential_is_checked_as_a_header_is(caller: Caller) -> None:
    with pytest.raises(ConnectorFailed) as failure:
        caller.fetch(credentials=(("Authorization", "Bearer a\r\nX: y"),))
    assert failure.value.code is Code.EGRESS_REQUEST_REFUSED
    assert "Bearer" not in f"{failure.value}{failure.value.detail}"


@pytest.mark.parametrize(
    "headers",
    [
        tuple((f"X-{n}", "1") for n in range(MAX_HEADERS + 1)),
        (("X-A", "1"), ("x-a", "2")),
        (("X-A", "1"), ("X_A", "2")),
        tuple((f"X-{n}", "a" * 1000) for n in range(20)),
    ],
    ids=["many", "twice", "twice with an underscore", "large"],
)
def test_headers_have_bounds(caller: Caller, headers: tuple[tuple[str, str], ...]) -> None:
    assert caller.refusal(headers=headers) is Code.EGRESS_REQUEST_REFUSED


@pytest.mark.parametrize(
    "method", ["", "get", "CONNECT", "TRACE", "TRACK", "PROPFIND", "GET /x", "GET\r\n", "POST ", "G\u00c9T"]
)
def test_other_methods_are_refused(caller: Caller, method: str) -> None:
    assert caller.refusal(method=method) is Code.EGRESS_REQUEST_REFUSED


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_method_without_a_body_has_none(caller: Caller, method: str) -> None:
    assert caller.refusal(method=method, body=b"x") is Code.EGRESS_REQUEST_REFUSED


def test_a_body_has_a_bound(caller: Caller) -> None:
    caller.rules = Rules(limits=Limits(request_body=10))
    assert caller.refusal(method="POST", body=bytes(11)) is Code.EGRESS_REQUEST_REFUSED


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "POST", "PUT"])
@pytest.mark.parametrize("body", [b"", b"\0\r\n\r\nGET / HTTP/1.1\r\n\r\n"])
def test_the_request_is_framed_by_its_length_alone(
    caller: Caller, good: ssl.SSLContext, method: str, body: bytes
) -> None:
    with serving(saying(ok(b"")), tls=good) as server:
        caller.to(server).fetch(method=method, body=body, headers=(("Content-Type", "text/plain"), ("X-Empty", "")))
    head, _, sent = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines == [
        method.encode() + b" / HTTP/1.1",
        b"Host: api.example.com",
        b"Accept-Encoding: gzip",
        b"Connection: close",
        b"Content-Length: %d" % len(body),
        b"Content-Type: text/plain",
        b"X-Empty: ",
    ]
    assert sent == body


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"http://{HOST}/", Code.EGRESS_URL_REFUSED),
        (f"https://{HOST}:8443/", Code.EGRESS_HOST_REFUSED),
        (f"https://{HOST}:80/", Code.EGRESS_HOST_REFUSED),
        ("https://localhost/", Code.EGRESS_HOST_REFUSED),
        ("https://127.0.0.1/", Code.EGRESS_ADDRESS_REFUSED),
        ("https://0x7f000001/", Code.EGRESS_URL_REFUSED),
        (f"https://u@{HOST}/", Code.EGRESS_URL_REFUSED),
        ("unix:///var/run/docker.sock", Code.EGRESS_URL_REFUSED),
    ],
)
def test_a_refused_url_asks_nobody(caller: Caller, url: str, code: Code) -> None:
    with pytest.raises(ConnectorFailed) as failure:
        caller.look(url)
    assert (failure.value.code, failure.value.path) == (code, "$.params.url")
    assert caller.refusal(url) is code
    assert (caller.names.asked, caller.wires.dialled) == ([], [])


def test_the_allowlist_has_the_last_word(caller: Caller) -> None:
    caller.allowed = lambda url: False
    assert caller.refusal() is Code.EGRESS_HOST_REFUSED
    assert caller.names.asked == []


def test_another_port_is_called_where_the_rules_name_it(caller: Caller, good: ssl.SSLContext) -> None:
    caller.rules = Rules(ports=frozenset({8443}), limits=QUICK)
    with serving(saying(ok(b"hello")), tls=good) as server:
        assert caller.to(server).fetch(f"https://{HOST}:8443/").body == b"hello"
    assert caller.wires.dialled == [(PUBLIC, 8443)]
    assert b"Host: api.example.com:8443\r\n" in server.requests[0]


def test_nothing_listens(caller: Caller) -> None:
    assert caller.refusal(method="POST", body=b"x") is Code.EGRESS_CONNECT_FAILED


def test_secrets_are_in_no_repr() -> None:
    request = Request("POST", "https://x/", credentials=(("Authorization", "s3cret"),), body=b"s3cret")
    assert "s3cret" not in repr(request)

"""TLS 1.2 or newer, a certificate of a known authority, for the name of the URL, valid now: or no byte of the request leaves."""

import datetime as dt
import ssl
import warnings
from collections.abc import Callable
from dataclasses import replace

import pytest

from aaf.adapters.egress.rules import Rules
from aaf.adapters.egress.tls import client_context
from aaf.domain.errors import Code
from tests.adapters.egress.calling import HOST, LOOPBACK, OTHER, PUBLIC, QUICK, Caller
from tests.adapters.egress.certificates import Authority
from tests.adapters.egress.upstream import Script, Talk, ok, saying, serving

BAD: list[tuple[str, Callable[[Authority], ssl.SSLContext]]] = [
    ("expired", lambda ca: ca.server(HOST, ends=-dt.timedelta(hours=1))),
    ("not valid yet", lambda ca: ca.server(HOST, begins=dt.timedelta(hours=1))),
    ("signed by itself", lambda ca: ca.server(HOST, self_signed=True)),
    ("another name", lambda ca: ca.server("other.example.org")),
    ("the name as a part", lambda ca: ca.server(f"{HOST}.evil.example.org", f"evil{HOST}")),
    ("the parent's wildcard two labels up", lambda ca: ca.server("*.com")),
    ("a common name only", lambda ca: ca.server(common=HOST)),
    ("the address in place of the name", lambda ca: ca.server(addresses=(PUBLIC,))),
    ("an unknown authority", lambda ca: Authority.make(ca.folder / "other").server(HOST)),
]

BROKEN: list[tuple[str, Script]] = [
    ("plain text", saying(b"HTTP/1.1 200 OK\r\n\r\n")),
    ("nothing", saying()),
    ("an alert", saying(b"\x15\x03\x03\x00\x02\x02\x28")),
    ("a record of rubbish", saying(b"\x16\x03\x03\x00\x10" + bytes(16))),
]


@pytest.mark.requirement("R08")
@pytest.mark.parametrize("make", [case[1] for case in BAD], ids=[case[0] for case in BAD])
def test_a_certificate_that_does_not_prove_the_name_ends_the_call(
    caller: Caller, authority: Authority, make: Callable[[Authority], ssl.SSLContext]
) -> None:
    with serving(saying(ok(b"hello")), tls=make(authority)) as server:
        assert caller.to(server).refusal(method="POST", body=b"x") is Code.EGRESS_TLS_FAILED
    assert server.requests in ([], [b""])


def test_a_literal_needs_a_certificate_for_the_address(caller: Caller, authority: Authority) -> None:
    with serving(saying(ok(b"hello")), tls=authority.server(HOST, addresses=(OTHER, LOOPBACK))) as server:
        assert caller.to(server).refusal(f"https://{PUBLIC}/") is Code.EGRESS_TLS_FAILED
    assert server.requests in ([], [b""])


@pytest.mark.parametrize("script", [case[1] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_what_is_no_handshake_ends_the_call(caller: Caller, script: Script) -> None:
    with serving(script, reads=False) as server:
        assert caller.to(server).refusal(method="POST", body=b"x") is Code.EGRESS_TLS_FAILED


def test_a_server_that_resets_before_the_handshake_was_sent_nothing(caller: Caller) -> None:
    with serving(Talk.reset, reads=False) as server:
        # The reset arrives before or after the dialer has finished; either way nothing has left.
        assert caller.to(server).refusal(method="POST", body=b"x") in {
            Code.EGRESS_CONNECT_FAILED,
            Code.EGRESS_TLS_FAILED,
        }


def test_a_handshake_that_hangs_ends_with_the_time_for_connecting(caller: Caller) -> None:
    caller.rules = Rules(limits=replace(QUICK, connect_seconds=0.3))
    with serving(Talk.hang, reads=False) as server:
        assert caller.to(server).refusal(method="POST", body=b"x") is Code.EGRESS_TLS_FAILED


def old_server(authority: Authority, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = authority.server(HOST)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # speaking it is what is tested
        context.minimum_version = version
        context.maximum_version = version
    return context


@pytest.mark.requirement("R08")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_an_old_server_is_refused_by_its_version(
    caller: Caller, authority: Authority, version: ssl.TLSVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the library's own bar on old hashes, so that only the least version is left to refuse.
    def weaker(extra: str | None = None) -> ssl.SSLContext:
        context = client_context(extra)
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context

    monkeypatch.setattr(
        f"aaf.adapters.egress.{'blocking' if caller.form == 'blocking' else 'on_loop'}.client_context", weaker
    )
    with serving(saying(ok(b"hello")), tls=old_server(authority, version)) as server:
        assert caller.to(server).refusal() is Code.EGRESS_TLS_FAILED
        # The server is well: a client that lowers the bar gets its answer.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            lower = weaker(authority.file)
            lower.minimum_version = ssl.TLSVersion.TLSv1
        monkeypatch.setattr(
            f"aaf.adapters.egress.{'blocking' if caller.form == 'blocking' else 'on_loop'}.client_context",
            lambda extra=None: lower,
        )
        assert caller.fetch().body == b"hello"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_today_s_versions_are_spoken(caller: Caller, good: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    good.minimum_version = good.maximum_version = version
    with serving(saying(ok(b"hello")), tls=good) as server:
        assert caller.to(server).fetch().body == b"hello"


def test_the_context_checks_everything_and_writes_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/tmp/keys")
    context = client_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert not context.keylog_filename
    assert not context.hostname_checks_common_name


def test_a_file_without_authorities_is_no_file_of_authorities(tmp_path: object) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - ssl's own error is one, whatever it is called
        client_context(f"{tmp_path}/missing.pem")


def test_proxy_variables_are_not_read(caller: Caller, good: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(saying(ok(b"hello")), tls=good) as server:
        assert caller.to(server).fetch().body == b"hello"
    assert caller.wires.dialled == [(PUBLIC, 443)]

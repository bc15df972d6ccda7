"""The connector `http` against a server on loopback, through the exact exemption: nothing else reaches it."""

import asyncio
import base64
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest

from aaf.adapters.connectors.http import Client, HttpConnector, rules_of
from aaf.adapters.driving import drive
from aaf.adapters.egress.blocking import blocking_client
from aaf.adapters.egress.on_loop import loop_client
from aaf.adapters.secrets.environment import EnvironmentSecrets
from aaf.analysis.addresses import Exemption
from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.finding import Charge
from aaf.domain.redaction import MASK
from aaf.policy.destinations import Credential, Destination, HttpSettings
from aaf.ports import Connector
from tests.adapters.upstream import Heard, Says, Upstream, upstream

SECRET = "s3cr&t/key=with+all/of%it"
LOGIN = "shop:s3cr&t-password"
BEARER = Credential("shop_key", "bearer")


@pytest.fixture(scope="module")
def _server() -> Iterator[Upstream]:
    with upstream() as listening:
        yield listening


@pytest.fixture
def server(_server: Upstream) -> Upstream:
    _server.says.clear()
    _server.heard.clear()
    return _server


def row(server: Upstream, **changes: Any) -> Destination:
    methods = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
    return replace(Destination("127.0.0.1", (server.port,), ("http",), methods), **changes)


def settings(server: Upstream, *rows: Destination, **changes: Any) -> HttpSettings:
    exempt = Exemption("127.0.0.1", "127.0.0.1", server.port, "http")
    return replace(HttpSettings(rows or (row(server),), redirects=3, unsafe_allow=(exempt,)), **changes)


def connector(
    chosen: HttpSettings, *usable: str, client: Callable[[], Client] | None = None, **secrets: str
) -> HttpConnector:
    rules = rules_of(chosen, seconds=10)
    source = EnvironmentSecrets({"shop_key": SECRET, "login": LOGIN} | secrets)
    return HttpConnector(
        chosen,
        client=client or cache(lambda: blocking_client(rules)),
        secrets=source,
        usable=frozenset(usable),
        limits=rules.limits,
    )


class Names:
    """Resolves every name to the same addresses."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses

    async def resolve(self, host: str, port: int, seconds: float) -> list[str]:
        return self._addresses


def resolving(chosen: HttpSettings, answer: list[str]) -> HttpConnector:
    return connector(chosen, client=lambda: blocking_client(rules_of(chosen, seconds=5), resolver=Names(answer)))


def run(
    made: HttpConnector, operation: str = "get", *, expected: Effect | None = None, **params: Json
) -> dict[str, Any]:
    result = drive(made.run(operation=operation, params=params, expected=expected))
    assert isinstance(result, dict)
    return dict(result)


def fails(
    made: HttpConnector, operation: str = "get", *, expected: Effect | None = None, **params: Json
) -> ConnectorFailed:
    with pytest.raises(ConnectorFailed) as failed:
        drive(made.run(operation=operation, params=params, expected=expected))
    return failed.value


def refused(made: HttpConnector, operation: str, params: Mapping[str, Json]) -> tuple[Code | None, str]:
    """What the analysis says; dry run and run say the same."""
    analysis = made.analyse(operation=operation, params=params)
    assert analysis.target is None
    (finding,) = analysis.findings
    for act in (
        made.dry_run(operation=operation, params=params),
        made.run(operation=operation, params=params, expected=None),
    ):
        with pytest.raises(ConnectorFailed) as failed:
            drive(act)
        assert failed.value.code is finding.deny
    return finding.deny, finding.field


# --- what goes out ----------------------------------------------------------------------------------------------------


def test_it_is_a_connector_named_http(server: Upstream) -> None:
    made: Connector = connector(settings(server))
    assert made.name == "http"


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"])
def test_the_operation_is_the_method(server: Upstream, method: str) -> None:
    server.says["/x"] = Says(b"yes")
    result = run(connector(settings(server)), method.lower(), url=server.url("/x?a=1"))
    assert (server.heard[0].method, server.heard[0].path) == (method, "/x?a=1")
    assert (result["status"], result["body"]) == (200, "" if method == "HEAD" else "yes")


def test_headers_and_a_text_go_out_as_given(server: Upstream) -> None:
    server.says["/x"] = Says()
    run(
        connector(settings(server)),
        "post",
        url=server.url("/x"),
        headers={"Accept": "a/b", "X-Note": "1"},
        body="h\u00e9",
    )
    (heard,) = server.heard
    assert (heard.headers["accept"], heard.headers["x-note"]) == ("a/b", "1")
    assert (heard.headers["content-type"], heard.body) == ("text/plain; charset=utf-8", "h\u00e9".encode())


def test_json_goes_out_as_canonical_bytes_under_the_type_that_was_asked_for(server: Upstream) -> None:
    server.says["/x"] = Says()
    made = connector(settings(server))
    run(made, "post", url=server.url("/x"), json={"b": 1, "a": [None]})
    run(made, "post", url=server.url("/x"), json={}, headers={"Content-Type": "application/vnd.x+json"})
    assert [one.body for one in server.heard] == [b'{"a":[null],"b":1}', b"{}"]
    assert [one.headers["content-type"] for one in server.heard] == ["application/json", "application/vnd.x+json"]


@pytest.mark.requirement("R08")
@pytest.mark.parametrize(
    ("credential", "header", "value"),
    [
        (BEARER, "authorization", f"Bearer {SECRET}"),
        (Credential("login", "basic"), "authorization", "Basic " + base64.b64encode(LOGIN.encode()).decode()),
        (Credential("shop_key", "header", "x-api-key"), "x-api-key", SECRET),
    ],
)
def test_a_destination_gets_its_credential(server: Upstream, credential: Credential, header: str, value: str) -> None:
    server.says["/x"] = Says()
    run(connector(settings(server, row(server, credential=credential)), "shop_key", "login"), url=server.url("/x"))
    assert server.heard[0].headers[header] == value


@pytest.mark.requirement("R08")
def test_a_credential_goes_only_with_the_types_that_declare_it(server: Upstream) -> None:
    server.says["/x"] = Says()
    with_key, without = row(server, credential=BEARER), row(server, paths=("/x",))
    params: dict[str, Json] = {"url": server.url("/x")}
    assert refused(connector(settings(server, with_key)), "get", params)[0] is Code.EGRESS_HOST_REFUSED
    run(connector(settings(server, with_key, without)), url=server.url("/x"))
    run(connector(settings(server, with_key, without), "shop_key"), url=server.url("/x"))
    assert ["authorization" in one.headers for one in server.heard] == [False, True]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("not-\u00e4scii-at-all", Code.SECRET_UNAVAILABLE),
        (" begins with a blank", Code.SECRET_UNAVAILABLE),
        ("ends with a blank ", Code.SECRET_UNAVAILABLE),
        ("x" * (17 << 10), Code.EGRESS_REQUEST_REFUSED),
    ],
)
def test_a_credential_that_no_header_can_carry_is_not_sent(server: Upstream, value: str, code: Code) -> None:
    credential = Credential("shop_key", "header", "x-api-key")
    made = connector(settings(server, row(server, credential=credential)), "shop_key", shop_key=value)
    failure = fails(made, url=server.url("/x"))
    assert (failure.code, server.heard) == (code, [])
    assert value not in failure.message + failure.detail + failure.hint
    # Before a person is asked, not after.
    with pytest.raises(ConnectorFailed) as failed:
        drive(made.dry_run(operation="get", params={"url": server.url("/x")}))
    assert failed.value.code is code


def test_without_its_credential_nothing_is_sent_and_nothing_is_held(server: Upstream) -> None:
    made = connector(settings(server, row(server, credential=Credential("gone", "bearer"))), "gone")
    assert fails(made, url=server.url("/x")).code is Code.SECRET_UNAVAILABLE
    with pytest.raises(ConnectorFailed) as failed:
        drive(made.dry_run(operation="get", params={"url": server.url("/x")}))
    assert (failed.value.code, server.heard) == (Code.SECRET_UNAVAILABLE, [])


@pytest.mark.requirement("R07")
@pytest.mark.attack("G32", guard="aaf.domain.redaction:Values.found", without="tests.attacks.without:returns_false")
@pytest.mark.parametrize(
    "params",
    [
        {"body": f"the key is {SECRET}"},
        {"json": {"deep": [base64.b64encode(SECRET.encode()).decode()]}},
        {"headers": {"X-Note": SECRET.encode().hex()}},
        {"url": f"?q={quote(SECRET, safe='')}"},
    ],
)
def test_a_request_that_quotes_the_credential_is_not_sent_and_not_shown(
    server: Upstream, params: dict[str, Json]
) -> None:
    server.says["/x"] = Says()
    made = connector(settings(server, row(server, credential=BEARER)), "shop_key")
    sent: dict[str, Json] = {**params, "url": server.url(f"/x{params.get('url', '')}")}
    with pytest.raises(ConnectorFailed) as failed:
        drive(made.dry_run(operation="post", params=sent))
    assert failed.value.code is Code.CREDENTIAL_IN_REQUEST
    with pytest.raises(ConnectorFailed) as failed:
        drive(made.run(operation="post", params=sent, expected=None))
    assert failed.value.code is Code.CREDENTIAL_IN_REQUEST
    assert server.heard == []


# --- what is refused by its letters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "params", "code", "field"),
    [
        ("trace", {}, Code.UNKNOWN_ACTION_TYPE, ""),
        ("get", {"verb": "POST"}, Code.UNKNOWN_FIELD, "params"),
        ("get", {"url": None}, Code.WRONG_TYPE, "params.url"),
        ("get", {"url": "https://user:pw@api.example.com/"}, Code.EGRESS_URL_REFUSED, "params.url"),
        ("get", {"url": "http://169.254.169.254/latest"}, Code.EGRESS_ADDRESS_REFUSED, "params.url"),
        ("get", {"url": "http://localhost/"}, Code.EGRESS_HOST_REFUSED, "params.url"),
        ("get", {"url": "https://elsewhere.example.org/"}, Code.EGRESS_HOST_REFUSED, "params.url"),
        ("get", {"url": "https://api.example.com:8443/"}, Code.EGRESS_HOST_REFUSED, "params.url"),
        ("delete", {"url": "https://api.example.com/v1"}, Code.EGRESS_REQUEST_REFUSED, "params.url"),
        ("get", {"url": "https://api.example.com/v2"}, Code.EGRESS_REQUEST_REFUSED, "params.url"),
        ("get", {"url": "https://api.example.com/v1?api_key=x"}, Code.CREDENTIAL_IN_REQUEST, "params.url"),
        ("get", {"url": "https://api.example.com/v1?a=1&%70assword=x"}, Code.CREDENTIAL_IN_REQUEST, "params.url"),
        ("get", {"url": "https://api.example.com/v1?Pin"}, Code.CREDENTIAL_IN_REQUEST, "params.url"),
        ("get", {"url": "https://api.example.com/v1?access_token=x"}, Code.CREDENTIAL_IN_REQUEST, "params.url"),
        ("get", {"url": "https://api.example.com/v1?a=1;client_secret=x"}, Code.CREDENTIAL_IN_REQUEST, "params.url"),
        ("get", {"url": "https://api.example.com/v1?user[password]=x"}, Code.CREDENTIAL_IN_REQUEST, "params.url"),
        ("get", {"url": "https://api.example.com/v1?X-Amz-Security-Token=x"}, Code.CREDENTIAL_IN_REQUEST, "params.url"),
        ("post", {"url": "https://api.example.com/v1?_method=DELETE"}, Code.EGRESS_REQUEST_REFUSED, "params.url"),
        ("post", {"url": "https://api.example.com/v1?a;%5FMethod=PUT"}, Code.EGRESS_REQUEST_REFUSED, "params.url"),
        ("post", {"json": {"_method": "DELETE"}}, Code.EGRESS_REQUEST_REFUSED, "params.json"),
        ("post", {"body": "a=1&_method=DELETE", "headers": {"Content-Type": "Application/X-WWW-Form-URLencoded ; a=b"}},
         Code.EGRESS_REQUEST_REFUSED, "params.body"),
        ("post", {"body": "", "headers": {"content_type": "a/b", "content-type": "a/b"}},
         Code.EGRESS_REQUEST_REFUSED, "params.headers"),
        ("get", {"headers": {"X-Forward": "bearer \tx"}}, Code.CREDENTIAL_IN_REQUEST, "params.headers"),
        ("get", {"headers": {"Ocp-Apim-Subscription-Key": "x"}}, Code.CREDENTIAL_IN_REQUEST, "params.headers"),
        ("get", {"headers": {"X-Session-Id": "x"}}, Code.CREDENTIAL_IN_REQUEST, "params.headers"),
        ("get", {"headers": "x"}, Code.WRONG_TYPE, "params.headers"),
        ("get", {"headers": {"x": 1}}, Code.WRONG_TYPE, "params.headers"),
        ("get", {"headers": {"Authorization": "x"}}, Code.CREDENTIAL_IN_REQUEST, "params.headers"),
        ("get", {"headers": {"cookie": "x"}}, Code.CREDENTIAL_IN_REQUEST, "params.headers"),
        ("get", {"headers": {"X_Auth_Token": "x"}}, Code.CREDENTIAL_IN_REQUEST, "params.headers"),
        ("get", {"headers": {"Pin": "x"}}, Code.CREDENTIAL_IN_REQUEST, "params.headers"),
        ("get", {"headers": {"X-Own": "x"}}, Code.CREDENTIAL_IN_REQUEST, "params.headers"),
        ("get", {"headers": {"Host": "x"}}, Code.EGRESS_REQUEST_REFUSED, "params.headers"),
        ("get", {"headers": {"a": "x\r\nb: y"}}, Code.EGRESS_REQUEST_REFUSED, "params.headers"),
        ("get", {"headers": {"X-HTTP-Method-Override": "DELETE"}}, Code.EGRESS_REQUEST_REFUSED, "params.headers"),
        ("get", {"body": ""}, Code.EGRESS_REQUEST_REFUSED, "params"),
        ("post", {"body": "a", "json": {}}, Code.WRONG_TYPE, "params.body"),
        ("post", {"body": 1}, Code.WRONG_TYPE, "params.body"),
        ("post", {"body": "\ud800"}, Code.LONE_SURROGATE, "params.body"),
        ("post", {"body": "x" * ((1 << 20) + 1)}, Code.EGRESS_REQUEST_REFUSED, "params.body"),
    ],
)  # fmt: skip
def test_what_may_not_be_sent_is_refused_by_its_letters(
    operation: str, params: dict[str, Json], code: Code, field: str
) -> None:
    own = Credential("shop_key", "header", "x-own")
    listed = Destination("api.example.com", methods=("GET", "POST"), paths=("/v1",), credential=own)
    made = connector(HttpSettings((listed,), redact=("pin",)), "shop_key")
    assert refused(made, operation, {"url": "https://api.example.com/v1"} | params) == (code, field)


def test_the_target_is_shown_whole_and_the_rate_of_its_row_is_charged() -> None:
    listed = Destination("api.example.com", interval=500_000, burst=3)
    made = connector(HttpSettings((listed, Destination("free.example.com"))))
    analysis = made.analyse(operation="get", params={"url": "https://API.example.com/a?b=c#d"})
    assert (analysis.findings, analysis.target) == ((), "https://api.example.com/a?b=c")
    assert analysis.charges == (Charge("destination", "https api.example.com 443 GET,HEAD", 500_000, 3),)
    assert analysis.charges[0].tolerance == 1_000_000
    assert made.analyse(operation="get", params={"url": "https://free.example.com/"}).charges == ()


# --- what is shown and bound ------------------------------------------------------------------------------------------


def test_a_dry_run_sends_nothing_and_says_what_would_be_sent(server: Upstream) -> None:
    made = connector(settings(server, row(server, credential=BEARER)), "shop_key")
    params: dict[str, Json] = {"url": server.url("/pay?x=1"), "json": {"amount": "12.50"}, "headers": {"Accept": "*/*"}}
    effect = drive(made.dry_run(operation="post", params=params))
    assert server.heard == []
    assert effect.target == server.url("/pay?x=1")
    assert effect.facts["headers"] == ["Accept", "authorization", "content-type"]
    assert effect.facts["credential"] == "shop_key as bearer"
    assert effect.facts["body_bytes"] == 18
    assert (effect.facts["method"], effect.facts["host"], effect.facts["port"]) == ("POST", "127.0.0.1", server.port)
    assert effect.facts["addresses"] == "127.0.0.1, exempted by egress.unsafe_allow"
    assert effect.diff is not None
    assert effect.diff.startswith(f"POST /pay?x=1\nhost: 127.0.0.1:{server.port}\n")
    assert (
        f"\nAccept: */*\ncontent-type: application/json\nauthorization: {MASK} (bearer, secret shop_key)\n\n"
        in effect.diff
    )
    assert effect.diff.endswith('\n\n{"amount":"12.50"}\n')
    assert SECRET not in str(effect)
    assert drive(made.dry_run(operation="post", params=params)) == effect


def test_a_dry_run_resolves_and_vets_the_host(server: Upstream) -> None:
    exempt = Exemption("127.0.0.1", "127.0.0.2", server.port, "http")
    made = connector(settings(server, unsafe_allow=(exempt,)))
    assert refused(made, "get", {"url": server.url()})[0] is Code.EGRESS_ADDRESS_REFUSED
    chosen = HttpSettings((Destination("api.example.com"),))
    for answer, code in (([], Code.EGRESS_DNS_FAILED), (["10.0.0.1"], Code.EGRESS_ADDRESS_REFUSED)):
        named = resolving(chosen, answer)
        with pytest.raises(ConnectorFailed) as failed:
            drive(named.dry_run(operation="get", params={"url": "https://api.example.com/"}))
        assert failed.value.code is code
    public = resolving(chosen, ["93.184.216.34"])
    effect = drive(public.dry_run(operation="get", params={"url": "https://api.example.com/"}))
    assert effect.facts["addresses"] == "public"


def test_a_run_sends_what_the_approver_saw_or_nothing(server: Upstream) -> None:
    server.says["/x"] = Says(b"ok")
    made = connector(settings(server))
    seen = drive(made.dry_run(operation="post", params={"url": server.url("/x"), "body": "a"}))
    assert run(made, "post", expected=seen, url=server.url("/x"), body="a")["body"] == "ok"
    assert fails(made, "post", expected=seen, url=server.url("/x"), body="b").code is Code.EFFECT_CHANGED
    keyed = connector(settings(server, row(server, credential=BEARER)), "shop_key")
    assert fails(keyed, "post", expected=seen, url=server.url("/x"), body="a").code is Code.EFFECT_CHANGED
    assert len(server.heard) == 1


def test_what_a_release_changed_about_the_request_goes_back_to_people(server: Upstream) -> None:
    elsewhere = Exemption("127.0.0.1", "127.0.0.2", server.port, "http")
    before = settings(server, row(server, credential=BEARER))
    changes = {
        "the credential": settings(server, row(server, credential=Credential("login", "bearer"))),
        "how it is sent": settings(server, row(server, credential=Credential("shop_key", "basic"))),
        "its header": settings(server, row(server, credential=Credential("shop_key", "header", "x-api-key"))),
        "whether there is one": settings(server),
        "redirects": replace(before, redirects=1),
        "the exempted address": replace(before, unsafe_allow=(*before.unsafe_allow, elsewhere)),
    }
    params: dict[str, Json] = {"url": server.url("/x"), "body": "a"}
    seen = drive(connector(before, "shop_key", "login").dry_run(operation="post", params=params))
    for what, after in changes.items():
        failure = fails(connector(after, "shop_key", "login"), "post", expected=seen, **params)
        assert failure.code is Code.EFFECT_CHANGED, what
    assert server.heard == []


# --- what comes back --------------------------------------------------------------------------------------------------


def test_a_result_says_what_the_target_answered_whatever_that_is(server: Upstream) -> None:
    headers = (("Content-Type", "text/html"), ("Set-Cookie", "id=1"), ("Server", "x"), ("Link", "<a>"), ("Link", "<b>"))
    server.says["/x"] = Says("\u00e4".encode(), 503, headers)
    result = run(connector(settings(server)), url=server.url("/x"))
    assert result["headers"].pop("date")
    assert result == {
        "body": "\u00e4",
        "bytes": 2,
        "encoding": "utf-8",
        "headers": {"content-type": "text/html", "link": "<a>, <b>"},
        "redirects": 0,
        "status": 503,
        "url": server.url("/x"),
    }


def test_bytes_that_are_no_text_come_back_as_base64(server: Upstream) -> None:
    server.says["/x"] = Says(b"\xff\x00")
    result = run(connector(settings(server)), url=server.url("/x"))
    assert (result["encoding"], result["body"], result["bytes"]) == ("base64", "/wA=", 2)


def test_an_answer_that_is_too_large_fails_and_is_not_cut(server: Upstream) -> None:
    server.says["/x"] = Says(b"x" * 101)
    assert fails(connector(settings(server, max_bytes=100)), url=server.url("/x")).code is Code.EGRESS_TOO_LARGE


def echo(heard: Heard) -> Says:
    given = heard.headers["authorization"].partition(" ")[2]
    told = {
        "plain": given,
        "base64": base64.b64encode(given.encode()).decode(),
        "hex": given.encode().hex(),
        "password": "x",
    }
    body = json.dumps(told).encode()
    headers = (
        ("Content-Type", f"text/{given[:8]}"),
        ("Location", f"/{given}"),
        ("X-Request-Id", given),
        ("ETag", given.upper()),
    )
    return Says(body, headers=headers)


@pytest.mark.requirement("R07")
@pytest.mark.parametrize("credential", [BEARER, Credential("login", "basic")])
def test_a_credential_is_in_nothing_that_comes_back(server: Upstream, credential: Credential) -> None:
    server.says["/echo"] = echo
    made = connector(settings(server, row(server, credential=credential)), "shop_key", "login")
    result = run(made, url=server.url("/echo"))
    said = json.dumps(result)
    for form in (SECRET, LOGIN, LOGIN.partition(":")[2]):
        raw = form.encode()
        for found in (
            form,
            form.upper(),
            raw.hex(),
            base64.b64encode(raw).decode(),
            base64.b64encode(base64.b64encode(raw)).decode(),
        ):
            assert found not in said
    assert json.loads(result["body"])["password"] == MASK


@pytest.mark.requirement("R07")
def test_a_credential_is_found_in_an_answer_that_comes_compressed(server: Upstream) -> None:
    server.says["/x"] = lambda heard: Says(
        gzip.compress(heard.headers["authorization"].encode()), headers=(("Content-Encoding", "gzip"),)
    )
    made = connector(settings(server, row(server, credential=BEARER)), "shop_key")
    assert run(made, url=server.url("/x"))["body"] == f"Bearer {MASK}"


@pytest.mark.requirement("R07")
@pytest.mark.parametrize(
    ("credential", "secret", "part"),
    [
        (Credential("shop_key", "basic"), "live_4eC39HqLyjW:", "live_4eC39HqLyjW"),
        (Credential("shop_key", "header", "cookie"), "theme=dark; session=4eC39HqLyjW", "4eC39HqLyjW"),
        (Credential("shop_key", "header", "authorization"), 'Token token="4eC39HqLyjW"', "4eC39HqLyjW"),
    ],
)
def test_a_part_of_a_credential_that_is_the_key_itself_does_not_come_back(
    server: Upstream, credential: Credential, secret: str, part: str
) -> None:
    server.says["/x"] = Says(json.dumps({"you": part}).encode())
    made = connector(settings(server, row(server, credential=credential)), "shop_key", shop_key=secret)
    assert run(made, url=server.url("/x"))["body"] == json.dumps({"you": MASK})


@pytest.mark.requirement("R23")
@pytest.mark.parametrize(
    ("body", "after"),
    [
        (b'{"user": {"PIN": 1, "name": "ann"}}', '{"user":{"PIN":"[redacted]","name":"ann"}}'),
        (b' [{"token": "x"}]', '[{"token":"[redacted]"}]'),
        (b'{"user": {"name": "ann"}}', '{"user": {"name": "ann"}}'),
        (b'{"token": "x"', '{"token": "x"'),
        (b"[" * 100_000, "[" * 100_000),
        (b'{"token": "x", "n": ' + b"9" * 5000 + b"}", '{"token":"[redacted]","n":"' + "9" * 5000 + '"}'),
        (b'{"token": "x", "token": null}', '{"token":null}'),
        (b'{"a": {"token": "x"}, "a": 1}', '{"a":1}'),
        (b'\xef\xbb\xbf{"token": "x"}', '{"token":"[redacted]"}'),
        (b" " * 100 + b'{"token": "x"}', '{"token":"[redacted]"}'),
        (b"token=x", "token=x"),
    ],
)
def test_sensitive_fields_of_a_json_answer_are_redacted(server: Upstream, body: bytes, after: str) -> None:
    server.says["/x"] = Says(body)
    assert run(connector(settings(server, redact=("pin",))), url=server.url("/x"))["body"] == after


# --- redirects --------------------------------------------------------------------------------------------------------


def redirect(to: str, status: int = 302) -> Says:
    return Says(status=status, headers=(("Location", to),))


@pytest.mark.attack(
    "G31", guard="aaf.adapters.connectors.http:HttpConnector._is_listed", without="tests.attacks.without:returns_true"
)
def test_a_redirect_to_a_destination_that_is_not_listed_is_not_followed(server: Upstream) -> None:
    with upstream() as other:
        exempt = (*settings(server).unsafe_allow, Exemption("127.0.0.1", "127.0.0.1", other.port, "http"))
        other.says["/"] = Says(b"inside")
        server.says["/x"] = redirect(other.url())
        failure = fails(connector(settings(server, unsafe_allow=exempt)), url=server.url("/x"))
        assert (failure.code, other.heard) == (Code.EGRESS_HOST_REFUSED, [])
        listed = settings(server, row(server), row(other, methods=("GET",)), unsafe_allow=exempt)
        assert run(connector(listed), url=server.url("/x"))["body"] == "inside"


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/", "http://127.0.0.1:1/", "http://[::1]/", "file:///etc/passwd", "//localhost/"]
)
def test_a_redirect_inward_is_not_followed(server: Upstream, to: str) -> None:
    server.says["/x"] = redirect(to)
    assert fails(connector(settings(server)), url=server.url("/x")).code in {
        Code.EGRESS_ADDRESS_REFUSED,
        Code.EGRESS_HOST_REFUSED,
        Code.EGRESS_URL_REFUSED,
    }


def test_on_the_same_origin_a_redirect_stays_within_its_row(server: Upstream) -> None:
    server.says |= {"/v1/a": redirect("/v1/b"), "/v1/b": Says(b"b"), "/v1/c": redirect("/v2"), "/v2": Says(b"2")}
    made = connector(
        settings(server, row(server, paths=("/v1",), credential=BEARER), row(server, paths=("/v2",))), "shop_key"
    )
    result = run(made, url=server.url("/v1/a"))
    assert (result["body"], result["redirects"], result["url"]) == ("b", 1, server.url("/v1/b"))
    assert fails(made, url=server.url("/v1/c")).code is Code.EGRESS_HOST_REFUSED
    assert [one.path for one in server.heard] == ["/v1/a", "/v1/b", "/v1/c"]


@pytest.mark.requirement("R07")
def test_a_credential_does_not_follow_to_another_origin(server: Upstream) -> None:
    with upstream() as other:
        exempt = (*settings(server).unsafe_allow, Exemption("127.0.0.1", "127.0.0.1", other.port, "http"))
        server.says["/x"] = redirect(other.url())
        other.says["/"] = Says(b"other")
        chosen = settings(server, row(server, credential=BEARER), row(other), unsafe_allow=exempt)
        assert run(connector(chosen, "shop_key"), url=server.url("/x"))["body"] == "other"
        assert "authorization" not in other.heard[0].headers


# --- what is not known ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("operation", "code"), [("post", Code.CONNECTOR_TIMEOUT), ("get", Code.EGRESS_PROTOCOL_ERROR)])
def test_an_answer_that_is_lost_is_unknown_where_something_may_have_changed(
    server: Upstream, operation: str, code: Code
) -> None:
    server.says["/x"] = Says(status=0)
    failure = fails(connector(settings(server)), operation, url=server.url("/x"))
    assert failure.code in {code, Code.EGRESS_CONNECT_FAILED} if operation == "get" else failure.code is code
    assert len(server.heard) == 1


@pytest.mark.requirement("R07")
@pytest.mark.attack(
    "G32", guard="aaf.domain.redaction:Values.clean_text", without="tests.attacks.without:second_argument"
)
def test_what_fails_says_no_credential_and_a_read_is_never_unknown(server: Upstream) -> None:
    class Leaking:
        """A client whose failures quote everything."""

        async def look(self, request: object, *, allowed: object) -> object:
            raise NotImplementedError

        async def fetch(self, request: Any, *, allowed: object) -> Any:
            quoted = str(request.credentials)
            raise ConnectorFailed(Code.CONNECTOR_TIMEOUT, quoted, hint=quoted, detail=quoted)

    made = connector(settings(server, row(server, credential=BEARER)), "shop_key", client=Leaking)
    failure = fails(made, url=server.url("/x"))
    assert failure.code is Code.CONNECTOR_FAILED
    assert all(SECRET not in said and MASK in said for said in (failure.message, failure.hint, failure.detail))
    assert failure.__cause__ is None
    assert fails(made, "post", url=server.url("/x")).code is Code.CONNECTOR_TIMEOUT


# --- on a loop --------------------------------------------------------------------------------------------------------


def test_it_runs_on_an_event_loop_too(server: Upstream) -> None:
    server.says["/x"] = Says(b"yes")
    chosen = settings(server)

    async def both(made: HttpConnector) -> Json:
        params: dict[str, Json] = {"url": server.url("/x")}
        effect = await made.dry_run(operation="get", params=params)
        return await made.run(operation="get", params=params, expected=effect)

    result = asyncio.run(both(connector(chosen, client=lambda: loop_client(rules_of(chosen, seconds=5)))))
    assert isinstance(result, dict)
    assert result["body"] == "yes"


def test_a_run_has_no_more_time_than_its_release_gives() -> None:
    chosen = HttpSettings((Destination("a.example.com", (8443,)),), timeout=20, max_bytes=7, redirects=2)
    rules = rules_of(chosen, seconds=5)
    assert (rules.limits.seconds, rules.limits.body, rules.limits.wire, rules.limits.redirects) == (5, 7, 7, 2)
    assert (rules.ports, rules.schemes) == (frozenset({8443}), frozenset({"https"}))

import json
from typing import Any

import pytest

from aaf.analysis.url import UrlRefused, parse_url
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import Configuration, load
from aaf.policy.destinations import Credential, Destination, HttpSettings

GET = b"""\
name: http.get
class: read
risk: low
input:
  type: object
  additionalProperties: false
  required: [url]
  properties: {url: {type: string}}
targets: [params.url]
secrets: [shop_key]
effect: {connector: http}
"""
ROW = "{host: api.example.com, credential: {secret: shop_key, as: bearer}}"
MAIN = "version: 1\nconnectors:\n  http:\n    allow:\n      - "


def loaded(main: str, *, get: bytes = GET) -> Configuration:
    return load({"aaf.yaml": main.encode(), "actions/http.get.yaml": get})


def settings(main: str) -> HttpSettings:
    return HttpSettings.from_json(loaded(main).connectors["http"])


def problems(main: str, *, get: bytes = GET) -> str:
    with pytest.raises(ConfigurationInvalid) as invalid:
        loaded(main, get=get)
    return invalid.value.message


def exempt(host: str = "127.0.0.1", address: str = "127.0.0.1", port: str = "8080", scheme: str = "http") -> str:
    return (
        f"\negress:\n  unsafe_allow:\n    - {{host: '{host}', address: '{address}', port: {port}, scheme: {scheme}}}\n"
    )


@pytest.mark.requirement("R08")
def test_a_row_says_nothing_but_a_host_and_means_reading_over_https() -> None:
    found = settings(MAIN + ROW)
    assert found == HttpSettings(
        allow=(Destination("api.example.com", credential=Credential("shop_key", "bearer")),), redact=()
    )
    row = found.allow[0]
    assert (row.schemes, row.ports, row.methods) == (("https",), (443,), ("GET", "HEAD"))
    assert found.unsafe_allow == ()


@pytest.mark.requirement("R08")
def test_everything_that_a_row_can_say_is_stored_and_read_back() -> None:
    main = (
        "version: 1\nredact: [pin, PIN]\nconnectors:\n  http:\n    max_bytes: 2048\n    timeout: 5s\n    redirects: 2\n    redact: [iban]\n    allow:\n"
        "      - {host: API.Example.com., ports: [8443, 443], schemes: [https], methods: [POST, GET], paths: [/v1, /v2/],\n"
        "         credential: {secret: shop_key, as: 'header:X-Api-Key'}, rate: 60/m, burst: 3}\n"
        "      - {host: '*.example.org', rate: 2/s}\n"
    )
    found = settings(main)
    assert found == HttpSettings(
        allow=(
            Destination(
                "api.example.com", (443, 8443), ("https",), ("GET", "POST"), ("/v1", "/v2/"),
                Credential("shop_key", "header", "x-api-key"), 1_000_000, 3,
            ),
            Destination("*.example.org", interval=500_000, burst=1),
        ),
        max_bytes=2048,
        timeout=5,
        redirects=2,
        redact=("PIN", "iban"),
    )  # fmt: skip
    again = Configuration.from_stored(json.loads(json.dumps(loaded(main).to_stored())))
    assert HttpSettings.from_json(again.connectors["http"]) == found


def test_a_literal_public_address_may_be_listed() -> None:
    assert settings(MAIN + "{host: 93.184.216.34}\n      - " + ROW).allow[0].host == "93.184.216.34"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{}", "5:9: the destination lacks `host`"),
        ("{host: ''}", "`host` must be a string"),
        ("{host: 'a b.com'}", "`host` can't be used: "),
        ("{host: '*.com'}", "`host` can't be used: A wildcard"),
        ("{host: 'api.example.com:8443'}", "`host` has no port (write it under `ports`)"),
        ("{host: api.example.com, port: 1}", "the destination has no key `port` (did you mean `ports`?)"),
        ("{host: api.example.com, ports: [0]}", "a port is a whole number from 1 to 65535"),
        ("{host: api.example.com, ports: ['443']}", "a port is a whole number from 1 to 65535"),
        ("{host: api.example.com, schemes: [ftp]}", "one of `schemes` can't be `ftp`"),
        ("{host: api.example.com, methods: [get]}", "one of `methods` can't be `get` (known are: DELETE, GET, "),
        ("{host: api.example.com, methods: [TRACE]}", "one of `methods` can't be `TRACE`"),
        ("{host: api.example.com, paths: [v1]}", "a path begins with a slash"),
        ("{host: api.example.com, paths: ['/a?b']}", "a path begins with a slash"),
        ("{host: api.example.com, paths: ['/a/../b']}", "a path begins with a slash"),
        ("{host: api.example.com, rate: '5'}", "`rate` must be a number per unit of time (write it like 60/m"),
        ("{host: api.example.com, burst: 5}", "`burst` without `rate` limits nothing"),
        ("{host: localhost}", "`localhost` is not on the public internet"),
        ("{host: db.internal}", "`db.internal` is not on the public internet"),
        ("{host: 10.0.0.5}", "`10.0.0.5` is not on the public internet"),
        ("{host: 169.254.169.254}", "`169.254.169.254` is not on the public internet"),
        ("{host: '[::1]'}", "`[::1]` is not on the public internet"),
        ("{host: api.example.com, credential: {}}", "the credential lacks `secret`"),
        ("{host: api.example.com, credential: {secret: Key, as: bearer}}", "a secret's handle is lower case"),
        ("{host: api.example.com, credential: {secret: other_key, as: bearer}}", "no action type of this connector declares the secret `other_key`"),
        ("{host: api.example.com, credential: {secret: shop_key, as: beerer}}", "`as` is bearer, basic or header:NAME (did you mean `bearer`?)"),
        ("{host: api.example.com, credential: {secret: shop_key, as: 'header:Host'}}", "`as` is bearer, basic or header:NAME"),
        ("{host: api.example.com, credential: {secret: shop_key, as: 'header:Content-Type'}}", "`as` is bearer, basic or header:NAME"),
        ("{host: api.example.com, credential: {secret: shop_key, as: basic, user: x}}", "the credential has no key `user`"),
        ("{host: '*.example.com', credential: {secret: shop_key, as: basic}}", "a credential goes to one named host, not to a pattern"),
        ("{host: api.example.com, schemes: [http, https], credential: {secret: shop_key, as: basic}}", "a credential is not sent over plain http"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_row_is_said_with_its_place(row: str, said: str) -> None:
    message = problems(f"{MAIN}{row}\n      - {ROW}")
    assert message.startswith("aaf.yaml:5:")
    assert said in message


@pytest.mark.parametrize(
    ("main", "said"),
    [
        (MAIN + ROW + "\n    max_byte: 1", "the connector http has no key `max_byte` (did you mean `max_bytes`?)"),
        (MAIN + ROW + "\n    redirects: 6", "`redirects` must be a whole number from 0 to 5"),
        (MAIN + ROW + "\negress: {unsafe_alow: []}", "egress has no key `unsafe_alow` (did you mean `unsafe_allow`?)"),
        ("version: 1\negress: {}", "`egress` is about connectors.http, which isn't there"),
        (MAIN + ROW + exempt(address="localhost"), "`address` is no IP address"),
        (MAIN + ROW + exempt(address="127.0.0.0/8"), "`address` is no IP address (write one address, such as 127.0.0.1; no range)"),
        (MAIN + ROW + exempt(host="*.internal"), "`host` can't be used"),
        (MAIN + ROW + exempt(host=""), "`host` must be a string"),
        (MAIN + ROW + exempt(port="0"), "`port` must be a whole number"),
        (MAIN + ROW + exempt(scheme="ftp"), "`scheme` can't be `ftp`"),
        (MAIN + ROW + "\negress: {unsafe_allow: [{}]}", "the exemption lacks `port`"),
    ],
)  # fmt: skip
def test_what_is_wrong_around_the_rows_is_said(main: str, said: str) -> None:
    assert said in problems(main)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"http.get", b"http.fetch", "1:7: the last word of the name of an action of connector http is a method"),
        (b"targets: [params.url]\n", b"", "`targets` lacks params.url, which an approver must see"),
        (b"[shop_key]", b"[shop_key, bank_key]", "no destination of connectors.http uses the secret `bank_key`"),
    ],
)
def test_an_action_type_that_the_connector_can_not_run_is_refused(old: bytes, new: bytes, said: str) -> None:
    message = problems(MAIN + ROW, get=GET.replace(old, new))
    assert message.startswith("actions/http.get.yaml:")
    assert said in message


def test_with_a_broken_catalogue_nothing_is_said_about_secrets_that_it_may_declare() -> None:
    message = problems(MAIN + ROW, get=GET.replace(b"risk: low\n", b""))
    assert "declares the secret" not in message


@pytest.mark.requirement("R08")
def test_an_exemption_is_exact_and_said_at_each_load() -> None:
    main = (
        MAIN
        + "{host: 127.0.0.1, ports: [8080], schemes: [http], credential: {secret: shop_key, as: bearer}}"
        + exempt()
    )
    configuration = loaded(main)
    assert [dict(one) for one in configuration.exemptions] == [
        {"address": "127.0.0.1", "host": "127.0.0.1", "port": 8080, "scheme": "http"}
    ]
    assert "egress.unsafe_allow lets requests to http://127.0.0.1:8080 reach 127.0.0.1" in configuration.warnings[0]
    for other in (exempt(port="8081"), exempt(scheme="https"), exempt(host="localhost")):
        assert "is not on the public internet" in problems(main.replace(exempt(), other))


def test_without_a_connector_there_is_no_exemption() -> None:
    assert load({"aaf.yaml": b"version: 1\nconnectors: {}\n"}).exemptions == ()


ROWS: dict[str, dict[str, Any]] = {
    "exact": {"host": "api.example.com"},
    "below": {"host": "*.example.com"},
    "port": {"host": "api.example.com", "ports": (8443,)},
    "v1": {"host": "api.example.com", "paths": ("/v1", "/docs/")},
}


@pytest.mark.attack(
    "G30", guard="aaf.policy.destinations:Destination.reaches", without="tests.attacks.without:returns_true"
)
@pytest.mark.parametrize(
    ("row", "url"),
    [
        ("exact", "https://api.example.com.evil.org/"),
        ("exact", "https://evilapi.example.com/"),
        ("exact", "https://api.example.com:8443/"),
        ("exact", "https://x.api.example.com/"),
        ("below", "https://example.com/"),
        ("below", "https://evil-example.com/"),
        ("port", "https://api.example.com/"),
    ],
)
def test_a_host_that_only_looks_like_a_listed_one_is_not_reached(row: str, url: str) -> None:
    assert not Destination(**ROWS[row]).reaches(parse_url(url))


@pytest.mark.parametrize(
    ("row", "url"),
    [
        ("exact", "https://api.example.com/"),
        ("exact", "https://API.example.com./x"),
        ("below", "https://a.b.example.com/"),
        ("port", "https://api.example.com:8443/"),
    ],
)
def test_a_listed_host_is_reached_however_its_name_is_written(row: str, url: str) -> None:
    assert Destination(**ROWS[row]).reaches(parse_url(url))


def test_another_scheme_is_another_destination() -> None:
    assert not Destination("api.example.com", ports=(80, 443)).reaches(parse_url("http://api.example.com/"))


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/v1", True),
        ("/v1?q=1", True),
        ("/v1/orders", True),
        ("/docs/", True),
        ("/docs", False),
        ("/v10", False),
        ("/", False),
        ("/v1/%2e%2e%2fadmin", False),
        ("/v1/..%2fadmin", False),
        ("/v1/..%5cadmin", False),
        ("/v1/%252e%252e/admin", False),
        ("/v1/..;/admin", False),
        ("/v1//evil.org", False),
        ("/v1/%00/admin", False),
        ("/v1/a%0d%0a", False),
        ("/v1/%7F", False),
        ("/v1/%c0%ae%C0%ae/admin", False),
        ("/v1/%C1%9cadmin", False),
        ("/V1/orders", False),
        ("/v1./orders", False),
        ("/v1/%C3%A4", True),
        ("/%76%31/orders", False),
    ],
)
def test_a_path_is_listed_by_whole_segments_and_never_by_another_spelling(path: str, *, covered: bool) -> None:
    try:
        url = parse_url(f"https://api.example.com{path}")
    except UrlRefused:
        assert not covered
        return
    assert Destination(**ROWS["v1"]).covers(url, "GET") is covered


def test_a_method_that_is_not_listed_is_not_covered() -> None:
    url = parse_url("https://api.example.com/")
    assert Destination("api.example.com").covers(url, "HEAD")
    assert not Destination("api.example.com").covers(url, "POST")


def test_rates_of_two_rows_of_a_host_are_counted_apart() -> None:
    names = {Destination(**row).name for row in ROWS.values()}
    assert len(names) == len(ROWS)
    reads, writes = Destination("api.example.com"), Destination("api.example.com", methods=("POST",))
    with_key = Destination("api.example.com", credential=Credential("shop_key", "bearer"))
    assert len({reads.name, writes.name, with_key.name}) == 3

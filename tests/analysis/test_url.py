"""A URL is read in one way only, or refused with the reason; none of the public ones is refused."""

import json
from pathlib import Path
from urllib.parse import urljoin

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.adapters.egress.gate import agree
from aaf.analysis.addresses import AddressClass, Exemption
from aaf.analysis.hosts import DEFAULT_PORTS
from aaf.analysis.url import MAX_URL, Url, UrlFault, UrlRefused, join, parse_url
from aaf.domain.errors import Code

VECTORS = json.loads((Path(__file__).resolve().parents[1] / "vectors" / "urls.json").read_text())
REFUSED: list[tuple[str, str]] = [(url, reason) for url, reason in VECTORS["refused"]]
ACCEPTED: list[tuple[str, Url]] = [
    (url, Url(scheme, host, port, target, is_literal=":" in host or host.replace(".", "").isdigit()))
    for url, scheme, host, port, target in VECTORS["accepted"]
]
SAFE_ALPHABET = "abcAZ019.-_~:/?#[]@!$&'()*+,;=%\\ \t\r\n\0\u00e9\uff0e\u3002\u200b|<>\"{}^`"
HERE = parse_url("https://api.example.com/a/b?q")


def test_there_are_enough_vectors() -> None:
    assert len(REFUSED) >= 200
    assert len(VECTORS["public"]) >= 100
    assert {reason for _, reason in REFUSED} == {str(fault) for fault in UrlFault}


@pytest.mark.requirement("R21")
@pytest.mark.parametrize(("text", "reason"), REFUSED, ids=[ascii(url)[:60] for url, _ in REFUSED])
def test_a_hostile_url_is_refused_for_its_reason(text: str, reason: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        parse_url(text)
    assert refused.value.reason == reason
    assert (refused.value.address is not None) is (reason == "not_global")


@pytest.mark.parametrize(("text", "url"), ACCEPTED, ids=[text[:60] for text, _ in ACCEPTED])
def test_a_legal_url_gets_its_one_form(text: str, url: Url) -> None:
    assert parse_url(text) == url
    assert parse_url(str(url)) == url
    agree(text, url)


@pytest.mark.parametrize("text", VECTORS["public"])
def test_no_public_url_is_refused(text: str) -> None:
    url = parse_url(text)
    agree(text, url)
    other = httpx2.URL(text)
    host = other.raw_host.decode().lower().strip("[]")
    assert (other.scheme, host, other.port or DEFAULT_PORTS[other.scheme]) == url.origin


@given(st.text(alphabet=SAFE_ALPHABET, max_size=40), st.sampled_from(["", "https://", "https://api.example.com"]))
def test_whatever_is_accepted_reads_the_same_everywhere(text: str, before: str) -> None:
    try:
        url = parse_url(before + text)
    except UrlRefused:
        return
    assert parse_url(str(url)) == url
    agree(before + text, url)
    other = httpx2.URL(str(url))
    assert other.raw_host.decode().strip("[]") == url.host
    assert str(url).isascii()
    assert str(url).isprintable()
    assert not set(str(url)) & set(" \\@") - set(url.path_query)


@pytest.mark.parametrize(
    ("url", "authority", "text"),
    [
        (Url("https", "a.com", 443, "/x", is_literal=False), "a.com", "https://a.com/x"),
        (Url("http", "a.com", 443, "/", is_literal=False), "a.com:443", "http://a.com:443/"),
        (Url("https", "2606:4700::1", 443, "/", is_literal=True), "[2606:4700::1]", "https://[2606:4700::1]/"),
        (Url("https", "2606:4700::1", 1, "/", is_literal=True), "[2606:4700::1]:1", "https://[2606:4700::1]:1/"),
    ],
)
def test_a_url_writes_itself(url: Url, authority: str, text: str) -> None:
    assert (url.authority, str(url)) == (authority, text)


def test_each_reason_has_a_sentence_and_a_code() -> None:
    for fault in UrlFault:
        assert fault.sentence.endswith(".")
        assert fault.code in {Code.EGRESS_URL_REFUSED, Code.EGRESS_HOST_REFUSED, Code.EGRESS_ADDRESS_REFUSED}
    assert UrlFault.NOT_GLOBAL.code is Code.EGRESS_ADDRESS_REFUSED
    assert UrlFault.INTERNAL_NAME.code is Code.EGRESS_HOST_REFUSED
    assert UrlFault.SCHEME.code is Code.EGRESS_URL_REFUSED


# --- exemptions -------------------------------------------------------------------------------------------------------

LITERAL = Exemption("127.0.0.1", "127.0.0.1", 8080, "http")
NAMED = Exemption("upstream.internal", "127.0.0.1", 8080, "http")
WORD = Exemption("upstream", "127.0.0.1", 80, "http")


@pytest.mark.parametrize(
    "text",
    ["http://127.0.0.1:8080/x", "http://upstream.internal:8080/", "HTTP://UPSTREAM.internal.:8080", "http://upstream"],
)
def test_an_exempt_origin_is_read(text: str) -> None:
    assert parse_url(text, exempt=(LITERAL, NAMED, WORD)).scheme == "http"


@pytest.mark.parametrize(
    "text",
    [
        "https://127.0.0.1:8080/",
        "http://127.0.0.1:8081/",
        "http://127.0.0.1/",
        "http://127.0.0.2:8080/",
        "http://127.1:8080/",
        "http://2130706433:8080/",
        "http://[::ffff:127.0.0.1]:8080/",
        "http://localhost:8080/",
        "http://other.internal:8080/",
        "http://a.upstream.internal:8080/",
        "http://upstream.internal/",
        "http://upstream:8080/",
        "http://u@127.0.0.1:8080/",
    ],
)
def test_whatever_differs_from_an_exemption_is_refused(text: str) -> None:
    with pytest.raises(UrlRefused):
        parse_url(text, exempt=(LITERAL, NAMED, WORD))


def test_an_exemption_of_a_literal_at_another_address_exempts_nothing() -> None:
    with pytest.raises(UrlRefused) as refused:
        parse_url("http://127.0.0.1:8080/", exempt=(Exemption("127.0.0.1", "127.0.0.2", 8080, "http"),))
    assert (refused.value.reason, refused.value.address) == (UrlFault.NOT_GLOBAL, AddressClass.LOOPBACK)


# --- references -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reference",
    ["", "#f", "?y", "?y#f", "x", "./x", "../x", "../../../x", "/x", "/x/../y", "/x/./y", "/x/..", "/x/.", "..", ".", "./",
     "../", "x?y=../z", "//other.example.org/x", "https://other.example.org/", "x/y/", "x//y", "/?", "a:b/c", "x:y"],
)  # fmt: skip
def test_a_reference_means_what_rfc_3986_says(reference: str) -> None:
    # The standard library drops an empty query and empty segments; the RFC keeps both.
    differs = {"/?": "https://api.example.com/?", "x//y": "https://api.example.com/a/x//y"}
    expected = differs.get(reference, urljoin(str(HERE), reference).partition("#")[0])
    assert join(HERE, reference).partition("#")[0] == expected


@pytest.mark.parametrize("reference", ["/a b", "/\t", "\\x", "/\u00e9", "x\r\n", "\u2028"])
def test_a_reference_that_readers_differ_about_is_refused(reference: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        join(HERE, reference)
    assert refused.value.reason is UrlFault.CHARACTER


def test_encoded_dots_of_a_reference_are_left_for_the_gate() -> None:
    with pytest.raises(UrlRefused) as refused:
        parse_url(join(HERE, "/%2e%2e/x"))
    assert refused.value.reason is UrlFault.DOT_SEGMENT


def test_a_url_at_the_bound_is_read_and_one_beyond_is_not() -> None:
    text = "https://api.example.com/"
    assert len(str(parse_url(text + "a" * (MAX_URL - len(text))))) == MAX_URL
    with pytest.raises(UrlRefused):
        parse_url(text + "a" * (MAX_URL - len(text) + 1))

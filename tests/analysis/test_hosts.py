"""An allowlist compares hosts parsed and normalised, label by label; a name that only looks alike is another name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.analysis.hosts import HostPattern, parse_host, parse_port
from aaf.analysis.url import UrlRefused, parse_url

COVERED: list[tuple[str, str]] = [
    ("api.example.com", "https://api.example.com/"),
    ("api.example.com", "http://api.example.com/"),
    ("api.example.com", "https://API.EXAMPLE.COM./x"),
    ("API.example.com.", "https://api.example.com/"),
    ("api.example.com:8443", "https://api.example.com:8443/"),
    ("*.example.com", "https://a.example.com/"),
    ("*.example.com", "https://a.b.c.example.com/"),
    ("*.example.com:8443", "https://a.example.com:8443/"),
    ("8.8.8.8", "https://8.8.8.8/"),
    ("8.8.8.8:53", "https://8.8.8.8:53/"),
    ("[2606:4700:4700::1111]", "https://[2606:4700:4700:0::1111]/"),
    ("[2606:4700:4700::1111]:8443", "https://[2606:4700:4700::1111]:8443/"),
    ("xn--bcher-kva.example.com", "https://XN--bcher-kva.example.com/"),
]
OTHERS: list[tuple[str, str]] = [
    ("api.trusted.com", "https://api.trusted.com.evil.tld/"),
    ("api.trusted.com", "https://evil-api.trusted.com/"),
    ("api.trusted.com", "https://evilapi.trusted.com/"),
    ("api.trusted.com", "https://a.api.trusted.com/"),
    ("api.trusted.com", "https://trusted.com/"),
    ("api.trusted.com", "https://api-trusted.com/"),
    ("api.trusted.com", "https://evil.tld/api.trusted.com"),
    ("api.trusted.com", "https://evil.tld/?api.trusted.com"),
    ("api.trusted.com", "https://evil.tld/#@api.trusted.com"),
    ("api.trusted.com", "https://api.trusted.com:8443/"),
    ("api.trusted.com", "http://api.trusted.com:443/"),
    ("api.trusted.com:8443", "https://api.trusted.com/"),
    ("api.trusted.com", "https://xn--pi-6kc.trusted.com/"),
    ("apple.com", "https://xn--80ak6aa92e.com/"),
    ("*.trusted.com", "https://trusted.com/"),
    ("*.trusted.com", "https://evil-trusted.com/"),
    ("*.trusted.com", "https://eviltrusted.com/"),
    ("*.trusted.com", "https://a.trusted.com.evil.tld/"),
    ("*.trusted.com", "https://trusted.com.evil.tld/"),
    ("*.trusted.com", "https://a.xtrusted.com/"),
    ("8.8.8.8", "https://8.8.8.8.evil.tld/"),
    ("8.8.8.8", "https://8.8.8.4/"),
]


@pytest.mark.requirement("R22")
@pytest.mark.parametrize(("pattern", "text"), COVERED)
def test_a_pattern_covers_its_host_however_it_is_written(pattern: str, text: str) -> None:
    assert HostPattern.parse(pattern).covers(*parse_url(text).origin)


@pytest.mark.requirement("R22")
@pytest.mark.parametrize(("pattern", "text"), OTHERS)
def test_a_pattern_covers_nothing_that_only_looks_alike(pattern: str, text: str) -> None:
    assert not HostPattern.parse(pattern).covers(*parse_url(text).origin)


@pytest.mark.parametrize(
    "text",
    ["", "*", "*.", "*.com", "*.*.example.com", "a.*.com", "a*.example.com", "*.8.8.8.8", "https://a.com", "a.com/", "a.com:",
     "a.com:0", "a.com:x", "a..com", "-a.com", "b\u00fccher.de", "a@b.com", "127.1", "[::1", "::1", "[::1]x:1", " a.com", "a b.com",
     "xn--a.com"],
)  # fmt: skip
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        HostPattern.parse(text)


@pytest.mark.parametrize(
    "text", ["api.example.com", "*.example.com", "a.com:8443", "*.a.com:1", "8.8.8.8", "8.8.8.8:1", "[2606::1]", "[2606::1]:1",
             "localhost", "127.0.0.1:8080"],
)  # fmt: skip
def test_a_pattern_writes_itself(text: str) -> None:
    assert str(HostPattern.parse(text)) == text


@given(st.from_regex(r"[a-z0-9.\-]{1,20}", fullmatch=True), st.sampled_from(["", "a.", "a.b.", "x", "-", "."]))
def test_a_wildcard_covers_names_that_end_in_its_labels_after_a_dot(name: str, before: str) -> None:
    try:
        host = parse_host(f"{before}{name}.example.com").name
    except UrlRefused:
        return
    assert HostPattern.parse("*.example.com").covers("https", host, 443)
    assert not HostPattern.parse("*.ample.com").covers("https", host, 443)


@pytest.mark.parametrize(("text", "port"), [("1", 1), ("443", 443), ("65535", 65535)])
def test_a_port_is_a_plain_number(text: str, port: int) -> None:
    assert parse_port(text) == port


@pytest.mark.parametrize("text", ["", "0", "00", "01", "65536", "100000", "-1", "+1", "1 ", " 1", "1\n", "\u0661", "x"])
def test_anything_else_is_none(text: str) -> None:
    assert parse_port(text) is None


def test_a_literal_is_judged_as_an_address_and_not_as_a_name() -> None:
    assert parse_host("8.8.8.8").internal is None
    assert parse_host("[2606:4700:4700::1111]").internal is None

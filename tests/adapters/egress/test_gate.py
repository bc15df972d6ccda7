"""The HTTP library has to read a URL as we do, whatever mistake one of the two may have."""

import pytest

from aaf.adapters.egress.gate import admit, agree
from aaf.adapters.egress.rules import Exemption, Rules
from aaf.analysis.hosts import HostPattern
from aaf.analysis.url import Url
from aaf.domain.errors import Code, ConnectorFailed

HERE = Url("https", "api.example.com", 443, "/", is_literal=False)


@pytest.mark.parametrize(
    "text", ["https://api.example.com/", "https://API.example.com.:443/x", "https://api.example.com?x#y"]
)
def test_two_readers_that_agree_are_believed(text: str) -> None:
    agree(text, HERE)


@pytest.mark.parametrize(
    "text",
    [
        "https://api.example.com@evil.tld/",
        "https://evil.tld/",
        "http://api.example.com/",
        "https://api.example.com:8443/",
        "https://api.example.com:x/",
        "https://api.example.com:99999/",
        "https://[::1/",
        "https://[x]/",
        "https://\uff41pi.example.com/",
        "ftp://api.example.com/",
        "",
    ],
)
def test_two_readers_that_differ_are_not(text: str) -> None:
    with pytest.raises(ConnectorFailed) as refused:
        agree(text, HERE)
    assert refused.value.code is Code.EGRESS_URL_REFUSED


@pytest.mark.requirement("R22")
@pytest.mark.parametrize(("url", "covered"), [("https://a.example.com/", True), ("https://example.com/", False)])
def test_a_pattern_is_an_allowlist(url: str, covered: bool) -> None:
    pattern = HostPattern.parse("*.example.com")
    if covered:
        assert admit(url, Rules(), lambda found: pattern.covers(*found.origin)).host == "a.example.com"
    else:
        with pytest.raises(ConnectorFailed):
            admit(url, Rules(), lambda found: pattern.covers(*found.origin))


def test_the_allowlist_holds_for_an_exempt_origin_too() -> None:
    rules = Rules(exempt=(Exemption("127.0.0.1", "127.0.0.1", 8080, "http"),))
    assert admit("http://127.0.0.1:8080/", rules, lambda _: True).port == 8080
    with pytest.raises(ConnectorFailed) as refused:
        admit("http://127.0.0.1:8080/", rules, lambda _: False)
    assert refused.value.code is Code.EGRESS_HOST_REFUSED

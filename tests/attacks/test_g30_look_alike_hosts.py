"""G30: hosts that only look like one of the allowlist."""

import pytest

from aaf.adapters.egress.gate import admit
from aaf.adapters.egress.rules import Rules
from aaf.analysis.hosts import HostPattern
from aaf.analysis.url import Url
from aaf.domain.errors import Code, ConnectorFailed

ALLOWLIST = (HostPattern.parse("api.trusted.com"), HostPattern.parse("*.trusted.org"))


def allowed(url: Url) -> bool:
    return any(pattern.covers(*url.origin) for pattern in ALLOWLIST)


@pytest.mark.attack("G30", guard="aaf.analysis.hosts:HostPattern.covers", without="tests.attacks.without:returns_true")
@pytest.mark.parametrize(
    "url",
    [
        "https://api.trusted.com.evil.tld/",
        "https://evil-api.trusted.com/",
        "https://evil.tld/api.trusted.com",
        "https://evil.tld/?https://api.trusted.com/",
        "https://evil.tld/#api.trusted.com",
        "https://api-trusted.com/",
        "https://a.trusted.org.evil.tld/",
        "https://eviltrusted.org/",
        "https://trusted.org/",
        "https://xn--pi-6kc.trusted.com/",
        "https://xn--80ak6aa92e.com/",
    ],
)
def test_a_host_that_looks_like_an_allowed_one_is_another_host(url: str) -> None:
    with pytest.raises(ConnectorFailed) as refused:
        admit(url, Rules(), allowed)
    assert refused.value.code is Code.EGRESS_HOST_REFUSED


@pytest.mark.attack(
    "G30",
    guard=("aaf.analysis.url:_authority", "aaf.adapters.egress.gate:agree"),
    without=("tests.attacks.permissive:host_before_the_at", "tests.attacks.without:returns_none"),
)
@pytest.mark.parametrize("url", ["https://api.trusted.com@evil.tld/", "https://api.trusted.com:443@evil.tld/"])
def test_a_user_name_that_looks_like_a_host_is_refused(url: str) -> None:
    with pytest.raises(ConnectorFailed) as refused:
        admit(url, Rules(), allowed)
    assert refused.value.code is Code.EGRESS_URL_REFUSED


@pytest.mark.attack("G30", guard="aaf.adapters.egress.gate:agree")
def test_a_url_that_another_reader_leads_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Our own parser as it would be if it took the wrong part for the host.
    wrong = Url("https", "api.trusted.com", 443, "/", is_literal=False)
    monkeypatch.setattr("aaf.adapters.egress.gate.parse_url", lambda text, exempt: wrong)
    with pytest.raises(ConnectorFailed) as refused:
        admit("https://api.trusted.com@evil.tld/", Rules(), allowed)
    assert refused.value.code is Code.EGRESS_URL_REFUSED

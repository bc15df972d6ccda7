"""Which URL may be called, and which addresses may be dialled for it.

The gate is passed again at every redirect. It resolves nothing: it judges the answers of whoever does, all of them, and one bad answer
refuses the whole set, because the next connection might be given that one.
"""

from collections.abc import Callable, Sequence

import httpcore2

from aaf.adapters.egress.failures import failed, refused
from aaf.adapters.egress.rules import Rules
from aaf.analysis.addresses import AddressClass, classify, parse_address
from aaf.analysis.hosts import DEFAULT_PORTS
from aaf.analysis.url import Url, UrlRefused, parse_url
from aaf.domain.errors import Code

Allowed = Callable[[Url], bool]
"""Whether the caller's allowlist covers a URL; asked again for every redirect."""


def admit(text: str, rules: Rules, allowed: Allowed) -> Url:
    """Read a URL and judge it by its letters, the rules and the allowlist.

    Raises:
        ConnectorFailed: it may not be called.
    """
    try:
        url = parse_url(text, exempt=rules.exempt)
    except UrlRefused as why:
        raise refused(why) from None
    if not any(one.names(*url.origin) for one in rules.exempt):
        if url.scheme not in rules.schemes:
            raise failed(Code.EGRESS_URL_REFUSED, "scheme", path="$.params.url")
        if url.port != DEFAULT_PORTS[url.scheme] and url.port not in rules.ports:
            raise failed(Code.EGRESS_HOST_REFUSED, "port", path="$.params.url")
    agree(text, url)
    if not allowed(url):
        raise failed(Code.EGRESS_HOST_REFUSED, "not in the allowlist", path="$.params.url")
    return url


def agree(text: str, url: Url) -> None:
    """Demand that the HTTP library reads scheme, host and port as we do.

    Raises:
        ConnectorFailed: it reads them in another way, or not at all.
    """
    try:
        other = httpcore2.URL(text)
        host = other.host.decode("ascii")
    except (TypeError, ValueError):
        raise failed(Code.EGRESS_URL_REFUSED, "another reader refuses it", path="$.params.url") from None
    name = str(parse_address(host.strip("[]"))) if url.is_literal else host.lower().removesuffix(".")
    scheme = other.scheme.decode("ascii")
    if (scheme, name, other.port or DEFAULT_PORTS.get(scheme)) != url.origin:
        raise failed(Code.EGRESS_URL_REFUSED, "another reader reads another origin", path="$.params.url")


def vet(url: Url, answers: Sequence[str], rules: Rules) -> tuple[str, ...]:
    """Return the addresses that may be dialled, each once, in the order of `answers`.

    Raises:
        ConnectorFailed: there are none or too many, or one of them is neither global nor exempt for exactly this origin, or this origin
            has an exemption and one of them is another address: then the letters of its URL were let through for that address only.
    """
    if not answers:
        raise failed(Code.EGRESS_DNS_FAILED, "no address")
    if len(answers) > rules.limits.answers:
        raise failed(Code.EGRESS_DNS_FAILED, f"{len(answers)} addresses")
    exempt = {one.address for one in rules.exempt if one.names(*url.origin)}
    for answer in answers:
        found = classify(answer)
        if str(parse_address(answer)) not in exempt and (exempt or found is not AddressClass.GLOBAL):
            raise failed(Code.EGRESS_ADDRESS_REFUSED, f"not the exempt address: {found}" if exempt else str(found))
    return tuple(dict.fromkeys(answers))


def check_peer(peer: tuple[str, int], address: str, port: int) -> None:
    """Demand that the other end of a connection is the address that was vetted.

    Raises:
        ConnectorFailed: it is another one.
    """
    if (parse_address(peer[0]), peer[1]) != (parse_address(address), port):
        raise failed(Code.EGRESS_ADDRESS_REFUSED, "the peer is not the address that was vetted")

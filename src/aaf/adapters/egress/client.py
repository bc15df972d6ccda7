"""The way of a call: check → gate → resolve → vet → dial the vetted → send → read → the next hop, or the answer.

One resolution per hop, one deadline over all hops, no second try. Nothing here waits by itself: resolver and wire come in two forms, and with those
that never suspend a coroutine of this module is driven by one `send(None)`. Whether the caller may do this is decided elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from aaf.adapters.egress.answer import Head, Response
from aaf.adapters.egress.failures import failed, reason_of
from aaf.adapters.egress.gate import Allowed, admit, vet
from aaf.adapters.egress.metering import Deadline, Meter
from aaf.adapters.egress.request import SAFE, Request, check_request, elsewhere
from aaf.adapters.egress.rules import Rules
from aaf.analysis.url import Url, UrlRefused, join
from aaf.domain.errors import Code, ConnectorFailed

_SAME_METHOD = frozenset({307, 308})
_BODY_HEADERS = frozenset({"content-language", "content-location", "content-type"})


class Resolver(Protocol):
    """Asks for a name's addresses, once."""

    async def resolve(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Every address, as text.

        Raises:
            ConnectorFailed: there is none, or no answer within `seconds`; the code is EGRESS_DNS_FAILED.
        """


@dataclass(frozen=True, slots=True)
class Hop:
    """One request to one origin, at the addresses that were vetted for it."""

    request: Request
    url: Url
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """One origin's answer; the body of a redirect is not read."""

    head: Head
    body: bytes
    address: str


class Wire(Protocol):
    """Sends one hop's request to one of its addresses and reads the answer."""

    async def exchange(self, hop: Hop, meter: Meter) -> Answer:
        """Do it.

        Raises:
            ConnectorFailed: the code says why; nothing else leaves.
        """


@dataclass(frozen=True, slots=True)
class Looked:
    """What a call would reach now."""

    url: Url
    addresses: tuple[str, ...]


class EgressClient:
    """Calls the outside under `rules`; safe for several tasks or threads at once, as it keeps nothing between calls."""

    def __init__(self, *, resolver: Resolver, wire: Wire, rules: Rules) -> None:
        self._resolver = resolver
        self._wire = wire
        self._rules = rules

    async def look(self, request: Request, *, allowed: Allowed) -> Looked:
        """Pass the gate and resolve, and send nothing.

        Raises:
            ConnectorFailed: a call would be refused, or the name has no address.
        """
        check_request(request, self._rules.limits)
        url = admit(request.url, self._rules, allowed)
        return Looked(url, await self._addresses(url, self._deadline()))

    async def fetch(self, request: Request, *, allowed: Allowed) -> Response:
        """Send the request, follow the redirects that may be followed, return the last answer.

        Raises:
            ConnectorFailed: refused or failed; CONNECTOR_TIMEOUT where the server may have done what was asked and nobody knows.
        """
        check_request(request, self._rules.limits)
        deadline = self._deadline()
        url = admit(request.url, self._rules, allowed)
        acted, hops = False, 0
        while True:
            meter = Meter(deadline, self._rules.limits)
            try:
                addresses = await self._addresses(url, deadline)
                answer = await self._wire.exchange(Hop(request, url, addresses), meter)
                location = answer.head.location
                if location is None:
                    return Response(answer.head.status, answer.head.headers, answer.body, url, answer.address, hops)
                acted = acted or (request.method not in SAFE and answer.head.status not in _SAME_METHOD)
                meter.sent = False  # this hop is answered: what fails from here on is about the next one
                if hops == self._rules.limits.redirects:
                    raise failed(Code.EGRESS_REDIRECT_REFUSED, "too many redirects")
                target = self._redirected(url, location, allowed)
                request = _onward(request, url, target, answer.head.status)
                url, hops = target, hops + 1
            except ConnectorFailed as failure:
                if acted or (meter.sent and request.method not in SAFE):
                    raise _nobody_knows(failure) from None
                raise

    def _deadline(self) -> Deadline:
        return Deadline(self._rules.limits.seconds)

    async def _addresses(self, url: Url, deadline: Deadline) -> tuple[str, ...]:
        if url.is_literal:
            return vet(url, (url.host,), self._rules)
        seconds = min(deadline.left(), self._rules.limits.connect_seconds)
        if seconds <= 0:
            raise failed(Code.EGRESS_DNS_FAILED, "out of time")
        return vet(url, await self._resolver.resolve(url.host, url.port, seconds), self._rules)

    def _redirected(self, url: Url, location: str, allowed: Allowed) -> Url:
        """The next hop's URL, through the whole gate."""
        try:
            target = admit(join(url, location), self._rules, allowed)
        except UrlRefused as why:
            raise failed(why.reason.code, f"redirect: {reason_of(why)}") from None
        except ConnectorFailed as why:
            raise failed(why.code, f"redirect: {why.detail}") from None
        if url.scheme == "https" and target.scheme != "https":
            raise failed(Code.EGRESS_REDIRECT_REFUSED, "to a scheme without encryption")
        return target


def _onward(request: Request, url: Url, target: Url, status: int) -> Request:
    """The request of the next hop: a body never goes to another origin, nor do headers that may be credentials."""
    crossing = url.origin != target.origin
    if status in _SAME_METHOD:
        if crossing and request.method not in SAFE:
            raise failed(Code.EGRESS_REDIRECT_REFUSED, "to another origin with the same body")
    elif request.method not in SAFE:
        headers = tuple(one for one in request.headers if one[0].lower() not in _BODY_HEADERS)
        request = replace(request, method="GET", body=b"", headers=headers)
    if crossing:
        request = replace(request, headers=elsewhere(request.headers), credentials=())
    return request


def _nobody_knows(failure: ConnectorFailed) -> ConnectorFailed:
    """What a failure is once a request that changes things was sent."""
    return failed(Code.CONNECTOR_TIMEOUT, f"{failure.code}: {failure.detail}")

"""What is sent: method, headers and body, checked before anything is resolved.

Headers that frame a message, name its target or speak for the connection are ours. A header that changes what the method means to a server
is refused, because the method is what was judged.
"""

import re
from dataclasses import dataclass, field

from aaf.adapters.egress.failures import failed
from aaf.adapters.egress.rules import Limits
from aaf.analysis.url import Url
from aaf.domain.errors import Code

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods after which a failure has changed nothing (RFC 9110 section 9.2.1)."""

MAX_HEADERS = 64
MAX_HEADER_BYTES = 16 << 10

_NAME = re.compile(r"[A-Za-z0-9!#$&'*+.^_`|~-]{1,128}\Z")
_VALUE = re.compile(r"(?:[!-~](?:[ -~\t]*[!-~])?)?\Z")
_OURS = frozenset(
    {
        *("accept-encoding", "connection", "content-encoding", "content-length", "expect", "forwarded", "host"),
        *("http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "via"),
        *("cf-connecting-ip", "client-ip", "true-client-ip", "x-client-ip", "x-cluster-client-ip", "x-real-ip"),
        *("x-forwarded", "x-host", "x-method-override", "x-override-url"),
    }
)
_OUR_PREFIXES = ("proxy-", "x-forwarded-", "x-http-host", "x-http-method", "x-original-", "x-rewrite-")
_SEPARATOR = re.compile(r"[^a-z0-9]")
_TRAVELLING = frozenset({"accept", "accept-language", "user-agent"})
"""What follows a redirect to another origin; every other header may be a credential there."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One call. `credentials` are headers too, made by the firewall; they go to the first origin only and are never in a `repr`."""

    method: str
    url: str
    headers: Headers = ()
    credentials: Headers = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)


def check_request(request: Request, limits: Limits) -> None:
    """Check everything but the URL.

    Raises:
        ConnectorFailed: the code is EGRESS_REQUEST_REFUSED, the path names the parameter.
    """
    if request.method not in METHODS:
        raise failed(Code.EGRESS_REQUEST_REFUSED, "method", path="$.params.method")
    if len(request.body) > limits.request_body:
        raise failed(Code.EGRESS_REQUEST_REFUSED, "body too large", path="$.params.body")
    if request.body and request.method in SAFE:
        raise failed(Code.EGRESS_REQUEST_REFUSED, "body with a method that has none", path="$.params.body")
    check_headers((*request.headers, *request.credentials))


def check_headers(headers: Headers) -> None:
    """Check names, values, number and size, and that no name comes twice.

    Raises:
        ConnectorFailed: as `check_request`.
    """
    size = sum(len(name) + len(value) + 4 for name, value in headers)
    if len(headers) > MAX_HEADERS or size > MAX_HEADER_BYTES:
        raise failed(Code.EGRESS_REQUEST_REFUSED, "too many headers", path="$.params.headers")
    seen = set()
    for name, value in headers:
        if not _NAME.match(name) or not _VALUE.match(value):
            raise failed(Code.EGRESS_REQUEST_REFUSED, "characters of a header", path="$.params.headers")
        # Gateways read an underscore as a hyphen, and some every other character besides letters and digits too.
        plain = _SEPARATOR.sub("-", name.lower())
        if plain in _OURS or plain.startswith(_OUR_PREFIXES):
            raise failed(Code.EGRESS_REQUEST_REFUSED, "a header that is not the caller's", path="$.params.headers")
        if plain in seen:
            raise failed(Code.EGRESS_REQUEST_REFUSED, "a header twice", path="$.params.headers")
        seen.add(plain)


def elsewhere(headers: Headers) -> Headers:
    """What may follow to another origin."""
    return tuple((name, value) for name, value in headers if name.lower() in _TRAVELLING)


def wire_headers(url: Url, method: str, headers: Headers, body: bytes) -> list[tuple[bytes, bytes]]:
    """The whole head as it is sent to `url`."""
    ours = [("Host", url.authority), ("Accept-Encoding", "gzip"), ("Connection", "close")]
    if method not in SAFE:
        ours.append(("Content-Length", str(len(body))))
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in (*ours, *headers)]

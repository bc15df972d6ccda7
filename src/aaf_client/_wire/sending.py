"""What both forms of the wire share: the request as the HTTP library takes it, what its errors mean, what comes back."""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

import httpcore2

from aaf_client._wire.address import Address
from aaf_client._wire.answers import MAX_ANSWER, too_large
from aaf_client._wire.port import Lost, NotSent, Reply, Request
from aaf_client.errors import AgentFirewallError, BadAnswer, Unavailable

CONNECT_TIME = 5.0
"""Seconds to reach the firewall."""

CONNECTIONS = 100
KEPT = 10
KEPT_FOR = 30.0
"""Seconds that a connection is kept for the next request: less than the firewall keeps it."""

_AGENT = b"aaf-client/1"


class Sent:
    """Whether a request has begun to go out, as the library's own trace tells."""

    __slots__ = ("begun",)

    def __init__(self) -> None:
        """Not yet."""
        self.begun = False

    def note(self, event: str, _: Mapping[str, Any]) -> None:
        """Take one event of the trace."""
        if event.endswith("send_request_headers.started"):
            self.begun = True

    async def anote(self, event: str, info: Mapping[str, Any]) -> None:
        """As `note`."""
        self.note(event, info)


def arguments(
    address: Address, request: Request, trace: Callable[..., None] | Callable[..., Awaitable[None]], *, left: float
) -> dict[str, Any]:
    """The request as the library's pools take it; `left` seconds for each of its steps."""
    headers = [
        (b"Host", _host(address)),
        (b"Accept", b"application/json"),
        (b"User-Agent", _AGENT),
        *address.headers,
        *((name.encode("ascii"), value.encode("ascii")) for name, value in request.headers.items()),
    ]
    if request.headers.get("Accept"):
        headers = [pair for pair in headers if pair != (b"Accept", b"application/json")]
    if request.body is not None:
        headers.append((b"Content-Length", str(len(request.body)).encode()))
        if request.body:
            headers.append((b"Content-Type", b"application/json"))
    step = max(left, 0.001)
    times = {"connect": min(CONNECT_TIME, step), "read": step, "write": step, "pool": step}
    return {
        "method": request.method,
        "url": httpcore2.URL(
            scheme=address.scheme.encode(),
            host=address.host.encode(),
            port=address.port,
            target=(address.prefix + request.path).encode(),
        ),
        "headers": headers,
        "content": request.body,
        "extensions": {"timeout": times, "trace": trace},
    }


def _host(address: Address) -> bytes:
    return address.origin.partition("://")[2].encode()


_FAILURES = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    httpcore2.UnsupportedProtocol,
    OSError,
)
"""What the library raises where an exchange breaks."""


def broken(error: Exception, sent: Sent) -> NoReturn:
    """Say what a broken exchange means: can the request have arrived or not?"""
    if isinstance(error, AgentFirewallError | NotSent | Lost) or not isinstance(error, _FAILURES):
        raise error
    if sent.begun:
        raise Lost from error
    # The pool drops the cause of an error; what the library mapped is still its argument.
    if any(isinstance(one, ssl.SSLCertVerificationError) for one in (error.__cause__, *error.args)):
        raise Unavailable(
            "The firewall's certificate is not good.",
            code="certificate_refused",
            hint="Name the authority that signed it with `ca`; nothing was sent.",
        ) from error
    raise NotSent from error


def head(status: int, headers: list[tuple[bytes, bytes]]) -> Reply:
    """Status and headers; an encoded body is refused, because none was asked for.

    Raises:
        BadAnswer: the body is encoded or announced larger than any can be.
    """
    found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    if found.get("content-encoding", "identity").lower() != "identity":
        raise BadAnswer("The answer is encoded, which was not asked for.")
    announced = found.get("content-length", "0")
    if len(announced) > len(str(MAX_ANSWER)) or (announced.isdigit() and int(announced) > MAX_ANSWER):
        raise too_large()
    return Reply(status, found)

"""What every HTTP door reads of a raw request in the same way: where it comes from, and a body within its limits.

Nothing is parsed or decided here.
"""

import asyncio
from ipaddress import IPv6Address, IPv6Network

from starlette.requests import ClientDisconnect, Request

from aaf.domain.errors import Code, InputRefused

_SUBNET = 64


def source_of(request: Request) -> str:
    """The network that a refusal is counted under; of IPv6 the first 64 bits, because whoever has one such address has all of them."""
    client = request.client
    if client is None:
        return "local"
    if ":" not in client.host:
        return client.host
    address = IPv6Address(client.host.partition("%")[0])
    return str(address.ipv4_mapped or IPv6Network((address, _SUBNET), strict=False))


async def body_of(request: Request, *, limit: int, seconds: float, what: str = "body") -> bytes:
    """Read at most `limit` bytes, by what arrives and not by what was announced, in at most `seconds`; `what` is what a refusal calls it.

    Raises:
        InputRefused: BODY_TOO_LARGE, as soon as it is known; REQUEST_TIMEOUT.
        ClientDisconnect: the client went before the end.
    """
    chunks: list[bytes] = []
    size, more = 0, True
    try:
        async with asyncio.timeout(seconds):
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                chunk: bytes = message.get("body", b"")
                size += len(chunk)
                if size > limit:
                    raise too_large(limit, what)
                chunks.append(chunk)
                more = message.get("more_body", False)
    except TimeoutError:
        raise InputRefused(
            Code.REQUEST_TIMEOUT, f"A {what} has {seconds:g} seconds to arrive.", hint="Send it again, faster."
        ) from None
    return b"".join(chunks)


def too_large(limit: int, what: str = "body") -> InputRefused:
    """What a body beyond the limit is answered."""
    return InputRefused(Code.BODY_TOO_LARGE, f"A {what} has at most {limit} bytes.")

"""Where a request comes from, and its body within limits."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
from starlette.requests import Request

from aaf.domain.errors import Code, InputRefused
from aaf.entrypoints.receiving import body_of, source_of


@pytest.mark.parametrize(
    ("client", "source"),
    [
        (None, "local"),
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
        (("fe80::1%eth0", 1), "fe80::/64"),
    ],
)
def test_wrong_keys_are_counted_under_the_network_that_they_come_from(client: object, source: str) -> None:
    assert source_of(Request({"type": "http", "client": client})) == source


async def _never() -> MutableMapping[str, Any]:
    await asyncio.Event().wait()
    raise AssertionError


async def _nine_bytes() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"x" * 9, "more_body": True}


@pytest.mark.parametrize(
    ("receive", "code", "message"),
    [
        (_nine_bytes, Code.BODY_TOO_LARGE, "A form has at most 80 bytes."),
        (_never, Code.REQUEST_TIMEOUT, "A form has 0.01 seconds to arrive."),
    ],
)
def test_a_body_beyond_a_limit_is_refused_by_its_own_name(receive: Any, code: Code, message: str) -> None:
    request = Request({"type": "http"}, receive)
    with pytest.raises(InputRefused, match=message) as caught:
        asyncio.run(body_of(request, limit=80, seconds=0.01 if receive is _never else 30, what="form"))
    assert caught.value.code is code

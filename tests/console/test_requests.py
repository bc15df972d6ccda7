"""What only a raw connection can do: go away, be slow, come from odd addresses."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from aaf.entrypoints.console import receiving
from tests.console.pages import Desk


def _scope(method: str, path: str, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    base = [(b"host", b"127.0.0.1:8700"), (b"sec-fetch-site", b"same-origin")]
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "headers": [*base, *headers],
        "client": ("192.0.2.7", 1),
    }


FORM = (b"content-type", b"application/x-www-form-urlencoded")


def _call(desk: Desk, scope: dict[str, Any], receive: Any) -> list[MutableMapping[str, Any]]:
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    desk.world.run(desk.console(scope, receive, send))
    return sent


@pytest.mark.parametrize("signed_in", [False, True])
def test_a_client_that_goes_while_sending_is_let_go(desk: Desk, signed_in: bool) -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    ann = desk.browser("approver")
    ((name, token),) = ann.cookies.items()
    path, more = (
        (ann.at("/sign-out"), (b"cookie", f"{name}={token}".encode())) if signed_in else ("/sign-in", (b"x", b"y"))
    )
    assert _call(desk, _scope("POST", path, FORM, more), receive) == []
    assert [kind for kind, _ in desk.world.log.entries] == ["sign_in"]


def test_a_form_in_pieces_is_read_whole(desk: Desk) -> None:
    body = f"key={desk.world.key('approver')}&next=%2F".encode()
    pieces = [body[:9], body[9:30], body[30:]]

    async def receive() -> MutableMapping[str, Any]:
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    assert _call(desk, _scope("POST", "/sign-in", FORM), receive)[0]["status"] == 303


def test_a_form_that_does_not_arrive_is_given_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "BODY_TIME", 0.01)

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    assert _call(desk, _scope("POST", "/sign-in", FORM), receive)[0]["status"] == 408


@pytest.mark.parametrize("started", [False, True])
def test_a_request_that_is_cut_by_the_end_of_the_server_says_so_if_it_still_can(desk: Desk, started: bool) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        if not started:
            raise asyncio.CancelledError
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        if started and message["type"] == "http.response.body":
            raise asyncio.CancelledError

    scope = _scope("GET" if started else "POST", "/sign-in", FORM)

    async def call() -> None:
        with pytest.raises(asyncio.CancelledError):
            await desk.console(scope, receive, send)

    desk.world.run(call())
    assert [one["status"] for one in sent if "status" in one] == [200 if started else 503]


def test_a_header_that_is_given_twice_says_nothing(desk: Desk) -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"key=x", "more_body": False}

    scope = _scope("POST", "/sign-in", FORM, (b"sec-fetch-site", b"same-origin"))
    assert _call(desk, scope, receive)[0]["status"] == 403

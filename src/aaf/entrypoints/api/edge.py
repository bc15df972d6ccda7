"""The outermost layer: headers on every response, the request's id for the log, and an end to every exception. Plain ASGI, no rules."""

from asyncio import CancelledError

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aaf.domain.advice import ADVICE
from aaf.domain.errors import Code, Unavailable
from aaf.entrypoints.api.problems import refusal
from aaf.entrypoints.api.receiving import Door
from aaf.entrypoints.api.routes.submitting import METHOD, PATH
from aaf.ports import ORIGIN, Origin

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
"""Sent with every response, whatever made it."""


class Edge:
    """Sends the hot route past the router; everything else to `api`."""

    def __init__(self, door: Door, *, submitting: ASGIApp, api: ASGIApp) -> None:
        """Put `submitting` before `api`."""
        self.door = door
        self._submitting = submitting
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection's scope; a lifespan goes to `api` as it is."""
        if scope["type"] != "http":
            await self._api(scope, receive, send)
            return
        started = False
        request = self.door.core.ids.new()
        ORIGIN.set(Origin("api", request))
        traced = (b"x-request-id", request.encode())

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *HEADERS, traced]
            await send(message)

        hot = scope["path"] == PATH and scope["method"] == METHOD
        try:
            await (self._submitting if hot else self._api)(scope, receive, with_headers)
        except ClientDisconnect:
            return  # it went while a stream was sent to it
        except CancelledError:
            if not started:
                ending = Unavailable(Code.SHUTTING_DOWN, ADVICE[Code.SHUTTING_DOWN].message)
                await refusal(self.door.core, ending)(scope, receive, with_headers)
            raise
        except Exception as error:  # noqa: BLE001 - logged without values; a response that has begun just ends, unfinished
            response = refusal(self.door.core, error)
            if not started:
                await response(scope, receive, with_headers)

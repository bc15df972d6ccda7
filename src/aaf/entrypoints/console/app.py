"""Puts the console together: its addresses, the layer around them, and an end to every exception. No rules."""

import re
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aaf.domain.advice import ADVICE
from aaf.domain.errors import Code, InputRefused, NotFound, Unavailable
from aaf.entrypoints.console import approval, inbox, signing
from aaf.entrypoints.console.assets import asset
from aaf.entrypoints.console.pages import HEADERS, page, refusal, to
from aaf.entrypoints.console.receiving import (
    ACTION,
    SignedOut,
    Site,
    Visit,
    admitted,
    check_origin,
    enter,
    header,
    read_form,
    root_of,
)
from aaf.entrypoints.console.sessions import Sessions
from aaf.ports import ORIGIN, Origin
from aaf.services.core import Core

Open = Callable[[Site, Request], Awaitable[Response]]
Inside = Callable[[Visit], Awaitable[Response]]
_ACTION, _INDEX = f"(?P<action>{ACTION})", "(?P<index>[0-9]{1,6})"


@dataclass(frozen=True, slots=True)
class Address:
    """A pattern of paths, and what answers each method: for anybody, or for people who are signed in."""

    pattern: re.Pattern[str]
    anybody: Mapping[str, Open]
    people: Mapping[str, Inside]

    @property
    def methods(self) -> list[str]:
        """What `Allow` says."""
        return sorted({*self.anybody, *self.people, *({"HEAD"} if {"GET"} & {*self.anybody, *self.people} else ())})


async def _asset(_: Site, request: Request) -> Response:
    return await asset(request)


def _at(
    pattern: str, people: Mapping[str, Inside] | None = None, *, anybody: Mapping[str, Open] | None = None
) -> Address:
    return Address(re.compile(pattern), anybody or {}, people or {})


ADDRESSES: tuple[Address, ...] = (
    _at("/", {"GET": inbox.waiting}),
    _at("/actions", {"GET": inbox.history}),
    _at("/live", {"GET": inbox.live}),
    _at(f"/approvals/{_ACTION}", {"GET": approval.read}),
    _at(f"/approvals/{_ACTION}/review", {"POST": approval.answer}),
    _at(f"/approvals/{_ACTION}/values/{_INDEX}", {"GET": approval.read_value}),
    _at(f"/approvals/{_ACTION}/values/{_INDEX}/open", {"POST": approval.open_value}),
    _at("/sign-in", anybody={"GET": signing.form, "POST": signing.submit}),
    _at("/sign-out", {"POST": signing.sign_out}),
    _at("/static/(?P<name>[a-z0-9.]{1,64})", anybody={"GET": _asset}),
)
_LIVE = "/live"


def create_console(core: Core) -> ASGIApp:
    """Make the ASGI application of the console; sessions live and end with it."""
    site = Site(core, Sessions())

    async def console(scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = False
        request = core.ids.new()
        ORIGIN.set(Origin("console", request))
        added = (*HEADERS, (b"x-request-id", request.encode()))

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], *added]
            await send(message)

        try:
            response = await _answer(site, Request({**scope, "root_path": ""}, receive))
            await response(scope, receive, with_headers)
        except ClientDisconnect:
            return
        except CancelledError:
            if not started:
                ending = Unavailable(Code.SHUTTING_DOWN, ADVICE[Code.SHUTTING_DOWN].message)
                await refusal(core, ending)(scope, receive, with_headers)
            raise

    return console


async def _answer(site: Site, request: Request) -> Response:
    """Whatever happens, a response."""
    try:
        enter(request)
        address = _found(request)
        method = "GET" if request.method == "HEAD" else request.method
        if method in address.anybody:
            return await address.anybody[method](site, request)
        if method in address.people:
            return await _inside(site, request, address.people[method])
        wrong = InputRefused(Code.METHOD_NOT_ALLOWED, "This page can't be used that way.")
        response = refusal(site.core, wrong, root=root_of(request))
        response.headers["Allow"] = ", ".join(address.methods)
    except SignedOut as out:
        return _signed_out(request, ended=out.ended)
    except ClientDisconnect:
        raise
    except Exception as error:  # noqa: BLE001 - logged without values; the person gets a page
        return refusal(site.core, error, root=root_of(request))
    return response


def _found(request: Request) -> Address:
    """The address, with the parts of its path. Beneath the path of a session there are only the pages of people who are signed in.

    Raises:
        NotFound: the console has no such page.
    """
    for address in ADDRESSES:
        match = address.pattern.fullmatch(request.scope["path"])
        if match is not None and not (address.anybody and root_of(request)):
            request.scope["path_params"] = match.groupdict()
            return address
    raise NotFound(Code.NOT_FOUND, "There is no such page.", hint="Go to the list of what waits.")


async def _inside(site: Site, request: Request, work: Inside) -> Response:
    """What only people who are signed in get; a form only from our own pages. A refusal is a page of theirs."""
    if request.method == "POST":
        check_origin(request)
    visit = await admitted(site, request, counts=request.scope["path"] != _LIVE)
    try:
        if request.method == "POST":
            visit = replace(visit, form=await read_form(request))
        return await work(visit)
    except ClientDisconnect:
        raise
    except Exception as error:  # noqa: BLE001 - as above
        return refusal(site.core, error, visit)


def _signed_out(request: Request, *, ended: bool) -> Response:
    """On to signing in, and back afterwards.

    A browser keeps the cookie back when a link elsewhere leads here, also where somebody is signed in: then the page asks for itself
    once more, from here. An address beneath a session's path that has no session any more is not shown again.
    """
    path = request.scope["path"]
    if path == _LIVE:
        return Response(b"", 401, {"Cache-Control": "no-store"})
    back = path if request.method != "POST" else re.sub(r"/(review|open)$", "", path)
    from_elsewhere = header(request, b"sec-fetch-site") == "cross-site" and request.method == "GET"
    if from_elsewhere and not ended and "again" not in request.query_params:
        return page("again.html", path=root_of(request) + back)
    return to(f"/sign-in?next={quote(back, safe='')}" + ("&ended=" if ended or root_of(request) else ""))

"""Signing in with a pasted key, and out. The key is used once and kept nowhere: not in the page, the address, the log or the session."""

import re

from starlette.requests import Request
from starlette.responses import Response

from aaf.domain.canonical import Json
from aaf.domain.errors import AafError, InputRefused, NotAuthenticated, NotPermitted, TooMany
from aaf.entrypoints.console.pages import page, to
from aaf.entrypoints.console.receiving import (
    ACTION,
    Site,
    Visit,
    check_origin,
    check_token,
    cookie_name,
    is_private,
    new_root,
    read_form,
    session_tokens,
)
from aaf.entrypoints.console.sessions import LIFETIME
from aaf.entrypoints.receiving import source_of
from aaf.entrypoints.refusing import refused
from aaf.services.core import Caller
from aaf.services.signing_in import sign_in

_PASTE = "Paste it again, whole; an administrator makes a new one."
_OURS = re.compile(f"/(?:actions|approvals/{ACTION}(?:/values/[0-9]{{1,6}})?)?")


def _next(path: str) -> str:
    """Where to go after signing in: one of our own pages, whatever was asked for."""
    return path if _OURS.fullmatch(path) else "/"


async def form(site: Site, request: Request) -> Response:  # noqa: ARG001 - the signature of every page
    """Show the form."""
    query = request.query_params
    return page(
        "sign_in.html", next=_next(query.get("next", "/")), ended="ended" in query, left="left" in query, told=None
    )


async def submit(site: Site, request: Request) -> Response:
    """Begin a session for the holder of the pasted key."""
    check_origin(request)
    given = await read_form(request)
    target = _next(given.get("next", "/"))
    try:
        caller = await sign_in(site.core, key=given.get("key", "").strip(), source=source_of(request))
    except (InputRefused, NotAuthenticated, NotPermitted, TooMany) as error:
        return _again(site, error, target)
    for earlier in session_tokens(request):
        site.sessions.end(earlier, root="")
    ids, now = site.core.ids, await site.core.store.now()
    root = new_root(request, ids)
    token = site.sessions.begin(caller, token=ids.salt(), root=root, secret=ids.salt(), now=now)
    site.core.log.entry("sign_in", {**_who(caller), "source": source_of(request)})
    response = to(root + target)
    _set_cookie(response, request, token, root=root, seconds=LIFETIME // 1_000_000)
    return response


def _again(site: Site, error: AafError, target: str) -> Response:
    """The form again, with what was wrong and without what was typed."""
    told = refused(site.core, error)
    hint = _PASTE if isinstance(error, NotAuthenticated) else told.hint
    response = page("sign_in.html", status=told.status, next=target, ended=False, left=False, told=told, hint=hint)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    check_token(visit.session, visit.form, "sign-out")
    visit.site.sessions.end(visit.token, root=visit.root)
    visit.core.log.entry("sign_out", _who(visit.caller))
    response = to("/sign-in?left=")
    _set_cookie(response, visit.request, "", root=visit.root, seconds=0)
    return response


def _who(caller: Caller) -> dict[str, Json]:
    """Who comes or goes, for the log."""
    who = caller.principal
    return {"actor": who.actor, "credential": who.credential, "org": who.org}


def _set_cookie(response: Response, request: Request, token: str, *, root: str, seconds: int) -> None:
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=seconds,
        path=f"{root}/",
        secure=not is_private(request),
        httponly=True,
        samesite="strict",
    )

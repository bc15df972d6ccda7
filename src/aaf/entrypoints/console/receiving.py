"""From a raw request to a person and a form: whose browser it is, that the form is ours, and that it is an answer to what was shown.

A form counts only from this site's own pages, with the token that was made for this session, purpose and content. A GET changes nothing.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from aaf.domain.digests import same_digest
from aaf.domain.errors import Code, InputRefused, NotAuthenticated, NotPermitted, StateConflict
from aaf.entrypoints.console.sessions import Session, Sessions
from aaf.entrypoints.receiving import body_of
from aaf.ports import Ids
from aaf.services.core import Caller, Core
from aaf.services.inbox import Pulse, Pulses

BODY = 32_768
"""Bytes of a form: a reason of the greatest length, escaped, fits several times."""
BODY_TIME = 30.0
FIELDS = 12
ACTION = "[0-9a-f-]{36}"
"""What may be the id of an action in an address."""
SETTLE = 600_000
"""Microseconds that a question has to stand before an answer to it counts."""
_ROOT_BYTES = 16
_BENEATH = re.compile(rf"(/s/[0-9a-f]{{{2 * _ROOT_BYTES}}})(/.*)")
Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Site:
    """What every page shares."""

    core: Core
    sessions: Sessions
    pulses: Pulses = field(default_factory=Pulses)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def pulse(self, caller: Caller) -> Pulse:
        """What waits, in short; of those who ask at the same time one looks.

        Raises:
            NotPermitted: the caller may not see approvals.
        """
        async with self._one:
            return await self.pulses.newest(self.core, caller)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in; `now` in microseconds."""

    site: Site
    session: Session
    token: str = field(repr=False)
    request: Request
    now: int
    form: Form

    @property
    def core(self) -> Core:
        """The ports."""
        return self.site.core

    @property
    def root(self) -> str:
        """What the addresses of this session's pages begin with."""
        return root_of(self.request)

    @property
    def caller(self) -> Caller:
        """Who it is, with the rights of this moment."""
        return self.session.caller


class SignedOut(Exception):
    """Nobody is signed in; `ended` where somebody was."""

    def __init__(self, *, ended: bool) -> None:
        super().__init__()
        self.ended = ended


def header(request: Request, name: bytes) -> str | None:
    """A header's value; None where it is missing or given twice."""
    found = [value for key, value in request.scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else None


# --- whose browser ----------------------------------------------------------------------------------------------------


def _host(request: Request) -> tuple[str, int | None]:
    """Host and port that the browser asked for.

    Raises:
        InputRefused: it is no host.
    """
    try:
        found = urlsplit(f"//{header(request, b'host') or ''}")
        port = found.port
    except ValueError:
        raise InputRefused(Code.BAD_REQUEST, "The header Host is no host.") from None
    return found.hostname or "", port


def is_private(request: Request) -> bool:
    """Whether the connection never leaves this machine: plain http to a loopback name."""
    host, _ = _host(request)
    if request.scope["scheme"] != "http":
        return False
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def cookie_name(request: Request) -> str:
    """Beyond this machine a name that browsers tie to this host and to TLS; on it, cookies of other ports are told apart by name."""
    if not is_private(request):
        return "__Host-aaf_session"
    return f"aaf_session_{_host(request)[1] or 80}"


def new_root(request: Request, ids: Ids) -> str:
    """What the addresses of a new session begin with.

    Browsers send a cookie to every port of a host. Without TLS a session therefore lives beneath a path that nobody can guess, and its
    cookie is for that path: what else is served on this machine is never asked for it. With TLS the cookie is tied to the host.
    """
    return f"/s/{ids.salt()[:_ROOT_BYTES].hex()}" if is_private(request) else ""


def enter(request: Request) -> None:
    """Take the path that a session lives beneath off the address, where there can be one.

    Raises:
        InputRefused: the header Host is no host.
    """
    found = _BENEATH.fullmatch(request.scope["path"])
    if found is not None and is_private(request):
        request.scope["root_path"], request.scope["path"] = found.groups()


def root_of(request: Request) -> str:
    """What was taken off; empty where there was nothing."""
    return str(request.scope["root_path"])


def session_tokens(request: Request) -> list[str]:
    """The tokens that the browser sent under our name: on this machine another server may have put a cookie of that name beside ours."""
    wanted = cookie_name(request)
    pairs = [
        pair.strip().partition("=")
        for name, value in request.scope["headers"]
        if name == b"cookie"
        for pair in value.decode("latin-1").split(";")
    ]
    return list(dict.fromkeys(value for name, _, value in pairs if name == wanted and value))


async def admitted(site: Site, request: Request, *, counts: bool = True) -> Visit:
    """The person behind this request, with the rights of now; without `counts` it doesn't keep the session alive.

    Raises:
        SignedOut: there is no session, or its key is not good any more.
    """
    tokens, now = session_tokens(request), await site.core.store.now()
    for token in tokens:
        session = site.sessions.find(token, root=root_of(request), now=now)
        if session is not None:
            break
    else:
        raise SignedOut(ended=bool(tokens))
    try:
        session.caller = await session.caller.again(site.core)
    except NotAuthenticated:
        site.sessions.end(token, root=root_of(request))
        raise SignedOut(ended=True) from None
    if counts:
        session.used_at = now
    return Visit(site, session, token, request, now, {})


# --- forms ------------------------------------------------------------------------------------------------------------


def check_origin(request: Request) -> None:
    """Whether a form comes from one of our own pages, as the browser tells it.

    Browsers send `Sec-Fetch-Site` over TLS and on loopback; where it is missing, `Origin` has to be ours.

    Raises:
        NotPermitted: it comes from elsewhere, or the browser doesn't say.
    """
    site, origin, host = (header(request, name) for name in (b"sec-fetch-site", b"origin", b"host"))
    ours = site == "same-origin" if site is not None else bool(host) and origin in {f"http://{host}", f"https://{host}"}
    if not ours:
        raise _foreign()
    if origin == f"http://{host}" and not is_private(request):
        raise NotPermitted(
            Code.FORM_REFUSED,
            "This page came without TLS, and a browser keeps no session over such a connection.",
            hint="Open the console by https, or on its own machine.",
        )


def check_token(session: Session, form: Form, *bound: str) -> None:
    """Whether this form was made for this session and exactly this.

    Raises:
        NotPermitted: it was made for another, or by somebody else.
    """
    if not same_digest(form.get("token", ""), session.token(*bound)):
        raise _foreign()


def check_settled(session: Session, number: int, shown: int, now: int) -> None:
    """Whether a question stood long enough to be read; a click that was meant for what stood there before comes sooner.

    A form whose answer was refused stays so: a reload that sends it once more is nobody's second thought.

    Raises:
        NotPermitted: an answer with this form was refused before.
        StateConflict: it was answered in its first moments.
    """
    if session.is_spent(number):
        raise NotPermitted(
            Code.FORM_REFUSED,
            "This answer was refused before and was sent once more.",
            hint="Read the request, then answer.",
        )
    if now - shown < SETTLE:
        raise StateConflict(
            Code.ANSWERED_TOO_SOON, "The answer came before the request could be read.", hint="Read it, then answer."
        )


def _foreign() -> NotPermitted:
    return NotPermitted(
        Code.FORM_REFUSED,
        "This form isn't one that this page made for you.",
        hint="Open the page again and answer there.",
    )


async def read_form(request: Request) -> dict[str, str]:
    """Read a form of plain fields, each given once.

    Raises:
        InputRefused: it is no such form, or too large, or too slow.
        ClientDisconnect: the client went before the end.
    """
    if (header(request, b"content-type") or "").partition(";")[
        0
    ].strip().lower() != "application/x-www-form-urlencoded":
        raise _no_form()
    body = await body_of(request, limit=BODY, seconds=BODY_TIME, what="form")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=FIELDS,
        )
    except ValueError:
        raise _no_form() from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise _no_form()
    return form


def _no_form() -> InputRefused:
    return InputRefused(Code.BAD_REQUEST, "This is no form that this page has.", hint="Open the page again.")

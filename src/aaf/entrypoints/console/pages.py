"""The templates and what goes with every page: a title, who is signed in, the policy that the browser holds the page to. A refusal is a page.

Everything is escaped by the template engine, and a name that a template doesn't get is an error, not an empty place.
"""

from functools import cache
from http import HTTPStatus

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import Response

from aaf.domain import instants
from aaf.entrypoints.console import presenting
from aaf.entrypoints.console.assets import address
from aaf.entrypoints.console.receiving import Visit
from aaf.entrypoints.refusing import refused
from aaf.services.core import Core

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), clipboard-read=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"same-origin"),  # with none at all, browsers hide the origin of forms
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
"""Sent with every response of the console, whatever made it."""


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("aaf.entrypoints.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        asset=address,
        instant=instants.for_people,
        iso=instants.to_second,
        span=instants.span,
        value=presenting.value,
        plain=presenting.plain_text,
        rendered=presenting.rendered,
    )
    return environment


def page(template: str, visit: Visit | None = None, *, status: int = 200, root: str = "", **given: object) -> Response:
    """Render a page for `visit`, or for somebody who isn't signed in, whose address may begin with a `root` all the same."""
    who = None if visit is None else visit.caller.principal
    always = {"status": HTTPStatus(status), "visit": visit, "who": who, "root": root if visit is None else visit.root}
    shown = _environment().get_template(template).render(**always, **given)
    return Response(shown, status, {"Cache-Control": "no-store"}, "text/html; charset=utf-8")


def refusal(core: Core, error: Exception, visit: Visit | None = None, *, root: str = "") -> Response:
    """Answer `error`, whatever it is: what happened, the stable code, what to do next; it is counted and logged."""
    told = refused(core, error)
    return page("refused.html", visit, status=told.status, root=root, told=told)


def to(path: str) -> Response:
    """Send the browser on to one of our own pages, with a GET."""
    return Response(b"", 303, {"Cache-Control": "no-store", "Location": path})

"""Every refusal as a page: what happened, the stable code, what to do next; and nothing else of the cause, which goes to the log.

An error that nobody foresaw is logged without its text, which may hold a value, and shown as the number of an incident.
"""

import traceback

from starlette.responses import Response

from aaf.domain.advice import ADVICE
from aaf.domain.errors import (
    AafError,
    Code,
    InputRefused,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    StateConflict,
    TooMany,
    Unavailable,
)
from aaf.entrypoints.console.pages import page
from aaf.entrypoints.console.receiving import Visit
from aaf.services.access import public_code
from aaf.services.core import Core

_STATUS: dict[type[AafError], int] = {
    InputRefused: 400,
    NotAuthenticated: 401,
    NotPermitted: 403,
    NotFound: 404,
    StateConflict: 409,
    TooMany: 429,
    Unavailable: 503,
}
_STATUS_OF_CODE = {Code.BODY_TOO_LARGE: 413, Code.METHOD_NOT_ALLOWED: 405, Code.REQUEST_TIMEOUT: 408}
_FRAMES = 12


def status_of(error: AafError) -> int | None:
    """The HTTP status of `error`; None where it should never have reached a page."""
    special = _STATUS_OF_CODE.get(error.code)
    if special is not None:
        return special
    return next((_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS), None)


def refusal(core: Core, error: Exception, visit: Visit | None = None, *, root: str = "") -> Response:
    """Answer `error`, whatever it is, and log what the person doesn't get."""
    status = status_of(error) if isinstance(error, AafError) else None
    if not isinstance(error, AafError) or status is None:
        return _incident(core, error, visit, root)
    if error.detail:
        core.log.entry("refused", {"cause": error.detail, "code": str(error.code)})
    code = public_code(error)
    return page(
        "refused.html",
        visit,
        status=status,
        root=root,
        code=code,
        message=error.message,
        hint=error.hint or ADVICE[code].next,
        incident=None,
    )


def _incident(core: Core, error: Exception, visit: Visit | None, root: str) -> Response:
    """Modules and lines, innermost last; never a value."""
    incident = core.ids.new()
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{line}" for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    core.log.entry(
        "internal_error", {"error": type(error).__name__, "frames": [*frames[-_FRAMES:]], "incident": incident}
    )
    advice = ADVICE[Code.INTERNAL_ERROR]
    return page(
        "refused.html",
        visit,
        status=500,
        root=root,
        code=Code.INTERNAL_ERROR,
        message=advice.message,
        hint=advice.next,
        incident=incident,
    )

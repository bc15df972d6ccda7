"""Every refusal as problem details (RFC 9457), made in one place: class of error to status, code to type, and nothing else of the cause.

What leaves here is the error's own safe sentence. Its `detail`, and everything of an error that nobody foresaw, goes to the log;
the caller gets an incident id. A failed authentication looks the same whatever failed.
"""

import re
import traceback
from collections.abc import Mapping
from typing import TypeAlias

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aaf.domain.advice import ADVICE
from aaf.domain.canonical import Json
from aaf.domain.errors import (
    AafError,
    Code,
    ConnectorFailed,
    InputRefused,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    StateConflict,
    TooMany,
    Unavailable,
)
from aaf.domain.metering import Metric
from aaf.services.access import public_code
from aaf.services.core import Core

MEDIA_TYPE = "application/problem+json"
URN = "urn:aaf:problem:"
Addresses: TypeAlias = list[tuple[re.Pattern[str], set[str]]]
"""The pattern of each address, with its methods."""

STATUS: Mapping[type[AafError], int] = {
    InputRefused: 400,
    NotAuthenticated: 401,
    NotPermitted: 403,
    NotFound: 404,
    StateConflict: 409,
    TooMany: 429,
    ConnectorFailed: 502,
    Unavailable: 503,
}
"""The status of each class of error; a class that isn't here is an internal error."""

_STATUS_OF_CODE = {
    Code.BODY_TOO_LARGE: 413,
    Code.HEADERS_TOO_LARGE: 431,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.REQUEST_TIMEOUT: 408,
}
_BODY_UNREAD = frozenset({Code.BODY_TOO_LARGE, Code.REQUEST_TIMEOUT})
_RETRY_AFTER = {
    Code.SHUTTING_DOWN: 1,
    Code.STORE_BUSY: 1,
    Code.STORE_CONFLICT: 1,
    Code.STORE_LOCKED: 1,
    Code.TOO_MANY_CONNECTIONS: 1,
}
_RETRY_LATER = 10
"""Seconds until a store that needs an operator is worth asking again."""
_FRAMES = 12
_INTERNAL = 500


def status_of(error: AafError) -> int | None:
    """The HTTP status of `error`; None where it should never have reached a door."""
    special = _STATUS_OF_CODE.get(error.code)
    if special is not None:
        return special
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), None)


def refusal(core: Core, error: Exception) -> Response:
    """Answer `error`, whatever it is, and log what the caller doesn't get."""
    if isinstance(error, RequestValidationError):
        error = _unfit(error)
    if isinstance(error, AafError) and status_of(error) is not None:
        core.meter.add(Metric.REFUSALS, str(error.code))
        if error.detail:
            core.log.entry("refused", {"cause": error.detail, "code": str(error.code)})
        return problem(error)
    incident = core.ids.new()
    core.meter.add(Metric.REFUSALS, str(Code.INTERNAL_ERROR))
    core.log.entry("internal_error", {"error": type(error).__name__, "frames": _frames(error), "incident": incident})
    advice = ADVICE[Code.INTERNAL_ERROR]
    failure = AafError(Code.INTERNAL_ERROR, advice.message, hint=advice.next)
    return _answer(_INTERNAL, failure, incident=incident)


def problem(error: AafError) -> Response:
    """Answer an error that has a status."""
    return _answer(status_of(error) or _INTERNAL, error)


def _answer(status: int, error: AafError, *, incident: str | None = None) -> Response:
    """The response, with the headers that its status asks for."""
    code = public_code(error)
    body: dict[str, Json] = {
        "code": str(code),
        "detail": error.message,
        "hint": error.hint or ADVICE[code].next,
        "status": status,
        "title": str(code).replace("_", " ").capitalize().replace("json", "JSON"),
        "type": URN + code,
    }
    headers: dict[str, str] = {}
    if error.path:
        body["path"] = error.path
    if incident is not None:
        body["incident"] = incident
    match error:
        case NotAuthenticated():
            headers["WWW-Authenticate"] = 'Bearer realm="aaf"'
        case TooMany():
            body["retry_after"] = error.retry_after
        case Unavailable():
            body["retry_after"] = _RETRY_AFTER.get(code, _RETRY_LATER)
        case InputRefused() if code in _BODY_UNREAD:
            headers["Connection"] = "close"  # the rest of the body is not waited for
        case _:
            pass
    if "retry_after" in body:
        headers["Retry-After"] = str(body["retry_after"])
    return Response(orjson.dumps(body), status, headers, MEDIA_TYPE)


def _frames(error: Exception) -> list[Json]:
    """Where it happened, innermost last: modules and lines, never a value; an exception's own text may hold one."""
    places = [
        f"{frame.f_globals.get('__name__', '?')}:{line}" for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return [*places[-_FRAMES:]]


# --- what FastAPI and Starlette refuse --------------------------------------------------------------------------------

_CONSTRAINTS = frozenset(
    {
        "bool_type", "enum", "dict_type", "greater_than_equal", "int_parsing", "int_type", "less_than_equal", "list_type",
        "literal_error", "model_attributes_type", "string_pattern_mismatch", "string_too_long", "string_too_short",
        "string_type", "too_long", "tuple_type",
    }
)  # fmt: skip
"""Kinds of error whose sentence tells the constraint and never the value."""


def _unfit(error: RequestValidationError) -> AafError:
    """The first thing that doesn't fit, in our words; a malformed id in a path is an unknown one."""
    first = error.errors()[0]
    where, *steps = first["loc"]
    if where == "path":
        return NotFound(Code.NOT_FOUND, ADVICE[Code.NOT_FOUND].message)
    kind = str(first["type"])
    if kind == "extra_forbidden":
        steps.pop()  # the name is the caller's
        return InputRefused(Code.UNKNOWN_FIELD, ADVICE[Code.UNKNOWN_FIELD].message, path=_path(where, steps))
    if kind == "missing":
        return InputRefused(Code.MISSING_FIELD, ADVICE[Code.MISSING_FIELD].message, path=_path(where, steps))
    hint = f"{first['msg']}." if kind in _CONSTRAINTS else ""
    return InputRefused(Code.WRONG_TYPE, ADVICE[Code.WRONG_TYPE].message, hint=hint, path=_path(where, steps))


def _path(where: str, steps: list[str | int]) -> str:
    """A JSON path into the body, or `?name` of a query parameter; every name in it is one of ours."""
    if where == "query":
        return "?" + "".join(map(str, steps[:1]))
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)


async def no_such_route(request: Request, error: Exception) -> Response:
    """Answer an address or a method that nothing here has; the signature is Starlette's."""
    if isinstance(error, HTTPException) and error.status_code == 405:  # noqa: PLR2004 - Starlette's own number for it
        advice = ADVICE[Code.METHOD_NOT_ALLOWED]
        response = _answer(405, InputRefused(Code.METHOD_NOT_ALLOWED, advice.message, hint=advice.next))
        addresses: Addresses = request.app.state.addresses
        found = {method for pattern, methods in addresses if pattern.match(request.url.path) for method in methods}
        response.headers["Allow"] = ", ".join(sorted(found))
        return response
    return _answer(404, NotFound(Code.NOT_FOUND, ADVICE[Code.NOT_FOUND].message))

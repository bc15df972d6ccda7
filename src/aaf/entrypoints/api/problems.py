"""Every refusal as problem details (RFC 9457), made in one place: code to type, and nothing else of the cause."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TypeAlias

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aaf.domain.advice import ADVICE
from aaf.domain.errors import (
    AafError,
    Code,
    ConfigurationConflict,
    ConfigurationRefused,
    InputRefused,
    NotAuthenticated,
    NotFound,
    TooMany,
    Unavailable,
)
from aaf.entrypoints.refusing import Refusal, refused, status_of
from aaf.services.core import Core

MEDIA_TYPE = "application/problem+json"
URN = "urn:aaf:problem:"
Addresses: TypeAlias = list[tuple[re.Pattern[str], set[str]]]
"""The pattern of each address, with its methods."""

_BODY_UNREAD = frozenset({Code.BODY_TOO_LARGE, Code.REQUEST_TIMEOUT})
_RETRY_AFTER: Mapping[Code, int] = {
    Code.SHUTTING_DOWN: 1,
    Code.STORE_BUSY: 1,
    Code.STORE_CONFLICT: 1,
    Code.STORE_LOCKED: 1,
    Code.TOO_MANY_CONNECTIONS: 1,
}
_RETRY_LATER = 10
"""Seconds until a store that needs an operator is worth asking again."""


def refusal(core: Core, error: Exception) -> Response:
    """Answer `error`, whatever it is; it is counted and logged."""
    return _answer(refused(core, _unfit(error) if isinstance(error, RequestValidationError) else error))


def problem(error: AafError) -> Response:
    """Answer an error that has a status and that somebody else counts."""
    return _answer(Refusal(error, status_of(error) or 500))


def _answer(refusal: Refusal) -> Response:
    """The response, with the headers that its status asks for."""
    error, code = refusal.error, refusal.code
    body: dict[str, object] = {
        "code": str(code),
        "detail": error.message,
        "hint": refusal.hint,
        "status": refusal.status,
        "title": str(code).replace("_", " ").capitalize().replace("json", "JSON"),
        "type": URN + code,
    }
    headers: dict[str, str] = {}
    if error.path:
        body["path"] = error.path
    if refusal.incident is not None:
        body["incident"] = refusal.incident
    match error:
        case ConfigurationRefused():
            body["problems"] = [asdict(one) for one in error.problems]
        case ConfigurationConflict():
            body["etag"], body["changes"] = error.etag, error.changes
            headers["ETag"] = f'"{error.etag}"'
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
    return Response(orjson.dumps(body), refusal.status, headers, MEDIA_TYPE)


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
    core: Core = request.app.state.door.core
    if not isinstance(error, HTTPException) or error.status_code != 405:  # noqa: PLR2004 - Starlette's own number for it
        return refusal(core, NotFound(Code.NOT_FOUND, ADVICE[Code.NOT_FOUND].message))
    response = refusal(core, InputRefused(Code.METHOD_NOT_ALLOWED, ADVICE[Code.METHOD_NOT_ALLOWED].message))
    addresses: Addresses = request.app.state.addresses
    found = {method for pattern, methods in addresses if pattern.match(request.url.path) for method in methods}
    response.headers["Allow"] = ", ".join(sorted(found))
    return response

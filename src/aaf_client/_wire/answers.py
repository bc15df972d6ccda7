"""What a response says: one JSON object, or the error that a problem (RFC 9457) stands for. Anything else is a `BadAnswer`."""

import json
import math
from collections.abc import Mapping
from typing import Final, NoReturn

from aaf_client._wire.port import Reply
from aaf_client.errors import (
    AgentFirewallError,
    AlreadyConsumed,
    BadAnswer,
    Conflict,
    DigestMismatch,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    RateLimited,
    RequestRefused,
    Unavailable,
)
from aaf_client.models import Json

MAX_ANSWER: Final = 8 * 1024 * 1024
"""Bytes of an answer at most."""

_MAX_TEXT = 1000
_MAX_RETRY_AFTER = 3600.0
_OF_STATUS: Mapping[int, type[RequestRefused]] = {
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
}
_OF_CODE: Mapping[str, type[RequestRefused]] = {"already_consumed": AlreadyConsumed, "digest_mismatch": DigestMismatch}
_OK = frozenset({200, 201})
_TOO_MANY, _SERVER_ERROR, _REQUEST_TIMEOUT = 429, 500, 408


def read_object(reply: Reply) -> dict[str, Json]:
    """The object that a good answer holds.

    Raises:
        AgentFirewallError: the answer is a refusal, or none at all.
    """
    if reply.status not in _OK:
        raise refusal(reply)
    if reply.media_type != "application/json":
        raise BadAnswer("The answer is not JSON.", hint="Check that the address is a firewall's.")
    return parse_object(reply.body)


def parse_object(data: bytes) -> dict[str, Json]:
    """One JSON object.

    Raises:
        BadAnswer: it is none.
    """
    try:
        value = json.loads(data.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadAnswer("The answer is not JSON.", hint="Check that the address is a firewall's.") from None
    if not isinstance(value, dict):
        raise BadAnswer("The answer is no JSON object.")
    return value


def _no_number(_: str) -> NoReturn:
    raise ValueError


def too_large() -> BadAnswer:
    """The refusal of an answer that doesn't end."""
    return BadAnswer(f"The answer is over {MAX_ANSWER} bytes.")


def may_repeat(reply: Reply) -> bool:
    """Whether the answer says nothing but that another attempt may succeed."""
    return reply.status in {_TOO_MANY, _REQUEST_TIMEOUT} or reply.status >= _SERVER_ERROR


def was_refused_unread(reply: Reply) -> bool:
    """Whether the request did nothing for certain, though it may be repeated."""
    return reply.status in {_TOO_MANY, _REQUEST_TIMEOUT}


def retry_after(reply: Reply) -> float | None:
    """Seconds to wait as the answer says; a date or rubbish is no answer."""
    try:
        seconds = float(reply.headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER) if math.isfinite(seconds) else None


def refusal(reply: Reply) -> AgentFirewallError:
    """The error that an answer which isn't good stands for."""
    status = reply.status
    problem = _problem(reply)
    code, message, hint = _text(problem, "code"), _text(problem, "detail"), _text(problem, "hint")
    if status >= _SERVER_ERROR or status == _REQUEST_TIMEOUT:
        incident = _text(problem, "incident")
        if incident:
            hint = f"{hint} Incident {incident}."
        return Unavailable(
            message or "The firewall does not answer.",
            code=code or f"http_{status}",
            hint=hint,
            retry_after=retry_after(reply),
        )
    if status == _TOO_MANY:
        return RateLimited(message or "Too many requests.", code=code, hint=hint, retry_after=retry_after(reply) or 1.0)
    if not code:
        return BadAnswer(
            f"The answer has status {status} and no code.",
            code="redirected" if 300 <= status < 400 else "",  # noqa: PLR2004 - the class of redirects
            hint="Check that the address is a firewall's; redirects are not followed.",
        )
    kind = _OF_CODE.get(code) or _OF_STATUS.get(status, RequestRefused)
    return kind(message or "The request was refused.", code=code, hint=hint, status=status, path=_text(problem, "path"))


def _problem(reply: Reply) -> Mapping[str, Json]:
    if reply.media_type != "application/problem+json":
        return {}
    try:
        return parse_object(reply.body)
    except BadAnswer:
        return {}


def _text(problem: Mapping[str, Json], name: str) -> str:
    """A member of a problem, short and printable: it ends in exceptions, and those in terminals."""
    found = problem.get(name)
    if not isinstance(found, str):
        return ""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in found[:_MAX_TEXT])

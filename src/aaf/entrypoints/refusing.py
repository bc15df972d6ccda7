"""What a refusal is at every HTTP door: a status, a count, a line of the log, and what may be said of it. How it looks is the door's own.

What may be said is the error's own safe sentence. Its `detail` goes to the log; so does an error that nobody foresaw, without its text,
which may hold a value, and the caller gets the number of an incident. A failed authentication looks the same whatever failed.
"""

import traceback
from collections.abc import Mapping
from dataclasses import dataclass

from aaf.domain.advice import ADVICE
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

_STATUS: Mapping[type[AafError], int] = {
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
_STATUS_OF_CODE: Mapping[Code, int] = {
    Code.BODY_TOO_LARGE: 413,
    Code.HEADERS_TOO_LARGE: 431,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.PRECONDITION_REQUIRED: 428,
    Code.REQUEST_TIMEOUT: 408,
}
_INTERNAL = 500
_FRAMES = 12


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the caller may know."""

    error: AafError
    status: int
    incident: str | None = None

    @property
    def code(self) -> Code:
        """The public one."""
        return public_code(self.error)

    @property
    def hint(self) -> str:
        """What to do next."""
        return self.error.hint or ADVICE[self.code].next


def status_of(error: AafError) -> int | None:
    """The HTTP status of `error`; None where it should never have reached a door."""
    special = _STATUS_OF_CODE.get(error.code)
    if special is not None:
        return special
    return next((_STATUS[cls] for cls in type(error).__mro__ if cls in _STATUS), None)


def refused(core: Core, error: Exception) -> Refusal:
    """Count `error`, whatever it is, log what the caller doesn't get, and return the rest."""
    if isinstance(error, AafError) and (status := status_of(error)) is not None:
        core.meter.add(Metric.REFUSALS, str(public_code(error)))  # metrics may be open to everybody
        if error.detail:
            core.log.entry("refused", {"cause": error.detail, "code": str(error.code)})
        return Refusal(error, status)
    incident = core.ids.new()
    frames = [
        f"{frame.f_globals.get('__name__', '?')}:{line}" for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    core.meter.add(Metric.REFUSALS, str(Code.INTERNAL_ERROR))
    core.log.entry(
        "internal_error", {"error": type(error).__name__, "frames": [*frames[-_FRAMES:]], "incident": incident}
    )
    return Refusal(AafError(Code.INTERNAL_ERROR, ADVICE[Code.INTERNAL_ERROR].message), _INTERNAL, incident)

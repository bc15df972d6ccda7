"""Our errors as the client's, by class and code, so that a program sees the same whether its firewall is in process or behind HTTP.

What failed to authenticate looks alike here too. Nothing of an error's `detail` is taken over: that is for the log.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from aaf.domain.advice import ADVICE
from aaf.domain.errors import (
    AafError,
    Code,
    ConfigurationInvalid,
    InputRefused,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    StateConflict,
    TooMany,
    Unavailable,
)
from aaf.services.access import public_code
from aaf_client import errors
from aaf_client.errors import AgentFirewallError

_REFUSED: Mapping[type[AafError], tuple[type[errors.RequestRefused], int]] = {
    InputRefused: (errors.RequestRefused, 400),
    NotAuthenticated: (errors.NotAuthenticated, 401),
    NotPermitted: (errors.NotPermitted, 403),
    NotFound: (errors.NotFound, 404),
    StateConflict: (errors.Conflict, 409),
}
_OF_CODE: Mapping[Code, tuple[type[errors.RequestRefused], int]] = {
    Code.ALREADY_CONSUMED: (errors.AlreadyConsumed, 409),
    Code.BODY_TOO_LARGE: (errors.RequestRefused, 413),
    Code.DIGEST_MISMATCH: (errors.DigestMismatch, 409),
}


def translated(error: AafError) -> AgentFirewallError:
    """The client's error for ours; `status` is what HTTP would have said, 0 for what never leaves the firewall otherwise."""
    message, code, hint = error.message, str(public_code(error)), error.hint or ADVICE[error.code].next
    match error:
        case ConfigurationInvalid():
            return errors.Misuse(f"{ADVICE[error.code].message}\n{message}", code=code, hint=hint)
        case TooMany():
            return errors.RateLimited(message, code=code, hint=hint, retry_after=error.retry_after)
        case Unavailable():
            return errors.Unavailable(message, code=code, hint=hint)
        case _:
            kind, status = _OF_CODE.get(error.code) or _REFUSED.get(type(error), (errors.RequestRefused, 0))
            return kind(message, code=code, hint=hint, status=status, path=error.path)


@contextmanager
def translating() -> Iterator[None]:
    """Let only the client's errors out."""
    try:
        yield
    except AafError as error:
        raise translated(error) from None

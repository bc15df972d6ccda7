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
    ConnectorFailed,
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
_OF_CODE: Mapping[Code, type[errors.RequestRefused]] = {
    Code.ALREADY_CONSUMED: errors.AlreadyConsumed,
    Code.DIGEST_MISMATCH: errors.DigestMismatch,
}


def translated(error: AafError) -> AgentFirewallError:
    """The client's error for ours; `status` is what HTTP would have said, 0 for what never leaves the firewall otherwise."""
    public = public_code(error)
    message, code, hint = error.message, str(public), error.hint or ADVICE[public].next
    match error:
        case ConfigurationInvalid():
            return errors.Misuse(f"{ADVICE[public].message}\n{message}", code=code, hint=hint)
        case TooMany():
            return errors.RateLimited(message, code=code, hint=hint, retry_after=error.retry_after)
        case ConnectorFailed() | Unavailable():
            return errors.Unavailable(message, code=code, hint=hint)
        case _:
            kind, status = _REFUSED.get(type(error), (errors.RequestRefused, 0))
            return _OF_CODE.get(public, kind)(message, code=code, hint=hint, status=status, path=error.path)


@contextmanager
def translating() -> Iterator[None]:
    """Let only the client's errors out."""
    try:
        yield
    except AafError as error:
        raise translated(error) from None

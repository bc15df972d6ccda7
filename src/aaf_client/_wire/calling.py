"""One call: attempts under one deadline, with jittered pauses, repeated only where that can't do anything twice."""

from aaf_client import clock
from aaf_client._wire.answers import (
    MAX_ANSWER,
    may_repeat,
    read_object,
    refusal,
    retry_after,
    too_large,
    was_refused_unread,
)
from aaf_client._wire.port import Lost, NotSent, Repeat, Reply, Request, Wire
from aaf_client.errors import AgentFirewallError, BadAnswer, NotAuthenticated, RateLimited, Unavailable
from aaf_client.models import Json

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_UNREACHABLE = (
    "Nothing may run without it. Start the server there (`aaf serve`), or give its right address as `base_url`."
)


class Uncertain(Exception):
    """The request may have arrived, and may not be repeated without looking; the cause is what came instead of an answer."""

    def __init__(self, cause: AgentFirewallError) -> None:
        super().__init__(cause.code)
        self.cause = cause


async def ask(wire: Wire, request: Request, *, until: float) -> dict[str, Json]:
    """Send `request` until it is answered; the object that a good answer holds.

    Raises:
        RequestRefused, BadAnswer: the answer is another.
        Unavailable: no answer until `until`.
        RateLimited: the rate limit lasts longer.
        Uncertain: as its name says, for requests that may not be repeated.
    """
    try:
        return read_object(await _called(wire, request, until=until))
    except (BadAnswer, NotAuthenticated) as error:  # perhaps the wrong firewall, or none
        error.hint = f"{error.hint} The address is {wire.origin}.".lstrip()
        raise


async def _called(wire: Wire, request: Request, *, until: float) -> Reply:
    """The answer, whatever it is: it isn't worth asking again."""
    attempt = 0
    while True:
        wait: float | None = None
        try:
            reply = await _answered(wire, request, until=min(until, clock.now() + request.patience))
        except NotSent as error:
            failure: AgentFirewallError = Unavailable(
                f"The firewall at {wire.origin} can't be reached.", code="unreachable", hint=_UNREACHABLE
            )
            failure.__cause__ = error.__cause__
        except Lost as error:
            failure = Unavailable(f"The connection to the firewall at {wire.origin} broke.", code="connection_lost")
            failure.__cause__ = error.__cause__
            if request.repeat is Repeat.UNSENT:
                raise Uncertain(failure) from None
        else:
            if not may_repeat(reply):
                return reply
            failure = refusal(reply)
            if request.repeat is Repeat.UNSENT and not was_refused_unread(reply):
                raise Uncertain(failure)
            wait = failure.retry_after if isinstance(failure, RateLimited) else retry_after(reply)
        pause = _pause(attempt, wait)
        if clock.now() + pause >= until:
            raise failure
        await wire.pause(pause)
        attempt += 1


async def _answered(wire: Wire, request: Request, *, until: float) -> Reply:
    """One attempt, its answer read whole."""
    async with wire.listen(request, until=until) as stream:
        parts: list[bytes] = []
        size = 0
        while part := await stream.read(until=until):
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                raise too_large()
        return Reply(stream.reply.status, stream.reply.headers, b"".join(parts))


def _pause(attempt: int, wait: float | None) -> float:
    """Grows with each attempt and is spread, so that clients of one outage don't come back together; never less than asked for."""
    grown = min(_FIRST_PAUSE * (1 << min(attempt, 10)), _LONGEST_PAUSE)
    return max(grown * (0.5 + clock.jitter() / 2), wait or 0.0)

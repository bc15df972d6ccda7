"""One call: attempts under one deadline, with jittered pauses, repeated only where that can't do anything twice."""

from aaf_client._wire.answers import may_repeat, refusal, retry_after, was_refused_unread
from aaf_client._wire.port import Lost, NotSent, Repeat, Reply, Request, Wire
from aaf_client.errors import AgentFirewallError, RateLimited, Unavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0


class Uncertain(Exception):
    """The request may have arrived, and may not be repeated without looking; the cause is what came instead of an answer."""

    def __init__(self, cause: AgentFirewallError) -> None:
        super().__init__(cause.code)
        self.cause = cause


async def call(wire: Wire, request: Request, *, until: float) -> Reply:
    """Send `request` until it is answered; whatever the answer is, it isn't worth asking again.

    Raises:
        Unavailable: no answer until `until`.
        RateLimited: the rate limit lasts longer.
        Uncertain: as its name says, for requests that may not be repeated.
    """
    attempt = 0
    while True:
        wait: float | None = None
        try:
            reply = await wire.send(request, until=min(until, wire.now() + request.patience))
        except NotSent as error:
            failure: AgentFirewallError = Unavailable("The firewall can't be reached.", code="unreachable")
            failure.__cause__ = error.__cause__
        except Lost as error:
            failure = Unavailable("The connection to the firewall broke.", code="connection_lost")
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
        pause = _pause(wire, attempt, wait)
        if wire.now() + pause >= until:
            raise failure
        await wire.pause(pause)
        attempt += 1


def _pause(wire: Wire, attempt: int, wait: float | None) -> float:
    """Grows with each attempt and is spread, so that clients of one outage don't come back together; never less than asked for."""
    grown = min(_FIRST_PAUSE * (1 << min(attempt, 10)), _LONGEST_PAUSE)
    return max(grown * (0.5 + wire.jitter() / 2), wait or 0.0)

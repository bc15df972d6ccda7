"""Waiting for an action to move on: by server-sent events, reconnected where they end, by long poll where they don't work.

Every wait has an end: the caller's, and a watchdog over a stream that says nothing. A stream is only ever a faster way to the same answer,
so whatever is odd about it leads to the long poll, which also finds out what is wrong.
"""

from collections.abc import AsyncGenerator
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from typing import Final

from aaf_client import clock
from aaf_client._wire import requests
from aaf_client._wire.answers import parse_object
from aaf_client._wire.calling import ask
from aaf_client._wire.events import Event, Garbled, Reader
from aaf_client._wire.port import Lost, NotSent, Request, Wire
from aaf_client.errors import ApprovalTimeout, BadAnswer
from aaf_client.models import Action, ActionStatus

FIRST_BYTES: Final = 5.0
"""Seconds until a stream has said anything: a proxy that collects streams says nothing."""

SILENCE: Final = 40.0
"""Seconds without a byte, heartbeats included, after which a stream is dead."""

_OK = 200
_FAILURES = 4
"""Streams that break one after the other without an event between them."""

_LONG = 10.0
"""Seconds after which the end of a stream is no failure."""

_LEAST_RETRY = 0.5
_LEAST_POLL = 1.0


async def settled(wire: Wire, action: Action | str, *, until: float, moving: AbstractSet[ActionStatus]) -> Action:
    """The action as soon as its status is not one of `moving`.

    Raises:
        ApprovalTimeout: it still is at `until`.
        AgentFirewallError: it can't be read.
    """
    found = await _streamed(wire, action, until=until, moving=moving)
    return found or await _polled(wire, action, until=until, moving=moving)


async def _streamed(
    wire: Wire, action: Action | str, *, until: float, moving: AbstractSet[ActionStatus]
) -> Action | None:
    """By events, reconnected where the stream ends; None where they are not to be had, or not in time."""
    failures, last = 0, ""
    while True:
        reader, begun = Reader(last), clock.now()
        try:
            # Closed here and now: a stream that is left to the garbage collector keeps its connection.
            async with aclosing(_told(wire, requests.listen(action, last=last), reader, until=until)) as told:
                async for found in told:
                    failures = 0
                    if found.status not in moving:
                        return found
        except (Garbled, BadAnswer):
            return None
        except (NotSent, Lost):
            failures = failures + 1 if clock.now() - begun < _LONG else 0
        last = reader.last_id
        pause = max(reader.retry, _LEAST_RETRY) * (0.5 + clock.jitter() / 2)
        if failures == _FAILURES or clock.now() + pause >= until:
            return None
        await wire.pause(pause)


async def _told(wire: Wire, request: Request, reader: Reader, *, until: float) -> AsyncGenerator[Action]:
    """The states that one stream tells of, until it breaks.

    Raises:
        NotSent, Lost: it broke.
        Garbled, BadAnswer: it is no stream.
    """
    first = min(until, clock.now() + FIRST_BYTES)
    async with wire.listen(request, until=first) as stream:
        if stream.reply.status != _OK or stream.reply.media_type != "text/event-stream":
            raise Garbled
        heard = False
        while True:
            data = await stream.read(until=min(until, clock.now() + SILENCE) if heard else first)
            if not data:
                raise Lost
            heard = True
            for event in reader.feed(data):
                found = _action(event)
                if found is not None:
                    yield found


def _action(event: Event) -> Action | None:
    """The action that an event tells of; None for events of another version."""
    return Action.from_json(parse_object(event.data.encode())) if event.name == "action" else None


async def _polled(wire: Wire, action: Action | str, *, until: float, moving: AbstractSet[ActionStatus]) -> Action:
    """By long poll, the last of them without a wait, so that what has just happened is seen."""
    while True:
        asked = clock.now()
        left = int(until - asked)
        request = requests.read(action, wait=max(0, min(requests.POLL_TIME, left)))
        # A look that comes at the very end still has the time of one attempt.
        found = Action.from_json(await ask(wire, request, until=max(until, asked + requests.LAST_LOOK)))
        now = clock.now()
        if found.status not in moving:
            return found
        if now >= until or left < 1:
            raise ApprovalTimeout(found)
        if now - asked < _LEAST_POLL:  # whoever answered doesn't wait
            await wire.pause(min(_LEAST_POLL, until - now))

"""Waiting for an action as server-sent events (WHATWG HTML, section 9.2): what a long poll does, without asking again.

Every look at the store asks anew who may see the action; a stream whose key is over just ends. It ends after the event that nothing more
follows, when its time is over, and when the server drains; the client comes back with `Last-Event-ID`. A stream promises no intermediate
state: what moved twice between two looks is told once.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from aaf.domain.errors import AafError, Code, InputRefused, Unavailable
from aaf.entrypoints.api.openapi import event_stream, refusals
from aaf.entrypoints.api.problems import refusal
from aaf.entrypoints.api.receiving import Authenticated, Call, DoorRoute, headers_of
from aaf.entrypoints.api.requests import ActionId
from aaf.entrypoints.api.wire import WIRE, Wire
from aaf.services import actions
from aaf.services.actions import AWAITED, Seen
from aaf.services.core import Caller
from aaf.services.telling import tell_seen

RETRY = 2_000
"""Milliseconds that a client lets pass before it comes back."""
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.1, 1.0, 1.5
"""Seconds between two looks at the store; whatever this process changes wakes at once."""
_LAST_EVENT = b"last-event-id"
_DIGITS = 15
_PARAMETER: dict[str, Any] = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": f"^[0-9]{{0,{_DIGITS}}}$"},
    "description": "The last `id` that was seen: that version is told again only where nothing more follows it.",
}

router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["actions"])


@router.get(
    "/actions/{action}/events",
    response_class=StreamingResponse,
    summary="Wait for an action by server-sent events",
    responses={**event_stream("Events `action`; their data is the action's JSON."), **refusals(400, 403, 404)},
    openapi_extra={"parameters": [_PARAMETER]},
)
async def stream_action(call: Authenticated, action: ActionId) -> Response:
    """An event's `id` is the action's version. The last event is of an action that is neither `pending_approval` nor `executing`."""
    told = _told(call)
    seen = await actions.see(call.core, call.caller, action)
    return _Stream(call, action, seen, told)


def _told(call: Call) -> int:
    """The version that the client has seen, 0 for none.

    Raises:
        InputRefused: the header holds no id of this stream.
    """
    given = headers_of(call.request).get(_LAST_EVENT, [])
    if given in ([], [b""]):
        return 0
    if len(given) > 1 or len(given[0]) > _DIGITS or not given[0].isdigit():
        raise InputRefused(
            Code.BAD_REQUEST,
            "The header Last-Event-ID holds no id of this stream.",
            hint="Send the last `id`, or none.",
        )
    return int(given[0])


class _Stream(StreamingResponse):
    """One stream, in a place of its own: each holds a connection for minutes, so they are counted."""

    def __init__(self, call: Call, action: str, seen: Seen, told: int) -> None:
        super().__init__(self._events(seen, told), 200, {"X-Accel-Buffering": "no"}, "text/event-stream")
        self._call = call
        self._action = action
        self._wire: Wire | None = call.request.scope.get("state", {}).get(WIRE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Stream, or refuse where there are too many."""
        streams, who = self._call.door.streams, self._call.caller.principal.id
        if streams[who] >= self._call.door.limits.own_streams or streams.total() >= self._places():
            crowded = Unavailable(
                Code.TOO_MANY_CONNECTIONS, "There are too many streams.", hint="Read the action with `wait` instead."
            )
            await refusal(self._call.core, crowded)(scope, receive, send)
            return
        streams[who] += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            streams[who] -= 1
            if not streams[who]:
                del streams[who]

    def _places(self) -> int:
        """At most half of the connections, so that who doesn't stream finds one."""
        most = self._call.door.limits.streams
        return most if self._wire is None else min(most, self._wire.limits.connections // 2)

    async def _events(self, seen: Seen, told: int) -> AsyncIterator[bytes]:
        """An event for each version that is seen, a comment where nothing happens for long."""
        call, limits, time = self._call, self._call.door.limits, asyncio.get_running_loop().time
        caller, pause = call.caller, _FIRST_PAUSE
        until, beat = time() + limits.stream_time, time() + limits.heartbeat
        yield b"retry: %d\n\n" % RETRY
        while True:
            over = seen.record.state not in AWAITED
            if over or seen.record.version != told:
                told, pause, beat = seen.record.version, _FIRST_PAUSE, time() + limits.heartbeat
                yield _event(caller, seen)
            if over or time() >= until or (self._wire is not None and self._wire.ending):
                return
            if time() >= beat:
                beat = time() + limits.heartbeat
                yield b":\n\n"
            await call.door.wakes.wait(self._action, min(pause, beat - time(), until - time()))
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)
            try:
                caller = await caller.again(call.core)
                seen = await actions.see(call.core, caller, self._action)
            except AafError as refusal:
                # The response has begun, so nobody can be told here why; who comes back is.
                call.core.log.entry("stream_ended", {"action": self._action, "code": str(refusal.code)})
                return


def _event(caller: Caller, seen: Seen) -> bytes:
    """One event; the data is one line, because JSON escapes line breaks."""
    return b"id: %d\nevent: action\ndata: %b\n\n" % (seen.record.version, orjson.dumps(tell_seen(caller, seen)))

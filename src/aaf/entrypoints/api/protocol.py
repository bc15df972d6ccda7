"""One connection: uvicorn's HTTP protocol with a limit on everything that a client may send, or not send, before it is a request.

Heads and trailers are counted as they arrive, a head that stays incomplete is given up, and what is no HTTP is answered by a problem with
the headers of every other response. Trailers are dropped, because they arrive after the caller was identified, and nothing that follows
an `Upgrade` is read as a request. Bodies are limited where they are read, in `receiving`.
"""

import asyncio
from enum import Enum, auto
from functools import cache
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from aaf.domain.advice import ADVICE
from aaf.domain.errors import AafError, Code, InputRefused, Unavailable
from aaf.entrypoints.api.edge import HEADERS
from aaf.entrypoints.api.problems import problem
from aaf.entrypoints.api.wire import WIRE, Wire

_VERSIONS = frozenset({"1.0", "1.1"})
_PIECE = 16_384


class _Stage(Enum):
    """What of a request has arrived."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


class _Refused(Exception):
    """Ends the parser; what to answer stands in the connection."""


@cache
def _refusal(code: Code) -> tuple[bytes, bytes]:
    """The status line and the rest of the response, without its date."""
    advice = ADVICE[code]
    error: AafError
    if code is Code.TOO_MANY_CONNECTIONS:
        error = Unavailable(Code.TOO_MANY_CONNECTIONS, advice.message)
    else:
        error = InputRefused(code, advice.message)
    response = problem(error)
    lines = [name + b": " + value for name, value in (*response.raw_headers, *HEADERS) if name != b"connection"]
    rest = b"\r\n".join([*lines, b"connection: close", b"", bytes(response.body)])
    return STATUS_LINE[response.status_code], rest


class Connection(HttpToolsProtocol):
    """One connection; `wire` is what it shares with the others."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        wire: Wire,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._wire = wire
        self._limits = wire.limits
        self.timeout_keep_alive = wire.limits.idle  # type: ignore[assignment] # seconds, handed to call_later
        self._stage = _Stage.NOTHING
        self._open = 0
        self._unread = 0
        self._moved = False
        self._deaf = False
        self._cause = Code.BAD_REQUEST
        self._postponed: Code | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    # --- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take it if there is a place, and wait for a head."""
        super().connection_made(transport)
        self._wire.connected += 1
        if len(self.connections) > self._limits.connections and not self._wire.make_room():
            self.connections.discard(self)
            self._deaf = True
            self._write(Code.TOO_MANY_CONNECTIONS)
            transport.close()
            return
        self._expect(self._limits.head_time)
        self._wire.waited_for[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        self._wire.connected -= 1
        self._wire.waited_for.pop(self, None)
        self._unset_keepalive_if_required()
        self._expect(None)
        self.resume_writing()

    def shutdown(self) -> None:
        """Let what is complete end; what isn't has a short time left."""
        super().shutdown()
        self._wire.ending = True
        self.loop.call_later(self._limits.drain, self._leave_behind)

    def _leave_behind(self) -> None:
        if self in self._wire.waited_for:
            self.give_way()

    def give_way(self) -> None:
        """End now, without an answer; an application that reads a body finds its client gone."""
        self.connections.discard(self)
        self._deaf = True
        self.transport.abort()

    def pause_writing(self) -> None:
        """The client doesn't read: it has a while to."""
        super().pause_writing()
        self._stall = self._stall or self.loop.call_later(self._limits.stalled, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _expect(self, seconds: float | None) -> None:
        """The client has so many seconds for what it has to send next."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._overdue)

    def _overdue(self) -> None:
        """It did not come in time."""
        if self._stage is _Stage.HEAD:
            self._refuse(Code.REQUEST_TIMEOUT)
        else:
            self.transport.abort()

    def _listens(self) -> bool:
        """Whether what arrives is read as HTTP."""
        return not self._deaf and self._postponed is None

    def _whose_turn(self) -> None:
        """Note whether the client has to send something before anything can go on."""
        if not self._open or (self._stage is _Stage.BODY and not self.pipeline):
            self._wire.waited_for.setdefault(self)
        else:
            self._wire.waited_for.pop(self, None)

    # --- what arrives -------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Parse it in pieces, so that no piece hides much of what is counted."""
        if len(data) <= _PIECE:
            self._parse(data)
            return
        for start in range(0, len(data), _PIECE):
            self._parse(data[start : start + _PIECE])

    def _parse(self, data: bytes) -> None:
        """Parse a piece; it is counted if it brought neither the end of a head nor a part of a body."""
        if not self._listens():
            return
        self._moved = False
        super().data_received(data)
        if not self._listens():
            return
        self._unread = 0 if self._moved else self._unread + len(data)
        if self._stage is _Stage.NOTHING and self._moved and self._open:
            return  # a whole request, which is being answered
        if self._unread > self._limits.head or (self._stage is _Stage.HEAD and len(self.url) > self._limits.line):
            self._refuse(Code.HEADERS_TOO_LARGE)
            return
        self._await_more()

    def _await_more(self) -> None:
        """Give the client time for what is missing."""
        idle = self._stage is _Stage.NOTHING and not self._open
        if idle and self._moved:  # the rest of a body that was answered before
            self.timeout_keep_alive_task = self.loop.call_later(self._limits.idle, self.timeout_keep_alive_handler)
        elif (idle or self._stage is _Stage.HEAD) and self._deadline is None:
            self._expect(self._limits.head_time)
        self._whose_turn()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["state"][WIRE] = self._wire
        self._stage = _Stage.HEAD

    def on_headers_complete(self) -> None:
        """A request can start; what is called a header from here on is a trailer, and dropped."""
        if len(self.url) > self._limits.line:
            self._cause = Code.HEADERS_TOO_LARGE
            raise _Refused
        if self.parser.get_http_version() not in _VERSIONS or len(self.pipeline) >= self._limits.pipelined:
            raise _Refused
        super().on_headers_complete()
        self.headers = []
        self._open += 1
        self._stage, self._moved = _Stage.BODY, True
        if self._deadline is not None:
            self._expect(None)
        self._wire.waited_for.pop(self, None)

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self._stage, self._moved = _Stage.NOTHING, True
        if self._deadline is not None:
            self._expect(None)
        super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Answer an upgrade as the request that it is, and read no more: what follows may be meant as another protocol."""
        self._deaf = True
        self._wire.waited_for.pop(self, None)
        self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """Go on with the next request, or with what the client still owes."""
        self._open -= 1
        if self._postponed is not None and not self.pipeline:
            self.server_state.total_requests += 1
            self._say(self._postponed)
            return
        super().on_response_complete()
        if self.pipeline and not self.transport.is_closing():
            self.flow.pause_reading()
        if self._stage is _Stage.BODY and not self._open:
            self._expect(self._limits.rest)
        self._whose_turn()

    # --- what is refused ----------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the signature of uvicorn; what it says is the parser's
        """Answer what is no HTTP."""
        self._refuse(self._cause)

    def _refuse(self, code: Code) -> None:
        """Refuse what arrives now and read no more; requests that were complete before it are answered first."""
        self._expect(None)
        if self._open and self._stage is _Stage.BODY:  # the end of a body that has been given to the application
            if not self.pipeline:
                self.cycle.disconnected = True
                self.cycle.message_event.set()
                if self.cycle.response_started:
                    self.give_way()
                else:
                    self._say(code)
                return
            self.pipeline.popleft()
            self._open -= 1
        elif self._stage is _Stage.BODY:  # the rest of one that was answered before its end
            self._end()
            return
        if self._open:
            self._postponed = code
        else:
            self._say(code)

    def _say(self, code: Code) -> None:
        """Answer, and end."""
        if not self.transport.is_closing():
            self._write(code)
        self._end()

    def _end(self) -> None:
        """Read no more, and leave the client a moment to read what was written."""
        self._deaf = True
        self._wire.waited_for.setdefault(self)
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._deadline = self.loop.call_later(self._limits.linger, self.transport.abort)

    def _write(self, code: Code) -> None:
        """Write the problem."""
        self._wire.count(code)
        dated = [name + b": " + value + b"\r\n" for name, value in self.server_state.default_headers]
        status, rest = _refusal(code)
        self.transport.write(b"".join([status, *dated, rest]))

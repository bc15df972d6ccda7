"""What all connections of a server share: their limits, who is waited for, and a count of what was refused before it was a request.

When every place is taken, a new connection gets the place of the one whose client has kept the server waiting longest; a request that
is complete is never given up for another. Only where every place has such a request is the new connection refused. The log gets
one line at once and then at most one a minute, whatever is sent.
"""

import resource
from asyncio import TimerHandle, get_running_loop
from collections import Counter
from collections.abc import Mapping
from contextvars import Context
from dataclasses import dataclass, field
from typing import Protocol, Self

from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.domain.metering import UNCOUNTED, Metric
from aaf.ports import Log, Meter

_MOST = 2_048
WIRE = "aaf.wire"
"""The name in a request's state under which the application finds the wire that it came by."""


@dataclass(frozen=True, slots=True)
class WireLimits:
    """What a connection may cost before and after its requests: sizes in bytes, times in seconds."""

    connections: int = _MOST
    line: int = 8_192
    """The address of a request."""
    head: int = 65_536
    """Request line and headers together; trailers, and chunk extensions between two pieces of a body."""
    pipelined: int = 16
    """Requests that wait behind the one that is answered."""
    head_time: float = 10
    """From the first byte, or from the connection, to the end of the headers."""
    idle: float = 75
    """Between two requests; longer than proxies and clients keep a connection."""
    rest: float = 5
    """To send the rest of a body that is answered already."""
    linger: float = 1
    """To read a refusal; what is still sent is forgotten."""
    stalled: float = 30
    """In which a client that is written to has to read something."""
    drain: float = 2
    """To complete a request when the server ends."""
    quiet: float = 60
    """Between two lines of the log about refused connections."""

    @classmethod
    def of_process(cls) -> Self:
        """As many connections as leave a quarter of the process's descriptors to everything else."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls(connections=_MOST if soft == resource.RLIM_INFINITY else max(1, min(_MOST, soft * 3 // 4)))


class Client(Protocol):
    """A connection whose client has to send something next."""

    def give_way(self) -> None:
        """End now, without an answer."""


@dataclass(slots=True)
class Wire:
    """The shared part."""

    log: Log
    limits: WireLimits = field(default_factory=WireLimits.of_process)
    waited_for: dict[Client, None] = field(default_factory=dict)
    """In the order in which the waiting began."""
    ending: bool = False
    """Whether the server drains: what would go on for long ends now."""
    meter: Meter = UNCOUNTED
    connected: int = 0
    """How many connections are open."""
    _refused: Counter[str] = field(default_factory=Counter)
    _next_line: TimerHandle | None = None

    def make_room(self) -> bool:
        """End the connection that is waited for longest; False if there is none."""
        longest = next(iter(self.waited_for), None)
        if longest is None:
            return False
        del self.waited_for[longest]
        longest.give_way()
        self.count(Code.TOO_MANY_CONNECTIONS)
        return True

    def count(self, code: Code) -> None:
        """Count a refusal; the log gets the sums."""
        self._refused[code] += 1
        self.meter.add(Metric.REFUSALS, str(code))
        if self._next_line is None:
            Context().run(self._write)  # the line is about no request, also where one happens to be served

    def _write(self) -> None:
        """Log the sums since the last line; after a time without any the next refusal is logged at once."""
        self._next_line = None
        if self._refused:
            sums: Mapping[str, Json] = dict(sorted(self._refused.items()))
            self.log.entry("connections_refused", sums)
            self._refused.clear()
            self._next_line = get_running_loop().call_later(self.limits.quiet, self._write)

"""One hop's deadline and budgets, asked before every read and write of both forms of the client.

A server that drips can't lengthen a call, because each operation gets what is left of the whole. What a failure means depends on whether anything
of the request has left: before that nothing can have happened, after it nobody knows.
"""

import time
from collections.abc import Callable

from aaf.adapters.egress.failures import failed
from aaf.adapters.egress.rules import Limits
from aaf.domain.errors import Code, ConnectorFailed

Now = Callable[[], float]
"""A monotonic clock in seconds."""

_FRAMING = 64 << 10
"""Bytes that chunk sizes, their extensions and trailers may take besides the body."""


class Deadline:
    """An instant of the monotonic clock, fixed once for a call with all its hops."""

    def __init__(self, seconds: float, now: Now = time.monotonic) -> None:
        self._now = now
        self._end = now() + seconds

    def left(self) -> float:
        """Seconds until then, 0 or less when it has passed."""
        return self._end - self._now()


class Meter:
    """Counts one hop's bytes and knows how far it is: `sent` is true once a byte of the request may have left."""

    def __init__(self, deadline: Deadline, limits: Limits) -> None:
        self._deadline = deadline
        self._limits = limits
        self._received = 0
        self._most = limits.head
        self.sent = False

    def left(self, before_sending: Code) -> float:
        """Seconds that the next operation may take; until the request is sent at most those for connecting.

        Raises:
            ConnectorFailed: there are none; `before_sending` is the code while nothing was sent.
        """
        left = self._deadline.left()
        if left <= 0:
            raise self.over(before_sending)
        return left if self.sent else min(left, self._limits.connect_seconds)

    def over(self, before_sending: Code = Code.EGRESS_CONNECT_FAILED) -> ConnectorFailed:
        """What an operation that ran out of time means now."""
        return failed(Code.CONNECTOR_TIMEOUT if self.sent else before_sending, "out of time")

    def room(self, wanted: int) -> int:
        """How many bytes the next read may take.

        Raises:
            ConnectorFailed: the budget of this part of the answer is used up.
        """
        left = self._most - self._received
        if left <= 0:
            raise failed(Code.EGRESS_TOO_LARGE, "bytes of an answer")
        return min(wanted, left)

    def took(self, number: int) -> None:
        """Count what a read gave."""
        self._received += number

    def head_done(self) -> None:
        """The head is complete: from here on the body's budget counts, with room for its framing."""
        self._most = self._received + 2 * self._limits.wire + _FRAMING

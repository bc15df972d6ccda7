"""Randomness of the operating system: ids and salts."""

import os
import threading
import time

_COUNTER_BITS = 12


class SystemIds:
    """UUIDv7 (RFC 9562 section 5.7, method 1 of 6.2): milliseconds, a counter within the millisecond, 62 random bits."""

    def __init__(self) -> None:
        """Start the counter."""
        self._lock = threading.Lock()
        self._last = 0

    def new(self) -> str:
        """A new id, greater than every earlier one of this object."""
        stamp = (time.time_ns() // 1_000_000) << _COUNTER_BITS
        with self._lock:
            self._last = stamp = max(stamp, self._last + 1)
        tail = os.urandom(8).hex()
        variant = "89ab"[int(tail[0], 16) & 3]
        return "%08x-%04x-7%03x-%s%s-%s" % (  # noqa: UP031 - the quickest way to these digits; three ids are made for each decision
            stamp >> 28,
            stamp >> _COUNTER_BITS & 0xFFFF,
            stamp & 0xFFF,
            variant,
            tail[1:4],
            tail[4:],
        )

    def salt(self) -> bytes:
        """32 random bytes."""
        return os.urandom(32)

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
        high = ((stamp >> _COUNTER_BITS) << 16) | 0x7000 | (stamp & 0xFFF)
        low = 0x8000_0000_0000_0000 | (int.from_bytes(os.urandom(8)) >> 2)
        text = f"{high:016x}{low:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def salt(self) -> bytes:
        """32 random bytes."""
        return os.urandom(32)

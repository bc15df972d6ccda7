"""Randomness of the operating system: ids and salts."""

import os
import threading
import time

_COUNTER_BITS = 12
_POOL = 4096


class _Pool:
    """Random bytes of the operating system, fetched a page at a time, because each call to it hands the interpreter's lock over.

    Every byte is given out once. A forked child starts with an empty pool, so that no two processes give out the same bytes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = b""
        self._used = 0

    def take(self, count: int) -> bytes:
        """`count` bytes that nobody got before."""
        with self._lock:
            if self._used + count > len(self._bytes):
                self._bytes, self._used = os.urandom(max(_POOL, count)), 0
            start, self._used = self._used, self._used + count
            return self._bytes[start : self._used]


_pool = _Pool()


def _forget() -> None:
    """In a forked child: another pool, with a lock of its own."""
    global _pool  # noqa: PLW0603 - the one place where a process begins anew
    _pool = _Pool()


os.register_at_fork(after_in_child=_forget)


def random_bytes(count: int) -> bytes:
    """`count` random bytes."""
    return _pool.take(count)


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
        tail = random_bytes(8).hex()
        variant = "89ab"[int(tail[0], 16) & 3]
        return f"{stamp >> 28:08x}-{stamp >> _COUNTER_BITS & 0xFFFF:04x}-7{stamp & 0xFFF:03x}-{variant}{tail[1:4]}-{tail[4:]}"

    def salt(self) -> bytes:
        """32 random bytes."""
        return random_bytes(32)

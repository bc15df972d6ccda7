"""Randomness of the operating system: ids and salts."""

import os
import threading
import time

_POOL = 4096


class _Pool(threading.local):
    """Random bytes of the operating system, fetched a page at a time, because each call to it hands the interpreter's lock over.

    Each thread has a page of its own, so none waits for another; every byte is given out once. A forked child begins with an empty page, so
    that no two processes give out the same bytes.
    """

    page = b""
    used = 0

    def take(self, count: int) -> bytes:
        """`count` bytes that nobody got before."""
        start = self.used
        end = start + count
        if end > len(self.page):
            self.page, start, end = os.urandom(max(_POOL, count)), 0, count
        self.used = end
        return self.page[start:end]


_pool = _Pool()


def _forget() -> None:
    """In a forked child: the page of the one thread that is left is not used any further."""
    _pool.page, _pool.used = b"", 0


os.register_at_fork(after_in_child=_forget)


def random_bytes(count: int) -> bytes:
    """`count` random bytes."""
    return _pool.take(count)


class SystemIds:
    """UUIDv7 (RFC 9562 section 5.7) by method 3 of section 6.2: milliseconds, twelve bits of their fraction, 62 random bits.

    Ordered as the wall clock is, to a quarter of a microsecond, with no counter that threads would have to share.
    """

    def new(self) -> str:
        """A new id."""
        milliseconds, rest = divmod(time.time_ns(), 1_000_000)
        fraction = (rest << 12) // 1_000_000
        tail = random_bytes(8).hex()
        variant = "89ab"[int(tail[0], 16) & 3]
        return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{fraction:03x}-{variant}{tail[1:4]}-{tail[4:]}"

    def salt(self) -> bytes:
        """32 random bytes."""
        return random_bytes(32)

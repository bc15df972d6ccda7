"""A bound on work that no clock is needed for: how many calls a piece of code may make."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooMuchWorkError(AssertionError):
    """More calls were made than the test allows."""


@contextmanager
def at_most(calls: int) -> Iterator[None]:
    """Stop what runs inside once it has made more than this many calls."""
    made = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")
        if made > calls:
            raise TooMuchWorkError(calls)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)

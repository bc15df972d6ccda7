"""Drive a coroutine that never suspends: how embedded use and worker threads call what is written as `async def`."""

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it to its end with one `send`.

    Raises:
        RuntimeError: it suspended, so it was given an adapter that waits on an event loop: a bug of the composition.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    coroutine.close()
    msg = "a coroutine suspended outside an event loop"
    raise RuntimeError(msg)

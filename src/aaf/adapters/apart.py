"""Work on a thread that the process doesn't wait for when it ends: what can't be stopped must not keep a server from stopping."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def begin_apart(work: Callable[[], T], *, name: str) -> "asyncio.Future[T]":
    """Start `work` on a thread of its own and return what it comes to; to be called on the event loop.

    Nobody who gives up ends it: it goes on unheard.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            done = work()
        except Exception as failure:  # noqa: BLE001 - whoever waits gets it
            _deliver(loop, future, lambda told=failure: future.set_exception(told))  # type: ignore[misc]
        else:
            _deliver(loop, future, lambda: future.set_result(done))

    threading.Thread(target=run, name=name, daemon=True).start()
    return future


def _deliver(loop: asyncio.AbstractEventLoop, future: "asyncio.Future[T]", settle: Callable[[], None]) -> None:
    """Settle on the loop, if that is still there and somebody still waits."""

    def settled() -> None:
        if not future.done():
            settle()

    with suppress(RuntimeError):  # the loop was closed meanwhile
        loop.call_soon_threadsafe(settled)

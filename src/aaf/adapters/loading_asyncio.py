"""Compiling on a thread, because an event loop must not wait for it, nor the end of a server; on few at once, so that the loop gets its turns."""

import asyncio
from collections.abc import Mapping
from functools import partial

from aaf.adapters.apart import begin_apart
from aaf.adapters.loading import compiled
from aaf.domain.errors import Code, ConfigurationInvalid, Problem, Unavailable
from aaf.policy.configuration import MAIN, Configuration

LONGEST = 120.0
"""Seconds that compiling may take, and that one waits for its turn."""
AT_ONCE = 2
WAITING = 16
"""Compilations that wait for their turn; another one is refused at once, because each holds its files."""


class OnThread:
    """The port `Loader` of a server. A thread can't be stopped: one that is late keeps its place until it ends, and its configuration is refused."""

    def __init__(self, longest: float = LONGEST) -> None:
        """`longest` in seconds."""
        self._longest = longest
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def load(self, files: Mapping[str, bytes], /) -> Configuration:
        """Compile on a thread.

        Raises:
            ConfigurationInvalid: it has problems, or takes too long.
            Unavailable: too much is compiled already.
        """
        await self._wait()
        try:
            work = begin_apart(partial(compiled, files), name="aaf-loading")
        except BaseException:
            self._places.release()
            raise
        work.add_done_callback(lambda _: self._places.release())
        try:
            async with asyncio.timeout(self._longest):
                return await asyncio.shield(work)
        except TimeoutError:
            hint = "take something out, or split large policy modules"
            message = f"compiling took more than {self._longest:g} seconds"
            raise ConfigurationInvalid((Problem(MAIN, 0, 0, message, hint),)) from None

    async def _wait(self) -> None:
        """Wait for a place."""
        if self._waiting >= WAITING:
            raise _crowded()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._longest):
                await self._places.acquire()
        except TimeoutError:
            raise _crowded() from None
        finally:
            self._waiting -= 1


def _crowded() -> Unavailable:
    return Unavailable(
        Code.TOO_MANY_CONNECTIONS, "Too many configurations are being compiled just now.", hint="Try again later."
    )

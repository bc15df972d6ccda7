"""Compiling on a thread, because an event loop must not wait for it, nor the end of a server."""

import asyncio
from collections.abc import Mapping
from functools import partial

from aaf.adapters.apart import begin_apart
from aaf.adapters.loading import compiled
from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.policy.configuration import MAIN, Configuration

LONGEST = 120.0
"""Seconds that compiling may take."""


class OnThread:
    """The port `Loader` of a server. A thread can't be stopped: one that is late goes on unheard, and its configuration is refused."""

    def __init__(self, longest: float = LONGEST) -> None:
        """`longest` in seconds."""
        self._longest = longest

    async def load(self, files: Mapping[str, bytes], /) -> Configuration:
        """Compile on a thread."""
        try:
            async with asyncio.timeout(self._longest):
                return await begin_apart(partial(compiled, files), name="aaf-loading")
        except TimeoutError:
            hint = "take something out, or split large policy modules"
            message = f"compiling took more than {self._longest:g} seconds"
            raise ConfigurationInvalid((Problem(MAIN, 0, 0, message, hint),)) from None

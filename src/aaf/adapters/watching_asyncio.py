"""Watching on a thread, so that neither a disk that answers late nor one that doesn't answer at all keeps the event loop or the server's end waiting."""

import asyncio

from aaf.adapters.apart import begin_apart
from aaf.adapters.watching import WatchedFolder, unreadable
from aaf.domain.errors import Problem
from aaf.ports import Found

LONGEST = 10.0
"""Seconds after which a folder that doesn't answer is told as a problem."""


class OnThread:
    """The port `Folder` of a server, over a folder that blocks; one look at a time."""

    def __init__(self, folder: WatchedFolder, *, longest: float = LONGEST) -> None:
        """Start nothing yet. `longest` in seconds."""
        self._folder = folder
        self._longest = longest
        self._looking: asyncio.Future[Found | None] | None = None
        self._late = False
        self._forget = False

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return self._folder.name

    async def look(self) -> Found | None:
        """Look on a thread, or go on waiting for the look that hasn't ended."""
        if self._looking is None:
            if self._forget:
                self._folder.forget()
                self._forget = False
            self._looking = begin_apart(self._folder.look, name="aaf-watch")
        done, _ = await asyncio.wait([self._looking], timeout=self._longest)
        if not done:
            return self._told_late()
        looked, self._looking = self._looking, None
        if self._late:
            self._late, self._forget = False, True  # what is there was told as a problem, so it is to be found anew
            return None
        return looked.result()

    def forget(self) -> None:
        """Find again what is there, at the next look that begins."""
        self._forget = True

    def _told_late(self) -> Found | None:
        """That nothing answers, once."""
        if self._late:
            return None
        self._late = True
        message = f"the folder doesn't answer for more than {self._longest:g} seconds"
        return unreadable(Problem(".", 0, 0, message, "look at the disk that it is on"))

"""Watching on a thread of its own: a disk that answers late, or connectors that use every other thread, keep neither the loop nor the watch waiting."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aaf.adapters.watching import WatchedFolder
from aaf.ports import Found


class OnThread:
    """The port `Folder` of a server, over a folder that blocks."""

    def __init__(self, folder: WatchedFolder) -> None:
        """Start nothing yet."""
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="aaf-watch")

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return self._folder.name

    async def look(self) -> Found | None:
        """Look on the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._folder.look)

    def forget(self) -> None:
        """Find again what is there."""
        self._thread.submit(self._folder.forget)

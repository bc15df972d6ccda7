"""A connector whose blocking work runs on a thread, under a deadline, so that a server's event loop never waits for a disk.

A run that is over its time is not stopped, because a thread can't be: its end is not known, and that is what is recorded.
"""

import asyncio
from collections.abc import Mapping

from aaf.adapters.driving import drive
from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.finding import Analysis
from aaf.ports import Connector


class Threaded:
    """`inner` never suspends: its coroutines are driven to the end on a worker thread. `timeout` in seconds."""

    def __init__(self, inner: Connector, *, timeout: float) -> None:
        """Wrap a connector."""
        self._inner = inner
        self._timeout = timeout

    @property
    def name(self) -> str:
        """The inner connector's."""
        return self._inner.name

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        """Pure, so here."""
        return self._inner.analyse(operation=operation, params=params)

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:
        """On a thread."""
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.to_thread(drive, self._inner.dry_run(operation=operation, params=params))
        except TimeoutError:
            raise ConnectorFailed(Code.DRY_RUN_FAILED, "The dry run took too long.") from None

    async def run(self, *, operation: str, params: Mapping[str, Json], expected: Effect | None) -> Json:
        """On a thread; over time is CONNECTOR_TIMEOUT, which means that nobody knows."""
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.to_thread(
                    drive, self._inner.run(operation=operation, params=params, expected=expected)
                )
        except TimeoutError:
            raise ConnectorFailed(Code.CONNECTOR_TIMEOUT, "The run took too long; its end isn't known.") from None

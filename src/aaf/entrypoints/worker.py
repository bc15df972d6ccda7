"""The work that nobody asks for: deadlines, approved runs, counts and checkpoints, a round at a time until told to stop.

No rule is kept here and nothing depends on it: every deadline is compared at use. A round that fails is logged by its kind
of error, never by its text, and the next one follows.
"""

import asyncio

from aaf.ports import ORIGIN, Origin
from aaf.services.core import Core
from aaf.services.timers import round_of_work


async def work(core: Core, *, every: float = 1.0, stop: asyncio.Event) -> None:
    """Do a round, wait `every` seconds, until `stop` is set."""
    ORIGIN.set(Origin("worker", core.process))
    while not stop.is_set():
        try:
            await round_of_work(core)
        except Exception as failure:  # noqa: BLE001 - a worker that died would let deadlines pass unseen
            core.log.entry("worker_failed", {"error": type(failure).__name__})
        try:
            async with asyncio.timeout(every):
                await stop.wait()
        except TimeoutError:
            continue

"""How a task waits for the writer thread's answer: a future of the running loop.

All answers of one batch reach a loop by one wake-up, because each wake-up costs a system call. A task that was cancelled meanwhile, and a loop that
has closed, are nobody's error: what was written stays written.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from aaf.adapters.waiting import Outcome, Slot


@dataclass(frozen=True, slots=True, eq=False)
class _Future:
    """A slot on a loop."""

    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Outcome]"

    async def outcome(self) -> Outcome:
        """Suspend the task until it is there."""
        return await self.future


class OnLoop:
    """For the server: every loop of the process may use the same store."""

    def slot(self) -> Slot:
        """An empty slot on the running loop."""
        loop = asyncio.get_running_loop()
        return _Future(loop, loop.create_future())

    def deliver(self, settled: Iterable[tuple[Slot, Outcome]]) -> None:
        """Wake each loop once for the whole batch."""
        loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Outcome], Outcome]]] = {}
        for slot, value in settled:
            if isinstance(slot, _Future):
                loops.setdefault(slot.loop, []).append((slot.future, value))
        for loop, answers in loops.items():
            with contextlib.suppress(RuntimeError):  # the loop has closed, and with it everybody who waited
                loop.call_soon_threadsafe(_fill, answers)


def _fill(answers: list[tuple["asyncio.Future[Outcome]", Outcome]]) -> None:
    """Fill what is still waited for."""
    for future, value in answers:
        if not future.done():
            future.set_result(value)

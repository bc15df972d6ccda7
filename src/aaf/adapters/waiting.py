"""How a caller waits for the writer thread's answer without an event loop.

`commit` of a store is a coroutine; with these slots it never suspends, so one `coroutine.send(None)` drives it to its end. The thread that
calls is the thread that waits. Nothing here is about event loops: that is `waiting_asyncio`.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from aaf.domain.errors import AafError
from aaf.ports import Answer

Outcome: TypeAlias = Answer | bool | AafError | None
"""What became of one piece of work; an error is raised in its caller."""


class Slot(Protocol):
    """A place for one outcome."""

    async def outcome(self) -> Outcome:
        """Wait until it is there."""


class Waiting(Protocol):
    """Makes slots on the caller's side and fills them on the writer's."""

    def slot(self) -> Slot:
        """An empty slot for the caller that asks."""

    def deliver(self, settled: Iterable[tuple[Slot, Outcome]]) -> None:
        """Fill the slots of one batch. Called by any thread; must not raise and must not wait for a caller."""


def _taken() -> threading.Lock:
    """A lock that the waiting side can only get once the other side lets go."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Held:
    """A slot that blocks the calling thread."""

    lock: threading.Lock = field(default_factory=_taken)
    value: Outcome = None

    async def outcome(self) -> Outcome:
        """Block until it is there; never suspends."""
        self.lock.acquire()
        return self.value


class Blocking:
    """For embedded use, the terminal and threads."""

    def slot(self) -> Slot:
        """An empty slot."""
        return _Held()

    def deliver(self, settled: Iterable[tuple[Slot, Outcome]]) -> None:
        """Fill each slot and let its thread go."""
        for slot, value in settled:
            if isinstance(slot, _Held):
                slot.value = value
                slot.lock.release()

"""How often something may happen: starts of workers at all, and workers that the questions of one agent may cost.

The second keeps one agent whose actions end worker after worker from using up the first, on which everybody depends.
"""

from collections.abc import Callable

MAX_ASKERS = 1000
"""Agents that are remembered; whoever cost a worker longest ago is forgotten first."""


class Allowance:
    """`room` at once, and one more each `rest` seconds."""

    def __init__(self, room: int, rest: float, clock: Callable[[], float]) -> None:
        """Begin with all of it."""
        self._room, self._rest, self._clock = room, rest, clock
        self._left, self._counted_at = float(room), clock()

    def any(self) -> bool:
        """Whether one is left."""
        now = self._clock()
        self._left = min(self._left + (now - self._counted_at) / self._rest, self._room)
        self._counted_at = now
        return self._left >= 1

    def take(self) -> bool:
        """Take one; False where none is left."""
        left = self.any()
        self._left -= left
        return left


class Losses:
    """The workers that each agent may cost; nothing is kept of those that cost none."""

    def __init__(self, room: int, rest: float, clock: Callable[[], float]) -> None:
        """Begin with nobody."""
        self._limits = room, rest, clock
        self._askers: dict[str, Allowance] = {}

    def over(self, asker: str) -> bool:
        """Whether this agent has cost too many, for now."""
        found = self._askers.get(asker)
        return found is not None and not found.any()

    def charge(self, asker: str) -> None:
        """It cost one more."""
        found = self._askers.pop(asker, None) or Allowance(*self._limits)
        found.take()
        while len(self._askers) >= MAX_ASKERS:
            del self._askers[next(iter(self._askers))]
        self._askers[asker] = found

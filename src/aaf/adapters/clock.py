"""Where instants come from, and how a jump of the wall clock is told from time that passed.

A store never trusts one reading: what it calls now is the later of the wall clock and the highest instant it has written. Nothing here
sleeps, and nothing here can tell whether a clock that never jumped is right.
"""

import threading
import time
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol

MICROSECOND = 1_000
"""Nanoseconds in one."""

JUMP = 60_000_000
"""Microseconds beyond which a difference between clocks is recorded as a jump."""


CONFIRMED = 600_000_000
"""Microseconds of steady time after which a jump forward that stayed is believed."""


class Clock(Protocol):
    """Two readings; neither promises anything about the other."""

    def wall(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z, as far as this machine knows."""

    def steady(self) -> int:
        """Microseconds since some instant of the past; never goes back while the machine runs."""


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clocks. Steady time counts while a machine sleeps, where the system can tell, so that waking up is no jump."""

    def wall(self) -> int:
        """The wall clock."""
        return time.time_ns() // MICROSECOND

    def steady(self) -> int:
        """CLOCK_BOOTTIME on Linux, the monotonic clock elsewhere."""
        return _steady_ns() // MICROSECOND


def _steady_ns() -> int:
    """Read the steadiest clock there is."""
    boot: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boot is None else time.clock_gettime_ns(boot)


@dataclass(slots=True)
class FixedClock:
    """A clock that moves only when told to, in microseconds."""

    at: int = 1_700_000_000_000_000
    ticks: int = 0

    def wall(self) -> int:
        """The instant it was set to."""
        return self.at

    def steady(self) -> int:
        """What `advance` has added up to."""
        return self.ticks

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.at += round(seconds * 1_000_000)
        self.ticks += round(seconds * 1_000_000)

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or, with a negative number, back, while no time passes."""
        self.at += round(seconds * 1_000_000)


@unique
class Direction(StrEnum):
    """Which way a wall clock jumped."""

    BACKWARD = "backward"
    FORWARD = "forward"


@dataclass(frozen=True, slots=True)
class Reading:
    """Both clocks at one moment."""

    wall: int
    steady: int


def read(clock: Clock) -> Reading:
    """Read both."""
    return Reading(clock.wall(), clock.steady())


@dataclass(frozen=True, slots=True)
class Mark:
    """What a store keeps of time: the highest instant it has written, and whether the wall clock was last seen far behind it."""

    at: int
    behind: bool

    def moved(self, last: Reading, now: Reading) -> tuple["Mark", tuple[Direction, int] | None]:
        """Return the mark after `now`, and a jump with its whole seconds if this reading is the first to show one.

        `last` is the process's own previous reading. A jump forward counts only while nobody else has moved the mark to the
        new time, a jump back only while it isn't known, so that several processes on one store record it once.
        """
        behind = now.wall < self.at - JUMP
        mark = Mark(max(now.wall, self.at), behind)
        if behind and not self.behind:
            return mark, (Direction.BACKWARD, (self.at - now.wall) // 1_000_000)
        unexplained = (now.wall - last.wall) - (now.steady - last.steady)
        if unexplained > JUMP and now.wall > self.at + JUMP:
            return mark, (Direction.FORWARD, unexplained // 1_000_000)
        return mark, None


class Doubt:
    """Whether this process saw the wall clock jump forward and nothing has confirmed it yet.

    What passed before the process started, it can't tell from a jump.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = read(clock)
        self._ahead = 0
        self._since = 0

    def lasts(self) -> bool:
        """Look at both clocks; doubt ends when the wall clock came back, or after ten minutes that pass steadily."""
        with self._lock:
            last, self._last = self._last, read(self._clock)
            unexplained = (self._last.wall - last.wall) - (self._last.steady - last.steady)
            if abs(unexplained) > JUMP:
                self._ahead = max(self._ahead + unexplained, 0)
                self._since = self._last.steady
            if self._ahead <= JUMP or self._last.steady - self._since >= CONFIRMED:
                self._ahead = 0
            return self._ahead > 0

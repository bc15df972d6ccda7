"""A clock that holds whoever reads it: the writer thread stops with its batch in hand until a test lets it go on."""

import threading

from aaf.adapters.clock import FixedClock


class Gate(FixedClock):
    """Open until `shut`; `dead` ends the thread that comes through."""

    def __init__(self) -> None:
        super().__init__()
        self._open = threading.Event()
        self._open.set()
        self._reached = threading.Event()
        self.dead = False

    def shut(self) -> None:
        self._reached.clear()
        self._open.clear()

    def reached(self) -> None:
        """Wait until somebody stands before the gate."""
        self._reached.wait()

    def open(self) -> None:
        self._open.set()

    def wall(self) -> int:
        if not self._open.is_set():
            self._reached.set()
            self._open.wait()
        if self.dead:
            raise SystemExit
        return super().wall()

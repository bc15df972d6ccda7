"""One core, driven to its end call by call: its adapters never suspend, so no event loop is needed.

This is the small inside of embedded use: it opens a core and runs services on it. The client's models and errors come on top of it.
"""

from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from aaf.bootstrap import App, Part, build, drive
from aaf.ports import Log
from aaf.services.core import Core
from aaf.settings import Settings

T = TypeVar("T")


class Embedded:
    """A running core for one process; close it, or use it as a context."""

    def __init__(self, app: App) -> None:
        """Use `open`."""
        self.app = app

    @classmethod
    def open(cls, settings: Settings, *, log: Log | None = None, part: Part = Part.SERVER) -> Self:
        """Build the core with adapters that never suspend.

        Raises:
            ConfigurationInvalid: the configuration is broken and there is no earlier one.
            StoreFailed: the database or a key file can't be used.
        """
        return cls(drive(build(settings, asynchronous=False, log=log, part=part)))

    @property
    def core(self) -> Core:
        """The ports, for services."""
        return self.app.core

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run one service call to its end."""
        return drive(coroutine)

    def close(self) -> None:
        """Finish what is queued and let go of the files."""
        drive(self.app.close())

    def __enter__(self) -> Self:
        """This."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

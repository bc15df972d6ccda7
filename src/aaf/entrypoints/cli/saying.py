"""What the terminal of a running server says of its configuration folder: each activation in a line, each refusal with its places.

It is said by a thread of its own, because a terminal that doesn't take it must neither stop the server nor end the watch. The log has the
same in lines for collectors; nothing depends on what is said here.
"""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from rich.text import Text

from aaf.bootstrap import placed, placed_warnings
from aaf.domain.errors import ConfigurationInvalid
from aaf.entrypoints.cli.terminal.output import inert, note
from aaf.entrypoints.cli.terminal.stopping import masked
from aaf.services.releases import Activated
from aaf.services.watching import Delayed, Imported, Refused, Unchanged

MOST = 100
"""What may wait to be said; more is not said."""


class Saying:
    """Says one thing after another, and keeps nobody waiting; what is not said at the end of the process isn't."""

    def __init__(self) -> None:
        """Start the thread, which ends with the process."""
        self._queue: queue.Queue[Callable[[], None]] = queue.Queue(MOST)
        threading.Thread(target=self._run, name="aaf-saying", daemon=True).start()

    def say(self, what: Callable[[], None]) -> None:
        """Have it said soon."""
        with suppress(queue.Full):
            self._queue.put_nowait(what)

    def _run(self) -> None:
        while True:
            with suppress(OSError, ValueError):  # the terminal is gone
                self._queue.get()()


def say_imported(done: Imported | Delayed, folder: Path | None) -> None:
    """Say what became of the folder, for whoever watches the terminal; nothing where nothing changed."""
    match done:
        case Activated(release, True, warnings):
            note(f"Release {release.number} is active: {inert(masked(release.message))}.", "green")
            for warning in placed_warnings(warnings, folder):
                note(f"warning: {inert(masked(warning))}", "yellow")
        case Refused(invalid, number):
            say_problems(placed(invalid, folder), number)
        case Unchanged(release, True):
            note(f"The folder is as release {release.number} again, which is active.", "green")
        case Delayed(failure):
            note(
                Text.assemble(
                    ("The folder is not active yet: ", "bold red"), inert(f"{failure.message} {failure.hint}".strip())
                ),
                "",
            )
        case _:
            pass


def say_problems(invalid: ConfigurationInvalid, number: int) -> None:
    """Say what is wrong in the folder, each problem with its place."""
    note(Text.assemble(("The configuration folder has problems; ", "bold red"), f"release {number} stays active."), "")
    for problem in invalid.problems:
        note(inert(masked(str(problem))), "")

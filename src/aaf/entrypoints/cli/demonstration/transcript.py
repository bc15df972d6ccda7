"""Prints the story: who did what, what the answer was. Values in it are rendered like everywhere else."""

from textwrap import wrap

from rich.text import Text

from aaf.entrypoints.cli.terminal.output import console, inert, say
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

_WIDTH = 13
_GOOD = "green"


class Transcript:
    """A numbered transcript on standard output."""

    def __init__(self) -> None:
        """Nothing has happened yet."""
        self._step = 0

    def step(self, title: str) -> None:
        """Begin a step."""
        self._step += 1
        say()
        say(f"{self._step}. {title}", style="bold cyan")

    def line(self, who: str, what: str | Text, answer: str | Text = "") -> None:
        """One thing that somebody did, and the answer."""
        text = Text.assemble((f"   {who:<{_WIDTH}}", "dim"), what)
        if answer:
            text.append("  ->  ", style="dim").append_text(answer if isinstance(answer, Text) else Text(answer, _GOOD))
        say(text)

    def quote(self, text: str) -> None:
        """A line that belongs to the one before it."""
        margin = " " * (3 + _WIDTH)
        shown = [inert(text)]
        if console().is_terminal:
            shown = wrap(inert(text), max(console().width - len(margin), _WIDTH)) or shown
        for line in shown:
            say(Text(margin + line, style="italic"))


def expect(what: str, wanted: object, got: object) -> None:
    """Go on only if the product did what it promises.

    Raises:
        Stopped: it did something else.
    """
    if wanted != got:
        raise Stopped(
            "demo_failed",
            f"{what}: expected {wanted}, and it was {got}.",
            hint="This is a fault of the product; please report it with this transcript.",
            status=Status.NO,
        )

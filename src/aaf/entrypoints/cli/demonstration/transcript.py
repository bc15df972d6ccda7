"""Prints the story: who did what, what the answer was; no line wider than a page. Values in it are rendered like everywhere else."""

from textwrap import wrap

from rich.text import Text

from aaf.entrypoints.cli.terminal.output import console, inert, say
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

WIDEST = 100
"""Columns of the widest line, where the terminal has room for it."""
_WIDTH = 13
_MARGIN = 3 + _WIDTH
_NARROWEST = 40
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
        done = what if isinstance(what, Text) else Text(what)
        said = (
            Text.assemble(("->  ", "dim"), answer if isinstance(answer, Text) else (answer, _GOOD))
            if answer
            else Text()
        )
        head = (f"   {who:<{_WIDTH}}", "dim")
        if _MARGIN + len(done) + 2 + len(said) <= room():
            say(Text.assemble(head, done, "  " if answer else "", said))
            return
        first, *rest = folded(done.plain)
        say(Text.assemble(head, first))
        for line in rest:
            say(Text(" " * _MARGIN + line))
        if answer:
            say(Text.assemble(" " * _MARGIN, said))

    def quote(self, text: str) -> None:
        """A line that belongs to the one before it."""
        for line in folded(inert(text)):
            say(Text(" " * _MARGIN + line, style="italic"))


def room() -> int:
    """Columns of a line."""
    return max(min(console().width, WIDEST), _NARROWEST) if console().is_terminal else WIDEST


def folded(text: str, *, indent: int = _MARGIN) -> list[str]:
    """A text in lines that fit behind an indent; identifiers stay whole where they can."""
    return wrap(text, room() - indent, break_on_hyphens=False) or [""]


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

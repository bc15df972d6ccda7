"""What reaches the terminal: results on standard output, refusals on standard error.

Nothing that somebody else wrote is printed raw: text goes through the rendering, segments of a view are checked to be inert, JSON is
written in ASCII. Markup in data is never interpreted. Colour is for terminals, and not where NO_COLOR asks for none.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from aaf.domain.canonical import Json
from aaf.domain.instants import read, span, to_second
from aaf.domain.rendering import plain, render
from aaf.entrypoints.cli.terminal.reading import unexpected
from aaf.entrypoints.cli.terminal.stopping import Stopped

_STATES = {
    "allowed": "green",
    "approved": "green",
    "succeeded": "green",
    "denied": "red",
    "rejected": "red",
    "failed": "red",
    "unknown": "bold red",
    "pending_approval": "yellow",
}
_RISKS = {"low": "green", "medium": "yellow", "high": "bold red", "critical": "bold white on red"}


@cache
def console(*, error: bool = False) -> Console:
    """The console of standard output or standard error, which interprets and cuts nothing."""
    return Console(stderr=error, markup=False, emoji=False, highlight=False, soft_wrap=True)


def inert(text: str) -> str:
    """Text that somebody else wrote, as it may be printed."""
    return plain(render(text))


def say(text: str | Text = "", style: str = "") -> None:
    """Print one line of our own."""
    console().print(text, style=style)


def note(text: str | Text, style: str = "dim") -> None:
    """Print one line beside the result, to standard error."""
    console(error=True).print(text, style=style)


def data(value: Json) -> None:
    """Print JSON in ASCII: no character of it does anything to a terminal."""
    print(json.dumps(value, indent=2, sort_keys=True).replace("\x7f", "\\u007f"))


def refusal(stopped: Stopped) -> None:
    """Print how a command ended: code and sentence, then what to do next; lines of a sentence stay lines."""
    lines = [inert(line) for line in stopped.sentence.splitlines()] or [""]
    out = console(error=True)
    out.print(Text.assemble((inert(stopped.code), "bold red"), ": ", lines[0]))
    for line in lines[1:]:
        out.print(Text(line))
    if stopped.hint:
        out.print(Text.assemble(("What to do: ", "bold"), " ".join(inert(one) for one in stopped.hint.splitlines())))


def state(name: str) -> Text:
    """A state in its colour."""
    return Text(inert(name), style=_STATES.get(name, ""))


def risk(name: str) -> Text:
    """A risk in its colour."""
    return Text(inert(name), style=_RISKS.get(name, ""))


def table(titles: Sequence[str], lines: Iterable[Sequence[str | Text]]) -> None:
    """Print aligned columns; on a terminal, the last column is cut where the line ends, and says so by `...`.

    Cells are plain text of ours, or inert text.
    """
    cells = [[one if isinstance(one, Text) else Text(one) for one in line] for line in lines]
    heads = [Text(title, style="bold") for title in titles]
    widths = [max(cell_len(line[column].plain) for line in [heads, *cells]) for column in range(len(heads) - 1)]
    room = console().width - sum(widths) - 2 * len(widths)
    for line in [heads, *cells]:
        whole = Text()
        for cell, width in zip(line, widths, strict=False):
            whole.append_text(cell).append(" " * (width - cell_len(cell.plain) + 2))
        last = line[-1]
        if console().is_terminal and cell_len(last.plain) > room > len("..."):
            last = Text(set_cell_size(last.plain, room - len("...")) + "...", style=last.style)
        console().print(whole.append_text(last))


def instant(stamp: str | None) -> str:
    """An instant of an answer, UTC to the second; `-` for none."""
    return "-" if stamp is None else microseconds(_read(stamp))


def left(stamp: str | None, now: datetime | None) -> str:
    """How long from the server's now until an instant, roughly; `-` for none."""
    if stamp is None or now is None:
        return instant(stamp)
    return span(_read(stamp) - int(now.timestamp()) * 1_000_000)


def _read(stamp: str) -> int:
    """An RFC 3339 instant, in microseconds."""
    try:
        return read(stamp)
    except ValueError:
        raise unexpected("instant") from None


def on_terminal() -> bool:
    """Whether a person can be asked: both ends are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def fields(pairs: Mapping[str, str | Text]) -> None:
    """Print names and values, aligned."""
    width = max(map(len, pairs))
    for name, value in pairs.items():
        say(Text.assemble((f"{name:<{width}}  ", "dim"), value))


def microseconds(count: int) -> str:
    """An instant of an event's body, UTC to the second."""
    try:
        return to_second(count).replace("T", " ")
    except OverflowError:
        raise unexpected("instant") from None

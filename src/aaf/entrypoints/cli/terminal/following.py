"""Follows a long answer that comes line by line: progress on a terminal, then the result, or the problem that ended it."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from aaf.domain.canonical import Json, parse
from aaf.domain.errors import AafError
from aaf.entrypoints.cli.terminal.client import Client
from aaf.entrypoints.cli.terminal.output import console
from aaf.entrypoints.cli.terminal.reading import member, number, text, unexpected
from aaf.entrypoints.cli.terminal.stopping import Stopped

KIND = "application/x-ndjson"
MAX_LINE = 64 * 1_048_576
"""Bytes of a line that is still read."""
Since = Annotated[
    str, typer.Option("--since", metavar="WHEN", help="From when on: 12h, 7d, 4w ago, or an RFC 3339 instant.")
]
Until = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Until when; now.")]
Types = Annotated[
    list[str] | None,
    typer.Option("--action", metavar="TYPE", help="Only this type, or `files.*`; may be repeated."),
]


def followed(client: Client, path: str, body: Mapping[str, Json], *, doing: str) -> Mapping[str, Json]:
    """Ask, show how far it is, and return the result.

    Raises:
        Stopped: it was refused, or broke off.
    """
    columns = (TextColumn(doing), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[seen]}"))
    with (
        client.stream(path, KIND, body) as pieces,
        Progress(
            *columns,
            TimeRemainingColumn(),
            console=console(error=True),
            transient=True,
            disable=not console(error=True).is_terminal,
        ) as bar,
    ):
        task = bar.add_task("", total=1000, seen="")
        for line in _lines(pieces):
            if "progress" in line:
                step = member(line, "progress")
                seen = f"{number(step, 'looked_at')} actions"
                bar.update(task, completed=number(step, "done"), seen=seen)
            elif "problem" in line:
                told = member(line, "problem")
                raise Stopped(text(told, "code"), text(told, "detail"), hint=text(told, "hint"))
            elif "result" in line:
                return member(line, "result")
    raise Stopped("incomplete", "The answer broke off before its end.", hint="Ask again.")


def _lines(pieces: Iterator[bytes]) -> Iterator[Mapping[str, Json]]:
    """The objects of an answer; the last one only where its line is whole."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE:
            raise unexpected("line of a usual length")
        for line in whole:
            try:
                value = parse(line)
            except (AafError, ValueError):
                raise unexpected("JSON in a line") from None
            if not isinstance(value, dict):
                raise unexpected("object in a line")
            yield value

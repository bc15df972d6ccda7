"""How releases, problems and differences are printed: results on standard output, refusals with what explains them on standard error.

Names, messages and diffs were written by others, so every line of them is printed inert.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.text import Text

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.terminal.client import Client, Refused, credential
from aaf.entrypoints.cli.terminal.output import console, inert
from aaf.entrypoints.cli.terminal.reading import member, members, number, optional_member, optional_text, text, texts
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped, masked

PATH = "/v1/configuration"
PATIENCE = 150.0
"""Seconds; a server compiles for at most two minutes."""
_SPACES = re.compile(r"(?<! )( {2,40})(?! )")
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_PARTS = (("added", "green", "+"), ("removed", "red", "-"), ("changed", "yellow", "~"))


def firewall(url: str, ca: Path | None) -> Client:
    """A connection that waits for a compilation."""
    return Client(url, credential(), ca=ca, patience=PATIENCE)


def quiet(line: str) -> str:
    """A line of others, without keys, as it may be printed; indentation and columns of up to 40 spaces stay what they are, tabs become spaces."""
    parts = _SPACES.split(masked(line).replace("\t", "    "))
    return "".join(part if part.startswith("  ") else inert(part) for part in parts)


def problems(found: list[Mapping[str, Json]], *, error: bool = False) -> None:
    """Print each problem as `file:line:column: message (hint)`."""
    for one in found:
        line, hint = number(one, "line"), text(one, "hint")
        place = f"{text(one, 'file')}:{line}:{number(one, 'column')}" if line else text(one, "file")
        console(error=error).print(
            quiet(f"{place}: {text(one, 'message')}" + (f" ({hint})" if hint else "")), style="red"
        )


def changes(found: Mapping[str, Json], *, error: bool = False) -> None:
    """Print what differs: names first, then the diff of each file."""
    out = console(error=error)
    for part, names in (optional_member(found, "parts") or {}).items():
        for kind, colour, sign in _PARTS:
            listed = texts(names, kind) if isinstance(names, dict) else []
            for name in listed:
                out.print(Text.assemble((f"{sign} ", colour), f"{quiet(part)}: {quiet(name)}"))
    for file in members(found, "files"):
        diff = optional_text(file, "diff")
        if diff is None:
            lines = f"+{number(file, 'added')} -{number(file, 'removed')} lines, too many to show"
            out.print(f"{quiet(text(file, 'name'))} {quiet(text(file, 'change'))}: {lines}")
            continue
        for line in diff.removesuffix("\n").split("\n"):
            out.print(Text(quiet(line), style=_COLOURS.get(line[:1], "")))


@contextmanager
def explained() -> Iterator[None]:
    """Print what a refusal of a change carries before it ends the command; problems of a configuration are an answer, and it is no."""
    try:
        yield
    except Refused as refused:
        if refused.problem.get("problems"):
            problems(members(refused.problem, "problems"), error=True)
            raise Stopped(refused.code, refused.sentence, hint=refused.hint, status=Status.NO) from None
        if refused.problem.get("changes"):
            console(error=True).print("What is there now differs:", style="bold")
            changes(member(refused.problem, "changes"), error=True)
        raise


def heading(release: Mapping[str, Json]) -> str:
    """What a release is, in one line."""
    counts = member(release, "counts")
    listed = ", ".join(
        f"{number(counts, part)} {name}"
        for part, name in (("rules", "rules"), ("actions", "action types"), ("modules", "policy modules"))
    )
    return f"release {number(release, 'release')}: {listed}"

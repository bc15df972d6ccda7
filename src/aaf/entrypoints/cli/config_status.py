"""`aaf config status`: which release is active, what was refused since, and which process watches which folder."""

from collections.abc import Mapping

import typer
from rich.text import Text

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.terminal.client import Client, credential
from aaf.entrypoints.cli.terminal.options import DEFAULT_URL, AsJson, Ca, Url
from aaf.entrypoints.cli.terminal.output import data, fields, inert, instant, note, say
from aaf.entrypoints.cli.terminal.reading import flag, member, members, number, optional_member, text
from aaf.entrypoints.cli.terminal.stopping import Status, masked


def status(url: Url = DEFAULT_URL, ca: Ca = None, as_json: AsJson = False) -> None:
    """Show the active release, what was refused since, and who watches which folder.

    Every server tells the same. Exit status 1 where the folder isn't what is active.

    \b
    Examples:
      aaf config status
      aaf config status --json
    """  # noqa: D301 - \b keeps the examples as they are written
    with Client(url, credential(), ca=ca) as client:
        found = client.get("/v1/configuration/status")
    stale = flag(found, "stale")
    if as_json:
        data(found)
    else:
        _say(found, stale=stale)
    if stale:
        raise typer.Exit(int(Status.NO))


def _say(found: Mapping[str, Json], *, stale: bool) -> None:
    release, watch, refused = (
        member(found, "release"),
        optional_member(found, "watch"),
        optional_member(found, "refused"),
    )
    lines: dict[str, str | Text] = {
        "active": f"release {number(release, 'number')}, since {instant(text(release, 'activated_at'))}",
        "message": inert(masked(text(release, "message"))),
        "author": inert(text(release, "author")),
        "source": inert(text(release, "source")),
        "managed by": inert(text(release, "managed_by")),
    }
    if watch is None:
        lines["watched"] = "no folder was ever read"
    else:
        by = f"by process {number(watch, 'pid')}" if flag(watch, "holds") else "by nobody now"
        lines["watched"] = f"{inert(masked(text(watch, 'folder')))}, {by}"
    fields(lines)
    if refused is not None:
        problems = members(refused, "problems")
        say(
            Text(
                f"Refused {instant(text(refused, 'at'))}; release {number(release, 'number')} stays active:", "bold red"
            )
        )
        for one in problems:
            say(f"  {inert(masked(_problem(one)))}")
    elif stale:
        note("The folder isn't what is active; the log of the process that watches it says why.", "bold red")


def _problem(one: Mapping[str, Json]) -> str:
    line, hint = number(one, "line"), text(one, "hint")
    place = f"{text(one, 'file')}:{line}:{number(one, 'column')}" if line else text(one, "file")
    return f"{place}: {text(one, 'message')}" + (f" ({hint})" if hint else "")

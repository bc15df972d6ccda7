"""`aaf policy`: look at policies before anybody is judged by them. Each command is a module of its own; this one checks a folder."""

from pathlib import Path
from typing import Annotated

import typer

from aaf.bootstrap import check_folder, overlapping, placed_warnings
from aaf.domain.canonical import Json
from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.entrypoints.cli import policy_packs, policy_test
from aaf.entrypoints.cli.policy_diff import diff
from aaf.entrypoints.cli.policy_suggest import suggest
from aaf.entrypoints.cli.terminal.options import AsJson, group
from aaf.entrypoints.cli.terminal.output import data, inert, note, say
from aaf.entrypoints.cli.terminal.stopping import Status, masked

_MAX_NOTES = 20

app = group("Check, test and compare policies.")


@app.callback()
def _group() -> None:
    """Check, test and compare policies."""


Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of aaf.yaml.")]


@app.command()
def check(folder: Folder, as_json: AsJson = False) -> None:
    """Check a configuration folder as a server would before it takes it. Nothing is activated.

    Exit status 1 where it has problems; each is told with file, line, column and what to write instead.

    \b
    Examples:
      aaf policy check .
      aaf policy check /etc/aaf --json
    """  # noqa: D301 - \b keeps the examples as they are written
    try:
        configuration = check_folder(folder)
    except ConfigurationInvalid as invalid:
        _say_problems(invalid, as_json=as_json)
        raise typer.Exit(int(Status.NO)) from None
    overlaps = [masked(told) for told in overlapping(configuration)]
    warnings = tuple(map(masked, placed_warnings(configuration.warnings, folder)))
    if as_json:
        data(
            {
                "actions": len(configuration.catalogue),
                "modules": len(configuration.modules),
                "notes": [*overlaps],
                "problems": [],
                "rules": len(configuration.rules),
                "warnings": [*warnings],
            }
        )
        return
    for warning in warnings:
        note(f"warning: {inert(warning)}", "yellow")
    for told in overlaps[:_MAX_NOTES]:
        note(f"note: {inert(told)}")
    if len(overlaps) > _MAX_NOTES:
        note(f"note: {len(overlaps) - _MAX_NOTES} more rules overlap; --json tells all")
    counted = (
        _counted(len(configuration.catalogue), "action type"),
        _counted(len(configuration.rules), "rule"),
        _counted(len(configuration.modules), "policy module"),
    )
    say(f"Fine: {', '.join(counted)}.")


app.command(name="test")(policy_test.run)
app.command()(policy_packs.packs)
app.command()(policy_packs.init)


def _say_problems(invalid: ConfigurationInvalid, *, as_json: bool) -> None:
    if as_json:
        data({"problems": [_told(problem) for problem in invalid.problems]})
        return
    for problem in invalid.problems:
        say(inert(masked(str(problem))))
    note(f"{_counted(len(invalid.problems), 'problem')}; a server would keep what it has.", "bold red")


def _told(problem: Problem) -> dict[str, Json]:
    return {
        "column": problem.column,
        "file": problem.file,
        "hint": masked(problem.hint),
        "line": problem.line,
        "message": masked(problem.message),
    }


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


app.command()(diff)
app.command()(suggest)

"""`aaf test`: policy tests as data. Cases are judged as submissions are, against a folder's configuration; nothing runs and nothing is kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from aaf.bootstrap.rehearsing import Ran, Suite, run_cases, suites
from aaf.domain.canonical import Json
from aaf.entrypoints.cli.reporting.junit import write_junit
from aaf.entrypoints.cli.reporting.results import all_passed, result_of, summary, tell
from aaf.entrypoints.cli.terminal.options import AsJson, single
from aaf.entrypoints.cli.terminal.output import data, inert, say
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

app = single()

Places = Annotated[list[Path], typer.Argument(metavar="DIR...", help="Configuration folders, or case files.")]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="DIR", help="Judge by this folder instead of the tests' own.")
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML to this file too.")]
Pattern = Annotated[str, typer.Option("-k", "--only", metavar="TEXT", help="Only tests whose name holds this text.")]
Coverage = Annotated[bool, typer.Option("--coverage", help="List the rules that no case made speak.")]


@app.command()
def cases(
    places: Places,
    config: Config = None,
    only: Pattern = "",
    coverage: Coverage = False,
    junit: Junit = None,
    as_json: AsJson = False,
) -> None:
    """Run policy test cases against a configuration.

    Cases are DIR/tests/policies/*.yaml. Each is judged as an action that is submitted, and compared with what it expects. Exit status 1
    where one differs.

    \b
    Examples:
      aaf test .
      aaf test . -k refund --coverage
      aaf test policies/a policies/b --junit build/policies.xml
      aaf test tests/policies/payments.yaml --config /etc/aaf
    """  # noqa: D301 - \b keeps the examples as they are written
    ran = [*_ran(places, config, only)]
    if not ran:
        raise _no_tests(places, only)
    results = [result_of(one) for _, one in ran]
    if junit is not None:
        write_junit(junit, results, {suite.folder for suite, _ in ran})
    unspoken = _unspoken(ran) if coverage else []
    if as_json:
        content: dict[str, Json] = {"passed": all_passed(results), "results": [one.to_json() for one in results]}
        data(content | ({"silent": unspoken} if coverage else {}))
    else:
        tell(results)
        for name in unspoken:
            say(f"no case made it speak: {inert(str(name))}", "yellow")
        say(f"{summary(results)}.", "bold green" if all_passed(results) else "bold red")
    if not all_passed(results):
        raise typer.Exit(int(Status.NO))


def _ran(places: list[Path], config: Path | None, only: str) -> Iterator[tuple[Suite, Ran]]:
    for suite in suites(places, config):
        chosen = [case for case in suite.cases if only.casefold() in case.name.casefold()]
        yield from ((suite, one) for one in run_cases(suite, chosen))


def _no_tests(places: list[Path], only: str) -> Stopped:
    where = ", ".join(map(str, places))
    if only:
        return Stopped(
            "no_tests", f"No case in {where} has {only} in its name.", hint="Leave out -k to run all of them."
        )
    return Stopped(
        "no_tests",
        f"There are no cases in {where}.",
        hint="Write tests/policies/<name>.yaml beside aaf.yaml; `aaf policy init` copies a pack that has some.",
    )


def _unspoken(ran: list[tuple[Suite, Ran]]) -> list[Json]:
    """The rules of each configuration that no case made speak, as `folder: rule`."""
    spoke: dict[Path, set[str]] = {}
    rules: dict[Path, list[str]] = {}
    for suite, one in ran:
        rules[suite.folder] = [rule.name for rule in suite.configuration.rules]
        spoke.setdefault(suite.folder, set()).update(one.outcome.spoke)
    return [f"{folder}: {name}" for folder, names in rules.items() for name in names if name not in spoke[folder]]

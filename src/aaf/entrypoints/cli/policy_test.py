"""`aaf policy test`: cases and tests of policy modules together, with the lines of modules that they reach."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from aaf.bootstrap.rehearsing import Ran, run_cases, suites
from aaf.bootstrap.testing_modules import Covered, ModuleTest, ModuleTests
from aaf.domain.canonical import Json
from aaf.entrypoints.cli.reporting.junit import write_junit
from aaf.entrypoints.cli.reporting.results import Kind, Result, all_passed, result_of, summary, tell
from aaf.entrypoints.cli.terminal.options import AsJson
from aaf.entrypoints.cli.terminal.output import data, inert, say
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

Places = Annotated[list[Path], typer.Argument(metavar="DIR...", help="Configuration folders, or test files.")]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="DIR", help="Judge by this folder instead of the tests' own.")
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML to this file too.")]
Pattern = Annotated[str, typer.Option("-k", "--only", metavar="TEXT", help="Only tests whose name holds this text.")]
Coverage = Annotated[bool, typer.Option("--coverage", help="Show which lines of each policy module were reached.")]
Under = Annotated[
    int, typer.Option("--fail-under", metavar="PERCENT", min=0, max=100, help="Fail where fewer lines were reached.")
]


def run(
    places: Places,
    config: Config = None,
    only: Pattern = "",
    coverage: Coverage = False,
    fail_under: Under = 0,
    junit: Junit = None,
    as_json: AsJson = False,
) -> None:
    """Run cases and the test_… rules of DIR/tests/policies/*_test.rego.

    Test rules run in a process of their own with the engine's limits and a deadline each. Exit status 1 where one isn't true, or where
    fewer lines of policy modules were reached than --fail-under asks for.

    \b
    Examples:
      aaf policy test .
      aaf policy test . --coverage --fail-under 90
      aaf policy test . -k refund --junit build/policies.xml
    """  # noqa: D301 - \b keeps the examples as they are written
    results: list[Result] = []
    folders: list[Path] = []
    covered: list[Covered] = []
    for place, suite in zip(places, suites(places, config), strict=True):
        modules = ModuleTests(place, suite.folder, suite.configuration)
        ran = [*run_cases(suite, [case for case in suite.cases if only.casefold() in case.name.casefold()])]
        folders.append(suite.folder)
        results += [result_of(one) for one in ran]
        results += [_result(one) for one in modules.run(only)]
        if coverage or fail_under:
            covered += _covered(modules, ran)
    if not results and only:
        where = ", ".join(map(str, places))
        raise Stopped(
            "no_tests", f"No test in {where} has {only} in its name.", hint="Leave out -k to run all of them."
        )
    if not results:
        hint = "Write cases into tests/policies/<name>.yaml, or test_… rules into tests/policies/<module>_test.rego."
        raise Stopped("no_tests", f"There are no tests in {', '.join(map(str, places))}.", hint=hint)
    share = _share(covered)
    if fail_under and not any(one.lines for one in covered):
        raise Stopped(
            "no_tests", "There is no policy module whose lines could be counted.", hint="Leave out --fail-under."
        )
    if junit is not None:
        write_junit(junit, results, folders)
    enough = share >= fail_under
    if as_json:
        data(_as_json(results, covered, share, passed=all_passed(results) and enough))
    else:
        tell(results)
        _tell_coverage(covered, share)
        say(f"{summary(results)}.", "bold green" if all_passed(results) else "bold red")
        if not enough:
            say(f"{share} % of the lines were reached, {fail_under} % are wanted.", "bold red")
    if not all_passed(results) or not enough:
        raise typer.Exit(int(Status.NO))


def _result(one: ModuleTest) -> Result:
    """The result of a test rule: only true is a pass."""
    match one.error, one.said:
        case "", "true":
            kind, why = Kind.PASS, ""
        case "", '"<undefined>"':
            kind, why = Kind.UNDEFINED, "a line of the rule isn't true, so it has no value"
        case "", said:
            kind, why = Kind.FAIL, f"the rule is {said}"
        case error, _:
            kind, why = Kind.ERROR, error
    return Result(one.file, one.line, one.name, kind, (why,) if why else (), one.printed)


def _covered(modules: ModuleTests, ran: Iterable[Ran]) -> list[Covered]:
    modules.reach(ran)
    return modules.coverage()


def _share(covered: Iterable[Covered]) -> int:
    """Whole percent of lines reached, rounded down; 100 where there are none."""
    listed = [*covered]
    lines, missed = sum(one.lines for one in listed), sum(len(one.missed) for one in listed)
    return 100 * (lines - missed) // lines if lines else 100


def _tell_coverage(covered: Sequence[Covered], share: int) -> None:
    for one in covered:
        reached = one.lines - len(one.missed)
        rest = f", not reached: {ranges(one.missed)}" if one.missed else ""
        say(f"{inert(one.module)}: {reached} of {one.lines} lines{rest}")
    if covered:
        say(f"{share} % of the lines of policy modules were reached")


def ranges(lines: Sequence[int]) -> str:
    """`3, 7-9` for 3, 7, 8, 9."""
    found: list[list[int]] = []
    for line in lines:
        if found and found[-1][1] == line - 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in found)


def _as_json(results: Sequence[Result], covered: Sequence[Covered], share: int, *, passed: bool) -> dict[str, Json]:
    content: dict[str, Json] = {"passed": passed, "results": [one.to_json() for one in results]}
    if covered:
        content["coverage"] = {
            "modules": [{"lines": one.lines, "module": one.module, "not_reached": list(one.missed)} for one in covered],
            "percent": share,
        }
    return content

"""One result of a policy test, whatever kind of test it was, and how results are printed and counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique

from rich.text import Text

from aaf.bootstrap.rehearsing import Ran
from aaf.domain.canonical import Json
from aaf.entrypoints.cli.terminal.output import inert, say


@unique
class Kind(StrEnum):
    """How a test ended. `undefined` is a test rule that no line of makes true; `error` is one that could not be asked."""

    PASS = "pass"  # noqa: S105 - a word
    FAIL = "fail"
    UNDEFINED = "undefined"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Result:
    """A test with its place; `lines` say what was wrong, `printed` is what it printed."""

    file: str
    line: int
    name: str
    kind: Kind
    lines: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """`file:line`."""
        return f"{self.file}:{self.line}"

    def to_json(self) -> dict[str, Json]:
        """As printed with --json."""
        return {
            "file": self.file,
            "line": self.line,
            "name": self.name,
            "printed": list(self.printed),
            "result": self.kind.value,
            "wrong": list(self.lines),
        }


def result_of(ran: Ran) -> Result:
    """The result of a case: what was expected, what was, and who spoke."""
    case, outcome = ran.case, ran.outcome
    if not ran.wrong:
        return Result(case.file, case.line, case.name, Kind.PASS)
    width = max(len(one.what) for one in ran.wrong)
    lines = [f"{one.what:<{width}}  expected {one.expected}, was {one.was}" for one in ran.wrong]
    lines += [
        f"decided by {name}: {reason}" if reason else f"decided by {name}" for name, reason in outcome.reasons.items()
    ]
    overruled = [name for name in outcome.spoke if name not in outcome.reasons]
    lines += [f"overruled: {', '.join(overruled)}"] if overruled else []
    lines += [f"because {one}" for one in outcome.said]
    return Result(case.file, case.line, case.name, Kind.FAIL, tuple(lines))


def tell(results: Sequence[Result]) -> None:
    """Print every file with a count, and every test that didn't pass with what was wrong."""
    for file in dict.fromkeys(one.file for one in results):
        of_file = [one for one in results if one.file == file]
        passed = sum(one.kind is Kind.PASS for one in of_file)
        say(f"{inert(file)}: {passed} of {len(of_file)} passed")
        for one in of_file:
            for line in one.printed:
                say(f"  | {inert(line)}", "dim")
            if one.kind is not Kind.PASS:
                say(Text.assemble(("  " + one.kind.upper(), "bold red"), f" {inert(one.place)} {inert(one.name)}"))
                for line in one.lines:
                    say(f"       {inert(line)}")


def summary(results: Iterable[Result]) -> str:
    """`12 passed, 1 failed`."""
    counts = Counter(one.kind for one in results)
    words = {Kind.PASS: "passed", Kind.FAIL: "failed", Kind.UNDEFINED: "undefined", Kind.ERROR: "broken"}
    return ", ".join(f"{counts[kind]} {words[kind]}" for kind in Kind if counts[kind] or kind is Kind.PASS)


def all_passed(results: Iterable[Result]) -> bool:
    """Whether nothing went otherwise."""
    return all(one.kind is Kind.PASS for one in results)

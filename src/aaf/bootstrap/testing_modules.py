"""Puts together what runs tests of policy modules: the modules with their defaults, the test files, the engine's parser, and a worker."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aaf.bootstrap.rehearsing import MAX_PROBLEMS, Ran, shortened
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import Configuration
from aaf.policy.rego.module import Module

TESTS = ".rego"


@dataclass(frozen=True, slots=True)
class ModuleTest:
    """One test rule with what came of it: `said` is the engine's JSON, empty where there is none, and then `error` says why."""

    file: str
    line: int
    name: str
    said: str = ""
    error: str = ""
    printed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Covered:
    """The lines of one module that hold anything, and those that no test reached."""

    module: str
    lines: int
    missed: tuple[int, ...]


class ModuleTests:
    """The tests of policy modules at some place, and what they and the cases reach."""

    def __init__(self, place: Path, folder: Path, configuration: Configuration) -> None:
        """Read the test files of `place` and the modules of `folder`.

        Raises:
            ConfigurationInvalid: a test file has problems.
        """
        from aaf.adapters.folder import read_folder
        from aaf.adapters.folder_tests import files_of_tests, read_test
        from aaf.adapters.rego.parser import WorkerParser
        from aaf.adapters.rego.testing import Reached
        from aaf.policy.positioned import Faults, TooManyFaults
        from aaf.policy.rego.testing import read_tests, whole

        self._folder = folder
        self._modules: Sequence[Module] = configuration.modules
        self._scripts = whole(configuration.modules, read_folder(folder))
        self._reached = Reached()
        texts = {str(shortened(path)): read_test(path) for path in files_of_tests(place, TESTS)}
        faults = Faults("", room=MAX_PROBLEMS)
        try:
            with WorkerParser() as parser:
                self._tests = read_tests(texts, self._scripts, parser, faults)
        except TooManyFaults:
            self._tests = ()
        if faults.problems:
            raise ConfigurationInvalid(tuple(faults.problems))

    def run(self, only: str) -> Iterator[ModuleTest]:
        """Run every test whose name holds `only`."""
        from aaf.adapters.rego.testing import run_module

        for module in self._tests:
            chosen = [one for one in module.tests if only.casefold() in one[0].casefold()]
            for done in run_module(module, self._scripts, self._reached, chosen) if chosen else ():
                yield ModuleTest(module.file, done.line, done.test, done.said, done.error, done.printed)

    def reach(self, ran: Iterable[Ran]) -> None:
        """Ask modules what the cases asked them, to see which lines that reaches."""
        from aaf.adapters.rego.testing import TOUCHED, Bench

        asked = [one.asked for one in ran if one.asked is not None]
        for module in self._modules:
            scripts = [one for one in self._scripts if one.name == module.name or one.library]
            bench = Bench(scripts, "", self._reached)
            try:
                # A module that nobody asks has lines too.
                bench.ask(f"data.{module.package}.{TOUCHED}")
                for one in asked:
                    if module in one.modules:
                        bench.ask(module.query, one.document, one.facts)
            finally:
                bench.close()

    def coverage(self) -> list[Covered]:
        """Each module, in the order of names."""
        found: list[Covered] = []
        for name, lines in sorted(self._reached.lines.items()):
            if any(one.name == name for one in self._modules):
                missed = lines - self._reached.covered.get(name, set())
                found.append(Covered(str(shortened(self._folder / name)), len(lines), tuple(sorted(missed))))
        return found

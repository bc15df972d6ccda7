"""Puts together what runs policy tests: the configuration, its test files, and a core that can judge and nothing else.

No store is opened, no file is written and nothing is called: the store is an empty one in memory, connectors only analyse.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from aaf.adapters.driving import drive
from aaf.bootstrap.choices import engine_of
from aaf.bootstrap.inspecting import check_folder
from aaf.domain.canonical import Json
from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.domain.metering import UNCOUNTED
from aaf.policy.cases import Case, Difference, Outcome, differences
from aaf.policy.configuration import Configuration
from aaf.services.core import Core, Knowledge
from aaf.services.rehearsal import Asked, rehearse

MAX_PROBLEMS = 200
CASES = ".yaml"


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of some files and the configuration that they are about; `folder` is where that lies."""

    folder: Path
    configuration: Configuration
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """One case with what came out, and where that isn't what was expected."""

    case: Case
    outcome: Outcome
    wrong: tuple[Difference, ...]
    asked: Asked | None = None


def suites(places: Iterable[Path], config: Path | None = None) -> Iterator[Suite]:
    """The cases at each place, with the configuration that they are about, or with `config`.

    Raises:
        ConfigurationInvalid: a case file or a configuration has problems, or no configuration can be found.
    """
    compiled: dict[Path, Configuration] = {}
    for place in places:
        folder = tested_folder(place, config)
        cases = _cases_at(place)
        if folder not in compiled:
            compiled[folder] = check_folder(folder)
        yield Suite(folder, compiled[folder], cases)


def tested_folder(place: Path, config: Path | None) -> Path:
    """The configuration folder that tests at `place` are about.

    Raises:
        ConfigurationInvalid: there is none.
    """
    from aaf.adapters.folder_tests import configuration_of

    found = config or configuration_of(place)
    if found is None:
        hint = "name the configuration with --config DIR"
        raise ConfigurationInvalid((Problem(str(place), 0, 0, "there is no aaf.yaml here or above", hint),))
    return shortened(found)


def shortened(path: Path) -> Path:
    """The path as seen from the working directory, where it lies beneath it."""
    absolute = path.absolute()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute


def _cases_at(place: Path) -> tuple[Case, ...]:
    from aaf.adapters.folder_tests import files_of_tests, read_test
    from aaf.policy.cases_reading import read_cases
    from aaf.policy.positioned import Faults, TooManyFaults

    faults = Faults("", room=MAX_PROBLEMS)
    found: list[Case] = []
    try:
        for path in files_of_tests(place, CASES):
            found += read_cases(read_test(path), faults.of(str(shortened(path))))
    except TooManyFaults:
        pass
    if faults.problems:
        raise ConfigurationInvalid(tuple(faults.problems))
    return tuple(found)


@contextmanager
def rehearsing() -> Iterator[tuple[Core, "Causes"]]:
    """A core that judges; its modules' processes are ended afterwards."""
    from aaf.adapters.anchors import NoAnchors
    from aaf.adapters.connectors.rehearsed import Rehearsed
    from aaf.adapters.keys import KeyRing
    from aaf.adapters.memory import MemoryStore
    from aaf.adapters.system import SystemIds

    store, ring, causes = MemoryStore(), KeyRing.fresh(), Causes()
    core = Core(
        store=store,
        knowledge=Knowledge(store),
        ids=SystemIds(),
        vault=ring.vault(),
        secrets=ring.hashes(),
        log_signer=ring.signer("log"),
        permit_signer=ring.signer("permit"),
        connectors=Rehearsed(),
        anchors=NoAnchors(),
        log=causes,
        installation="rehearsal",
        process="rehearsal",
        engine=engine_of(UNCOUNTED, asynchronous=False),
    )
    try:
        yield core, causes
    finally:
        drive(core.engine.close())
        drive(store.close())


def run_cases(suite: Suite, cases: Iterable[Case]) -> Iterator[Ran]:
    """Judge some cases of a suite, one after the other."""
    with rehearsing() as (core, causes):
        for case in cases:
            outcome, asked = drive(rehearse(core, suite.configuration, case))
            outcome = replace(outcome, said=(*outcome.said, *causes.taken()))
            yield Ran(case, outcome, differences(case.expected, outcome), asked)


@dataclass(slots=True)
class Causes:
    """The log of a rehearsal: why the firewall couldn't judge, for whoever wrote the policy."""

    _found: list[str] = field(default_factory=list)

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        """Keep one."""
        where = ":".join(str(fields[name]) for name in ("module", "line") if fields.get(name))
        cause = fields.get("cause") or fields.get("code") or ""
        self._found.append(": ".join(str(part) for part in (where, kind.replace("_", " "), cause) if part))

    def taken(self) -> tuple[str, ...]:
        """What was kept since this was last asked."""
        found, self._found = tuple(self._found), []
        return found

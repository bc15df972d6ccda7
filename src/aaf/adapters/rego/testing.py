"""Runs test modules, and measures which lines of modules are reached, in a worker with the limits that the engine has.

Each test has a deadline of its own; one that breaks the worker is an error, and the next finds a new worker. Nothing is decided here.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from aaf.adapters.rego import worker
from aaf.adapters.rego.alone import Alone
from aaf.adapters.rego.conversation import BrokenError, refusal
from aaf.adapters.rego.process import EngineLackingError
from aaf.policy.rego.testing import Script, ScriptTests

TOUCHED = worker.TOUCHED
LOAD = 10.0
"""Seconds for a worker to start and load a module with its tests."""
ANSWER = 5.0
"""Seconds for one test."""
RESTARTS = 20
"""Workers that the tests of one module may cost; what is left after them isn't run."""


@dataclass(frozen=True, slots=True)
class RuleResult:
    """What came of one test: `said` is the engine's JSON, empty where there is none, and then `error` says why."""

    test: str
    line: int
    said: str = ""
    error: str = ""
    printed: tuple[str, ...] = ()


@dataclass(slots=True)
class Reached:
    """The lines of each module that hold anything, and those that were reached."""

    lines: dict[str, set[int]] = field(default_factory=dict)
    covered: dict[str, set[int]] = field(default_factory=dict)

    def there(self, lines: Mapping[str, Sequence[int]]) -> None:
        """Note what there is."""
        for name, numbers in lines.items():
            self.lines.setdefault(name, set()).update(numbers)

    def reach(self, covered: Mapping[str, Sequence[int]]) -> None:
        """Note what was reached; lines that aren't known to be there don't count."""
        for name, numbers in covered.items():
            self.covered.setdefault(name, set()).update(numbers)


class Bench:
    """One module under test with the libraries; use it as often as needed, then `close` it."""

    def __init__(
        self, scripts: Sequence[Script], facts: str, reached: Reached, *, load: float = LOAD, answer: float = ANSWER
    ) -> None:
        """Start nothing yet. `facts` is the rule with the facts of tests, or empty; times in seconds."""
        self._body = json.dumps(
            {
                "facts": facts,
                "modules": [
                    {"dialect": str(one.dialect), "name": one.name, "package": one.package, "text": one.text}
                    for one in scripts
                ],
            }
        ).encode()
        self._reached = reached
        self._load, self._answer = load, answer
        self._worker = Alone()
        self._starts = 0

    def ask(self, rule: str, document: bytes | None = None, facts: bytes = b"{}") -> RuleResult:
        """What a rule is; with a `document` it is that input, and functions know `facts`."""
        why = self._ready()
        if why:
            return RuleResult(rule, 0, error=why)
        known = json.loads(facts)
        content = {
            "document": None if document is None else document.decode(),
            "facts": {name: known.get(table, {}) for name, table in worker.FACTS.items()},
            "rule": rule,
        }
        why, status, body = self._worker.do(worker.TEST, json.dumps(content).encode(), self._answer)
        if why:
            return RuleResult(rule, 0, error=why)
        if status == worker.REFUSED:
            return RuleResult(rule, 0, error=_words(body))
        said = json.loads(body)
        self._reached.reach(said["covered"])
        return RuleResult(rule, 0, said["said"], _placed(said["error"]), tuple(said["printed"]))

    def _ready(self) -> str:
        """Load the modules where no worker has them; why that can't be done, or nothing."""
        if self._worker.process is not None:
            return ""
        self._starts += 1
        if self._starts > RESTARTS:
            return f"not run: tests before it broke {RESTARTS} workers"
        try:
            self._worker.start()
        except EngineLackingError as failure:
            return str(failure)
        why, status, body = self._worker.do(worker.BENCH, self._body, self._load)
        if why or status == worker.REFUSED:
            self._worker.end()
            return f"the module and its tests can't be loaded: {why or _words(body)}"
        self._reached.there(json.loads(body)["lines"])
        return ""

    def close(self) -> None:
        """End the worker."""
        self._worker.end()


def run_module(
    module: ScriptTests, modules: Sequence[Script], reached: Reached, chosen: Sequence[tuple[str, int]]
) -> Iterator[RuleResult]:
    """Run some tests of a module."""
    under = [one for one in modules if one.name == module.under or one.library]
    bench = Bench([*under, module.module], module.facts, reached)
    try:
        for name, line in chosen:
            done = bench.ask(module.rule(name))
            yield RuleResult(name, line, done.said, done.error, done.printed)
    finally:
        bench.close()


def _words(body: bytes) -> str:
    try:
        said = refusal(body)
    except BrokenError as broken:
        return str(broken)
    return _placed(said.text)


def _placed(text: str) -> str:
    """The engine's sentence with its place, without the picture of the source."""
    if not text:
        return ""
    said = refusal(json.dumps({"module": "", "text": text}).encode())
    return f"{said.file}:{said.line}: {said.message}" if said.file else said.message

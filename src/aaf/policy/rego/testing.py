"""Test modules: Rego files whose `test_…` rules say what a policy module has to answer.

`tests/policies/<name>_test.rego` is about `policies/<name>.rego`. The two are loaded together with the libraries, and no other module; only there may
`with` stand, and references to the rules of the module under test. A test of something that isn't there could never fail, so names and variables
are looked up here first. Nothing is run.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.positioned import Faults
from aaf.policy.reading import did_you_mean
from aaf.policy.rego.metadata import read_package
from aaf.policy.rego.module import Dialect, Module
from aaf.policy.rego.parsing import ModuleRefused, Parser
from aaf.policy.rego.reading import sent_text
from aaf.policy.rego.references import Complaints, Rule, Unit, read_rules, references
from aaf.policy.rego.source import Source, read_source
from aaf.policy.rego.syntax import (
    Place,
    Text,
    Tree,
    Unfamiliar,
    begins,
    bounded,
    everything,
    literals,
    place,
    steps,
    variable,
)
from aaf.policy.rego.variables import TooMuchWork, Variables

PREFIX = "test_"
SUFFIX = "_test"
FACTS = "facts"
"""The rule of a test module that says what functions of the firewall know, such as `{"rate_limit_exceeded": {"agent-1": true}}`."""
MAX_TESTS = 1000
"""Tests of one module."""
_STRANGE = (AttributeError, IndexError, KeyError, RecursionError, TypeError, Unfamiliar, ValueError)
_TOO_STRANGE = "this has a form that can't be checked", "write it more simply"
_PACKAGE = "write `package aaf.policies.<name>_test`"


@dataclass(frozen=True, slots=True)
class Script:
    """A module as the engine gets it for a test: whole, with its default."""

    name: str
    dialect: Dialect
    package: str
    text: str
    library: bool = False


@dataclass(frozen=True, slots=True)
class ScriptTests:
    """A file of tests: the module that it is about, and its tests by name with the line of each."""

    file: str
    under: str
    module: Script
    tests: tuple[tuple[str, int], ...]
    facts: str = ""
    """The rule with the facts of its tests; empty where it has none."""

    def rule(self, test: str) -> str:
        """What to ask for a test."""
        return f"data.{self.module.package}.{test}"


def whole(modules: Iterable[Module], files: Mapping[str, bytes]) -> tuple[Script, ...]:
    """The modules of a configuration with the defaults that publishing takes out; `files` are those that they were read from."""
    found: list[Script] = []
    for module in modules:
        faults = Faults(module.name)
        source = read_source(files[module.name], faults)
        stated = read_package(source, faults, hint="") if source is not None else None
        if source is not None and stated is not None:
            text = sent_text(source, stated[2], module.dialect)
            found.append(Script(module.name, module.dialect, module.package, text, module.library))
    return tuple(found)


def read_tests(
    texts: Mapping[str, bytes], modules: Sequence[Script], parser: Parser, faults: Faults
) -> tuple[ScriptTests, ...]:
    """Read test files; `texts` by the names under which they are shown. What is wrong is in `faults`, and then nothing is to be run."""
    found: list[ScriptTests] = []
    units = {one.name: _unit_of(one, parser, faults.of(one.name)) for one in modules} if texts else {}
    for file, data in texts.items():
        module = _read(file, data, modules, units, parser, faults.of(file))
        if module is not None:
            found.append(module)
    return tuple(found)


def _unit_of(module: Script, parser: Parser, faults: Faults) -> Unit | None:
    try:
        unit = _unit(module, parser.parse(module.name, module.text, module.dialect))
    except ModuleRefused as refused:
        faults.add((refused.line, refused.column), refused.message)
        return None
    if unit is None:
        faults.add((0, 0), *_TOO_STRANGE)
    return unit


def _read(
    file: str,
    data: bytes,
    modules: Sequence[Script],
    units: Mapping[str, Unit | None],
    parser: Parser,
    faults: Faults,
) -> ScriptTests | None:
    stem = file.rpartition("/")[2].removesuffix(".rego")
    names = {one.name.rpartition("/")[2].removesuffix(".rego"): one.name for one in modules}
    under = names.get(stem.removesuffix(SUFFIX))
    if not stem.endswith(SUFFIX) or under is None:
        hint = did_you_mean(stem, [f"{name}{SUFFIX}" for name in names])
        faults.add(
            (0, 0), "there is no module that these tests are about; <name>_test.rego tests policies/<name>.rego", hint
        )
        return None
    source = read_source(data, faults)
    stated = read_package(source, faults, hint=_PACKAGE) if source is not None else None
    if source is None or stated is None:
        return None
    parsed = _parsed(file, source, stated, parser, faults)
    if parsed is None:
        return None
    unit = _unit(*parsed)
    if unit is None:
        faults.add((0, 0), *_TOO_STRANGE)
        return None
    before = len(faults.problems)
    seen = [one for one in (units[under], *(units[one.name] for one in modules if one.library)) if one is not None]
    _check(unit, (unit, *seen), faults)
    tests: dict[str, int] = {}
    for rule in unit.rules:
        if rule.path[0].startswith(PREFIX) and rule.arity is None:
            tests.setdefault(rule.path[0], rule.place[0])
    if not tests:
        faults.add((0, 0), f"no rule of this file begins with {PREFIX}", f"write `{PREFIX}<what holds> if …`")
    if len(tests) > MAX_TESTS:
        faults.add((0, 0), f"a file has at most {MAX_TESTS} tests", "split it")
    facts = f"data.{parsed[0].package}.{FACTS}" if FACTS in _names(unit) else ""
    return ScriptTests(file, under, parsed[0], tuple(tests.items()), facts) if len(faults.problems) == before else None


def _parsed(
    file: str, source: Source, stated: tuple[str, int, int], parser: Parser, faults: Faults
) -> tuple[Script, Json] | None:
    """The module in the dialect that can be read, v1 first."""
    refusals: list[ModuleRefused] = []
    for dialect in (Dialect.V1, Dialect.V0):
        text = sent_text(source, stated[2], dialect)
        try:
            return Script(file, dialect, stated[0], text), parser.parse(file, text, dialect)
        except ModuleRefused as refused:
            refusals.append(refused)
    farthest = max(refusals, key=lambda refused: (refused.line, refused.column))
    faults.add((farthest.line, farthest.column), f"not Rego: {farthest.message[:200]}", "read as v1 and as v0")
    return None


def _unit(module: Script, parsed: Json) -> Unit | None:
    """What the tree says; None where it can't be walked."""
    if not bounded(parsed):
        return None
    text = Text(module.text.encode())
    try:
        outer: Any = parsed[0] if isinstance(parsed, list) else parsed
        rules, defaults = read_rules(outer["ast"])
        return Unit(
            module.name,
            tuple(module.package.split(".")),
            text,
            tuple(rules),
            {path: place(body) for path, body in defaults},
            _imports(outer["ast"], text),
        )
    except _STRANGE:
        return None


def _imports(tree: Tree, text: Text) -> dict[str, tuple[tuple[str, ...], Place]]:
    """What each imported name stands for: a test may import the module that it is about."""
    found: dict[str, tuple[tuple[str, ...], Place]] = {}
    for one in tree["imports"]:
        start, walked = steps(one["refr"])
        root, path = str(variable(start)), tuple(str(name) for name, _, _ in walked)
        if root in ("data", "input") and path:
            alias = text.within(one["as"]) if one.get("as") is not None else path[-1]
            found[alias] = ((root, *path), begins(one["refr"]))
    return found


def _check(unit: Unit, seen: Sequence[Unit], faults: Faults) -> None:
    """Whether every name leads somewhere: what doesn't is undefined, and a test that something is undefined then always passes."""
    complaints = Complaints()
    try:
        variables = Variables(unit.text, unit.known)
        mocked = {path for rule in unit.rules for path, _ in _replaced(unit, rule)}
        for rule in unit.rules:
            for name, where in {**variables.unsafe(rule.tree), **_unknown_in_with(unit, rule)}.items():
                near = did_you_mean(name, unit.known)
                complaints.add(where, f"nothing gives the variable `{name}` a value", near)
            for path, where in _replaced(unit, rule):
                _look_up(path, where, seen, (), complaints, outside=True)
        for target, where in unit.imports.values():
            if target[0] == "data":
                _look_up(target[1:], where, seen, mocked, complaints, outside=False)
        for reference in references(unit):
            if reference.root == "data":
                _look_up(reference.path, reference.place, seen, mocked, complaints, outside=False)
    except (*_STRANGE, TooMuchWork):
        complaints.add((1, 1), *_TOO_STRANGE)
    for at, (message, hint) in sorted(complaints.found.items()):
        faults.add(at, message, hint)


def _withs(rule: Rule) -> Iterator[tuple[Tree, Tree]]:
    """What `with` replaces in a rule, and by what."""
    for body in rule.tree["bodies"]:
        for _, _, statement in literals(body["query"]):
            for one in statement.get("with_mods") or ():
                yield one["refr"], one["as"]


def _replaced(unit: Unit, rule: Rule) -> Iterator[tuple[tuple[str | None, ...], Place]]:
    """The paths of data that `with` replaces."""
    for node, _ in _withs(rule):
        start, walked = steps(node)
        root, path = str(variable(start)), tuple(name for name, _, _ in walked)
        if root in unit.imports:
            target, _ = unit.imports[root]
            root, path = target[0], (*target[1:], *path)
        if root == "data":
            yield path, begins(node)


def _unknown_in_with(unit: Unit, rule: Rule) -> dict[str, Place]:
    """Variables after `as` that stand nowhere else in the rule."""
    elsewhere = {variable(node) for node in rule.bodies()}
    return {
        name: begins(node)
        for _, value in _withs(rule)
        for node in everything(value)
        if (name := variable(node)) is not None and name not in unit.known and name not in elsewhere
    }


def _look_up(
    path: tuple[str | None, ...],
    where: Place,
    seen: Sequence[Unit],
    mocked: Iterable[tuple[str | None, ...]],
    complaints: Complaints,
    *,
    outside: bool,
) -> None:
    """Complain of a path that leads to no rule; `outside` allows data that no module has, for `with` makes it."""
    for unit in seen:
        length = len(unit.package)
        if path[:length] == unit.package and len(path) > length:
            step = path[length]
            known = {name for one in seen if one.package == unit.package for name in _names(one)}
            if step is not None and step not in known:
                complaints.add(where, f"`{unit.name}` has no rule `{step}`", did_you_mean(step, known))
            return
        if unit.package[: len(path)] == path:
            if not unit.library and not outside:
                _refuse_whole(unit, where, complaints)
            return
    if outside or any(path[: len(one)] == one or one[: len(path)] == path for one in mocked):
        return
    stated = ".".join(("data", *(step or "…" for step in path)))
    packages = [".".join(("data", *unit.package)) for unit in seen]
    complaints.add(where, f"`{stated}` is nothing that these tests see", did_you_mean(stated, packages))


def _refuse_whole(unit: Unit, where: Place, complaints: Complaints) -> None:
    """A package named as a whole has the engine evaluate all of its rules: others could fail, and count as reached."""
    hint = f"name the rule, such as data.{'.'.join(unit.package)}.decision"
    complaints.add(where, "this names a whole package, and every rule of it would be evaluated", hint)


def _names(unit: Unit) -> set[str]:
    return {rule.path[0] for rule in unit.rules} | {path[0] for path in unit.defaults}

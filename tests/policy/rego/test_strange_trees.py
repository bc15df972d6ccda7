"""A parser that gives something else than the engine of today: the module is refused, and nothing crashes."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from aaf.domain.canonical import Json
from aaf.domain.decision import DEFAULT_REQUIREMENT
from aaf.policy.positioned import Faults
from aaf.policy.rego.module import Dialect
from aaf.policy.rego.parsing import Failure, ModuleRefused
from aaf.policy.rego.reading import MAX_RULES, Surroundings, read_modules
from aaf.policy.rego.syntax import MAX_LEVELS, MAX_NODES
from tests.policy.rego.engine import InProcess
from tests.policy.rego.loading import V1, loaded, problems

TEXT = f"""{V1}import input.params as p
default decision := {{"action": "deny"}}
f(a) := 1 if a == 1
decision := {{"action": "allow"}} if {{
	some x in input.findings
	every y in [x] {{ y == "a" }}
	not f(2) == 1
	count({{z | z := p.cc[_]}}) > -1
	{{"k": [1 | true]}}.k
}} else := {{"action": "deny"}}
decided contains "a" if data.aaf.policies.f(1)
"""
AROUND = Surroundings(loaded({}).catalogue, DEFAULT_REQUIREMENT)
TREE: Any = InProcess().parse("policies/m.rego", TEXT, Dialect.V1)


class _Gives:
    """A parser that gives what it was told to, then what the engine gives."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    def parse(self, name: str, text: str, dialect: Dialect, /) -> Json:
        if not self.answers:
            return InProcess().parse(name, text, dialect)
        answer: Any = self.answers.pop(0)
        if isinstance(answer, ModuleRefused):
            raise answer
        tree: Json = answer
        return tree

    def try_out(self, *_: object) -> tuple[Failure, ...]:
        return ()


def _read(parser: _Gives, text: str = TEXT) -> tuple[Faults, int]:
    faults = Faults("aaf.yaml")
    return faults, len(read_modules({"policies/m.rego": text.encode()}, parser, AROUND, faults))


def _every_place(tree: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _every_place(value, (*path, key))
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield from _every_place(value, (*path, number))


def _with(path: tuple[str | int, ...], change: Callable[[Any, Any], None]) -> Any:
    tree = deepcopy(TREE)
    inner = tree
    for step in path[:-1]:
        inner = inner[step]
    change(inner, path[-1])
    return tree


def _set_to(value: object) -> Callable[[Any, Any], None]:
    def change(inner: Any, key: Any) -> None:
        inner[key] = value

    return change


def _drop(inner: Any, key: Any) -> None:
    del inner[key]


PLACES = [path for path in _every_place(TREE) if path and "source" not in path]


def test_the_tree_of_today_is_fine() -> None:
    assert _read(_Gives())[1] == 1


@pytest.mark.parametrize(
    "change", [_set_to(None), _set_to({}), _set_to([]), _set_to("x"), _set_to(7), _set_to({"New": {}}), _drop]
)
def test_a_tree_of_another_form_never_crashes_the_check(change: Callable[[Any, Any], None]) -> None:
    for path in PLACES[::23]:
        faults, count = _read(_Gives(_with(path, change)))
        assert count == (0 if faults.problems else 1)
        assert all(problem.file == "policies/m.rego" for problem in faults.problems)


def test_a_literal_of_an_unknown_kind_is_refused() -> None:
    (first, *_) = (path for path in PLACES if path[-1] == "literal")
    faults, count = _read(_Gives(_with(first, _set_to({"New": {}}))))
    assert ("can't be checked" in faults.problems[0].message, count) == (True, 0)


def _nested(levels: int) -> Any:
    tree: Any = 1
    for _ in range(levels):
        tree = [tree]
    return tree


@pytest.mark.parametrize("tree", [None, [], {}, "x", 7, [{"ast": {}}], _nested(MAX_LEVELS + 1), [[]] * (MAX_NODES + 1)])
def test_what_is_no_tree_or_too_large_is_refused(tree: object) -> None:
    faults, count = _read(_Gives(tree))
    assert (len(faults.problems), count) == (1, 0)


def test_a_default_that_cannot_be_cut_out_is_refused() -> None:
    for second in (ModuleRefused(1, 1, "no"), TREE, None):
        faults, count = _read(_Gives(TREE, second))
        assert (faults.problems[0].message, count) == ("the default can't be taken out of the text", 0)


def test_rules_beyond_the_limit_are_refused() -> None:
    text = V1 + "x := 1\n" * (MAX_RULES + 1) + 'decision := "deny"\n'
    assert "at most" in problems(text)[0].message


def test_bodies_that_would_take_too_long_are_refused() -> None:
    body = "".join(f"\tx{number} = x{number + 1}\n" for number in range(900))
    (problem,) = problems(f'{V1}decision := "deny" if {{\n{body}\tx900 = 1\n}}\n')
    assert "too entangled" in problem.message


def test_the_dialect_that_got_farthest_is_the_one_that_is_reported() -> None:
    faults, _ = _read(_Gives(ModuleRefused(5, 1, "in v1"), ModuleRefused(2, 9, "in v0")))
    (problem,) = faults.problems
    assert (problem.line, problem.column, problem.message) == (5, 1, "not Rego: in v1")

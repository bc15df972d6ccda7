"""How the rules of one configuration stand to each other: which never count because a stricter one always speaks, and which only meet.

What is said of a rule that never counts is proven for every action that could come; what isn't said may be so nevertheless. The work is
bounded: rules are compared only where the values that they demand can meet, and when the bound is reached the rest isn't compared.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Protocol, TypeAlias

from aaf.domain.decision import Verdict
from aaf.policy.catalogue import Catalogue, Entry
from aaf.policy.conditions import FIELDS, AllOf, Condition, Not, Probe
from aaf.policy.implying import Test, a_test, never_together, never_truer
from aaf.policy.operators import Op, exactly
from aaf.policy.schemas import Kind

MAX_STEPS = 200_000
"""Pairs of conditions that are compared for one configuration: about a second, two where hosts or folders are compared."""

_LISTED = 8
"""Pairs of listed values that cost what one pair of conditions does."""

_PARAMS, _CONTEXT = "params.", "context."
_NAMING = frozenset({"amount", "class", "operation", "tool"})

Tree: TypeAlias = "Test | All | Any"


class Speaking(Protocol):
    """What is asked of a rule."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def match(self) -> AllOf:
        """Its condition."""

    @property
    def decision(self) -> Verdict:
        """Its word."""


@dataclass(frozen=True, slots=True)
class All:
    """All parts, negations taken in."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part, negations taken in."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """A rule, and the stricter ones that speak about a part of what it speaks about, where neither lies within the other."""

    rule: str
    stricter: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Every overlap in the order of the rules, and whether all rules could be compared within the bound."""

    found: tuple[Overlap, ...]
    complete: bool


@dataclass(slots=True)
class _Steps:
    left: int

    def over(self) -> bool:
        """Count one step; whether there were too many."""
        self.left -= 1
        return self.left < 0


@dataclass(frozen=True, eq=False)
class Kinds:
    """What many rules ask of one catalogue, found once: the kind of each field where it is one over all action types, and their names."""

    catalogue: Catalogue
    known: dict[str, Kind] = field(default_factory=dict)

    @cached_property
    def by_tool(self) -> dict[str, list[Entry]]:
        """The action types of each tool."""
        found: dict[str, list[Entry]] = {}
        for entry in self.catalogue.values():
            found.setdefault(entry.tool, []).append(entry)
        return found

    @cached_property
    def operations(self) -> frozenset[str]:
        """Every operation."""
        return frozenset(entry.operation for entry in self.catalogue.values())

    def of(self, name: str) -> Kind:
        """The kind of a field; `opaque` where action types differ."""
        found = self.known.get(name)
        if found is None:
            found = self.known[name] = self._find(name)
        return found

    def _find(self, name: str) -> Kind:
        if name in FIELDS:
            return FIELDS[name][0]
        if name.startswith(_CONTEXT):
            return Kind.ANY
        path = name.removeprefix(_PARAMS)
        kinds = {kind for entry in self.catalogue.values() if (kind := entry.kind(path)) is not None}
        return kinds.pop() if len(kinds) == 1 else Kind.OPAQUE


def tree(condition: Condition, kinds: Kinds, *, positive: bool = True) -> Tree:
    """The condition with its negations taken in and its nested conjunctions laid flat."""
    match condition:
        case Probe(name, op, value):
            return a_test(name, kinds.of(name), op, value, positive=positive)
        case Not(part):
            return tree(part, kinds, positive=not positive)
    parts = [tree(part, kinds, positive=positive) for part in condition.parts]
    kind = All if isinstance(condition, AllOf) is positive else Any
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, kind) else (part,))]
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


@dataclass(frozen=True, slots=True)
class _Known:
    """A rule with its condition's tree, and the tests that the condition demands plainly."""

    rule: Speaking
    tree: Tree

    @property
    def tests(self) -> Iterator[Test]:
        parts = self.tree.parts if isinstance(self.tree, All) else (self.tree,)
        return (part for part in parts if isinstance(part, Test))

    @property
    def listed(self) -> Iterator[Test]:
        """The tests that one of a list of values is demanded by."""
        return (test for test in self.tests if test.op is Op.IN and test.values is not None)

    @property
    def is_broad(self) -> bool:
        """Whether it names no tool, operation, class or parameter: a guard over everything, made to cut across other rules."""
        parts = self.tree.parts if isinstance(self.tree, All) else (self.tree,)
        return not any(
            test.field in _NAMING or test.field.startswith(_PARAMS) for part in parts for test in _tests(part)
        )


def _tests(part: Tree) -> Iterator[Test]:
    if isinstance(part, Test):
        yield part
        return
    for inner in part.parts:
        yield from _tests(inner)


def shadowed(rules: Sequence[Speaking], catalogue: Catalogue) -> dict[str, str]:
    """The rules that never count, each with a stricter rule that speaks whenever it does.

    An allow speaks where its condition is true, a deny or a hold also where that is unknown; a condition that is never truer than another
    one's is covered by it either way.
    """
    known, steps = _known(rules, catalogue), _Steps(MAX_STEPS)
    found: dict[str, str] = {}
    for verdict in (Verdict.DENY, Verdict.REQUIRE_APPROVAL):
        near = _Near([one for one in known if one.rule.decision is verdict])
        for one in known:
            if one.rule.decision.strictness >= verdict.strictness or one.rule.name in found:
                continue
            for stricter in near.to(one, every=True):
                if steps.left <= 0:
                    return found
                if _never_truer(one.tree, stricter.tree, steps):
                    found[one.rule.name] = stricter.rule.name
                    break
    return found


def overlaps(rules: Sequence[Speaking], catalogue: Catalogue) -> Overlaps:
    """Each allow or hold with the stricter rules that may speak about some of its actions, but not within it nor around it.

    A stricter rule that lies within a weaker one is an exception from it, and one that names nothing particular is a guard over
    everything: both are how policies are written, and aren't told.
    """
    known, steps = _known(rules, catalogue), _Steps(MAX_STEPS)
    found: list[Overlap] = []
    near = {
        verdict: _Near([one for one in known if one.rule.decision.strictness > verdict.strictness and not one.is_broad])
        for verdict in Verdict
    }
    for one in known:
        others = []
        for other in near[one.rule.decision].to(one, every=False):
            meets = not _apart(one.tree, other.tree, steps)
            lies_within = _never_truer(one.tree, other.tree, steps) or _never_truer(other.tree, one.tree, steps)
            if steps.left <= 0:
                return Overlaps(tuple(found), complete=False)
            if meets and not lies_within:
                others.append(other.rule.name)
        if others:
            found.append(Overlap(one.rule.name, tuple(others)))
    return Overlaps(tuple(found), complete=True)


def _known(rules: Iterable[Speaking], catalogue: Catalogue) -> list[_Known]:
    kinds = Kinds(catalogue)
    return [_Known(rule, tree(rule.match, kinds)) for rule in rules]


class _Near:
    """Rules by a value that each demands, so that only those are compared that could demand the same."""

    def __init__(self, rules: Sequence[_Known]) -> None:
        counted = Counter(key for one in rules for test in one.listed for key in _keys(test))
        self._by_value: dict[str, dict[object, list[_Known]]] = {}
        self._open: list[_Known] = []
        for one in rules:
            test = min(one.listed, key=lambda test: sum(counted[key] for key in _keys(test)), default=None)
            if test is None:
                self._open.append(one)
                continue
            by_value = self._by_value.setdefault(test.field, {})
            for _, value in _keys(test):
                by_value.setdefault(value, []).append(one)

    def to(self, one: _Known, *, every: bool) -> Iterator[_Known]:
        """The rules that `one` may lie within (`every`), or that may be true together with it."""
        yield from self._open
        demanded = {test.field: test for test in one.listed}
        seen: set[int] = set()
        for name, by_value in self._by_value.items():
            if name in demanded:
                keys = [value for _, value in _keys(demanded[name])]
                # Where it lies within another rule, each of its values is one of that rule's, so the first finds it.
                found = [by_value.get(key, []) for key in (keys[:1] if every else keys)]
            else:
                found = [] if every else [*by_value.values()]
            for other in chain.from_iterable(found):
                if id(other) not in seen:
                    seen.add(id(other))
                    yield other


def _keys(test: Test) -> list[tuple[str, object]]:
    return [(test.field, exactly(value)) for value in test.values or ()]


def _never_truer(one: Tree, other: Tree, steps: _Steps) -> bool:
    if steps.over():
        return False
    if isinstance(one, Test) and isinstance(other, Test):
        steps.left -= one.weight * other.weight // _LISTED
        return never_truer(one, other)
    if isinstance(other, All):
        return all(_never_truer(one, part, steps) for part in other.parts)
    if isinstance(one, Any):
        return all(_never_truer(part, other, steps) for part in one.parts)
    if isinstance(one, All) and any(_never_truer(part, other, steps) for part in one.parts):
        return True
    return isinstance(other, Any) and any(_never_truer(one, part, steps) for part in other.parts)


def _apart(one: Tree, other: Tree, steps: _Steps) -> bool:
    if steps.over():
        return False
    if isinstance(one, Test) and isinstance(other, Test):
        steps.left -= one.weight * other.weight // _LISTED
        return never_together(one, other)
    for first, second in ((one, other), (other, one)):
        if isinstance(first, Any):
            return all(_apart(part, second, steps) for part in first.parts)
    if isinstance(one, All):
        return any(_apart(part, other, steps) for part in one.parts)
    return isinstance(other, All) and any(_apart(one, part, steps) for part in other.parts)

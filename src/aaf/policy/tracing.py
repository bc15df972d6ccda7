"""A condition taken apart for people: what each test saw in an input, and what it said.

An interpreter beside the compiled matcher, which decides; a property test holds the two to the same answers. A negation is pushed down to
the tests, as there: what it negates are tests, and what it doesn't apply to is false either way. Nothing is hidden here: that is for
whoever shows it.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Any, TypeAlias

from aaf.policy.catalogue import Entry
from aaf.policy.conditions import FIELDS, AllOf, Condition, Not, Probe, kind_of, reader
from aaf.policy.decision_input import Input
from aaf.policy.limit_reading import COUNTERS
from aaf.policy.operands.answers import Absent, Answer, opposite
from aaf.policy.operators import Op, fault, question
from aaf.policy.schemas import Kind


@unique
class Saw(StrEnum):
    """What a test found where it looked."""

    ERASED = "erased"
    FAILED = "failed"
    INAPPLICABLE = "inapplicable"
    MISSING = "missing"
    UNFIT = "unfit"
    VALUE = "value"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One test: `negated` where a `not` stands above it, `said` with that counted in; `value` is only meant where `saw` is `VALUE`.

    `INAPPLICABLE`: actions of this type have no such field. `UNFIT`: the operator doesn't fit the field of this type. `FAILED`: asking
    raised an error, which makes the whole rule a deny.
    """

    probe: Probe
    negated: bool
    saw: Saw
    said: Answer
    value: Any = None


@dataclass(frozen=True, slots=True)
class Group:
    """Several parts of which `every` one has to hold, or at least one."""

    every: bool
    parts: "tuple[Traced, ...]"
    said: Answer


Traced: TypeAlias = Leaf | Group


def trace(condition: Condition, asked: Input, entry: Entry | None, *, negated: bool = False) -> Traced:
    """What a condition says of an input, test by test; `entry` is the action type's, None where the catalogue has none."""
    match condition:
        case Probe():
            return _test(condition, asked, entry, negated=negated)
        case Not(part):
            return trace(part, asked, entry, negated=not negated)
    every = isinstance(condition, AllOf) is not negated
    parts = tuple(trace(part, asked, entry, negated=negated) for part in condition.parts)
    return Group(every, parts, _joined([part.said for part in parts], every=every))


def _joined(said: list[Answer], *, every: bool) -> Answer:
    """Kleene's conjunction or disjunction."""
    if (not every) in said:
        return not every
    return None if None in said else every


def _test(probe: Probe, asked: Input, entry: Entry | None, *, negated: bool) -> Leaf:
    kind = kind_of(probe.field, entry)
    if kind is None:
        return Leaf(probe, negated, Saw.INAPPLICABLE, said=False)
    value = reader(probe.field, entry)(asked)
    if fault(kind, probe.op, probe.value) is not None:
        return Leaf(probe, negated, Saw.UNFIT, None, value)
    if probe.field.startswith(COUNTERS) and probe.op is not Op.EXISTS:
        return _counter(probe, asked, negated=negated)
    saw = Saw(value.value) if isinstance(value, Absent) else Saw.VALUE
    if probe.op is Op.EXISTS:
        there = bool(value) if probe.field in FIELDS else value is not Absent.MISSING
        return Leaf(probe, negated, saw, there is (bool(probe.value) is not negated), value)
    if saw is not Saw.VALUE:
        return Leaf(probe, negated, saw, None)
    return _asked(probe, kind, value, negated=negated)


def _counter(probe: Probe, asked: Input, *, negated: bool) -> Leaf:
    """What a limit counted; one that isn't about the action is inapplicable to it. A flag is counted as 0 or 1."""
    name = probe.field.removeprefix(COUNTERS)
    count: Any = asked.counters.get(name)
    if count is None:
        return Leaf(probe, negated, Saw.INAPPLICABLE, said=False)
    return _asked(probe, Kind.ANY, bool(count) if name.endswith(".exceeded") else count, negated=negated)


def _asked(probe: Probe, kind: Kind, value: Any, *, negated: bool) -> Leaf:  # noqa: ANN401 - what an input holds
    asks = question(kind, probe.op, probe.value)
    try:
        said = (opposite(asks) if negated else asks)(value)
    except Exception:  # noqa: BLE001 - the matcher makes a deny of it; here it is told
        return Leaf(probe, negated, Saw.FAILED, None, value)
    return Leaf(probe, negated, Saw.VALUE, said, value)

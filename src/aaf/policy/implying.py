"""What one test says of another on the same field: it is never truer, or the two are never true together.

Sound and not complete: True is a proof, False says nothing. "Never truer" is meant in the order false, unknown, true at every value, also
at none; so it holds under `all` and `any` as well, and turns round under `not`. An inapplicable test is false.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import inf
from typing import Any, TypeAlias

from aaf.domain.canonical import Json, canonical
from aaf.domain.instants import read as instant
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.operands import folders, hosts, lists, networks, windows
from aaf.policy.operands.answers import Answer, Question, opposite
from aaf.policy.operators import Op, glob, question
from aaf.policy.schemas import Kind

_SCALARS = frozenset({Kind.CLASS, Kind.FLAG, Kind.NUMBER, Kind.RISK, Kind.TEXT})
_LISTED = frozenset({Kind.NUMBERS, Kind.TEXTS})
_WITH_LISTS = _SCALARS | {Kind.ANY}
_ORDER = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})
_OF_LISTS = frozenset({Op.CONTAINS, Op.EVERY, Op.SIZE, Op.SOME})
_SIZED = frozenset({Kind.LIST, Kind.NUMBERS, Kind.TEXTS})
_OPPOSITE = {
    Op.IN: Op.NOT_IN,
    Op.NOT_IN: Op.IN,
    Op.GT: Op.LTE,
    Op.LTE: Op.GT,
    Op.LT: Op.GTE,
    Op.GTE: Op.LT,
}
_MEANT: dict[Op, Callable[[Any], Any]] = {
    Op.CIDR: networks.networks,
    Op.HOST: hosts.named,
    Op.UNDER: folders.folders,
    Op.WITHIN: windows.window,
}
_COVERS: dict[Op, Callable[[Any, Any], bool]] = {
    Op.CIDR: networks.covers,
    Op.HOST: hosts.covers,
    Op.UNDER: folders.covers,
    Op.WITHIN: windows.covers,
}
_APART: dict[Op, Callable[[Any, Any], bool]] = {
    Op.CIDR: networks.apart,
    Op.HOST: hosts.apart,
    Op.UNDER: folders.apart,
    Op.WITHIN: windows.apart,
}
_MOST = 64
"""Values of one list that are asked one by one; of longer ones nothing is proven that way."""

_STAR = "\0"
Bound: TypeAlias = tuple[Any, bool]
"""A number, and whether it is left out."""

Range: TypeAlias = tuple[str, Bound, Bound]
"""What is counted, the lowest bound and the highest."""


@dataclass(frozen=True, eq=False)
class Test:
    """One test of a field of this kind. Of the kind `opaque` nothing is known but whether another test asks the same."""

    field: str
    kind: Kind
    op: Op
    value: Json
    positive: bool

    @cached_property
    def key(self) -> bytes:
        """What two tests of one field have in common that ask the same; true and 1 are two."""
        return canonical([self.op, self.positive, self.value])

    @cached_property
    def asked(self) -> Question:
        """What is said of a value that is there."""
        value = question(self.kind, self.op, self.value)
        return value if self.positive else opposite(value)

    @cached_property
    def meant(self) -> Any:  # noqa: ANN401 - what the operator's own module makes of it
        """The operand of an operator of `_MEANT`, read once however many tests it is compared with."""
        return _MEANT[self.op](self.value)

    @cached_property
    def weight(self) -> int:
        """How many values are compared where it is compared with another test."""
        return len(self.value) if isinstance(self.value, list) else 1

    @cached_property
    def values(self) -> list[Any] | None:
        """The only values that it is true of, where it is false of all other plain values; None where they aren't listed."""
        if self.kind is Kind.RISK:
            return [risk for risk in Risk if self.asked(risk)]
        if self.kind is Kind.CLASS:
            return [klass for klass in ActionClass if self.asked(klass)]
        return _list(self.value) if self.op is Op.IN and self.kind in _WITH_LISTS else None

    @cached_property
    def range(self) -> Range | None:
        """The numbers that it asks for, a negation left aside; None where it asks something else."""
        if self.op is Op.SIZE and self.kind in _SIZED:
            return _sizes(self.value)
        if self.kind is Kind.AMOUNT and isinstance(self.value, dict):
            return _range(str(self.value["currency"]), self.op, Decimal(str(self.value["value"])))
        if self.op not in _ORDER:
            return None
        if self.kind is Kind.TIME:
            return _range("time", self.op, instant(str(self.value)))
        if self.kind in (Kind.NUMBER, Kind.TEXT, Kind.ANY):
            is_text = isinstance(self.value, str)
            return _range(
                "decimal" if is_text else "number", self.op, Decimal(str(self.value)) if is_text else self.value
            )
        return None

    @cached_property
    def pattern(self) -> str | None:
        """The text that it is true of, in which `_STAR` stands for any characters; None where it asks something else."""
        if self.kind is not Kind.TEXT or not isinstance(self.value, str) or not {_STAR, "\1"}.isdisjoint(self.value):
            return None
        match self.op:
            case Op.CONTAINS:
                return f"{_STAR}{self.value}{_STAR}"
            case Op.ENDS_WITH:
                return f"{_STAR}{self.value}"
            case Op.GLOB:
                return self.value.replace("*", _STAR)
            case Op.STARTS_WITH:
                return f"{self.value}{_STAR}"
        return None

    @cached_property
    def literal(self) -> str:
        """The pattern in which each star is a letter that only a star of another pattern takes."""
        return (self.pattern or "").replace("*", "\1")

    @cached_property
    def takes(self) -> Callable[[str], bool]:
        """Whether a literal is of the pattern; what is a star in a plain text is made another letter."""
        return glob((self.pattern or "").replace("*", "\1").replace(_STAR, "*"))


def a_test(name: str, kind: Kind, op: Op, value: Json, *, positive: bool) -> Test:
    """The test in the one form that asks the same: a negation is taken in where the operator has an opposite."""
    if op in (Op.EQ, Op.NE) and kind is not Kind.AMOUNT:
        op, value = (Op.IN if op is Op.EQ else Op.NOT_IN), [value]
    if op is Op.CONTAINS and kind in _LISTED:
        op, value = Op.IN, [value]
    if op is Op.NE:
        op, positive = Op.EQ, not positive
    if not positive and op is Op.EXISTS:
        value, positive = not value, True
    if not positive and op in _OPPOSITE:
        op, positive = _OPPOSITE[op], True
    return Test(name, kind, op, value, positive)


def inner_tests(test: Test) -> list[Test]:
    """What `every` or `some` ask of each item."""
    kind = {Kind.NUMBERS: Kind.NUMBER, Kind.TEXTS: Kind.TEXT}.get(test.kind, Kind.ANY)
    return [a_test("item", kind, Op(op), value, positive=True) for op, value in lists.tests(test.value)]


def never_truer(one: Test, other: Test) -> bool:
    """Whether `one` is nowhere truer than `other`, in the order false, unknown, true."""
    if one.field != other.field or one.kind is not other.kind:
        return False
    return one.key == other.key or (_comparable(one, other) and _never_truer(one, other))


def _comparable(one: Test, other: Test) -> bool:
    """Whether more can be said of them than that they are equal."""
    if Op.EXISTS in (one.op, other.op):
        return False
    # Some operators say something of a list where others don't know.
    return one.kind is not Kind.ANY or _OF_LISTS.isdisjoint((one.op, other.op))


def _never_truer(one: Test, other: Test) -> bool:
    if one.values is not None:
        return _all(one.values, other.asked, said=True)
    if other.op is Op.NOT_IN and one.kind in _WITH_LISTS:
        return _all(_list(other.value), one.asked, said=False)
    if one.positive and not other.positive:
        if one.range and other.range:
            return one.range[0] == other.range[0] and not _meet(one.range, other.range)
        is_two_valued = (one.pattern and other.pattern) or one.op is other.op is Op.WITHIN
        return bool(is_two_valued) and _apart(one, other)
    if other.positive and not one.positive:
        return False
    return _covered(one, other) if one.positive else _covered(other, one)


def never_together(one: Test, other: Test) -> bool:
    """Whether there is no value at which both are true."""
    if one.field != other.field or one.kind is not other.kind or one.kind is Kind.OPAQUE:
        return False
    if Op.EXISTS in (one.op, other.op):
        return _nothing_there(one, other) or _nothing_there(other, one)
    for first, second in ((one, other), (other, one)):
        if first.values is not None:
            return len(first.values) <= _MOST and not any(second.asked(value) for value in first.values)
    if any(never_truer(first, _negated(second)) for first, second in ((one, other), (other, one))):
        return True
    return one.positive and other.positive and _apart(one, other)


def _negated(test: Test) -> Test:
    return a_test(test.field, test.kind, test.op, test.value, positive=not test.positive)


def _nothing_there(one: Test, other: Test) -> bool:
    """Whether `one` is true only where there is nothing, and `other` only where there is something."""
    if one.op is not Op.EXISTS or one.value:
        return False
    if other.op is Op.EXISTS:
        return other.value is True
    # A field that every action has is there as null or as an empty set, and a test may be true of that.
    return "." in one.field


def _all(values: list[Any], asked: Question, *, said: Answer) -> bool:
    return len(values) <= _MOST and all(asked(value) is said for value in values)


def _list(value: Json) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _covered(one: Test, other: Test) -> bool:
    """Whether what `one` asks for lies within what `other` does, a negation of either left aside."""
    if one.range and other.range:
        return _inside(one.range, other.range)
    if one.pattern and other.pattern:
        return other.takes(one.literal)
    if one.op is not other.op or one.weight * other.weight > _MOST * _MOST:
        return False
    if one.kind in _LISTED and one.op in (Op.IN, Op.NOT_IN):
        mine, others = set(_list(one.value)), set(_list(other.value))
        return mine <= others if one.op is Op.IN else others <= mine
    return one.kind in (Kind.TEXT, Kind.TIME) and one.op in _COVERS and _COVERS[one.op](one.meant, other.meant)


def _apart(one: Test, other: Test) -> bool:
    """Whether nothing is both what `one` and what `other` ask for, a negation of either left aside."""
    if one.range and other.range:
        return not _meet(one.range, other.range)
    if one.pattern and other.pattern:
        for whole, rest in ((one, other), (other, one)):
            if _STAR not in (whole.pattern or ""):
                return not _covered(whole, rest)
        pieces = [pattern.split(_STAR) for pattern in (one.pattern, other.pattern)]
        heads, tails = sorted((each[0] for each in pieces), key=len), sorted((each[-1] for each in pieces), key=len)
        return not (heads[1].startswith(heads[0]) and tails[1].endswith(tails[0]))
    if one.op is not other.op or one.weight * other.weight > _MOST * _MOST:
        return False
    return one.kind in (Kind.TEXT, Kind.TIME) and one.op in _APART and _APART[one.op](one.meant, other.meant)


def _range(unit: str, op: Op, number: Any) -> Range:  # noqa: ANN401 - int, float or Decimal
    match op:
        case Op.GT | Op.GTE:
            return unit, (number, op is Op.GT), (inf, True)
        case Op.LT | Op.LTE:
            return unit, (-inf, True), (number, op is Op.LT)
    return unit, (number, False), (number, False)


def _sizes(value: Json) -> Range | None:
    """The numbers of items that are asked for; None where they aren't one range."""
    found: Range = ("items", (0, False), (inf, True))
    for name, number in lists.tests(value):
        if name not in (*_ORDER, Op.EQ):
            return None
        found = _met(found, _range("items", Op(name), number))
    return found


def _met(one: Range, other: Range) -> Range:
    low = max(one[1], other[1])
    high = min(one[2], other[2], key=lambda bound: (bound[0], not bound[1]))
    return one[0], low, high


def _inside(one: Range, other: Range) -> bool:
    return one[0] == other[0] and _met(one, other) == one


def _meet(one: Range, other: Range) -> bool:
    """Whether a number is in both."""
    _, low, high = _met(one, other)
    return one[0] == other[0] and not is_empty(("", low, high))


def is_empty(one: Range) -> bool:
    """Whether no number is in it."""
    _, (low, above), (high, below) = one
    return bool(low > high) or (bool(low == high) and (above or below))

"""The operators of rules: which fit which kind of field, and what they say of a value.

An operator answers true, false, or None where it can't be known, such as an order of a text that is no decimal number. Null is a value:
it equals null, and it doesn't begin with anything. Nothing is converted, and `true` is never 1.
"""

import json
import operator
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import StrEnum, unique
from functools import lru_cache
from typing import Any, TypeAlias, cast

from aaf.domain.canonical import Json
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.reading import did_you_mean
from aaf.policy.schemas import Kind

Answer: TypeAlias = bool | None
Question: TypeAlias = Callable[[Any], Answer]

_MAX_SHOWN = 64
_DECIMAL = re.compile(r"-?[0-9]{1,64}(\.[0-9]{1,64})?")


@unique
class Op(StrEnum):
    """Every operator, in alphabetical order."""

    CONTAINS = "contains"
    ENDS_WITH = "ends_with"
    EQ = "eq"
    EXISTS = "exists"
    GLOB = "glob"
    GT = "gt"
    GTE = "gte"
    IN = "in"
    LT = "lt"
    LTE = "lte"
    NE = "ne"
    NOT_IN = "not_in"
    STARTS_WITH = "starts_with"


_LISTS = frozenset({Op.IN, Op.NOT_IN})
_EQUALITY = frozenset({Op.EQ, Op.NE}) | _LISTS
_ORDER = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})
_WORDS = frozenset({Op.CONTAINS, Op.ENDS_WITH, Op.GLOB, Op.STARTS_WITH})
_FITTING: dict[Kind, frozenset[Op]] = {
    Kind.ANY: frozenset(Op),
    Kind.CLASS: _EQUALITY,
    Kind.FLAG: _EQUALITY | {Op.EXISTS},
    Kind.NUMBER: _EQUALITY | _ORDER | {Op.EXISTS},
    Kind.OPAQUE: frozenset({Op.EXISTS}),
    Kind.RISK: _EQUALITY | _ORDER,
    Kind.SECRET: frozenset({Op.EXISTS}),
    Kind.TEXT: frozenset(Op),
    Kind.TEXTS: _LISTS | {Op.CONTAINS, Op.EXISTS},
}


def fault(kind: Kind, op: Op, operand: Json) -> tuple[str, str] | None:
    """Why `op` with `operand` makes no sense on a field of this kind, and a hint; None where it does."""
    if op not in _FITTING[kind]:
        return f"`{op}` doesn't fit a field that is a {kind}", f"what fits: {', '.join(sorted(_FITTING[kind]))}"
    if op is Op.EXISTS:
        return None if isinstance(operand, bool) else (f"`{op}` takes true or false", "without quotes")
    if op in _LISTS:
        if not isinstance(operand, list) or not operand:
            return f"`{op}` takes a list that is not empty", "write it as [a, b]"
        return next((wrong for item in operand if (wrong := _unfit(kind, op, item))), None)
    return _unfit(kind, op, operand)


def _unfit(kind: Kind, op: Op, operand: Json) -> tuple[str, str] | None:
    """Why one operand is of the wrong type."""
    if isinstance(operand, list | dict):
        return f"`{op}` takes a single value", "use `in` for several"
    if op in _WORDS or kind is Kind.TEXTS:
        return _no_words(op, operand)
    if kind is Kind.RISK or kind is Kind.CLASS:
        names = [member.value for member in (Risk if kind is Kind.RISK else ActionClass)]
        return None if operand in names else (f"`{shown(operand)}` is no {kind}", did_you_mean(shown(operand), names))
    if op in _ORDER:
        return _unordered(kind, op, operand)
    if operand is None or kind is Kind.ANY:
        return None
    is_number = isinstance(operand, int | float) and not isinstance(operand, bool)
    if {Kind.FLAG: isinstance(operand, bool), Kind.NUMBER: is_number}.get(kind, isinstance(operand, str)):
        return None
    return (
        f"`{shown(operand)}` can't equal a field that is a {kind}",
        "quote it" if kind is Kind.TEXT else "write it without quotes",
    )


def _no_words(op: Op, operand: Json) -> tuple[str, str] | None:
    if not isinstance(operand, str) or not operand:
        return f"`{op}` takes a string here", "quote it"
    if op is Op.GLOB and any(letter in operand for letter in "?[{"):
        return "only * is special in `glob`", "? [ and { have no meaning there; use `any` for alternatives"
    return None


def _unordered(kind: Kind, op: Op, operand: Json) -> tuple[str, str] | None:
    is_number = isinstance(operand, int | float) and not isinstance(operand, bool)
    is_decimal = isinstance(operand, str) and _DECIMAL.fullmatch(operand) is not None
    match kind:
        case Kind.NUMBER if not is_number:
            return f"`{op}` takes a number here", "write it without quotes"
        case Kind.TEXT if not is_decimal:
            return f"`{op}` on a string takes a decimal number in quotes", 'such as "100.00"'
        case Kind.ANY if not (is_number or is_decimal):
            return f"`{op}` takes a number, or a decimal number in quotes", 'such as 100 or "100.00"'
    return None


def shown(operand: Json) -> str:
    """As it is written in a file, cut to what fits a message."""
    return operand[:_MAX_SHOWN] if isinstance(operand, str) else json.dumps(operand)[:_MAX_SHOWN]


def question(kind: Kind, op: Op, operand: Any) -> Question:  # noqa: ANN401 - `fault` has checked it
    """What `op` asks of a value that is there; `fault` must have found nothing wrong. `exists` isn't asked of a value."""
    if op in _EQUALITY:
        asked = _among(kind, operand if op in _LISTS else [operand])
        return asked if op in (Op.EQ, Op.IN) else opposite(asked)
    if op in _ORDER:
        return _ordered(kind, op, operand)
    if op is Op.CONTAINS and kind in (Kind.TEXTS, Kind.ANY):
        return _among(kind, [operand]) if kind is Kind.TEXTS else _holds(operand)
    return _WORD_TESTS[op](operand)


def gate(kind: Kind, op: Op, operand: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - `fault` has checked it
    """A cheaper form of `question` that is False only where that is; on other types it may raise or return anything else.

    Where an order of decimal texts is asked, the value is what `decimal` makes of the text.
    """
    if op in _ORDER and kind in (Kind.TEXT, Kind.NUMBER):
        bound = Decimal(operand) if kind is Kind.TEXT else operand
        return cast("Callable[[Any], Any]", getattr(bound, _MIRRORED[op]))
    if kind is Kind.TEXT and op in _METHODS:
        return operator.methodcaller(_METHODS[op], operand)
    return question(kind, op, operand)


def wants_decimal(kind: Kind, op: Op) -> bool:
    """Whether the gate asks the decimal of a text."""
    return kind is Kind.TEXT and op in _ORDER


def opposite(asked: Question) -> Question:
    """The negation, in which unknown stays unknown."""

    def answer(value: Any) -> Answer:  # noqa: ANN401 - a JSON value
        said = asked(value)
        return None if said is None else not said

    return answer


def _among(kind: Kind, operands: Iterable[Any]) -> Question:
    if kind is Kind.ANY:
        known = {exactly(operand) for operand in operands}
        return lambda value: None if isinstance(value, list | dict) else exactly(value) in known
    wanted = frozenset(operands)
    if kind is Kind.TEXTS:
        return lambda values: not wanted.isdisjoint(values)
    return wanted.__contains__


def exactly(value: Any) -> tuple[bool, Any]:  # noqa: ANN401 - a JSON scalar
    """A key under which true and 1 are two."""
    return isinstance(value, bool), value


def _holds(operand: str) -> Question:
    return lambda value: operand in value if isinstance(value, str | list) else _no_text(value)


def _glob(pattern: str) -> Callable[[str], bool]:
    """`*` stands for any characters, also for `/`; pieces are found from left to right, so the time is linear in both."""
    first, *rest = pattern.split("*")
    if not rest:
        return lambda text: text == first
    *middle, last = rest

    def matches(text: str) -> bool:
        if not text.startswith(first):
            return False
        at = len(first)
        for piece in middle:
            found = text.find(piece, at)
            if found < 0:
                return False
            at = found + len(piece)
        return len(text) - len(last) >= at and text.endswith(last)

    return matches


# Written out rather than composed: these run many times a decision, and each call within a call is paid for.
_WORD_TESTS: dict[Op, Callable[[str], Question]] = {
    Op.CONTAINS: lambda operand: lambda value: operand in value if isinstance(value, str) else _no_text(value),
    Op.ENDS_WITH: lambda operand: lambda value: value.endswith(operand) if isinstance(value, str) else _no_text(value),
    Op.GLOB: lambda operand: _glob_question(_glob(operand)),
    Op.STARTS_WITH: lambda operand: (
        lambda value: value.startswith(operand) if isinstance(value, str) else _no_text(value)
    ),
}


def _glob_question(matches: Callable[[str], bool]) -> Question:
    return lambda value: matches(value) if isinstance(value, str) else _no_text(value)


def _no_text(value: Any) -> Answer:  # noqa: ANN401 - a JSON value
    """Null has no letters; of another type nothing is known."""
    return False if value is None else None


_METHODS = {Op.CONTAINS: "__contains__", Op.ENDS_WITH: "endswith", Op.STARTS_WITH: "startswith"}
_MIRRORED = {Op.GT: "__lt__", Op.GTE: "__le__", Op.LT: "__gt__", Op.LTE: "__ge__"}
_COMPARE: dict[Op, Callable[[Any, Any], bool]] = {
    Op.GT: operator.gt,
    Op.GTE: operator.ge,
    Op.LT: operator.lt,
    Op.LTE: operator.le,
}


def _ordered(kind: Kind, op: Op, operand: Any) -> Question:  # noqa: ANN401 - `fault` has checked it
    compare = _COMPARE[op]
    if kind is Kind.RISK:
        level = Risk(operand).level
        return lambda risk: compare(risk.level, level)
    if isinstance(operand, str):
        bound = Decimal(operand)
        return lambda text: None if (number := decimal(text)) is None else compare(number, bound)
    return lambda number: compare(number, operand) if type(number) in (int, float) else None


@lru_cache(maxsize=64)
def decimal(text: Any) -> Decimal | None:  # noqa: ANN401 - a JSON value
    """Exact, without exponents, so that a comparison costs what the text is long; many rules ask about one amount."""
    return Decimal(text) if isinstance(text, str) and _DECIMAL.fullmatch(text) else None

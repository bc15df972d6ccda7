"""The operators of rules: which fit which kind of field, and what they say of a value. What needs more than a line is in `operands`.

An operator answers true, false, or None where it can't be known, such as an order of a text that is no decimal number. Null is a value:
it equals null, and it doesn't begin with anything. Nothing is converted, and `true` is never 1.
"""

import json
import operator
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import StrEnum, unique
from typing import Any, cast

from aaf.domain.canonical import Json
from aaf.domain.instants import read as instant
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.operands import amounts, folders, hosts, lists, networks, patterns, windows
from aaf.policy.operands.amounts import DECIMAL, decimal
from aaf.policy.operands.answers import Absent, Answer, Misfit, Question, no_text, opposite
from aaf.policy.reading import did_you_mean
from aaf.policy.schemas import Kind

_MAX_SHOWN = 64


@unique
class Op(StrEnum):
    """Every operator, in alphabetical order."""

    CIDR = "cidr"
    CONTAINS = "contains"
    ENDS_WITH = "ends_with"
    EQ = "eq"
    EVERY = "every"
    EXISTS = "exists"
    GLOB = "glob"
    GT = "gt"
    GTE = "gte"
    HOST = "host"
    IN = "in"
    LT = "lt"
    LTE = "lte"
    MATCHES = "matches"
    NE = "ne"
    NOT_IN = "not_in"
    SIZE = "size"
    SOME = "some"
    STARTS_WITH = "starts_with"
    UNDER = "under"
    WITHIN = "within"


_LISTS = frozenset({Op.IN, Op.NOT_IN})
_EQUALITY = frozenset({Op.EQ, Op.NE}) | _LISTS
_ORDER = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})
_WORDS = frozenset({Op.CONTAINS, Op.ENDS_WITH, Op.GLOB, Op.STARTS_WITH})
_MEANT = frozenset({Op.CIDR, Op.HOST, Op.UNDER})
"""The operators that ask what a text means: each has a reader, and asks what was read."""

_MISFITS: dict[Op, Callable[[Json], Misfit | None]] = {
    Op.CIDR: networks.misfit,
    Op.HOST: hosts.misfit,
    Op.MATCHES: patterns.misfit,
    Op.UNDER: folders.misfit,
}
_READERS: dict[Op, Callable[[Any], Any]] = {Op.CIDR: networks.read, Op.HOST: hosts.read, Op.UNDER: folders.read}
_ASKED: dict[Op, Callable[[Json], Callable[[Any], Answer]]] = {
    Op.CIDR: networks.asked,
    Op.HOST: hosts.asked,
    Op.UNDER: folders.asked,
}
_OF_TEXT = _EQUALITY | _ORDER | _WORDS | {Op.EXISTS, Op.MATCHES, *_MEANT}
_OF_LISTS = frozenset({Op.EXISTS, Op.SIZE})
_OF_ITEMS = _OF_LISTS | _LISTS | {Op.CONTAINS, Op.EVERY, Op.SOME}
_FITTING: dict[Kind, frozenset[Op]] = {
    Kind.AMOUNT: _ORDER | {Op.EQ, Op.NE},
    Kind.ANY: _OF_TEXT | _OF_ITEMS,
    Kind.CLASS: _EQUALITY,
    Kind.FLAG: _EQUALITY | {Op.EXISTS},
    Kind.LIST: _OF_LISTS,
    Kind.NUMBER: _EQUALITY | _ORDER | {Op.EXISTS},
    Kind.NUMBERS: _OF_ITEMS,
    Kind.OPAQUE: frozenset({Op.EXISTS}),
    Kind.RISK: _EQUALITY | _ORDER,
    Kind.SECRET: frozenset({Op.EXISTS}),
    Kind.TEXT: _OF_TEXT,
    Kind.TEXTS: _OF_ITEMS,
    Kind.TIME: _ORDER | {Op.WITHIN},
}
_ITEMS = {Kind.NUMBERS: Kind.NUMBER, Kind.TEXTS: Kind.TEXT}
_NESTED = frozenset({Op.EVERY, Op.SIZE, Op.SOME})
_SIZE = _EQUALITY | _ORDER


def fault(kind: Kind, op: Op, operand: Json) -> Misfit | None:
    """Why `op` with `operand` makes no sense on a field of this kind, and a hint; None where it does."""
    if op not in _FITTING[kind]:
        return Misfit(
            f"`{op}` doesn't fit a field that is {_article(kind)}", f"what fits: {', '.join(sorted(_FITTING[kind]))}"
        )
    if op is Op.EXISTS:
        return None if isinstance(operand, bool) else Misfit(f"`{op}` takes true or false", "without quotes")
    if kind is Kind.AMOUNT:
        return amounts.misfit(operand)
    if kind is Kind.TIME:
        return windows.misfit(operand) if op is Op.WITHIN else windows.instant_misfit(operand)
    if op in _MISFITS:
        return _MISFITS[op](operand)
    return _of_items(kind, op, operand) if op in _NESTED else _of_values(kind, op, operand)


def _of_items(kind: Kind, op: Op, operand: Json) -> Misfit | None:
    if op is Op.SIZE:
        return lists.misfit(op, operand, _of_size)
    return lists.misfit(op, operand, lambda inner, one: _inner(_ITEMS.get(kind, Kind.ANY), inner, one))


def _of_values(kind: Kind, op: Op, operand: Json) -> Misfit | None:
    if op not in _LISTS:
        return _unfit(kind, op, operand)
    if not isinstance(operand, list) or not operand:
        return Misfit(f"`{op}` takes a list that is not empty", "write it as [a, b]")
    return next((wrong for item in operand if (wrong := _unfit(kind, op, item))), None)


def _article(kind: Kind) -> str:
    if kind is Kind.FLAG:
        return kind
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _inner(kind: Kind, name: str, operand: Json) -> Misfit | None:
    """Why an operator makes no sense on an item of a list."""
    fitting = _FITTING[kind] - {Op.EXISTS}
    if name not in fitting:
        if name in set(Op):
            return Misfit(
                f"`{name}` doesn't fit an item that is {_article(kind)}", f"what fits: {', '.join(sorted(fitting))}"
            )
        return Misfit(f"there is no operator `{name}`", did_you_mean(name, fitting))
    return fault(kind, Op(name), operand)


def _of_size(name: str, operand: Json) -> Misfit | None:
    if name not in _SIZE:
        return Misfit(f"`{name}` doesn't fit a number of items", f"what fits: {', '.join(sorted(_SIZE))}")
    found = fault(Kind.NUMBER, Op(name), operand)
    if found is None and not all(
        type(one) is int and one >= 0 for one in (operand if isinstance(operand, list) else [operand])
    ):
        return Misfit("a number of items is a whole number from 0", "such as {lte: 5}")
    return found


def _unfit(kind: Kind, op: Op, operand: Json) -> Misfit | None:
    """Why one operand is of the wrong type."""
    if isinstance(operand, list | dict):
        return Misfit(f"`{op}` takes a single value", "use `in` for several")
    if kind is Kind.NUMBERS:
        return None if _is_number(operand) else Misfit(f"`{op}` takes a number here", "write it without quotes")
    if op in _WORDS or kind is Kind.TEXTS:
        return _no_words(op, operand)
    if kind is Kind.RISK or kind is Kind.CLASS:
        names = [member.value for member in (Risk if kind is Kind.RISK else ActionClass)]
        return (
            None
            if operand in names
            else Misfit(f"`{shown(operand)}` is no {kind}", did_you_mean(shown(operand), names))
        )
    if op in _ORDER:
        return _unordered(kind, op, operand)
    if operand is None or kind is Kind.ANY:
        return None
    if {Kind.FLAG: isinstance(operand, bool), Kind.NUMBER: _is_number(operand)}.get(kind, isinstance(operand, str)):
        return None
    return Misfit(
        f"`{shown(operand)}` can't equal a field that is {_article(kind)}",
        "quote it" if kind is Kind.TEXT else "write it without quotes",
    )


def _is_number(operand: Json) -> bool:
    return isinstance(operand, int | float) and not isinstance(operand, bool)


def _no_words(op: Op, operand: Json) -> Misfit | None:
    if not isinstance(operand, str) or not operand:
        return Misfit(f"`{op}` takes a string here", "quote it")
    if op is Op.GLOB and any(letter in operand for letter in "?[{"):
        return Misfit("only * is special in `glob`", "? [ and { have no meaning there; use `any` for alternatives")
    return None


def _unordered(kind: Kind, op: Op, operand: Json) -> Misfit | None:
    is_decimal = isinstance(operand, str) and DECIMAL.fullmatch(operand) is not None
    match kind:
        case Kind.NUMBER if not _is_number(operand):
            return Misfit(f"`{op}` takes a number here", "write it without quotes")
        case Kind.TEXT if not is_decimal:
            return Misfit(f"`{op}` on a string takes a decimal number in quotes", 'such as "100.00"')
        case Kind.ANY if not (_is_number(operand) or is_decimal):
            return Misfit(f"`{op}` takes a number, or a decimal number in quotes", 'such as 100 or "100.00"')
    return None


def shown(operand: Json) -> str:
    """As it is written in a file, cut to what fits a message."""
    return operand[:_MAX_SHOWN] if isinstance(operand, str) else json.dumps(operand)[:_MAX_SHOWN]


def question(kind: Kind, op: Op, operand: Any) -> Question:  # noqa: ANN401 - `fault` has checked it
    """What `op` asks of a value that is there; `fault` must have found nothing wrong. `exists` isn't asked of a value."""
    if kind is Kind.AMOUNT or kind is Kind.TIME or op in _ORDER:
        return _ordered(kind, op, operand)
    if op in _EQUALITY:
        asked = _among(kind, operand if op in _LISTS else [operand])
        return asked if op in (Op.EQ, Op.IN) else opposite(asked)
    if op in _MEANT:
        read, meant = _READERS[op], _ASKED[op](operand)
        return lambda value: meant(read(value)) if isinstance(value, str) else no_text(value)
    if op is Op.MATCHES:
        return _of_text(patterns.asked(operand))
    if op in _NESTED:
        return _nested(kind, op, operand)
    if op is Op.CONTAINS and kind is not Kind.TEXT:
        return _holds(operand) if kind is Kind.ANY else _among(kind, [operand])
    return _WORD_TESTS[op](operand)


def _nested(kind: Kind, op: Op, operand: Json) -> Question:
    item = Kind.NUMBER if op is Op.SIZE else _ITEMS.get(kind, Kind.ANY)
    asked = lists.conjunction(question(item, Op(inner), one) for inner, one in lists.tests(operand))
    return {Op.EVERY: lists.every, Op.SIZE: lists.size, Op.SOME: lists.some}[op](asked)


def gate(kind: Kind, op: Op, operand: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - `fault` has checked it
    """A cheaper form of `question` that is False only where that is; on other types it may raise or return anything else.

    Where `view` names a reader, the value is what that makes of it, so that many rules about one field read it once.
    """
    if kind is Kind.AMOUNT:
        return amounts.asked(_COMPARE[op], operand)
    if op in _MEANT and kind is Kind.TEXT:
        return _ASKED[op](operand)
    if op in _ORDER and kind in (Kind.TEXT, Kind.NUMBER):
        bound = Decimal(operand) if kind is Kind.TEXT else operand
        return cast("Callable[[Any], Any]", getattr(bound, _MIRRORED[op]))
    if kind is Kind.TEXT and op in _METHODS:
        return operator.methodcaller(_METHODS[op], operand)
    return question(kind, op, operand)


def view(kind: Kind, op: Op) -> Callable[[Any], Any] | None:
    """What the gate wants made of the value first: the decimal, the host, the address or the names that a text is; None for the value itself."""
    if kind is Kind.AMOUNT:
        return amounts.read
    if kind is not Kind.TEXT:
        return None
    return decimal if op in _ORDER else _READERS.get(op)


def keys(kind: Kind, op: Op, operand: Any) -> list[Any] | None:  # noqa: ANN401 - `fault` has checked it
    """The only values that a test on a plain field is not false of; None where they aren't listed."""
    if kind not in (Kind.CLASS, Kind.FLAG, Kind.NUMBER, Kind.RISK, Kind.TEXT) or op not in (Op.EQ, Op.IN):
        return None
    return operand if op is Op.IN else [operand]


def _among(kind: Kind, operands: Iterable[Any]) -> Question:
    if kind is Kind.ANY:
        known = {exactly(operand) for operand in operands}
        return lambda value: None if isinstance(value, list | dict) else exactly(value) in known
    wanted = frozenset(operands)
    if kind in (Kind.TEXTS, Kind.NUMBERS):
        return lists.among(wanted)
    return wanted.__contains__


def exactly(value: Any) -> tuple[bool, Any]:  # noqa: ANN401 - a JSON scalar
    """A key under which true and 1 are two."""
    return isinstance(value, bool), value


def _holds(operand: str) -> Question:
    def answer(value: Any) -> Answer:  # noqa: ANN401 - a JSON value
        if not isinstance(value, str | list):
            return no_text(value)
        return True if operand in value else None if isinstance(value, list) and Absent.ERASED in value else False

    return answer


def glob(pattern: str) -> Callable[[str], bool]:
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
    Op.CONTAINS: lambda operand: lambda value: operand in value if isinstance(value, str) else no_text(value),
    Op.ENDS_WITH: lambda operand: lambda value: value.endswith(operand) if isinstance(value, str) else no_text(value),
    Op.GLOB: lambda operand: _of_text(glob(operand)),
    Op.STARTS_WITH: lambda operand: (
        lambda value: value.startswith(operand) if isinstance(value, str) else no_text(value)
    ),
}


def _of_text(matches: Callable[[str], bool]) -> Question:
    return lambda value: matches(value) if isinstance(value, str) else no_text(value)


_METHODS = {Op.CONTAINS: "__contains__", Op.ENDS_WITH: "endswith", Op.STARTS_WITH: "startswith"}
_MIRRORED = {Op.GT: "__lt__", Op.GTE: "__le__", Op.LT: "__gt__", Op.LTE: "__ge__"}
_COMPARE: dict[Op, Callable[[Any, Any], bool]] = {
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.GT: operator.gt,
    Op.GTE: operator.ge,
    Op.LT: operator.lt,
    Op.LTE: operator.le,
}


def _ordered(kind: Kind, op: Op, operand: Any) -> Question:  # noqa: ANN401 - `fault` has checked it
    if op is Op.WITHIN:
        return windows.asked(operand)
    compare = _COMPARE[op]
    if kind is Kind.AMOUNT:
        meant = amounts.asked(compare, operand)
        return lambda pair: meant(amounts.read(pair))
    if kind is Kind.TIME:
        at = instant(operand)
        return lambda time: compare(time, at)
    if kind is Kind.RISK:
        level = Risk(operand).level
        return lambda risk: compare(risk.level, level)
    if isinstance(operand, str):
        bound = Decimal(operand)
        return lambda text: None if (number := decimal(text)) is None else compare(number, bound)
    return lambda number: compare(number, operand) if type(number) in (int, float) else None

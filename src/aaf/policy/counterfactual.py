"""What could be changed of an action so that policy answers otherwise: values taken from the tests that rules and modules make.

Only parameters are changed, one or two of them, and only to what the action's schema takes; never the time, what limits counted, labels or findings. Nothing here knows whether a change does
anything: each has to be judged. No value is made up where a test names none, so finding nothing doesn't mean that there is nothing.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.catalogue import Entry
from aaf.policy.conditions import Condition, Probe, probes
from aaf.policy.counterfactual_values import Suggested, at_host, beneath, in_network, of_items, resized, said
from aaf.policy.operands.amounts import decimal
from aaf.policy.operands.answers import Absent
from aaf.policy.operators import Op, exactly
from aaf.policy.rego.module import Module
from aaf.policy.schemas import Kind

MAX_CHANGES = 150
"""Changes of one field that are considered."""
MAX_LITERALS = 20
"""Texts, and numbers, that one module contributes."""

_AMOUNT = "amount"
_PARAMS = "params."
_NUMBER = re.compile(r"(?<![\w.\"])[0-9]{1,15}(?:\.[0-9]{1,15})?(?![\w.\"])")
_WORDS = frozenset({"allow", "critical", "deny", "high", "low", "medium", "require_approval"})
_PLACEHOLDERS: Mapping[Kind, Json] = {Kind.FLAG: True, Kind.NUMBER: 1, Kind.TEXT: "x", Kind.TEXTS: ["x"]}


@dataclass(frozen=True, slots=True)
class Change:
    """Another value for one parameter, `Absent.MISSING` to leave it out; `words` say which values it stands for, such as `at most 100.00`.

    The smaller `size`, the sooner it is tried: 0 moves across a bound, 1 takes a value that a test names, 2 bends a text, 3 adds or drops one.
    """

    field: str
    value: Json | Absent
    words: str
    size: int


def changes(
    conditions: Iterable[Condition], modules: Iterable[Module], params: Mapping[str, Any], entry: Entry
) -> list[Change]:
    """Every single change that the tests suggest and the schema takes, the smallest first."""
    tests = [test for condition in conditions for test in probes(condition)]
    asked = [test for test in tests if test.field.startswith(_PARAMS)]
    asked += [test for module in modules for test in _in_module(module, entry)]
    found: dict[tuple[str, str], Change] = {}
    suggested = [change for test in asked for change in _of(test, params, entry)]
    suggested += [change for test in tests if test.field == _AMOUNT for change in _of_amount(test, params, entry)]
    for change in suggested:
        key = change.field, repr((type(change.value), change.value))
        if key not in found or found[key].size > change.size:
            found[key] = change
    fitting = [change for change in found.values() if _fits(change, params, entry)]
    return sorted(fitting, key=lambda change: change.size)[:MAX_CHANGES]


def pairs(singles: Iterable[Change]) -> Iterator[tuple[Change, Change]]:
    """Two changes of different fields, the smallest first."""
    found = [(one, other) for one, other in combinations(singles, 2) if not _related(one.field, other.field)]
    yield from sorted(found, key=lambda pair: pair[0].size + pair[1].size)


def changed(params: Mapping[str, Any], made: Iterable[Change]) -> dict[str, Json]:
    """The parameters with changes made; what is given stays as it is."""
    told = dict(params)
    for change in made:
        if _at(told, change.field) is not change.value:
            told = _with(told, change.field.removeprefix(_PARAMS).split("."), change.value)
    return told


def _with(tree: Mapping[str, Any], steps: list[str], value: Json | Absent) -> dict[str, Any]:
    """A copy in which one path leads to a value, or nowhere."""
    name, *rest = steps
    if isinstance(value, Absent) and not rest:
        return {key: one for key, one in tree.items() if key != name}
    inner = tree.get(name)
    return {**tree, name: _with(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}


def _related(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _fits(change: Change, params: Mapping[str, Any], entry: Entry) -> bool:
    """Whether it changes something, into what the schema takes as it is."""
    told = changed(params, [change])
    if told == params and exactly(_at(params, change.field)) == exactly(change.value):
        return False
    return not entry.input.sanitise(told) and not entry.input.check(told) and entry.input.fill_defaults(told) == told


def _at(params: Mapping[str, Any], field: str) -> Any:  # noqa: ANN401 - a JSON value, or why there is none
    tree: Any = params
    for step in field.removeprefix(_PARAMS).split("."):
        tree = tree.get(step, Absent.MISSING) if isinstance(tree, dict) else Absent.MISSING
    return tree


def _of(test: Probe, params: Mapping[str, Any], entry: Entry) -> Iterator[Change]:
    """What one test suggests for its field."""
    path = test.field.removeprefix(_PARAMS)
    kind, now = entry.kind(path), _at(params, test.field)
    if kind is None:
        return
    yield Change(test.field, Absent.MISSING, "left out", 3)
    if test.op is Op.EXISTS:
        if kind in _PLACEHOLDERS:
            yield Change(test.field, _PLACEHOLDERS[kind], "given", 3)
        return
    if test.op in _LOOKING_INTO:
        yield from (Change(test.field, value, words, 2) for value, words in _inside(test, now))
        return
    for value in entry.input.options(path) or (([True, False]) if kind is Kind.FLAG else ()):
        yield Change(test.field, value, said(value), 1)
    operands = test.value if isinstance(test.value, list) else [test.value]
    for operand in operands:
        if test.op in _ORDERS:
            yield from _across(test, operand, now)
        elif kind in (Kind.NUMBERS, Kind.TEXTS):
            yield from _listed(test, operand, now)
        else:
            if isinstance(operand, str | int | float) and test.op not in _SHAPES:
                yield Change(test.field, operand, said(operand), 1)
            if isinstance(operand, str):
                yield from _bent(test, operand, now)


_SHAPES = frozenset({Op.CIDR, Op.CONTAINS, Op.ENDS_WITH, Op.GLOB, Op.HOST, Op.MATCHES, Op.STARTS_WITH, Op.UNDER})
_LOOKING_INTO = frozenset({Op.EVERY, Op.SIZE, Op.SOME})
_ORDERS = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})


def _across(test: Probe, operand: Json, now: Any) -> Iterator[Change]:  # noqa: ANN401 - a JSON value
    """The bound itself, and the nearest value on its other side."""
    bound = _exact(operand)
    if bound is None:
        return
    places = max(_places(bound), _places(_exact(now) or Decimal(0)))
    step = Decimal(1).scaleb(-places)
    as_text = isinstance(now, str) or (isinstance(operand, str) and not isinstance(now, int | float))
    if test.op in (Op.GT, Op.LTE):
        told = ((bound, "at most"), (bound + step, "above"))
    else:
        told = ((bound, "at least"), (bound - step, "below"))
    for value, words in told:
        yield Change(test.field, _written(value, places, as_text=as_text), f"{words} {_plain(operand)}", 0)


def _of_amount(test: Probe, params: Mapping[str, Any], entry: Entry) -> Iterator[Change]:
    """The bound of a declared amount and the nearest value on its other side, in its currency; where it is another one, that currency."""
    if entry.amount is None or not isinstance(test.value, dict):
        return
    value, currency = entry.amount
    bound, wanted = test.value["value"], str(test.value["currency"])
    now = _at(params, value)
    if _at(params, currency) != wanted:
        yield Change(currency, wanted, said(wanted), 1)
    if test.op in _ORDERS:
        inner = Probe(value, test.op, bound)
        yield from (replace(one, words=f"{one.words} {wanted}") for one in _across(inner, bound, now))
    else:
        yield Change(value, bound, f"{bound} {wanted}", 1)


def _inside(test: Probe, now: Any) -> Iterator[Suggested]:  # noqa: ANN401 - a JSON value
    """Lists that a test of the items, or of their number, suggests."""
    return resized(test.value, now) if test.op is Op.SIZE else of_items(test.op, test.value, now)


def _exact(value: Any) -> Decimal | None:  # noqa: ANN401 - a JSON value
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return decimal(value) if isinstance(value, str) else Decimal(repr(value))


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _written(value: Decimal, places: int, *, as_text: bool) -> Json:
    if as_text:
        return f"{value:.{places}f}"
    return int(value) if value == value.to_integral_value() else float(value)


def _listed(test: Probe, operand: Json, now: Any) -> Iterator[Change]:  # noqa: ANN401 - a JSON value
    """A list with one item more or less."""
    items = now if isinstance(now, list) else []
    if operand in items:
        yield Change(test.field, [one for one in items if one != operand], f"without {said(operand)}", 2)
    else:
        yield Change(test.field, [*items, operand], f"with {said(operand)}", 2)


def _bent(test: Probe, operand: str, now: Any) -> Iterator[Change]:  # noqa: ANN401 - a JSON value
    """A text that has, or hasn't, what a test looks for; of an operator that isn't known here the operand's usual shapes."""
    text = now if isinstance(now, str) else ""
    last = text.rstrip("/").rpartition("/")[2] or "x"
    match test.op:
        case Op.STARTS_WITH:
            yield Change(test.field, operand + last, f"beginning with {said(operand)}", 2)
        case Op.ENDS_WITH:
            yield Change(test.field, (text.rpartition(".")[0] or "x") + operand, f"ending with {said(operand)}", 2)
        case Op.CONTAINS if operand in text:
            yield Change(test.field, text.replace(operand, ""), f"without {said(operand)}", 2)
        case Op.CONTAINS:
            yield Change(test.field, text + operand, f"with {said(operand)} in it", 2)
        case Op.GLOB:
            yield Change(test.field, operand.replace("*", last), f"like {said(operand)}", 2)
        case Op.HOST | Op.CIDR | Op.UNDER:
            yield from (Change(test.field, value, words, 2) for value, words in _READ[test.op](operand, text))
        case Op.MATCHES:
            return  # no text is made up that a pattern would match
        case Op.EQ | Op.IN | Op.NE | Op.NOT_IN:
            return
        case _:
            yield Change(test.field, f"{operand.rstrip('/')}/{last}", f"beneath {said(operand)}", 2)


_READ: Mapping[Op, Callable[[str, str], Iterator[Suggested]]] = {
    Op.CIDR: in_network,
    Op.HOST: at_host,
    Op.UNDER: beneath,
}


def _plain(value: Json) -> str:
    return value if isinstance(value, str) else said(value)


def _in_module(module: Module, entry: Entry) -> Iterator[Probe]:
    """What a module's own words suggest about the parameters that it names: its numbers as bounds, its texts as values and beginnings."""
    named = [
        path for path in entry.input.paths() if re.search(rf"\b{re.escape(path.rpartition('.')[2])}\b", module.text)
    ]
    numbers = list(dict.fromkeys(_NUMBER.findall(module.text)))[:MAX_LITERALS]
    texts = [one for one in module.strings if " " not in one and one not in _WORDS][:MAX_LITERALS]
    for path in named:
        field, kind = f"{_PARAMS}{path}", entry.kind(path)
        for number in numbers if kind in (Kind.NUMBER, Kind.TEXT) else ():
            operand: Json = number if kind is Kind.TEXT else int(number) if number.isdigit() else float(number)
            yield Probe(field, Op.GT, operand)
            yield Probe(field, Op.GTE, operand)
        if kind is Kind.TEXT:
            yield Probe(field, Op.IN, [*texts])
            yield from (Probe(field, Op.STARTS_WITH, one) for one in texts if one.endswith(("/", ":")))
        if kind is Kind.FLAG:
            yield Probe(field, Op.IN, [True])

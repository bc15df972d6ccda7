"""Conditions of rules: a tree of tests, and its compilation for one action type.

Three values: true, false, unknown (None). Negation is pushed down to the tests, because a test on a field that the action's schema
doesn't have is inapplicable: false, and false under a negation too. What is decided by the action's type alone is resolved here,
once, and leaves the tree. What unknown finally means is for the rule to say, not for a condition.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, TypeAlias

from aaf.domain.canonical import Json
from aaf.policy.catalogue import ActionClass, Entry
from aaf.policy.decision_input import Input
from aaf.policy.operands.answers import Absent, Answer, Misfit, Question, opposite
from aaf.policy.operators import Op, fault, question
from aaf.policy.positioned import Node
from aaf.policy.schemas import Kind

Place: TypeAlias = tuple[int, int]
Predicate: TypeAlias = Callable[[Input], Answer]

_PARAMS = "params."
_CONTEXT = "context."
_COUNTERS = "counters."

FIELDS: dict[str, tuple[Kind, str]] = {
    "agent": (Kind.TEXT, "agent_name"),
    "amount": (Kind.AMOUNT, "params"),
    "class": (Kind.CLASS, "klass"),
    "findings": (Kind.TEXTS, "findings"),
    "labels": (Kind.TEXTS, "labels"),
    "operation": (Kind.TEXT, "operation"),
    "risk": (Kind.RISK, "risk"),
    "role": (Kind.TEXTS, "roles"),
    "server": (Kind.TEXT, "server"),
    "time": (Kind.TIME, "time"),
    "tool": (Kind.TEXT, "tool"),
}
"""Fields besides parameters and context: their kind, and where the input holds them. Every action has them but for an amount, which is declared."""


@dataclasses.dataclass(frozen=True, slots=True)
class Probe:
    """One question about one field; `key` and `place` are where the field and the operand stand in the file, `node` what stands there."""

    field: str
    op: Op
    value: Json
    key: Place = dataclasses.field(default=(0, 0), compare=False)
    place: Place = dataclasses.field(default=(0, 0), compare=False)
    node: Node | None = dataclasses.field(default=None, compare=False, repr=False)

    def place_of(self, misfit: Misfit) -> Place:
        """Where in the file a misfit of the operand stands."""
        node = self.node
        for step in misfit.path:
            inner = node.value if node else None
            node = (
                inner.get(str(step))
                if isinstance(inner, dict)
                else inner[int(step)]
                if isinstance(inner, list)
                else node
            )
        return (node.line, node.column) if node and misfit.path else self.place


@dataclasses.dataclass(frozen=True, slots=True)
class AllOf:
    """Every part."""

    parts: "tuple[Condition, ...]"
    place: Place = dataclasses.field(default=(0, 0), compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part."""

    parts: "tuple[Condition, ...]"
    place: Place = dataclasses.field(default=(0, 0), compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Not:
    """The part isn't so."""

    part: "Condition"


Condition: TypeAlias = Probe | AllOf | AnyOf | Not


def to_json(condition: Condition) -> dict[str, Json]:
    """As stored: places are left behind."""
    match condition:
        case Probe(name, op, value):
            return {"field": name, "op": op, "value": value}
        case Not(part):
            return {"not": to_json(part)}
        case AllOf(parts):
            return {"all": [to_json(part) for part in parts]}
    return {"any": [to_json(part) for part in condition.parts]}


def from_json(stored: Mapping[str, Any]) -> Condition:
    """What `to_json` stored."""
    if "field" in stored:
        return Probe(stored["field"], Op(stored["op"]), stored["value"])
    if "not" in stored:
        return Not(from_json(stored["not"]))
    if "all" in stored:
        return AllOf(tuple(from_json(part) for part in stored["all"]))
    return AnyOf(tuple(from_json(part) for part in stored["any"]))


def probes(condition: Condition) -> Iterator[Probe]:
    """Every test, in the order of the file."""
    match condition:
        case Probe():
            yield condition
        case Not(part):
            yield from probes(part)
        case _:
            for part in condition.parts:
                yield from probes(part)


def kind_of(name: str, entry: Entry | None) -> Kind | None:
    """The kind of a rule's field for this action type; None where it is inapplicable. Only parameters and the amount depend on the type."""
    if name == "amount":
        return Kind.AMOUNT if entry and entry.amount else None
    if name.startswith(_PARAMS):
        return entry.kind(name.removeprefix(_PARAMS)) if entry else None
    return Kind.ANY if name.startswith((_CONTEXT, _COUNTERS)) else FIELDS[name][0]


def compile_condition(
    condition: Condition, entry: Entry | None, klass: ActionClass | None, *, positive: bool = True
) -> Predicate | bool:
    """The condition for one action type of one class, resolved as far as these decide; None for both leaves them open."""
    match condition:
        case Probe():
            return _leaf(condition, entry, klass, positive=positive)
        case Not(part):
            return compile_condition(part, entry, klass, positive=not positive)
    compiled = [compile_condition(part, entry, klass, positive=positive) for part in condition.parts]
    return join(compiled, every=isinstance(condition, AllOf) is positive)


def join(parts: list[Predicate | bool], *, every: bool) -> Predicate | bool:
    """Conjunction or disjunction in Kleene's logic: what is settled is dropped or settles all."""
    if any(part is (not every) for part in parts):
        return not every
    left = [part for part in parts if not isinstance(part, bool)]
    if not left:
        return every
    if len(left) == 1:
        return left[0]
    return _conjunction(tuple(left)) if every else _disjunction(tuple(left))


def _conjunction(parts: tuple[Predicate, ...]) -> Predicate:
    def answer(asked: Input) -> Answer:
        outcome: Answer = True
        for part in parts:
            said = part(asked)
            if said is False:
                return False
            if said is None:
                outcome = None
        return outcome

    return answer


def _disjunction(parts: tuple[Predicate, ...]) -> Predicate:
    def answer(asked: Input) -> Answer:
        outcome: Answer = False
        for part in parts:
            said = part(asked)
            if said is True:
                return True
            if said is None:
                outcome = None
        return outcome

    return answer


def _unknown(_: Input) -> Answer:
    return None


def _leaf(test: Probe, entry: Entry | None, klass: ActionClass | None, *, positive: bool) -> Predicate | bool:
    kind = kind_of(test.field, entry)
    if kind is None:
        return False
    if fault(kind, test.op, test.value) is not None:
        # The load checked the rule for the classes that were declared; analysis raised this one to a class the rule wasn't meant for.
        return _unknown
    if test.op is Op.EXISTS:
        return _existence(test.field, entry, wanted=bool(test.value) is positive)
    asked = question(kind, test.op, test.value)
    asked = asked if positive else opposite(asked)
    if test.field.startswith(_COUNTERS):
        return _of_counter(test.field.removeprefix(_COUNTERS), asked)
    known = {"class": klass, "tool": entry and entry.tool, "operation": entry and entry.operation}.get(test.field)
    if known is None:
        return _of_value(reader(test.field, entry), asked)
    said = asked(known)
    return _unknown if said is None else said


def reader(name: str, entry: Entry | None) -> Callable[[Input], Any]:
    """What fetches a field's value: `Absent` where it isn't there. An amount is a value and a currency."""
    if name == "amount" and entry and entry.amount:
        return _amount(*entry.amount)
    if name in FIELDS:
        return attrgetter(FIELDS[name][1])
    source, *keys = name.split(".")
    if len(keys) > 1:
        get = attrgetter(source)
        return lambda given: _value_at(get(given), keys)
    key, missing = keys[0], Absent.MISSING
    if source == "params":
        return lambda given: given.params.get(key, missing)
    return lambda given: given.context.get(key, missing)


def _of_value(get: Callable[[Input], Any], asked: Question) -> Predicate:
    def answer(given: Input) -> Answer:
        value = get(given)
        return None if value.__class__ is Absent else asked(value)

    return answer


def _amount(value: str, currency: str) -> Callable[[Input], Any]:
    """Both parts where both are there, else why one isn't."""
    parts = [path.removeprefix(_PARAMS).split(".") for path in (value, currency)]

    def pair(given: Input) -> Any:  # noqa: ANN401 - two JSON values, or why one isn't there
        first, second = (_value_at(given.params, keys) for keys in parts)
        return next((part for part in (first, second) if part.__class__ is Absent), (first, second))

    return pair


def _of_counter(name: str, asked: Question) -> Predicate:
    """A limit that isn't about the action is inapplicable to it."""
    flag = name.endswith(".exceeded")

    def answer(given: Input) -> Answer:
        value = given.counters.get(name)
        return False if value is None else asked(bool(value) if flag else value)

    return answer


def _existence(name: str, entry: Entry | None, *, wanted: bool) -> Predicate:
    """Never unknown. A field that every action has exists unless it is null or empty; an erased one did exist."""
    get = reader(name, entry)
    if name in FIELDS:
        return lambda given: bool(get(given)) is wanted
    return lambda given: (get(given) is not Absent.MISSING) is wanted


def _value_at(tree: Any, keys: list[str]) -> Any:  # noqa: ANN401 - a JSON value, or why there is none
    """The value at a path; erased where something on the way was erased."""
    for key in keys:
        if tree is Absent.ERASED:
            return tree
        tree = tree.get(key, Absent.MISSING) if isinstance(tree, dict) else Absent.MISSING
    return tree

"""Random conditions, rules and inputs over a small catalogue, and an interpreter of conditions that shares nothing with the compiler."""

from typing import Any

from hypothesis import strategies as st

from aaf.domain.decision import Requirement, Verdict
from aaf.policy.catalogue import ActionClass, Catalogue, Entry, Risk
from aaf.policy.conditions import FIELDS, AllOf, AnyOf, Condition, Not, Probe
from aaf.policy.decision_input import Input
from aaf.policy.operands.answers import Absent
from aaf.policy.operators import Op, fault, question
from aaf.policy.rules import Rule
from aaf.policy.schemas import Kind, Schema

_PROPERTIES: dict[str, Any] = {
    "text": {"type": "string"},
    "number": {"type": "integer"},
    "flag": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string"}},
    "sizes": {"type": ["array", "null"], "items": {"type": "integer"}},
    "sum": {"type": "string"},
    "unit": {"type": "string"},
    "deep": {"type": "object", "additionalProperties": False, "properties": {"text": {"type": "string"}}},
}


def _entry(name: str, klass: ActionClass, *fields: str) -> Entry:
    properties = {field: _PROPERTIES[field] for field in fields}
    return Entry(
        name,
        klass,
        Risk.LOW,
        Schema({"type": "object", "additionalProperties": False, "properties": properties}),
        amount=("params.sum", "params.unit") if "sum" in fields else None,
    )


CATALOGUE = Catalogue(
    [
        _entry("a.read", ActionClass.READ, "text", "number"),
        _entry("a.write", ActionClass.FILE_WRITE, "text", "flag", "list", "sizes", "deep"),
        _entry("b.c.read", ActionClass.READ, "number", "deep"),
        _entry("d.pay", ActionClass.PAYMENT, "sum", "unit"),
    ]
)

_KINDS = {
    **{name: kind for name, (kind, _) in FIELDS.items()},
    "params.text": Kind.TEXT,
    "params.number": Kind.NUMBER,
    "params.flag": Kind.FLAG,
    "params.list": Kind.TEXTS,
    "params.sizes": Kind.NUMBERS,
    "params.sum": Kind.TEXT,
    "params.deep.text": Kind.TEXT,
    "params.deep": Kind.OPAQUE,
    "context.claim": Kind.ANY,
    "context.deep.claim": Kind.ANY,
    "counters.day.exceeded": Kind.ANY,
    "counters.day.remaining": Kind.ANY,
}
_WORDS = st.sampled_from(
    ["a", "b.c", "d", "read", "write", "pay", "5", "12.5", "x", "10.1.2.3", "a/b", "https://a.b.c:81/"]
)
_OPERANDS: list[Any] = ["a", "b.c", "read", "5", "12.5", 5, 7, True, False, None, "high", "low", "payment"]
_OPERANDS += [["a"], ["d", "x"], ["read", "write"], [5, 7], ["5", None], ["high"], ["read", "payment"], [True]]
_OPERANDS += ["*.b.c", ["b.c:81", "10.1.2.3"], "10.0.0.0/8", "::/0", ["a", "/b"], "[a-c.]+", 2, {"gte": 2}]
_OPERANDS += [{"in": ["a", "5"], "ne": "5"}, {"gt": 4, "lt": 6}, {"host": "*.b.c"}, {"starts_with": "b"}]
_OPERANDS += [{"value": value, "currency": unit} for value in ("5", "12.5") for unit in ("EUR", "USD")]
_OPERANDS += ["1970-01-05T09:00:00Z", "1970-01-06T09:00:00+01:00"]
_OPERANDS += [{"days": ["mon-tue"], "hours": "22:00-06:00", "zone": zone} for zone in ("UTC", "America/New_York")]
_COUNTED: list[tuple[int, int | str]] = [(0, 5), (0, 7), (1, 0), (0, "12.5"), (1, "0.00")]
_HOUR = 3_600_000_000
_SCALARS = st.sampled_from(_OPERANDS[:13])
TESTS = st.sampled_from(
    [
        Probe(field, op, operand)
        for field, kind in sorted(_KINDS.items())
        for op in Op
        for operand in _OPERANDS
        # A counter always has a value, so no file asks whether it is there.
        if fault(kind, op, operand) is None and not (op is Op.EXISTS and field.startswith("counters."))
    ]
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    TESTS,
    lambda inner: (
        st.builds(Not, inner)
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: AllOf(tuple(parts)))
        | st.lists(inner, min_size=1, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
    ),
    max_leaves=6,
)
_MATCHES = st.lists(CONDITIONS, max_size=3).map(lambda parts: AllOf(tuple(parts)))


def _rule(number: int, match: AllOf, decision: Verdict) -> Rule:
    asks = Requirement(quorum=number % 3 + 1) if decision is Verdict.REQUIRE_APPROVAL else None
    return Rule(f"r{number}", match, decision, f"Reason {number}", asks)


RULES = st.lists(st.tuples(_MATCHES, st.sampled_from(Verdict)), max_size=8).map(
    lambda drawn: [_rule(number, match, decision) for number, (match, decision) in enumerate(drawn)]
)

_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": _WORDS | st.just(Absent.ERASED),
    "number": st.sampled_from([4, 5, 6]),
    "flag": st.booleans(),
    "list": st.lists(_WORDS, max_size=2),
    "deep": st.fixed_dictionaries({}, optional={"text": _WORDS}) | st.just(Absent.ERASED),
    "sizes": st.lists(st.sampled_from([4, 5, 6]), max_size=3) | st.none() | st.just(Absent.ERASED),
    "sum": st.sampled_from(["5", "5.00", "12.5", "12.51", "1e9"]) | st.just(Absent.ERASED),
    "unit": st.sampled_from(["EUR", "USD", "eur", "EURO"]) | st.just(Absent.ERASED),
}


@st.composite
def inputs(draw: st.DrawFn, *, strangers: bool = True) -> Input:
    """An input whose parameters fit the schema of its type, perhaps of a class that analysis raised, perhaps of no known type."""
    name = draw(st.sampled_from([*CATALOGUE, "stranger.do"] if strangers else [*CATALOGUE]))
    entry = CATALOGUE.get(name)
    declared = [path for path in entry.input.paths() if "." not in path] if entry else ["text"]
    params = draw(st.fixed_dictionaries({}, optional={field: _VALUES[field] for field in declared}))
    classes = st.sampled_from(ActionClass)
    return Input(
        name=name,
        params=params,
        agent_id="01234567-89ab-cdef-0123-456789abcdef",
        agent_name=draw(_WORDS),
        org="01234567-89ab-cdef-0123-456789abcde0",
        klass=draw(st.just(entry.klass) | classes) if entry else draw(classes),
        risk=draw(st.sampled_from(Risk)),
        time=draw(st.sampled_from([4 * 24 + 9, 4 * 24 + 23, 5 * 24 + 3, 5 * 24 + 8, 6 * 24 + 4])) * _HOUR,
        release=1,
        roles=draw(st.frozensets(_WORDS, max_size=2)),
        server=draw(st.none() | _WORDS),
        context=draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "claim": _SCALARS | st.lists(_SCALARS, max_size=2),
                    "deep": st.just({"claim": 5}) | st.just(7),
                },
            )
        ),
        labels=draw(st.frozensets(_WORDS, max_size=2)),
        findings=draw(st.frozensets(_WORDS, max_size=2)),
        counters=draw(
            st.sampled_from([{}, *({"day.exceeded": over, "day.remaining": left} for over, left in _COUNTED)])
        ),
    )


def interpreted(condition: Condition, asked: Input, *, positive: bool = True) -> bool | None:
    """The meaning of a condition, step by step: inapplicable is false under either sign, Kleene for the rest."""
    match condition:
        case Probe():
            return _tested(condition, asked, positive=positive)
        case Not(part):
            return interpreted(part, asked, positive=not positive)
        case AllOf(parts) | AnyOf(parts):
            said = [interpreted(part, asked, positive=positive) for part in parts]
            order = {False: 0, None: 1, True: 2}
            every = isinstance(condition, AllOf) is positive
            return (min if every else max)(said, key=order.__getitem__, default=every)


def _tested(test: Probe, asked: Input, *, positive: bool) -> bool | None:
    kind, value = _field(test.field, asked)
    if kind is None:
        return False
    if fault(kind, test.op, test.value) is not None:
        return None
    if test.op is Op.EXISTS:
        there = value is not Absent.MISSING if "." in test.field else bool(value)
        return (there is test.value) is positive
    if isinstance(value, Absent):
        return None
    said = question(kind, test.op, test.value)(value)
    return None if said is None else said is positive


def _field(name: str, asked: Input) -> tuple[Kind | None, Any]:
    if name == "amount":
        if asked.name != "d.pay":
            return None, None
        pair = tuple(asked.params.get(part, Absent.MISSING) for part in ("sum", "unit"))
        return Kind.AMOUNT, next((part for part in pair if isinstance(part, Absent)), pair)
    if "." not in name:
        return FIELDS[name][0], getattr(asked, FIELDS[name][1])
    source, *keys = name.split(".")
    if source == "counters":
        count = asked.counters.get(name.removeprefix("counters."))
        return (None, None) if count is None else (Kind.ANY, bool(count) if name.endswith(".exceeded") else count)
    entry = CATALOGUE.get(asked.name)
    kind = Kind.ANY if source == "context" else entry.input.kind(".".join(keys)) if entry else None
    value: Any = asked.params if source == "params" else asked.context
    for key in keys:
        if isinstance(value, Absent):
            break
        value = value.get(key, Absent.MISSING) if isinstance(value, dict) else Absent.MISSING
    return kind, value

"""What is said of two rules is so for every action: held to enumerations of small input spaces, and to the plain interpreter."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aaf.domain.decision import Verdict
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.conditions import AllOf, AnyOf, Condition, Not, Probe
from aaf.policy.decision_input import Input
from aaf.policy.implying import a_test, never_together, never_truer
from aaf.policy.operands.answers import Absent, opposite
from aaf.policy.operators import Op, fault, question
from aaf.policy.relations import overlaps, shadowed
from aaf.policy.rules import Rule
from aaf.policy.schemas import Kind
from tests.policy.worlds import CATALOGUE, CONDITIONS, RULES, inputs, interpreted

WORDS = [
    "",
    "a",
    "b",
    "ab",
    "ba",
    "aba",
    "*",
    "5",
    "5.0",
    "7",
    "-1",
    "a/b",
    "/a",
    "A/b",
    "a.b.c",
    "b.c:80",
    "b.c",
    "10.0.0.1",
    "::1",
]
VALUES: dict[Kind, list[Any]] = {
    Kind.TEXT: [None, *WORDS, "https://x.b.c/", "10.9.0.1", "::ffff:a00:1", "2600::1", "a/../b", "b/a/c"],
    Kind.NUMBER: [None, -1, 0, 4, 5, 5.5, 6, 7],
    Kind.FLAG: [None, True, False],
    Kind.RISK: [*Risk],
    Kind.CLASS: [*ActionClass],
    Kind.TEXTS: [None, [], ["a"], ["b"], ["a", "b"], ["5", "a"], ["a", Absent.ERASED], ["5", "6", "7"]],
    Kind.NUMBERS: [None, [], [4], [5], [4, 6], [5, 6, 7], [Absent.ERASED]],
    Kind.LIST: [None, [], [{}], [1, 2, 3]],
    Kind.ANY: [None, True, False, 1, 0, 5, 5.5, "a", "ab", "5", "b.c", [], ["a"], [5], [["a"]], {}, {"a": 1}],
    Kind.AMOUNT: [(value, unit) for value in ("4", "5", "5.0", "6", "x") for unit in ("EUR", "USD", "eur")],
    Kind.TIME: [hour * 3_600_000_000 for hour in range(0, 24 * 8, 3)],
}
OPERANDS: list[Any] = [None, True, False, -1, 0, 1, 4, 5, 5.5, 6, "high", "low", "read", "payment", *WORDS[1:]]
OPERANDS += ["*b", "a*", "a*b", "*a*", "b*a", "a*a", "[ab]+", "ab?", "*.b.c", "x.b.c:80", "*.b.c:80", "c.b.c:443"]
OPERANDS += ["10.0.0.0/8", "10.0.0.0/24", "11.0.0.0/8", "2600::/16", "::/0", ".", "/", "b/a"]
OPERANDS += [
    ["a", "b"],
    ["a"],
    [5, 4],
    [5],
    ["5", None],
    ["high", "critical"],
    ["*.b.c", "b.c"],
    ["10.0.0.0/8", "2600::/16"],
]
OPERANDS += [
    ["a", "/a"],
    {"gt": 1},
    {"lte": 2},
    {"gte": 1, "lt": 3},
    {"lt": 1, "gt": 2},
    {"eq": 0},
    {"in": [1, 2]},
    {"eq": "a"},
]
OPERANDS += [{"in": ["a", "b"]}, {"gt": 4, "lt": 6}, {"starts_with": "a"}]
OPERANDS += [{"value": value, "currency": unit} for value in ("4.5", "5", "6") for unit in ("EUR", "USD")]
OPERANDS += ["1970-01-02T00:00:00Z", "1970-01-03T12:00:00Z"]
OPERANDS += [
    {"days": days, "hours": hours, "zone": zone}
    for days in (["mon-fri"], ["mon", "sun"])
    for hours in ("09:00-17:00", "22:00-10:00")
    for zone in ("UTC", "Asia/Tokyo")
]
MANY = 120
ORDER = {False: 0, None: 1, True: 2}


def _tests(kind: Kind) -> list[tuple[Op, Any]]:
    return [
        (op, operand) for op in Op if op is not Op.EXISTS for operand in OPERANDS if fault(kind, op, operand) is None
    ]


def _said(kind: Kind, op: Op, operand: Any, *, positive: bool) -> list[bool | None]:
    asked = question(kind, op, operand)
    return [(asked if positive else opposite(asked))(value) for value in VALUES[kind]]


@pytest.mark.parametrize("kind", VALUES)
def test_what_is_proven_of_two_tests_is_so_at_every_value(kind: Kind) -> None:
    listed = [
        (a_test("f", kind, op, operand, positive=positive), _said(kind, op, operand, positive=positive))
        for op, operand in _tests(kind)
        for positive in (True, False)
    ]
    proven = apart = 0
    pairs = (
        [*product(listed, repeat=2)]
        if len(listed) < MANY
        else Random(7).choices([*product(listed, repeat=2)], k=MANY**2)
    )
    for (one, mine), (other, others) in pairs:
        if never_truer(one, other):
            proven += 1
            assert all(ORDER[a] <= ORDER[b] for a, b in zip(mine, others, strict=True)), (one, other)
        if never_together(one, other):
            apart += 1
            assert not any(a and b for a, b in zip(mine, others, strict=True)), (one, other)
    assert proven >= min(len(listed), MANY // 4)
    assert apart or kind is Kind.LIST


TRUER: list[tuple[Kind, tuple[Op, Any], tuple[Op, Any]]] = [
    (Kind.TEXT, (Op.EQ, "a"), (Op.IN, ["a", "b"])),
    (Kind.TEXT, (Op.EQ, "ab"), (Op.STARTS_WITH, "a")),
    (Kind.TEXT, (Op.STARTS_WITH, "ab"), (Op.STARTS_WITH, "a")),
    (Kind.TEXT, (Op.STARTS_WITH, "ab"), (Op.GLOB, "a*")),
    (Kind.TEXT, (Op.GLOB, "a*.env"), (Op.ENDS_WITH, "env")),
    (Kind.TEXT, (Op.GLOB, "*a*b*"), (Op.CONTAINS, "a")),
    (Kind.TEXT, (Op.GT, "10"), (Op.GTE, "9.5")),
    (Kind.TEXT, (Op.EQ, "10"), (Op.GT, "9.5")),
    (Kind.TEXT, (Op.STARTS_WITH, "a"), (Op.NE, "b")),
    (Kind.TEXT, (Op.HOST, "a.example.com"), (Op.HOST, ["b.org", "*.example.com"])),
    (Kind.TEXT, (Op.HOST, "*.a.example.com"), (Op.HOST, "*.example.com")),
    (Kind.TEXT, (Op.HOST, "example.com:81"), (Op.HOST, "example.com")),
    (Kind.TEXT, (Op.EQ, "https://a.example.com/"), (Op.HOST, "*.example.com")),
    (Kind.TEXT, (Op.CIDR, "10.1.0.0/16"), (Op.CIDR, "10.0.0.0/8")),
    (Kind.TEXT, (Op.UNDER, "docs/a"), (Op.UNDER, "docs")),
    (Kind.TEXT, (Op.UNDER, "docs"), (Op.UNDER, ".")),
    (Kind.NUMBER, (Op.GT, 5), (Op.GT, 4)),
    (Kind.NUMBER, (Op.IN, [5, 6]), (Op.LTE, 6)),
    (Kind.RISK, (Op.GTE, "high"), (Op.GT, "low")),
    (Kind.TEXTS, (Op.CONTAINS, "a"), (Op.IN, ["a", "b"])),
    (Kind.TEXTS, (Op.SIZE, {"gte": 5}), (Op.SIZE, {"gt": 2})),
    (Kind.TIME, (Op.GTE, "2026-06-01T00:00:00Z"), (Op.GT, "2026-01-01T00:00:00Z")),
    (
        Kind.TIME,
        (Op.WITHIN, {"days": "mon", "hours": "10:00-11:00", "zone": "UTC"}),
        (Op.WITHIN, {"days": "mon-fri", "zone": "UTC"}),
    ),
    (Kind.AMOUNT, (Op.GT, {"value": "100", "currency": "EUR"}), (Op.GTE, {"value": "50", "currency": "EUR"})),
    (Kind.AMOUNT, (Op.EQ, {"value": "100", "currency": "EUR"}), (Op.GTE, {"value": "50", "currency": "EUR"})),
]


@pytest.mark.parametrize(("kind", "narrow", "wide"), TRUER)
def test_what_plainly_lies_within_something_is_proven_and_turns_round_under_a_negation(
    kind: Kind, narrow: tuple[Op, Any], wide: tuple[Op, Any]
) -> None:
    one, other = (a_test("f", kind, *asked, positive=True) for asked in (narrow, wide))
    not_one, not_other = (a_test("f", kind, *asked, positive=False) for asked in (narrow, wide))

    assert never_truer(one, other)
    assert not never_truer(other, one)
    assert never_together(one, not_other)
    assert not never_together(one, other)
    if kind not in (Kind.TEXT, Kind.NUMBER):
        assert never_truer(not_other, not_one)


APART: list[tuple[Kind, tuple[Op, Any], tuple[Op, Any]]] = [
    (Kind.TEXT, (Op.STARTS_WITH, "a"), (Op.STARTS_WITH, "b")),
    (Kind.TEXT, (Op.ENDS_WITH, "a"), (Op.GLOB, "*b")),
    (Kind.TEXT, (Op.GLOB, "ab"), (Op.STARTS_WITH, "b")),
    (Kind.TEXT, (Op.HOST, "*.a.com"), (Op.HOST, ["b.com", "a.com"])),
    (Kind.TEXT, (Op.HOST, "*.a.com"), (Op.HOST, "*.b.com")),
    (Kind.TEXT, (Op.HOST, "a.com:80"), (Op.HOST, "a.com:81")),
    (Kind.TEXT, (Op.CIDR, "10.0.0.0/8"), (Op.CIDR, "11.0.0.0/8")),
    (Kind.TEXT, (Op.UNDER, "docs"), (Op.UNDER, ["src", "/docs"])),
    (Kind.NUMBER, (Op.GT, 10), (Op.LT, 5)),
    (Kind.NUMBER, (Op.GT, 5), (Op.LTE, 5)),
    (Kind.TEXT, (Op.IN, ["a"]), (Op.IN, ["b"])),
    (Kind.AMOUNT, (Op.GT, {"value": "1", "currency": "EUR"}), (Op.GT, {"value": "1", "currency": "USD"})),
    (Kind.TEXTS, (Op.SIZE, {"gt": 5}), (Op.SIZE, {"lt": 3})),
    (Kind.TEXTS, (Op.CONTAINS, "a"), (Op.NOT_IN, ["a", "b"])),
    (
        Kind.TIME,
        (Op.WITHIN, {"days": "mon", "zone": "UTC"}),
        (Op.WITHIN, {"days": "tue", "zone": "UTC"}),
    ),
    (Kind.TIME, (Op.GT, "2026-06-01T00:00:00Z"), (Op.LT, "2026-01-01T00:00:00Z")),
]


@pytest.mark.parametrize(("kind", "one", "other"), APART)
def test_what_plainly_has_nothing_in_common_is_proven(kind: Kind, one: tuple[Op, Any], other: tuple[Op, Any]) -> None:
    first, second = (a_test("f", kind, *asked, positive=True) for asked in (one, other))

    assert never_together(first, second)
    assert never_together(second, first)
    assert not never_truer(first, second)


def _speaks(rule: Rule, asked: Input) -> bool:
    said = interpreted(rule.match, asked)
    return said is True or (said is None and rule.decision is not Verdict.ALLOW)


@settings(max_examples=100, deadline=None)
@given(RULES, st.lists(inputs(), min_size=1, max_size=30), CONDITIONS, CONDITIONS)
def test_a_rule_that_is_called_shadowed_never_speaks_alone(
    rules: list[Rule], several: list[Input], one: Condition, other: Condition
) -> None:
    narrowed = [
        Rule("narrow", AllOf((one, other)), Verdict.ALLOW, ""),
        Rule("narrower", AllOf((one, other, AnyOf((one, other)))), Verdict.REQUIRE_APPROVAL, ""),
        Rule("wide", AllOf((AnyOf((one, Not(other))),)), Verdict.DENY, ""),
    ]
    every = {rule.name: rule for rule in [*rules, *narrowed]}
    found = shadowed([*every.values()], CATALOGUE)

    assert {"narrow", "narrower"} <= {*found}
    for weaker, stricter in found.items():
        assert every[stricter].decision.strictness > every[weaker].decision.strictness
        for asked in several:
            assert not _speaks(every[weaker], asked) or _speaks(every[stricter], asked), (weaker, stricter)


def _space() -> list[Input]:
    """Every input of a small space: what is missing, erased, unreadable and plain, in every combination."""
    start = Input(
        name="a.read",
        params={},
        agent_id="a",
        agent_name="a",
        org="o",
        klass=ActionClass.READ,
        risk=Risk.LOW,
        time=4 * 24 * 3_600_000_000,
        release=1,
    )
    texts = [Absent.MISSING, Absent.ERASED, "a", "5", "12.5", "x", "10.1.2.3", "https://a.b.c:81/"]
    reads = (
        replace(start, params=_sent(text=text, number=number), risk=risk, agent_name=agent)
        for text in texts
        for number in (Absent.MISSING, Absent.ERASED, 4, 5, 7)
        for risk in (Risk.LOW, Risk.HIGH)
        for agent in ("a", "x")
    )
    pays = (
        replace(start, name="d.pay", params=_sent(sum=value, unit=unit), klass=klass)
        for value in (Absent.MISSING, Absent.ERASED, "5", "12.50", "13", "x")
        for unit in (Absent.MISSING, Absent.ERASED, "EUR", "USD", "x")
        for klass in (ActionClass.PAYMENT, ActionClass.READ)
    )
    return [*reads, *pays, replace(start, name="stranger.do")]


def _sent(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not Absent.MISSING}


SPACE = _space()


@settings(max_examples=100, deadline=None)
@given(RULES)
def test_in_a_small_space_no_shadowed_rule_ever_speaks_alone(rules: list[Rule]) -> None:
    by_name = {rule.name: rule for rule in rules}
    for weaker, stricter in shadowed(rules, CATALOGUE).items():
        for asked in SPACE:
            assert not _speaks(by_name[weaker], asked) or _speaks(by_name[stricter], asked), (weaker, stricter)


@settings(max_examples=100, deadline=None)
@given(RULES)
def test_two_rules_that_meet_within_neither_and_differ_are_told_unless_one_is_broad(rules: list[Rule]) -> None:
    """The other way round: what isn't told never meets, lies within, or is broad."""
    told = {(one.rule, other) for one in overlaps(rules, CATALOGUE).found for other in one.stricter}
    for weaker, stricter in product(rules, repeat=2):
        if weaker.decision.strictness >= stricter.decision.strictness or (weaker.name, stricter.name) in told:
            continue
        if not any(
            "params" in probe or probe in ("tool", "operation", "class", "amount") for probe in _fields(stricter.match)
        ):
            continue
        both = [
            (interpreted(weaker.match, asked) is True, interpreted(stricter.match, asked) is True) for asked in SPACE
        ]
        meet = (True, True) in both
        assert not meet or (True, False) not in both or (False, True) not in both


def _fields(condition: Condition) -> Iterable[str]:
    match condition:
        case Probe():
            yield condition.field
        case Not(part):
            yield from _fields(part)
        case _:
            for part in condition.parts:
                yield from _fields(part)

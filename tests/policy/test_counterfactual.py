"""Changes come from what tests ask, and only such as the action's schema takes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given

from aaf.policy.catalogue import ActionClass, Entry, Risk
from aaf.policy.conditions import AllOf, Probe
from aaf.policy.counterfactual import MAX_CHANGES, Change, changed, changes, pairs
from aaf.policy.operands.answers import Absent
from aaf.policy.operators import Op
from aaf.policy.rego.module import Dialect, Module
from aaf.policy.rules import Rule
from aaf.policy.schemas import Schema
from tests.policy.worlds import CATALOGUE, RULES, inputs

ENTRY = Entry(
    "pay.send",
    ActionClass.PAYMENT,
    Risk.HIGH,
    Schema(
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["to"],
            "properties": {
                "to": {"type": "string", "maxLength": 40},
                "amount": {"type": "string", "pattern": "^[0-9]+[.][0-9]{2}$"},
                "count": {"type": "integer", "minimum": 0, "maximum": 9},
                "share": {"type": "number"},
                "urgent": {"type": "boolean"},
                "how": {"type": "string", "enum": ["card", "wire"]},
                "sizes": {"type": "array", "items": {"type": "integer"}},
                "tags": {"type": "array", "items": {"type": "string"}},
                "pin": {"type": "string"},
                "currency": {"type": "string", "default": "EUR"},
                "body": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"text": {"type": "string"}},
                },
            },
        }
    ),
    secret=("params.pin",),
)
NOW: Mapping[str, Any] = {"to": "https://a.example/x", "currency": "EUR"}


def found(field: str, op: Op, operand: Any, **params: Any) -> list[tuple[Any, str]]:
    probe = Probe(f"params.{field}", op, operand)
    return [(one.value, one.words) for one in changes([probe], [], {**NOW, **params}, ENTRY)]


@pytest.mark.requirement("R66")
@pytest.mark.parametrize(
    ("field", "op", "operand", "params", "expected"),
    [
        ("amount", Op.GT, "100.00", {"amount": "250.00"}, [("100.00", "at most 100.00"), ("100.01", "above 100.00")]),
        ("amount", Op.LTE, "100", {"amount": "250.00"}, [("100.00", "at most 100"), ("100.01", "above 100")]),
        ("amount", Op.GTE, "50.00", {"amount": "50.00"}, [("49.99", "below 50.00")]),
        ("amount", Op.LT, "50.00", {}, [("50.00", "at least 50.00"), ("49.99", "below 50.00")]),
        ("count", Op.GT, 9, {"count": 3}, [(9, "at most 9")]),
        ("count", Op.GTE, 3, {"count": 3}, [(2, "below 3")]),
        ("share", Op.GT, 0.5, {"share": 2}, [(0.5, "at most 0.5"), (0.6, "above 0.5")]),
        ("urgent", Op.EQ, True, {"urgent": True}, [(False, "false")]),
        ("how", Op.IN, ["card"], {"how": "card"}, [("wire", '"wire"')]),
        ("to", Op.NE, "b", {}, [("b", '"b"')]),
        ("to", Op.STARTS_WITH, "https://b/", {}, [("https://b/x", 'beginning with "https://b/"')]),
        ("to", Op.ENDS_WITH, ".png", {"to": "a.gif"}, [("a.png", 'ending with ".png"')]),
        ("to", Op.CONTAINS, "example", {}, [("https://a./x", 'without "example"')]),
        ("to", Op.CONTAINS, "?q", {}, [("https://a.example/x?q", 'with "?q" in it')]),
        ("to", Op.GLOB, "https://*.b/*", {}, [("https://x.b/x", 'like "https://*.b/*"')]),
        ("tags", Op.CONTAINS, "a", {"tags": ["a", "b"]}, [(["b"], 'without "a"')]),
        ("tags", Op.IN, ["c"], {"tags": ["a"]}, [(["a", "c"], 'with "c"')]),
        ("tags", Op.IN, ["c"], {}, [(["c"], 'with "c"')]),
        ("body.text", Op.EQ, "x", {}, [("x", '"x"')]),
        ("pin", Op.EXISTS, True, {}, []),
        ("body", Op.EXISTS, True, {}, []),
        ("urgent", Op.EXISTS, True, {}, [(True, "given")]),
        ("nowhere", Op.EQ, "x", {}, []),
        ("to", Op.EQ, None, {}, []),
        ("currency", Op.EQ, "USD", {}, [("USD", '"USD"')]),
        ("amount", Op.GT, True, {"amount": "1.00"}, []),
        ("amount", Op.GT, "much", {"amount": "1.00"}, []),
        ("to", Op.HOST, "b.example", {}, [("https://b.example/x", 'at the host "b.example"')]),
        (
            "to",
            Op.HOST,
            "*.b.example:81",
            {"to": "http://h:9?q"},
            [("http://www.b.example:81?q", 'at the host "*.b.example:81"')],
        ),
        (
            "to",
            Op.HOST,
            ["10.0.0.1", "[::1]"],
            {"to": "a:5"},
            [("10.0.0.1", 'at the host "10.0.0.1"'), ("[::1]", 'at the host "[::1]"')],
        ),
        (
            "to",
            Op.CIDR,
            ["10.0.0.0/8", "192.0.2.7/32"],
            {"to": "a"},
            [("10.0.0.1", 'in the network "10.0.0.0/8"'), ("192.0.2.7", 'in the network "192.0.2.7/32"')],
        ),
        ("to", Op.CIDR, "10.0.0.0/8", {"to": "10.0.0.1"}, []),
        ("to", Op.UNDER, "/srv/", {"to": "/etc/passwd"}, [("/srv/passwd", 'beneath "/srv/"')]),
        ("to", Op.UNDER, "/", {"to": "a/.."}, [("/x", 'beneath "/"')]),
        ("to", Op.UNDER, ".", {"to": "/etc/passwd"}, [("passwd", 'beneath "."')]),
        ("to", Op.MATCHES, "[a-z]+", {}, []),
        ("tags", Op.SIZE, {"lte": 1}, {"tags": ["a", "b"]}, [([], "with 0 items"), (["a"], "with 1 item")]),
        (
            "tags",
            Op.SIZE,
            [3, "x"],
            {"tags": ["a"]},
            [(["a", "a"], "with 2 items"), (["a", "a", "a"], "with 3 items"), (["a", "a", "a", "a"], "with 4 items")],
        ),
        ("tags", Op.SIZE, 2, {}, []),
        (
            "tags",
            Op.EVERY,
            ["a", "c"],
            {"tags": ["a", "b"]},
            [
                (["b"], 'without "a" or "c"'),
                (["a"], 'with nothing but "a" or "c"'),
                (["a", "b", "c"], 'with "c"'),
                (["c"], 'with nothing but "c"'),
            ],
        ),
        ("tags", Op.SOME, {"ne": "a"}, {"tags": ["a"]}, [([], 'without "a"')]),
        (
            "tags",
            Op.SOME,
            {"host": "*.b.example", "cidr": 5, "glob": "b*"},
            {"tags": ["a"]},
            [(["a", "www.b.example"], 'with "www.b.example"'), (["www.b.example"], 'with nothing but "www.b.example"')],
        ),
        (
            "tags",
            Op.SOME,
            {"starts_with": "b"},
            {"tags": ["a"]},
            [(["a", "bx"], 'with "bx"'), (["bx"], 'with nothing but "bx"')],
        ),
        ("tags", Op.SOME, {"contains": "b"}, {}, [(["xb"], 'with "xb"')]),
        (
            "sizes",
            Op.SOME,
            {"gt": 5},
            {"sizes": [6]},
            [([6, 4], "with 4"), ([6, 5], "with 5"), ([4], "with nothing but 4"), ([5], "with nothing but 5")],
        ),
        ("sizes", Op.SOME, {"gt": 5.5, "eq": True}, {"sizes": [6]}, []),
        ("sizes", Op.CONTAINS, 5, {"sizes": [6]}, [([6, 5], "with 5")]),
    ],
)
def test_a_test_suggests_values_of_its_own(
    field: str, op: Op, operand: Any, params: dict[str, Any], expected: list[tuple[Any, str]]
) -> None:
    optional = [(Absent.MISSING, "left out")] if field in params and field != "to" else []
    assert found(field, op, operand, **params) == expected + optional


PAID = replace(ENTRY, amount=("params.amount", "params.currency"))


@pytest.mark.requirement("R66")
@pytest.mark.parametrize(
    ("op", "currency", "params", "expected"),
    [
        (Op.LTE, "EUR", {"amount": "12.00"}, [("params.amount", "10.00", "at most 10.00 EUR"), ("params.amount", "10.01", "above 10.00 EUR")]),
        (Op.GTE, "EUR", {}, [("params.amount", "10.00", "at least 10.00 EUR"), ("params.amount", "9.99", "below 10.00 EUR")]),
        (Op.EQ, "EUR", {"amount": "12.00"}, [("params.amount", "10.00", "10.00 EUR")]),
        (Op.EQ, "USD", {"amount": "10.00"}, [("params.currency", "USD", '"USD"')]),
    ],
)  # fmt: skip
def test_an_amount_suggests_its_bound_in_its_currency(
    op: Op, currency: str, params: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    probe = Probe("amount", op, {"value": "10.00", "currency": currency})
    suggested = changes([probe], [], {**NOW, **params}, PAID)
    assert [(one.field, one.value, one.words) for one in suggested] == expected
    assert changes([probe], [], {**NOW, **params}, ENTRY) == []
    assert changes([replace(probe, value="much")], [], NOW, PAID) == []


def test_the_time_and_what_is_counted_are_never_changed() -> None:
    probes = Probe("time", Op.WITHIN, {"hours": "09:00-17:00"}), Probe("counters.day.exceeded", Op.EQ, False)
    assert changes([AllOf(probes), Probe("labels", Op.CONTAINS, "a")], [], NOW, PAID) == []


def test_an_operator_that_is_not_known_here_suggests_its_operand_and_what_lies_beneath() -> None:
    probe = Probe("params.to", cast("Op", "of a later version"), "/srv/")
    listed = [(one.value, one.words) for one in changes([probe], [], {"to": "/etc/passwd", "currency": "EUR"}, ENTRY)]
    assert listed == [("/srv/", '"/srv/"'), ("/srv/passwd", 'beneath "/srv/"')]


def module(text: str, *strings: str) -> Module:
    return Module("policies/a.rego", Dialect.V1, "aaf.policies", text, strings=strings)


def test_a_module_suggests_its_numbers_and_texts_for_the_parameters_that_it_names() -> None:
    text = 'decision := "deny" if { to_number(input.params.amount) > 50; input.params.count > 3; input.params.urgent }'
    text += ' decision := "allow" if startswith(input.params.to, "https://b/") '
    suggested = changes(
        [], [module(text, "deny", "allow", "https://b/", "in words")], {**NOW, "amount": "80.00"}, ENTRY
    )
    told = {(one.field, one.words) for one in suggested}
    assert {("params.amount", "at most 50"), ("params.count", "above 3"), ("params.urgent", "true")} <= told
    assert ("params.to", 'beginning with "https://b/"') in told
    assert not any("deny" in words or "in words" in words for _, words in told)
    assert not any(field in {"params.how", "params.share"} for field, _ in told)


def test_the_smallest_change_stands_first_and_their_number_is_bounded() -> None:
    tests = AllOf(tuple(Probe("params.to", Op.EQ, f"t{number}") for number in range(MAX_CHANGES + 50)))
    bound = Probe("params.amount", Op.GT, "1.00")
    suggested = changes([tests, bound], [], NOW, ENTRY)
    assert len(suggested) == MAX_CHANGES
    assert [one.words for one in suggested[:2]] == ["at most 1.00", "above 1.00"]


def test_two_tests_that_suggest_one_value_suggest_it_once() -> None:
    suggested = changes(
        [Probe("params.to", Op.EQ, "x"), Probe("params.to", Op.STARTS_WITH, "x")], [], {**NOW, "to": "/"}, ENTRY
    )
    assert [(one.value, one.size) for one in suggested] == [("x", 1), ("xx", 2)]


def test_pairs_are_of_fields_that_do_not_lie_in_each_other() -> None:
    one, two = Change("params.a", 1, "1", 0), Change("params.b", 2, "2", 1)
    inner, same = Change("params.a.c", 3, "3", 0), Change("params.a", 4, "4", 2)
    assert list(pairs([one, two, inner, same])) == [(one, two), (two, inner), (two, same)]


def test_changes_are_made_in_a_copy_however_deep() -> None:
    given = {"a": {"b": {"c": 1}}, "d": 2}
    made = [Change("params.a.b.c", 5, "", 0), Change("params.e.f", 6, "", 0), Change("params.d", Absent.MISSING, "", 0)]
    assert changed(given, made) == {"a": {"b": {"c": 5}}, "e": {"f": 6}}
    assert given == {"a": {"b": {"c": 1}}, "d": 2}


@given(RULES, inputs(strangers=False))
def test_whatever_rules_ask_every_change_fits_the_schema_and_changes_something(rules: list[Rule], asked: Any) -> None:
    entry = CATALOGUE[asked.name]
    params = {name: value for name, value in asked.params.items() if not isinstance(value, Absent)}
    for change in changes([rule.match for rule in rules], [], params, entry):
        told = changed(params, [change])
        assert repr(told) != repr(params)
        assert not entry.input.check(told)

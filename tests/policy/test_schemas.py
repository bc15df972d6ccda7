import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.policy.schemas import MAX_FAULTS, Kind, Schema, SchemaFault
from tests.policy.work import at_most

SCHEMA = Schema(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["to"],
        "properties": {
            "to": {"type": "string", "format": "email"},
            "note": {"type": "string", "maxLength": 5},
            "script": {"type": "string", "x-allow-control": True},
            "level": {"enum": ["low", "high"], "default": "low"},
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "code": {"$ref": "#/$defs/code"},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 2},
            "lines": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["sku"],
                    "properties": {"sku": {"type": "string"}, "number": {"type": "integer", "default": 1}},
                },
            },
            "options": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"loud": {"type": "boolean", "default": False}, "deep": {"$ref": "#/$defs/deep"}},
            },
            "preset": {
                "type": "object",
                "additionalProperties": False,
                "default": {},
                "properties": {"size": {"type": "integer", "default": 7}},
            },
            "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
            "same": {"oneOf": [{"type": "string", "maxLength": 2}, {"type": "string", "minLength": 3}]},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "string"}},
            "maybe": {"type": ["string", "null"]},
            "mixed": {"enum": [1, "a", True, None]},
            "always": {"const": True},
            "free": {"type": "object", "open": True},
            "point": {"const": {"x": 1, "y": [2]}},
            "points": {"enum": [{"x": 1}, None]},
            "row": {
                "type": "array",
                "prefixItems": [{"type": "object", "open": True}],
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "size": {"type": "integer", "default": 3},
                        "text": {"type": "string", "x-allow-control": True},
                    },
                },
            },
        },
        "$defs": {
            "code": {"type": "string", "pattern": "^[A-Z]+$"},
            "deep": {"type": "object", "additionalProperties": False, "properties": {"x": {"type": "number"}}},
        },
    }
)
TO: Json = "a@example.com"

FAULTS: dict[str, tuple[dict[str, Json], Code, str, str]] = {
    "missing": ({}, Code.MISSING_FIELD, "$.params.to", "is required"),
    "unknown": ({"to": TO, "nots": "x"}, Code.UNKNOWN_FIELD, "$.params.nots", "is not a field here"),
    "odd name": ({"to": TO, "a b\n": "x"}, Code.UNKNOWN_FIELD, '$.params["a b\\n"]', "is not a field here"),
    "type": ({"to": TO, "count": "5"}, Code.WRONG_TYPE, "$.params.count", "must be integer"),
    "types": ({"to": TO, "maybe": 5}, Code.WRONG_TYPE, "$.params.maybe", "must be null or string"),
    "too long": ({"to": TO, "note": "secret"}, Code.VALUE_TOO_LONG, "$.params.note", "may have at most 5 characters"),
    "format": ({"to": "nobody"}, Code.SCHEMA_VIOLATION, "$.params.to", 'does not satisfy format "email"'),
    "range": ({"to": TO, "count": 10}, Code.SCHEMA_VIOLATION, "$.params.count", "does not satisfy maximum 9"),
    "enum": (
        {"to": TO, "level": "x"},
        Code.SCHEMA_VIOLATION,
        "$.params.level",
        'does not satisfy enum ["low", "high"]',
    ),
    "pattern": (
        {"to": TO, "code": "abc"},
        Code.SCHEMA_VIOLATION,
        "$.params.code",
        'does not satisfy pattern "^[A-Z]+$"',
    ),
    "items": (
        {"to": TO, "tags": ["ok", "long"]},
        Code.VALUE_TOO_LONG,
        "$.params.tags[1]",
        "may have at most 3 characters",
    ),
    "in a list": (
        {"to": TO, "lines": [{"sku": "x", "skus": 1}]},
        Code.UNKNOWN_FIELD,
        "$.params.lines[0].skus",
        "is not a field here",
    ),
    "in a definition": (
        {"to": TO, "options": {"deep": {"y": 1}}},
        Code.UNKNOWN_FIELD,
        "$.params.options.deep.y",
        "is not a field here",
    ),
    "const": (
        {"to": TO, "point": {"x": 2}},
        Code.SCHEMA_VIOLATION,
        "$.params.point",
        'does not satisfy const {"x": 1, "y": [2]}',
    ),
    "enum of objects": (
        {"to": TO, "points": {"x": 2}},
        Code.SCHEMA_VIOLATION,
        "$.params.points",
        'does not satisfy enum [{"x": 1}, null]',
    ),
    "in nothing declared": (
        {"to": TO, "either": {"a": 1}},
        Code.SCHEMA_VIOLATION,
        "$.params.either",
        "does not satisfy anyOf",
    ),
}


@pytest.mark.requirement("R01")
@pytest.mark.parametrize(("params", "code", "path", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_names_the_place_and_the_expectation(
    params: dict[str, Json], code: Code, path: str, message: str
) -> None:
    faults = SCHEMA.check(params)

    assert [(fault.code, fault.path) for fault in faults] == [(code, path)]
    assert faults[0].message.startswith(message)


def test_what_is_near_to_an_unknown_field_is_said() -> None:
    assert SCHEMA.check({"to": TO, "nots": "x"})[0].hint == "did you mean `note`?"
    assert SCHEMA.check({"to": TO, "lines": [{"sku": "x", "skus": 1}]})[0].hint == "did you mean `sku`?"


def test_a_value_that_fits_has_no_fault() -> None:
    assert SCHEMA.check({"to": TO, "count": 5, "free": {"anything": [1]}, "mixed": None}) == ()


def test_at_most_twenty_faults_are_said() -> None:
    assert len(SCHEMA.check({"to": TO} | {f"x{number}": 1 for number in range(50)})) == MAX_FAULTS


def test_what_very_many_faults_cost_is_what_it_costs_to_find_them() -> None:
    listed = Schema(
        {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"enum": [f"v{number}" for number in range(5000)]}}},
            "additionalProperties": False,
        }
    )
    unknown: dict[str, Json] = {f"x{number:05}": 1 for number in range(5000)}

    with at_most(100_000):
        many = listed.check(unknown)
        deep = listed.check({"a": ["x"] * 500})

    assert [fault.path for fault in many] == [f"$.params.x{number:05}" for number in range(MAX_FAULTS)]
    assert len(deep) == MAX_FAULTS
    assert {len(fault.message) for fault in deep} == {300}


@pytest.mark.requirement("R02")
def test_a_result_is_checked_under_its_own_name() -> None:
    output = Schema({"type": "object", "additionalProperties": False, "properties": {"bytes": {"type": "integer"}}})

    assert output.check({"bytes": 5}, at="$.result") == ()
    assert output.check({"bytes": "5"}, at="$.result") == (
        SchemaFault(Code.WRONG_TYPE, "$.result.bytes", "must be integer"),
    )


_PROBE = "Zq9-probe-Zq9"


@given(st.sampled_from([path for path in SCHEMA.paths() if "." not in path]))
def test_no_message_ever_holds_a_value(name: str) -> None:
    shapes: list[Callable[[Json], Json]] = [lambda v: v, lambda v: [v], lambda v: {"sku": v}, lambda v: [{"sku": [v]}]]
    for shape in shapes:
        for fault in SCHEMA.check({"to": TO, name: shape(_PROBE)}):
            assert _PROBE not in repr(fault)


def test_defaults_are_filled_wherever_their_object_is_there() -> None:
    given_params: dict[str, Json] = {"to": TO, "options": {}, "lines": [{"sku": "x"}, {"sku": "y", "number": 3}]}
    before = json.dumps(given_params)

    filled = SCHEMA.fill_defaults(given_params)

    assert filled == {
        "to": TO,
        "level": "low",
        "options": {"loud": False},
        "lines": [{"sku": "x", "number": 1}, {"sku": "y", "number": 3}],
        "preset": {"size": 7},
    }
    assert json.dumps(given_params) == before


def test_items_of_their_own_schema_get_no_default_of_the_others() -> None:
    filled = SCHEMA.fill_defaults({"row": [{}, {}, {"size": 5}]})

    assert filled["row"] == [{}, {"size": 3}, {"size": 5}]


def test_a_default_of_a_definition_is_filled_where_nothing_nearer_is_said() -> None:
    schema = Schema(
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "plain": {"$ref": "#/$defs/near"},
                "own": {"$ref": "#/$defs/near", "default": "mine"},
                "none": {"$ref": "#/$defs/bare"},
            },
            "$defs": {
                "near": {"$ref": "#/$defs/far", "default": "near"},
                "far": {"type": "string", "default": "far"},
                "bare": {"type": "string"},
            },
        }
    )

    assert schema.fill_defaults({}) == {"plain": "near", "own": "mine"}


def test_defaults_leave_values_of_another_type_alone() -> None:
    assert SCHEMA.fill_defaults({"options": 5, "lines": "x"}) == {
        "options": 5,
        "lines": "x",
        "level": "low",
        "preset": {"size": 7},
    }


def test_a_schema_without_defaults_fills_nothing() -> None:
    schema = Schema({"type": "object", "additionalProperties": False, "properties": {"a": {"type": "string"}}})

    assert schema.fill_defaults({"a": "x"}) == {"a": "x"}


@given(st.dictionaries(st.sampled_from(["to", "note", "count", "level", "options"]), st.just("x")))
def test_filling_twice_is_filling_once(params: dict[str, Json]) -> None:
    once = SCHEMA.fill_defaults(params)

    assert SCHEMA.fill_defaults(once) == once


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\r", "\x08", "\x7f", "\x9b", "\ud800"])
def test_control_characters_are_refused_with_their_place(letter: str) -> None:
    params: dict[str, Json] = {"note": f"a{letter}", "tags": [letter], "free": {letter: {"deep": letter}}}

    faults = SCHEMA.sanitise(params)

    escaped = json.dumps(letter)
    assert [(fault.code, fault.path) for fault in faults] == [
        (Code.TEXT_REFUSED, "$.params.note"),
        (Code.TEXT_REFUSED, "$.params.tags[0]"),
        (Code.TEXT_REFUSED, f"$.params.free[{escaped}]"),
        (Code.TEXT_REFUSED, f"$.params.free[{escaped}].deep"),
    ]
    assert SCHEMA.sanitise({"script": letter}) == ()


def test_control_characters_are_allowed_only_in_the_items_that_say_so() -> None:
    row: Json = [{"text": "\x00"}, {"text": "\x00"}]

    assert [fault.path for fault in SCHEMA.sanitise({"row": row})] == ["$.params.row[0].text"]


def test_tab_and_newline_and_other_values_pass() -> None:
    assert SCHEMA.sanitise({"note": "a\tb\nc", "count": 5, "lines": [{"sku": "é"}]}) == ()


KINDS: dict[str, Kind | None] = {
    "to": Kind.TEXT,
    "count": Kind.NUMBER,
    "level": Kind.TEXT,
    "code": Kind.TEXT,
    "tags": Kind.TEXTS,
    "lines": Kind.LIST,
    "lines.sku": None,
    "options": Kind.OPAQUE,
    "options.loud": Kind.FLAG,
    "options.deep.x": Kind.NUMBER,
    "either": Kind.ANY,
    "same": Kind.TEXT,
    "pair": Kind.LIST,
    "maybe": Kind.TEXT,
    "mixed": Kind.ANY,
    "always": Kind.FLAG,
    "free": Kind.OPAQUE,
    "point": Kind.ANY,
    "row": Kind.LIST,
    "free.x": None,
    "nothing": None,
    "to.x": None,
}


@pytest.mark.parametrize(("path", "kind"), KINDS.items())
def test_a_field_has_the_kind_that_its_schema_says(path: str, kind: Kind | None) -> None:
    assert SCHEMA.kind(path) == kind
    assert (path in SCHEMA.paths()) == (kind is not None)


@pytest.mark.parametrize(
    ("path", "nullable"),
    [
        ("to", False),
        ("maybe", True),
        ("mixed", True),
        ("points", True),
        ("point", False),
        ("either", False),
        ("code", False),
        ("options.loud", False),
        ("nothing", False),
    ],
)
def test_a_field_can_be_null_where_its_schema_says_so(path: str, nullable: bool) -> None:
    assert SCHEMA.nullable(path) is nullable


def test_options_are_what_an_enum_lists() -> None:
    assert SCHEMA.options("level") == ["low", "high"]
    assert SCHEMA.options("to") is None
    assert SCHEMA.options("nothing") is None

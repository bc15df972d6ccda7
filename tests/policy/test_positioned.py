import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.canonical import Json
from aaf.policy.positioned import Faults, Node, parse

SCALARS: dict[str, Json] = {
    "": None,
    "~": None,
    "null": None,
    "NULL": None,
    "nUll": "nUll",
    "true": True,
    "True": True,
    "FALSE": False,
    "tRue": "tRue",
    "yes": "yes",
    "no": "no",
    "on": "on",
    "off": "off",
    "y": "y",
    "0": 0,
    "-0": 0,
    "+12": 12,
    "012": 12,
    "0o17": 15,
    "0x1F": 31,
    "0b1": "0b1",
    "1_000": "1_000",
    "12:30": "12:30",
    "2026-01-01": "2026-01-01",
    "1.5": 1.5,
    "1.0": 1,
    ".5": 0.5,
    "1e3": 1000,
    "-2.5E-1": -0.25,
    ".": ".",
    "9007199254740991": 9007199254740991,
    "'5'": "5",
    '"null"': "null",
    '"\\e"': "\x1b",
    "|\n  two\n  lines\n": "two\nlines\n",
    ">-\n  folded\n  text\n": "folded text",
}


def _parsed(text: str) -> Node:
    faults = Faults("x.yaml")
    node = parse(text.encode(), faults)
    assert node is not None
    assert not faults.problems
    return node


@pytest.mark.parametrize(("text", "value"), SCALARS.items(), ids=[repr(text) for text in SCALARS])
def test_scalars_are_read_as_the_core_schema_of_yaml_1_2_says(text: str, value: Json) -> None:
    found = _parsed(f"a: {text}").plain()

    assert found == {"a": value}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


def test_every_value_and_key_knows_where_it_stands() -> None:
    root = _parsed("\ufeffa:\n  - é: 1\n    b: two\n  - [x, {y: z}]\n")

    assert isinstance(root.value, dict)
    items = root.value["a"]
    assert isinstance(items.value, list)
    first, second = items.value
    assert isinstance(first.value, dict)
    assert (first.value["b"].key, first.value["b"].line, first.value["b"].column) == ((3, 5), 3, 8)
    assert isinstance(second.value, list)
    inner = second.value[1]
    assert (inner.line, inner.column) == (4, 9)
    assert root.plain() == {"a": [{"é": 1, "b": "two"}, ["x", {"y": "z"}]]}


def test_yaml_1_2_may_be_declared() -> None:
    assert _parsed("%YAML 1.2\n---\na: 1\n").plain() == {"a": 1}


_TEXT = st.text(
    st.characters(min_codepoint=32, max_codepoint=0xD7FF, exclude_characters="\x7f", exclude_categories=("Cc", "Cs"))
)
_KEYS = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), max_size=20).filter(
    lambda key: key != "<<"
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_json_reads_as_itself(value: Json) -> None:
    assert _parsed(json.dumps({"a": value})).plain() == {"a": value}


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_raise(data: bytes) -> None:
    faults = Faults("x.yaml")

    node = parse(data, faults)

    assert (node is None) == bool(faults.problems)

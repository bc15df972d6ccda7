"""The verifier's own reading of canonical JSON, with another implementation as the oracle."""

import json
import math
import struct

import pytest
import rfc8785
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import aaf_verify

LIMIT = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-LIMIT, LIMIT), TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_what_the_oracle_writes_is_canonical(value: dict[str, aaf_verify.Json]) -> None:
    data = rfc8785.dumps(value)
    assert aaf_verify.read_canonical(data) == value
    assert aaf_verify.jcs(value) == data


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=4), st.integers(0, 2**16), st.integers(0, 255))
def test_other_bytes_are_never_another_writing_of_the_same_value(
    value: dict[str, aaf_verify.Json], at: int, byte: int
) -> None:
    data = bytearray(rfc8785.dumps(value))
    data[at % len(data)] = byte
    assume(bytes(data) != rfc8785.dumps(value))
    try:
        found = aaf_verify.read_canonical(bytes(data))
    except aaf_verify.Malformed:
        return
    assert rfc8785.dumps(found) == bytes(data)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 2**64 - 1))
def test_decimals_are_written_as_the_oracle_writes_them(bits: int) -> None:
    value: float = struct.unpack("<d", struct.pack("<Q", bits))[0]
    assume(math.isfinite(value) and abs(value) < LIMIT and not value.is_integer())
    data = rfc8785.dumps({"x": value})
    assert aaf_verify.read_canonical(data, decimals=True) == {"x": value}


@pytest.mark.parametrize(
    "value", [0.1, -0.1, 0.5, 1e-5, -1.25e-5, 1e-6, 1.5e-6, 1e-7, -1.5e-7, 5e-324, 123456.789, 2**52 - 0.5]
)
def test_decimals_at_the_edges_are_written_as_the_oracle_writes_them(value: float) -> None:
    assert aaf_verify.jcs({"x": value}) == rfc8785.dumps({"x": value})


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":{"b":1,"b":2}}',
        '{"b":1,"a":2}',
        '{"\\ue000":1,"\U0001f600":2}',
        '{"\ue000":1,"\U0001f600":2}',
        '{"a": 1}',
        ' {"a":1}',
        '{"a":1}\n',
        '\ufeff{"a":1}',
        '{"a":"\\u0061"}',
        '{"a":"\\/"}',
        '{"a":"\\u001F"}',
        '{"a":"\\ud800"}',
        '{"\\ud800":1}',
        '{"a":NaN}',
        '{"a":Infinity}',
        '{"a":-Infinity}',
        '{"a":-0}',
        '{"a":01}',
        '{"a":1.0}',
        '{"a":0.5}',
        '{"a":1e2}',
        '{"a":9007199254740992}',
        '{"a":-9007199254740992}',
        f'{{"a":{"9" * 5000}}}',
        f'{{"a":{"[" * 32}{"]" * 32}}}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "[1]",
        '"a"',
        "null",
        "",
        "{",
        "\0",
    ],
)
def test_what_is_not_canonical_is_refused(text: str) -> None:
    with pytest.raises(aaf_verify.Malformed):
        aaf_verify.read_canonical(text.encode())


@pytest.mark.parametrize(
    "text", ['{"a":1.0}', '{"a":1e400}', '{"a":9007199254740993.5e3}', '{"a":0.50}', '{"a":1e-5}', '{"a":-0.0}']
)
def test_decimals_have_one_form_too(text: str) -> None:
    with pytest.raises(aaf_verify.Malformed):
        aaf_verify.read_canonical(text.encode(), decimals=True)


def test_bytes_that_are_not_utf_8_are_refused() -> None:
    for data in (b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xc0\xaf"}', "{}".encode("utf-16")):
        with pytest.raises(aaf_verify.Malformed):
            aaf_verify.read_canonical(data)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"a":1}', 1),
        ('{"a":1,"b":2}', 2),
        ('{"a":[]}', 2),
        ('{"a":[1,2,{}]}', 5),
        ('{"a":",[{"}', 1),
        ('{",":"\\",[{","{":"\\\\","b":[]}', 4),
        ('{"a":"\\\\\\",[{\\\\","b":0}', 2),
        ('{"a":"\\u0022,[{"', 1),
        ('{"a":"[[[[', 1 + 4),
        ("[" * 9, 9),
        (",,,", 3),
    ],
)
def test_values_are_counted_before_they_are_decoded_and_texts_do_not_count(text: str, values: int) -> None:
    data = text.encode()
    assert not aaf_verify._has_more_values(data, values)
    assert aaf_verify._has_more_values(data, values - 1)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_never_are_fewer_values_counted_than_there_are(value: dict[str, aaf_verify.Json]) -> None:
    def count(inner: aaf_verify.Json) -> int:
        below = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
        return 1 + sum(count(one) for one in below)

    assert aaf_verify._has_more_values(rfc8785.dumps(value), max(count(value) - 2, 0)) or count(value) <= 2
    assert not aaf_verify._has_more_values(rfc8785.dumps(value), 2 * count(value))


def test_a_text_of_more_values_than_its_limit_is_refused() -> None:
    for most, data in ((aaf_verify.MAX_LISTED, b'{"a":[%s]}'), (3, b'{"a":[%s]}')):
        fits = data % b",".join([b"0"] * (most - 1))
        assert aaf_verify.read_canonical(fits, most=most)
        with pytest.raises(aaf_verify.Malformed, match="values"):
            aaf_verify.read_canonical(data % b",".join([b"0"] * most), most=most)


def test_thirty_two_levels_are_taken() -> None:
    data = f'{{"a":{"[" * 31}{"]" * 31}}}'.encode()
    assert aaf_verify.read_canonical(data) == json.loads(data)


def test_nothing_that_is_printed_can_steer_a_terminal() -> None:
    shown = aaf_verify.printable("a\x1b[2J\r\n\x7f\x9b\u202e\ud800\U0001f600" + "x" * 700)
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.startswith("a\\x1b[2J\\r\\n\\x7f\\x9b\\u202e\\ud800\\U0001f600x")
    assert shown.endswith("...")

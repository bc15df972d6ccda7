"""Canonical JSON: the bytes of RFC 8785, and a door that no second reading passes."""

import json
import math
import struct
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.canonical import MAX_DEPTH, MAX_INTEGER, Json, canonical, number_text, parse
from aaf.domain.errors import Code, InputRefused

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "canonical.json").read_text(encoding="utf-8"))


def nested(depth: int, inner: str = "") -> bytes:
    return ("[" * depth + inner + "]" * depth).encode()


def refused(call: Callable[[], object]) -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        call()
    return caught.value


# --- numbers ----------------------------------------------------------------------------------------------------------

# RFC 8785 appendix B: IEEE 754 bits in hex, and the text of the number.
APPENDIX_B = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]


@pytest.mark.parametrize(("bits", "text"), APPENDIX_B)
def test_a_double_is_written_as_in_appendix_b_of_rfc_8785(bits: str, text: str) -> None:
    value = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert number_text(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_has_no_text(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        number_text(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_finite_double_is_written_as_the_oracle_does(value: float) -> None:
    assert number_text(value).encode() == rfc8785.dumps(value)


@given(st.integers(0, 2**64 - 1))
def test_any_bits_of_a_double_within_range_round_trip(bits: int) -> None:
    value = struct.unpack(">d", bits.to_bytes(8))[0]
    if abs(value) <= MAX_INTEGER:
        assert canonical(value) == rfc8785.dumps(value)
        assert parse(canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, b"1"),
        (-0.0, b"0"),
        (0.5, b"0.5"),
        (1e-4, b"0.0001"),
        (0.00001, b"0.00001"),
        (1e-7, b"1e-7"),
        (-1.5e-9, b"-1.5e-9"),
        (9007199254740991.0, b"9007199254740991"),
        (MAX_INTEGER, b"9007199254740991"),
        (-MAX_INTEGER, b"-9007199254740991"),
    ],
)
def test_a_number_has_one_text(value: float, text: bytes) -> None:
    assert canonical(value) == text


# --- the rest of the form ---------------------------------------------------------------------------------------------


def test_the_example_of_rfc_8785_section_3_2_has_the_bytes_of_section_3_2_4() -> None:
    source = (
        rb'{"numbers": [3333.33333329, 4.50, 2e-3, 0.000001], "string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/",'
        rb' "literals": [null, true, false]}'
    )
    expected = '{"literals":[null,true,false],"numbers":[3333.33333329,4.5,0.002,0.000001],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    assert canonical(parse(source)) == expected.encode()


def test_keys_stand_in_the_order_of_their_utf_16_code_units() -> None:
    """RFC 8785 section 3.2.3: the emoji's high surrogate sorts before U+FB33."""
    source = (
        rb'{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",'
        rb' "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}'
    )
    written = canonical(parse(source)).decode()
    order = [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]
    assert sorted(order, key=written.index) == order
    assert list(json.loads(written).values()) == order


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["name"]))
def test_pinned_canonical_bytes(vector: dict[str, str]) -> None:
    value = parse(vector["source"].encode())
    assert canonical(value).hex() == vector["canonical"]
    assert parse(bytes.fromhex(vector["canonical"])) == value


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(-MAX_INTEGER, MAX_INTEGER)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_the_bytes_are_those_of_the_oracle(value: Json) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(json_values, st.booleans(), st.sampled_from([None, 1]))
def test_what_was_parsed_is_what_its_canonical_bytes_say(value: Json, escaped: bool, indent: int | None) -> None:
    seen = parse(json.dumps(value, ensure_ascii=escaped, indent=indent).encode())
    assert parse(canonical(seen)) == seen
    assert canonical(seen) == canonical(value)
    assert canonical(seen) == canonical(parse(canonical(seen)))


class Colour(StrEnum):
    RED = "red"


def test_a_string_enum_is_its_string() -> None:
    assert canonical({"b": Colour.RED, "a": [Colour.RED]}) == b'{"a":["red"],"b":"red"}'
    assert canonical({"b": Colour.RED, "a": 1.0, Colour.RED: 2}) == b'{"a":1,"b":"red","red":2}'


@pytest.mark.parametrize("value", [None, True, False, 7, "x", [], {}, [[], {}], {"ö": [{}, []]}])
def test_each_json_type_is_written(value: Json) -> None:
    assert canonical(value) == rfc8785.dumps(value)
    assert canonical([value, 1.0]) == rfc8785.dumps([value, 1.0])


@pytest.mark.parametrize(
    ("value", "code", "path"),
    [
        (MAX_INTEGER + 1, Code.NUMBER_OUT_OF_RANGE, "$"),
        ({"a": [0, -MAX_INTEGER - 1]}, Code.NUMBER_OUT_OF_RANGE, "$.a[1]"),
        ([math.nan], Code.NUMBER_OUT_OF_RANGE, "$[0]"),
        ([-math.inf], Code.NUMBER_OUT_OF_RANGE, "$[0]"),
        ([9007199254740992.0], Code.NUMBER_OUT_OF_RANGE, "$[0]"),
        ({"a": {"b": "\ud800"}}, Code.LONE_SURROGATE, "$.a.b"),
        ({"a": {"\udc00": 1}}, Code.LONE_SURROGATE, '$.a["\\udc00"]'),
        ({"a": (1, 2)}, Code.WRONG_TYPE, "$.a"),
        ({"a": b"x"}, Code.WRONG_TYPE, "$.a"),
        ({"a": {1: 2}}, Code.WRONG_TYPE, "$.a"),
        ({None: 2}, Code.WRONG_TYPE, "$"),
        (json.loads(nested(MAX_DEPTH + 1)), Code.TOO_DEEP, "$" + "[0]" * MAX_DEPTH),
        (json.loads('{"a":' * 33 + "1" + "}" * 33), Code.TOO_DEEP, "$" + ".a" * MAX_DEPTH),
    ],
)
def test_what_has_no_canonical_form_is_refused_with_its_path(value: Json, code: Code, path: str) -> None:
    error = refused(lambda: canonical(value))
    assert (error.code, error.path) == (code, path)
    assert error.hint


def test_a_value_that_holds_itself_is_too_deep() -> None:
    loop: list[Json] = []
    loop.append(loop)
    assert refused(lambda: canonical(loop)).code is Code.TOO_DEEP


def test_a_caller_may_allow_more_or_less_depth() -> None:
    value = json.loads(nested(MAX_DEPTH + 2))
    assert canonical(value, max_depth=MAX_DEPTH + 2) == nested(MAX_DEPTH + 2)
    assert parse(nested(MAX_DEPTH + 2), max_depth=MAX_DEPTH + 2) == value
    assert refused(lambda: parse(nested(3), max_depth=2)).path == "$[0][0]"


# --- the door ---------------------------------------------------------------------------------------------------------


@pytest.mark.attack("G25", guard="aaf.domain.canonical:parse")
@pytest.mark.parametrize(
    ("data", "code", "path"),
    [
        (b'{"a": 1, "a": 2}', Code.DUPLICATE_KEY, "$.a"),
        (b'{"params": {"items": [1, {"x": 1, "to": 2, "\\u0074o": 3}]}}', Code.DUPLICATE_KEY, "$.params.items[1].to"),
        (b'{"params": {"items": [1, 2, 3, NaN]}}', Code.NUMBER_OUT_OF_RANGE, "$.params.items[3]"),
        (b'{"a": Infinity}', Code.NUMBER_OUT_OF_RANGE, "$.a"),
        (b"-Infinity", Code.NUMBER_OUT_OF_RANGE, "$"),
        (b'{"a": 1e400}', Code.NUMBER_OUT_OF_RANGE, "$.a"),
        (b'{"a": 9007199254740992}', Code.NUMBER_OUT_OF_RANGE, "$.a"),
        (b'{"a": -9007199254740992}', Code.NUMBER_OUT_OF_RANGE, "$.a"),
        (b'{"a": 9007199254740992.0}', Code.NUMBER_OUT_OF_RANGE, "$.a"),
        (b'{"a": 1e16}', Code.NUMBER_OUT_OF_RANGE, "$.a"),
        (b'{"a": [0, ' + b"9" * 5_000 + b"]}", Code.NUMBER_OUT_OF_RANGE, "$.a[1]"),
        (b'{"a": -' + b"9" * 100_000 + b"}", Code.NUMBER_OUT_OF_RANGE, "$.a"),
        (b'{"a": {"b": ["\\ud800"]}}', Code.LONE_SURROGATE, "$.a.b[0]"),
        (b'{"a": "\\uDE00\\uD83D"}', Code.LONE_SURROGATE, "$.a"),
        (b'{"a": 1, "\\udfff": 1}', Code.LONE_SURROGATE, '$["\\udfff"]'),
        (nested(33), Code.TOO_DEEP, "$" + "[0]" * 32),
        (b'{"a":' * 33 + b"1" + b"}" * 33, Code.TOO_DEEP, "$" + ".a" * 32),
        (b"[" * 100_000, Code.TOO_DEEP, "$" + "[0]" * 32),
        (nested(100_000), Code.TOO_DEEP, "$" + "[0]" * 32),
        (b'{"a":' * 100_000, Code.TOO_DEEP, "$" + ".a" * 32),
        (
            b'{"x": [1, "[[{,"], "params": ["}\\"", {"k": "v"}, ' + b"[" * 100_000,
            Code.TOO_DEEP,
            "$.params[2]" + "[0]" * 30,
        ),
        (b'{"n": ' + b"9" * 5_000 + b', "a": ' + b"[" * 100_000, Code.TOO_DEEP, "$.a" + "[0]" * 31),
        (b"\xef\xbb\xbf{}", Code.MALFORMED_JSON, "$"),
        ("{}".encode("utf-16"), Code.MALFORMED_JSON, "$"),
        (b'{"a": "\xff"}', Code.MALFORMED_JSON, "$"),
        (b'{"a": "\xed\xa0\x80"}', Code.MALFORMED_JSON, "$"),
        (b"", Code.MALFORMED_JSON, "$"),
        (b'{"a": 1} {}', Code.MALFORMED_JSON, "$"),
        (b"{'a': 1}", Code.MALFORMED_JSON, "$"),
        (b'{"a": 1,}', Code.MALFORMED_JSON, "$"),
        (b"[1,]", Code.MALFORMED_JSON, "$"),
        (b"[01]", Code.MALFORMED_JSON, "$"),
        (b"[1.]", Code.MALFORMED_JSON, "$"),
        (b"[.5]", Code.MALFORMED_JSON, "$"),
        (b"[+1]", Code.MALFORMED_JSON, "$"),
        (b"[0x10]", Code.MALFORMED_JSON, "$"),
        (b"[1_000]", Code.MALFORMED_JSON, "$"),
        ("[\u0661]".encode(), Code.MALFORMED_JSON, "$"),
        (b"[nan]", Code.MALFORMED_JSON, "$"),
        (b"[True]", Code.MALFORMED_JSON, "$"),
        (b'["a\nb"]', Code.MALFORMED_JSON, "$"),
        (b'["\\x41"]', Code.MALFORMED_JSON, "$"),
        (b'["\\u 041"]', Code.MALFORMED_JSON, "$"),
        (b"[1] // no", Code.MALFORMED_JSON, "$"),
        (b"\x0b[1]", Code.MALFORMED_JSON, "$"),
        ("\u00a0[1]".encode(), Code.MALFORMED_JSON, "$"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_body_with_two_readings_is_refused_with_its_path(data: bytes, code: Code, path: str) -> None:
    error = refused(lambda: parse(data))
    assert (error.code, error.path) == (code, path)
    assert error.hint


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b" [1, 1.0, 1e2, -0, -0.0, 10e-1] ", [1, 1, 100, 0, 0, 1]),
        (b"1.0", 1),
        (b'"x"', "x"),
        (b"null", None),
        (b'{"a": 0.1, "b": 1e-7, "c": 1e-400}', {"a": 0.1, "b": 1e-7, "c": 0}),
        (b'{"a": {"b": true, "c": null, "d": 2.0}}', {"a": {"b": True, "c": None, "d": 2}}),
        (b'{"a": "\\ud83d\\ude00 \\u00e9"}', {"a": "😀 é"}),
        (b'{"\\ud83d\\ude00": [1, null, {"b": "\\ud83d\\ude00"}]}', {"😀": [1, None, {"b": "😀"}]}),
        (b'{"a": "\\\\ud800"}', {"a": "\\ud800"}),
        (b'{"a": 9007199254740991, "b": -9007199254740991}', {"a": MAX_INTEGER, "b": -MAX_INTEGER}),
        (nested(32), json.loads(nested(32))),
        (b'{"' + b"k" * 5_000 + b'": 0}', {"k" * 5_000: 0}),
    ],
)
def test_a_body_with_one_reading_is_read(data: bytes, value: Json) -> None:
    seen = parse(data)
    assert seen == value
    assert canonical(seen) == rfc8785.dumps(value)


def test_an_integral_number_is_an_integer_after_the_door() -> None:
    seen = parse(b"[1.0, -0.0, 1e3, 0.5]")
    assert isinstance(seen, list)
    assert [type(item) for item in seen] == [int, int, int, float]
    assert str(seen[1]) == "0"


def test_a_refusal_names_line_and_column() -> None:
    assert "line 2, column 8" in refused(lambda: parse(b'{\n  "a": x}')).message
    assert "Byte 7" in refused(lambda: parse(b'{"a": \xff}')).message


def test_a_refusal_repeats_no_value() -> None:
    secret = "4111111111111111222"
    for data in (
        f'{{"card": {secret}}}',
        f'{{"card": "{secret}\\ud800"}}',
        f'{{"card": "{secret}", "card": "{secret}"}}',
        f'{{"card": "{secret}" "x"}}',
        f'{{"card": "{secret}',
        f'{{"card": "{secret}", "x": ' + "[" * 100_000,
    ):
        error = refused(lambda data=data: parse(data.encode()))  # type: ignore[misc]
        assert secret not in f"{error.message} {error.hint} {error.path} {error.detail}"


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("to_address-2", "$.to_address-2"),
        ("a.b", '$["a.b"]'),
        ("x[0]", '$["x[0]"]'),
        ("", '$[""]'),
        ("1a", '$["1a"]'),
        ("a\n", '$["a\\n"]'),
        ('"', '$["\\""]'),
        ("\u202eé\x7f\x1b", '$["\\u202e\\u00e9\\u007f\\u001b"]'),
        ("k" * 64, "$." + "k" * 64),
        ("k" * 65, '$["' + "k" * 64 + '"]'),
    ],
)
def test_a_key_in_a_path_is_short_printable_and_can_not_be_mistaken(key: str, path: str) -> None:
    error = refused(lambda: parse(json.dumps({key: math.nan}).encode()))
    assert error.path == path
    assert error.message.isascii()
    assert error.message.isprintable()


def test_a_depth_that_exhausts_the_reader_within_the_callers_limit_is_refused_as_a_whole() -> None:
    error = refused(lambda: parse(b"[" * 100_000, max_depth=1_000_000))
    assert (error.code, error.path) == (Code.TOO_DEEP, "$")


def test_closed_containers_before_the_deep_one_do_not_count() -> None:
    data = b'{"a": [[1], {"b": []}, "]"], "c": {}, "d": [0, [], ' + b"[" * 100_000
    assert refused(lambda: parse(data)).path == "$.d[2]" + "[0]" * 30

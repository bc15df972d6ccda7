"""One value, one sequence of bytes: RFC 8785 over I-JSON (RFC 7493), and the parser that lets nothing else in.

What `parse` returns is exactly what its canonical bytes say again: `parse(canonical(parse(x))) == parse(x)`. Numbers are IEEE 754
doubles of magnitude up to 2^53 - 1 and an integral one is an int; nothing is repaired, everything else is refused with the JSON path of the
value at fault. No schema is judged here, and no message repeats a value: paths and places only.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]  # the C encoder itself
from types import NoneType
from typing import NoReturn, TypeAlias, TypeGuard

from aaf.domain.errors import Code, InputRefused

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

MAX_DEPTH = 32
"""Containers inside one another, the outermost counted."""

MAX_INTEGER = 2**53 - 1
"""The largest magnitude that every JSON reader holds exactly (RFC 7493 section 2.2)."""

_Path: TypeAlias = tuple[str | int, ...]

_MESSAGES = {
    Code.DUPLICATE_KEY: "An object has the same key twice.",
    Code.LONE_SURROGATE: "A string holds half of a surrogate pair, so it is no Unicode text.",
    Code.MALFORMED_JSON: "The text is not JSON in UTF-8.",
    Code.NUMBER_OUT_OF_RANGE: "A number is not finite or lies beyond 2^53 - 1.",
    Code.TOO_DEEP: "The value is nested too deeply.",
    Code.WRONG_TYPE: "A value is of no JSON type.",
}
_HINTS = {
    Code.DUPLICATE_KEY: "Send every key once.",
    Code.LONE_SURROGATE: "Send characters beyond U+FFFF as a whole pair of escapes, or unescaped in UTF-8.",
    Code.MALFORMED_JSON: "Send one JSON value (RFC 8259) in UTF-8 without a byte order mark.",
    Code.NUMBER_OUT_OF_RANGE: "Write large numbers and money as strings.",
    Code.TOO_DEEP: f"Nest at most {MAX_DEPTH} objects and arrays.",
    Code.WRONG_TYPE: "Use objects with string keys, arrays, strings, numbers, booleans and null.",
}
_MAX_PATH_KEY = 64


def _refuse(code: Code, path: _Path, message: str = "") -> NoReturn:
    text = _path_text(path)
    raise InputRefused(code, f"{message or _MESSAGES[code]} At {text}.", hint=_HINTS[code], path=text)


_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")


def _path_text(path: _Path) -> str:
    """Write `$.params.items[3]`; a key that is no plain word stands quoted, cut to 64 characters, in printable ASCII."""
    text = "$"
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            text += f".{step}"
        else:
            text += f"[{json.dumps(step[:_MAX_PATH_KEY])}]".replace("\x7f", "\\u007f")
    return text


# --- writing ----------------------------------------------------------------------------------------------------------

# The walks bound the depth, so the encoder needn't look for cycles. Its escapes are those of RFC 8785 section 3.2.2.2.
# One encoder for good: `JSONEncoder.encode` would make a new one for each value.
_PARTS = c_make_encoder(None, None, encode_basestring, None, ":", ",", True, False, False)  # noqa: FBT003 - sort_keys, not skipkeys, not allow_nan
_CONSTANTS = frozenset({str, bool, NoneType})
_LEAST_PLAIN = 1e-4


def canonical(value: Json, *, max_depth: int = MAX_DEPTH) -> bytes:
    """Return the RFC 8785 bytes of `value`.

    Args:
        value: what JSON can hold; integral floats are written as integers.
        max_depth: how many containers may stand inside one another.

    Raises:
        InputRefused: NUMBER_OUT_OF_RANGE, LONE_SURROGATE, WRONG_TYPE or TOO_DEEP, with the path of the value.
    """
    if _is_simple(value, max_depth):
        try:
            return "".join(_PARTS(value, 0)).encode()
        except UnicodeEncodeError:
            pass  # a lone surrogate; the walk below says where
    parts: list[str] = []
    _write(value, parts, (), max_depth)
    return "".join(parts).encode()


def _is_simple(value: object, room: int) -> TypeGuard[Json]:
    """Whether the standard encoder writes RFC 8785 for this and nothing but a surrogate in it has to be refused.

    Both directions pass here first, so it is written for speed: the constants stand in the loops, and a number written by `repr`
    without an exponent is written as RFC 8785 has it.
    """
    kind = type(value)
    if kind is dict and room:
        for key, item in value.items():  # type: ignore[attr-defined]
            # Keys are sorted by code points, which is RFC 8785's order of UTF-16 units below U+E000; ASCII is the cheap test of it.
            if not isinstance(key, str) or not key.isascii():
                return False
            if type(item) not in _CONSTANTS and not _is_simple(item, room - 1):
                return False
        return True
    if kind is list and room:
        for item in value:  # type: ignore[attr-defined]  # noqa: SIM110 - a generator costs twice the loop
            if type(item) not in _CONSTANTS and not _is_simple(item, room - 1):
                return False
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]
    if kind is float:
        return _LEAST_PLAIN <= abs(value) <= MAX_INTEGER and not value.is_integer()  # type: ignore[arg-type,attr-defined]
    return isinstance(value, str | bool | NoneType)


def _write(value: object, parts: list[str], path: _Path, room: int) -> None:
    """Write what `_is_simple` wouldn't pass, or refuse it with its path."""
    match value:
        case None:
            parts.append("null")
        case bool():
            parts.append("true" if value else "false")
        case str():
            parts.append(_string(value, path))
        case int():
            parts.append(str(_integer(int(value), path)))
        case float():
            number = _number(value, path)
            parts.append(str(number) if isinstance(number, int) else number_text(number))
        case list():
            if not room:
                _refuse(Code.TOO_DEEP, path)
            opening = "["
            for index, item in enumerate(value):
                parts.append(opening)
                _write(item, parts, (*path, index), room - 1)
                opening = ","
            parts.append("]" if value else "[]")
        case dict():
            if not room:
                _refuse(Code.TOO_DEEP, path)
            opening = "{"
            for key, text in _ordered_keys(value, path):
                parts.append(f"{opening}{text}:")
                _write(value[key], parts, (*path, key), room - 1)
                opening = ","
            parts.append("}" if value else "{}")
        case _:
            _refuse(Code.WRONG_TYPE, path)


def _ordered_keys(value: dict[object, object], path: _Path) -> list[tuple[str, str]]:
    """Keys with their JSON text, in the order of their UTF-16 code units (RFC 8785 section 3.2.3)."""
    found: list[tuple[bytes, str, str]] = []
    for key in value:
        if not isinstance(key, str):
            _refuse(Code.WRONG_TYPE, path, "A key is no string.")
        text = _string(key, (*path, key))
        found.append((key.encode("utf-16-be"), key, text))
    found.sort()
    return [(key, text) for _, key, text in found]


def _string(value: str, path: _Path) -> str:
    if _has_surrogate(value):
        _refuse(Code.LONE_SURROGATE, path)
    return encode_basestring(value)


def _has_surrogate(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _integer(value: int, path: _Path) -> int:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        _refuse(Code.NUMBER_OUT_OF_RANGE, path)
    return value


def _number(value: float, path: _Path) -> int | float:
    """Return the number itself, as an int where it is integral; `-0.0` is 0."""
    if not -MAX_INTEGER <= value <= MAX_INTEGER:  # not-a-number compares false
        _refuse(Code.NUMBER_OUT_OF_RANGE, path)
    return int(value) if value.is_integer() else value


_SHORTEST = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?")
_PLAIN_DIGITS = 21
_PLAIN_ZEROS = -6


def number_text(value: float) -> str:
    """Write a finite double as ECMAScript does (RFC 8785 section 3.2.2.3, ECMA-262 Number::toString).

    Python's `repr` finds the same shortest digits; only their layout differs.
    """
    match = _SHORTEST.fullmatch(repr(value))
    if match is None:
        msg = "not a finite number"
        raise ValueError(msg)
    sign, whole, fraction, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + exponent  # value = 0.digits * 10^point
    digits = digits.rstrip("0")
    if not digits:
        return "0"
    if _PLAIN_ZEROS < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if 0 < point <= _PLAIN_DIGITS:
        head, tail = digits[:point].ljust(point, "0"), digits[point:]
        return f"{sign}{head}.{tail}" if tail else f"{sign}{head}"
    mantissa = f"{digits[0]}.{digits[1:]}" if digits[1:] else digits
    return f"{sign}{mantissa}e{point - 1:+d}"


# --- reading ----------------------------------------------------------------------------------------------------------


class _Bad:
    """Stands in the parsed tree for what has to be refused, until the walk knows its path."""

    __slots__ = ("code", "key")

    def __init__(self, code: Code, key: str | None = None) -> None:
        self.code = code
        self.key = key


_Raw: TypeAlias = bool | int | float | str | list["_Raw"] | dict[str, "_Raw"] | _Bad | None


def _object(pairs: list[tuple[str, _Raw]]) -> _Raw:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    return _Bad(Code.DUPLICATE_KEY, Counter(key for key, _ in pairs).most_common(1)[0][0])


def _constant(_: str) -> _Bad:
    return _Bad(Code.NUMBER_OUT_OF_RANGE)


def _digits(text: str) -> int | _Bad:
    return int(text) if len(text) <= len(str(-MAX_INTEGER)) else _Bad(Code.NUMBER_OUT_OF_RANGE)


_DECODE = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant).decode
_DECODE_LONG = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_int=_digits).decode
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def parse(data: bytes, *, max_depth: int = MAX_DEPTH) -> Json:
    """Read one JSON value and refuse whatever two readers could understand differently.

    Args:
        data: UTF-8 without a byte order mark; the caller has bounded its length.
        max_depth: how many containers may stand inside one another.

    Raises:
        InputRefused: DUPLICATE_KEY, NUMBER_OUT_OF_RANGE, LONE_SURROGATE, TOO_DEEP with the path of the value; MALFORMED_JSON with
            line and column.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        _refuse(Code.MALFORMED_JSON, (), f"{_MESSAGES[Code.MALFORMED_JSON]} Byte {error.start + 1} is no UTF-8.")
    try:
        found = _decoded(_DECODE, text, max_depth)
    except ValueError:  # Python's own limit on digits; the slower decoder leaves a marker instead
        found = _decoded(_DECODE_LONG, text, max_depth)
    value = found if _is_simple(found, max_depth) else _settled(found, (), max_depth)
    # UTF-8 holds no surrogates, so a lone one can only have come from an escape.
    if "\\u" in text and _SURROGATE_ESCAPE.search(text):
        _refuse_surrogates(value, ())
    return value


def _decoded(decode: Callable[[str], _Raw], text: str, max_depth: int) -> _Raw:
    try:
        return decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        _refuse(Code.MALFORMED_JSON, (), f"{_MESSAGES[Code.MALFORMED_JSON]} {error.msg.rstrip(': ')}: {place}.")
    except RecursionError:
        _refuse(Code.TOO_DEEP, _deep_path(text, max_depth))


def _settled(value: _Raw, path: _Path, room: int) -> Json:
    """Make integral floats ints, and refuse what the hooks marked."""
    match value:
        case dict():
            if not room:
                _refuse(Code.TOO_DEEP, path)
            return {key: _settled(item, (*path, key), room - 1) for key, item in value.items()}
        case list():
            if not room:
                _refuse(Code.TOO_DEEP, path)
            return [_settled(item, (*path, index), room - 1) for index, item in enumerate(value)]
        case bool() | None | str():
            return value
        case int():
            return _integer(value, path)
        case float():
            return _number(value, path)
        case bad:
            _refuse(bad.code, path if bad.key is None else (*path, bad.key))


def _refuse_surrogates(value: Json, path: _Path) -> None:
    match value:
        case str() if _has_surrogate(value):
            _refuse(Code.LONE_SURROGATE, path)
        case list():
            for index, item in enumerate(value):
                _refuse_surrogates(item, (*path, index))
        case dict():
            for key, item in value.items():
                if _has_surrogate(key):
                    _refuse(Code.LONE_SURROGATE, (*path, key))
                _refuse_surrogates(item, (*path, key))
        case _:
            pass


_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|[\[\]{},]')


def _deep_path(text: str, max_depth: int) -> _Path:
    """Find the first container that stands too deep in a text that exhausted the decoder; up to there the text is JSON."""
    steps: list[str | int] = []
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[" | "{" if len(steps) == max_depth:
                return tuple(steps)
            case "[":
                steps.append(0)
            case "{":
                steps.append("")
            case "]" | "}":
                steps.pop()
            case ",":
                last = steps[-1]
                steps[-1] = last + 1 if isinstance(last, int) else last
            case _:
                last = steps[-1]
                steps[-1] = last if isinstance(last, int) else token[1]
    return ()

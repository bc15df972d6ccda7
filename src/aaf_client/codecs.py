"""From a declared parameter to JSON and back: what policy judges is what the function gets, so a type without a codec is refused.

A codec reads a value as its annotation says and nothing else: `True` is no `int`, `1.5` no `int`, and what JSON can't hold exactly (NaN, numbers beyond
2^53 - 1, halves of surrogate pairs) is refused rather than changed. A type of the program's own brings its codec along: `Annotated[Money, Codec(…)]`.
"""

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path, PurePath
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

from aaf_client.models import Json

MAX_INTEGER: Final = 2**53 - 1
MAX_DEPTH: Final = 32


class Unfit(ValueError):
    """A value or a type that no codec takes; its text names neither."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How values of one type become JSON and come back; both raise `Unfit` or `ValueError` for what they don't take."""

    encode: Callable[[Any], Json]
    decode: Callable[[Any], Any]


def codec_of(annotation: object) -> Codec:
    """The codec of a parameter declared as `annotation`.

    Raises:
        Unfit: there is none.
    """
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        named = [part for part in parts[1:] if isinstance(part, Codec)]
        return named[0] if named else codec_of(parts[0])
    if annotation == Json or annotation is Any or _names_itself(annotation):
        return ANY
    if annotation is None or annotation is type(None):
        return Codec(_none, _none)
    if isinstance(annotation, type) and annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _enum(annotation)
    return _composed(origin or annotation, parts)


def _names_itself(annotation: object) -> bool:
    """Whether this is `Json` within `Json`."""
    return getattr(annotation, "__forward_arg__", annotation) == "Json"


def _composed(origin: object, parts: tuple[Any, ...]) -> Codec:
    """The codec of a type that is made of others."""
    if origin is Literal:
        return _literal(parts)
    if origin in {Union, types.UnionType}:
        return _either([codec_of(part) for part in parts])
    if origin is list:
        return list_of(codec_of(parts[0]) if parts else ANY)
    if origin is dict and parts[:1] in {(), (str,)}:
        return dict_of(codec_of(parts[1]) if parts else ANY)
    if origin is tuple and parts[1:] == (...,):
        return _tuple(codec_of(parts[0]))
    raise Unfit("No codec is known for this type.")


# --- JSON's own values ------------------------------------------------------------------------------------------------


def _none(value: object) -> None:
    if value is not None:
        raise Unfit("Only null is expected.")


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise Unfit("A boolean is expected.")
    return value


def _int(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit("An integer is expected.")
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise Unfit("An integer is beyond 2^53 - 1; declare it as a string or a Decimal.")
    return int(value)


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit("A number is expected.")
    if not -MAX_INTEGER <= value <= MAX_INTEGER:  # not-a-number compares false
        raise Unfit("A number is not finite or beyond 2^53 - 1; declare it as a string or a Decimal.")
    return float(value)


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise Unfit("A string is expected.")
    text = str.__str__(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unfit("A string holds half of a surrogate pair.") from None
    return text


def _any(value: object, room: int = MAX_DEPTH) -> Json:
    """Any JSON value, copied."""
    match value:
        case None | bool():
            return value
        case int():
            return _int(value)
        case float():
            return _float(value)
        case str():
            return _str(value)
        case list() if room:
            return [_any(item, room - 1) for item in value]
        case dict() if room:
            return {_str(key): _any(item, room - 1) for key, item in value.items()}
        case _:
            raise Unfit("A value is not what JSON can hold.")


ANY: Final = Codec(_any, _any)
"""Any JSON value."""


# --- types that are strings in JSON -----------------------------------------------------------------------------------


def _spelt(kind: type[Any], write: Callable[[Any], str], read: Callable[[str], Any]) -> Codec:
    """A type with one spelling as a string; its values come back equal or not at all."""

    def encode(value: object) -> Json:
        if not isinstance(value, kind) or (kind is date and isinstance(value, datetime)):
            raise Unfit(f"A {kind.__name__} is expected.")
        text = _str(write(value))
        try:
            exact = read(text) == value
        except ArithmeticError:  # a signalling not-a-number
            exact = False
        if not exact:
            raise Unfit(f"This {kind.__name__} has no exact spelling.")
        return text

    def decode(value: object) -> object:
        try:
            return read(_str(value))
        except (ValueError, ArithmeticError):
            raise Unfit(f"A {kind.__name__} is expected.") from None

    return Codec(encode, decode)


_PLAIN: Mapping[type[Any], Codec] = {
    bool: Codec(_bool, _bool),
    date: _spelt(date, date.isoformat, date.fromisoformat),
    datetime: _spelt(datetime, datetime.isoformat, datetime.fromisoformat),
    Decimal: _spelt(Decimal, str, Decimal),
    float: Codec(_float, _float),
    int: Codec(_int, _int),
    Path: _spelt(PurePath, str, Path),
    str: Codec(_str, _str),
    UUID: _spelt(UUID, str, UUID),
}


# --- made of others ---------------------------------------------------------------------------------------------------


def _enum(kind: type[Enum]) -> Codec:
    def encode(value: object) -> Json:
        if not isinstance(value, kind):
            raise Unfit("A member of the enumeration is expected.")
        return _any(value.value)

    def decode(value: object) -> object:
        for member in kind:
            if type(member.value) is type(value) and member.value == value:
                return member
        raise Unfit("A member of the enumeration is expected.")

    return Codec(encode, decode)


def _literal(values: tuple[Any, ...]) -> Codec:
    def same(value: object) -> Json:
        for one in values:
            if type(one) is type(value) and one == value:
                return _any(one)
        raise Unfit("One of the declared values is expected.")

    return Codec(same, same)


def _either(codecs: list[Codec]) -> Codec:
    """The first codec that takes the value, in the order of the declaration; what another one would read back is refused."""

    def encode(value: object) -> Any:  # noqa: ANN401 - JSON, of one of them
        encoded = _first(codecs, lambda codec: codec.encode(value))
        again = decode(encoded)
        if again != value or not isinstance(again, type(value)):
            raise Unfit("The declared types can't tell this value from another.")
        return encoded

    def decode(value: object) -> Any:  # noqa: ANN401 - whatever one of them makes
        return _first(codecs, lambda codec: codec.decode(value))

    return Codec(encode, decode)


def _first(codecs: list[Codec], take: Callable[[Codec], Any]) -> Any:  # noqa: ANN401 - whatever it is declared to be
    for codec in codecs:
        try:
            return take(codec)
        except ValueError:
            continue
    raise Unfit("None of the declared types fits.")


def list_of(item: Codec) -> Codec:
    """A list of such values."""

    def encode(value: object) -> Json:
        if not isinstance(value, list):
            raise Unfit("A list is expected.")
        return [item.encode(one) for one in value]

    def decode(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise Unfit("A list is expected.")
        return [item.decode(one) for one in value]

    return Codec(encode, decode)


def _tuple(item: Codec) -> Codec:
    def encode(value: object) -> Json:
        if not isinstance(value, tuple):
            raise Unfit("A tuple is expected.")
        return [item.encode(one) for one in value]

    def decode(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Unfit("A list is expected.")
        return tuple(item.decode(one) for one in value)

    return Codec(encode, decode)


def dict_of(item: Codec) -> Codec:
    """An object of such values by name."""

    def encode(value: object) -> Json:
        if not isinstance(value, dict):
            raise Unfit("A dict is expected.")
        return {_str(key): item.encode(one) for key, one in value.items()}

    def decode(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unfit("An object is expected.")
        return {_str(key): item.decode(one) for key, one in value.items()}

    return Codec(encode, decode)

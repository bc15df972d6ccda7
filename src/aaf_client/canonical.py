"""The canonical bytes of a JSON value (RFC 8785), for checking a permit's digest offline. What has none is `Unfit`."""

import json
import re

from aaf_client.codecs import ANY, Unfit
from aaf_client.models import Json

_SHORTEST = re.compile(r"(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?")
_PLAIN_DIGITS, _PLAIN_ZEROS = 21, -6


def canonical(value: object) -> bytes:
    """The RFC 8785 bytes of `value`.

    Raises:
        Unfit: it isn't what JSON can hold, or too deep.
    """
    return _text(ANY.encode(value)).encode()


def _text(value: Json) -> str:
    match value:
        case bool() | None | int() | str():
            return json.dumps(value, ensure_ascii=False)
        case float():
            return str(int(value)) if value.is_integer() else number_text(value)
        case list():
            return f"[{','.join(map(_text, value))}]"
        case dict():
            # Keys are in the order of their UTF-16 code units (section 3.2.3).
            keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
            return f"{{{','.join(f'{_text(key)}:{_text(value[key])}' for key in keys)}}}"


def number_text(value: float) -> str:
    """A fraction as ECMAScript writes it (section 3.2.2.3): the digits are those of `repr`, the layout is not."""
    found = _SHORTEST.fullmatch(repr(value))
    if found is None:
        raise Unfit("A number is not finite.")
    sign, whole, fraction, exponent = found[1], found[2], found[3] or "", int(found[4] or 0)
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + exponent
    digits = digits.rstrip("0")
    if 0 < point <= _PLAIN_DIGITS:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _PLAIN_ZEROS < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if digits[1:] else ""
    return f"{sign}{digits[0]}{tail}e{point - 1:+d}"

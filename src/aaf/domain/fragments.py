"""Put canonical bytes together from parts that are canonical already, so that each value of an action is encoded once.

The result is what `canonical` would give for the whole (RFC 8785 section 3.2.3: members sorted by the UTF-16 units of their names). Nothing
is checked again: parts come from `canonical` and nowhere else.
"""

from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring

NULL = b"null"


def text(value: str | None) -> bytes:
    """The canonical bytes of a string that came through `canonical` or is our own, or of null."""
    return NULL if value is None else encode_basestring(value).encode()


def members(parts: Mapping[str, bytes]) -> bytes:
    """The canonical bytes of an object whose values are given as canonical bytes."""
    names = sorted(parts) if all(map(str.isascii, parts)) else sorted(parts, key=_utf16)
    return b"{" + b",".join([text(name) + b":" + parts[name] for name in names]) + b"}"


def items(parts: Iterable[bytes]) -> bytes:
    """The canonical bytes of a list whose items are given as canonical bytes."""
    return b"[" + b",".join(parts) + b"]"


def _utf16(name: str) -> bytes:
    """The order of RFC 8785."""
    return name.encode("utf-16-be")

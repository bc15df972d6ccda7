"""Takes secrets out of what is about to be shown, kept or logged: by the name of a field, and by the value itself.

By value means in every form in which a target usually gives a value back: plain in any case, percent-encoded or quoted-printable, escaped
for JSON, HTML or a programming language, in hexadecimal, in Base64 at each of its three offsets, with line breaks in between, as UTF-16. It
works on copies. What it doesn't find: a value that was cut, compressed, encrypted or turned round; nobody who has the value can be kept from that.
"""

import base64
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias

from aaf.domain.canonical import Json

MASK = "[redacted]"
_PARTS = 16
"""Characters in one pattern of a value, where it can be taken apart there."""
_MOST_PARTS = 64
"""The most in one pattern: a longer run of nothing but signs is taken apart anywhere."""
SHORTEST = 8
"""Characters of the shortest value that is looked for: a shorter one would be found in text that isn't it."""
SENSITIVE = (
    *("access_token", "api_key", "authorization", "client_secret", "cookie", "credit_card", "passphrase", "passwd"),
    *("password", "private_key", "refresh_token", "secret", "secret_key", "set_cookie", "ssn", "token"),
)
"""Names of fields whose values are never logged; a configuration adds to them."""

_SEPARATORS = re.compile(r"[\W_]")
_BREAK = rb"(?:\\[rn]|[\r\n\x00]){0,4}"
"""What may stand between two characters of an encoded value. Repetitions are bounded, so that no text makes the search slow."""


def plain_field(name: str) -> str:
    """A field's name without case and separators: `API-Key`, `apiKey` and `api_key` are one."""
    return _SEPARATORS.sub("", name.casefold())


_Form: TypeAlias = tuple[bytes, ...]
"""Patterns that have to follow each other."""


class Fields:
    """Finds fields by name; the built-in names are always among them."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Take further names, in any case and with any separators."""
        self._names = frozenset(plain_field(name) for name in (*SENSITIVE, *names)) - {""}

    def __contains__(self, name: str) -> bool:
        """Whether a field of this name is sensitive."""
        return plain_field(name) in self._names

    def redacted(self, value: Json, *, at: str = "", but: Collection[str] = ()) -> Json:
        """The value with everything beneath a sensitive name replaced; the same object where there is nothing to replace.

        `at` is the value's own dotted path, and `but` the paths that are never hidden.
        """
        if isinstance(value, dict):
            return self.members(value, at=at, but=but)
        if isinstance(value, list):
            items = [self.redacted(item, at=at, but=but) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        return value

    def members(self, value: Mapping[str, Json], *, at: str = "", but: Collection[str] = ()) -> dict[str, Json]:
        """The same for an object."""
        kept: dict[str, Json] = {}
        for name, item in value.items():
            path = f"{at}.{name}"
            hides = item is not None and name in self and not any(touches(path, one) for one in but)
            kept[name] = MASK if hides else self.redacted(item, at=path, but=but)
        if isinstance(value, dict) and all(kept[name] is item for name, item in value.items()):
            return value
        return kept


def touches(one: str, other: str) -> bool:
    """Whether two dotted paths are the same, or one lies beneath the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


class Values:
    """Finds the given values in text and bytes, in every form that the module's paragraph names."""

    def __init__(self, values: Iterable[str]) -> None:
        """Take the values; those shorter than `SHORTEST` aren't looked for."""
        forms = [form for value in sorted(set(values)) if len(value) >= SHORTEST for form in _forms(value)]
        self._forms = tuple(forms)
        self._beginnings = re.compile(b"|".join(form[0] for form in forms)) if forms else None

    @property
    def empty(self) -> bool:
        """Whether nothing is looked for."""
        return self._beginnings is None

    def found(self, data: bytes) -> bool:
        """Whether one of them is in it."""
        return next(self._spans(data), None) is not None

    def clean(self, data: bytes) -> bytes:
        """The bytes with each of them replaced."""
        kept: list[bytes] = []
        end = 0
        for start, after in self._spans(data):
            kept += (data[end:start], MASK.encode())
            end = after
        return b"".join((*kept, data[end:])) if end else data

    def _spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Where they stand, from left to right; of several that begin at one place the longest."""
        at = 0
        while self._beginnings is not None and (begins := self._beginnings.search(data, at)):
            start = begins.start()
            ends = [end for form in self._forms if (end := _end(form, data, start)) is not None]
            if ends:
                yield start, max(ends)
            at = max(ends, default=start + 1)

    def clean_text(self, text: str) -> str:
        """The text with each of them replaced."""
        data = text.encode("utf-8", "surrogatepass")
        cleaned = self.clean(data)
        return text if cleaned is data or cleaned == data else cleaned.decode("utf-8", "replace")

    def redacted(self, value: Json) -> Json:
        """The value with each of them replaced in every string and name of it."""
        return each_text(value, self.clean_text)


def each_text(value: Json, change: Callable[[str], str]) -> Json:
    """A copy with every string and every name changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [each_text(item, change) for item in value]
    if isinstance(value, dict):
        return _each_member(value, change)
    return value


def _each_member(value: dict[str, Json], change: Callable[[str], str]) -> dict[str, Json]:
    """Two names that are changed to the same text stay two."""
    kept: dict[str, Json] = {}
    for name, item in value.items():
        changed, number = change(name), 1
        told = changed
        while told in kept or (told != name and told in value):
            number += 1
            told = f"{changed} {number}"
        kept[told] = each_text(item, change)
    return kept


def texts(value: Json) -> Iterator[str]:
    """Every string and every name in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts(item)


def _forms(value: str) -> list[_Form]:
    """The forms of one value."""
    data = value.encode()
    between = rb"(?:[ :-]|%b)" % _BREAK
    pairs = [_BREAK.join(rb"[%b%b]" % (one.lower(), one.upper()) for one in _single(b"%02x" % byte)) for byte in data]
    written = [_character(character) for character in value]
    return [
        _form(written, rb"\x00?", _joints(value)),
        *(_form(_base64(data, offset), _BREAK) for offset in range(3)),
        _form(pairs, between),
    ]


def _form(parts: Sequence[bytes], between: bytes, joints: Collection[int] | None = None) -> _Form:
    """Patterns of all parts in a row, some parts each, `joints` are where one may end.

    One pattern of a long value takes seconds to compile; all but the first are compiled where the first was found.
    """
    pieces: list[bytes] = []
    start = 0
    for end in range(1, len(parts) + 1):
        long = end - start >= _PARTS and (joints is None or end in joints)
        if long or end == len(parts) or end - start == _MOST_PARTS:
            pieces.append((between if start else b"") + between.join(parts[start:end]))
            start = end
    return tuple(pieces)


def _joints(value: str) -> frozenset[int]:
    """Where a value may be taken apart: nothing that a character is written as goes on where another way of writing it ends."""
    plain = [one.isascii() and one.isalnum() for one in value]
    return frozenset(at for at in range(1, len(value)) if plain[at - 1] and plain[at])


def _end(form: _Form, data: bytes, at: int) -> int | None:
    """Where the form that begins at `at` ends, or None where it doesn't stand there."""
    for piece in form:
        found = _compiled(piece).match(data, at)
        if found is None:
            return None
        at = found.end()
    return at


_compiled = lru_cache(maxsize=4096)(re.compile)


def _character(character: str) -> bytes:
    units = character.encode("utf-16-be")
    points = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    forms = {re.escape(form.encode()) for form in (character, character.lower(), character.upper())}
    forms.add(b"".join(rb"(?i:(?:%%(?:25){0,4}|=)%02x)" % byte for byte in character.encode()))
    # Both ways of one byte in one form: each form more costs time at every place of every text.
    forms.add(b"".join(rb"(?i:\\{1,4}(?:x%02x|%03o))" % (byte, byte) for byte in character.encode()))
    forms.add(b"".join(rb"(?i:\\{1,4}u(?:%04x|\{0{0,4}%x\}))" % (point, point) for point in points))
    forms.add(rb"(?i:&(?:amp;){0,4}#(?:0{0,6}%d|x0{0,6}%x);?)" % (ord(character), ord(character)))
    forms.update({re.escape(character.encode("utf-16-le")), re.escape(units)})
    forms.update(_NAMED.get(character, ()))
    forms.update(b"&(?:amp;){0,4}%b;" % name for name in _ENTITIES.get(character, ()))
    return b"(?:" + b"|".join(sorted(forms)) + b")"


_NAMED: Mapping[str, tuple[bytes, ...]] = {
    " ": (rb"\+",),
    '"': (rb'\\{1,4}"',),
    "'": (rb"\\{1,4}'",),
    "/": (rb"\\{1,4}/",),
    "\\": (rb"\\{2,8}",),
}
"""Escapes that have a form of their own."""
_ENTITIES: Mapping[str, Sequence[bytes]] = {
    name[0]: name[1:].encode().split()
    for name in (
        *("!excl", '"quot QUOT', "#num", "$dollar", "%percnt", "&amp AMP", "'apos", "(lpar", ")rpar", "*ast", "+plus"),
        *(",comma", ".period", "/sol", ":colon", ";semi", "<lt LT", "=equals", ">gt GT", "?quest", "@commat"),
        *("[lsqb lbrack", "\\bsol", "]rsqb rbrack", "^Hat", "_lowbar", "`grave", "{lcub lbrace", "|vert verbar"),
        *("}rcub rbrace", "\u00a0nbsp"),
    )
}
"""Names that HTML has for what a value may hold."""


def _base64(data: bytes, offset: int) -> list[bytes]:
    """The part of a Base64 text that depends on nothing but `data`, when `offset` bytes stand before it in its group of three."""
    whole = base64.b64encode(b"\0" * offset + data).rstrip(b"=")
    first = (0, 2, 3)[offset]
    rest = (offset + len(data)) % 3
    certain = whole[first : len(whole) - 1] if rest else whole[first:]
    return [_BASE64.get(letter, letter) for letter in _single(certain)]


_BASE64: Mapping[bytes, bytes] = {b"+": rb"(?:\+|-|(?i:%2b))", b"/": rb"(?:\\{0,4}/|_|(?i:%2f))"}


def _single(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]

r"""What a person sees of a value: inert segments from which the value can be read back exactly.

Two different values never look the same: printable ASCII and the letters of a pinned table stand for themselves, everything
else is shown as an escape and says why it is one. `\\` is a backslash, `\n`, `\r` and `\t` are what they are elsewhere,
`\u{202e}` is a code point, `\u{20*500}` the same one 500 times in a row. Nothing is cut, nothing is interpreted. Doors
encode segments and keep runs of spaces; they don't judge them. Letters from right to left are escaped too, because a line
that holds them is not shown in the order that it has.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from aaf.domain.canonical import Json
from aaf.domain.letters import COMBINING, IMITATORS, INVISIBLE, LETTERS, ODD_SPACES, RIGHT_TO_LEFT, SCRIPTS

LONG = 2_000
"""Characters, of the value or of what is shown of it, beyond which it is a page of its own."""


@unique
class Kind(StrEnum):
    """Whether a segment is the value's own characters or stands for them."""

    ESCAPE = "escape"
    TEXT = "text"


@unique
class Flag(StrEnum):
    """Why a segment deserves a second look."""

    BACKSLASH = "backslash"
    BIDI = "bidi"
    COMBINING = "combining"
    CONTROL = "control"
    HOMOGLYPH = "homoglyph"
    INVISIBLE = "invisible"
    MIXED_SCRIPT = "mixed_script"
    NEWLINE = "newline"
    NON_ASCII = "non_ascii"
    ODD_SPACE = "odd_space"
    PADDING = "padding"
    RIGHT_TO_LEFT = "right_to_left"
    SURROGATE = "surrogate"
    TERMINAL_ESCAPE = "terminal_escape"
    UNUSUAL = "unusual"


@dataclass(frozen=True, slots=True)
class Segment:
    """Printable text without line breaks; `count` is the number of the value's characters that it stands for."""

    kind: Kind
    text: str
    flag: Flag | None
    count: int


@dataclass(frozen=True, slots=True)
class Row:
    """One leaf of a JSON value.

    `path` holds keys as they are, so it is rendered like any other text before it is shown. `type` is text, number, boolean, null,
    list or object (the last two where they are empty). `length` is in characters. `long` is a page of its own.
    """

    path: str
    type: str
    segments: tuple[Segment, ...]
    length: int
    long: bool


_Piece: TypeAlias = tuple[Flag | None, str, int]
"""Flag, what is shown, and how many characters it stands for. Joined, pieces of one flag are a segment."""

# The order of the alternatives matters. Spaces at either end, before a line break or in a long run can't be seen or
# push what follows out of sight, and so do empty lines.
_PIECES = re.compile(
    r"""(?P<padding>\A\ ++|\ ++(?=\n|\Z)|\ {17,}+|\n{4,}+)
      | (?P<plain>[!-\[\]-~]++(?:\ {1,16}[!-\[\]-~]++)*+|\ ++)
      | (?P<other>[^\x20-\x7e\n]++|[\\\n])""",
    re.VERBOSE,
)
_WORDS = re.compile(r"[0-9A-Za-z_\x80-\U0010ffff]+")
_ASCII_LETTER = re.compile(r"[A-Za-z]")
_IMITATION_LENGTH = 2
"""Letters of the shortest word that is taken for an imitation; shorter ones are everyday words of other languages."""
_AT_HOME = (None, "latin")

_SHORT = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_FLAGS = {
    **{chr(point): Flag.CONTROL for point in (*range(0x20), 0x7F)},
    **{chr(point): Flag.TERMINAL_ESCAPE for point in (0x1B, *range(0x80, 0xA0))},
    **{chr(point): Flag.BIDI for point in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))},
    **dict.fromkeys("\n\u2028\u2029", Flag.NEWLINE),
    "\\": Flag.BACKSLASH,
}


def render(text: str) -> tuple[Segment, ...]:
    """Show a text; equal neighbours are joined, and the empty text has no segments."""
    return tuple(_segment(flag, tuple(same)) for flag, same in groupby(_pieces(text), key=itemgetter(0)))


def plain(segments: Iterable[Segment]) -> str:
    """Join what is shown, as a terminal prints it; different texts give different results."""
    return "".join(segment.text for segment in segments)


def checked(segments: Json) -> Iterator[tuple[str, str, str | None]]:
    """Segments of a view as kind, text and flag; one that isn't inert is rendered again rather than trusted.

    Raises:
        ValueError: these are no segments.
    """
    for one in segments if isinstance(segments, list) else [segments]:
        match one:
            case [str(kind), str(text), (str() | None) as flag] if is_inert(text):
                yield kind, text, flag
            case [str(), str(text), *_]:
                for part in render(text):
                    yield part.kind, part.text, part.flag
            case _:
                raise ValueError("segments")


def is_inert(text: str) -> bool:
    """Whether a segment's text holds only what `render` lets stand: nothing in it moves, hides or imitates its neighbours."""
    if text.isascii():
        return text.isprintable()
    return all(" " <= one <= "~" or ord(one) in LETTERS for one in text)


def flags(segments: Iterable[Segment]) -> dict[Flag, int]:
    """How many characters of the value bear each flag, in the order of the flags' names; flags without any are left out."""
    counted: Counter[Flag] = Counter()
    for segment in segments:
        if segment.flag is not None:
            counted[segment.flag] += segment.count
    return {flag: counted[flag] for flag in sorted(counted)}


def rows(value: Json, *, path: str) -> tuple[Row, ...]:
    """Flatten a value, so that every leaf is seen, in the order that the value has; `path` is where it stands."""
    return tuple(_rows(value, path))


def _rows(value: Json, path: str) -> Iterator[Row]:
    if isinstance(value, dict):
        if not value:
            yield _row(path, "object", "")
        for key, item in value.items():
            yield from _rows(item, path + _step(key))
    elif isinstance(value, list):
        if not value:
            yield _row(path, "list", "")
        for index, item in enumerate(value):
            yield from _rows(item, f"{path}[{index}]")
    elif isinstance(value, str):
        yield _row(path, "text", value)
    elif value is None:
        yield _row(path, "null", "null")
    elif isinstance(value, bool):
        yield _row(path, "boolean", "true" if value else "false")
    else:
        yield _row(path, "number", repr(value))


def _row(path: str, type_: str, text: str) -> Row:
    segments = render(text)
    shown = sum(len(segment.text) for segment in segments)
    return Row(path, type_, segments, len(text), max(shown, len(text)) > LONG)


def _step(key: str) -> str:
    """`.key` for a plain name; otherwise quoted, so that no key can look like two."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", key):
        return f".{key}"
    quoted = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{quoted}"]'


def _pieces(text: str) -> Iterator[_Piece]:
    """One piece for each run of plain text, each run of padding, each other character."""
    suspicious = {} if text.isascii() else _suspicious(text)
    for match in _PIECES.finditer(text):
        piece = match[0]
        if match.lastgroup == "plain":
            yield None, piece, len(piece)
        elif match.lastgroup == "padding":
            yield Flag.PADDING, _repeated(piece), len(piece)
        elif suspicious:
            for at, character in enumerate(piece, match.start()):
                flag = suspicious.get(at)
                yield _character(character) if flag is None else (flag, _escape(character), 1)
        else:
            yield from map(_character, piece)


def _segment(flag: Flag | None, pieces: tuple[_Piece, ...]) -> Segment:
    """Join pieces of one flag."""
    kind = Kind.TEXT if flag is None or flag is Flag.NON_ASCII else Kind.ESCAPE
    if len(pieces) == 1:
        return Segment(kind, pieces[0][1], flag, pieces[0][2])
    return Segment(kind, "".join([shown for _, shown, _ in pieces]), flag, sum([count for _, _, count in pieces]))


@lru_cache(maxsize=4096)
def _character(character: str) -> _Piece:
    """The piece of one character that is not printable ASCII."""
    point = ord(character)
    if point in LETTERS:
        return Flag.NON_ASCII, character, 1
    return _flag(character, point), _escape(character), 1


def _flag(character: str, point: int) -> Flag:
    """Why this character is escaped."""
    known = _FLAGS.get(character)
    if known is not None:
        return known
    if 0xD800 <= point <= 0xDFFF:  # noqa: PLR2004 - the surrogates, Unicode section 3.8
        return Flag.SURROGATE
    for flag, points in _TABLES:
        if point in points:
            return flag
    return Flag.UNUSUAL


_TABLES = (
    (Flag.INVISIBLE, INVISIBLE),
    (Flag.ODD_SPACE, ODD_SPACES),
    (Flag.COMBINING, COMBINING),
    (Flag.RIGHT_TO_LEFT, RIGHT_TO_LEFT),
)


def _escape(character: str) -> str:
    return _SHORT.get(character) or f"\\u{{{ord(character):x}}}"


def _repeated(piece: str) -> str:
    """The escape of one character that is repeated."""
    return f"\\u{{{ord(piece[0]):x}*{len(piece)}}}" if len(piece) > 1 else f"\\u{{{ord(piece):x}}}"


def _suspicious(text: str) -> dict[int, Flag]:
    """Positions of letters that pretend to be others.

    Invisible characters and marks don't end a word here: they are how one word is made to look like another.
    """
    found: dict[int, Flag] = {}
    for match in _WORDS.finditer(text):
        word = match[0]
        if word.isascii():
            continue
        scripts = set(map(_script, word))
        scripts.discard(None)
        if len(scripts) > 1:
            flag = Flag.MIXED_SCRIPT
        elif len(word) >= _IMITATION_LENGTH and all(map(_imitates, word)):
            flag = Flag.HOMOGLYPH
        else:
            continue
        start = match.start()
        found |= {start + at: flag for at, character in enumerate(word) if _script(character) not in _AT_HOME}
    return found


@lru_cache(maxsize=4096)
def _imitates(character: str) -> bool:
    """Whether a character adds nothing to a word that an ASCII word couldn't have: an imitator, or no letter at all."""
    return ord(character) in IMITATORS or (_script(character) is None and ord(character) not in LETTERS)


@lru_cache(maxsize=4096)
def _script(character: str) -> str | None:
    """The script of a letter, where it is one that has look-alikes in another."""
    if character.isascii():
        return "latin" if _ASCII_LETTER.match(character) else None
    point = ord(character)
    return next((name for name, points in SCRIPTS.items() if point in points), None)

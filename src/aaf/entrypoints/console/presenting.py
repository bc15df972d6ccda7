r"""The segments of a view as lines that a page can print: each line apart, each escape with the name of what it stands for, all counted.

Nothing is interpreted, linked or cut here; what the view holds back says how much it is.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from aaf.domain.canonical import Json
from aaf.domain.rendering import Flag, Kind, checked, plain, render
from aaf.domain.view import preview

_WORDS: Mapping[str, str] = {
    Flag.BACKSLASH: "backslash",
    Flag.BIDI: "direction override",
    Flag.COMBINING: "combining mark",
    Flag.CONTROL: "control character",
    Flag.HOMOGLYPH: "look-alike letter",
    Flag.INVISIBLE: "invisible character",
    Flag.MIXED_SCRIPT: "mixed alphabets",
    Flag.NEWLINE: "line break",
    Flag.NON_ASCII: "letter beyond ASCII",
    Flag.ODD_SPACE: "unusual space",
    Flag.PADDING: "padding",
    Flag.RIGHT_TO_LEFT: "right-to-left letter",
    Flag.SURROGATE: "half a character",
    Flag.TERMINAL_ESCAPE: "terminal escape",
    Flag.UNUSUAL: "unusual character",
}
QUIET = frozenset({Flag.BACKSLASH, Flag.NEWLINE, Flag.NON_ASCII})
"""What ordinary text has too: marked and counted, without its name beside it."""
_ESCAPES = re.compile(r"\\(?:u\{[0-9a-f]+(?:\*(?P<times>\d+))?\}|.)")
GIST = 120
"""Characters of a value that a list shows."""
SHORT = 100
"""Characters of a value that stands on one line with its name."""
_SIGNS = {"+": "add", "-": "del", "@": "at"}


@dataclass(frozen=True, slots=True)
class Piece:
    """Printable text; `word` says what it stands for, if it doesn't stand for itself, and `loud` that this deserves a second look."""

    text: str
    flag: str = ""
    word: str = ""
    loud: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A text of somebody else, line by line; `counts` of what a reader could have missed, those that deserve a second look first."""

    lines: tuple[tuple[Piece, ...], ...]
    counts: tuple[tuple[str, int, bool], ...]


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a difference: `kind` is file, at, add, del or same."""

    kind: str
    value: Value


@dataclass(frozen=True, slots=True)
class Parameter:
    """One leaf of the parameters or of the agent's claims; `index` and `opened` only where it is a long value."""

    path: Value
    type: str
    length: int
    value: Value
    hidden: int
    index: int | None
    opened: bool

    @property
    def is_short(self) -> bool:
        """Whether it fits beside its name."""
        return self.index is None and len(self.value.lines) <= 1 and self.length <= SHORT


def value(segments: Json) -> Value:
    """Segments as lines; a shown line break ends one."""
    lines: list[tuple[Piece, ...]] = []
    line: list[Piece] = []
    counted: Counter[str] = Counter()
    for kind, text, flag in checked(segments):
        if flag is not None:
            counted[flag] += _count(kind, text)
        if flag == Flag.NEWLINE:
            for one in _ESCAPES.finditer(text):
                lines.append((*line, _piece(kind, one[0], flag)))
                line = []
        else:
            line.append(_piece(kind, text, flag))
    if line:
        lines.append(tuple(line))
    loud = sorted((flag for flag in counted if flag not in QUIET), key=_word)
    quiet = sorted((flag for flag in counted if flag in QUIET), key=_word)
    return Value(tuple(lines), tuple((_word(flag), counted[flag], flag not in QUIET) for flag in (*loud, *quiet)))


def rendered(text: str) -> Json:
    """A text that is in no view, such as a name or a person's reason, as segments like those of a view."""
    return [[str(one.kind), one.text, None if one.flag is None else str(one.flag)] for one in render(text)]


def plain_text(text: str) -> str:
    """The same for a title, which has no marks."""
    return plain(render(text))


def _count(kind: str, text: str) -> int:
    """How many characters of the value a segment stands for."""
    if kind == Kind.TEXT:
        return len(text)
    return sum(int(one["times"] or 1) for one in _ESCAPES.finditer(text))


def _word(flag: str) -> str:
    return _WORDS.get(flag, "unusual character")


def _piece(kind: str, text: str, flag: str | None) -> Piece:
    if flag is None and kind == Kind.TEXT:
        return Piece(text)
    flag = flag or Flag.UNUSUAL
    return Piece(text, str(flag), _word(flag), flag not in QUIET)


def parameters(view: Mapping[str, Json], part: str) -> list[Parameter]:
    """The rows of `params` or `claimed`. Long values show their beginning: each is a page of its own, opened or not."""
    shown, cut = _rows(view, part), _rows(preview(view, frozenset()), part)
    return [parameter(short, opened=row.get("opened") is True) for row, short in zip(shown, cut, strict=True)]


def gist(view: Mapping[str, Json]) -> tuple[Json, Json, bool] | None:
    """Name and beginning of the first parameter, and whether there is more: for a list, where the headline names no target."""
    rows = _rows(view, "params")
    if view["target"] is not None or not rows:
        return None
    segments = rows[0]["segments"]
    kept: list[Json] = []
    room = GIST
    for kind, text, flag in checked(segments):
        if room <= 0 or flag == Flag.NEWLINE:
            break
        kept.append([kind, text[:room] if kind == Kind.TEXT else text, flag])
        room -= len(text)
    shown = sum(len(one[1]) for one in kept if isinstance(one, list) and isinstance(one[1], str))
    return rows[0]["path"], kept, len(rows) > 1 or shown < sum(len(text) for _, text, _ in checked(segments))


def whole(view: Mapping[str, Json], index: int) -> Parameter:
    """The long value of this number as the view has it: all of it, where it was opened."""
    rows = (row for part in ("params", "claimed") for row in _rows(view, part))
    return parameter(next(row for row in rows if row.get("index") == index), opened=True)


def facts(view: Mapping[str, Json]) -> list[Parameter]:
    """What the dry run found about the target."""
    effect = view["effect"]
    return [parameter(row, opened=False) for row in _rows(effect, "facts")] if isinstance(effect, dict) else []


def difference(view: Mapping[str, Json]) -> list[DiffLine] | None:
    """The dry run's difference, or None; the names of the files stand before the first place of a change."""
    effect = view["effect"]
    lines = effect["diff"] if isinstance(effect, dict) else None
    if not isinstance(lines, list):
        return None
    found: list[DiffLine] = []
    for line in lines:
        shown = value(line)
        sign = shown.lines[0][0].text[:1] if shown.lines else ""
        named = sign in {"+", "-"} and all(one.kind == "file" for one in found)
        found.append(DiffLine("file" if named else _SIGNS.get(sign, "same"), shown))
    return found


def parameter(row: Mapping[str, Json], *, opened: bool) -> Parameter:
    """One row as it is."""
    index, hidden = row.get("index"), row.get("hidden")
    return Parameter(
        path=value(row["path"]),
        type=str(row["type"]),
        length=int(str(row["length"])),
        value=value(row["segments"]),
        hidden=hidden if isinstance(hidden, int) else 0,
        index=index if isinstance(index, int) else None,
        opened=opened,
    )


def _rows(view: Mapping[str, Json], part: str) -> list[dict[str, Json]]:
    rows = view[part]
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

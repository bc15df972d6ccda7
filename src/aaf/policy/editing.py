"""Sets or removes one value in the text of a YAML file; every comment and everything else stays byte for byte.

An edit is a replaced span, never a file written anew. Afterwards the text is parsed again and compared with the tree that was wanted:
where they differ, or a comment would be lost with what is replaced, the edit is refused and a person edits the file.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import AafError, Code, InputRefused
from aaf.policy.positioned import Faults, parse

Path: TypeAlias = Sequence[str | int]

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(:[A-Za-z0-9_./-]+)*|[1-9][0-9]*/?[smhd]")
_CONSTANT = re.compile(r"null|true|false", re.IGNORECASE)
_ESCAPED = re.compile('["\\\\\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff]')
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_INLINE = 80
"""Characters of a list or mapping that is written on one line."""
_BY_HAND = "edit the file by hand"


@dataclass(slots=True)
class _Place:
    """A value in the text: characters from `start` to `end`; `inner` are its items with the places of their keys."""

    start: int
    end: int
    kind: str
    flow: bool
    multiline: bool = False
    inner: "list[tuple[tuple[int, int, str] | None, _Place]]" = field(default_factory=list)


def set_value(text: str, path: Path, value: Json) -> str:
    """The text with `value` at `path`: keys of mappings, and indexes of lists, of which one past the end appends.

    Mappings on the way that aren't there are made.

    Raises:
        InputRefused: the text is no file of the strict kind, the path leads nowhere, or it can't be done without touching something else.
    """
    return _edited(text, path, lambda editor: editor.set(path, value), lambda tree: _put(tree, path, value))


def remove_value(text: str, path: Path) -> str:
    """The text without what is at `path` and the comments within that; a list or mapping that had nothing else stays, empty.

    Raises:
        InputRefused: as in `set_value`.
    """
    return _edited(text, path, lambda editor: editor.remove(path), lambda tree: _take(tree, path))


def _edited(text: str, path: Path, edit: Callable[["_Editor"], str], expect: Callable[[Any], None]) -> str:
    """Edit, and hold the outcome to the tree that was wanted."""
    if not path:
        raise _refused(path, "An edit names a value within the file.", "replace the whole file instead")
    before = _tree(text, path)
    wanted = deepcopy(before)
    expect(wanted)
    done = edit(_Editor(text, path))
    try:
        same = canonical(_tree(done, path)) == canonical(wanted)
    except (AafError, ValueError):
        same = False
    if not same:
        raise _refused(path, "This can't be changed without touching something else.", _BY_HAND)
    return done


def _tree(text: str, path: Path) -> Json:
    faults = Faults("text")
    try:
        root = parse(text.encode(), faults)
    except UnicodeEncodeError:
        root = None
    if root is None:
        what = str(faults.problems[0]) if faults.problems else "the text is no UTF-8"
        raise _refused(path, f"The file can't be read: {what}.", "correct it first")
    return root.plain()


def _refused(path: Path, message: str, hint: str) -> InputRefused:
    where = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return InputRefused(Code.WRONG_TYPE, message, hint=hint, path=f"${where}"[:256])


def _nowhere(path: Path) -> InputRefused:
    return _refused(
        path, "The path leads nowhere in this file.", "look at the keys on the way, and at the length of the list"
    )


def _put(tree: Any, path: Path, value: Json) -> None:  # noqa: ANN401 - a JSON tree
    """Set in a plain tree."""
    for number, step in enumerate(path[:-1]):
        if isinstance(tree, dict) and isinstance(step, str):
            tree = tree.setdefault(step, {})
        elif isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree):
            tree = tree[step]
        else:
            raise _nowhere(path[: number + 1])
    last = path[-1]
    if isinstance(tree, dict) and isinstance(last, str):
        tree[last] = value
    elif isinstance(tree, list) and isinstance(last, int) and 0 <= last <= len(tree):
        tree[last : last + 1] = [value]
    else:
        raise _nowhere(path)


def _take(tree: Any, path: Path) -> None:  # noqa: ANN401 - as above
    """Remove from a plain tree."""
    for step in path[:-1]:
        if not _has(tree, step):
            raise _nowhere(path)
        tree = tree[step]
    if not _has(tree, path[-1]):
        raise _nowhere(path)
    del tree[path[-1]]


def _has(tree: Any, step: str | int) -> bool:  # noqa: ANN401 - as above
    if isinstance(tree, dict):
        return isinstance(step, str) and step in tree
    return isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree)


class _Editor:
    """One text with the places of its values."""

    def __init__(self, text: str, path: Path) -> None:
        self._mark = "\ufeff" if text.startswith("\ufeff") else ""
        self._text = text.removeprefix("\ufeff")
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._path = path
        self._root = _places(self._text)

    def set(self, path: Path, value: Json) -> str:
        """The text with another value."""
        parent = self._root
        for number, step in enumerate(path):
            found = _child(parent, step)
            if found is None:
                missing = value
                for inner in reversed(path[number + 1 :]):
                    missing = {str(inner): missing}
                return self._added(parent, step, missing)
            key, place = found
            if number == len(path) - 1:
                return self._replaced(key, place, value)
            parent = place
        raise _nowhere(path)  # pragma: no cover - the plain tree was walked before

    def remove(self, path: Path) -> str:
        """The text without a value."""
        parent, above = self._root, None
        for step in path[:-1]:
            above = _child(parent, step)
            parent = above[1] if above else parent
        number = _number(parent, path[-1])
        if len(parent.inner) == 1:
            empty: Json = {} if parent.kind == "map" else []
            if above is None:
                raise _refused(path, "A file keeps at least one key.", _BY_HAND)
            return self._replaced(above[0], parent, empty, taking=True)
        return self._removed(parent, number)

    def _replaced(self, key: tuple[int, int, str] | None, place: _Place, value: Json, *, taking: bool = False) -> str:
        """The text with another value in the same place; what is taken out takes its comments along."""
        start, end = place.start, place.end
        if not taking:
            self._keep_comments(place)
        if key is not None and place.multiline and "\n" in self._text[key[1] : start]:
            # The value stands on lines of its own, below its key: they go, and the line of the key says it.
            colon = self._text.index(":", key[1]) + 1
            line = self._line_end(end)
            if self._text[end:line].strip():
                raise _refused(self._path, "A comment stands behind what would be replaced.", _BY_HAND)
            between = self._text[colon : self._text.rindex("\n", 0, start)].rstrip("\r")
            return self._with(colon, line, f" {_flow(value)}{between}")
        if not place.flow and place.multiline:
            line = self._line_end(end)
            if self._text[end:line].strip():
                raise _refused(self._path, "A comment stands behind what would be replaced.", _BY_HAND)
        space = " " if start == end or self._text[start - 1] in ":-" else ""
        return self._with(start, end, f"{space}{_flow(value)}")

    def _added(self, parent: _Place, step: str | int, value: Json) -> str:
        """The text with one more item in a mapping or a list."""
        named = f"{_scalar(step)}: " if isinstance(step, str) else ""
        if parent.flow:
            if not parent.inner:
                return self._with(parent.start + 1, parent.start + 1, f"{named}{_flow(value)}")
            last = parent.inner[-1][1].end
            return self._with(last, last, f", {named}{_flow(value)}")
        column = self._column(parent.start)
        lines = _block(named, value, column) if isinstance(step, str) else _block("- ", value, column)
        at = self._line_end(parent.inner[-1][1].end)
        return self._with(at, at, "".join(self._newline + line for line in lines))

    def _removed(self, parent: _Place, number: int) -> str:
        """The text without one of several items."""
        key, place = parent.inner[number]
        start = key[0] if key else place.start
        if parent.flow:
            if number:
                begin, end = parent.inner[number - 1][1].end, place.end
            else:
                after_key, after = parent.inner[1]
                begin, end = start, after_key[0] if after_key else after.start
            self._no_comment(begin, end)
            return self._with(begin, end, "")
        line, end = self._text.rfind("\n", 0, start) + 1, self._line_end(place.end)
        lead = self._text[line:start]
        if not key:
            lead = lead.rstrip().removesuffix("-")
        if not lead.strip():
            return self._with(line, min(end + len(self._newline), len(self._text)), "")
        # It begins on the line of what it lies in, as the first key of a list's item does: the next one moves up.
        if number:
            raise _refused(self._path, "This can't be taken out of its line.", _BY_HAND)
        after_key, after = parent.inner[1]
        upto = after_key[0] if after_key else after.start
        self._no_comment(place.end, upto)
        return self._with(start, upto, "")

    def _with(self, start: int, end: int, text: str) -> str:
        return f"{self._mark}{self._text[:start]}{text}{self._text[end:]}"

    def _line_end(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end - self._text[:end].endswith("\r")

    def _column(self, at: int) -> int:
        return at - (self._text.rfind("\n", 0, at) + 1)

    def _keep_comments(self, place: _Place) -> None:
        """Refuse to replace a list or mapping with comments in it."""
        at = place.start
        for leaf in _leaves(place):
            self._no_comment(at, leaf[0])
            at = leaf[1]
        self._no_comment(at, place.end)

    def _no_comment(self, start: int, end: int) -> None:
        if "#" in self._text[start:end]:
            raise _refused(self._path, "A comment would be lost.", f"change what is within one by one, or {_BY_HAND}")


def _leaves(place: _Place) -> Iterator[tuple[int, int]]:
    """The spans of every key and scalar, in order."""
    if place.kind == "scalar":
        yield place.start, place.end
    for key, inner in place.inner:
        if key is not None:
            yield key[0], key[1]
        yield from _leaves(inner)


def _child(parent: _Place, step: str | int) -> tuple[tuple[int, int, str] | None, _Place] | None:
    if isinstance(step, int):
        return parent.inner[step] if step < len(parent.inner) else None
    return next((one for one in parent.inner if one[0] is not None and one[0][2] == step), None)


def _number(parent: _Place, step: str | int) -> int:
    if isinstance(step, int):
        return step
    return next(number for number, (key, _) in enumerate(parent.inner) if key is not None and key[2] == step)


def _places(text: str) -> _Place:
    """Where every value of the text stands; the text was parsed before."""
    import yaml  # noqa: PLC0415 - only who edits pays for it

    stack: list[_Place] = [_Place(0, 0, "root", flow=True)]
    keys: list[tuple[int, int, str] | None] = [None]

    def put(place: _Place) -> None:
        stack[-1].inner.append((keys[-1], place))
        keys[-1] = None

    event: Any
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        kind, start, end = type(event).__name__, event.start_mark.index, event.end_mark.index
        if kind == "ScalarEvent":
            if stack[-1].kind == "map" and keys[-1] is None:
                keys[-1] = (start, end, event.value)
                continue
            if event.style in ("|", ">"):
                end = start + len(text[start:end].rstrip())
            put(_Place(start, end, "scalar", flow=event.style not in ("|", ">"), multiline=event.style in ("|", ">")))
        elif kind in ("SequenceStartEvent", "MappingStartEvent"):
            place = _Place(
                start,
                end,
                "list" if kind[0] == "S" else "map",
                flow=bool(event.flow_style),
                multiline=not event.flow_style,
            )
            put(place)
            stack.append(place)
            keys.append(None)
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            keys.pop()
            place = stack.pop()
            # A block has no end of its own: it ends with the last thing in it.
            place.end = end if place.flow else place.inner[-1][1].end
    return stack[0].inner[0][1]


def _scalar(value: Json) -> str:
    """A scalar as it is written."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str):
        return repr(value)
    if _PLAIN.fullmatch(value) and not _CONSTANT.fullmatch(value):
        return value
    quoted = _ESCAPED.sub(lambda found: _SHORT.get(found[0], f"\\u{ord(found[0]):04x}"), value)
    return f'"{quoted}"'


def _flow(value: Json) -> str:
    """Any value on one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_scalar(key)}: {_flow(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return _scalar(value)


def _block(lead: str, value: Json, column: int) -> list[str]:
    """A value on lines of its own where it is long; `lead` is `key: ` or `- ` before it."""
    margin, short = " " * column, _flow(value)
    if len(short) <= _INLINE or not isinstance(value, list | dict):
        return [f"{margin}{lead}{short}"]
    inner = column + 2
    if isinstance(value, dict):
        lines = [line for key, one in value.items() for line in _block(f"{_scalar(key)}: ", one, inner)]
    else:
        lines = [line for one in value for line in _block("- ", one, inner)]
    if lead == "- ":
        return [f"{margin}- {lines[0][inner:]}", *lines[1:]]
    return [f"{margin}{lead.rstrip()}", *lines]

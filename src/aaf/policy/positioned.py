"""YAML text to a tree in which everything knows its line and column.

PyYAML is used for syntax only; scalars are resolved here as the YAML 1.2 core schema says, so `yes` and `on` are strings. What
makes two readers see two documents is refused: duplicate keys, anchors, aliases, tags, merge keys, several documents. Nothing is
executed, nothing is included, and a fault doesn't raise but becomes a `Problem`; only too many of them end the reading.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aaf.domain.canonical import Json
from aaf.domain.errors import Problem

MAX_BYTES = 1_048_576
MAX_DEPTH = 32
MAX_WHOLE = 2**53 - 1
MAX_DIGITS = 64

Scalar: TypeAlias = bool | int | float | str | None

_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONSTANTS: dict[str, Scalar] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_BASES = {"0o": 8, "0x": 16}
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, slots=True)
class Node:
    """A value with the place where it begins, counted from 1; `key` is the place of its key in a mapping.

    `file` is where it stands; empty means the file that is being read, which a tree put together from several isn't.
    """

    value: "Scalar | list[Node] | dict[str, Node]"
    line: int
    column: int
    key: tuple[int, int] = (0, 0)
    file: str = field(default="", compare=False)

    def plain(self) -> Json:
        """The same value without places."""
        if isinstance(self.value, dict):
            return {name: child.plain() for name, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


class TooManyFaults(Exception):
    """So much is wrong that finding the rest would help nobody; what was found is in the `Faults`."""


class Faults:
    """Every problem found in one file; reading goes on after each, so that all are said at once.

    Reading stops with `TooManyFaults` at the problem that fills `room`: hints cost time, and a file may hold any number of faults.
    """

    def __init__(self, file: str, *, room: int | None = None) -> None:
        """Begin without a problem; there is room for any number unless `room` says otherwise."""
        self.file = file
        self.room = room
        self.problems: list[Problem] = []

    def of(self, file: str) -> "Faults":
        """The faults of another file of the same load: they are kept together, and share the room."""
        other = Faults(file, room=self.room)
        other.problems = self.problems
        return other

    def add(self, place: tuple[int, int], message: str, hint: str = "") -> None:
        """Note a problem at `(line, column)`; line 0 is the whole file.

        Raises:
            TooManyFaults: there is no room for another one.
        """
        self._add(self.file, place, message, hint)

    def at(self, node: Node, message: str, hint: str = "") -> None:
        """Note a problem of a value."""
        self._add(node.file or self.file, (node.line, node.column), message, hint)

    def at_key(self, node: Node, message: str, hint: str = "") -> None:
        """Note a problem of a mapping's key, given the value under it."""
        self._add(node.file or self.file, node.key, message, hint)

    def _add(self, file: str, place: tuple[int, int], message: str, hint: str) -> None:
        self.problems.append(Problem(file, *place, message, hint))
        if len(self.problems) == self.room:
            raise TooManyFaults


def parse(data: bytes, faults: Faults) -> Node | None:
    """Read one document of at most 1 MiB; None where anything is wrong with it, which `faults` then says."""
    import yaml  # noqa: PLC0415 - a start from a stored release must not pay for it

    if len(data) > MAX_BYTES:
        faults.add((0, 0), f"the file is larger than {MAX_BYTES} bytes", "split it, or take something out")
        return None
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        faults.add(_place(data[: error.start].decode("utf-8")), "not UTF-8", "save the file as UTF-8")
        return None
    if (bad := _UNREADABLE.search(text)) is not None:
        what = f"the character U+{ord(bad[0]):04X} is not allowed"
        faults.add(_place(text[: bad.start()]), what, 'write it as an escape in a "quoted" string')
        return None
    before = len(faults.problems)
    tree = _Tree(faults)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if not tree.take(event):
                return None
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1)
        faults.add(
            place, f"not YAML: {error.problem or error.context}", "check the indentation, quotes and brackets here"
        )
        return None
    if tree.root is None:
        faults.add((0, 0), "the file is empty", "write at least one key")
    return tree.root if len(faults.problems) == before else None


def _place(before: str) -> tuple[int, int]:
    """Line and column of what follows `before`."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


class _Tree:
    """Builds nodes from parser events with a stack of its own: depth is bounded, and recursion isn't needed."""

    def __init__(self, faults: Faults) -> None:
        self.root: Node | None = None
        self._faults = faults
        self._open: list[Node] = []
        self._keys: list[Node | None] = []
        self._documents = 0

    def take(self, event: Any) -> bool:  # noqa: ANN401 - an event of the parser
        """Take one event; False where reading on makes no sense."""
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        match type(event).__name__:
            case "DocumentStartEvent":
                return self._document(event, place)
            case "AliasEvent":
                self._faults.add(place, "aliases are not allowed", "write the value out")
                return self._put(self._node(None, place))
            case "ScalarEvent":
                self._plain_only(event, place)
                quoted = bool(event.style)
                return self._put(self._node(event.value if quoted else self._resolve(event.value, place), place))
            case "SequenceStartEvent" | "MappingStartEvent" as kind:
                self._plain_only(event, place)
                return self._enter(self._node([] if kind == "SequenceStartEvent" else {}, place))
            case "SequenceEndEvent" | "MappingEndEvent":
                self._open.pop()
                self._keys.pop()
        return True

    def _node(self, value: "Scalar | list[Node] | dict[str, Node]", place: tuple[int, int]) -> Node:
        return Node(value, *place, file=self._faults.file)

    def _document(self, event: Any, place: tuple[int, int]) -> bool:  # noqa: ANN401 - as above
        self._documents += 1
        if self._documents > 1:
            self._faults.add(place, "a file holds one document", "put the second one into a file of its own")
            return False
        if event.tags or event.version not in (None, (1, 2)):
            self._faults.add(place, "directives are not allowed", "leave out the lines that begin with %")
            return False
        return True

    def _plain_only(self, event: Any, place: tuple[int, int]) -> None:  # noqa: ANN401 - as above
        if event.anchor is not None:
            self._faults.add(place, "anchors are not allowed", "write the value out where it is needed")
        if event.tag is not None:
            self._faults.add(place, "tags are not allowed", "leave out the tag; quote a value to make it a string")

    def _enter(self, node: Node) -> bool:
        if len(self._open) == MAX_DEPTH:
            self._faults.at(node, f"nested deeper than {MAX_DEPTH} levels", "make it flatter")
            return False
        if not self._put(node):
            return False
        self._open.append(node)
        self._keys.append(None)
        return True

    def _put(self, node: Node) -> bool:
        if not self._open:
            self.root = node
            return True
        parent = self._open[-1].value
        if isinstance(parent, list):
            parent.append(node)
            return True
        if not isinstance(parent, dict):  # pragma: no cover - only lists and mappings are ever opened
            raise TypeError
        key = self._keys[-1]
        if key is None:
            if isinstance(node.value, dict | list):
                self._faults.at(node, "a key is a string", "quote it")
                return False
            self._keys[-1] = node
            return True
        self._keys[-1] = None
        self._pair(parent, key, node)
        return True

    def _pair(self, mapping: dict[str, Node], key: Node, node: Node) -> None:
        name = key.value
        if not isinstance(name, str):
            self._faults.at(key, "a key is a string", "quote it")
        elif name == "<<":
            self._faults.at(key, "merge keys are not allowed", "write the keys out")
        elif name in mapping:
            line, column = mapping[name].key
            self._faults.at(key, f"the key `{name}` stands here a second time", f"the first is at {line}:{column}")
        else:
            # The node is already open and shared, so it is completed in place rather than replaced by a copy.
            object.__setattr__(node, "key", (key.line, key.column))
            mapping[name] = node

    def _resolve(self, text: str, place: tuple[int, int]) -> Scalar:
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _WHOLE.fullmatch(text):
            base = _BASES.get(text[:2], 10)
            return self._number(int(text, base) if len(text) <= MAX_DIGITS else math.inf, place)
        if _FLOAT.fullmatch(text):
            return self._number(float(text), place)
        if _NOT_FINITE.fullmatch(text):
            self._faults.add(
                place, "infinity and not-a-number are not allowed", "leave the key out, or quote the value"
            )
            return None
        return text

    def _number(self, number: float, place: tuple[int, int]) -> int | float:
        if abs(number) > MAX_WHOLE:
            self._faults.add(place, f"the number is beyond {MAX_WHOLE}", "quote it: large numbers are strings")
            return 0
        return int(number) if number == int(number) else number

"""Which files make one document: `include` names the others, relative to the folder, never outside of it.

A pattern has `*` in the name of a file only, so that what is read follows from the text and a list of names. Every file is included once;
a circle, a file that isn't there and one that nobody includes are problems with their place. Nothing is opened here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from aaf.policy.positioned import Faults, Node, parse
from aaf.policy.reading import Section, did_you_mean

MAIN = "aaf.yaml"
ACTIONS = "actions"
POLICIES = "policies"
MAX_INCLUDED = 100
"""Files that one document includes, directly or not."""
MAX_TOTAL = 16 << 20
"""Bytes of all files of a folder together."""

_PART = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
_PATTERN = re.compile(rf"(?:{_PART}/){{0,4}}[A-Za-z0-9_*-][A-Za-z0-9._*-]*\.yaml")
_MAIN_ONLY = ("managed_by", "version")
_REMEMBERED = 32


@dataclass(frozen=True, slots=True)
class Part:
    """One file of the document; `guard` says that its defaults are votes."""

    name: str
    root: Node
    section: Section
    guard: bool = False

    @property
    def fields(self) -> Mapping[str, Node]:
        """What stands at its top."""
        return self.root.value if isinstance(self.root.value, dict) else {}


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern of `include` means this file; `*` stands for any characters of a file's name, and never for `aaf.yaml`."""
    folder, _, last = pattern.rpartition("/")
    where, _, file = name.rpartition("/")
    if folder != where or (not folder and file == MAIN):
        return False
    return re.fullmatch(".*".join(map(re.escape, last.split("*"))), file) is not None


def included_folders(files: Mapping[str, bytes]) -> frozenset[str]:
    """The folders, besides those that are always read, whose files a document needs as far as `files` tell; `""` is not among them.

    A file that can't be read names none: loading says what is wrong with it.
    """
    found: set[str] = set()
    reached, queue = {MAIN}, [MAIN]
    while queue:
        data = files.get(queue.pop(), b"")
        for pattern in _patterns(data) if b"include" in data else ():
            found.add(pattern.rpartition("/")[0])
            for name in files:
                if name not in reached and matches(pattern, name):
                    reached.add(name)
                    queue.append(name)
    return frozenset(found - {""})


@lru_cache(maxsize=_REMEMBERED)
def _patterns(data: bytes) -> tuple[str, ...]:
    """The patterns that one file includes, remembered: a folder is read again and again, and mostly nothing in it has changed."""
    faults = Faults("")
    root = parse(data, faults)
    if root is None or not isinstance(root.value, dict):
        return ()
    return tuple(pattern for pattern, _ in _listed(Section(root, "", faults)))


def _listed(section: Section) -> list[tuple[str, Node]]:
    """The patterns of one file that make sense."""
    found: list[tuple[str, Node]] = []
    for pattern, node in section.texts("include"):
        if not _PATTERN.fullmatch(pattern):
            hint = "such as rules/payments.yaml or teams/*.yaml, relative to this folder"
            section.faults.at(
                node, "an include names .yaml files beneath the folder, with * in the last part only", hint
            )
        elif pattern.partition("/")[0] in (ACTIONS, POLICIES):
            section.faults.at(node, f"what lies in `{pattern.partition('/')[0]}` is read anyway", "take it out")
        else:
            found.append((pattern, node))
    return found


def read_parts(files: Mapping[str, bytes], faults: Faults) -> list[Part]:
    """The document's files in the order in which they are included, `aaf.yaml` first; empty where that can't be read."""
    reading = _Including(files, faults)
    parts = list(reading.file(MAIN, ()))
    for name in files:
        if could_be_part(name) and name not in reading.places:
            reading.unused(name)
    return parts


def could_be_part(name: str) -> bool:
    """Whether `include` could name this file; what it couldn't has no place in a folder."""
    return _PATTERN.fullmatch(name) is not None and "*" not in name and not _own(name)


class _Including:
    """One walk through the files of a document; `places` is where each is included, in words."""

    def __init__(self, files: Mapping[str, bytes], faults: Faults) -> None:
        self.places: dict[str, str] = {MAIN: ""}
        self._files = files
        self._faults = faults
        self._patterns: set[str] = set()

    def file(self, name: str, chain: tuple[str, ...]) -> Iterator[Part]:
        """The part that a file is, and those that it includes; `chain` is who includes it."""
        faults = self._faults.of(name)
        root = parse(self._files[name], faults)
        if root is None:
            return
        # Of a main file that is no mapping the whole document's reader says so.
        section = Section(root if chain or isinstance(root.value, dict) else replace(root, value={}), name, faults)
        patterns = _listed(section)
        guard = False
        if not chain and (node := section.take("guard")) is not None:
            hint = "put the rules that it is about into one"
            faults.at_key(node, "`guard` is for files that are included", hint)
        if chain:
            guard = section.flag("guard")
            for key in _MAIN_ONLY:
                if (node := section.take(key)) is not None:
                    faults.at_key(node, f"`{key}` stands in {MAIN} only", "leave it out here")
        yield Part(name, root, section, guard)
        for pattern, node in patterns:
            yield from self._included(pattern, node, faults, (*chain, name))

    def _included(self, pattern: str, node: Node, faults: Faults, chain: tuple[str, ...]) -> Iterator[Part]:
        self._patterns.add(pattern)
        if pattern in chain:
            faults.at(node, f"a circle: {' includes '.join((*chain[chain.index(pattern) :], pattern))}", "take one out")
            return
        names = [name for name in self._files if matches(pattern, name)]
        if not names:
            hint = did_you_mean(pattern, (name for name in self._files if "/" in name and not _own(name)))
            faults.at(node, f"no file is named `{pattern}`", hint if "*" not in pattern else "take it out, or add one")
        for name in sorted(names):
            if name in chain:
                faults.at(node, f"a circle: {' includes '.join((*chain[chain.index(name) :], name))}", "take one out")
            elif name in self.places:
                faults.at(node, f"`{name}` is included a second time", f"the first is in {self.places[name]}")
            elif len(self.places) > MAX_INCLUDED:
                faults.at(node, f"more than {MAX_INCLUDED} files are included", "put some of them together")
                return
            else:
                self.places[name] = f"{faults.file}:{node.line}:{node.column}"
                yield from self.file(name, chain)

    def unused(self, name: str) -> None:
        """A file that lies where parts of the document lie, and is none."""
        self._faults.of(name).add(
            (0, 0), "nothing includes this file", f"add {name} to `include` in {MAIN}, or move it away"
        )


def _own(name: str) -> bool:
    return name.partition("/")[0] in (ACTIONS, POLICIES)


def merged(parts: Iterable[Part], faults: Faults) -> Node:
    """The parts as one tree, without their rules, which are read file by file, and without the defaults of rule sets.

    Mappings are merged by key and the lists of `JOINED` one after the other; anything else said twice is a problem that names both places.
    """
    first, *_ = listed = list(parts)
    fields: dict[str, Node] = {}
    for part in listed:
        for key, node in part.fields.items():
            if (
                key not in _OF_FILES
                and not (key in _MAIN_ONLY and part is not first)
                and not (part.guard and key == "defaults")
            ):
                _put(fields, key, node, key, faults)
    root = first.root
    return Node(fields if isinstance(root.value, dict) else root.value, root.line, root.column, file=root.file)


_OF_FILES = frozenset({"guard", "include", "rules"})
JOINED = frozenset(
    {
        *("alerts", "redact", "egress.allow", "egress.unsafe_allow"),
        *("connectors.files.protect", "connectors.http.allow", "connectors.http.redact"),
    }
)
"""Lists that several files may add to. Not those that say who may do something: two files could then widen each other unseen."""


def _put(fields: dict[str, Node], key: str, node: Node, path: str, faults: Faults) -> None:
    """Add what one more file says of `key`."""
    first = fields.get(key)
    if first is None:
        fields[key] = node
    elif isinstance(first.value, dict) and isinstance(node.value, dict):
        inner = dict(first.value)
        for name, child in node.value.items():
            _put(inner, name, child, f"{path}.{name}", faults)
        fields[key] = Node(inner, first.line, first.column, first.key, first.file)
    elif path in JOINED and isinstance(first.value, list) and isinstance(node.value, list):
        fields[key] = Node([*first.value, *node.value], first.line, first.column, first.key, first.file)
    else:
        hint = f"the first is in {first.file}:{first.key[0]}:{first.key[1]}"
        faults.at_key(node, f"`{path}` is said a second time", hint)

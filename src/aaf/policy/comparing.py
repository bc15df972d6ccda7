"""What differs between two configurations: file by file as people wrote them, and by name as they were compiled.

Pure, and bounded: the steps of all diffs of one comparison are shared among the files, and diffs that together are too long to read are left
out, which is said. Nothing here judges a difference.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any

from aaf.analysis.diff import MOST_STEPS, Diff, unified
from aaf.domain.canonical import Json

MAX_DIFF = 524_288
"""Characters of all diffs of one comparison; a diff that would go beyond them is left out."""
_LEAST_STEPS = 1_000
_NOTHING = "/dev/null"
_UNCOMPARED = frozenset({"format", "warnings"})
SETTINGS = "settings"
"""The part that stands for every value without members of its own."""


@unique
class Kind(StrEnum):
    """What became of a file."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that differs: `diff` is unified, or None where it would be too long; `added` and `removed` count lines."""

    name: str
    kind: Kind
    diff: str | None
    added: int
    removed: int

    def to_json(self) -> dict[str, Json]:
        """As a door answers it."""
        return {
            "name": self.name,
            "change": self.kind,
            "diff": self.diff,
            "added": self.added,
            "removed": self.removed,
        }


@dataclass(frozen=True, slots=True)
class Names:
    """Which members of a part came, went and became others, each sorted."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """As a door answers it."""
        return {"added": [*self.added], "removed": [*self.removed], "changed": [*self.changed]}


@dataclass(frozen=True, slots=True)
class Changes:
    """From the release `old` to the release `new`, None for what is no release; `parts` is None where one of them doesn't compile."""

    old: int | None
    new: int | None
    files: tuple[FileChange, ...] = ()
    parts: Mapping[str, Names] | None = field(default_factory=dict)

    def to_json(self) -> dict[str, Json]:
        """As a door answers it."""
        parts: Json = None if self.parts is None else {name: names.to_json() for name, names in self.parts.items()}
        return {"old": self.old, "new": self.new, "files": [one.to_json() for one in self.files], "parts": parts}


def compare_files(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> tuple[FileChange, ...]:
    """The files that differ, by name; their bytes are UTF-8."""
    differing = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    steps = max(_LEAST_STEPS, MOST_STEPS // max(1, len(differing)))
    room, found = MAX_DIFF, list[FileChange]()
    for name in differing:
        diff = _diff(name, old.get(name), new.get(name), steps)
        shown = diff.text if len(diff.text) <= room else None
        room -= len(shown or "")
        kind = Kind.ADDED if name not in old else Kind.CHANGED if name in new else Kind.REMOVED
        found.append(FileChange(name, kind, shown, diff.added, diff.removed))
    return tuple(found)


def _diff(name: str, old: bytes | None, new: bytes | None, steps: int) -> Diff:
    return unified(
        (old or b"").decode(),
        (new or b"").decode(),
        old_name=_NOTHING if old is None else f"a/{name}",
        new_name=_NOTHING if new is None else f"b/{name}",
        steps=steps,
    )


def compare_documents(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Names]:
    """The parts of two stored documents that differ, by name: members of lists by their `name`, of mappings by their key.

    Whatever else differs stands in the part `settings` under its own key.
    """
    found: dict[str, Names] = {}
    settings: dict[str, tuple[Json, Json]] = {}
    for key in sorted((old.keys() | new.keys()) - _UNCOMPARED):
        before, after = old.get(key), new.get(key)
        members = _members(before, after)
        if members is None:
            settings[key] = before, after
        elif (names := _names(*members)) != Names():
            found[key] = names
    changed = tuple(key for key, (before, after) in settings.items() if before != after)
    return {**found, SETTINGS: Names(changed=changed)} if changed else found


def _members(old: Json, new: Json) -> tuple[dict[str, Json], dict[str, Json]] | None:
    """Both as named members; None where one of them has none."""
    before, after = _named(old), _named(new)
    return None if before is None or after is None else (before, after)


def _named(value: Json) -> dict[str, Json] | None:
    if isinstance(value, dict):
        return value
    if value is None:
        return {}
    if not isinstance(value, list):
        return None
    members = dict(_with_names(value))
    return members if len(members) == len(value) else None


def _with_names(members: list[Json]) -> Iterator[tuple[str, Json]]:
    for one in members:
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            yield str(one["name"]), one


def _names(old: Mapping[str, Json], new: Mapping[str, Json]) -> Names:
    return Names(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(name for name in old.keys() & new.keys() if old[name] != new[name])),
    )

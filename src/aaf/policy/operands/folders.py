"""`under`: whether a path is one of a list of folders or lies beneath one, compared name by name.

Empty names and single dots are dropped first; a path that leads upwards, or that readers could take for another one, is unknown. So
is a relative path where the folder is absolute, or the reverse, and one that differs in case only: some file systems don't see that.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from aaf.analysis.path import MAX_PATH, PathFault, clean, folded
from aaf.domain.canonical import Json
from aaf.policy.operands.answers import Answer, Misfit, at, texts

Seen: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""The names of a path, and the same folded; an absolute path begins with an empty name."""


def misfit(operand: Json) -> Misfit | None:
    """What is wrong with the folders."""
    listed, wrong = texts("under", operand, "/srv/data")
    for place, text in enumerate(listed):
        seen = _read(text)
        if not isinstance(seen, PathFault):
            continue
        hint = "write a folder such as docs, or /srv/data; all beneath it is meant"
        if "*" in text:
            hint = "leave out the star: all beneath the folder is meant; `glob` takes patterns"
        return Misfit(
            f"`{text[:64]}` is no folder: {seen.sentence[0].lower()}{seen.sentence[1:-1]}", hint, at(operand, place)
        )
    starred = next((place for place, text in enumerate(listed) if "*" in text), None)
    if starred is not None:
        hint = "leave out the star: all beneath the folder is meant; `glob` takes patterns"
        return Misfit(
            f"`{listed[starred][:64]}` is no folder: a star is nothing special here", hint, at(operand, starred)
        )
    return wrong


def folders(operand: Json) -> list[tuple[str, ...]]:
    """The names of each folder, of an operand that has no misfit."""
    return [seen[0] for text in texts("under", operand, "")[0] if not isinstance(seen := _read(text), PathFault)]


def asked(operand: Json) -> Callable[[Seen | None], Answer]:
    """What the folders say of a path that was read."""
    exact = frozenset(folders(operand))
    alike_to = frozenset(tuple(map(folded, names)) for names in exact)
    kinds = {names[:1] == ("",) for names in exact}

    def answer(seen: Seen | None) -> Answer:
        if seen is None:
            return None
        names, alike = seen
        is_absolute = names[:1] == ("",)
        if any(names[:length] in exact for length in range(is_absolute, len(names) + 1)):
            return True
        if (not is_absolute) in kinds:
            return None
        return None if any(alike[:length] in alike_to for length in range(is_absolute, len(alike) + 1)) else False

    return answer


def read(text: object) -> Seen | None:
    """The names of a path; None where its letters don't say plainly where it leads."""
    if not isinstance(text, str) or len(text) > MAX_PATH:
        return None
    seen = _read(text)
    return None if isinstance(seen, PathFault) else seen


@lru_cache(maxsize=64)
def _read(text: str) -> Seen | PathFault:
    if not text:
        return PathFault.EMPTY
    if text.startswith("//"):  # POSIX leaves its meaning open, and elsewhere it names another machine
        return PathFault.EMPTY_SEGMENT
    names = [name for name in text.split("/") if name not in ("", ".")]
    if names:
        cleaned = clean("/".join(names))
        if isinstance(cleaned, PathFault):
            return cleaned
    whole = ("", *names) if text.startswith("/") else tuple(names)
    return whole, tuple(map(folded, whole))


def covers(one: list[tuple[str, ...]], other: list[tuple[str, ...]]) -> bool:
    """Whether every path under `one` is under `other`."""
    return all(any(_beneath(names, around) for around in other) for names in one)


def apart(one: list[tuple[str, ...]], other: list[tuple[str, ...]]) -> bool:
    """Whether no path is under both."""
    return not any(_beneath(a, b) or _beneath(b, a) for a in one for b in other)


def _beneath(names: tuple[str, ...], folder: tuple[str, ...]) -> bool:
    # The folder `.` has no names; an absolute path isn't beneath it.
    return names[: len(folder)] == folder and (names[:1] == ("",)) == (folder[:1] == ("",))

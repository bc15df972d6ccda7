r"""The difference between two texts as a unified diff from which the new text follows exactly.

Lines end at `\n` only, so that no other character that some reader takes for a line break can hide a line, and a missing last line
break is said. The comparison is Myers' greedy one (E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986): cheap where
little differs. Its cost is bounded: where too much does, the whole stretch is shown as replaced.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

CONTEXT = 3
"""Unchanged lines shown around a change."""

MOST_STEPS = 500_000
"""Steps of one comparison, some tenths of a second."""


@dataclass(frozen=True, slots=True)
class Diff:
    """The text of a diff, empty where nothing differs, and how many lines it adds and removes."""

    text: str
    added: int
    removed: int


@dataclass(frozen=True, slots=True)
class _Change:
    """Old lines `old_start:old_end` become new lines `new_start:new_end`."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def unified(old: str, new: str, *, old_name: str, new_name: str, steps: int = MOST_STEPS) -> Diff:
    """Compare two texts; the names stand in the first two lines. Whoever compares many texts at once gives each fewer `steps`."""
    before, after = _lines(old), _lines(new)
    changes = list(_changes(before, after, steps))
    if not changes:
        return Diff("", 0, 0)
    written = [f"--- {old_name}\n", f"+++ {new_name}\n"]
    for hunk in _hunks(changes):
        written.extend(_hunk(hunk, before, after))
    return Diff(
        "".join(written),
        sum(change.new_end - change.new_start for change in changes),
        sum(change.old_end - change.old_start for change in changes),
    )


def _lines(text: str) -> list[str]:
    """Lines with their line breaks; only the last may have none."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def _changes(old: list[str], new: list[str], most: int) -> Iterator[_Change]:
    """What differs, in order; common lines at both ends are set aside first, which is most of a usual edit."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    matches = _matches(old[head : len(old) - tail], new[head : len(new) - tail], most)
    at_old, at_new = head, head
    for match_old, match_new in [*((head + x, head + y) for x, y in matches), (len(old) - tail, len(new) - tail)]:
        if match_old > at_old or match_new > at_new:
            yield _Change(at_old, match_old, at_new, match_new)
        at_old, at_new = match_old + 1, match_new + 1


def _matches(old: list[str], new: list[str], most: int) -> list[tuple[int, int]]:
    """Pairs of equal lines in a shortest edit script, in order; none where finding it would cost too much.

    `reach[k]` is how far a path of `d` edits comes on the diagonal `k = x - y`; `rounds[d]` is that before its `d`-th edit.
    """
    reach, rounds, edits, steps = {1: 0}, list[dict[int, int]](), 0, 0
    while steps <= most:
        rounds.append(reach.copy())
        for diagonal in range(-edits, edits + 1, 2):
            start = x = _next(reach, diagonal, edits)
            while x < len(old) and x - diagonal < len(new) and old[x] == new[x - diagonal]:
                x += 1
            reach[diagonal] = x
            if x >= len(old) and x - diagonal >= len(new):
                return _walked_back(rounds, len(old), len(new))
            steps += 1 + x - start
        edits += 1
    return []


def _next(reach: dict[int, int], diagonal: int, edits: int) -> int:
    """Where a path gets onto a diagonal: by an added line from above, or a removed one from below."""
    if diagonal == -edits or (diagonal != edits and reach[diagonal - 1] < reach[diagonal + 1]):
        return reach[diagonal + 1]
    return reach[diagonal - 1] + 1


def _walked_back(rounds: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    """The equal lines on the path that ended at `x`, `y`."""
    found: list[tuple[int, int]] = []
    for edits in range(len(rounds) - 1, -1, -1):
        start = _next(rounds[edits], x - y, edits)
        found.extend((at, at - x + y) for at in range(x - 1, start - 1, -1))
        if edits:
            diagonal = x - y
            added = start == rounds[edits].get(diagonal + 1)
            x, y = (start, start - diagonal - 1) if added else (start - 1, start - diagonal)
    return found[::-1]


def _common(one: list[str], other: list[str]) -> int:
    """How many lines both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _hunks(changes: list[_Change]) -> Iterator[list[_Change]]:
    """Changes whose context would touch stand together."""
    hunk = changes[:1]
    for change in changes[1:]:
        if change.old_start - hunk[-1].old_end > 2 * CONTEXT:
            yield hunk
            hunk = []
        hunk.append(change)
    yield hunk


def _hunk(changes: list[_Change], old: list[str], new: list[str]) -> Iterator[str]:
    first, last = changes[0], changes[-1]
    lead = min(CONTEXT, first.old_start)
    trail = min(CONTEXT, len(old) - last.old_end)
    old_range = _range(first.old_start - lead, last.old_end + trail)
    new_range = _range(first.new_start - lead, last.new_end + trail)
    yield f"@@ -{old_range} +{new_range} @@\n"
    at = first.old_start - lead
    for change in changes:
        yield from _marked(" ", old[at : change.old_start])
        yield from _marked("-", old[change.old_start : change.old_end])
        yield from _marked("+", new[change.new_start : change.new_end])
        at = change.old_end
    yield from _marked(" ", old[at : at + trail])


def _marked(mark: str, lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield f"{mark}{line}" if line.endswith("\n") else f"{mark}{line}\n\\ No newline at end of file\n"


def _range(start: int, end: int) -> str:
    """Line numbers as POSIX writes them: an empty range names the line before it."""
    return f"{start + 1 if end > start else start},{end - start}"

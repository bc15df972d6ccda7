"""What an approver is shown, as bytes: made once when an action is held, digested, stored, and only encoded by the doors.

Every value stands in it as inert segments; nothing is cut. Only fields that the catalogue declares secret are masked
here; what the caller gives has lost its secrets already. A long value is a page of its own that has to be opened before approving.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import Requirement, Vote
from aaf.domain.effect import Effect
from aaf.domain.finding import Finding
from aaf.domain.rendering import Row, Segment, render, rows

MAX_INDENT = 40
PREVIEW = 400
"""Characters of a long value that are shown before it is opened."""


@dataclass(frozen=True, slots=True)
class View:
    """The view as a JSON object, its canonical bytes, and how many of its values have to be opened."""

    value: dict[str, Json]
    bytes: bytes
    long_values: int


def make_view(
    *,
    action: str,
    agent: str,
    requester: str,
    name: str,
    server: str | None,
    params: Mapping[str, Json],
    context: Mapping[str, Json],
    secret: tuple[str, ...],
    risk: str,
    action_class: str,
    reasons: Iterable[Vote],
    findings: Iterable[Finding],
    target: str | None,
    effect: Effect | None,
    digest: str,
    requirements: Iterable[Requirement],
    round_: int,
) -> View:
    """Lay out the view; `secret` are the dotted paths that the catalogue declares secret, `params.password`.

    `agent` is a name that anybody may have chosen, so `requester`, the kind and id as the ledger names them, stands beside it.
    What is asked of people and the round stand in it, so that an answer to one round is never an answer to the next.
    """
    shown = _masked(rows({key: params[key] for key in sorted(params)}, path="params"), secret) if params else ()
    claimed = rows(dict(context), path="context") if context else ()
    value: dict[str, Json] = {
        "action": action,
        "agent": _segments(render(agent)),
        "class": action_class,
        "claimed": [_row(row) for row in claimed],
        "digest": digest,
        "effect": _effect(effect),
        "findings": [
            {
                "code": found.code,
                "field": found.field,
                "note": _segments(render(found.note)),
                "severity": str(found.severity),
            }
            for found in findings
        ],
        "headline": _segments(render(_headline(requester.partition(":")[0], agent, name, server, target))),
        "params": [_row(row) for row in shown],
        "requester": requester,
        "reasons": [
            {"code": str(vote.code), "name": vote.name, "reason": _segments(render(vote.reason))} for vote in reasons
        ],
        "requirements": [requirement.to_json() for requirement in requirements],
        "risk": risk,
        "round": round_,
        "server": None if server is None else _segments(render(server)),
        "target": None if target is None else _segments(render(target)),
        "type": name,
        "v": 1,
    }
    return View(value, canonical(value), sum(row.long for row in (*shown, *claimed)))


def _headline(kind: str, agent: str, name: str, server: str | None, target: str | None) -> str:
    """One sentence: who asks for what, where."""
    at = f" at the server {server}" if server else ""
    return f"The {kind} {agent} asks for {name}{at}" + (f" on {target}" if target else "")


def _masked(shown: tuple[Row, ...], secret: tuple[str, ...]) -> tuple[Row, ...]:
    """Rows at or beneath a declared secret say that it is there, never what it is or how long."""
    return tuple(
        rows("(secret)", path=row.path)[0] if any(_beneath(row.path, hidden) for hidden in secret) else row
        for row in shown
    )


def _beneath(path: str, above: str) -> bool:
    """Whether `path` is `above` or one of its parts."""
    return path == above or path.startswith((f"{above}.", f"{above}["))


def _segments(segments: Iterable[Segment]) -> list[Json]:
    """Segments as `[kind, text, flag]`."""
    return [[str(one.kind), one.text, None if one.flag is None else str(one.flag)] for one in segments]


def _row(row: Row) -> dict[str, Json]:
    """One parameter's row."""
    return {
        "length": row.length,
        "long": row.long,
        "path": _segments(render(row.path)),
        "segments": _segments(row.segments),
        "type": str(row.type),
    }


def _effect(effect: Effect | None) -> Json:
    """What the dry run found; a diff line by line, none of them where nothing changes."""
    if effect is None:
        return None
    return {
        "diff": None
        if effect.diff is None
        else [_diff_line(line) for line in effect.diff.removesuffix("\n").split("\n") if effect.diff],
        "facts": [_row(row) for row in rows(dict(effect.facts), path="facts")],
        "kind": effect.kind,
        "summary": _segments(render(effect.summary)),
        "target": _segments(render(effect.target)),
    }


def _diff_line(line: str) -> list[Json]:
    """A line of a diff: its sign and a usual indentation stand as they are, because a door shows them after a mark of its own."""
    rest = line[1:].lstrip(" ")
    indent = len(line) - 1 - len(rest)
    if not rest or indent > MAX_INDENT:
        rest, indent = line[1:], 0
    return [["text", line[: 1 + indent], None], *_segments(render(rest))] if line else []


def preview(view: Mapping[str, Json], opened: frozenset[int]) -> dict[str, Json]:
    """A copy in which long values that are not in `opened` show their first characters and say how many are hidden.

    Long values are numbered from 0 in the order of `params`, then `claimed`.
    """
    copy = dict(view)
    number = 0
    for part in ("params", "claimed"):
        listed: list[Json] = []
        part_rows = view[part]
        for row in part_rows if isinstance(part_rows, list) else []:
            if isinstance(row, dict) and row["long"] is True:
                listed.append(_cut(row, number, opened=number in opened))
                number += 1
            else:
                listed.append(row)
        copy[part] = listed
    return copy


def long_row(view: Mapping[str, Json], index: int) -> dict[str, Json] | None:
    """The `index`-th long value's row, whole; None if there are fewer."""
    number = 0
    for part in ("params", "claimed"):
        part_rows = view[part]
        for row in part_rows if isinstance(part_rows, list) else []:
            if isinstance(row, dict) and row["long"] is True:
                if number == index:
                    return row
                number += 1
    return None


def _cut(row: Mapping[str, Json], number: int, *, opened: bool) -> dict[str, Json]:
    """One long row, whole or cut at a segment's boundary."""
    segments = row["segments"] if isinstance(row["segments"], list) else []
    if opened:
        return {**row, "hidden": 0, "index": number, "opened": True}
    kept: list[Json] = []
    room = PREVIEW
    total = 0
    for segment in segments:
        text = segment[1] if isinstance(segment, list) and isinstance(segment[1], str) else ""
        total += len(text)
        if room > 0 and isinstance(segment, list):
            kept.append([segment[0], text[:room] if segment[0] == "text" else text, segment[2]])
            room -= len(text)
    shown = sum(len(one[1]) for one in kept if isinstance(one, list) and isinstance(one[1], str))
    return {**row, "hidden": total - shown, "index": number, "opened": False, "segments": kept}

"""How a replay tells what a changed configuration would change: what of a recorded action may be looked at, and how two decisions differ.

A leaf that is sealed for whoever asks is no value but a mark, and looking at it is noticed: such a decision is not decidable, which is never the
same as no change. Nothing here reads a store or a clock, and no value of an action is kept.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Any

from aaf.domain.canonical import Json
from aaf.domain.decision import Decision, Requirement, Verdict, at_least_as_strict
from aaf.domain.instants import read
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.policy.operands.answers import Absent

MAX_GROUPS = 1_000
"""Groups that are told apart; what comes after is counted in its flips only."""
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_MICROSECONDS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}


@unique
class Undecidable(StrEnum):
    """Why nobody can say what a configuration would have decided."""

    CONNECTOR = "connector"
    """The connector that analyses the action can't be made for a dry run."""
    ENGINE = "engine"
    """The policy engine can't be asked now."""
    ERASED = "erased"
    """The key of the recorded values was erased, or the values are gone."""
    LIMIT = "limit"
    """A limit that votes, or that a rule or a module asks for, wasn't counted for it."""
    OTHER_VERSION = "other_version"
    """The input is of another version."""
    SEALED = "sealed"
    """It depends on a value that is sealed for whoever asks."""
    UNREADABLE = "unreadable"
    """The recorded values don't open, or aren't what was recorded."""


@unique
class Approval(StrEnum):
    """How what a hold asks of people differs."""

    OTHER = "other"
    SAME = "same"
    STRICTER = "stricter"
    WEAKER = "weaker"


class Looked:
    """Whether a sealed leaf was looked at."""

    __slots__ = ("at_sealed",)

    def __init__(self) -> None:
        """Nobody has looked yet."""
        self.at_sealed = False


class Watched(dict[str, Any]):
    """An object with sealed leaves in it: a mark stands for each, and taking one out is noticed."""

    def __init__(self, values: Mapping[str, Any], looked: Looked) -> None:
        """Keep `values`, marks included, and who is to be told."""
        super().__init__(values)
        self._looked = looked

    def _seen(self, value: Any) -> Any:  # noqa: ANN401 - a JSON value, or a mark
        if value is Absent.ERASED:
            self._looked.at_sealed = True
        return value

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as above
        """One value."""
        return self._seen(super().__getitem__(name))

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as above
        """One value, or `default`."""
        return self._seen(super().get(name, default))

    def __iter__(self) -> Iterator[str]:
        """The names. Being overridden, it keeps `dict()` from copying past `__getitem__`."""
        return super().__iter__()

    def items(self) -> Any:  # noqa: ANN401 - an iterator instead of a view
        """Names and values."""
        return ((name, self[name]) for name in self)

    def values(self) -> Any:  # noqa: ANN401 - an iterator instead of a view
        """The values."""
        return (self[name] for name in self)


def without(values: Mapping[str, Any], root: str, hidden: Iterable[str], looked: Looked) -> Mapping[str, Any]:
    """`values` with every leaf that `hidden` names sealed; the same object where it names none that is there.

    `root` is `params` or `context`, `hidden` are dotted paths that begin with it; one that is no more than it names all.
    """
    changed: dict[str, Any] = {}
    for path in hidden:
        first, _, rest = path.partition(".")
        if first != root:
            continue
        if not rest:
            return Watched(dict.fromkeys(values, Absent.ERASED), looked)
        _seal(values, changed, rest, looked)
    return Watched({**values, **changed}, looked) if changed else values


def _seal(values: Mapping[str, Any], changed: dict[str, Any], path: str, looked: Looked) -> None:
    """Note in `changed` what becomes of the member that `path` leads through."""
    name, _, rest = path.partition(".")
    if name not in values:
        return
    value = changed.get(name, values[name])
    if not rest or not isinstance(value, dict):
        changed[name] = Absent.ERASED
        return
    inner: dict[str, Any] = {}
    plain = dict.copy(value)
    _seal(plain, inner, rest, looked)
    if inner:
        changed[name] = Watched({**plain, **inner}, looked)


# --- what was decided, and what would be ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Voice:
    """Who made a decision: a rule, module, guard, limit or default, and its code."""

    source: str
    name: str
    code: str

    def to_json(self) -> dict[str, Json]:
        """As shown."""
        return {"code": self.code, "name": self.name, "source": self.source}


@dataclass(frozen=True, slots=True)
class Said:
    """One decision: `voices` are those as strict as it, None where they aren't known any more; so are `requirements`."""

    verdict: Verdict
    voices: tuple[Voice, ...] | None
    requirements: tuple[Requirement, ...] | None


def said(decision: Decision) -> Said:
    """A decision of now."""
    voices = dict.fromkeys(Voice(str(vote.source), vote.name, str(vote.code)) for vote in decision.votes)
    return Said(decision.verdict, tuple(voices), decision.requirements)


def first_said(record: ActionRecord) -> Said:
    """What was decided when the action was submitted, whatever became of it.

    Only an action that went to people has a round, and only a first decision is of version 1. Who decided is known as long as nothing was
    decided again.
    """
    if record.round:
        again = record.round > 1 or record.state is State.DENIED
        return Said(
            Verdict.REQUIRE_APPROVAL, None if again else _voices(record), None if again else record.requirements
        )
    if denied_at_first(record):
        return Said(Verdict.DENY, _voices(record), ())
    return Said(Verdict.ALLOW, None if record.state is State.DENIED else _voices(record), ())


def denied_at_first(record: ActionRecord) -> bool:
    """Whether the first decision was a deny."""
    return record.state is State.DENIED and record.version == 1


def _voices(record: ActionRecord) -> tuple[Voice, ...]:
    found = (Voice(str(one["source"]), str(one["name"]), str(one["code"])) for one in record.reasons)
    return tuple(dict.fromkeys(found))


def approval(before: Said, after: Said) -> Approval:
    """How the requirements of two holds differ; of anything else, and of what isn't known any more, not at all."""
    old, new = before.requirements, after.requirements
    if before.verdict is not Verdict.REQUIRE_APPROVAL or after.verdict is not before.verdict or old is None or not new:
        return Approval.SAME
    weaker, stricter = at_least_as_strict(new, old), at_least_as_strict(old, new)
    if weaker and stricter:
        return Approval.SAME
    return Approval.WEAKER if weaker else Approval.STRICTER if stricter else Approval.OTHER


@dataclass(frozen=True, slots=True)
class Flip:
    """What one group of changed decisions has in common."""

    type: str
    before: Verdict
    after: Verdict
    approval: Approval
    was: tuple[Voice, ...] | None
    now: tuple[Voice, ...] | None


@dataclass(slots=True)
class Group:
    """How many, and the ids of some."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, action: str, most: int) -> None:
        """One more; its id is kept while there are fewer than `most`."""
        self.count += 1
        if len(self.examples) < most:
            self.examples.append(action)


@dataclass(slots=True)
class Tally:
    """What a replay has found so far; `examples` is how many ids each group keeps."""

    examples: int = 3
    compared: int = 0
    same: int = 0
    flips: dict[tuple[Verdict, Verdict, Approval], int] = field(default_factory=dict)
    groups: dict[Flip, Group] = field(default_factory=dict)
    undecided: dict[Undecidable, Group] = field(default_factory=dict)
    ungrouped: int = 0

    @property
    def looked_at(self) -> int:
        """Compared or not decidable."""
        return self.compared + sum(group.count for group in self.undecided.values())

    def compare(self, record: ActionRecord, before: Said, after: Said) -> None:
        """Count one action that could be decided."""
        self.compared += 1
        how = approval(before, after)
        if before.verdict is after.verdict and how is Approval.SAME:
            self.same += 1
            return
        kind = before.verdict, after.verdict, how
        self.flips[kind] = self.flips.get(kind, 0) + 1
        flip = Flip(record.type, *kind, before.voices, after.voices)
        if flip not in self.groups and len(self.groups) >= MAX_GROUPS:
            self.ungrouped += 1
            return
        self.groups.setdefault(flip, Group()).add(record.id, self.examples)

    def leave_out(self, record: ActionRecord, why: Undecidable) -> None:
        """Count one that could not."""
        self.undecided.setdefault(why, Group()).add(record.id, self.examples)

    def to_json(self) -> dict[str, Json]:
        """As shown; no value of an action is in it."""
        groups = sorted(self.groups.items(), key=_by_weight)
        return {
            "compared": self.compared,
            "flips": [
                {"after": after, "approval": how, "before": before, "count": count}
                for (before, after, how), count in sorted(self.flips.items())
            ],
            "groups": [_group_json(flip, group) for flip, group in groups],
            "not_decidable": [
                {"count": group.count, "examples": [*group.examples], "reason": why}
                for why, group in sorted(self.undecided.items())
            ],
            "same": self.same,
            "ungrouped": self.ungrouped,
        }


def _by_weight(item: tuple[Flip, Group]) -> tuple[int, int, str, str]:
    """What loosens most comes first, then the largest."""
    flip, group = item
    return flip.after.strictness, -group.count, flip.type, repr(flip)


def _group_json(flip: Flip, group: Group) -> dict[str, Json]:
    return {
        "after": flip.after,
        "approval": flip.approval,
        "before": flip.before,
        "count": group.count,
        "examples": [*group.examples],
        "now": None if flip.now is None else [voice.to_json() for voice in flip.now],
        "type": flip.type,
        "was": None if flip.was is None else [voice.to_json() for voice in flip.was],
    }


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Whether an action type is one of `patterns`, names such as `files.read` or `files.*`; none is every type."""
    listed = tuple(patterns)
    return not listed or any(name == one or (one.endswith(".*") and name.startswith(one[:-1])) for one in listed)


def instant_of(text: str, now: int) -> int:
    """The instant in microseconds that a text names: RFC 3339, or how long before `now`, such as `7d`; units are s, m, h, d, w.

    Raises:
        ValueError: it names none.
    """
    parts = _DURATION.fullmatch(text)
    if parts is not None:
        return max(0, now - int(parts[1]) * _MICROSECONDS[parts[2]])
    return max(0, read(text))

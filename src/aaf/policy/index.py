"""Which rules could match one action type, arranged so that few of them are asked.

Each candidate may have a gate: one of its own tests, the one that fewest others share. Candidates whose gates ask about the same field
stand together, so the field is fetched once; a gate that says no settles its candidate, and any other answer asks the whole condition.
The outcome is that of a plain scan over all rules, which the tests hold it to.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from aaf.domain.decision import Source, Verdict, Vote
from aaf.domain.errors import Code
from aaf.policy.catalogue import ActionClass, Entry
from aaf.policy.conditions import AllOf, Predicate, Probe, compile_condition, kind_of, reader
from aaf.policy.decision_input import Input
from aaf.policy.operands.answers import Absent
from aaf.policy.operators import Op, fault, gate, keys, view
from aaf.policy.rules import Rule
from aaf.policy.schemas import Kind

Voices: TypeAlias = tuple[Vote, Vote | None]
"""What a rule says where its condition is true, and where that can't be known: nothing, for an allow."""

_Gated: TypeAlias = tuple[Callable[[Any], Any], int, Predicate, Vote, Vote | None]
_View: TypeAlias = Callable[[Any], Any]
_BY_TYPE = ("class", "operation", "tool")
_COUNTERS = "counters."


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates whose gates ask about one field: those that demand one of listed values are found by it, the others are scanned."""

    read: Callable[[Input], Any]
    listed: Mapping[Any, tuple[_Gated, ...]]
    scanned: tuple[_Gated, ...]
    members: tuple[_Gated, ...]

    def passed(self, asked: Input) -> Iterable[_Gated]:
        """The members whose gate doesn't say no; all of them where there is no value, or where a gate can't be asked."""
        value = self.read(asked)
        if value.__class__ is Absent:
            return self.members
        try:
            found = self.listed.get(value, ())
            if not self.scanned:
                return found
            return [*found, *[member for member in self.scanned if member[0](value) is not False]]
        except Exception:  # noqa: BLE001 - each condition is asked on its own then, and fails on its own
            return self.members


@dataclass(frozen=True, slots=True)
class Matcher:
    """The candidates of one action type: groups that share a field, each member behind its gate, and the open ones. Numbers keep the order of the rules."""

    open: tuple[_Gated, ...]
    groups: tuple[Group, ...]

    def votes(self, asked: Input) -> list[Vote]:
        """The votes of the rules that match, in the order of the rules."""
        found: list[tuple[int, Vote]] = []
        candidates = [*self.open]
        for group in self.groups:
            candidates += group.passed(asked)
        for _, number, predicate, sure, unsure in candidates:
            try:
                said = predicate(asked)
            except Exception:  # noqa: BLE001 - whatever went wrong, a rule that can't be evaluated denies
                found.extend((number, vote) for vote in failure(sure.name))
                continue
            if said:
                found.append((number, sure))
            elif said is None and unsure is not None:
                found.append((number, unsure))
        if len(found) > 1:
            found.sort(key=_number)
        return [vote for _, vote in found]


def build(candidates: Iterable[tuple[int, Rule, Voices]], entry: Entry | None, klass: ActionClass | None) -> Matcher:
    """Compile the numbered candidates for one action type of one class; both None is for types that nobody declared."""
    left: list[tuple[int, Voices, Predicate, list[tuple[Probe, Kind]]]] = []
    for number, rule, voices in candidates:
        compiled = compile_condition(rule.match, entry, klass)
        if compiled is not False:
            left.append((number, voices, _always if compiled is True else compiled, _gates(rule.match, entry)))
    shared = Counter(_key(test) for *_, gates in left for test, _ in gates)
    open_: list[_Gated] = []
    groups: dict[tuple[str, _View | None], list[tuple[_Gated, list[Any] | None]]] = {}
    for number, (sure, unsure), predicate, gates in left:
        chosen = min(gates, key=lambda known: shared[_key(known[0])], default=None)
        if chosen is None:
            open_.append((_always, number, predicate, sure, unsure))
            continue
        test, kind = chosen
        gated = (gate(kind, test.op, test.value), number, predicate, sure, unsure)
        groups.setdefault((test.field, view(kind, test.op)), []).append((gated, keys(kind, test.op, test.value)))
    return Matcher(tuple(open_), tuple(_group(_read(*place, entry), members) for place, members in groups.items()))


def _group(read: Callable[[Input], Any], members: Iterable[tuple[_Gated, list[Any] | None]]) -> Group:
    listed: dict[Any, list[_Gated]] = {}
    for gated, values in members:
        for value in dict.fromkeys(values or ()):
            listed.setdefault(value, []).append(gated)
    return Group(
        read,
        {value: tuple(found) for value, found in listed.items()},
        tuple(gated for gated, values in members if values is None),
        tuple(gated for gated, _ in members),
    )


def _read(name: str, seen: _View | None, entry: Entry | None) -> Callable[[Input], Any]:
    read = reader(name, entry)
    if seen is None:
        return read

    def viewed(asked: Input) -> Any:  # noqa: ANN401 - what the view makes of a value, or why there is none
        value = read(asked)
        return value if value.__class__ is Absent else seen(value)

    return viewed


def failure(rule: str) -> tuple[Vote, ...]:
    """The vote of a rule that could not be evaluated: deny, whatever the rule wanted."""
    return (Vote(Verdict.DENY, Source.RULE, Code.POLICY_ERROR, rule, f"The rule {rule} could not be evaluated."),)


def _number(numbered: tuple[int, Vote]) -> int:
    return numbered[0]


def _always(_: object) -> bool:
    return True


def _key(test: Probe) -> tuple[str, str, str]:
    return test.field, test.op, repr(test.value)


def _has_no_gate(field: str) -> bool:
    """What the action type decides has left the condition; a counter isn't compared as it is stored."""
    return field in _BY_TYPE or field.startswith(_COUNTERS)


def _gates(match: AllOf, entry: Entry | None) -> list[tuple[Probe, Kind]]:
    """The tests that the condition demands plainly, and the kinds of their fields: where one is false, so is the condition."""
    found: list[tuple[Probe, Kind]] = []
    for part in match.parts:
        if isinstance(part, Probe) and part.op is not Op.EXISTS and not _has_no_gate(part.field):
            kind = kind_of(part.field, entry)
            if kind is not None and fault(kind, part.op, part.value) is None:
                found.append((part, kind))
    return found

"""From recorded actions to the narrowest rules that cover them: what never varied stays constant, few values are listed, numbers get bounds.

A rule is only suggested as it will be read from the file, and only where it covers nothing that a person rejected or a policy denied; where it would,
it is narrowed, split, or left out and said. Secret and sealed leaves are asked for by their presence only. Nothing here reads a store or writes text.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum, unique
from typing import Any

from aaf.domain.canonical import Json
from aaf.domain.decision import DEFAULT_REQUIREMENT, Requirement, Source
from aaf.domain.errors import Code
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.policy.catalogue import ActionClass, Catalogue, Entry
from aaf.policy.decision_input import Input
from aaf.policy.judge import Policy
from aaf.policy.operands.answers import Absent
from aaf.policy.positioned import Faults, parse
from aaf.policy.rules import Rule, read_rules
from aaf.policy.schemas import Kind
from aaf.policy.suggesting_fields import Bound, Mode, bound_of, of_amount, width
from aaf.policy.suggesting_text import rule_text

MAX_RULES = 8
"""Rules for the actions of one type."""
MAX_PARTS = 4
"""Values of a field by which a rule is split because that is narrower."""
COMPARABLE = frozenset({Kind.FLAG, Kind.NUMBER, Kind.TEXT})
_GAIN = 2.0
"""How much narrower a split has to be."""


@unique
class Fate(StrEnum):
    """What became of an action, as far as a suggestion is concerned."""

    ALLOWED = "allowed"
    APPROVED = "approved"
    NEITHER = "neither"
    """Nobody said yes or no: it waits, was taken back, or nobody answered in time."""
    REFUSED = "refused"
    """A person rejected it or a policy denied it."""
    PASSING = "passing"
    """Denied for what isn't the action's: a limit, a key's scope, an engine or a target that couldn't be asked."""


_YES = frozenset({State.ALLOWED, State.EXECUTING, State.FAILED, State.LAPSED, State.SUCCEEDED, State.UNKNOWN})
_PASSING_GUARDS = frozenset({"connector", "dry_run", "key_scope"})
_PASSING_CODES = frozenset({Code.POLICY_ENGINE_CRASHED, Code.POLICY_ENGINE_UNAVAILABLE, Code.POLICY_TIMEOUT})


def fate(record: ActionRecord) -> Fate:
    """What became of one action."""
    match record.state:
        case State.REJECTED:
            return Fate.REFUSED
        case State.DENIED:
            return Fate.PASSING if all(map(_passing, record.reasons)) and record.reasons else Fate.REFUSED
        case State.APPROVED:
            return Fate.APPROVED
        case state if state in _YES:
            return Fate.APPROVED if record.round else Fate.ALLOWED
        case _:
            return Fate.NEITHER


def _passing(reason: Mapping[str, Json]) -> bool:
    """Whether a deny says nothing of the action itself."""
    guard = reason["source"] == Source.GUARD and reason["name"] in _PASSING_GUARDS
    return guard or reason["source"] == Source.LIMIT or reason["code"] in _PASSING_CODES


@dataclass(slots=True)
class Example:
    """Actions that no suggested rule can tell apart: one input of them, and how many had which fate and ended in which state."""

    asked: Input
    leaves: Mapping[str, Any]
    fates: Counter[Fate] = field(default_factory=Counter)
    ends: Counter[State] = field(default_factory=Counter)
    asks: tuple[Requirement, ...] = ()
    """What the last approval of one of them asked for."""


@dataclass(frozen=True, slots=True)
class Suggested:
    """One rule with its evidence: how many recorded actions it covers, and how the others that it also covers ended."""

    rule: Rule
    text: str
    covers: int
    others: Mapping[State, int]
    unlimited: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Evidence that no rule covers, and why."""

    type: str
    count: int
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was found for one action type."""

    rules: tuple[Suggested, ...]
    left_out: tuple[LeftOut, ...]


def paths_of(entry: Entry) -> tuple[str, ...]:
    """The declared parameters that a rule can ask about, in the order of the schema."""
    return entry.input.paths()


def leaf(params: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401 - a JSON value, or why there is none
    """The value at a dotted path."""
    found: Any = params
    for name in path.split("."):
        if not isinstance(found, dict):
            return found if found is Absent.ERASED else Absent.MISSING
        found = found.get(name, Absent.MISSING)
    return found


SAME = "an action that a rule can't tell from it was rejected or denied"
UNSAID = "no rule about the action type as it is now can say it"


def propose(
    catalogue: Catalogue, agent: str, entry: Entry, examples: Sequence[Example], *, payments: bool, first: int = 1
) -> Iterator[Proposal | None]:
    """The rules for one action type of one agent, numbered from `first`; None each time that others may go on, the proposal last.

    Of payments, what people approved keeps its hold unless `payments`.
    """
    builder = _Builder(catalogue, agent, entry, tuple(examples), first)
    money = entry.klass is ActionClass.PAYMENT or entry.amount is not None
    wanted = [one for one in examples if one.fates[Fate.ALLOWED] or one.fates[Fate.APPROVED]]
    held: dict[tuple[Requirement, ...], list[Example]] = {}
    allowed: list[Example] = []
    for one in wanted:
        if money and not payments and one.fates[Fate.APPROVED]:
            held.setdefault(one.asks or (DEFAULT_REQUIREMENT,), []).append(one)
        else:
            allowed.append(one)
    with_people = [one for group in held.values() for one in group]
    yield from builder.cover(allowed, (None,), apart=with_people)
    for asks, group in held.items():
        yield from builder.cover(group, asks, apart=allowed)
    yield builder.proposal()


class _Builder:
    """Makes the rules of one action type."""

    def __init__(
        self, catalogue: Catalogue, agent: str, entry: Entry, examples: tuple[Example, ...], first: int
    ) -> None:
        self._first = first
        self._catalogue = catalogue
        self._agent = agent
        self._entry = entry
        self._examples = examples
        self._secret = frozenset(
            path
            for path in paths_of(entry)
            if entry.kind(path) is Kind.SECRET or any(one.leaves[path] is Absent.ERASED for one in examples)
        )
        self._rules: list[Suggested] = []
        self._could_be_read = False
        self._left: Counter[str] = Counter()

    def proposal(self) -> Proposal:
        """What was made."""
        left = tuple(LeftOut(self._entry.name, count, why) for why, count in sorted(self._left.items()))
        return Proposal(tuple(self._rules), left)

    def cover(
        self, rows: list[Example], asks: tuple[Requirement | None, ...], *, apart: Sequence[Example]
    ) -> Iterator[None]:
        """Add rules that cover `rows`, and if possible nothing of `apart`; `asks` are the requirements of holds, or None for an allow."""
        kept_apart = frozenset(map(id, apart))
        # What looks the same as something refused can't be covered without it.
        fine = [one for one in rows if not one.fates[Fate.REFUSED]]
        self._leave([one for one in rows if one.fates[Fate.REFUSED]], SAME)
        waiting = [part for part in self._split(fine) if part]
        while waiting:
            yield None
            part = waiting.pop(0)
            if len(self._rules) + len(waiting) >= MAX_RULES:
                self._leave(part, f"it would take more than {MAX_RULES} rules")
                continue
            made = self._narrowest(part, asks, kept_apart)
            if made is not None:
                self._rules += made
                continue
            parts = self._parted(part)
            if len(parts) < 2:  # noqa: PLR2004 - nothing tells them apart
                self._leave(part, SAME if self._could_be_read else UNSAID)
            waiting = [*(parts if len(parts) > 1 else []), *waiting]

    def _narrowest(
        self, rows: list[Example], asks: tuple[Requirement | None, ...], apart: frozenset[int]
    ) -> list[Suggested] | None:
        """The rules for `rows` in the first way that covers nothing that it may not."""
        for avoided in dict.fromkeys((apart, frozenset[int]())):
            for mode in Mode:
                made = self._made(rows, mode, asks, avoided)
                if made is not None:
                    return made
        return None

    def _leave(self, rows: Iterable[Example], why: str) -> None:
        count = _weight(rows)
        if count:
            self._left[why] += count

    # --- one rule -----------------------------------------------------------------------------------------------------

    def _bounds(self, rows: Sequence[Example], mode: Mode) -> dict[str, Bound]:
        """What every path of the schema is bounded to by these rows."""
        found: dict[str, Bound] = {}
        amount = self._entry.amount[0].removeprefix("params.") if self._entry.amount else ""
        for path in paths_of(self._entry):
            if any(path.startswith(f"{above}.") and bound.absent for above, bound in found.items()):
                continue
            kind = self._entry.kind(path)
            comparable = kind in COMPARABLE and path not in self._secret
            values = [one.leaves[path] for one in rows]
            found[path] = bound_of(f"params.{path}", values, kind, mode, comparable=comparable, amount=path == amount)
        self._join_amount(found)
        return found

    def _join_amount(self, bounds: dict[str, Bound]) -> None:
        """A range of the declared amount says its currency with it."""
        if self._entry.amount is None:
            return
        value, currency = (path.removeprefix("params.") for path in self._entry.amount)
        joined = of_amount(bounds.get(value, Bound()), bounds.get(currency, Bound()), self._entry.amount)
        if joined is not None:
            bounds[value] = replace(bounds[value], match={"amount": joined})
            bounds[currency] = replace(bounds[currency], match={})

    def _made(
        self, rows: Sequence[Example], mode: Mode, asks: tuple[Requirement | None, ...], apart: frozenset[int]
    ) -> list[Suggested] | None:
        """The rule, once for each requirement, where it covers all of `rows` and nothing refused or in `apart`."""
        bounds = self._bounds(rows, mode)
        match = self._match(rows, bounds.values())
        made: list[Suggested] = []
        self._could_be_read = False
        for ask in asks:
            text = rule_text(self._name(len(made)), match, ask, self._reason(ask))
            rule = self._read(text)
            if rule is None:
                return None
            self._could_be_read = True
            covered = self._covered(rule)
            if any(one.fates[Fate.REFUSED] or id(one) in apart for one in covered):
                return None
            if not frozenset(map(id, rows)) <= frozenset(map(id, covered)):
                return None
            made.append(self._told(rule, text, rows, covered, bounds))
        return made

    def _told(
        self, rule: Rule, text: str, rows: Sequence[Example], covered: list[Example], bounds: Mapping[str, Bound]
    ) -> Suggested:
        mine = {id(one) for one in rows}
        others: Counter[State] = Counter()
        for one in covered:
            others += one.ends
            if id(one) in mine:
                others -= Counter({state: one.ends[state] for state in (*_YES, State.APPROVED)})
        unlimited = tuple(f"params.{path}" for path, bound in bounds.items() if bound.unlimited and self._is_free(path))
        if self._entry.input.open_at(""):
            unlimited = (*unlimited, "parameters that the action type doesn't declare")
        return Suggested(rule, text, _weight(rows), dict(others), unlimited)

    def _is_free(self, path: str) -> bool:
        """Whether anything may stand at a path that has no bound: an object may not, whose members are all declared and bounded."""
        members = any(one.startswith(f"{path}.") for one in paths_of(self._entry))
        return not members or self._entry.input.open_at(path)

    def _match(self, rows: Sequence[Example], bounds: Iterable[Bound]) -> dict[str, Json]:
        """The conditions; what would say the same key twice goes under `all`."""
        match: dict[str, Json] = {
            "agent": self._agent,
            "tool": self._entry.tool,
            "operation": self._entry.operation,
        }
        servers = sorted({one.asked.server or "" for one in rows})
        if servers != [""]:
            if "" in servers:
                match["any"] = [{"server": {"exists": False}}, {"server": {"in": [*servers[1:]]}}]
            else:
                match["server"] = servers[0] if len(servers) == 1 else {"in": [*servers]}
        further: list[Json] = []
        for bound in bounds:
            if match.keys() & bound.match.keys():
                further.append(bound.match)
            else:
                match.update(bound.match)
        if further:
            match["all"] = further
        return match

    def _name(self, offset: int) -> str:
        number = self._first + len(self._rules) + offset
        stem = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in self._agent.lower())
        name = f"{stem.strip('-')[:24] or 'agent'}-{self._entry.name.replace('.', '-').replace('_', '-')}"
        return f"{name[:60].rstrip('-')}-{number}"

    def _reason(self, ask: Requirement | None) -> str:
        return "As recorded" if ask is None else "As recorded: a person decides"

    def _read(self, text: str) -> Rule | None:
        """The rule as a file with it would be read; None where it can't be."""
        faults = Faults("suggestion")
        node = parse(text.encode(), faults)
        items = node.value if node is not None and isinstance(node.value, list) else ()
        rules = read_rules(items, self._catalogue, DEFAULT_REQUIREMENT, faults, Faults("suggestion"))
        return None if faults.problems or len(rules) != 1 else rules[0]

    def _covered(self, rule: Rule) -> list[Example]:
        """The examples that the rule speaks about."""
        policy = Policy(self._catalogue, (rule,))
        return [one for one in self._examples if speaks(policy, rule, one.asked)]

    # --- several rules ------------------------------------------------------------------------------------------------

    def _split(self, rows: list[Example]) -> list[list[Example]]:
        """The rows in one part, or in several where rules for those are narrower by more than the field that tells them apart."""
        if not rows:
            return []
        whole = self._width(rows)
        best, gain = [rows], _GAIN
        for path in paths_of(self._entry):
            if path in self._secret or self._entry.input.kind(path) not in COMPARABLE:
                continue
            parts = _by_value(rows, path)
            if not 1 < len(parts) <= MAX_PARTS or any(_weight(part) < 2 for part in parts):  # noqa: PLR2004 - one says nothing
                continue
            narrower = whole - sum(self._width(part) * _weight(part) for part in parts) / _weight(rows)
            if narrower > gain:
                best, gain = parts, narrower
        return best

    def _width(self, rows: Sequence[Example]) -> float:
        return sum(width(bound) for bound in self._bounds(rows, Mode.WIDE).values())

    def _parted(self, rows: list[Example]) -> list[list[Example]]:
        """The rows apart by the field with the fewest values, of those that tell any apart."""
        choices = [
            parts
            for path in paths_of(self._entry)
            if path not in self._secret and len(parts := _by_value(rows, path)) > 1
        ]
        return min(choices, key=len, default=[rows])


def _weight(rows: Iterable[Example]) -> int:
    """How many recorded actions they are evidence of."""
    return sum(one.fates[Fate.ALLOWED] + one.fates[Fate.APPROVED] for one in rows)


def _by_value(rows: Iterable[Example], path: str) -> list[list[Example]]:
    """Rows with the same value of a path together, in the order of first sight."""
    parts: dict[object, list[Example]] = {}
    for one in rows:
        value = one.leaves[path]
        key = (type(value), value) if not isinstance(value, dict | list) else (type(value), "")
        parts.setdefault(key, []).append(one)
    return list(parts.values())


def speaks(policy: Policy, rule: Rule, asked: Input) -> bool:
    """Whether `rule`, alone in `policy`, speaks about an action."""
    vote = policy.judge(asked).votes[0]
    return vote.source is Source.RULE and vote.name == rule.name and vote.code is Code.RULE


def as_judged(asked: Input, entry: Entry) -> Input:
    """The input as the catalogue of now has it."""
    return replace(asked, klass=entry.klass)

"""Suggest a policy: the narrowest rules that would have covered what one agent was allowed or people approved, with the evidence for each.

Nothing is activated, and nothing is suggested that covers what a person rejected or a policy denied. Leaves that were sealed as secret stay sealed
here for everybody: no rule of a suggestion shows or compares one.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from aaf.domain.canonical import Json
from aaf.domain.decision import Verdict
from aaf.domain.instants import instant
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord, DataKey
from aaf.policy.catalogue import Catalogue
from aaf.policy.judge import Policy
from aaf.policy.operands.answers import Absent
from aaf.policy.replaying import fits
from aaf.policy.suggesting import Example, Fate, LeftOut, Proposal, Suggested, as_judged, fate, leaf, paths_of, propose
from aaf.policy.suggesting_text import document, quoted
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.replay import BREATH, PAGE, Progress, agent_id
from aaf.services.replay_judging import NotDecidable, Opened, opened

MAX_EXAMPLES = 2_000
"""Actions of one type that rules could tell apart; further ones are left out, and said."""
MAX_REFUSED = 5_000
"""Refused actions of one type that rules could tell apart; beyond them nothing is suggested, because no rule could be held to all of them."""
_FLOODED = "there are more than {} different refused ones; look at a shorter time"
_MANY = "there are more than {} different ones; look at a shorter time"
_UNKNOWN = "the catalogue has no such action type now"
_GONE = "the recorded values are gone or can't be read"
_LONG, _TAIL = 4_096, 64
"""Characters that are kept of a long text, from its beginning and its end."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Whose history to look at, by name or id, and what of it: instants in microseconds, action types such as `files.*`.

    With `payments`, what people approved of them is allowed too instead of held.
    """

    agent: str
    since: int = 0
    until: int | None = None
    types: tuple[str, ...] = ()
    payments: bool = False


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The end: rules with their evidence, evidence that they leave out, and what they alone would have said of everything that was looked at."""

    sought: Sought
    agent: str
    release: int
    until: int
    rules: tuple[Suggested, ...]
    left_out: tuple[LeftOut, ...]
    evidence: int
    others: int
    verdicts: dict[Verdict, int]

    @property
    def text(self) -> str:
        """The file."""
        shown = ((_evidence(one), one.text) for one in self.rules)
        heading = [
            f"Suggested for the agent {quoted(self.agent)} from {self.evidence} recorded actions that were allowed or approved,",
            f"{instant(self.sought.since)} to {instant(self.until)}, and {self.others} others; release {self.release}.",
            *(f"Left out: {one.count} of {one.type}, because {one.why}." for one in self.left_out),
        ]
        return document(shown, heading)

    def to_json(self) -> dict[str, Json]:
        """As shown."""
        return {
            "agent": self.agent,
            "evidence": self.evidence,
            "left_out": [{"count": one.count, "type": one.type, "why": one.why} for one in self.left_out],
            "others": self.others,
            "release": self.release,
            "rules": [
                {
                    "also_covers": {str(state): count for state, count in sorted(one.others.items())},
                    "covers": one.covers,
                    "decision": one.rule.decision,
                    "name": one.rule.name,
                    "unlimited": [*one.unlimited],
                    "yaml": one.text,
                }
                for one in self.rules
            ],
            "since": instant(self.sought.since),
            "until": instant(self.until),
            "verdicts": {str(verdict): count for verdict, count in sorted(self.verdicts.items())},
            "yaml": self.text,
        }


def _evidence(one: Suggested) -> list[str]:
    """The comments above a rule."""
    found = [f"Covers {one.covers} of the recorded actions that were allowed or approved."]
    if one.others:
        ends = ", ".join(f"{count} {state}" for state, count in sorted(one.others.items()))
        found.append(f"Would also have covered: {ends}.")
    if one.unlimited:
        found.append(f"Does not limit {', '.join(one.unlimited)}.")
    return found


async def suggest(core: Core, caller: Caller, sought: Sought) -> AsyncIterator[Progress | Suggestion]:
    """Begin; the suggestion is what comes last.

    Raises:
        NotPermitted: the caller may not have decisions explained.
        NotFound: there is no such agent.
    """
    require(caller, Permission.ORG_DECISION_EXPLAIN)
    agent = agent_id(caller, sought.agent)
    now = await core.store.now()
    until = now if sought.until is None else min(sought.until, now)
    return _Look(core, sought, caller.known.configuration.catalogue).steps(caller, agent, until)


@dataclass(slots=True)
class _Look:
    """One look at the history of one agent."""

    core: Core
    sought: Sought
    catalogue: Catalogue
    seen: dict[str, dict[tuple[Any, ...], Example]] = field(default_factory=dict)
    flooded: set[str] = field(default_factory=set)
    left: Counter[tuple[str, str]] = field(default_factory=Counter)
    evidence: int = 0
    others: int = 0

    async def steps(self, caller: Caller, agent: str, until: int) -> AsyncIterator[Progress | Suggestion]:
        """Read page by page, oldest first, then make the rules type by type."""
        org, release, name = caller.principal.org, caller.known.release, caller.known.name(agent)
        after, first, at = "", until, until
        while True:
            caller = await caller.again(self.core)
            require(caller, Permission.ORG_DECISION_EXPLAIN)
            page = await self.core.store.decided(org, since=self.sought.since, after=after, limit=PAGE)
            keys: dict[str, DataKey | None] = {}
            for number, row in enumerate(page):
                record, at = row.action, row.action.created_at
                first = min(first, at)
                if number % BREATH == 0:
                    yield Progress(self.evidence + self.others, first, at, until)
                if record.agent != agent or at > until or not fits(record.type, self.sought.types):
                    continue
                try:
                    self._take(record, await opened(self.core, row, keys, disclose=False))
                except NotDecidable:
                    self._leave(record, _GONE)
            if len(page) < PAGE:
                break
            after = page[-1].action.id
        rules: list[Suggested] = []
        left: list[LeftOut] = []
        for kind in sorted(self.seen):
            entry, examples = self.catalogue[kind], tuple(self.seen[kind].values())
            steps = propose(self.catalogue, name, entry, examples, payments=self.sought.payments, first=len(rules) + 1)
            for step in steps:
                yield Progress(self.evidence + self.others, first, at, until)
                if isinstance(step, Proposal):
                    rules += step.rules
                    left += step.left_out
        left += [LeftOut(kind, count, why) for (kind, why), count in sorted(self.left.items())]
        verdicts = self._verdicts(rules)
        yield Suggestion(
            self.sought, name, release, until, tuple(rules), tuple(left), self.evidence, self.others, verdicts
        )

    def _take(self, record: ActionRecord, found: Opened) -> None:
        """Count one action among those that look like it."""
        entry = self.catalogue.get(record.type)
        if entry is None:
            self._leave(record, _UNKNOWN)
            return
        what = fate(record)
        asked = as_judged(found.asked, entry)
        leaves = {path: _short(leaf(asked.params, path)) for path in paths_of(entry)}
        key = (record.server, *(_key(value) for value in leaves.values()))
        known = self.seen.setdefault(record.type, {})
        example = known.get(key)
        if record.type in self.flooded:
            self._leave(record, _FLOODED.format(MAX_REFUSED))
            return
        if example is None:
            if len(known) >= MAX_EXAMPLES and what is not Fate.REFUSED:
                self._leave(record, _MANY.format(MAX_EXAMPLES))
                return
            if len(known) >= MAX_EXAMPLES + MAX_REFUSED:
                self._give_up(record.type)
                self._leave(record, _FLOODED.format(MAX_REFUSED))
                return
            kept = replace(asked, params=_rebuilt(leaves), context={})
            example = known[key] = Example(kept, leaves)
        self._count(what)
        example.fates[what] += 1
        example.ends[record.state] += 1
        if what is Fate.APPROVED:
            example.asks = record.requirements

    def _give_up(self, kind: str) -> None:
        """Forget the examples of a type; what was evidence is left out."""
        self.flooded.add(kind)
        for example in self.seen[kind].values():
            count = example.fates[Fate.ALLOWED] + example.fates[Fate.APPROVED]
            if count:
                self.left[kind, _FLOODED.format(MAX_REFUSED)] += count
        self.seen[kind].clear()

    def _leave(self, record: ActionRecord, why: str) -> None:
        what = fate(record)
        self._count(what)
        if what in {Fate.ALLOWED, Fate.APPROVED}:
            self.left[record.type, why] += 1

    def _count(self, what: Fate) -> None:
        if what in {Fate.ALLOWED, Fate.APPROVED}:
            self.evidence += 1
        else:
            self.others += 1

    def _verdicts(self, rules: list[Suggested]) -> dict[Verdict, int]:
        """What the rules alone, without any default, say of everything that was taken."""
        policy = Policy(self.catalogue, [one.rule for one in rules])
        found: Counter[Verdict] = Counter()
        for known in self.seen.values():
            for example in known.values():
                found[policy.judge(example.asked).verdict] += example.ends.total()
        return dict(found)


def _short(value: Any) -> Any:  # noqa: ANN401 - a JSON value, or why there is none
    """The value; of a long text, which no rule will name, its beginning and end."""
    if isinstance(value, str) and len(value) > _LONG:
        return f"{value[:_LONG]}\0{value[-_TAIL:]}"
    return value


def _key(value: Any) -> tuple[str, Any]:  # noqa: ANN401 - as above
    """What tells values apart; of objects and lists a rule can only ask whether they are there."""
    if value is None or isinstance(value, bool | int | float | str | Absent):
        return type(value).__name__, value
    return "structure", None


def _rebuilt(leaves: dict[str, Any]) -> dict[str, Any]:
    """Parameters with these leaves, and nothing else."""
    found: dict[str, Any] = {}
    for path, value in leaves.items():
        if value is Absent.MISSING:
            continue
        *above, name = path.split(".")
        inside = found
        for step in above:
            inside = inside.setdefault(step, {}) if isinstance(inside.get(step, {}), dict) else {}
        inside[name] = {} if isinstance(value, dict) else [] if isinstance(value, list) else value
    return found

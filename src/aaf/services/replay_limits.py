"""Which of a configuration's limits a recorded action says something about: those that counted the same way when it was submitted.

What a limit would have counted instead, nobody knows: such a decision is not decidable where the limit votes, or where a rule or a module
asks for it. A limit that counted nothing for the action then says nothing now either.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from aaf.domain.canonical import Json
from aaf.domain.decision import Vote
from aaf.policy.catalogue import Entry
from aaf.policy.conditions import probes
from aaf.policy.configuration import Configuration
from aaf.policy.decision_input import Input
from aaf.policy.limit_reading import COUNTERS
from aaf.policy.limits import RATE_EXCEEDED, Applying, Limit, Over, Per, SpendLimit
from aaf.services.limiting import amount_of

_ASKS = re.compile(r"\bcounters\b|\brate_limit_exceeded\b|\binput\b(?!\s*\.)")
"""Words of a module that may look at what was counted; a module that takes its whole input may look at anything."""


def held_to(
    configuration: Configuration, then: Configuration | None, recorded: Input, asked: Input, *, faulty: bool
) -> tuple[Input, list[Vote], bool]:
    """`asked` with the counters that `configuration` would know of, what its limits vote, and whether something it asks for wasn't counted.

    `then` is the release that `recorded` was judged under, None where nobody can read it; `faulty` says that the schema refused it, so that
    no spending was counted.
    """
    applying = configuration.limits_on(asked.name)
    limits: list[Limit | SpendLimit] = [*applying.judged, *applying.spend]
    entry = configuration.catalogue.get(asked.name)
    lost = [one for one in limits if not _counted(one, entry, then, recorded, asked, faulty=faulty)]
    known = {limit.name for limit in limits} - {limit.name for limit in lost}
    kept = {name: count for name, count in asked.counters.items() if name.rpartition(".")[0] in known}
    if any(Per.AGENT in limit.per for limit in applying.judged):
        mine = (limit.name for limit in applying.judged if Per.AGENT in limit.per)
        kept[RATE_EXCEEDED] = max(int(kept.get(f"{name}.exceeded", 0)) for name in mine)
    counters = asked.counters if kept == asked.counters else kept
    same = asked if counters is asked.counters else replace(asked, counters=counters)
    return same, applying.votes(counters), any(_matters(limit, configuration, asked.name) for limit in lost)


def of_a_limit(name: str, counters: Mapping[str, int | str]) -> bool:
    """Whether a vote of this name was a limit's of the configuration, which is asked again, and not that of a target."""
    return f"{name}.exceeded" in counters


def _counted(
    limit: Limit | SpendLimit,
    entry: Entry | None,
    then: Configuration | None,
    recorded: Input,
    asked: Input,
    *,
    faulty: bool,
) -> bool:
    """Whether `limit` counted the action then as it would now; a limit of that name that counted otherwise is another one."""
    if then is None or not any(_alike(limit, one) for one in _all(then.limits_on(recorded.name))):
        return False
    if isinstance(limit, Limit):
        return True
    if faulty:
        return False
    before = then.catalogue.get(recorded.name)
    if asked.params is recorded.params and (before and before.amount) == (entry and entry.amount):
        return True
    # No copy: that would look at every sealed value, and this looks at an amount only.
    first, now = (cast("dict[str, Json]", one.params) for one in (recorded, asked))
    return amount_of(before, first) == amount_of(entry, now)


def _all(applying: Applying) -> tuple[Limit | SpendLimit, ...]:
    return (*applying.judged, *applying.spend)


def _alike(one: Limit | SpendLimit, other: Limit | SpendLimit) -> bool:
    """Whether two limits count the same; what they make of it is a configuration's."""
    if isinstance(one, Limit):
        return isinstance(other, Limit) and _plain(one) == _plain(other)
    return isinstance(other, SpendLimit) and replace(one, over=Over.DENY, requirement=None) == replace(
        other, over=Over.DENY, requirement=None
    )


def _plain(rate: Limit) -> Limit:
    return replace(rate, over=Over.INFORM, requirement=None)


def _matters(limit: Limit | SpendLimit, configuration: Configuration, name: str) -> bool:
    """Whether the limit votes, or a rule or a module that could decide on actions of this type asks for it."""
    if limit.over is not Over.INFORM:
        return True
    asked = f"{COUNTERS}{limit.name}."
    if any(
        test.field.startswith(asked) for rule in configuration.policy.rules_for(name) for test in probes(rule.match)
    ):
        return True
    return bool(configuration.modules_for(name)) and asks_for_counters(configuration)


def asks_for_counters(configuration: Configuration) -> bool:
    """Whether one of the modules may look at what was counted."""
    return any(_ASKS.search(one.text) for one in configuration.modules)

"""What an explanation never varies, said where it decided: the time, and what limits had counted.

Neither is the action's own, so no change of the action is one of them.
"""

from collections.abc import Iterable, Iterator

from aaf.domain.canonical import Json
from aaf.domain.decision import Decision, Source, Vote
from aaf.domain.errors import Code
from aaf.domain.instants import instant
from aaf.policy.conditions import probes
from aaf.policy.decision_input import Input
from aaf.policy.limit_reading import COUNTERS
from aaf.policy.rules import Rule

_SECOND = 1_000_000


def of_limit(vote: Vote, asked: Input) -> str:
    """Why no change of the action is looked for where a limit decided."""
    if vote.code is Code.AMOUNT_UNKNOWN:
        return f"what it would spend can't be counted under the limit {vote.name}"
    return f"{_state(vote.name, asked)}; what a limit has counted is never varied"


def unvaried(rules: Iterable[Rule], decision: Decision, asked: Input) -> Iterator[Json]:
    """A sentence for each thing that is never varied and that a rule which decided asks for."""
    deciding = {vote.name for vote in decision.votes if vote.source is Source.RULE}
    for rule in rules:
        if rule.name not in deciding:
            continue
        fields = dict.fromkeys(test.field for test in probes(rule.match))
        if "time" in fields:
            yield f"The rule {rule.name} asks for the time, which is never varied: it was {instant(asked.time)}."
        limits = dict.fromkeys(
            name.removeprefix(COUNTERS).rpartition(".")[0] for name in fields if name.startswith(COUNTERS)
        )
        for limit in limits:
            if f"{limit}.exceeded" in asked.counters:
                yield f"The rule {rule.name} asks for what was counted, which is never varied: {_state(limit, asked)}."


def _state(limit: str, asked: Input) -> str:
    """What a limit had counted when the action was judged."""
    wait, left = asked.counters.get(f"{limit}.retry_after"), asked.counters.get(f"{limit}.remaining")
    if isinstance(wait, int) and wait:
        return f"the limit {limit} is used up until {instant(asked.time + wait * _SECOND)}"
    return f"the limit {limit} had {left} left"

"""The smallest change of an action that policy would answer otherwise: each candidate is judged for real, within a bound.

What is tried touches nothing outside, is charged to nobody but whoever asks, and leaves no line in the log. Only what policy decided is varied:
what a guard refused, its fault explains.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aaf.domain.canonical import Json
from aaf.domain.decision import Verdict
from aaf.domain.errors import Code
from aaf.domain.metering import UNCOUNTED
from aaf.domain.spending import micros
from aaf.policy.catalogue import Entry
from aaf.policy.conditions import Condition
from aaf.policy.counterfactual import Change, changed, changes, pairs
from aaf.policy.rego.answers import Answer
from aaf.policy.rego.module import Module
from aaf.ports import PolicyEngine
from aaf.services.core import Core, Known
from aaf.services.judging import Judged, Question, judge
from aaf.services.limiting import amount_of

MAX_TRIED = 400
"""Judgements for one explanation, where rules alone decide."""
MAX_ASKED = 120
"""The same where modules are asked each time."""


def recounted(known: Known, question: Question, params: dict[str, Json]) -> Mapping[str, int | str] | None:
    """What ceilings would have known of other parameters, from what they had left; None where they had counted another currency, or none."""
    spend = [
        limit
        for limit in known.configuration.limits_on(question.name).spend
        if f"{limit.name}.exceeded" in question.counters
    ]
    entry = known.configuration.catalogue.get(question.name)
    before, now = amount_of(entry, question.params), amount_of(entry, params)
    if not spend or before == now:
        return question.counters
    counters = dict(question.counters)
    for limit in spend:
        left = micros(question.counters[f"{limit.name}.remaining"])
        if now[0] is None or before[1] != now[1] or f"{limit.name}.unknown" in counters or left is None:
            return None
        counters[f"{limit.name}.exceeded"] = int(now[0] > left)
    return counters


class Unlogged:
    """A log for what never happened."""

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        """Forget it."""


@dataclass(frozen=True, slots=True)
class AskedBy:
    """The engine, where whoever explains answers for the workers that it costs, never the agent."""

    engine: PolicyEngine
    asker: str

    async def evaluate(
        self, modules: tuple[Module, ...], applying: tuple[Module, ...], document: bytes, facts: bytes, _: str = "", /
    ) -> tuple[Answer, ...]:
        """Ask in the name of the asker.

        Raises:
            PolicyFailed: as the engine.
        """
        return await self.engine.evaluate(modules, applying, document, facts, self.asker)

    async def close(self) -> None:
        """The engine is somebody else's."""


def rehearsing(core: Core, asker: str) -> Core:
    """The ports for judging what isn't to happen."""
    return replace(core, log=Unlogged(), meter=UNCOUNTED, engine=AskedBy(core.engine, asker))


@dataclass(frozen=True, slots=True)
class Found:
    """Changes that together are judged otherwise, and how."""

    made: tuple[Change, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Varied:
    """What was found, how many judgements it took, and why there is nothing where there is nothing."""

    found: tuple[Found, ...] = ()
    tried: int = 0
    why: str = ""


async def vary(
    core: Core,
    known: Known,
    question: Question,
    *,
    verdict: Verdict,
    entry: Entry,
    conditions: Iterable[Condition],
    modules: tuple[Module, ...],
) -> Varied:
    """For each other verdict the smallest change of one field that leads to it; where that frees nothing, of two fields.

    `core` is of `rehearsing`; `question` is the action as it was; `verdict` what it got.
    """
    base = await _judged(core, known, question, question.params)
    if base is None or base.decision.verdict is not verdict:
        return Varied(why="judged again as it is, this action isn't decided the same, so no change of it can be tried")
    singles = changes(conditions, modules, question.params, entry)
    if not singles:
        return Varied(why="no test that applies is about a parameter that could be otherwise")
    room = MAX_ASKED if modules else MAX_TRIED
    found: dict[Verdict, Found] = {}
    tried = 0
    for made in ((one,) for one in singles[:room]):
        tried += 1
        await _try(core, known, question, made, verdict, found)
    wanted = set(Verdict) - {verdict} if verdict is Verdict.ALLOW else {Verdict.ALLOW}
    if found.keys().isdisjoint(wanted):
        for pair in pairs(singles):
            if tried >= room or not found.keys().isdisjoint(wanted):
                break
            tried += 1
            await _try(core, known, question, pair, verdict, found)
    why = "" if found else "the answer stayed the same whatever was tried, one field and then two at a time"
    return Varied(tuple(found.values()), tried, why)


async def _try(
    core: Core,
    known: Known,
    question: Question,
    made: tuple[Change, ...],
    verdict: Verdict,
    found: dict[Verdict, Found],
) -> None:
    judged = await _judged(core, known, question, changed(question.params, made))
    if judged is not None and judged.decision.verdict is not verdict and _is_policys(judged):
        found.setdefault(judged.decision.verdict, Found(made, judged.decision.verdict))


def _is_policys(judged: Judged) -> bool:
    """Whether rules, modules or defaults decided it: what a guard says of a changed value is no answer of policy."""
    return all(vote.source in {"default", "module", "rule"} for vote in judged.decision.votes) and not any(
        vote.code in _FAILED for vote in judged.decision.votes
    )


_FAILED = frozenset(
    {
        Code.POLICY_CONFLICT,
        Code.POLICY_ENGINE_CRASHED,
        Code.POLICY_ENGINE_UNAVAILABLE,
        Code.POLICY_ERROR,
        Code.POLICY_TIMEOUT,
    }
)
"""An engine that gives no answer denies, but not because of the value."""


async def _judged(core: Core, known: Known, question: Question, params: dict[str, Json]) -> Judged | None:
    """The judgement, or None where there can't be one: then this change is no example."""
    try:
        counters = recounted(known, question, params)
        if counters is None:
            return None
        tried = replace(question, params=params, counters=counters, rehearsal=True, again=True, dry_run=False)
        return await judge(core, known, tried)
    except Exception:  # noqa: BLE001 - what can't be judged, for whatever reason, is no example of anything
        return None

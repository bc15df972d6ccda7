"""Judge a policy test case as a submission is judged: read, formed, analysed, asked of modules and rules, combined. Nothing is recorded and nothing runs.

The way is the one of `submit`, without the store: what a submission is charged, and what the door's rate says, a case doesn't know. What the
engine can't answer is a deny here as there.
"""

from dataclasses import dataclass

from aaf.domain.decision import Verdict
from aaf.domain.errors import InputRefused
from aaf.domain.finding import Finding, Severity
from aaf.domain.principal import Kind, Principal
from aaf.policy.cases import REFUSED, Case, Given, Outcome
from aaf.policy.configuration import Configuration
from aaf.policy.limits import RATE_EXCEEDED, Enforce
from aaf.policy.rego.document import encoded
from aaf.policy.rego.module import Module
from aaf.services.core import Caller, Core, Known
from aaf.services.forming import Formed, form, read_submission
from aaf.services.judging import Judged, Question, facts_of, judge

ORG = "00000000-0000-7000-8000-000000000000"
"""The organisation of every case."""
_NOTE = "The test says so."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a case asked policy modules: those that apply, the document that they saw, the facts of their functions."""

    modules: tuple[Module, ...]
    document: bytes
    facts: bytes


async def rehearse(core: Core, configuration: Configuration, case: Case) -> tuple[Outcome, Asked | None]:
    """What becomes of the case, and what modules saw of it; None where none would be asked."""
    given = case.given
    known = Known(org=ORG, epoch=0, release=0, configuration=configuration, people={}, keys={})
    principal = Principal(ORG, Kind.AGENT, given.agent_id, given.agent, given.roles, credential="")
    try:
        formed = form(core, Caller(principal, known), read_submission(dict(given.body)))
    except InputRefused as refused:
        return Outcome(REFUSED, str(refused.code), said=(refused.message,)), None
    judged = await judge(core, known, _question(core, principal, configuration, given, formed))
    outcome = Outcome(
        decision=judged.decision.verdict.value,
        code=str(judged.decision.code),
        reasons={vote.name: vote.reason for vote in judged.decision.votes},
        risk=judged.risk.value,
        requirements=judged.decision.requirements,
        spoke=tuple(vote.name for vote in configuration.policy.matching(judged.input)),
        said=tuple(f"{fault.path}: {fault.message}" for fault in formed.faults),
    )
    return outcome, _asked(known, judged, formed)


def _question(core: Core, principal: Principal, configuration: Configuration, given: Given, formed: Formed) -> Question:
    """What `submit` would ask, with what the case adds."""
    policy_asks = any(limit.enforce is Enforce.POLICY for limit in configuration.limits)
    return Question(
        principal=principal,
        name=formed.submission.name,
        server=formed.submission.server,
        params=formed.params,
        context=formed.submission.context,
        action=core.ids.new(),
        at=given.time,
        faults=formed.fault_code,
        counters={**({RATE_EXCEEDED: 0} if policy_asks else {}), **given.counters},
        seen=tuple(Finding(code, Severity.INFO, "params", _NOTE) for code in given.findings),
        least=given.risk,
        labels=given.labels,
    )


def _asked(known: Known, judged: Judged, formed: Formed) -> Asked | None:
    """What modules saw; nothing where there is none for this type, or where a guard denied before they were asked."""
    applying = known.configuration.modules_for(judged.input.name)
    guarded = judged.decision.verdict is Verdict.DENY and formed.fault_code is not None
    if not applying or guarded:
        return None
    return Asked(applying, encoded(judged.input, judged.entry), facts_of(known, judged.input))

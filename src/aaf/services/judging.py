"""Judge an action under what is known now: guards first, then policy modules and rules, then the most restrictive wins.

Used when an action is submitted and again before it runs, on the same stored values. An error on the way is a deny that names its cause.
Nothing is written here and no limit is charged.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aaf.analysis import deployment
from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import Decision, Source, Verdict, Vote, combine
from aaf.domain.effect import Effect
from aaf.domain.errors import AafError, Code, ConnectorFailed, PolicyFailed
from aaf.domain.finding import Charge, Finding, Severity
from aaf.domain.metering import Metric
from aaf.domain.principal import Principal
from aaf.policy.catalogue import ActionClass, Entry, Risk
from aaf.policy.decision_input import Input
from aaf.policy.limits import RATE_EXCEEDED, seconds
from aaf.policy.rego.answers import NOTHING, Spoken, spoken
from aaf.policy.rego.document import encoded
from aaf.policy.rego.module import Module
from aaf.ports import Connector
from aaf.services.core import Core, Known
from aaf.services.quoting import DEPTH, quoted, too_crowded

MAX_SHOWN = 131_072
"""Canonical bytes of parameters and context that a held action may have."""
MAX_ROWS = 2_000
"""Single values of parameters and context that a held action may have."""

_IN_WORDS_OF_THE_ENGINE = frozenset({Code.POLICY_CONFLICT, Code.POLICY_ERROR})
"""Failures whose detail may quote a value of the action."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be judged: the agent, the action's name and values, and the faults that forming it found.

    `dry_run` asks for one even where the answer is allow: the approval rested on what an earlier one found. `counters` are those of the
    submission, also when it is judged again; `again` says that it is, so that no rate is looked at. `rehearsal` asks what would be decided:
    nothing outside is touched, so no dry run is made. `seen`, `least` and `labels` are what a policy test says of analysis, of the risk and
    of the session: they only add.
    """

    principal: Principal
    name: str
    server: str | None
    params: dict[str, Json]
    context: dict[str, Json]
    action: str
    at: int
    faults: Code | None = None
    dry_run: bool = False
    again: bool = False
    rehearsal: bool = False
    counters: Mapping[str, int | str] = field(default_factory=lambda: MappingProxyType({}))
    seen: tuple[Finding, ...] = ()
    least: Risk = Risk.LOW
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision with what it was made from; `effect` is what the dry run found, for holds of a connector.

    `charges` are the rates of the action's target, to be charged with the record.
    """

    decision: Decision
    input: Input
    entry: Entry | None
    findings: tuple[Finding, ...] = ()
    target: str | None = None
    effect: Effect | None = None
    charges: tuple[Charge, ...] = ()

    @property
    def risk(self) -> Risk:
        """What analysis found, or more where a deciding module says so; never less."""
        stated = (Risk(vote.risk) for vote in self.decision.votes if vote.risk)
        return max((self.input.risk, *stated), key=lambda risk: risk.level)


_UNREADABLE = combine(
    pool=(Vote(Verdict.DENY, Source.GUARD, Code.VALUE_TOO_LONG, "view", "This is more than a person can review."),)
)


async def judge(core: Core, known: Known, question: Question) -> Judged:
    """Decide; a hold of a connector's action is dry-run, and a dry run that fails is a deny with the connector's code."""
    entry = known.configuration.catalogue.get(question.name)
    settings, timeout = known.configuration.connectors, known.configuration.run_timeout
    connector = core.connectors.get(entry.effect, settings, timeout, entry.secrets) if entry else None
    guards = _guards(question, entry, connector)
    findings: tuple[Finding, ...] = ()
    charges: tuple[Charge, ...] = ()
    target: str | None = None
    if entry is not None and connector is not None and question.faults is None:
        try:
            analysis = connector.analyse(operation=entry.operation, params=question.params)
        except AafError as failure:
            guards.append(_deny(failure.code, "analysis", "The action could not be analysed."))
        except Exception as failure:  # noqa: BLE001 - whatever a connector raises before the decision is a deny
            core.log.entry("analysis_crashed", {"action": question.action, "cause": type(failure).__name__})
            guards.append(_deny(Code.CONNECTOR_FAILED, "analysis", "The action could not be analysed."))
        else:
            findings, target, charges = analysis.findings, analysis.target, analysis.charges
            guards += [_deny(found.deny, found.code, found.note) for found in findings if found.deny is not None]
    variables = deployment.findings(entry.klass if entry else None, question.params)
    guards += [_deny(found.deny, found.code, found.note) for found in variables if found.deny is not None]
    findings += (*variables, *_searched(core, question, guards), *question.seen)
    asked = _input(known, question, entry, findings)
    guards += known.configuration.limits_on(asked.name).votes(asked.counters)
    if charges and not question.again:
        guards += await _over_their_rate(core, known.org, charges, question.at)
    applying = known.configuration.modules_for(asked.name)
    said = await _asked_modules(core, known, entry, asked, guards, applying) if applying else NOTHING
    decision = known.configuration.policy.judge(asked, guards, said)
    if decision.verdict is Verdict.REQUIRE_APPROVAL and more_than_can_be_reviewed(question):
        decision = _UNREADABLE
    effect: Effect | None = None
    if entry is not None and connector is not None and _wants_dry_run(decision.verdict, question):
        try:
            effect = await connector.dry_run(operation=entry.operation, params=question.params)
        except ConnectorFailed as failure:
            core.log.entry("dry_run_failed", {"action": question.action, "cause": failure.detail, "code": failure.code})
            decision = combine(pool=(_deny(failure.code, "dry_run", failure.message),))
        except Exception as failure:  # noqa: BLE001 - as above
            core.log.entry("dry_run_crashed", {"action": question.action, "cause": type(failure).__name__})
            decision = combine(pool=(_deny(Code.CONNECTOR_FAILED, "dry_run", "The dry run failed."),))
    if decision.verdict is Verdict.REQUIRE_APPROVAL and too_crowded(question.params, question.context, effect):
        decision = _UNREADABLE
    return Judged(decision, asked, entry, findings, target, effect, charges)


def _searched(core: Core, question: Question, guards: list[Vote]) -> tuple[Finding, ...]:
    """What the search for secrets found; where it fails the answer is no, and nothing of the action is disclosed later."""
    try:
        return quoted(core, params=question.params, context=question.context)
    except Exception as failure:  # noqa: BLE001 - what can't be searched can't be shown
        code = failure.code if isinstance(failure, AafError) else Code.INTERNAL_ERROR
        core.log.entry("search_failed", {"action": question.action, "cause": type(failure).__name__, "code": str(code)})
        guards.append(_deny(code, "secrets", "The action could not be searched for secrets."))
        note = "This could not be searched for secrets."
        return tuple(Finding(Code.SECRET_DETECTED, Severity.HIGH, field, note) for field in ("params", "context"))


async def _asked_modules(
    core: Core, known: Known, entry: Entry | None, asked: Input, guards: list[Vote], applying: tuple[Module, ...]
) -> Spoken:
    """What policy modules say; a failure is one more vote in `guards`, a deny.

    What a guard denies isn't shown to them: it may be no more than bytes that the schema refused.
    """
    configuration = known.configuration
    if any(vote.verdict is Verdict.DENY for vote in guards):
        return NOTHING
    try:
        document, facts = encoded(asked, entry), facts_of(known, asked)
        answers = await core.engine.evaluate(configuration.modules, applying, document, facts, asked.agent_id)
        return spoken(tuple(zip(applying, answers, strict=True)), configuration.approvals)
    except PolicyFailed as failure:
        guards.append(failed_policy(failure))
        where: dict[str, Json] = {"line": failure.line, "module": failure.module}
        if failure.code not in _IN_WORDS_OF_THE_ENGINE:
            where["cause"] = failure.detail
    except Exception as failure:  # noqa: BLE001 - whatever keeps modules from an answer, the answer is no
        guards.append(failed_policy(PolicyFailed(Code.POLICY_ERROR, "The policy modules could not be asked.")))
        where = {"cause": type(failure).__name__}
    code = str(guards[-1].code)
    core.log.entry("policy_failed", {"action": asked.action_id, "code": code, **where})
    core.meter.add(Metric.POLICY_FAILURES, code)
    return NOTHING


def failed_policy(failure: PolicyFailed) -> Vote:
    """Modules that gave no answer deny."""
    return Vote(Verdict.DENY, Source.MODULE, failure.code, failure.module or "policies", failure.message)


def facts_of(known: Known, asked: Input) -> bytes:
    """What the functions of modules may know, as JSON: whether the acting agent is over one of its rates, where there are any."""
    if not known.configuration.limits:
        return b"{}"
    return canonical({"rate": {asked.agent_id: asked.counters.get(RATE_EXCEEDED, 0) != 0}})


async def _over_their_rate(core: Core, org: str, charges: Iterable[Charge], now: int) -> list[Vote]:
    """A deny for each rate of the target that is used up now."""
    over: list[Vote] = []
    for charge in charges:
        ready = await core.store.limit(org, charge.name, charge.subject)
        late_by = ready - now - charge.tolerance
        if late_by > 0:
            reason, wait = "The rate limit of what this action goes to is reached.", seconds(late_by)
            over.append(Vote(Verdict.DENY, Source.LIMIT, Code.RATE_LIMITED, charge.name, reason, retry_after=wait))
    return over


def more_than_can_be_reviewed(question: Question) -> bool:
    """Whether a view of this would be longer than anybody reads; what isn't shown whole isn't held but denied."""
    return too_long_to_review(question.params, question.context)


def too_long_to_review(params: Mapping[str, Json], context: Mapping[str, Json]) -> bool:
    """The same of parameters and context."""
    said: list[Json] = [dict(params), dict(context)]
    return sum(len(canonical(one, max_depth=DEPTH)) for one in said) > MAX_SHOWN or _leaves(said) > MAX_ROWS


def _leaves(value: Json) -> int:
    """How many rows a value takes in a view."""
    if isinstance(value, dict):
        return sum(map(_leaves, value.values())) or 1
    if isinstance(value, list):
        return sum(map(_leaves, value)) or 1
    return 1


def _wants_dry_run(verdict: Verdict, question: Question) -> bool:
    """Holds are dry-run for the approver; a deny never touches the target."""
    if question.rehearsal:
        return False
    return verdict is Verdict.REQUIRE_APPROVAL or (verdict is Verdict.ALLOW and question.dry_run)


def _guards(question: Question, entry: Entry | None, connector: Connector | None) -> list[Vote]:
    """What forbids an action before any rule is asked."""
    votes: list[Vote] = []
    if not question.principal.may_submit(question.name):
        votes.append(
            _deny(Code.ACTION_NOT_ALLOWED_FOR_KEY, "key_scope", "This key is not scoped to that type of action.")
        )
    if question.faults is not None:
        votes.append(_deny(question.faults, "schema", "The parameters are not what the action's schema says."))
    if entry is not None and entry.effect != "caller" and connector is None:
        votes.append(_deny(Code.CONNECTOR_UNAVAILABLE, "connector", "Nothing is configured to run this action."))
    return votes


def _deny(code: Code, name: str, reason: str) -> Vote:
    """A guard's deny."""
    return Vote(Verdict.DENY, Source.GUARD, code, name, reason)


def _input(known: Known, question: Question, entry: Entry | None, findings: tuple[Finding, ...]) -> Input:
    """The exact input of the decision; it is stored, sealed, and digested. What the catalogue doesn't know is of high risk."""
    principal = question.principal
    floor = entry.risk if entry else Risk.HIGH
    seen = [Risk(found.severity) for found in findings if found.severity is not Severity.INFO]
    return Input(
        name=question.name,
        params=question.params,
        agent_id=principal.id,
        agent_name=principal.name,
        org=known.org,
        klass=entry.klass if entry else ActionClass.OTHER,
        risk=max([floor, question.least, *seen], key=lambda risk: risk.level),
        time=question.at,
        release=known.release,
        roles=principal.roles,
        server=question.server,
        action_id=question.action,
        context=question.context,
        labels=question.labels,
        findings=frozenset(found.code for found in findings),
        counters=question.counters,
    )

"""Judge a recorded action by a configuration that nobody is judged by: the way of `judging` without anything that touches the world.

What only the moment knew stays as it was recorded: the time, what limits had counted, the caller's roles, the scope of its key, the limits of targets
and what a dry run found. Everything that a configuration says is asked anew. Nothing is charged, run, written or looked at in a target.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aaf.analysis import deployment
from aaf.analysis.secrets import recognised
from aaf.domain.canonical import canonical
from aaf.domain.decision import Decision, Source, Verdict, Vote, combine
from aaf.domain.errors import AafError, Code, PolicyFailed, Unavailable
from aaf.domain.finding import Finding, Severity
from aaf.domain.record import DataKey, Recorded
from aaf.domain.redaction import texts
from aaf.policy.catalogue import ActionClass, Entry, Risk
from aaf.policy.configuration import Configuration
from aaf.policy.decision_input import INPUT_VERSION, Input
from aaf.policy.limits import RATE_EXCEEDED
from aaf.policy.rego.answers import NOTHING, Spoken, spoken
from aaf.policy.rego.document import encoded
from aaf.policy.replaying import Looked, Undecidable, denied_at_first, without
from aaf.ports import Connector
from aaf.services.core import Core
from aaf.services.judging import MAX_ROWS, failed_policy, too_long_to_review
from aaf.services.quoting import too_crowded
from aaf.services.replay_limits import asks_for_counters, held_to, of_a_limit

ASKER = "dry run"
"""In whose name the engine is asked: a candidate that breaks workers uses up the patience for dry runs, not for an agent."""
_CARRIED = frozenset({"key_scope", "secrets"})
"""Guards whose word doesn't depend on a configuration."""
_SEARCHED = frozenset({str(Code.SECRET_DETECTED), str(Code.SECRET_QUOTED)})
"""Findings of the search for secrets, which is not done again: the firewall may hold others now."""
_PASSING = frozenset({Code.POLICY_ENGINE_UNAVAILABLE})
"""Failures that say nothing of a policy."""


class NotDecidable(Exception):
    """Nobody can say what would have been decided."""

    def __init__(self, why: Undecidable) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Opened:
    """A recorded action with what it was judged on; `hidden` are the paths that are sealed for whoever asks."""

    row: Recorded
    asked: Input
    faults: tuple[Mapping[str, str], ...]
    hidden: tuple[str, ...]
    size: int
    looked: Looked = field(default_factory=Looked)

    @property
    def sealed(self) -> bool:
        """Whether a leaf of the parameters or the context is sealed."""
        return bool(self.hidden)


async def opened(core: Core, row: Recorded, keys: dict[str, DataKey | None], *, disclose: bool) -> Opened:
    """Open what one action was judged on; `keys` are the data keys that were read before. Without `disclose`, secret leaves stay sealed.

    Raises:
        NotDecidable: it is gone, doesn't open, or is of another version.
    """
    sealed, org = row.input, row.action.org
    if sealed is None:
        raise NotDecidable(Undecidable.ERASED)
    if sealed.key_id not in keys:
        keys[sealed.key_id] = await core.store.data_key(org, sealed.key_id)
    key = keys[sealed.key_id]
    if key is None:
        raise NotDecidable(Undecidable.ERASED)
    try:
        plain = core.vault.unseal(key, sealed)
        # Sealed by us, so no second reading of it has to be refused; the strict parser would cost most of the time.
        stored = json.loads(plain)
        if stored["input"]["v"] != INPUT_VERSION:
            raise NotDecidable(Undecidable.OTHER_VERSION)
        asked = Input.from_json(stored["input"])
        if asked.action_id != row.action.id:
            raise NotDecidable(Undecidable.UNREADABLE)
        faults = tuple(stored["faults"])
        listed = tuple(str(path) for path in stored["secret"])
    except (Unavailable, ValueError, KeyError, TypeError, AttributeError, RecursionError) as failure:
        core.log.entry("replay_unreadable", {"action": row.action.id, "cause": type(failure).__name__})
        raise NotDecidable(Undecidable.UNREADABLE) from None
    looked = Looked()
    if disclose or not listed:
        return Opened(row, asked, faults, (), len(plain), looked)
    params = without(asked.params, "params", listed, looked)
    context = without(asked.context, "context", listed, looked)
    hidden = listed if params is not asked.params or context is not asked.context else ()
    return Opened(row, replace(asked, params=params, context=context), faults, hidden, len(plain), looked)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What policy is asked on: the input under one configuration, and the votes of guards."""

    asked: Input
    entry: Entry | None
    guards: tuple[Vote, ...]
    uncounted: bool = False
    """Whether a limit that it depends on wasn't counted."""


def prepared(
    core: Core, configuration: Configuration, active: Configuration, then: Configuration | None, found: Opened
) -> Prepared:
    """The input of `found` under `configuration`, its guards and limits asked again.

    `active` is the release in force; `then` the one that it was judged under, None where nobody can read it.

    Raises:
        NotDecidable: that depends on a sealed value, or on a connector that can't be made for this.
    """
    recorded, record = found.asked, found.row.action
    entry = configuration.catalogue.get(recorded.name)
    guards = [*_carried(found)]
    params, fault = _params(entry, found)
    connector = _connector(core, configuration, active, entry)
    if fault is not None:
        guards.append(_deny(fault, "schema", "The parameters are not what the action's schema says."))
    if entry is not None and entry.effect != "caller" and connector is None:
        guards.append(_deny(Code.CONNECTOR_UNAVAILABLE, "connector", "Nothing is configured to run this action."))
    codes = {code for code in recorded.findings if code in _SEARCHED}
    risks = [entry.risk if entry else Risk.HIGH, *_searched(found, entry, codes)]
    if entry is not None and connector is not None and fault is None:
        raise_if_sealed(found)
        analysed, votes, raised = _analysed(core, connector, entry, params, record.id)
        codes |= analysed
        guards += votes
        risks += raised
    variables = _variables(found, entry, params)
    codes |= {one.code for one in variables}
    guards += [_deny(one.deny, one.code, one.note) for one in variables if one.deny is not None]
    risks += [Risk(one.severity) for one in variables]
    klass, risk = entry.klass if entry else ActionClass.OTHER, max(risks, key=lambda risk: risk.level)
    findings = frozenset(codes)
    same = (klass, risk, findings) == (recorded.klass, recorded.risk, recorded.findings)
    asked = recorded
    if not same or params is not recorded.params:
        asked = replace(recorded, params=params, klass=klass, risk=risk, findings=findings)
    asked, votes, uncounted = held_to(configuration, then, recorded, asked, faulty=_refused(found))
    return Prepared(asked, entry, (*guards, *votes), uncounted)


def _variables(found: Opened, entry: Entry | None, params: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Where the action would read or set a variable of the deployment, which denies.

    Raises:
        NotDecidable: nobody may look.
    """
    klass = entry.klass if entry else None
    if not deployment.looks_at(klass):
        return ()
    raise_if_sealed(found)
    return deployment.findings(klass, params)


def _refused(found: Opened) -> bool:
    """Whether the schema refused it when it was submitted."""
    return bool(found.faults)


def raise_if_sealed(found: Opened) -> None:
    """Refuse to let anything but a rule look at an action with sealed values.

    Raises:
        NotDecidable: there are some.
    """
    if found.sealed:
        raise NotDecidable(Undecidable.SEALED)


def _carried(found: Opened) -> list[Vote]:
    """The denies of the first decision that no configuration made; of limits only those of targets, for the others were counted."""
    record = found.row.action
    if not _denied_at_first(found):
        return []
    return [
        Vote(Verdict.DENY, Source(str(one["source"])), Code(str(one["code"])), str(one["name"]), str(one["reason"]))
        for one in record.reasons
        if (one["source"] == Source.LIMIT and not of_a_limit(str(one["name"]), found.asked.counters))
        or (one["source"] == Source.GUARD and one["name"] in _CARRIED)
    ]


def _denied_at_first(found: Opened) -> bool:
    return denied_at_first(found.row.action)


def _params(entry: Entry | None, found: Opened) -> tuple[Mapping[str, Any], Code | None]:
    """The parameters as this entry's schema takes them, and what it says against them."""
    record, params = found.row.action, found.asked.params
    long = any(fault["path"] == "$.context" for fault in found.faults)
    if entry is None:
        return params, Code.VALUE_TOO_LONG if long else None
    if entry.hash == record.entry and record.round <= 1:
        return params, _recorded_fault(found)
    raise_if_sealed(found)
    plain = dict(params)
    if entry.input.sanitise(plain):
        return params, Code.TEXT_REFUSED
    filled = entry.input.fill_defaults(plain)
    if entry.input.check(filled):
        return params, Code.SCHEMA_VIOLATION
    return (params if filled == plain else filled), Code.VALUE_TOO_LONG if long else None


def _recorded_fault(found: Opened) -> Code | None:
    """What the same schema said when the action was submitted."""
    if not found.faults:
        return None
    named = (str(one["code"]) for one in found.row.action.reasons if one["name"] == "schema")
    return Code(next(named, Code.SCHEMA_VIOLATION))


def _connector(
    core: Core, configuration: Configuration, active: Configuration, entry: Entry | None
) -> Connector | None:
    """What analyses the action. Only where the active release has the connector is one made, at the place that it has there.

    Raises:
        NotDecidable: making it could leave something behind.
    """
    if entry is None or entry.effect == "caller" or entry.effect not in configuration.connectors:
        return None
    settings = {name: dict(one) for name, one in configuration.connectors.items()}
    wanted, known = settings[entry.effect], active.connectors.get(entry.effect)
    if "root" in wanted:
        if known is None or "root" not in known:
            raise NotDecidable(Undecidable.CONNECTOR)
        wanted["root"] = known["root"]
    return core.connectors.get(entry.effect, settings, configuration.run_timeout, entry.secrets)


def _searched(found: Opened, entry: Entry | None, codes: set[str]) -> list[Risk]:
    """How far the findings of the search for secrets raise the risk."""
    if not codes:
        return []
    if entry is not None and entry.hash == found.row.action.entry:
        return [
            min(Risk.HIGH, found.asked.risk, key=lambda risk: risk.level)
        ]  # the floor is the same, so no more is known
    raise_if_sealed(found)
    said = (text for value in (found.asked.params, found.asked.context) for text in texts(dict(value)))
    certain = Code.SECRET_QUOTED in codes or any(one.certain for text in said for one in recognised(text))
    return [Risk.HIGH if certain else Risk.MEDIUM]


def _analysed(
    core: Core, connector: Connector, entry: Entry, params: Mapping[str, Any], action: str
) -> tuple[set[str], list[Vote], list[Risk]]:
    """The connector's findings on the parameters alone: their codes, denies and risks."""
    try:
        analysis = connector.analyse(operation=entry.operation, params=params)
    except AafError as failure:
        return set(), [_deny(failure.code, "analysis", "The action could not be analysed.")], []
    except Exception as failure:  # noqa: BLE001 - whatever a connector raises is a deny, as when an action is submitted
        core.log.entry("analysis_crashed", {"action": action, "cause": type(failure).__name__})
        return set(), [_deny(Code.CONNECTOR_FAILED, "analysis", "The action could not be analysed.")], []
    votes = [_deny(one.deny, one.code, one.note) for one in analysis.findings if one.deny is not None]
    risks = [Risk(one.severity) for one in analysis.findings if one.severity is not Severity.INFO]
    return {one.code for one in analysis.findings}, votes, risks


async def asked_modules(
    core: Core, configuration: Configuration, found: Opened, given: Prepared
) -> tuple[Spoken, tuple[Vote, ...]]:
    """What the modules of `configuration` say, and the deny that their failure is.

    Raises:
        NotDecidable: the engine can't be asked, or they would see sealed values or a count that nobody has.
    """
    applying = configuration.modules_for(given.asked.name)
    if not applying or any(vote.verdict is Verdict.DENY for vote in given.guards):
        return NOTHING, ()
    raise_if_sealed(found)
    if given.uncounted and asks_for_counters(configuration):
        raise NotDecidable(Undecidable.LIMIT)
    over = given.asked.counters.get(RATE_EXCEEDED, 0) != 0
    facts = canonical({"rate": {given.asked.agent_id: over}}) if configuration.limits else b"{}"
    try:
        document = encoded(given.asked, given.entry)
        answers = await core.engine.evaluate(configuration.modules, applying, document, facts, ASKER)
        return spoken(tuple(zip(applying, answers, strict=True)), configuration.approvals), ()
    except PolicyFailed as failure:
        if failure.code in _PASSING:
            raise NotDecidable(Undecidable.ENGINE) from None
        return NOTHING, (failed_policy(failure),)
    except Exception as failure:  # noqa: BLE001 - whatever keeps modules from an answer, the answer is no
        core.log.entry("replay_policy_failed", {"action": found.row.action.id, "cause": type(failure).__name__})
        return NOTHING, (failed_policy(PolicyFailed(Code.POLICY_ERROR, "The policy modules could not be asked.")),)


def decided(
    configuration: Configuration, found: Opened, given: Prepared, said: Spoken, failures: tuple[Vote, ...]
) -> Decision:
    """The decision.

    Raises:
        NotDecidable: it looked at a sealed value, or a limit that could change it wasn't counted.
    """
    decision = configuration.policy.judge(given.asked, (*given.guards, *failures), said)
    if found.looked.at_sealed:
        raise NotDecidable(Undecidable.SEALED)
    if given.uncounted and not _certainly_denied(decision):
        raise NotDecidable(Undecidable.LIMIT)
    if decision.verdict is Verdict.REQUIRE_APPROVAL:
        return _held(found, given.asked, decision)
    return decision


def _certainly_denied(decision: Decision) -> bool:
    """Whether no further vote could change the verdict: somebody denies, and not only because nobody spoke."""
    return decision.verdict is Verdict.DENY and any(vote.source is not Source.DEFAULT for vote in decision.votes)


def _held(found: Opened, asked: Input, hold: Decision) -> Decision:
    """A hold, or the deny that it became because nobody could have reviewed it or its dry run failed."""
    if _denied_at_first(found):
        for one in found.row.action.reasons:
            if one["source"] == Source.GUARD and one["name"] in {"dry_run", "view"}:
                return combine(pool=(_deny(Code(str(one["code"])), str(one["name"]), str(one["reason"])),))
    crowded = False
    if Code.SECRET_DETECTED in asked.findings:
        raise_if_sealed(found)
        crowded = too_crowded(dict(asked.params), dict(asked.context))
    # A view has at least two bytes a row, so most inputs need no counting.
    if found.size > 2 * MAX_ROWS:
        raise_if_sealed(found)
        crowded = crowded or too_long_to_review(asked.params, asked.context)
    if crowded:
        return combine(pool=(_deny(Code.VALUE_TOO_LONG, "view", "This is more than a person can review."),))
    return hold


def _deny(code: Code, name: str, reason: str) -> Vote:
    return Vote(Verdict.DENY, Source.GUARD, code, name, reason)

"""Explain a decision: who voted, what each rule's tests saw, what combined to the outcome, and what would have changed it.

It is judged anew on the recorded input, under the release that judged or the active one; where that isn't the recorded decision, the
explanation says so. Needs a right that no agent can have, because an explanation is also a map for evasion; each opening is an event first.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from aaf.domain.canonical import Json, canonical, parse
from aaf.domain.decision import Decision, Source, Verdict, Vote
from aaf.domain.errors import Code, ConfigurationInvalid, NotFound, PolicyFailed, Unavailable
from aaf.domain.events import EventType, occurrence
from aaf.domain.instants import instant
from aaf.domain.principal import Kind, Permission, Principal
from aaf.domain.record import ActionRecord, Release
from aaf.domain.states import State
from aaf.policy.catalogue import Entry
from aaf.policy.configuration import Configuration
from aaf.policy.decision_input import Input
from aaf.policy.rego.answers import NOTHING, Answer, Spoken, spoken
from aaf.policy.rego.document import encoded
from aaf.policy.rego.module import Module
from aaf.ports import Commit, Committed
from aaf.services.access import require
from aaf.services.core import Caller, Core, Known
from aaf.services.judging import Question, facts_of, failed_policy, judge
from aaf.services.moving import too_much_changed
from aaf.services.replay_limits import of_a_limit
from aaf.services.sealing import unseal_object
from aaf.services.showing import Shown
from aaf.services.unvaried import of_limit, unvaried
from aaf.services.varying import Varied, rehearsing, vary

ATTEMPTS = 3
_GUARDS = frozenset({Source.GUARD, Source.HOOK, Source.LIMIT})
_AFTERWARDS = frozenset({"dry_run", "view"})
"""Guards that speak after policy has, about a hold."""
_VERDICTS = {
    State.ALLOWED: Verdict.ALLOW,
    State.DENIED: Verdict.DENY,
    State.PENDING_APPROVAL: Verdict.REQUIRE_APPROVAL,
}


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What the ledger says of one decision about the action."""

    at: int
    verdict: Verdict
    code: str
    release: int
    reasons: tuple[dict[str, Json], ...]

    def to_json(self) -> dict[str, Json]:
        return {
            "at": instant(self.at),
            "code": self.code,
            "reasons": [*self.reasons],
            "release": self.release,
            "verdict": self.verdict,
        }


@dataclass(frozen=True, slots=True)
class _Case:
    """One judgement to explain: the input, under what it is judged, and what guards said."""

    known: Known
    asked: Input
    entry: Entry | None
    guards: tuple[Vote, ...]
    principal: Principal
    context: dict[str, Json]


async def explain(core: Core, caller: Caller, action: str, *, now: bool = False) -> dict[str, Json]:
    """The explanation of the decision that was made when the action was submitted; with `now`, of what the active release would say.

    Raises:
        NotPermitted: the caller may not.
        NotFound: there is no such action.
        Unavailable: the explanation can't be recorded, or nobody knows what of it is secret.
    """
    caller, record, decisions = await _announced(core, caller, action, now=now)
    first = decisions[0]
    number = caller.known.release if now else first.release
    release = await core.store.release(record.org, number)
    told: dict[str, Json] = {
        "action": record.id,
        "agent": record.agent,
        "counterfactual": {"changes": [], "tried": 0, "why": "there is nothing to judge"},
        "decided_at": instant(first.at),
        "faults": [],
        "judged_under": "active" if now else "recorded",
        "later": [one.to_json() for one in decisions[1:]],
        "modules": [],
        "notes": [],
        "outcome": None,
        "recorded": first.to_json(),
        "release": _release(release, number, active=caller.known.release),
        "rules": [],
        "same": None,
        "type": record.type,
        "votes": [],
    }
    notes: list[Json] = []
    known = _under(caller.known, release)
    if known is None:
        notes.append(f"Release {number} can't be read any more, so nothing can be judged again.")
    stored = await _stored(core, record, notes)
    if known is not None and stored is not None:
        told.update(await _explained(core, caller, record, first, known, stored, notes, now=now))
    return {**told, "notes": notes}


async def _announced(
    core: Core, caller: Caller, action: str, *, now: bool
) -> tuple[Caller, ActionRecord, list[_Recorded]]:
    """Record that the decision is explained, under what the caller may do now."""
    for _ in range(ATTEMPTS):
        require(caller, Permission.ORG_DECISION_EXPLAIN)
        record = await core.store.action(caller.principal.org, action)
        if record is None:
            raise NotFound(Code.NOT_FOUND, "There is no such action.")
        event = occurrence(
            event_id=core.ids.new(),
            org=record.org,
            at=await core.store.now(),
            actor=caller.principal.actor,
            kind=EventType.DECISION_EXPLAINED,
            about=record.id,
            data={"now": now},
        )
        if isinstance(await core.store.commit(Commit(record.org, (), (event,), caller.known.epoch)), Committed):
            return caller, record, await _decisions(core, record)
        caller = await caller.again(core)
    raise too_much_changed()


async def _decisions(core: Core, record: ActionRecord) -> list[_Recorded]:
    """What was decided about the action, in order: when it was submitted, and each time it was judged again and decided otherwise."""
    found: list[_Recorded] = []
    for row in await core.store.events_of(record.org, record.id):
        match parse(row.body):
            case {
                "data": {"reasons": list(reasons), "release": int(release), "code": str(code)},
                "state": str(state),
                "ts": int(at),
            }:
                verdict = _VERDICTS[State(state)]
                found.append(
                    _Recorded(at, verdict, code, release, tuple(one for one in reasons if isinstance(one, dict)))
                )
            case _:
                continue
    return found


def _release(release: Release | None, number: int, *, active: int) -> dict[str, Json]:
    """Which release judged, who made it, and when."""
    return {
        "activated_at": instant(release.activated_at) if release else None,
        "active": number == active,
        "author": release.author if release else None,
        "message": release.message if release else None,
        "number": number,
    }


def _under(known: Known, release: Release | None) -> Known | None:
    """What is known, with the configuration of a release; None where that can't be read."""
    if release is None:
        return None
    if release.number == known.release:
        return known
    try:
        configuration = Configuration.from_stored(json.loads(release.document))
    except ConfigurationInvalid:
        return None
    return replace(known, release=release.number, configuration=configuration)


async def _stored(core: Core, record: ActionRecord, notes: list[Json]) -> dict[str, Json] | None:
    """The sealed input, or None and a note why there is none."""
    try:
        return await unseal_object(core, record.org, record.id, "input")
    except Unavailable:
        notes.append("The values of this action were erased, so what its tests saw isn't known any more.")
        return None


async def _explained(
    core: Core,
    caller: Caller,
    record: ActionRecord,
    first: _Recorded,
    known: Known,
    stored: dict[str, Json],
    notes: list[Json],
    *,
    now: bool,
) -> dict[str, Json]:
    """Everything that takes a judgement."""
    quiet = rehearsing(core, caller.principal.id)
    given = stored["input"]
    try:
        asked = Input.from_json(given if isinstance(given, dict) else {})
    except (KeyError, ValueError):
        notes.append("The recorded input is of another version than this program reads.")
        return {}
    entry = known.configuration.catalogue.get(asked.name)
    faults = stored["faults"] if isinstance(stored["faults"], list) else []
    principal = Principal(record.org, Kind.AGENT, asked.agent_id, asked.agent_name, asked.roles, "")
    question = _question(principal, asked, entry if now else None)
    limits = known.configuration.limits_on(asked.name).votes(asked.counters)
    guards = (*_recorded_guards(first, record, asked), *limits)
    if now:
        judged = await judge(quiet, known, question)
        asked = judged.input
        limits = known.configuration.limits_on(asked.name).votes(asked.counters)
        spoken_up = [vote for vote in judged.decision.votes if vote.source in _GUARDS]
        guards = tuple(dict.fromkeys((*spoken_up, *limits)))
        faults = []
    case = _Case(known, asked, entry, guards, principal, question.context)
    answers = await _ask(quiet, case)
    said, failures = _said(answers, known.configuration)
    pool, defaults = known.configuration.policy.pools(asked, said)
    decision = known.configuration.policy.judge(asked, (*guards, *failures), said)
    same = None if now else _same(decision, first)
    if same is False:
        notes.append(
            "Judged again on the recorded input, the decision isn't the recorded one; what follows is of the one made now."
        )
    declared = stored["secret"] if isinstance(stored["secret"], list) else []
    shown = Shown(core, known.configuration.sensitive, entry, tuple(map(str, declared)))
    notes += unvaried(known.configuration.policy.rules_for(asked.name), decision, asked)
    varied = await _varied(quiet, case, question, decision)
    return {
        "counterfactual": shown.varied(varied),
        "faults": faults,
        "modules": [shown.module(_hash(module), module, answer) for module, answer in answers],
        "outcome": {"code": decision.code, "verdict": decision.verdict},
        "rules": [shown.rule(rule, asked, pool) for rule in known.configuration.policy.rules_for(asked.name)],
        "same": same,
        "votes": shown.votes(pool, defaults, (*guards, *failures), decision),
    }


def _question(principal: Principal, asked: Input, entry: Entry | None) -> Question:
    """The recorded action as something to judge; `entry` where its parameters are to be checked anew."""
    params, context = dict(asked.params), dict(asked.context)
    faults: Code | None = None
    if entry is not None:
        faults = Code.TEXT_REFUSED if entry.input.sanitise(params) else None
        if faults is None and (entry.input.check(params) or entry.input.fill_defaults(params) != params):
            faults = Code.SCHEMA_VIOLATION
    return Question(
        principal=principal,
        name=asked.name,
        server=asked.server,
        params=params,
        context=context,
        action=asked.action_id or "",
        at=asked.time,
        faults=faults,
        again=True,
        rehearsal=True,
        counters=asked.counters,
    )


def _recorded_guards(first: _Recorded, record: ActionRecord, asked: Input) -> tuple[Vote, ...]:
    """What guards and the rates of targets said: all of it is recorded, because each of them only denies.

    What a limit of the configuration said follows from what it had counted.
    """
    sentences = {(one["code"], one["name"]): str(one["reason"]) for one in record.reasons}
    return tuple(
        Vote(
            Verdict.DENY,
            Source(str(one["source"])),
            Code(str(one["code"])),
            str(one["name"]),
            sentences.get((one["code"], one["name"]), ""),
        )
        for one in first.reasons
        if one["source"] in _GUARDS
        and not (one["source"] == Source.LIMIT and of_a_limit(str(one["name"]), asked.counters))
    )


async def _ask(core: Core, case: _Case) -> list[tuple[Module, Answer | PolicyFailed | None]]:
    """What each module that applies answers; a failure, or None where it isn't asked because a guard has denied."""
    configuration = case.known.configuration
    applying = configuration.modules_for(case.asked.name)
    if any(vote.verdict is Verdict.DENY and vote.name not in _AFTERWARDS for vote in case.guards):
        return [(module, None) for module in applying]
    found: list[tuple[Module, Answer | PolicyFailed | None]] = []
    for module in applying:
        try:
            document, facts = encoded(case.asked, case.entry), facts_of(case.known, case.asked)
            (answer,) = await core.engine.evaluate(configuration.modules, (module,), document, facts)
        except PolicyFailed as failure:
            found.append((module, failure))
        except Exception:  # noqa: BLE001 - as where it is decided: no answer, for whatever reason, is a deny
            found.append(
                (module, PolicyFailed(Code.POLICY_ERROR, "The policy modules could not be asked.", module=module.name))
            )
        else:
            found.append((module, answer))
    return found


def _said(
    answers: Iterable[tuple[Module, Answer | PolicyFailed | None]], configuration: Configuration
) -> tuple[Spoken, tuple[Vote, ...]]:
    """Votes and defaults of the modules; where one of them failed, its deny and nothing else, as when it was decided."""
    failures = [failed_policy(answer) for _, answer in answers if isinstance(answer, PolicyFailed)]
    if failures:
        return NOTHING, (failures[0],)
    given = [
        (module, answer) for module, answer in answers if answer is not None and not isinstance(answer, PolicyFailed)
    ]
    return (spoken(given, configuration.approvals) if given else NOTHING), ()


def _same(decision: Decision, first: _Recorded) -> bool:
    """Whether a decision is the recorded one: the outcome and everybody who made it."""
    votes = {(str(vote.source), str(vote.code), vote.name, vote.unknown) for vote in decision.votes}
    recorded = {
        (str(one["source"]), str(one["code"]), str(one["name"]), bool(one.get("unknown"))) for one in first.reasons
    }
    return decision.verdict is first.verdict and votes == recorded


async def _varied(core: Core, case: _Case, question: Question, decision: Decision) -> Varied:
    """The smallest changes, where policy decided and the catalogue knows the action."""
    limits = [vote for vote in decision.votes if vote.source is Source.LIMIT]
    if limits:
        return Varied(why="; ".join(of_limit(vote, case.asked) for vote in limits))
    if any(vote.source in _GUARDS for vote in decision.votes):
        return Varied(why="a guard decided this, not policy: what it refused is the explanation")
    if case.entry is None:
        return Varied(why="the catalogue has no such action type; declare it first")
    modules = case.known.configuration.modules_for(case.asked.name)
    rules = case.known.configuration.policy.rules_for(case.asked.name)
    return await vary(
        core,
        case.known,
        question,
        verdict=decision.verdict,
        entry=case.entry,
        conditions=[rule.match for rule in rules],
        modules=modules,
    )


def _hash(module: Module) -> str:
    """Hex SHA-256 of the module as its release keeps it."""
    return hashlib.sha256(canonical(module.to_json())).hexdigest()

"""Judge a stored action again before it runs, under the configuration, roles and target of now.

What was approved stays approved only if nothing that the approval rested on got stricter: deny is denied; a stricter requirement, a changed
catalogue entry or a changed effect goes back to people; otherwise the reviews stand, each reviewer's right looked at again.
Limits are not charged again.
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from aaf.domain.action_bytes import action_bytes, digest, effect_digest
from aaf.domain.approval import Standing, standing
from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import Verdict, at_least_as_strict
from aaf.domain.digests import same_digest
from aaf.domain.effect import Effect
from aaf.domain.errors import Code
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.services.core import Caller, Core
from aaf.services.judging import Judged, Question, judge
from aaf.services.sealing import unseal_object


@unique
class Again(StrEnum):
    """What the second judgement says."""

    RUN = "run"
    DENY = "deny"
    BACK_TO_PEOPLE = "back_to_people"


@dataclass(frozen=True, slots=True)
class Rejudged:
    """The answer with its code; `params` and `effect` are what the run gets, read back from the stored canonical bytes."""

    again: Again
    code: Code
    judged: Judged
    params: dict[str, Json]
    context: dict[str, Json]
    salt: bytes
    effect: Effect | None


async def rejudge(core: Core, caller: Caller, record: ActionRecord, *, now: int) -> Rejudged:
    """Judge `record` again; `caller` is the agent that wants it run.

    Raises:
        Unavailable: the stored values can't be read.
    """
    stored = await unseal_object(core, record.org, record.id, "input")
    asked, salt = _object(stored["input"]), bytes.fromhex(str(stored["salt"]))
    params, context = _object(_object(asked["action"])["params"]), _object(asked["context"])
    intact = _intact(record, params, salt)
    faults = _faults(caller, record, params) if intact else Code.DIGEST_MISMATCH
    question = Question(
        principal=caller.principal,
        name=record.type,
        server=record.server,
        params=params,
        context=context,
        action=record.id,
        at=now,
        faults=faults,
        dry_run=record.effect_digest is not None,
        again=True,
        counters=_counters(asked),
    )
    judged = await judge(core, caller.known, question)
    again, code = Again.DENY, Code.DIGEST_MISMATCH
    if intact:
        again, code = await _compare(core, caller, record, judged, salt)
    return Rejudged(again, code, judged, params, context, salt, judged.effect)


def _object(value: Json) -> dict[str, Json]:
    """A stored object; anything else was never stored by us."""
    return value if isinstance(value, dict) else {}


def _counters(asked: dict[str, Json]) -> dict[str, int | str]:
    """The counters of the submission: a limit isn't looked at again."""
    return {name: count for name, count in _object(asked["counters"]).items() if isinstance(count, int | str)}


def _intact(record: ActionRecord, params: dict[str, Json], salt: bytes) -> bool:
    """Whether the record and the stored parameters are the bytes that were decided on."""
    tool, _, operation = record.type.rpartition(".")
    data = action_bytes(
        org=record.org, agent=record.agent, server=record.server, tool=tool, operation=operation, params=params
    )
    return same_digest(digest(salt, data), record.digest)


def _faults(caller: Caller, record: ActionRecord, params: dict[str, Json]) -> Code | None:
    """Whether today's schema still takes the stored parameters as they are."""
    entry = caller.known.configuration.catalogue.get(record.type)
    if entry is None:
        return None
    if entry.input.sanitise(params):
        return Code.TEXT_REFUSED
    if entry.input.check(params) or entry.input.fill_defaults(params) != params:
        return Code.SCHEMA_VIOLATION
    return None


async def _compare(core: Core, caller: Caller, record: ActionRecord, judged: Judged, salt: bytes) -> tuple[Again, Code]:
    """What today's judgement means for an action that was allowed or approved."""
    decision = judged.decision
    if decision.verdict is Verdict.DENY:
        return Again.DENY, decision.code
    entry_hash = judged.entry.hash if judged.entry else ""
    if record.state is State.ALLOWED:
        if decision.verdict is not Verdict.ALLOW:
            return Again.DENY, Code.REQUIREMENT_CHANGED
        return (Again.RUN, Code.OK) if entry_hash == record.entry else (Again.DENY, Code.ENTRY_CHANGED)
    if entry_hash != record.entry:
        return Again.BACK_TO_PEOPLE, Code.ENTRY_CHANGED
    if not at_least_as_strict(decision.requirements, record.requirements):
        return Again.BACK_TO_PEOPLE, Code.REQUIREMENT_CHANGED
    if _effect_digest(judged, salt) != record.effect_digest:
        return Again.BACK_TO_PEOPLE, Code.EFFECT_CHANGED
    reviews = await core.store.reviews(record.org, record.id, record.round)
    counted = standing(
        caller.known.counting(reviews, now=await core.store.now()),
        requester=record.agent,
        requirements=decision.requirements or record.requirements,
        reviewer=caller.known.person,
    )
    if counted is not Standing.MET:
        return Again.BACK_TO_PEOPLE, Code.REQUIREMENT_CHANGED
    return Again.RUN, Code.OK


def _effect_digest(judged: Judged, salt: bytes) -> str | None:
    """The digest of what today's dry run found."""
    return None if judged.effect is None else effect_digest(salt, canonical(judged.effect.to_json()))

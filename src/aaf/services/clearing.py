"""Clear an action to run: judge it again and act on what that says.

A deny is recorded and raised, a stricter hold goes back to people and is raised; otherwise the caller gets what to run with.
"""

from dataclasses import dataclass, replace

from aaf.domain.action_bytes import context_digest
from aaf.domain.canonical import Json
from aaf.domain.decision import Requirement
from aaf.domain.effect import Effect
from aaf.domain.errors import StateConflict
from aaf.domain.record import ActionRecord
from aaf.domain.states import Cause, State
from aaf.ports import Commit, Committed, UpdateAction, Write
from aaf.services.core import Caller, Core
from aaf.services.holding import Asked, hold
from aaf.services.judging import Judged
from aaf.services.moving import in_time, move
from aaf.services.recording import deadline_of, decision_data, reasons_of
from aaf.services.rejudge import Again, Rejudged, rejudge
from aaf.services.sealing import data_key, stored_bytes


@dataclass(frozen=True, slots=True)
class Cleared:
    """What a run gets: parameters as stored, and the effect that was approved."""

    params: dict[str, Json]
    effect: Effect | None


async def clear(core: Core, caller: Caller, record: ActionRecord, *, now: int) -> Cleared | None:
    """Judge `record` again for the agent `caller`; None where it moved on meanwhile, so that it has to be looked at anew.

    Raises:
        StateConflict: it is denied now, or waits for people again; that is recorded.
        Unavailable: it can't be judged.
    """
    rejudged = await rejudge(core, caller, record, now=now)
    now = await core.store.now()  # a dry run takes its time
    match rejudged.again:
        case Again.RUN:
            return Cleared(rejudged.params, rejudged.effect)
        case Again.DENY:
            if not await _deny(core, caller, record, rejudged, now):
                return None
            raise StateConflict(
                rejudged.code,
                "Judged again before it ran, this action is denied.",
                hint="It will not run; submit it anew.",
            )
        case Again.BACK_TO_PEOPLE:
            if not await _ask_again(core, caller, record, rejudged, now):
                return None
            raise StateConflict(
                rejudged.code,
                "What was approved has changed, so people are asked again.",
                hint="Wait for the approval, then execute again.",
            )


async def _deny(core: Core, caller: Caller, record: ActionRecord, rejudged: Rejudged, now: int) -> bool:
    """Record the deny with its reasons; False where something else was recorded first."""
    judged = rejudged.judged
    told = replace(record, reasons=reasons_of(judged), release=caller.known.release)
    digest = context_digest(rejudged.salt, stored_bytes(judged.input.to_json()))
    denied, event = move(
        core,
        told,
        Cause.REJUDGED_DENY,
        at=now,
        actor="system",
        code=rejudged.code,
        data={**decision_data(told, judged, digest), "code": str(rejudged.code)},
    )
    commit = Commit(record.org, (UpdateAction(denied),), (event,), caller.known.epoch)
    return isinstance(await core.store.commit(commit), Committed)


async def _ask_again(core: Core, caller: Caller, record: ActionRecord, rejudged: Rejudged, now: int) -> bool:
    """Back to `pending_approval` in a new round, with a new view; False where something else was recorded first."""
    judged = rejudged.judged
    requirements: tuple[Requirement, ...] = judged.decision.requirements or record.requirements
    key, made = await data_key(core, caller.known, record.agent)
    what = Asked(
        action=record.id,
        requester=caller.principal.actor,
        name=record.type,
        server=record.server,
        params=rejudged.params,
        context=rejudged.context,
        salt=rejudged.salt,
        digest=record.digest,
    )
    held = hold(
        core,
        key,
        agent=caller.known.name(record.agent),
        names=caller.known.configuration.sensitive,
        what=what,
        judged=judged,
        requirements=requirements,
        round_=record.round + 1,
    )
    asked = replace(
        record,
        reasons=reasons_of(judged),
        requirements=requirements,
        release=caller.known.release,
        entry=judged.entry.hash if judged.entry else "",
        effect=judged.entry.effect if judged.entry else "caller",
        action_class=str(judged.input.klass),
        risk=str(judged.risk),
        round=record.round + 1,
        run=_still(record, judged),
        view_digest=held.view_digest,
        effect_digest=held.effect_digest,
        long_values=held.long_values,
    )
    digest = context_digest(rejudged.salt, stored_bytes(judged.input.to_json()))
    told = replace(asked, state=State.PENDING_APPROVAL)
    waiting, event = move(
        core,
        asked,
        Cause.REJUDGED_HOLD,
        at=now,
        actor="system",
        code=rejudged.code,
        deadline=deadline_of(caller.known, State.PENDING_APPROVAL, requirements, now),
        data={**decision_data(told, judged, digest), "code": str(rejudged.code)},
    )
    writes: tuple[Write, ...] = (UpdateAction(waiting), *made, *held.writes, *in_time(record))
    return isinstance(await core.store.commit(Commit(record.org, writes, (event,), caller.known.epoch)), Committed)


def _still(record: ActionRecord, judged: Judged) -> str:
    """`run` as today's catalogue permits it."""
    if record.run == "when_approved" and not (judged.entry and judged.entry.run_when_approved):
        return "no"
    return record.run

"""Read actions, cancel one, close one whose end nobody knows."""

from dataclasses import dataclass, replace

from aaf.domain.action_bytes import commitment
from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import Code, InputRefused, NotFound, StateConflict
from aaf.domain.events import EventType
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord
from aaf.domain.states import TRANSITIONS, Cause, State
from aaf.ports import Commit, Committed, StaleEpoch, UpdateAction
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.execute import own_action, result_of
from aaf.services.moving import end_in_time, move, too_much_changed
from aaf.services.paging import Page, page
from aaf.services.refusals import refuse_once
from aaf.services.review import MAX_REASON, reviews_of, says_something
from aaf.services.sealing import data_key, seal, unseal_object

ATTEMPTS = 3
AWAITED = frozenset({State.EXECUTING, State.PENDING_APPROVAL})
"""States that end by themselves or by somebody else: what a caller waits for the end of."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An action as its caller sees it: the rejection's reason and the result only where there is one."""

    record: ActionRecord
    result: Json = None
    rejection: str | None = None
    faults: tuple[dict[str, Json], ...] = ()


async def see(core: Core, caller: Caller, action: str) -> Seen:
    """One action; deadlines that have passed are closed first. People see it without its result.

    Raises:
        NotFound: there is none that this caller may see.
    """
    record = await _visible(core, caller, action)
    if await end_in_time(core, record, now=await core.store.now()):
        record = await _visible(core, caller, action)
    if record.agent != caller.principal.id:
        return Seen(record)
    rejection = None
    if record.state is State.REJECTED:
        rejection = (await reviews_of(core, record))[-1].reason
    faults: tuple[dict[str, Json], ...] = ()
    if record.code in {Code.SCHEMA_VIOLATION, Code.TEXT_REFUSED}:
        stored = await unseal_object(core, record.org, record.id, "input")
        listed = stored["faults"]
        faults = tuple(one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return Seen(record, await result_of(core, record), rejection, faults)


async def _visible(core: Core, caller: Caller, action: str) -> ActionRecord:
    """The action, if the caller may know of it."""
    require(caller, Permission.OWN_ACTION_READ, Permission.ORG_ACTION_READ)
    if not caller.principal.may(Permission.ORG_ACTION_READ):
        return await own_action(core, caller, action)
    record = await core.store.action(caller.principal.org, action)
    if record is None:
        raise NotFound(Code.NOT_FOUND, "There is no such action.")
    return record


async def listed(
    core: Core, caller: Caller, *, state: State | None = None, before: str | None = None, limit: int = 50
) -> Page:
    """Actions, newest first: all of the organisation for those who may, else the caller's own."""
    require(caller, Permission.OWN_ACTION_READ, Permission.ORG_ACTION_READ)
    agent = None if caller.principal.may(Permission.ORG_ACTION_READ) else caller.principal.id
    return await page(core, caller.principal.org, state=state, agent=agent, before=before, limit=limit)


async def cancel(core: Core, caller: Caller, action: str) -> ActionRecord:
    """Take an action back before it runs.

    Raises:
        NotFound: the caller has no such action.
        StateConflict: it is running or closed.
    """
    require(caller, Permission.OWN_ACTION_CANCEL)
    for _ in range(ATTEMPTS):
        record = await own_action(core, caller, action)
        if (record.state, Cause.CANCELLED) not in TRANSITIONS:
            await refuse_once(
                core, record, EventType.EXECUTION_REFUSED, Code.ACTION_CLOSED, actor=caller.principal.actor
            )
            raise StateConflict(
                Code.ACTION_CLOSED, f"This action is {record.state}.", hint="Only a waiting one can be cancelled."
            )
        moved, event = move(
            core,
            record,
            Cause.CANCELLED,
            at=await core.store.now(),
            actor=caller.principal.actor,
            code=Code.CANCELLED_BY_REQUESTER,
        )
        match await core.store.commit(Commit(record.org, (UpdateAction(moved),), (event,), caller.known.epoch)):
            case Committed():
                return moved
            case StaleEpoch():
                caller = await caller.again(core)
                require(caller, Permission.OWN_ACTION_CANCEL)
            case _:
                continue
    raise too_much_changed()


async def resolve(core: Core, caller: Caller, action: str, *, succeeded: bool, reason: str) -> ActionRecord:
    """Close an action whose end is unknown, on a person's word.

    Raises:
        NotPermitted: the caller may not.
        InputRefused: no reason, or one too long.
        StateConflict: the end is known, or the run may still report.
    """
    require(caller, Permission.ORG_ACTION_RESOLVE)
    if not says_something(reason) or len(reason) > MAX_REASON:
        raise InputRefused(
            Code.REASON_REQUIRED, f"A reason of 1 to {MAX_REASON} characters is needed.", path="$.reason"
        )
    for _ in range(ATTEMPTS):
        record = await _visible(core, caller, action)
        if await end_in_time(core, record, now=await core.store.now()):
            record = await _visible(core, caller, action)
        if record.state is not State.UNKNOWN:
            raise StateConflict(Code.OUTCOME_CONFLICT, f"This action is {record.state}, not unknown.")
        resolved, commit = await _resolved(core, caller, record, succeeded=succeeded, reason=reason)
        match await core.store.commit(commit):
            case Committed():
                return resolved
            case StaleEpoch():
                caller = await caller.again(core)
                require(caller, Permission.ORG_ACTION_RESOLVE)
            case _:
                continue
    raise too_much_changed()


async def _resolved(
    core: Core, caller: Caller, record: ActionRecord, *, succeeded: bool, reason: str
) -> tuple[ActionRecord, Commit]:
    """The action closed on the caller's word, and the commit of it."""
    salt = core.ids.salt()
    key, made = await data_key(core, caller.known, record.agent)
    kept = seal(core, key, owner=record.id, name="resolution", value=canonical({"reason": reason, "salt": salt.hex()}))
    moved, event = move(
        core,
        record,
        Cause.RAN if succeeded else Cause.RAN_BADLY,
        at=await core.store.now(),
        actor=caller.principal.actor,
        code=Code.OK if succeeded else Code.CONNECTOR_FAILED,
        data={"source": "person"},
        commit={"reason": commitment(salt, canonical(reason))},
    )
    moved = replace(moved, outcome={"by": caller.principal.id, "code": moved.code, "source": "person"})
    return moved, Commit(record.org, (UpdateAction(moved), *made, kept), (event,), caller.known.epoch)

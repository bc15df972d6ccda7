"""Move an action from one state to the next: the new record and the event of the transition, to be committed together.

Every move goes through the table of `domain/states.py`. Nothing here decides whether a move is right.
"""

from collections.abc import Mapping
from dataclasses import replace

from aaf.domain.canonical import Json
from aaf.domain.errors import Code, StateConflict, Unavailable
from aaf.domain.events import Event, EventType, occurrence, transition
from aaf.domain.record import ActionRecord
from aaf.domain.states import Cause, State, advance
from aaf.ports import Commit, Committed, NotAfter, NotBefore, UpdateAction, Write
from aaf.services.core import Core


def move(
    core: Core,
    record: ActionRecord,
    cause: Cause,
    *,
    at: int,
    actor: str,
    code: Code,
    deadline: int | None = None,
    data: Mapping[str, Json] | None = None,
    commit: Mapping[str, str] | None = None,
) -> tuple[ActionRecord, Event]:
    """Return the record after `cause` and its event; `deadline` in microseconds is the new state's own."""
    state = advance(record.state, cause)
    moved = replace(record, version=record.version + 1, state=state, updated_at=at, deadline=deadline, code=str(code))
    event = transition(
        event_id=core.ids.new(),
        org=record.org,
        at=at,
        actor=actor,
        action=record.id,
        seq=moved.version,
        before=record.state,
        after=state,
        data={"code": str(code), "digest": record.digest, **(data or {})},
        commit=commit,
    )
    return moved, event


_TIMED = {
    State.PENDING_APPROVAL: (Cause.NOT_ANSWERED, Code.NOT_ANSWERED_IN_TIME),
    State.ALLOWED: (Cause.NOT_USED, Code.UNUSED_IN_TIME),
    State.APPROVED: (Cause.NOT_USED, Code.UNUSED_IN_TIME),
    State.EXECUTING: (Cause.NOT_REPORTED, Code.CONNECTOR_TIMEOUT),
}


async def end_in_time(core: Core, record: ActionRecord, *, now: int) -> bool:
    """Close a state whose deadline has passed; False where somebody else moved it first or nothing is due.

    While the clock is in doubt an overdue record is only said to be late, which refuses its use; a clock that jumped by mistake must not end
    everything that waits. Whoever finds a deadline passed calls this: the sweeper on its round, and every use, so that no worker has to live.
    """
    if record.deadline is None or now <= record.deadline or record.state not in _TIMED:
        return False
    if await core.store.doubtful():
        return True
    cause, code = _TIMED[record.state]
    moved, event = move(core, record, cause, at=now, actor="system", code=code)
    writes: tuple[Write, ...] = (UpdateAction(moved), NotBefore(record.deadline))
    return isinstance(await core.store.commit(Commit(record.org, writes, (event,))), Committed)


def in_time(record: ActionRecord) -> tuple[Write, ...]:
    """The write that refuses a commit once the record's deadline has passed, by the store's clock."""
    return () if record.deadline is None else (NotAfter(record.deadline),)


async def refuse(
    core: Core, record: ActionRecord, kind: EventType, code: Code, *, actor: str, data: Mapping[str, Json] | None = None
) -> None:
    """Record that something was tried about an action and refused.

    Raises:
        StoreFailed: it can't be recorded; the caller is told that instead of the refusal, and nothing runs either way.
    """
    event = occurrence(
        event_id=core.ids.new(),
        org=record.org,
        at=await core.store.now(),
        actor=actor,
        kind=kind,
        about=record.id,
        data={"code": str(code), "state": str(record.state), **(data or {})},
    )
    await core.store.commit(Commit(record.org, (), (event,)))


def too_much_changed() -> Unavailable:
    """What is raised when three attempts met a changed world each time."""
    return Unavailable(Code.STORE_CONFLICT, "Too much changed at the same time.", hint="Try again.")


def late(record: ActionRecord) -> StateConflict:
    """What is raised when a deadline has passed at use."""
    return StateConflict(
        Code.DEADLINE_PASSED,
        "The time for this is over.",
        hint="Submit the action again if it is still wanted.",
        detail=str(record.state),
    )

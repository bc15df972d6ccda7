"""Run an allowed or approved action, once, with exactly the bytes that were approved.

Only the requesting agent starts it, by naming the digest. It is judged again; then the move to `executing` is committed with a lease, and
only the one commit that wins runs the connector. What the run did is recorded with its source; a run that nobody knows the end of is
`unknown` and is never tried again.
"""

from dataclasses import dataclass, replace

from aaf.domain.action_bytes import commitment
from aaf.domain.canonical import Json, canonical, parse
from aaf.domain.digests import same_digest
from aaf.domain.errors import Code, ConnectorFailed, NotFound, NotPermitted, StateConflict, StoreFailed
from aaf.domain.events import EventType
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord
from aaf.domain.states import Cause, State
from aaf.ports import Commit, Committed, InsertSealed, StaleEpoch, UpdateAction, Write
from aaf.services.access import require
from aaf.services.clearing import Cleared, clear
from aaf.services.core import Caller, Core
from aaf.services.moving import end_in_time, in_time, late, move, too_much_changed
from aaf.services.refusals import refuse_once
from aaf.services.sealing import data_key, seal, stored_bytes, unseal

ATTEMPTS = 3
SECOND = 1_000_000
GRACE = 30 * SECOND
"""How long after a lease's end a report is still awaited before the action counts as unknown."""
_PASSING = {Code.STORE_BUSY, Code.STORE_LOCKED}
"""What the store says when another attempt may succeed."""
_USED = {State.EXECUTING, State.SUCCEEDED, State.FAILED, State.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Ran:
    """The action after the run, and its result where it succeeded."""

    record: ActionRecord
    result: Json


async def execute(core: Core, caller: Caller, action: str, *, digest: str) -> Ran:
    """Run a connector's action and record how it ended.

    Raises:
        NotFound: the caller has no such action.
        StateConflict: another digest, already consumed, not approved, too late, denied or held by the second judgement.
        Unavailable: the record can't be written, so nothing ran, or its end could not be recorded.
    """
    require(caller, Permission.OWN_ACTION_EXECUTE)
    for _ in range(ATTEMPTS):
        record = await own_action(core, caller, action)
        await in_scope(core, caller, record, kind=EventType.EXECUTION_REFUSED)
        await usable(core, caller, record, digest, kind=EventType.EXECUTION_REFUSED)
        if record.effect == "caller":
            await refuse_once(
                core, record, EventType.EXECUTION_REFUSED, Code.WRONG_EFFECT, actor=caller.principal.actor
            )
            raise StateConflict(
                Code.WRONG_EFFECT, "The agent's own tool runs this action.", hint="Ask for a permit instead."
            )
        now = await core.store.now()
        if await end_in_time(core, record, now=now):
            raise late(record)
        cleared = await clear(core, caller, record, now=now)
        if cleared is None:
            caller = await caller.again(core)
            require(caller, Permission.OWN_ACTION_EXECUTE)
            continue
        now = await core.store.now()  # judging took its time, and the lease is counted from here
        lease = core.ids.new()
        until = now + caller.known.configuration.run_timeout * SECOND + GRACE
        started, event = move(
            core,
            record,
            Cause.PERMIT_CONSUMED,
            at=now,
            actor=caller.principal.actor,
            code=Code.OK,
            deadline=until,
            data={"lease": lease, "release": caller.known.release, "route": "connector"},
        )
        started = replace(started, lease=lease)
        writes: tuple[Write, ...] = (UpdateAction(started), *in_time(record))
        match await core.store.commit(Commit(record.org, writes, (event,), caller.known.epoch, admission=True)):
            case Committed():
                return await _run(core, caller, started, cleared)
            case StaleEpoch():
                caller = await caller.again(core)
                require(caller, Permission.OWN_ACTION_EXECUTE)
            case _:
                continue
    raise too_much_changed()


async def own_action(core: Core, caller: Caller, action: str) -> ActionRecord:
    """The caller's own action.

    Raises:
        NotFound: there is none; somebody else's looks the same.
    """
    record = await core.store.action(caller.principal.org, action)
    if record is None or record.agent != caller.principal.id:
        raise NotFound(
            Code.NOT_FOUND, "There is no such action.", hint="Actions are known to the agent that submitted them."
        )
    return record


async def in_scope(core: Core, caller: Caller, record: ActionRecord, *, kind: EventType) -> None:
    """Check that the caller's key is scoped to this type; a narrower key of its agent starts nothing and ends nothing.

    Raises:
        NotPermitted: it is not.
    """
    if caller.principal.may_submit(record.type):
        return
    await refuse_once(core, record, kind, Code.ACTION_NOT_ALLOWED_FOR_KEY, actor=caller.principal.actor)
    raise NotPermitted(
        Code.ACTION_NOT_ALLOWED_FOR_KEY,
        "This key is not scoped to that type of action.",
        hint="Use a key that reaches this type; the action stays as it is.",
    )


async def usable(core: Core, caller: Caller, record: ActionRecord, digest: str, *, kind: EventType) -> None:
    """Check that the digest is the action's and that its state lets it run; a refusal is an event.

    Raises:
        StateConflict: the code says which.
    """
    code, message, hint = Code.OK, "", ""
    if not same_digest(digest, record.digest):
        code, message = Code.DIGEST_MISMATCH, "These are not the bytes that were decided on."
        hint = "A changed action is a new action: submit it."
    elif record.state in _USED:
        code, message = Code.ALREADY_CONSUMED, "This action was started before."
        hint = "Read its outcome; to do it again, submit it again."
    elif record.state is State.PENDING_APPROVAL:
        code, message, hint = Code.NOT_APPROVED, "Nobody has approved this action yet.", "Wait for the approval."
    elif record.state not in {State.ALLOWED, State.APPROVED}:
        code, message, hint = Code.ACTION_CLOSED, f"This action is {record.state}.", "It will not run."
    if code is not Code.OK:
        await refuse_once(core, record, kind, code, actor=caller.principal.actor)
        raise StateConflict(code, message, hint=hint)


async def _run(core: Core, caller: Caller, record: ActionRecord, cleared: Cleared) -> Ran:
    """Call the connector with what was read back from the stored bytes, and record the end."""
    configuration = caller.known.configuration
    entry = configuration.catalogue.get(record.type)
    secrets = entry.secrets if entry else ()
    connector = core.connectors.get(record.effect, configuration.connectors, configuration.run_timeout, secrets)
    operation = record.type.rpartition(".")[2]
    try:
        if connector is None:
            raise ConnectorFailed(Code.CONNECTOR_UNAVAILABLE, "Nothing is configured to run this action.")  # noqa: TRY301
        raw = await connector.run(operation=operation, params=cleared.params, expected=cleared.effect)
        result = parse(canonical(raw))
    except ConnectorFailed as failure:
        cause = Cause.NOT_REPORTED if failure.code is Code.CONNECTOR_TIMEOUT else Cause.RAN_BADLY
        core.log.entry("run_failed", {"action": record.id, "cause": failure.detail, "code": str(failure.code)})
        return await finish(core, caller, record, cause, code=failure.code, source="connector", result=None)
    except Exception as failure:  # noqa: BLE001 - whatever a connector raises, the end of the run is recorded as not known
        core.log.entry("run_crashed", {"action": record.id, "cause": type(failure).__name__})
        return await finish(
            core, caller, record, Cause.NOT_REPORTED, code=Code.CONNECTOR_FAILED, source="connector", result=None
        )
    return await finish(core, caller, record, Cause.RAN, code=Code.OK, source="connector", result=result)


async def finish(
    core: Core, caller: Caller, record: ActionRecord, cause: Cause, *, code: Code, source: str, result: Json
) -> Ran:
    """Record how a run ended; a result that its schema doesn't have is withheld and the action failed.

    A state that the sweeper moved to `unknown` meanwhile still takes this report, because the lease is the same.
    """
    entry = caller.known.configuration.catalogue.get(record.type)
    if cause is not Cause.RAN:
        result = None  # nothing of a failed run is kept, so nothing of it is answered either
    elif entry is not None and entry.output is not None and entry.output.check(result):
        core.log.entry("result_withheld", {"action": record.id})
        cause, code, result = Cause.RAN_BADLY, Code.RESULT_WITHHELD, None
    for _ in range(ATTEMPTS):
        now = await core.store.now()
        if record.state is State.UNKNOWN and cause is Cause.NOT_REPORTED:
            return Ran(record, None)
        writes: list[Write] = []
        commit: dict[str, str] = {}
        if cause is Cause.RAN:
            salt = core.ids.salt()
            commit["result"] = commitment(salt, canonical(result))
            key, made = await data_key(core, caller.known, record.agent)
            kept = stored_bytes({"result": result, "salt": salt.hex()})
            sealed: InsertSealed = seal(core, key, owner=record.id, name="result", value=kept)
            writes += [*made, sealed]
        actor = caller.principal.actor if source == "caller" else "system"
        ended, event = move(
            core,
            record,
            cause,
            at=now,
            actor=actor,
            code=code,
            data={"lease": record.lease, "source": source},
            commit=commit,
        )
        ended = replace(ended, outcome={"code": str(code), "source": source})
        # A connector's run has happened whatever became of the key since; a caller's word counts only while its key is good.
        epoch = caller.known.epoch if source == "caller" else None
        try:
            answer = await core.store.commit(Commit(record.org, (UpdateAction(ended), *writes), (event,), epoch))
        except StoreFailed as failure:
            if failure.code not in _PASSING:
                raise
            core.log.entry("end_not_recorded", {"action": record.id, "code": str(failure.code)})
            continue
        if isinstance(answer, Committed):
            return Ran(ended, result)
        if isinstance(answer, StaleEpoch):
            caller = await caller.again(core)
            require(caller, Permission.OWN_ACTION_EXECUTE)
            continue
        current = await core.store.action(record.org, record.id)
        if current is None or current.lease != record.lease or current.state is not State.UNKNOWN:
            raise StateConflict(Code.OUTCOME_CONFLICT, "The end of this run was recorded before.")
        record = current
    raise too_much_changed()


async def result_of(core: Core, record: ActionRecord) -> Json:
    """The recorded result of a succeeded action, None for any other.

    Raises:
        Unavailable: it was erased.
    """
    if record.state is not State.SUCCEEDED or (record.outcome or {}).get("source") == "person":
        return None
    kept = await unseal(core, record.org, record.id, "result")
    return kept["result"] if isinstance(kept, dict) else None

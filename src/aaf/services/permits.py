"""Permits: the single-use right of a remote caller to run one digest before one instant, and the report of how it went.

Issuing is not running: the right is used up by consuming it, atomically, by the store's clock, after the action was judged again. A report
needs the lease, which is the permit's id; a late one still closes an `unknown` action.
"""

from dataclasses import dataclass, replace

from aaf.domain.canonical import Json
from aaf.domain.digests import same_digest
from aaf.domain.errors import Code, InputRefused, NotFound, StateConflict
from aaf.domain.events import EventType, occurrence
from aaf.domain.permit import MAX_LIFETIME, Claims, assemble_token, key_fingerprint, signing_input
from aaf.domain.principal import Kind, Permission
from aaf.domain.record import ActionRecord, PermitRecord, PermitState
from aaf.domain.states import Cause, State
from aaf.ports import (
    Commit,
    Committed,
    Conflict,
    ConflictKind,
    ConsumePermit,
    InsertPermit,
    StaleEpoch,
    UpdateAction,
    Write,
)
from aaf.services.access import require
from aaf.services.clearing import clear
from aaf.services.core import Caller, Core
from aaf.services.execute import GRACE, Ran, finish, in_scope, own_action, usable
from aaf.services.moving import end_in_time, in_time, late, move, too_much_changed
from aaf.services.refusals import refuse_once
from aaf.services.sealing import unseal_object

ATTEMPTS = 3
SECOND = 1_000_000
MAX_AUDIENCE = 256


@dataclass(frozen=True, slots=True)
class Issued:
    """A permit with its signed token."""

    permit: PermitRecord
    token: str


@dataclass(frozen=True, slots=True)
class Consumed:
    """The action now executing, and the parameters to run it with."""

    record: ActionRecord
    params: dict[str, Json]


async def issue(core: Core, caller: Caller, action: str, *, digest: str, audience: str) -> Issued:
    """Issue a permit for an allowed or approved action of effect `caller`; an earlier unused one becomes void.

    Raises:
        NotFound: the caller has no such action.
        InputRefused: the audience is empty or too long.
        StateConflict: as `execute`.
        Unavailable: it can't be recorded.
    """
    require(caller, Permission.OWN_ACTION_EXECUTE)
    if not 0 < len(audience) <= MAX_AUDIENCE or not audience.isprintable():
        raise InputRefused(
            Code.WRONG_TYPE, f"An audience has 1 to {MAX_AUDIENCE} printable characters.", path="$.audience"
        )
    for _ in range(ATTEMPTS):
        record = await own_action(core, caller, action)
        await in_scope(core, caller, record, kind=EventType.PERMIT_REFUSED)
        await usable(core, caller, record, digest, kind=EventType.PERMIT_REFUSED)
        if record.effect != "caller":
            await refuse_once(core, record, EventType.PERMIT_REFUSED, Code.WRONG_EFFECT, actor=caller.principal.actor)
            raise StateConflict(Code.WRONG_EFFECT, "A connector runs this action.", hint="Execute it instead.")
        now = await core.store.now()
        if await end_in_time(core, record, now=now):
            raise late(record)
        if await clear(core, caller, record, now=now) is None:
            caller = await caller.again(core)
            require(caller, Permission.OWN_ACTION_EXECUTE)
            continue
        permit = PermitRecord(
            org=record.org,
            jti=core.ids.new(),
            action=record.id,
            agent=record.agent,
            digest=record.digest,
            audience=audience,
            issued_at=now,
            expires_at=min(now + MAX_LIFETIME * SECOND, record.deadline or now),
            action_version=record.version,
        )
        event = occurrence(
            event_id=core.ids.new(),
            org=record.org,
            at=now,
            actor=caller.principal.actor,
            kind=EventType.PERMIT_ISSUED,
            about=record.id,
            data={"digest": record.digest, "expires": permit.expires_at, "jti": permit.jti},
        )
        writes: tuple[Write, ...] = (InsertPermit(permit), *in_time(record))
        match await core.store.commit(Commit(record.org, writes, (event,), caller.known.epoch, admission=True)):
            case Committed():
                return Issued(permit, await _token(core, permit))
            case StaleEpoch():
                caller = await caller.again(core)
                require(caller, Permission.OWN_ACTION_EXECUTE)
            case _:
                continue
    raise too_much_changed()


async def _token(core: Core, permit: PermitRecord) -> str:
    """Sign the permit (docs/formats.md section 7); `exp` is cut down to a whole second, so it never promises more."""
    stored = await unseal_object(core, permit.org, permit.action, "input")
    claims = Claims(
        aud=permit.audience,
        digest=permit.digest,
        exp=permit.expires_at // SECOND,
        iat=permit.issued_at // SECOND,
        iss=core.origin(permit.org),
        jti=permit.jti,
        nbf=permit.issued_at // SECOND,
        salt=str(stored["salt"]),
        sub=permit.agent,
    )
    data = signing_input(claims, key_fingerprint(core.permit_signer.public_key))
    return assemble_token(data, core.permit_signer.sign(data))


async def consume(core: Core, caller: Caller, jti: str, *, digest: str) -> Consumed:
    """Use a permit up and move its action to `executing`.

    Raises:
        NotFound: there is no such permit for this caller.
        StateConflict: another digest, used before, void, expired, or the action may not run any more.
    """
    require(caller, Permission.OWN_ACTION_EXECUTE)
    for _ in range(ATTEMPTS):
        permit = await _permit(core, caller, jti)
        record = await core.store.action(permit.org, permit.action)
        if record is None:
            raise _no_permit()
        await in_scope(core, caller, record, kind=EventType.PERMIT_REFUSED)
        await _check(core, caller, record, permit, digest)
        now = await core.store.now()
        agent = caller if caller.principal.id == permit.agent else _as_agent(caller, record, now)
        cleared = await clear(core, agent, record, now=now)
        if cleared is None:
            caller = await caller.again(core)
            require(caller, Permission.OWN_ACTION_EXECUTE)
            continue
        now = await core.store.now()  # judging took its time, and the lease is counted from here
        started, event = move(
            core,
            record,
            Cause.PERMIT_CONSUMED,
            at=now,
            actor=caller.principal.actor,
            code=Code.OK,
            deadline=now + caller.known.configuration.run_timeout * SECOND + GRACE,
            data={"lease": jti, "release": caller.known.release, "route": "permit"},
        )
        started = replace(started, lease=jti)
        writes: tuple[Write, ...] = (ConsumePermit(jti), UpdateAction(started), *in_time(record))
        match await core.store.commit(Commit(record.org, writes, (event,), caller.known.epoch, admission=True)):
            case Committed():
                return Consumed(started, cleared.params)
            case StaleEpoch():
                caller = await caller.again(core)
                require(caller, Permission.OWN_ACTION_EXECUTE)
            case Conflict(kind=ConflictKind.PERMIT_EXPIRED):
                await refuse_once(
                    core, record, EventType.PERMIT_REFUSED, Code.EXPIRED_PERMIT, actor=caller.principal.actor
                )
                raise _expired()
            case _:
                continue
    raise too_much_changed()


async def _permit(core: Core, caller: Caller, jti: str) -> PermitRecord:
    """The permit, where it is the caller's: the agent's own, or of the tool server that it was issued to."""
    permit = await core.store.permit(jti)
    person = caller.principal
    if permit is None or permit.org != person.org:
        raise _no_permit()
    if permit.agent != person.id and not (person.kind is Kind.SERVICE and person.name == permit.audience):
        raise _no_permit()
    return permit


def _no_permit() -> NotFound:
    """Somebody else's permit looks like none."""
    return NotFound(
        Code.UNKNOWN_PERMIT, "There is no such permit.", hint="Permits are known to the agent they were issued to."
    )


def _expired() -> StateConflict:
    """What a late caller is told."""
    return StateConflict(
        Code.EXPIRED_PERMIT, "This permit has expired.", hint="Ask for a new one; a permit lasts at most a minute."
    )


def _as_agent(caller: Caller, record: ActionRecord, now: int) -> Caller:
    """The agent of the action, for judging again what a tool server is about to run; without a live key it runs nothing."""
    agent = caller.known.holder(record.agent, record.type, now=now)
    if agent is None:
        raise _no_permit()
    acting = replace(caller, principal=agent)
    require(acting, Permission.OWN_ACTION_EXECUTE)
    return acting


async def _check(core: Core, caller: Caller, record: ActionRecord, permit: PermitRecord, digest: str) -> None:
    """Whether this permit is for these bytes and still good; a refusal is an event."""
    if not same_digest(digest, permit.digest):
        await refuse_once(core, record, EventType.PERMIT_REFUSED, Code.DIGEST_MISMATCH, actor=caller.principal.actor)
        raise StateConflict(
            Code.DIGEST_MISMATCH,
            "These are not the bytes that this permit is for.",
            hint="A changed action is a new action: submit it.",
        )
    if permit.state is not PermitState.ISSUED or record.version != permit.action_version:
        await refuse_once(core, record, EventType.PERMIT_REFUSED, Code.ALREADY_CONSUMED, actor=caller.principal.actor)
        raise StateConflict(
            Code.ALREADY_CONSUMED, "This permit was used before, or is void.", hint="Read the action's outcome."
        )
    if await core.store.now() > permit.expires_at:
        await refuse_once(core, record, EventType.PERMIT_REFUSED, Code.EXPIRED_PERMIT, actor=caller.principal.actor)
        raise _expired()


async def report(core: Core, caller: Caller, action: str, *, lease: str, succeeded: bool, result: Json) -> Ran:
    """Take the caller's word for how the run ended; `lease` is the consumed permit's id.

    Raises:
        NotFound: the caller has no such action or holds another lease.
        StateConflict: it isn't running, or its end was recorded before.
    """
    require(caller, Permission.OWN_ACTION_EXECUTE)
    record = await core.store.action(caller.principal.org, action)
    if record is None or record.lease is None or not same_digest(lease, record.lease):
        raise NotFound(Code.NOT_FOUND, "There is no such run.", hint="Send the id of the permit that was consumed.")
    await _permit(core, caller, lease)
    if record.state not in {State.EXECUTING, State.UNKNOWN}:
        await refuse_once(
            core,
            record,
            EventType.EXECUTION_REFUSED,
            Code.OUTCOME_CONFLICT,
            actor=caller.principal.actor,
            data={"reported": "succeeded" if succeeded else "failed"},
        )
        raise StateConflict(Code.OUTCOME_CONFLICT, "The end of this run was recorded before.")
    cause, code = (Cause.RAN, Code.OK) if succeeded else (Cause.RAN_BADLY, Code.CONNECTOR_FAILED)
    return await finish(core, caller, record, cause, code=code, source="caller", result=result)

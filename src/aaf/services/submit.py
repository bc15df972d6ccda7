"""The way of an action, from top to bottom: form, judge, limit, record, answer.

Deciding and recording are one commit; nothing is answered before it is durable and nothing runs here except, after the record, what was
allowed and asked to run at once. A commit that finds the world changed is judged again, three times at most, then nothing is recorded
and the answer says so.
"""

from dataclasses import dataclass

from aaf.domain.action_bytes import commitment, context_digest
from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import Verdict
from aaf.domain.errors import AafError, Code, InputRefused, NotAuthenticated, StateConflict, Unavailable
from aaf.domain.events import transition
from aaf.domain.fragments import items, members, text
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord
from aaf.domain.states import Cause, State, advance
from aaf.ports import (
    ChargeLimit,
    Commit,
    Committed,
    Conflict,
    Duplicate,
    InsertAction,
    InsertIdempotency,
    StaleEpoch,
    Write,
)
from aaf.services.access import require
from aaf.services.core import Caller, Core, Known
from aaf.services.execute import execute, own_action, result_of
from aaf.services.forming import Formed, Submission, form
from aaf.services.holding import Asked, hold
from aaf.services.judging import Judged, Question, judge
from aaf.services.limiting import Counted, count_rates, count_spend, reservations
from aaf.services.quoting import without_named
from aaf.services.recording import deadline_of, decision_data, input_bytes, reasons_of
from aaf.services.refusals import count_refusal
from aaf.services.sealing import data_key, seal

ATTEMPTS = 3
SECOND = 1_000_000
IDEMPOTENCY_KEPT = 24 * 3600 * SECOND
MAX_IDEMPOTENCY_KEY = 255
_CAUSES = {
    Verdict.ALLOW: Cause.DECIDED_ALLOW,
    Verdict.DENY: Cause.DECIDED_DENY,
    Verdict.REQUIRE_APPROVAL: Cause.DECIDED_HOLD,
}


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a submission: `created` is False where an idempotency key led to an earlier action."""

    record: ActionRecord
    created: bool
    faults: tuple[dict[str, str], ...] = ()
    result: Json = None


async def submit(
    core: Core, caller: Caller, submission: Submission, *, idempotency_key: str | None = None
) -> Submitted:
    """Decide one action and record it; run it where it was allowed and `submission.run` is `now`.

    Raises:
        NotPermitted: the caller may not submit.
        InputRefused: the idempotency key is malformed, or a name holds a secret.
        StateConflict: the idempotency key stands for another body.
        TooMany: a rate limit; `retry_after` says when to come back.
        Unavailable: nothing could be recorded, so nothing was decided.
    """
    require(caller, Permission.OWN_ACTION_SUBMIT)
    body_hash = ""
    if idempotency_key is not None:
        caller = await _again(core, caller)  # a repetition is answered without a commit
        body_hash = _body_hash(core, caller, submission)
    for _ in range(ATTEMPTS):
        earlier = await _earlier(core, caller, idempotency_key, body_hash)
        if earlier is not None:
            return earlier
        now = await core.store.now()
        counted = await count_rates(core, caller, submission.name, now)
        formed = form(core, caller, submission)
        await count_spend(core, caller, formed, now, counted)
        action = core.ids.new()
        judged = await judge(core, caller.known, _question(caller, formed, action, now, counted))
        reserved = reservations(counted, action, judged.decision.verdict)
        record, commit = await _recorded(core, caller, formed, judged, action, now, spends=bool(reserved))
        writes = (
            *commit.writes,
            *counted.charges,
            *reserved,
            *_rates(judged),
            *_remember(caller, idempotency_key, body_hash, action, now),
        )
        answer = await core.store.commit(Commit(commit.org, writes, commit.events, caller.known.epoch, admission=True))
        match answer:
            case Committed() | Duplicate():
                return await _answered(core, caller, record, formed)
            case StaleEpoch():
                caller = await _again(core, caller)
                require(caller, Permission.OWN_ACTION_SUBMIT)
            case Conflict():
                continue
    raise Unavailable(
        Code.STORE_CONFLICT, "Too much changed at the same time.", hint="Nothing was recorded. Try again."
    )


async def _again(core: Core, caller: Caller) -> Caller:
    """The caller under what is so now; a key that is over is counted like one at the door.

    Raises:
        NotAuthenticated: it is.
    """
    try:
        return await caller.again(core)
    except NotAuthenticated as refusal:
        await count_refusal(core, org=caller.principal.org, code=refusal.code, source=caller.principal.id)
        raise


def _question(caller: Caller, formed: Formed, action: str, now: int, counted: Counted) -> Question:
    """What to judge."""
    submission = formed.submission
    return Question(
        principal=caller.principal,
        name=submission.name,
        server=submission.server,
        params=formed.params,
        context=submission.context,
        action=action,
        at=now,
        faults=formed.fault_code,
        counters=counted.counters,
    )


async def _earlier(core: Core, caller: Caller, key: str | None, body_hash: str) -> Submitted | None:
    """The action that this idempotency key stands for."""
    if key is None:
        return None
    if not 0 < len(key) <= MAX_IDEMPOTENCY_KEY or not key.isascii() or not key.isprintable():
        raise InputRefused(
            Code.BAD_REQUEST, f"An idempotency key has 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters."
        )
    principal = caller.principal
    found = await core.store.idempotent(principal.org, principal.id, key)
    if found is None:
        return None
    if found.body_hash != body_hash:
        raise StateConflict(
            Code.IDEMPOTENCY_MISMATCH,
            "This idempotency key stands for another body.",
            hint="Use a new key for a new action.",
        )
    record = await core.store.action(principal.org, found.action)
    if record is None:
        raise Unavailable(Code.STORE_UNAVAILABLE, "The action of this key is not there.", detail=found.action)
    return Submitted(record, created=False)


def _body_hash(core: Core, caller: Caller, submission: Submission) -> str:
    """A keyed hash of the body: a bare one would tell what was sent."""
    key = core.secrets.match_key(caller.principal.org)
    return commitment(key, submission.body_hash_input)


def _rates(judged: Judged) -> tuple[Write, ...]:
    """The charges of the target's rates; what is denied never goes there."""
    if judged.decision.verdict is Verdict.DENY:
        return ()
    return tuple(
        ChargeLimit(charge.name, charge.subject, charge.interval, charge.tolerance) for charge in judged.charges
    )


def _remember(caller: Caller, key: str | None, body_hash: str, action: str, now: int) -> tuple[Write, ...]:
    """The write that makes a repetition find this action."""
    if key is None:
        return ()
    return (InsertIdempotency(caller.principal.id, key, body_hash, action, now + IDEMPOTENCY_KEPT),)


async def _recorded(
    core: Core, caller: Caller, formed: Formed, judged: Judged, action: str, now: int, *, spends: bool
) -> tuple[ActionRecord, Commit]:
    """The record, its sealed values and its first event."""
    known, principal = caller.known, caller.principal
    state = advance(State.SUBMITTED, _CAUSES[judged.decision.verdict])
    key, made = await data_key(core, known, principal.id)
    asked = input_bytes(judged.input, params=formed.params_bytes, context=formed.context_bytes)
    salts = {name: core.ids.salt() for name in formed.fields}
    sealed = members(
        {
            "faults": items(canonical({"message": fault.message, "path": fault.path}) for fault in formed.faults),
            "input": asked,
            "salt": text(formed.salt.hex()),
            "salts": members({name: text(salt.hex()) for name, salt in salts.items()}),
            "secret": canonical(_hidden(known, formed, judged)),
        }
    )
    writes: list[Write] = [*made, seal(core, key, owner=action, name="input", value=sealed)]
    held = None
    if state is State.PENDING_APPROVAL:
        what = Asked(
            action=action,
            requester=principal.actor,
            name=formed.submission.name,
            server=formed.submission.server,
            params=formed.params,
            context=formed.submission.context,
            salt=formed.salt,
            digest=formed.digest,
        )
        held = hold(
            core,
            key,
            agent=known.name(principal.id),
            names=known.configuration.sensitive,
            what=what,
            judged=judged,
            requirements=judged.decision.requirements,
            round_=1,
        )
        writes += held.writes
    entry = judged.entry
    record = ActionRecord(
        org=principal.org,
        id=action,
        version=1,
        state=state,
        agent=principal.id,
        type=formed.submission.name,
        server=formed.submission.server,
        digest=formed.digest,
        match_key=formed.match_key,
        action_class=str(judged.input.klass),
        risk=str(judged.risk),
        release=known.release,
        entry=entry.hash if entry else "",
        effect=entry.effect if entry else "caller",
        created_at=now,
        updated_at=now,
        deadline=deadline_of(known, state, judged.decision.requirements, now),
        reasons=reasons_of(judged),
        code=str(judged.decision.code),
        requirements=judged.decision.requirements,
        round=1 if held else 0,
        effect_digest=held.effect_digest if held else None,
        view_digest=held.view_digest if held else None,
        long_values=held.long_values if held else 0,
        run=formed.submission.run if entry and entry.run_when_approved else _not_later(formed.submission.run),
        spends=spends,
    )
    event = transition(
        event_id=core.ids.new(),
        org=record.org,
        at=now,
        actor=principal.actor,
        action=action,
        seq=1,
        before=State.SUBMITTED,
        after=state,
        data={
            **decision_data(record, judged, context_digest(formed.salt, asked)),
            "credential": principal.credential,
        },
        commit={name: commitment(salts[name], value) for name, value in formed.fields.items()},
    )
    return record, Commit(record.org, (InsertAction(record), *writes), (event,))


_SECRET_FINDINGS = frozenset({Code.CREDENTIAL_IN_REQUEST, Code.SECRET_DETECTED, Code.SECRET_QUOTED})


def _hidden(known: Known, formed: Formed, judged: Judged) -> list[Json]:
    """The fields that nobody is shown: declared ones, those in which a credential was found, those that hold a sensitive name."""
    found = [one.field for one in judged.findings if one.code in _SECRET_FINDINGS]
    names, context = known.configuration.sensitive, formed.submission.context
    shown = without_named(names, formed.params, formed.entry)
    named = [f"params.{name}" for name, value in formed.params.items() if shown[name] is not value]
    if names.members(context) is not context:
        named.append("context")
    return [*(formed.entry.secret if formed.entry else ()), *found, *named]


def _not_later(run: str) -> str:
    """`when_approved` counts only where the catalogue entry permits it."""
    return "no" if run == "when_approved" else run


async def _answered(core: Core, caller: Caller, record: ActionRecord, formed: Formed) -> Submitted:
    """The answer; the run, where it was allowed and asked for at once."""
    faults = tuple({"message": fault.message, "path": fault.path} for fault in formed.faults)
    if record.state is State.ALLOWED and record.run in {"now", "when_approved"} and record.effect != "caller":
        try:
            ran = await execute(core, caller, record.id, digest=record.digest)
        except AafError as failure:
            # The action is recorded and may have run: an answer that says "try again" would have it done twice.
            core.log.entry("run_refused", {"action": record.id, "code": str(failure.code)})
            return await _as_it_stands(core, caller, record)
        return Submitted(ran.record, created=True, result=ran.result)
    return Submitted(record, created=True, faults=faults)


async def _as_it_stands(core: Core, caller: Caller, record: ActionRecord) -> Submitted:
    """The action as stored now, and its result where another program ran it; what was committed first where the store can't be asked."""
    try:
        stands = await own_action(core, caller, record.id)
    except AafError:
        return Submitted(record, created=True)
    try:
        return Submitted(stands, created=True, result=await result_of(core, stands))
    except AafError as failure:
        core.log.entry("result_unread", {"action": record.id, "code": str(failure.code)})
        return Submitted(stands, created=True)

"""What people do with a held action: see all of it, open what is long, approve or reject.

A review answers one digest and one view and nothing else. Nobody reviews what they asked for, nobody twice, nobody late, and nobody who
hasn't opened every long value. The first final answer wins; whoever comes after is told.
"""

import unicodedata
from dataclasses import dataclass, replace
from functools import partial

from aaf.domain.action_bytes import commitment
from aaf.domain.approval import Review, ReviewVerdict, Standing, approvals, review_refusal, standing
from aaf.domain.canonical import Json, canonical
from aaf.domain.digests import same_digest
from aaf.domain.errors import Code, InputRefused, NotFound, NotPermitted, StateConflict
from aaf.domain.events import Event, EventType, occurrence
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord
from aaf.domain.states import Cause, State
from aaf.domain.view import long_row, preview
from aaf.ports import Commit, Committed, InsertOpening, InsertReview, StaleEpoch, UpdateAction, Write
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.moving import end_in_time, in_time, late, move, refuse, too_much_changed
from aaf.services.paging import Page, page
from aaf.services.quoting import without_secrets
from aaf.services.recording import deadline_of
from aaf.services.refusals import refuse_once
from aaf.services.sealing import data_key, seal, unseal_object

ATTEMPTS = 3
MAX_REASON = 1_000


_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols without a glyph; every other character without one is a control, a space or a mark."""


def says_something(reason: str) -> bool:
    """Whether a reason has at least one character that can be seen."""
    return any(unicodedata.category(one)[0] not in "CMZ" and one not in _BLANK for one in reason)


@dataclass(frozen=True, slots=True)
class Shown:
    """A held action as one reviewer sees it: the view with long values cut until opened, and what stands against their answer."""

    record: ActionRecord
    view: dict[str, Json]
    opened: frozenset[int]
    reviews: tuple[Review, ...]
    may_review: Code | None
    """None where this person may review, else why not."""
    approved: tuple[int, ...]
    """How many approvals count by now, for each of the record's requirements."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says, and the digests of what they say it to."""

    action: str
    verdict: ReviewVerdict
    digest: str
    view_digest: str
    reason: str = ""


async def waiting(core: Core, caller: Caller, *, before: str | None = None, limit: int = 50) -> Page:
    """Held actions, newest first; those whose time is over are closed on the way and left out.

    Raises:
        NotPermitted: the caller may not see approvals.
    """
    require(caller, Permission.ORG_APPROVAL_READ)
    now = await core.store.now()
    found = await page(core, caller.principal.org, state=State.PENDING_APPROVAL, before=before, limit=limit)
    return replace(found, records=[one for one in found.records if not await end_in_time(core, one, now=now)])


async def show(core: Core, caller: Caller, action: str) -> Shown:
    """One held or once held action in full.

    Raises:
        NotPermitted: the caller may not see approvals.
        NotFound: there is no such action, or it was never held.
        Unavailable: its view was erased.
    """
    require(caller, Permission.ORG_APPROVAL_READ)
    record = await _held(core, caller, action)
    now = await core.store.now()
    if await end_in_time(core, record, now=now):
        record = await _held(core, caller, action)
    view = await unseal_object(core, record.org, record.id, "view")
    opened = await core.store.openings(record.org, record.id, record.round, caller.principal.id)
    reviews = await reviews_of(core, record)
    refusal = review_refusal(caller.principal, requester=record.agent, requirements=record.requirements)
    counting = caller.known.counting(reviews, now=now)
    approved = approvals(
        counting, requester=record.agent, requirements=record.requirements, reviewer=caller.known.person
    )
    return Shown(record, preview(view, opened), opened, reviews, refusal, approved)


async def reviews_of(core: Core, record: ActionRecord) -> tuple[Review, ...]:
    """The reviews of the present round with their reasons, as they may be shown.

    Raises:
        Unavailable: a reason was erased.
    """
    found: list[Review] = []
    for ordinal, one in enumerate(await core.store.reviews(record.org, record.id, record.round)):
        kept = await unseal_object(core, record.org, record.id, f"review:{record.round}:{ordinal}")
        found.append(replace(one, reason=str(without_secrets(core, kept["reason"]))))
    return tuple(found)


async def _held(core: Core, caller: Caller, action: str) -> ActionRecord:
    """An action that was held at least once."""
    record = await core.store.action(caller.principal.org, action)
    if record is None or record.round == 0:
        raise NotFound(Code.NOT_FOUND, "There is no such approval.", hint="`aaf approvals list` shows what is waiting.")
    return record


async def open_value(core: Core, caller: Caller, action: str, index: int) -> dict[str, Json]:
    """Return one long value whole and remember that this person opened it.

    Raises:
        NotPermitted: the caller may not review.
        NotFound: there is no such action or value.
    """
    for _ in range(ATTEMPTS):
        require(caller, Permission.ORG_APPROVAL_REVIEW)
        record = await _held(core, caller, action)
        row = long_row(await unseal_object(core, record.org, record.id, "view"), index)
        if row is None:
            raise NotFound(
                Code.NOT_FOUND, "There is no such value.", hint="The approval lists its long values by number."
            )
        person = caller.principal
        shown: dict[str, Json] = {**row, "hidden": 0, "index": index, "opened": True}
        if index in await core.store.openings(record.org, record.id, record.round, person.id):
            return shown
        event = occurrence(
            event_id=core.ids.new(),
            org=record.org,
            at=await core.store.now(),
            actor=person.actor,
            kind=EventType.APPROVAL_VALUE_OPENED,
            about=record.id,
            data={"index": index, "round": record.round, "view": record.view_digest},
        )
        opening = InsertOpening(record.id, record.round, person.id, index)
        if isinstance(await core.store.commit(Commit(record.org, (opening,), (event,), caller.known.epoch)), Committed):
            return shown
        caller = await caller.again(core)
    raise too_much_changed()


async def review(core: Core, caller: Caller, answer: Answer) -> ActionRecord:
    """Take one person's answer; return the action as it stands after it.

    Raises:
        NotPermitted: not a reviewer, not eligible, or it is their own request.
        InputRefused: a rejection, or an approval that asks for one, without a reason, or one too long.
        StateConflict: decided already, reviewed already, late, another digest or view, or long values not opened.
    """
    await _check_reviewer(core, caller, answer.action)
    for _ in range(ATTEMPTS):
        record = await _held(core, caller, answer.action)
        now = await core.store.now()
        await _check_right(core, caller, record)
        await _check_answer(core, caller, record, answer)
        if await end_in_time(core, record, now=now):
            await refuse(
                core, record, EventType.APPROVAL_REVIEW_REFUSED, Code.DEADLINE_PASSED, actor=caller.principal.actor
            )
            raise late(record)
        await _check_opened(core, caller, record, answer)
        earlier = await core.store.reviews(record.org, record.id, record.round)
        if any(one.reviewer == caller.principal.id for one in earlier):
            await refuse(
                core, record, EventType.APPROVAL_REVIEW_REFUSED, Code.ALREADY_REVIEWED, actor=caller.principal.actor
            )
            raise StateConflict(Code.ALREADY_REVIEWED, "You have answered this request before.")
        moved, commit = await _counted(core, caller, record, answer, earlier, now)
        match await core.store.commit(commit):
            case Committed():
                return moved
            case StaleEpoch():
                caller = await caller.again(core)
            case _:
                continue
    raise too_much_changed()


async def _check_reviewer(core: Core, caller: Caller, action: str) -> None:
    """Whether the caller reviews at all; who doesn't is told nothing of the action, and the attempt is recorded about it."""
    if not caller.principal.may(Permission.ORG_APPROVAL_REVIEW):
        record = await core.store.action(caller.principal.org, action)
        if record is not None:
            await refuse_once(
                core, record, EventType.APPROVAL_REVIEW_REFUSED, Code.PERMISSION_DENIED, actor=caller.principal.actor
            )
    require(caller, Permission.ORG_APPROVAL_REVIEW)


async def _check_right(core: Core, caller: Caller, record: ActionRecord) -> None:
    """Whether this person may answer at all."""
    refusal = review_refusal(caller.principal, requester=record.agent, requirements=record.requirements)
    if refusal is None:
        return
    await refuse(core, record, EventType.APPROVAL_REVIEW_REFUSED, refusal, actor=caller.principal.actor)
    names = sorted({name for requirement in record.requirements for name in requirement.approvers})
    raise NotPermitted(
        refusal,
        {
            Code.OWN_REQUEST: "Nobody reviews what they asked for themselves.",
            Code.REVIEWER_NOT_ELIGIBLE: "The rule asks for other reviewers.",
        }.get(refusal, "This key may not review."),
        hint=f"Reviewers of this request: {', '.join(names)}.",
    )


async def _check_answer(core: Core, caller: Caller, record: ActionRecord, answer: Answer) -> None:
    """Whether the answer is to this request, as it was shown, and complete."""
    if record.state is not State.PENDING_APPROVAL:
        await refuse(
            core, record, EventType.APPROVAL_REVIEW_REFUSED, Code.ALREADY_DECIDED, actor=caller.principal.actor
        )
        raise StateConflict(
            Code.ALREADY_DECIDED, f"This request is {record.state}.", hint="Somebody was faster, or its time is over."
        )
    code = Code.OK
    if not same_digest(answer.digest, record.digest):
        code = Code.DIGEST_MISMATCH
    elif not same_digest(answer.view_digest, record.view_digest or ""):
        code = Code.VIEW_CHANGED
    if code is not Code.OK:
        await refuse(core, record, EventType.APPROVAL_REVIEW_REFUSED, code, actor=caller.principal.actor)
        raise StateConflict(
            code, "Your answer is to something else than what waits here.", hint="Look at the request again."
        )
    if len(answer.reason) > MAX_REASON:
        raise InputRefused(Code.VALUE_TOO_LONG, f"A reason has at most {MAX_REASON} characters.", path="$.reason")
    wanted = answer.verdict is ReviewVerdict.REJECT or any(one.reason_required for one in record.requirements)
    if wanted and not says_something(answer.reason):
        raise InputRefused(
            Code.REASON_REQUIRED, "This answer needs a reason.", hint="The agent is told the reason.", path="$.reason"
        )


async def _check_opened(core: Core, caller: Caller, record: ActionRecord, answer: Answer) -> None:
    """Whether an approver has opened every long value."""
    if answer.verdict is not ReviewVerdict.APPROVE:
        return
    opened = await core.store.openings(record.org, record.id, record.round, caller.principal.id)
    unopened = sorted(set(range(record.long_values)) - opened)
    if unopened:
        await refuse(
            core, record, EventType.APPROVAL_REVIEW_REFUSED, Code.UNOPENED_VALUES, actor=caller.principal.actor
        )
        raise StateConflict(
            Code.UNOPENED_VALUES,
            "A long value of this request hasn't been opened.",
            hint=f"Open the values with these numbers first: {', '.join(map(str, unopened))}.",
        )


async def _counted(
    core: Core, caller: Caller, record: ActionRecord, answer: Answer, earlier: list[Review], now: int
) -> tuple[ActionRecord, Commit]:
    """The commit of this answer: a transition where it is the deciding one, else an event about the action."""
    person = caller.principal
    review_ = Review(
        reviewer=person.id,
        credential=person.credential,
        verdict=answer.verdict,
        reason="",  # a person's own words lie sealed beside it
        at=now,
        digest=record.digest,
        view_digest=answer.view_digest,
    )
    stands = standing(
        [*caller.known.counting(earlier, now=now), review_],
        requester=record.agent,
        requirements=record.requirements,
        reviewer=lambda found: person if found == person.id else caller.known.person(found),
    )
    salt = core.ids.salt()
    key, made = await data_key(core, caller.known, record.agent)
    kept = canonical({"reason": answer.reason, "salt": salt.hex()})
    name = f"review:{record.round}:{len(earlier)}"
    data: dict[str, Json] = {
        "credential": person.credential,
        "round": record.round,
        "verdict": str(answer.verdict),
        "view": record.view_digest,
    }
    commit = {"reason": commitment(salt, canonical(answer.reason))}
    moved, event = _event(core, caller, record, stands, now, data, commit)
    writes: list[Write] = [
        InsertReview(record.id, record.version, record.round, len(earlier), review_),
        *made,
        seal(core, key, owner=record.id, name=name, value=kept),
        *in_time(record),
    ]
    if moved is not record:
        writes.append(UpdateAction(moved))
    return moved, Commit(record.org, tuple(writes), (event,), caller.known.epoch)


def _event(
    core: Core,
    caller: Caller,
    record: ActionRecord,
    stands: Standing,
    now: int,
    data: dict[str, Json],
    commit: dict[str, str],
) -> tuple[ActionRecord, Event]:
    """The event of an answer, and the action after it."""
    actor = caller.principal.actor
    moved = partial(move, core, record, at=now, actor=actor, data=data, commit=commit)
    match stands:
        case Standing.MET:
            return moved(
                cause=Cause.REVIEWS_MET, code=Code.OK, deadline=deadline_of(caller.known, State.APPROVED, (), now)
            )
        case Standing.REJECTED:
            return moved(cause=Cause.REVIEW_REJECTED, code=Code.REJECTED_BY_REVIEWER)
        case Standing.WAITING:
            event = occurrence(
                event_id=core.ids.new(),
                org=record.org,
                at=now,
                actor=actor,
                kind=EventType.APPROVAL_REVIEWED,
                about=record.id,
                data={**data, "digest": record.digest},
                commit=commit,
            )
            return record, event

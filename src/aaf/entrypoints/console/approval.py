"""One held action in full, its long values, and the answer to it.

The form holds the digests of what is shown and a token made for exactly these, so that an answer can't reach another request or another
view of this one. Whatever the service refuses is said on the page that it is about, as that stands now.
"""

from dataclasses import dataclass

from starlette.responses import Response

from aaf.domain.approval import ReviewVerdict
from aaf.domain.decision import Requirement
from aaf.domain.errors import AafError, Code, InputRefused, NotFound, NotPermitted, StateConflict
from aaf.domain.states import State
from aaf.entrypoints.console.pages import page, refusal, to
from aaf.entrypoints.console.presenting import difference, facts, parameters, whole
from aaf.entrypoints.console.receiving import Visit, check_settled, check_token
from aaf.entrypoints.refusing import Refusal, refused
from aaf.services import review
from aaf.services.core import Known
from aaf.services.inbox import Pulse, mark_of
from aaf.services.review import Shown


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person had chosen and written when their answer was refused."""

    verdict: str = ReviewVerdict.REJECT
    reason: str = ""


async def read(visit: Visit) -> Response:
    """The page of one approval."""
    return _page(visit, await _shown(visit), await visit.site.pulse(visit.caller))


async def answer(visit: Visit) -> Response:
    """Take an answer and go back to the list; where it is refused, show the request as it is now, with what is wrong."""
    action, form = visit.request.path_params["action"], visit.form
    shown, digest, view = form.get("shown", ""), form.get("digest", ""), form.get("view", "")
    number = form.get("number", "")
    check_token(visit.session, form, "review", action, digest, view, shown, number)
    typed = Typed(form.get("verdict", ""), form.get("reason", ""))
    if typed.verdict not in set(ReviewVerdict):
        raise InputRefused(Code.BAD_REQUEST, "An answer is approve or reject.", hint="Open the page again.")
    given = review.Answer(action, ReviewVerdict(typed.verdict), digest, view, typed.reason.replace("\r\n", "\n"))
    try:
        check_settled(visit.session, int(number), int(shown), visit.now)
        await review.review(visit.core, visit.caller, given)
    except (InputRefused, NotPermitted, StateConflict) as error:
        visit.session.spend(int(number))
        return await _refused(visit, error, typed)
    return to(f"{visit.root}/?decided={action}")


async def _refused(visit: Visit, error: AafError, typed: Typed) -> Response:
    """The request again. After any refusal but one of the answer's own words, the choice is back at reject."""
    keeps = isinstance(error, InputRefused) or error.code in {Code.UNOPENED_VALUES, Code.ANSWERED_TOO_SOON}
    try:
        shown, waiting = await _shown(visit), await visit.site.pulse(visit.caller)
    except NotPermitted:
        return refusal(visit.core, error, visit)
    again = typed if keeps else Typed(reason=typed.reason)
    return _page(visit, shown, waiting, told=refused(visit.core, error), typed=again)


async def _shown(visit: Visit) -> Shown:
    return await review.show(visit.core, visit.caller, visit.request.path_params["action"])


def _page(
    visit: Visit, shown: Shown, waiting: Pulse, *, told: Refusal | None = None, typed: Typed | None = None
) -> Response:
    record, instant, number = shown.record, str(visit.now), str(visit.session.number())
    long_values = [
        one for part in ("params", "claimed") for one in parameters(shown.view, part) if one.index is not None
    ]
    before, after = waiting.beside(record.id)
    mine = any(one.reviewer == visit.caller.principal.id for one in shown.reviews)
    return page(
        "approval.html",
        visit,
        status=told.status if told else 200,
        now=visit.now,
        record=record,
        view=shown.view,
        params=parameters(shown.view, "params"),
        claimed=parameters(shown.view, "claimed"),
        facts=facts(shown.view),
        difference=difference(shown.view),
        unopened=[one for one in long_values if not one.opened],
        long_values=long_values,
        asked=[
            (one, _approvers(visit.caller.known, one), approved)
            for one, approved in zip(record.requirements, shown.approved, strict=True)
        ],
        reviews=[(visit.caller.known.name(one.reviewer), one) for one in shown.reviews],
        reason_required=any(one.reason_required for one in record.requirements),
        open=record.state is State.PENDING_APPROVAL,
        may_review=shown.may_review,
        mine=mine,
        told=told,
        typed=typed or Typed(),
        before=before,
        after=after,
        place=waiting.order.index(record.id) + 1 if record.id in waiting.order else None,
        total=waiting.total,
        mark=mark_of(record, len(shown.reviews)),
        shown_at=instant,
        number=number,
        token=visit.session.token("review", record.id, record.digest, record.view_digest or "", instant, number),
        open_token=visit.session.token("open", record.id, record.view_digest or ""),
    )


def _approvers(known: Known, requirement: Requirement) -> list[str]:
    """Whom a requirement asks, in words."""
    return [
        f"{known.name(name)} (user)" if kind == "user" else f"anybody with the role {name}"
        for kind, _, name in (one.partition(":") for one in requirement.approvers)
    ]


# --- long values ------------------------------------------------------------------------------------------------------


async def read_value(visit: Visit) -> Response:
    """A long value: whole for whoever opened it, else its beginning and a button. Looking at this page opens nothing."""
    shown = await _shown(visit)
    index = int(visit.request.path_params["index"])
    rows = [row for part in ("params", "claimed") for row in parameters(shown.view, part)]
    short = next((row for row in rows if row.index == index), None)
    if short is None:
        raise NotFound(Code.NOT_FOUND, "There is no such value.", hint="The approval lists its long values.")
    return page(
        "value.html",
        visit,
        record=shown.record,
        view=shown.view,
        row=whole(shown.view, index) if short.opened else short,
        unopened=[row for row in rows if row.index is not None and not row.opened],
        may_review=shown.may_review,
        open_token=visit.session.token("open", shown.record.id, shown.record.view_digest or ""),
    )


async def open_value(visit: Visit) -> Response:
    """Record that this person opens a long value of the view that they were shown, and show it."""
    action, index = visit.request.path_params["action"], int(visit.request.path_params["index"])
    shown = await _shown(visit)
    check_token(visit.session, visit.form, "open", action, shown.record.view_digest or "")
    await review.open_value(visit.core, visit.caller, action, index)
    return to(f"{visit.root}/approvals/{action}/values/{index}")

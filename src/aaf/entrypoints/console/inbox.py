"""What waits, and the news of it: a page that works by itself, and a short answer that tells a script when to fetch it again."""

import re

from starlette.responses import Response

from aaf.domain.errors import Code, NotFound
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.entrypoints.console.pages import page
from aaf.entrypoints.console.presenting import gist
from aaf.entrypoints.console.receiving import ACTION, Visit
from aaf.services import actions
from aaf.services.inbox import inbox, pulse_of

PAGE = 50
_ID = re.compile(ACTION)
_PLACE = re.compile(r"[1-9][0-9]{0,2}")


async def waiting(visit: Visit) -> Response:
    """The page of everything that waits, soonest deadline first."""
    query = visit.request.query_params
    asked = query.get("page", "1")
    number = int(asked) if _PLACE.fullmatch(asked) else 1
    if not visit.caller.principal.may(Permission.ORG_APPROVAL_READ):
        return page("no_inbox.html", visit)
    found = await inbox(visit.core, visit.caller, start=(number - 1) * PAGE, size=PAGE)
    return page(
        "inbox.html",
        visit,
        inbox=found,
        now=visit.now,
        known=visit.caller.known,
        number=number,
        last=max(1, -(-found.total // PAGE)),
        gists={one.record.id: gist(one.view) for one in found.waiting if one.view is not None},
        decided=await _decided(visit, query.get("decided", "")),
    )


async def _decided(visit: Visit, action: str) -> ActionRecord | None:
    """What an answer just now has led to, as it stands and not as the address says."""
    if not _ID.fullmatch(action):
        return None
    try:
        record = (await actions.see(visit.core, visit.caller, action)).record
    except NotFound:
        return None
    return record if record.round else None


async def live(visit: Visit) -> Response:
    """Whether there is news: of one action where `action` names it, else of the list."""
    action = visit.request.query_params.get("action")
    if action is not None:
        if not _ID.fullmatch(action):
            raise NotFound(Code.NOT_FOUND, "There is no such approval.")
        return _news(await pulse_of(visit.core, visit.caller, action), None)
    found = await visit.site.pulse(visit.caller)
    return _news(found.mark, found.total)


def _news(mark: str, total: int | None) -> Response:
    """`mark` and, for the list, how many wait."""
    body = mark if total is None else f"{mark} {total}"
    return Response(body, 200, {"Cache-Control": "no-store"}, "text/plain; charset=utf-8")


STATES = tuple(state for state in State if state is not State.SUBMITTED)


async def history(visit: Visit) -> Response:
    """Recent actions, newest first; `state` narrows them."""
    query = visit.request.query_params
    asked, before = query.get("state", ""), query.get("before", "")
    state = State(asked) if asked in STATES else None
    found = await actions.listed(
        visit.core, visit.caller, state=state, before=before if _ID.fullmatch(before) else None, limit=PAGE
    )
    return page(
        "actions.html",
        visit,
        records=found.records,
        known=visit.caller.known,
        state=state,
        states=STATES,
        next=found.next,
        opens=visit.caller.principal.may(Permission.ORG_APPROVAL_READ),
    )

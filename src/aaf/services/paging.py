"""Actions page by page, newest first. The page itself says where the following one begins, so that leaving some of it out never ends the list."""

from dataclasses import dataclass

from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.services.core import Core


@dataclass(frozen=True, slots=True)
class Page:
    """Some actions, and the `before` of the following page, None where there is none."""

    records: list[ActionRecord]
    next: str | None


async def page(
    core: Core, org: str, *, state: State | None = None, agent: str | None = None, before: str | None, limit: int
) -> Page:
    """At most `limit` actions, older than the id `before`."""
    found = await core.store.actions(org, state=state, agent=agent, before=before, limit=limit)
    return Page(found, found[-1].id if len(found) == limit else None)

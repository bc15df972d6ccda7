"""What waits for a person: held actions by the time that is left, each with its headline, and what has changed since somebody looked.

Nothing here is an answer, and nothing is recorded as seen; what nobody answered in time is closed on the way, by the clock and not by
whoever looks.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from aaf.domain.approval import review_refusal
from aaf.domain.canonical import Json
from aaf.domain.errors import Code, NotFound, StoreFailed, Unavailable
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord, Head
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.review import waiting
from aaf.services.sealing import unseal_object

MOST = 1_000
"""Held actions that are looked at; whatever is beyond is only said to be there."""
_PAGE = 200
_APART = 1_000_000
"""Microseconds between two looks at all that waits while the ledger grows."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One held action in a list, with its view, None where that was erased."""

    record: ActionRecord
    view: dict[str, Json] | None
    may_review: Code | None
    """None where this person may review, else why not."""
    answered: bool
    """Whether this person has answered already."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """A page of what waits, soonest deadline first, out of `total` (`more` where there are others beyond that)."""

    waiting: tuple[Waiting, ...]
    total: int
    more: bool
    mark: str
    """Changes when anything in the list does."""
    signed_at: int | None
    """When the newest checkpoint was signed, in microseconds."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What waits by id, soonest deadline first, and a mark that changes when one of them does."""

    order: tuple[str, ...]
    mark: str

    @property
    def total(self) -> int:
        """How many actions wait."""
        return len(self.order)

    def beside(self, action: str) -> tuple[str | None, str | None]:
        """What stands before and after this action; after one that waits no more comes the first."""
        if action not in self.order:
            return None, self.order[0] if self.order else None
        at = self.order.index(action)
        return self.order[at - 1] if at else None, self.order[at + 1] if at + 1 < len(self.order) else None


async def inbox(core: Core, caller: Caller, *, start: int = 0, size: int = 50) -> Inbox:
    """What waits, from place `start` on.

    Raises:
        NotPermitted: the caller may not see approvals.
    """
    records, more = await _all(core, caller)
    page = [await _waiting(core, caller, record) for record in records[start : start + size]]
    newest = await core.store.checkpoint(caller.principal.org)
    return Inbox(tuple(page), len(records), more, _mark(records), newest.at if newest else None)


async def pulse(core: Core, caller: Caller) -> Pulse:
    """The same in short.

    Raises:
        NotPermitted: the caller may not see approvals.
    """
    return _pulse((await _all(core, caller))[0])


@dataclass(frozen=True, slots=True)
class _Kept:
    """A pulse, when and at which end of the ledger it was taken, and the first deadline in it."""

    pulse: Pulse
    at: int
    head: Head
    until: int | None

    def stands(self, head: Head, now: int) -> bool:
        """Whether it still says what waits, or is too young to be taken anew."""
        in_time = self.until is None or now < self.until
        return in_time and (self.head == head or 0 <= now - self.at < _APART)


@dataclass(slots=True)
class Pulses:
    """The newest pulse of each organisation, so that a hundred people who ask for news don't read everything a hundred times.

    Nothing waits or goes without an entry in the ledger or a deadline that passes: until then a pulse stays. Whoever may not see
    approvals gets none of them.
    """

    _kept: dict[str, _Kept] = field(default_factory=dict)

    async def newest(self, core: Core, caller: Caller) -> Pulse:
        """What waits, at most a second old.

        Raises:
            NotPermitted: the caller may not see approvals.
        """
        require(caller, Permission.ORG_APPROVAL_READ)
        org, now = caller.principal.org, await core.store.now()
        head = await core.store.head(org)
        kept = self._kept.get(org)
        if kept is not None and kept.stands(head, now):
            return kept.pulse
        records, _ = await _all(core, caller)
        until = min((one.deadline for one in records if one.deadline is not None), default=None)
        self._kept[org] = _Kept(_pulse(records), now, head, until)
        return self._kept[org].pulse


async def pulse_of(core: Core, caller: Caller, action: str) -> str:
    """A mark that changes when this action moves, is shown anew or gets an answer.

    Raises:
        NotPermitted: the caller may not see approvals.
        NotFound: there is no such approval.
    """
    require(caller, Permission.ORG_APPROVAL_READ)
    record = await core.store.action(caller.principal.org, action)
    if record is None or record.round == 0:
        raise NotFound(Code.NOT_FOUND, "There is no such approval.")
    return mark_of(record, len(await core.store.reviews(record.org, record.id, record.round)))


def mark_of(record: ActionRecord, answers: int) -> str:
    """The mark of one action with so many answers in its present round."""
    return sha256(f"{record.version}/{record.state}/{record.round}/{answers}".encode()).hexdigest()[:16]


async def _all(core: Core, caller: Caller) -> tuple[list[ActionRecord], bool]:
    """Everything that waits, up to `MOST`, soonest deadline first; and whether there is more."""
    found: list[ActionRecord] = []
    before: str | None = None
    for _ in range(MOST // _PAGE):
        some = await waiting(core, caller, before=before, limit=_PAGE)
        found += some.records
        before = some.next
        if before is None:
            break
    return sorted(found, key=lambda record: (record.deadline or 0, record.id)), before is not None


def _pulse(records: list[ActionRecord]) -> Pulse:
    return Pulse(tuple(record.id for record in records), _mark(records))


def _mark(records: list[ActionRecord]) -> str:
    return sha256(" ".join(f"{record.id}/{record.version}" for record in records).encode()).hexdigest()[:16]


async def _waiting(core: Core, caller: Caller, record: ActionRecord) -> Waiting:
    """One row; an erased view takes its own words away and nobody else's."""
    view: dict[str, Json] | None = None
    try:
        view = await unseal_object(core, record.org, record.id, "view")
    except StoreFailed:
        raise
    except Unavailable:
        pass
    refusal = review_refusal(caller.principal, requester=record.agent, requirements=record.requirements)
    answers = await core.store.reviews(record.org, record.id, record.round)
    return Waiting(record, view, refusal, any(one.reviewer == caller.principal.id for one in answers))

"""A person's way in without a server: see what waits, open what is long, approve or reject, give keys to others.

Every call is made under the key that it was opened with, and an answer is to what was seen: `approve` takes the approval itself, whose digests
go with it. This is not the agent's object: an agent's program that is given a person's key is a person to the firewall.
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from aaf.bootstrap import Part
from aaf.domain.approval import ReviewVerdict
from aaf.domain.canonical import Json
from aaf.domain.instants import moment
from aaf.domain.principal import Kind, Permission
from aaf.domain.record import ActionRecord
from aaf.domain.rendering import checked, plain, render
from aaf.embedded.opening import Opened, holder
from aaf.embedded.translating import translating
from aaf.ports import Log
from aaf.services import access, inbox, review
from aaf.services.core import Caller, Core
from aaf.services.telling import tell
from aaf.settings import Settings
from aaf_client.models import Action

T = TypeVar("T")
_SHORT = 6
"""Characters of an id's end that are shown, as in the terminal's list."""
_TINY = 2
"""Characters that are counted at a glance, of a value that doesn't say how long it is."""


@dataclass(frozen=True, slots=True)
class Held:
    """An action that waits for people; `agent` is the name that it has."""

    id: str
    type: str
    agent: str
    risk: str
    created_at: datetime
    deadline: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: that `quorum` of the `approvers`, roles and users, approve; `approved` is how many count now."""

    approvers: tuple[str, ...]
    quorum: int
    approved: int
    reason_required: bool

    def __str__(self) -> str:
        """One inert line."""
        also = ", with a reason" if self.reason_required else ""
        return f"asked: {self.approved} of {self.quorum} approved{also}: {_inert(', '.join(self.approvers))}"


@dataclass(frozen=True, slots=True)
class Approval:
    """A held action in full, as it is shown to this person: `view` is what the answer is bound to, `str()` the same as plain lines.

    `unopened` are the numbers of long values that have to be opened before approving; `may_not_because` is the code of what stands
    against this person's answer, or None.
    """

    id: str
    status: str
    digest: str
    view_digest: str
    deadline: datetime | None
    view: Mapping[str, Json] = field(repr=False)
    unopened: tuple[int, ...]
    asked: tuple[Asked, ...]
    may_not_because: str | None

    @property
    def headline(self) -> str:
        """One sentence: who asks for what, where."""
        return _text(self.view["headline"])

    def __str__(self) -> str:
        """Everything that is shown, in inert lines; no two values look alike, but for long ones that aren't opened."""
        until = "" if self.deadline is None else f", to be answered until {self.deadline:%Y-%m-%d %H:%M:%S} UTC"
        top = [self.headline, f"id: {self.id[-_SHORT:]}{until}", f"state: {self.status}"]
        bottom = [f"action: {self.id}", f"digest: {self.digest}"]
        return "\n".join([*top, *_lines(self.view), *map(str, self.asked), *bottom])


class Reviewer:
    """One person at an installation. Open it with `Firewall.reviewer`; close it, or use it as a context."""

    def __init__(self, opened: Opened, caller: Caller) -> None:
        """Use `Firewall.reviewer`."""
        self._opened = opened
        self._caller = caller

    @classmethod
    def open(cls, folder: Path, *, key: str, log: Log | None = None) -> Self:
        """Open the installation in `folder` for the person whose key this is.

        Raises:
            NotAuthenticated: the key isn't good.
            NotPermitted: it is no person's, or they may not see approvals.
        """
        opened = Opened.open(Settings(data=folder), part=Part.PERSON, log=log)
        try:
            with translating():
                caller = opened.run(lambda core: holder(core, key=key, agent=None))
                access.require(caller, Permission.ORG_APPROVAL_READ)
            return cls(opened, caller)
        except BaseException:
            opened.close()
            raise

    def _ask(self, work: Callable[[Core, Caller], Coroutine[Any, Any, T]]) -> T:
        """Run one service call under what is so now."""

        async def whole(core: Core) -> T:
            return await work(core, await self._caller.again(core))

        with translating():
            return self._opened.run(whole)

    def waiting(self, *, limit: int = 50) -> list[Held]:
        """What waits, soonest deadline first."""

        async def work(core: Core, caller: Caller) -> list[Held]:
            found = await inbox.inbox(core, caller, size=limit)
            return [_held(caller, one.record) for one in found.waiting]

        return self._ask(work)

    def see(self, held: Held | Approval | str) -> Approval:
        """All of one held action.

        Raises:
            NotFound: there is none, or it was never held.
        """
        id_ = held if isinstance(held, str) else held.id
        return self._ask(lambda core, caller: _shown(core, caller, id_))

    def open_value(self, approval: Approval, number: int) -> str:
        """Show one long value whole, as inert text; that it was opened is recorded."""

        async def work(core: Core, caller: Caller) -> str:
            return _text((await review.open_value(core, caller, approval.id, number))["segments"])

        return self._ask(work)

    def approve(self, approval: Approval, reason: str = "") -> Action:
        """Approve what `approval` shows.

        Raises:
            NotPermitted: another right or role is needed, or it is their own request.
            Conflict: it was decided meanwhile, something else waits now, or a long value was not opened.
        """
        return self._answer(approval, ReviewVerdict.APPROVE, reason)

    def reject(self, approval: Approval, reason: str) -> Action:
        """Reject it; the agent is told the reason. Raises as `approve`."""
        return self._answer(approval, ReviewVerdict.REJECT, reason)

    def _answer(self, approval: Approval, verdict: ReviewVerdict, reason: str) -> Action:
        answer = review.Answer(approval.id, verdict, approval.digest, approval.view_digest, reason)

        async def work(core: Core, caller: Caller) -> dict[str, Json]:
            return tell(caller, await review.review(core, caller, answer))

        return Action.from_json(cast("Any", self._ask(work)))

    def create_key(self, name: str, *, kind: str = "user", roles: tuple[str, ...] = ()) -> str:
        """Make a key for somebody and return it, once; a known kind and name gets one more. Needs the right to make keys.

        Args:
            name: who holds it.
            kind: `user`, `agent` or `service`; only people approve.
            roles: of somebody new; `agent` where none is named, and people need one.
        """
        wanted = access.KeyWanted(name=name, kind=Kind(kind), roles=roles)

        async def work(core: Core, caller: Caller) -> str:
            return (await access.create_key(core, caller, wanted)).secret

        return self._ask(work)

    def close(self) -> None:
        """Finish what is queued and let go of the files."""
        with translating():
            self._opened.close()

    def __enter__(self) -> Self:
        """This."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Never a key."""
        return f"<Reviewer {self._caller.principal.id}>"


async def _shown(core: Core, caller: Caller, action: str) -> Approval:
    """All of one held action."""
    shown = await review.show(core, caller, action)
    record = shown.record
    return Approval(
        id=record.id,
        status=str(record.state),
        digest=record.digest,
        view_digest=record.view_digest or "",
        deadline=_deadline(record),
        view=shown.view,
        unopened=tuple(sorted(set(range(record.long_values)) - shown.opened)),
        asked=tuple(
            Asked(one.approvers, one.quorum, approved, one.reason_required)
            for one, approved in zip(record.requirements, shown.approved, strict=True)
        ),
        may_not_because=shown.may_review,
    )


def _held(caller: Caller, record: ActionRecord) -> Held:
    """One line of the list."""
    return Held(
        id=record.id,
        type=record.type,
        agent=caller.known.name(record.agent),
        risk=record.risk,
        created_at=moment(record.created_at),
        deadline=_deadline(record),
    )


def _deadline(record: ActionRecord) -> datetime | None:
    return None if record.deadline is None else moment(record.deadline)


def _text(segments: Json) -> str:
    """The characters of inert segments; escapes stand in them as they are shown everywhere."""
    return "".join(text for _, text, _ in checked(segments))


def _inert(text: str) -> str:
    """A text that the view holds as it is: a name, or the path of a field, which has keys of the agent's."""
    return plain(render(text))


def _lines(view: Mapping[str, Any]) -> list[str]:
    """The view below its headline from top to bottom, in the order in which the terminal shows it.

    Somebody else's text ends its line, so that it passes for no part of ours; a path before it ends by itself.
    """
    found = [f"risk: {view['risk']}", f"class: {view['class']}"]
    for one in view["reasons"]:
        found += [f"why: {_text(one['reason'])}", f"  {one['code']}: {_inert(one['name'])}"]
    for one in view["findings"]:
        found += [f"{one['severity']}: {_text(one['note'])}", f"  {one['code']} at {_inert(one['field'])}"]
    found += [f"requester: {view['requester']}", f"agent: {_text(view['agent'])}", f"type: {_inert(view['type'])}"]
    found += [f"{name}: {_text(view[name])}" for name in ("server", "target") if view[name] is not None]
    effect = view["effect"]
    if effect is not None:
        found.append(f"effect: {_text(effect['summary'])}")
        found += [f"  {_text(line)}" for line in effect["diff"] or ()]
        found += _rows(effect["facts"])
    found += _rows(view["params"])
    if view["claimed"]:
        found += ["claimed by the agent, not checked:", *_rows(view["claimed"])]
    return found


def _rows(rows: list[dict[str, Any]]) -> list[str]:
    """Values with their paths and types, as the text `1` isn't the number; one that is cut says how to see the rest."""
    found = []
    for row in rows:
        size = f", {row['length']} characters" if row["type"] == "text" and row["length"] > _TINY else ""
        rest = f" … {row['hidden']} more characters: open value {row['index']}" if row.get("hidden") else ""
        shown = _text(row["segments"]) or "(empty)"
        found.append(f"  {_text(row['path'])} ({row['type']}{size}) = {shown}{rest}")
    return found

"""Notice that the store is older than what it was, deny everything, and let a person decide.

The last checkpoint is kept outside the database. A ledger that is shorter than it, or whose tree at that size is another, was restored or rolled back:
what it says about used permits and revoked keys can't be believed. Releasing it raises every epoch and turns open work into unknown or expired.
"""

from aaf.domain.canonical import Json
from aaf.domain.errors import Code, InputRefused, StoreFailed
from aaf.domain.events import EventType, occurrence
from aaf.domain.states import Cause, State
from aaf.ports import Anchors, Commit, Committed, Ids, RaiseEpoch, RevokeKey, Store, UpdateAction, Write
from aaf.services.core import Core
from aaf.services.moving import move, too_much_changed
from aaf.services.quoting import without_secrets
from aaf.services.review import MAX_REASON, says_something

ATTEMPTS = 3
_OPEN = {
    State.EXECUTING: Cause.NOT_REPORTED,
    State.ALLOWED: Cause.NOT_USED,
    State.APPROVED: Cause.NOT_USED,
}


async def enter_if_older(store: Store, anchors: Anchors, ids: Ids) -> str | None:
    """Compare the ledgers with what was seen of them; return why the store is in recovery, or None."""
    known = why = await store.recovering()
    kept: list[tuple[str, int, bytes]] = []
    try:
        kept = anchors.kept()
    except StoreFailed as failure:
        why = failure.message
    for org, size, root in kept:
        head = await store.head(org)
        if head.size < size:
            why = f"The ledger has {head.size} events, and {size} were signed before."
        elif await store.subtree(org, 0, size) != root:
            why = f"The first {size} events are not those that were signed before."
    if why is not None and why != known:
        await store.set_recovering(why)
        await _tell(store, ids, EventType.RECOVERY_ENTERED, {"why": why})
    return why


async def _tell(store: Store, ids: Ids, kind: EventType, data: dict[str, Json]) -> None:
    """An event of the installation's own ledger."""
    org = await store.installation()
    event = occurrence(event_id=ids.new(), org=org, at=await store.now(), actor="system", kind=kind, data=data)
    await store.commit(Commit(org, (), (event,)))


async def let_go(core: Core, *, reason: str) -> int:
    """Let the store work again; every key made before is revoked and open work is closed. Return how many actions were closed.

    Raises:
        InputRefused: no reason, or one too long.
        Unavailable: the secrets to be looked for in the reason can't be read, so nothing was done; or others wrote each time; the store stays in recovery, and letting go can be tried again.
    """
    if len(reason.strip()) > MAX_REASON or not says_something(reason):
        raise InputRefused(Code.REASON_REQUIRED, f"A reason of 1 to {MAX_REASON} characters is needed.")
    told = without_secrets(core, reason.strip())  # where that fails, nothing has been done yet
    closed = 0
    for org in await core.store.organisations():
        here = sum([await _close(core, org, state) for state in _OPEN])
        await _revoke(core, org, closed=here)
        # What was judged under the old epoch could still come in between the first closing and the revocation.
        closed += here + sum([await _close(core, org, state) for state in _OPEN])
    core.anchors.forget()
    await core.store.set_recovering(None)
    await _tell(core.store, core.ids, EventType.RECOVERY_RELEASED, {"closed": closed, "reason": told})
    return closed


async def _revoke(core: Core, org: str, *, closed: int) -> None:
    """Revoke every key and raise the epoch.

    Raises:
        Unavailable: others changed keys each time.
    """
    for _ in range(ATTEMPTS):
        now = await core.store.now()
        writes: list[Write] = [RevokeKey(key.id) for key in await core.store.keys(org) if key.revoked_at is None]
        event = occurrence(
            event_id=core.ids.new(),
            org=org,
            at=now,
            actor="system",
            kind=EventType.LEDGER_RESTORED,
            data={"closed": closed, "revoked": len(writes)},
        )
        if isinstance(await core.store.commit(Commit(org, (*writes, RaiseEpoch()), (event,))), Committed):
            return
    raise too_much_changed()


async def _close(core: Core, org: str, state: State) -> int:
    """Close every action in `state`.

    Raises:
        Unavailable: there are some left that others keep changing.
    """
    closed = idle = 0
    while page := await core.store.actions(org, state=state, limit=200):
        if idle == ATTEMPTS:
            raise too_much_changed()
        before = closed
        for record in page:
            moved, event = move(
                core, record, _OPEN[state], at=await core.store.now(), actor="system", code=Code.RECOVERING
            )
            closed += isinstance(await core.store.commit(Commit(org, (UpdateAction(moved),), (event,))), Committed)
        idle = 0 if closed > before else idle + 1
    return closed

"""Refusals that would flood a ledger are counted instead: the first of a source and minute is an event, the rest a number.

The count is exact: it lies in the store and becomes an event of its own when the minute is over. Counting never decides anything; if it
cannot be written, the refusal stands all the same and the log says so.
"""

from collections.abc import Mapping

from aaf.domain.canonical import Json
from aaf.domain.errors import Code, StoreFailed
from aaf.domain.events import Event, EventType, occurrence
from aaf.domain.record import ActionRecord, Aggregate
from aaf.ports import AddAggregate, Commit, Committed, TakeAggregate
from aaf.services.core import Core
from aaf.services.moving import refuse

MINUTE = 60_000_000
_KINDS = {Code.RATE_LIMITED: EventType.LIMIT_EXCEEDED}


async def count_refusal(core: Core, *, org: str, code: Code, source: str) -> None:
    """Record a refusal of `source` (an address or an agent's id) in `org`'s ledger, or count it if this minute has one already."""
    try:
        now = await core.store.now()
        one = Aggregate(org, str(code), source, now - now % MINUTE, 1)
        event = occurrence(
            event_id=core.ids.new(),
            org=org,
            at=now,
            actor="anonymous" if org == core.installation else "system",
            kind=_KINDS.get(code, EventType.ACCESS_REFUSED),
            data={"code": code, "source": source},
        )
        if await core.store.aggregate(org, one.name, source, one.minute) is not None:
            await core.store.commit(Commit(org, (AddAggregate(one),), ()))
        else:
            await core.store.commit(
                Commit(org, (AddAggregate(Aggregate(org, one.name, source, one.minute, 0)),), (event,))
            )
    except StoreFailed as failure:
        core.log.entry("refusal_not_counted", {"code": code, "store": failure.code})


async def refuse_once(
    core: Core, record: ActionRecord, kind: EventType, code: Code, *, actor: str, data: Mapping[str, Json] | None = None
) -> None:
    """Record a refusal about an action; the same again by the same actor in this minute is a number."""
    now, source = await core.store.now(), f"{actor}/{record.id}"
    minute = now - now % MINUTE
    told = await core.store.aggregate(record.org, str(code), source, minute) is not None
    if not told:
        await refuse(core, record, kind, code, actor=actor, data=data)
    counted = Aggregate(record.org, str(code), source, minute, 1 if told else 0)
    await core.store.commit(Commit(record.org, (AddAggregate(counted),), ()))


async def flush_refusals(core: Core) -> int:
    """Turn the counts of past minutes into events; return how many."""
    now = await core.store.now()
    written = 0
    for aggregate in await core.store.aggregates(now - now % MINUTE):
        events: tuple[Event, ...] = ()
        if aggregate.count:
            events = (
                occurrence(
                    event_id=core.ids.new(),
                    org=aggregate.org,
                    at=now,
                    actor="system",
                    kind=_KINDS.get(Code(aggregate.name), EventType.ACCESS_REFUSED),
                    data={
                        "code": aggregate.name,
                        "further": aggregate.count,
                        "minute": aggregate.minute,
                        "source": aggregate.source,
                    },
                ),
            )
        answer = await core.store.commit(Commit(aggregate.org, (TakeAggregate(aggregate),), events))
        written += isinstance(answer, Committed)
    return written

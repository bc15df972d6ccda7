"""What has to happen without anybody asking: deadlines, waiting runs, counts, checkpoints.

Every round is idempotent and any number of processes may run it: each move is a compare-and-append in the store. Nothing depends on
it: a deadline is compared at every use, whoever sweeps.
"""

from aaf.domain.errors import AafError
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.services.core import Caller, Core
from aaf.services.execute import execute
from aaf.services.ledger import checkpoint_dirty
from aaf.services.moving import end_in_time
from aaf.services.refusals import flush_refusals

BATCH = 200


async def sweep(core: Core) -> int:
    """Close what is due, at most 200 at a time; return how many moved."""
    now = await core.store.now()
    moved = 0
    for org, action in await core.store.due(now, BATCH):
        try:
            record = await core.store.action(org, action)
            if record is not None and await end_in_time(core, record, now=now):
                moved += 1
        except AafError as failure:
            # One that can't be read or closed must not keep the others open.
            core.log.entry("sweep_failed", {"action": action, "code": str(failure.code)})
    return moved


async def start_approved(core: Core) -> int:
    """Run approved actions that were submitted with `run: when_approved`; return how many were started.

    An agent that has no live key left for the type runs nothing, here either.
    """
    started = 0
    for org in await core.store.organisations():
        if org == core.installation:
            continue
        for record in await _approved(core, org):
            if record.run != "when_approved" or record.effect == "caller":
                continue
            known = await core.knowledge.of(org, fresh=True)
            entry = known.configuration.catalogue.get(record.type)
            if entry is None or not entry.run_when_approved:
                continue
            agent = known.holder(record.agent, record.type, now=await core.store.now())
            if agent is None:
                continue
            try:
                await execute(core, Caller(agent, known), record.id, digest=record.digest)
                started += 1
            except AafError as refusal:
                core.log.entry("worker_refused", {"action": record.id, "code": str(refusal.code)})
    return started


async def _approved(core: Core, org: str) -> list[ActionRecord]:
    """Every approved action, a page at a time."""
    found: list[ActionRecord] = []
    while True:
        before = found[-1].id if found else None
        page = await core.store.actions(org, state=State.APPROVED, before=before, limit=BATCH)
        found += page
        if len(page) < BATCH:
            return found


async def round_of_work(core: Core) -> int:
    """One round of everything, each part on its own: what fails is logged and does not stop the rest."""
    done = 0
    for part in (sweep, start_approved, flush_refusals, checkpoint_dirty):
        try:
            done += await part(core)
        except AafError as failure:
            core.log.entry("worker_failed", {"code": str(failure.code), "part": part.__name__})
        except Exception as failure:  # noqa: BLE001 - a defect in one part must not end deadlines and checkpoints for everybody
            core.log.entry("worker_crashed", {"cause": type(failure).__name__, "part": part.__name__})
    return done

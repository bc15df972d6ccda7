"""The metrics as an operator reads them: what this process counted, and what the store says now.

Reading needs a permission, unless the installation says that anybody may. A store that can't be asked leaves its figures out; the counters
are told all the same, because then they are needed most.
"""

from aaf.domain.errors import AafError
from aaf.domain.metering import Metric, Reading
from aaf.domain.principal import Permission
from aaf.domain.states import State
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.standing import standing

SECOND = 1_000_000


async def read_metrics(core: Core, caller: Caller | None) -> Reading:
    """Read every metric; `caller` may be None only where the meter is public.

    Raises:
        NotPermitted: the caller may not.
    """
    if caller is not None:
        require(caller, Permission.INSTALLATION_METRICS_READ)
    counted = core.meter.read()
    try:
        stored = await _stored(core)
    except AafError as failure:
        core.log.entry("metrics_incomplete", {"code": str(failure.code)})
        stored = {}
    waiting = counted.values.get(Metric.CONFIGURATION_STALE, {}).get(
        (), 0.0
    )  # what the store itself kept from being written
    if waiting:
        stored[Metric.CONFIGURATION_STALE] = {(): waiting}
    return Reading({**counted.values, **stored}, counted.times)


async def _stored(core: Core) -> dict[Metric, dict[tuple[str, ...], float]]:
    """What lies in the store, over every organisation of the installation."""
    store = core.store
    now = await store.now()
    found = {Metric.RECOVERING: float(await store.recovering() is not None)}
    sums = dict.fromkeys((Metric.APPROVALS_PENDING, Metric.LEDGER_EVENTS), 0.0)
    ages: list[float] = []
    releases: list[float] = []
    stale = 0.0
    for org in await store.organisations():
        sums[Metric.LEDGER_EVENTS] += (await store.head(org)).size
        sums[Metric.APPROVALS_PENDING] += await store.count(org, State.PENDING_APPROVAL)
        checkpoint, release = await store.checkpoint(org), await store.release(org)
        ages += [] if checkpoint is None else [max(0, now - checkpoint.at) / SECOND]
        releases += [] if release is None else [release.number]
        stands = await standing(store, org)
        stale = max(stale, float(stands is not None and stands.stale))
    found |= sums
    if ages:
        found[Metric.CHECKPOINT_AGE] = max(ages)
    found[Metric.CONFIGURATION_STALE] = stale
    if releases:
        found[Metric.RELEASE] = max(releases)
    return {metric: {(): value} for metric, value in found.items()}

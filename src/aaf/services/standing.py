"""How an organisation's configuration stands: what is active, what was refused since, and which process watches which folder.

All of it lies in the store, so every process tells the same. Nothing is changed here.
"""

from dataclasses import dataclass

from aaf.domain.errors import Code, NotFound
from aaf.domain.principal import Permission
from aaf.domain.record import ManagedBy, Release, Watch
from aaf.ports import Store
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.watching import CONFIGURATION


@dataclass(frozen=True, slots=True)
class Standing:
    """How an organisation's configuration stands: what is active, what was found in the folder last, and who watches that.

    `refused` says whether what was found was refused while the release was active already; `holder` is the process that holds the lease now.
    """

    release: Release
    watch: Watch | None
    holder: str | None
    until: int
    refused: bool
    stale: bool


async def standing(store: Store, org: str) -> Standing | None:
    """How the configuration of `org` stands, from the store alone; None where it has none."""
    release = await store.release(org)
    if release is None:
        return None
    watch, lease, now = await store.watch(org), await store.lease(CONFIGURATION), await store.now()
    holder = lease.holder if lease is not None and lease.ends_at > now else None
    refused = watch is not None and bool(watch.problems) and watch.release == release.number
    seed = release.managed_by is ManagedBy.API
    lives = watch is not None and watch.process == holder
    stale = not seed and watch is not None and (refused or (lives and watch.source != release.source))
    until = lease.ends_at if lease is not None and holder is not None else 0
    return Standing(release, watch, holder, until, refused, stale)


async def read_standing(core: Core, caller: Caller) -> Standing:
    """How the caller's own organisation stands.

    Raises:
        NotPermitted: the caller may not.
        NotFound: there is no configuration.
    """
    require(caller, Permission.ORG_CONFIGURATION_READ)
    found = await standing(core.store, caller.principal.org)
    if found is None:
        raise NotFound(Code.EMPTY_POLICY, "There is no configuration.")
    return found

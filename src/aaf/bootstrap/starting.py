"""Starts the product: opens the store, activates the configuration, makes the first key, puts the core together."""

import contextlib
import os
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from uuid import UUID, uuid5

from aaf.adapters.keys import KeyRing
from aaf.bootstrap.choices import engine_of, loader_of, log_of, meter_of, secrets_of
from aaf.bootstrap.connectors import Checking, Configured
from aaf.bootstrap.installation import opened, write_secret
from aaf.bootstrap.placing import placed, placing
from aaf.domain.errors import ConfigurationInvalid, StoreFailed, Unavailable
from aaf.domain.metering import Metric
from aaf.domain.record import ManagedBy
from aaf.ports import Anchors, Log, Store
from aaf.services.access import NewKey, first_key
from aaf.services.core import Core, Knowledge
from aaf.services.recovery import enter_if_older
from aaf.services.releases import SHIPPED, Activated, is_shipped
from aaf.services.watching import (
    CONFIGURATION,
    HOLD,
    Desk,
    Refused,
    Unchanged,
    Watcher,
    import_files,
    takes_over,
)
from aaf.settings import Settings

FIRST_ADMIN = "admin"
FIRST_KEY = "first key"
"""The lease whose holder may make the first administrator's key."""
FIRST_KEY_HOLD = 30
"""Seconds."""


@dataclass(frozen=True, slots=True)
class App:
    """A running product: its ports, its one organisation, and what starting it brought about."""

    core: Core
    org: str
    activated: Activated | None
    first_key: NewKey | None = None
    refused: ConfigurationInvalid | None = None
    recovering: str | None = None
    holds: bool = False
    ignored: bool = False
    """Whether the folder isn't what is active, because another process holds the configuration or the store is in recovery."""
    seed: bool = False
    """Whether the folder was only the beginning of what people manage by API."""
    watcher: Watcher | None = None
    """What takes the folder into effect while a server runs."""
    folder: Path | None = None
    began_with: int = 0
    """The number of the release that was active at the start."""

    async def renew(self) -> bool:
        """Keep other processes from activating their folder while this one lives; to be called more often than every `HOLD` seconds.

        False where this process doesn't hold the configuration: it follows the store.
        """
        return self.holds and await self.core.store.take_lease(CONFIGURATION, self.core.process, HOLD)

    async def close(self) -> None:
        """Finish what is queued, give the configuration back and let go of the files."""
        if self.holds or (self.watcher is not None and self.watcher.holds):
            with contextlib.suppress(StoreFailed):
                await self.core.store.take_lease(CONFIGURATION, self.core.process, 0)
        await self.core.engine.close()
        await self.core.store.close()
        from aaf.adapters.log import JsonLines

        if isinstance(self.core.log, JsonLines):
            self.core.log.flush()


@unique
class Part(StrEnum):
    """What a process does with an installation, and so what opening it brings about."""

    AGENT = "agent"
    """Submits and runs: it never gets the first administrator's key."""
    PERSON = "person"
    """Looks and answers: it imports no configuration and makes no connector either."""
    SERVER = "server"
    """Everything."""


async def build(settings: Settings, *, asynchronous: bool, log: Log | None = None, part: Part = Part.SERVER) -> App:
    """Open the store, activate the configuration, make the first key; `part` says which of them.

    `asynchronous` chooses adapters that wait on the running event loop; otherwise none ever suspends.

    Raises:
        ConfigurationInvalid: the configuration is broken and there is no earlier one.
        StoreFailed: the database or a key file can't be used.
    """
    from aaf.adapters.system import SystemIds

    store, ring, anchors = opened(settings, asynchronous=asynchronous)
    process = SystemIds().new()
    try:
        return await _started(
            settings, store, ring, anchors, log, process=process, asynchronous=asynchronous, part=part
        )
    except BaseException:
        with contextlib.suppress(StoreFailed):  # so that the next start, with what was wrong corrected, needn't wait
            await store.take_lease(CONFIGURATION, process, 0)
        await store.close()
        raise


async def _started(
    settings: Settings,
    store: Store,
    ring: KeyRing,
    anchors: Anchors,
    log: Log | None,
    *,
    process: str,
    asynchronous: bool,
    part: Part,
) -> App:
    """Everything after the files are open."""
    from aaf.adapters.folder import shipped
    from aaf.adapters.observed import Observed
    from aaf.adapters.system import SystemIds
    from aaf.adapters.watching import WatchedFolder

    meter = meter_of(settings, store, asynchronous=asynchronous)
    log = log or log_of(settings, meter, asynchronous=asynchronous)
    store = Observed(store, log, meter)
    ids = SystemIds()
    recovering = await enter_if_older(store, anchors, ids)
    installation = await store.installation()
    orgs = [org for org in await store.organisations() if org != installation]
    # Derived, so that two processes that start a new installation at the same moment mean the same organisation.
    org = orgs[0] if orgs else str(uuid5(UUID(installation), "organisation"))
    credentials = secrets_of(settings, ring, asynchronous=asynchronous)
    connectors = Configured(settings, log, credentials, asynchronous=asynchronous)
    # Two, so that what is saved in the folder doesn't wait for what is sent by people.
    loader, importing = loader_of(asynchronous=asynchronous), loader_of(asynchronous=asynchronous)
    if part is not Part.PERSON:
        loader, importing = Checking(loader, connectors), Checking(importing, connectors)
    folder = WatchedFolder(settings.config or shipped("safe"))
    desk = Desk(store, ids, importing, credentials, org, process, os.getpid(), folder.name, lasting=part is Part.SERVER)
    began = _Began()
    if part is not Part.PERSON:
        began = await _import(desk, settings, log, recovering=recovering)
    knowledge = Knowledge(store)
    known = await knowledge.of(org, fresh=True)
    number, configuration = known.release, known.configuration
    if part is not Part.PERSON:
        # Where another release is in force, its file isn't the one in the folder.
        with placing(settings.config if began.refused is None and not began.ignored else None):
            connectors.check(configuration.connectors, configuration.run_timeout)
    core = Core(
        store=store,
        knowledge=knowledge,
        ids=ids,
        vault=ring.vault(),
        secrets=ring.hashes(),
        log_signer=ring.signer("log"),
        permit_signer=ring.signer("permit"),
        connectors=connectors,
        anchors=anchors,
        log=log,
        installation=installation,
        process=process,
        meter=meter,
        engine=engine_of(meter, asynchronous=asynchronous),
        held_secrets=credentials,
        loader=loader,
    )
    made = None
    # The lease keeps two processes that start at the same moment from making a key each.
    if part is Part.SERVER and recovering is None and await store.take_lease(FIRST_KEY, process, FIRST_KEY_HOLD):
        made = await first_key(core, org=org, name=FIRST_ADMIN)
    if made is not None and settings.write_key is not None:
        write_secret(settings.write_key, made.secret)
    watcher = None
    if part is Part.SERVER and settings.config is not None and asynchronous:
        from aaf.adapters.watching_asyncio import OnThread

        watcher = watches = Watcher(desk, OnThread(folder), log, holds=began.holds)
        meter.gauge(Metric.CONFIGURATION_STALE, lambda: float(watches.waits))
    return App(
        core,
        org,
        began.activated,
        made,
        began.refused,
        recovering,
        began.holds,
        began.ignored,
        seed=began.seed,
        watcher=watcher,
        folder=settings.config,
        began_with=number,
    )


@dataclass(frozen=True, slots=True)
class _Began:
    """What became of the folder at the start."""

    activated: Activated | None = None
    refused: ConfigurationInvalid | None = None
    holds: bool = False
    ignored: bool = False
    seed: bool = False


async def _import(desk: Desk, settings: Settings, log: Log, *, recovering: str | None) -> _Began:
    """Import the folder, where it is this process's to import.

    Raises:
        ConfigurationInvalid: it has problems, and there is no release before it.
    """
    from aaf.adapters.folder import shipped
    from aaf.adapters.watching import read_found

    active = await desk.store.release(desk.org)
    # Without a folder the shipped configuration is for those who have none; it never replaces one of their own.
    if settings.config is None and active is not None and not is_shipped(active):
        return _Began()
    found = read_found(settings.config or shipped("safe"))
    holds = await desk.store.take_lease(CONFIGURATION, desk.process, HOLD)
    seed = active is not None and active.managed_by is ManagedBy.API and not await takes_over(desk, found)
    if active is not None and (seed or not holds or recovering is not None):
        ignored = found.source != active.source and not seed
        if ignored:
            log.entry("configuration_not_activated", {"release": active.number, "recovering": recovering})
        return _Began(holds=holds, ignored=ignored, seed=seed and found.source != active.source)
    try:
        done = await import_files(desk, found, message="read at start" if settings.config else SHIPPED)
    except Unavailable:  # another process was faster: what it activated is followed
        if (active := await desk.store.release(desk.org)) is None:
            raise
        log.entry("configuration_not_activated", {"release": active.number, "recovering": None})
        return _Began(ignored=True)
    if settings.config is None:
        # Whoever watches no folder keeps nobody from importing one.
        await desk.store.take_lease(CONFIGURATION, desk.process, 0)
        holds = False
    match done:
        case Refused(invalid, 0):
            raise placed(invalid, settings.config)
        case Refused(invalid):
            return _Began(refused=placed(invalid, settings.config), holds=holds)
        case Unchanged(release):
            return _Began(activated=Activated(release, new=False), holds=holds)
        case Activated():
            return _Began(activated=done, holds=holds)

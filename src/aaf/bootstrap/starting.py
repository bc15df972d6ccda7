"""Starts the product: opens the store, activates the configuration, makes the first key, puts the core together."""

import contextlib
from dataclasses import dataclass
from enum import StrEnum, unique
from uuid import UUID, uuid5

from aaf.adapters.keys import KeyRing
from aaf.bootstrap.choices import engine_of, loader_of, log_of, meter_of, secrets_of
from aaf.bootstrap.connectors import Configured
from aaf.bootstrap.installation import opened, write_secret
from aaf.bootstrap.placing import placed, placing
from aaf.domain.errors import ConfigurationInvalid, StoreFailed
from aaf.policy.configuration import source_hash
from aaf.ports import Anchors, Log, Store
from aaf.services.access import NewKey, first_key
from aaf.services.core import Core, Knowledge
from aaf.services.recovery import enter_if_older
from aaf.services.releases import SHIPPED, Activated, activate, is_shipped
from aaf.settings import Settings

FIRST_ADMIN = "admin"
CONFIGURATION = "configuration"
"""The lease whose holder imports its folder; the others follow the store."""
FIRST_KEY = "first key"
"""The lease whose holder may make the first administrator's key."""
HOLD = 30
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

    async def renew(self) -> bool:
        """Keep other processes from activating their folder while this one lives; to be called more often than every `HOLD` seconds.

        False where this process doesn't hold the configuration: it follows the store.
        """
        return self.holds and await self.core.store.take_lease(CONFIGURATION, self.core.process, HOLD)

    async def close(self) -> None:
        """Finish what is queued, give the configuration back and let go of the files."""
        if self.holds:
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
    from aaf.adapters.folder import read_folder, shipped
    from aaf.adapters.observed import Observed
    from aaf.adapters.system import SystemIds

    meter = meter_of(settings, store, asynchronous=asynchronous)
    log = log or log_of(settings, meter, asynchronous=asynchronous)
    store = Observed(store, log, meter)
    ids = SystemIds()
    recovering = await enter_if_older(store, anchors, ids)
    installation = await store.installation()
    orgs = [org for org in await store.organisations() if org != installation]
    # Derived, so that two processes that start a new installation at the same moment mean the same organisation.
    org = orgs[0] if orgs else str(uuid5(UUID(installation), "organisation"))
    activated, refused, holds, ignored = None, None, False, False
    loader = loader_of(asynchronous=asynchronous)
    active = await store.release(org)
    try:
        # Without a folder the shipped configuration is for those who have none; it never replaces one of their own.
        own = settings.config is not None or active is None or is_shipped(active)
        if own and part is not Part.PERSON:
            files = read_folder(settings.config or shipped("safe"))
            message = "read at start" if settings.config else SHIPPED
            holds = await store.take_lease(CONFIGURATION, process, HOLD)
            if active is None or (holds and recovering is None):
                activated = await activate(store, ids, loader, org=org, files=files, author="system", message=message)
            elif source_hash(files) != active.source:
                ignored = True
                log.entry("configuration_not_activated", {"release": active.number, "recovering": recovering})
    except ConfigurationInvalid as invalid:
        if active is None:
            raise placed(invalid, settings.config) from None
        refused = placed(invalid, settings.config)
    knowledge = Knowledge(store)
    configuration = (await knowledge.of(org, fresh=True)).configuration
    credentials = secrets_of(settings, ring, asynchronous=asynchronous)
    connectors = Configured(settings, log, credentials, asynchronous=asynchronous)
    if part is not Part.PERSON:
        # Where another release is in force, its file isn't the one in the folder.
        with placing(settings.config if refused is None and not ignored else None):
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
    if part is Part.SERVER and recovering is None and await store.take_lease(FIRST_KEY, process, HOLD):
        made = await first_key(core, org=org, name=FIRST_ADMIN)
    if made is not None and settings.write_key is not None:
        write_secret(settings.write_key, made.secret)
    return App(core, org, activated, made, refused, recovering, holds, ignored)

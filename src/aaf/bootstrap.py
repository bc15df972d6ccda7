"""The only place that chooses adapters: settings in, a running product out.

Each adapter is imported inside the function that chooses it, so that embedded use pays for nothing that it doesn't use.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid5

from aaf.adapters.driving import drive
from aaf.adapters.inspection import Check
from aaf.adapters.keys import PURPOSES, KeyRing
from aaf.adapters.waiting import Waiting
from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import Code, ConfigurationInvalid, Problem, StoreFailed
from aaf.policy.configuration import load, source_hash
from aaf.ports import Anchors, Connector, Log, Store
from aaf.services.access import NewKey, first_key
from aaf.services.core import Core, Knowledge
from aaf.services.ledger import check_org
from aaf.services.recovery import enter_if_older
from aaf.services.releases import Activated, activate
from aaf.settings import Settings

__all__ = ["App", "Check", "build", "drive", "inspect"]

DATABASE = "aaf.db"
KEYS = "keys"
ANCHORS = "checkpoints.json"
FIRST_ADMIN = "admin"
CONFIGURATION = "configuration"
"""The lease whose holder imports its folder; the others follow the store."""
HOLD = 30
"""Seconds."""
SHIPPED = "the shipped safe configuration"


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
        await self.core.store.close()


async def build(settings: Settings, *, asynchronous: bool, log: Log | None = None) -> App:
    """Open the store, activate the configuration, make the first key.

    `asynchronous` chooses adapters that wait on the running event loop; otherwise none ever suspends.

    Raises:
        ConfigurationInvalid: the configuration is broken and there is no earlier one.
        StoreFailed: the database or a key file can't be used.
    """
    store, ring, anchors = _opened(settings, asynchronous=asynchronous)
    try:
        return await _started(settings, store, ring, anchors, log, asynchronous=asynchronous)
    except BaseException:
        await store.close()
        raise


def inspect(settings: Settings) -> list[Check]:
    """Check an installation without starting it: files, database, ledgers, configuration. The first thing to run when something is odd."""
    from aaf.adapters import inspection

    found = [inspection.python(), inspection.private("data folder", settings.data, folder=True)]
    keys, database = settings.data / KEYS, settings.data / DATABASE
    found += [inspection.private(f"{purpose} key", keys / f"{purpose}.key") for purpose in PURPOSES]
    found.append(inspection.private("database file", database))
    if database.exists():
        found += inspection.database(database)
        if all(one.ok is not False for one in found[-2:]):
            found += drive(_inspect_store(settings))
    found.append(_inspect_configuration(settings))
    found.append(
        Check(
            "mode",
            None,
            "advisory for agents that run as this user: they could read these files",
            "Run agents as another user or in a container for enforced mode.",
        )
    )
    return found


async def _inspect_store(settings: Settings) -> list[Check]:
    """What only the opened store can tell."""
    try:
        store, _, anchors = _opened(settings, asynchronous=False)
    except StoreFailed as failure:
        return [Check("store", ok=False, text=failure.message, fix=failure.hint)]
    try:
        why = await store.recovering()
        found = [Check("recovery", why is None, why or "not needed", "See `aaf recover --help`.")]
        for org in await store.organisations():
            report = await check_org(store, org)
            text = f"{org}: {report.size} events, {report.checkpoint} signed"
            if report.bad is not None:
                text = f"{org}: entry {report.bad} is {report.why}"
            found.append(
                Check("ledger", report.bad is None, text, "Keep the file; compare with an export that you hold.")
            )
        try:
            kept = anchors.kept()
        except StoreFailed as failure:
            found.append(Check("rolled back", ok=False, text=failure.message, fix=failure.hint))
            kept = []
        for org, size, root in kept:
            head = await store.head(org)
            same = head.size >= size and await store.subtree(org, 0, size) == root
            found.append(Check("rolled back", same, f"{org}: last signed size {size}", "See `aaf recover --help`."))
        found.append(
            Check(
                "checkpoints elsewhere",
                None,
                "no checkpoint is known to have left this machine",
                "Keep `aaf audit export` or a checkpoint somewhere that this machine can't write.",
            )
        )
        return found
    finally:
        await store.close()


def _inspect_configuration(settings: Settings) -> Check:
    """Whether the folder loads."""
    from aaf.adapters.folder import read_folder, shipped

    folder = settings.config or shipped("safe")
    try:
        configuration = load(read_folder(folder))
    except ConfigurationInvalid as invalid:
        return Check("configuration", ok=False, text=invalid.message, fix=invalid.hint)
    text = f"{folder}: {len(configuration.catalogue)} action types, {len(configuration.rules)} rules"
    if configuration.warnings:
        return Check("configuration", None, f"{text}; {'; '.join(configuration.warnings)}", "Look at these again.")
    return Check("configuration", ok=True, text=text)


def _opened(settings: Settings, *, asynchronous: bool) -> tuple[Store, KeyRing, Anchors]:
    """The store with its keys."""
    from aaf.adapters.anchors import FileAnchors, NoAnchors

    if settings.store == "memory":
        from aaf.adapters.memory import MemoryStore

        return MemoryStore(), KeyRing.fresh(), NoAnchors()
    from aaf.adapters.sqlite.store import SqliteStore

    database = settings.data / DATABASE
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring = KeyRing.open(settings.data / KEYS, create=not database.exists())
    return (
        SqliteStore.open(database, waiting=_waiting(asynchronous=asynchronous)),
        ring,
        FileAnchors(settings.data / ANCHORS),
    )


def _waiting(*, asynchronous: bool) -> Waiting:
    """How callers wait for the writer."""
    if asynchronous:
        from aaf.adapters.waiting_asyncio import OnLoop

        return OnLoop()
    from aaf.adapters.waiting import Blocking

    return Blocking()


async def _started(
    settings: Settings, store: Store, ring: KeyRing, anchors: Anchors, log: Log | None, *, asynchronous: bool
) -> App:
    """Everything after the files are open."""
    from aaf.adapters.folder import read_folder, shipped
    from aaf.adapters.log import JsonLines
    from aaf.adapters.system import SystemIds

    ids = SystemIds()
    recovering = await enter_if_older(store, anchors, ids)
    installation = await store.installation()
    orgs = [org for org in await store.organisations() if org != installation]
    # Derived, so that two processes that start a new installation at the same moment mean the same organisation.
    org = orgs[0] if orgs else str(uuid5(UUID(installation), "organisation"))
    process = ids.new()
    log = log or JsonLines()
    activated, refused, holds = None, None, False
    active = await store.release(org)
    try:
        # Without a folder the shipped configuration is for those who have none; it never replaces one of their own.
        if settings.config is not None or active is None or active.message == SHIPPED:
            files = read_folder(settings.config or shipped("safe"))
            message = "read at start" if settings.config else SHIPPED
            holds = await store.take_lease(CONFIGURATION, process, HOLD)
            if active is None or (holds and recovering is None):
                activated = await activate(store, ids, org=org, files=files, author="system", message=message)
            elif source_hash(files) != active.source:
                log.entry("configuration_not_activated", {"release": active.number, "recovering": recovering})
    except ConfigurationInvalid as invalid:
        if active is None:
            raise
        refused = invalid
    knowledge = Knowledge(store)
    configuration = (await knowledge.of(org, fresh=True)).configuration
    connectors = Configured(settings, log, asynchronous=asynchronous)
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
    )
    made = None
    # The lease keeps two processes that start at the same moment from making a key each.
    if recovering is None and await store.take_lease("first key", process, HOLD):
        made = await first_key(core, org=org, name=FIRST_ADMIN)
    if made is not None and settings.write_key is not None:
        _write_secret(settings.write_key, made.secret)
    return App(core, org, activated, made, refused, recovering, holds)


class Configured:
    """Connectors under the settings of whichever release the caller judges by, so that a new release binds every process.

    Each is made once for its settings; a run under the release before may still be using the one of that.
    """

    def __init__(self, settings: Settings, log: Log, *, asynchronous: bool) -> None:
        """Make none yet."""
        self._settings = settings
        self._log = log
        self._asynchronous = asynchronous
        self._made: dict[tuple[str, bytes, int], Connector] = {}

    def check(self, wanted: Mapping[str, Mapping[str, Json]], timeout: int) -> None:
        """Make all of them.

        Raises:
            ConfigurationInvalid: one can't be used safely.
        """
        for name in wanted:
            self._get(name, wanted, timeout)

    def get(self, name: str, settings: Mapping[str, Mapping[str, Json]], timeout: int, /) -> Connector | None:
        """The connector, or None where there is none or where this process can't use it safely."""
        try:
            return self._get(name, settings, timeout)
        except (ConfigurationInvalid, OSError) as failure:
            self._log.entry("connector_refused", {"connector": name, "cause": str(failure)})
            return None

    def _get(self, name: str, wanted: Mapping[str, Mapping[str, Json]], timeout: int) -> Connector | None:
        """The one that is there, or a new one."""
        if name != "files" or name not in wanted:
            return None
        key = (name, canonical(dict(wanted[name])), timeout)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = self._make(wanted[name], timeout)
        return found

    def _make(self, files: Mapping[str, Json], timeout: int) -> Connector:
        """The connector for files, the only one there is."""
        from aaf.adapters.connectors.files import FilesConnector

        protect, size = files.get("protect"), files.get("max_bytes")
        root = self._settings.root or (self._settings.config or Path()) / str(files.get("root"))
        _keep_apart(root, self._settings)
        root.mkdir(exist_ok=True)
        made = FilesConnector(
            root,
            max_bytes=size if isinstance(size, int) else 0,
            protect=[str(pattern) for pattern in protect] if isinstance(protect, list) else (),
        )
        if not self._asynchronous:
            return made
        from aaf.adapters.threaded import Threaded

        return Threaded(made, timeout=timeout)


def _keep_apart(root: Path, settings: Settings) -> None:
    """Refuse a root from which an action could reach the firewall's own data or configuration.

    Raises:
        ConfigurationInvalid: it holds one of them, or lies in the data.
    """
    real, data = root.resolve(), settings.data.resolve()
    own = [data, *([settings.config.resolve()] if settings.config else [])]
    if any(path.is_relative_to(real) for path in own) or real.is_relative_to(data):
        problem = Problem(
            "aaf.yaml",
            0,
            0,
            f"connectors.files.root is {real}, from where actions could reach the firewall's own data or configuration",
            "choose a folder beside them, or beneath the configuration such as ./workspace",
        )
        raise ConfigurationInvalid((problem,))


def _write_secret(path: Path, secret: str) -> None:
    """Write the first key to a new 0600 file, as asked."""
    import os

    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as failure:
        raise StoreFailed(
            Code.STORE_UNAVAILABLE,
            f"The key file {path} can't be written: {failure.strerror}.",
            hint="Name a file that isn't there yet, in a folder of yours.",
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret + "\n")

"""The only place that chooses adapters: settings in, a running product out.

Each adapter is imported inside the function that chooses it, so that embedded use pays for nothing that it doesn't use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aaf.adapters.driving import drive
from aaf.adapters.inspection import Check
from aaf.adapters.keys import PURPOSES, KeyRing
from aaf.adapters.waiting import Waiting
from aaf.domain.canonical import Json
from aaf.domain.errors import Code, ConfigurationInvalid, Problem, StoreFailed
from aaf.policy.configuration import load
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

    async def close(self) -> None:
        """Finish what is queued and let go of the files."""
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
        for org, size, root in anchors.kept():
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
    org = orgs[0] if orgs else ids.new()
    activated, refused = None, None
    active = await store.release(org)
    try:
        # Without a folder the shipped configuration is for those who have none; it never replaces one of their own.
        if settings.config is not None or active is None or active.message == SHIPPED:
            files = read_folder(settings.config or shipped("safe"))
            message = "read at start" if settings.config else SHIPPED
            activated = await activate(store, ids, org=org, files=files, author="system", message=message)
    except ConfigurationInvalid as invalid:
        if active is None:
            raise
        refused = invalid
    knowledge = Knowledge(store)
    configuration = (await knowledge.of(org, fresh=True)).configuration
    connectors = _connectors(configuration.connectors, settings, configuration.run_timeout, asynchronous=asynchronous)
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
        log=log or JsonLines(),
        installation=installation,
        process=ids.new(),
    )
    made = None if recovering else await first_key(core, org=org, name=FIRST_ADMIN)
    if made is not None and settings.write_key is not None:
        _write_secret(settings.write_key, made.secret)
    return App(core, org, activated, made, refused, recovering)


def _connectors(
    wanted: Mapping[str, Mapping[str, Json]], settings: Settings, timeout: int, *, asynchronous: bool
) -> dict[str, Connector]:
    """The connectors that the configuration names."""
    found: dict[str, Connector] = {}
    if "files" in wanted:
        from aaf.adapters.connectors.files import FilesConnector

        files = wanted["files"]
        protect, size = files.get("protect"), files.get("max_bytes")
        root = settings.root or (settings.config or Path()) / str(files.get("root"))
        _keep_apart(root, settings)
        root.mkdir(exist_ok=True)
        found["files"] = FilesConnector(
            root,
            max_bytes=size if isinstance(size, int) else 0,
            protect=[str(pattern) for pattern in protect] if isinstance(protect, list) else (),
        )
    if asynchronous:
        from aaf.adapters.threaded import Threaded

        return {name: Threaded(connector, timeout=timeout) for name, connector in found.items()}
    return found


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

"""The files of an installation: where they lie, and what opens them."""

import os
from pathlib import Path

from aaf.adapters.keys import KeyRing
from aaf.adapters.waiting import Waiting
from aaf.domain.errors import Code, StoreFailed
from aaf.ports import Anchors, SecretStore, Store
from aaf.settings import Settings

DATABASE = "aaf.db"
KEYS = "keys"
ANCHORS = "checkpoints.json"
SECRETS = "secrets.json"


def opened(settings: Settings, *, asynchronous: bool) -> tuple[Store, KeyRing, Anchors]:
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
        SqliteStore.open(database, waiting=waiting(asynchronous=asynchronous)),
        ring,
        FileAnchors(settings.data / ANCHORS),
    )


def waiting(*, asynchronous: bool) -> Waiting:
    """How callers wait for the writer."""
    if asynchronous:
        from aaf.adapters.waiting_asyncio import OnLoop

        return OnLoop()
    from aaf.adapters.waiting import Blocking

    return Blocking()


def sealed_file(settings: Settings, ring: KeyRing) -> SecretStore:
    """The file of secrets of an installation."""
    from aaf.adapters.secrets.sealed_file import SealedFile

    return SealedFile(settings.data / SECRETS, ring.cipher("secrets"))


def sealed_secrets(settings: Settings, *, create: bool) -> SecretStore:
    """The file of secrets, for whoever may read the installation's keys; `create` makes those of a new installation.

    Raises:
        StoreFailed: a key file can't be used.
    """
    create = create and not (settings.data / DATABASE).exists()
    if create:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    ring = KeyRing.open(settings.data / KEYS, create=create)
    return sealed_file(settings, ring)


def write_secret(path: Path, secret: str) -> None:
    """Write the first key to a new 0600 file, as asked."""
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

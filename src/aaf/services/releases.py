"""Make a configuration the active release: whole, numbered, once, or not at all.

Files are compiled before anything is written; a folder that is broken leaves what is active active, and that it was refused is an event.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import Code, ConfigurationInvalid, StoreFailed, Unavailable
from aaf.domain.events import Event, EventType, occurrence
from aaf.domain.record import ManagedBy, Release
from aaf.policy.configuration import Configuration, source_hash
from aaf.ports import Commit, Committed, Ids, InsertRelease, Loader, RaiseEpoch, Store

ATTEMPTS = 3
SHIPPED = "the shipped safe configuration"
"""The message of a release that nobody chose: it gives way to whatever comes."""


@dataclass(frozen=True, slots=True)
class Activated:
    """The active release, whether it is new, and what is worth a second look in it."""

    release: Release
    new: bool
    warnings: tuple[str, ...] = ()


async def activate(
    store: Store,
    ids: Ids,
    loader: Loader,
    *,
    org: str,
    files: Mapping[str, bytes],
    author: str,
    message: str,
    managed_by: ManagedBy = ManagedBy.FILE,
    check: Callable[[Release | None, Configuration], Awaitable[None]] | None = None,
) -> Activated:
    """Activate the configuration in `files`, unless the active release came from the same bytes; `managed_by` holds where it doesn't say who manages it.

    `check` is asked before each attempt about the release that would be replaced, and what it raises ends this.

    Raises:
        ConfigurationInvalid: it has problems; the active release stays, and the refusal is recorded.
        StoreFailed: the store is in recovery.
        Unavailable: others activated at the same time, three times over.
    """
    source = source_hash(files)
    for _ in range(ATTEMPTS):
        active = await store.release(org)
        if active is not None and active.source == source:
            return Activated(active, new=False)
        if active is not None and await store.recovering() is not None:
            raise StoreFailed(
                Code.RECOVERING,
                "The store is in recovery, so no configuration is activated.",
                hint="A person has to release it.",
            )
        try:
            configuration = await loader.load(files)
        except ConfigurationInvalid as invalid:
            await record_refusal(store, ids, org, source, len(invalid.problems))
            raise
        if check is not None:
            await check(active, configuration)
        now = await store.now()
        release = Release(
            org=org,
            number=active.number + 1 if active else 1,
            document=canonical(configuration.to_stored()),
            source=source,
            author=author,
            message=message,
            activated_at=now,
            files=files_bytes(files),
            managed_by=configuration.managed_by or managed_by,
        )
        event = activation(ids, release, exemptions=len(configuration.exemptions))
        if isinstance(await store.commit(Commit(org, (InsertRelease(release), RaiseEpoch()), (event,))), Committed):
            return Activated(release, new=True, warnings=tuple(map(str, configuration.warnings)))
    raise Unavailable(Code.STORE_CONFLICT, "Others activated a configuration at the same time.", hint="Try again.")


def activation(ids: Ids, release: Release, *, exemptions: int, **more: Json) -> Event:
    """The event of a release that becomes active."""
    return occurrence(
        event_id=ids.new(),
        org=release.org,
        at=release.activated_at,
        actor=release.author,
        kind=EventType.CONFIGURATION_ACTIVATED,
        data={"exemptions": exemptions, "release": release.number, "source": release.source, **more},
    )


def is_shipped(release: Release) -> bool:
    """Whether a release is the shipped configuration, which nobody manages; no person's message makes one so."""
    return release.author == "system" and release.message == SHIPPED


def tag(release: Release) -> str:
    """What names a release in an ETag: its number, and a part of its hash, so that no other installation's release is taken for it."""
    return f"{release.number}-{release.source[:16]}"


def files_bytes(files: Mapping[str, bytes]) -> bytes:
    """Files as a release keeps them: an object of texts by name. What was compiled is UTF-8, but for a mark at its beginning that is kept."""
    return canonical({name: data.decode("utf-8") for name, data in files.items()})


def files_of(release: Release) -> dict[str, bytes]:
    """The files that a release was compiled from; none of a release of before files were kept."""
    return {name: text.encode() for name, text in json.loads(release.files).items()}


async def record_refusal(store: Store, ids: Ids, org: str, source: str, problems: int) -> None:
    """Record that a configuration was refused; not again where the folder still holds what was refused under the same release."""
    active, watch = await store.release(org), await store.watch(org)
    if (
        watch is not None
        and watch.problems
        and (watch.source, watch.release) == (source, active.number if active else 0)
    ):
        return
    event = occurrence(
        event_id=ids.new(),
        org=org,
        at=await store.now(),
        actor="system",
        kind=EventType.CONFIGURATION_REFUSED,
        data={"problems": problems, "source": source},
    )
    await store.commit(Commit(org, (), (event,)))

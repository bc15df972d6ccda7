"""Looks at an installation without starting it; changes nothing."""

from collections.abc import Iterator
from pathlib import Path

from aaf.adapters.driving import drive
from aaf.adapters.inspection import Check
from aaf.adapters.keys import PURPOSES
from aaf.bootstrap.installation import DATABASE, KEYS, SECRETS, opened
from aaf.bootstrap.placing import placed, placed_warnings, placing
from aaf.domain.errors import ConfigurationInvalid, StoreFailed
from aaf.policy.configuration import Configuration, source_hash
from aaf.services.ledger import check_org
from aaf.services.standing import Standing, standing
from aaf.settings import Settings

_SHOWN = 3


def check_folder(folder: Path) -> Configuration:
    """Compile a configuration folder, and nothing else.

    Raises:
        ConfigurationInvalid: it has problems; their files are named as seen from here.
    """
    from aaf.adapters.folder import read_folder
    from aaf.adapters.loading import compiled

    with placing(folder):
        return compiled(read_folder(folder))


def folder_files(folder: Path) -> dict[str, bytes]:
    """The files of a configuration folder by their names in it, unread.

    Raises:
        ConfigurationInvalid: it isn't there, or a file can't be read.
    """
    from aaf.adapters.folder import read_folder

    with placing(folder):
        return read_folder(folder)


def overlapping(configuration: Configuration) -> list[str]:
    """Where rules of another outcome meet without one being an exception from the other: worth a look, and no fault."""
    from aaf.policy.relations import overlaps

    found = overlaps(configuration.rules, configuration.catalogue)
    notes = [
        f"rule {one.rule} and the stricter {', '.join(one.stricter[:_SHOWN])}"
        f"{f' and {len(one.stricter) - _SHOWN} more' if len(one.stricter) > _SHOWN else ''}"
        " may speak about the same action; then the stricter counts"
        for one in found.found
    ]
    if not found.complete:
        notes.append(
            "there are too many rules to compare each with each; these are the overlaps among those that were compared"
        )
    return notes


def inspect(settings: Settings) -> list[Check]:
    """Check an installation without starting it: files, database, ledgers, configuration. The first thing to run when something is odd."""
    from aaf.adapters import inspection

    found = [inspection.python(), inspection.private("data folder", settings.data, folder=True)]
    keys, database = settings.data / KEYS, settings.data / DATABASE
    found += [inspection.private(f"{purpose} key", keys / f"{purpose}.key") for purpose in PURPOSES]
    found.append(inspection.private("database file", database))
    if (settings.data / SECRETS).exists():
        found.append(inspection.private("secrets file", settings.data / SECRETS))
    active: set[str] = set()
    if database.exists():
        found += inspection.database(database)
        if all(one.ok is not False for one in found[-2:]):
            looked, active = drive(_inspect_store(settings))
            found += looked
    found += _inspect_configuration(settings, active)
    found.append(
        Check(
            "mode",
            None,
            "advisory for agents that run as this user: they could read these files",
            "Run agents as another user or in a container for enforced mode.",
        )
    )
    return found


async def _inspect_store(settings: Settings) -> tuple[list[Check], set[str]]:
    """What only the opened store can tell, and the hashes of the sources of what is active."""
    try:
        store, _, anchors = opened(settings, asynchronous=False)
    except StoreFailed as failure:
        return [Check("store", ok=False, text=failure.message, fix=failure.hint)], set()
    try:
        why = await store.recovering()
        found = [Check("recovery", why is None, why or "not needed", "See `aaf recover --help`.")]
        own = await store.installation()
        for org in await store.organisations():
            report = await check_org(store, org)
            whose = f"{org}, the installation's own" if org == own else org
            text = f"{whose}: {report.size} event{'' if report.size == 1 else 's'}, {report.checkpoint} signed"
            if report.bad is not None:
                text = f"{whose}: entry {report.bad} is {report.why}"
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
        releases = [one for org in await store.organisations() if (one := await store.release(org)) is not None]
        found += [
            Check("active configuration", ok=True, text=f"{one.org}: release {one.number}, {one.message}")
            for one in releases
        ]
        stands = [it for org in await store.organisations() if (it := await standing(store, org)) is not None]
        found += [_watched(one) for one in stands if one.watch is not None and (one.refused or one.holder is not None)]
        found.append(
            Check(
                "checkpoints elsewhere",
                None,
                "no checkpoint is known to have left this machine",
                "Keep `aaf audit export` or a checkpoint somewhere that this machine can't write.",
            )
        )
        return found, {one.source for one in releases}
    finally:
        await store.close()


def _watched(one: Standing) -> Check:
    """Whether what is in the folder that a server watches is what is active."""
    folder = one.watch.folder if one.watch is not None else ""
    problems = one.watch.problems if one.watch is not None else ()
    if one.refused:
        told = placed(ConfigurationInvalid(problems), Path(folder)).message
        # A folder that nobody watches now may have been corrected since.
        ok = False if one.holder is not None else None
        text = f"{folder} was refused, release {one.release.number} stays active\n{told}"
        return Check("watched folder", ok, text, "Correct the file: a server that watches it activates it by itself.")
    if one.stale:
        return Check("watched folder", ok=False, text=f"{folder} isn't what is active", fix="See the server's log.")
    return Check("watched folder", ok=True, text=f"{folder}, by process {one.watch.pid if one.watch else 0}")


def _inspect_configuration(settings: Settings, active: set[str]) -> Iterator[Check]:
    """Whether the folder loads, and whether it opens a way to addresses that aren't public."""
    from aaf.adapters.folder import read_folder, shipped
    from aaf.adapters.loading import compiled

    folder = settings.config or shipped("safe")
    try:
        files = read_folder(folder)
        configuration = compiled(files)
    except ConfigurationInvalid as invalid:
        yield Check("configuration", ok=False, text=placed(invalid, settings.config).message, fix=invalid.hint)
        return
    text = f"{folder}{'' if not active or source_hash(files) in active else ' (not what is active)'}: {len(configuration.catalogue)} action types, {len(configuration.rules)} rules"
    if configuration.warnings:
        yield Check(
            "configuration",
            None,
            f"{text}; {'; '.join(placed_warnings(configuration.warnings, settings.config))}",
            "Look at these again.",
        )
    else:
        yield Check("configuration", ok=True, text=text)
    if configuration.exemptions:
        where = ", ".join(
            f"{one['scheme']}://{one['host']}:{one['port']} at {one['address']}" for one in configuration.exemptions
        )
        yield Check("egress", ok=False, text=f"may call {where}", fix="Take it out of egress.unsafe_allow.")

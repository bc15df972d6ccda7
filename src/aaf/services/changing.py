"""People read and change the configuration: each change names the release that it began from, and is validated whole.

Nothing is decided here about actions: those that wait keep the release that judged them, and are judged again before they run (`rejudge`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aaf.domain.errors import Code, ConfigurationRefused, NotFound, Problem, StateConflict
from aaf.domain.principal import Permission
from aaf.domain.record import Release
from aaf.policy.comparing import Changes, compare_documents, compare_files
from aaf.policy.configuration import Configuration
from aaf.services.access import require
from aaf.services.compiling import Edit, compiled, encoded, patched
from aaf.services.core import Caller, Core
from aaf.services.enacting import Wanted, changes_between, enact, expect, in_force, recorded
from aaf.services.releases import Activated, files_of


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of compiling files: `configuration` is None where there are problems; `changes` is against what is active."""

    configuration: Configuration | None
    problems: tuple[Problem, ...]
    changes: Changes

    @property
    def counts(self) -> dict[str, int] | None:
        """How much stands in the configuration."""
        return None if self.configuration is None else _counts(self.configuration.to_stored())


@dataclass(frozen=True, slots=True)
class History:
    """Some releases, newest first, and the `before` of the following page, None where there is none."""

    releases: list[Release]
    next: int | None


# --- reading ----------------------------------------------------------------------------------------------------------


async def active(core: Core, caller: Caller) -> Release:
    """The active release.

    Raises:
        NotPermitted: the caller may not.
    """
    require(caller, Permission.ORG_CONFIGURATION_READ)
    return await in_force(core, caller)


async def read(core: Core, caller: Caller, number: int) -> Release:
    """One release.

    Raises:
        NotPermitted: the caller may not.
        NotFound: there is none of this number.
    """
    require(caller, Permission.ORG_CONFIGURATION_READ)
    return await numbered(core, caller, number)


async def numbered(core: Core, caller: Caller, number: int) -> Release:
    """The release of a number, whoever asks.

    Raises:
        NotFound: there is none.
    """
    found = await core.store.release(caller.principal.org, number)
    if found is None:
        raise NotFound(Code.NOT_FOUND, "There is no such release.", hint="`aaf config history` lists them.")
    return found


async def history(core: Core, caller: Caller, *, before: int | None, limit: int) -> History:
    """Releases, newest first.

    Raises:
        NotPermitted: the caller may not.
    """
    require(caller, Permission.ORG_CONFIGURATION_READ)
    found = await core.store.releases(caller.principal.org, before=before, limit=limit)
    more = len(found) == limit and found[-1].number > 1
    return History(found, found[-1].number if more else None)


async def compared(core: Core, caller: Caller, old: int, new: int) -> Changes:
    """What differs from one release to another.

    Raises:
        NotPermitted: the caller may not.
        NotFound: one of them isn't there.
        StateConflict: the files of one of them were not kept.
    """
    before, after = await read(core, caller, old), await read(core, caller, new)
    known_files(before)
    known_files(after)
    return changes_between(before, after)


def counted(release: Release) -> dict[str, int]:
    """How many action types, limits, policy modules and rules a release has."""
    return _counts(json.loads(release.document))


def _counts(document: Mapping[str, Any]) -> dict[str, int]:
    return {part: len(document.get(part, ())) for part in ("actions", "limits", "modules", "rules")}


def warnings_of(release: Release) -> list[str]:
    """What deserved a second look when a release was compiled."""
    warnings: list[str] = json.loads(release.document)["warnings"]
    return warnings


def known_files(release: Release) -> dict[str, bytes]:
    """The files of a release.

    Raises:
        StateConflict: they were not kept.
    """
    files = files_of(release)
    if not files:
        raise StateConflict(
            Code.RELEASE_WITHOUT_FILES,
            f"The files of release {release.number} were not kept: an earlier version of the firewall made it.",
            hint="Choose a later release, or send whole files.",
        )
    return files


# --- changing ---------------------------------------------------------------------------------------------------------


async def validate(core: Core, caller: Caller, files: Mapping[str, str]) -> Checked:
    """Compile files and compare them with what is active; nothing is written.

    Raises:
        NotPermitted: the caller may not.
    """
    require(caller, Permission.ORG_CONFIGURATION_WRITE)
    return await checked(core, caller, encoded(files))


async def checked(core: Core, caller: Caller, files: Mapping[str, bytes]) -> Checked:
    """What `validate` answers, whoever asks."""
    now = await in_force(core, caller)
    listed = compare_files(files_of(now), files)
    try:
        configuration = await compiled(core, files)
    except ConfigurationRefused as refusal:  # the answer is the problems
        return Checked(None, refusal.problems, Changes(now.number, None, listed, None))
    parts = compare_documents(json.loads(now.document), configuration.to_stored())
    return Checked(configuration, (), Changes(now.number, None, listed, parts))


async def replace(
    core: Core, caller: Caller, *, files: Mapping[str, str], message: str, expected: str | None
) -> Activated:
    """Make these files, all of them, the active release; `expected` is the tag of the release that they began from.

    Raises:
        NotPermitted: the caller may not.
        InputRefused: no tag, or the message or the configuration has problems.
        StateConflict: a folder manages the configuration, or another release is active by now.
    """

    async def wanted(now: Release) -> Wanted:
        await expect(core, now, expected)
        return Wanted(encoded(files), message)

    return await recorded(core, caller, enact(core, caller, wanted))


async def patch(core: Core, caller: Caller, *, edit: Edit, message: str, expected: str | None) -> Activated:
    """Replace, add and remove single files of the active release; as `replace` otherwise."""

    async def wanted(now: Release) -> Wanted:
        await expect(core, now, expected)
        return Wanted(patched(known_files(now), edit), message)

    return await recorded(core, caller, enact(core, caller, wanted))


async def remove(core: Core, caller: Caller, *, name: str, message: str, expected: str | None) -> Activated:
    """Remove one file; as `replace` otherwise.

    Raises:
        NotFound: the active release has no such file.
    """

    async def wanted(now: Release) -> Wanted:
        await expect(core, now, expected)
        if name not in known_files(now):
            raise NotFound(Code.NOT_FOUND, "The active release has no such file.", hint="`aaf config show` lists them.")
        return Wanted(patched(files_of(now), {name: None}), message)

    return await recorded(core, caller, enact(core, caller, wanted))


async def roll_back(core: Core, caller: Caller, *, number: int, message: str, expected: str | None) -> Activated:
    """Make a new release of the files of an earlier one, compiled by the rules of today; as `replace` otherwise.

    Raises:
        NotFound: there is no such release.
        StateConflict: its files were not kept.
    """

    async def wanted(now: Release) -> Wanted:
        await expect(core, now, expected)
        files = known_files(await numbered(core, caller, number))
        said = f"Roll back to release {number}" + (f": {message}" if message else "")
        return Wanted(files, said, told={"back_to": number})

    return await recorded(core, caller, enact(core, caller, wanted))

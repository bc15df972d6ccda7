"""Drafts: files that people work on and nobody is judged by, until one is activated on top of the release that it began from.

A draft may be wrong; only names, size and credentials are looked at when it is saved. Each save names the version that it is made on. A draft whose
base is active no longer has to be rebased: file by file, and where both sides changed one file, a person says what it shall be.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from aaf.domain.canonical import Json
from aaf.domain.errors import Code, ConfigurationConflict, InputRefused, NotFound, StateConflict
from aaf.domain.events import Event, EventType, occurrence
from aaf.domain.principal import Permission
from aaf.domain.record import Draft, Release
from aaf.policy.comparing import Changes, compare_files
from aaf.policy.configuration import source_hash
from aaf.ports import Commit, Committed, PutDraft, RemoveDraft, StaleEpoch, Write
from aaf.services.access import require
from aaf.services.changing import Checked, checked, known_files, numbered
from aaf.services.compiling import Edit, check_files, encoded, patched
from aaf.services.core import Caller, Core
from aaf.services.enacting import (
    Wanted,
    check_writable,
    checked_message,
    enact,
    in_force,
    read_tag,
    recorded,
    since,
)
from aaf.services.releases import ATTEMPTS, Activated, files_bytes, tag

MAX_DRAFTS = 100
"""Drafts of one organisation."""
_AGAIN = "Read the draft again, and save on top of that."
_TAKE = "Send the text that each of these files shall have, or null, in `files`."


@dataclass(frozen=True, slots=True)
class Merged:
    """What a three-way merge by file gave, and the names of files that both sides changed in different ways."""

    files: dict[str, bytes]
    conflicts: tuple[str, ...]


def texts_of(draft: Draft) -> dict[str, str]:
    """The files of a draft by name."""
    texts: dict[str, str] = json.loads(draft.files)
    return texts


def merged(base: Mapping[str, bytes], own: Mapping[str, bytes], theirs: Mapping[str, bytes]) -> Merged:
    """Take for each file the side that changed it since `base`; of a file that both changed differently, `own` is kept and it is named."""
    files, conflicts = dict[str, bytes](), list[str]()
    for name in sorted(base.keys() | own.keys() | theirs.keys()):
        before, mine, other = base.get(name), own.get(name), theirs.get(name)
        if mine not in (before, other) and other != before:
            conflicts.append(name)
        chosen = other if mine == before else mine
        if chosen is not None:
            files[name] = chosen
    return Merged(files, tuple(conflicts))


# --- reading ----------------------------------------------------------------------------------------------------------


async def listed(core: Core, caller: Caller) -> list[Draft]:
    """Every draft without its files, oldest first.

    Raises:
        NotPermitted: the caller may not.
    """
    require(caller, Permission.ORG_CONFIGURATION_READ)
    return await core.store.drafts(caller.principal.org)


async def read(core: Core, caller: Caller, draft: str) -> Draft:
    """One draft.

    Raises:
        NotPermitted: the caller may not.
        NotFound: there is no such draft.
    """
    require(caller, Permission.ORG_CONFIGURATION_READ)
    return await _found(core, caller, draft)


async def compared(core: Core, caller: Caller, draft: str) -> Checked:
    """What a draft would change of what is active, and whether it compiles.

    Raises:
        NotPermitted: the caller may not; compiling takes the right to write.
        NotFound: there is no such draft.
    """
    require(caller, Permission.ORG_CONFIGURATION_WRITE)
    return await checked(core, caller, encoded(texts_of(await _found(core, caller, draft))))


# --- saving -----------------------------------------------------------------------------------------------------------


async def create(core: Core, caller: Caller, *, edit: Edit, message: str) -> Draft:
    """Begin a draft from the active release, with some files changed.

    Raises:
        NotPermitted: the caller may not.
        InputRefused: a file's name, a credential or the message.
        StateConflict: a folder manages the configuration, the active release's files were not kept, or there are too many drafts.
    """
    return await recorded(core, caller, _create(core, caller, edit, message))


async def _create(core: Core, caller: Caller, edit: Edit, message: str) -> Draft:
    require(caller, Permission.ORG_CONFIGURATION_WRITE)
    now = await in_force(core, caller)
    check_writable(now)
    if len(await core.store.drafts(now.org)) >= MAX_DRAFTS:
        raise StateConflict(
            Code.DRAFT_CONFLICT, f"There are {MAX_DRAFTS} drafts already.", hint="Discard those that nobody needs."
        )
    draft = Draft(now.org, core.ids.new(), 0, now.number, b"{}", message, "", 0)
    return await _save(core, caller, draft, patched(known_files(now), edit), message)


async def save(
    core: Core, caller: Caller, draft: str, *, files: Mapping[str, str], message: str | None, expected: str | None
) -> Draft:
    """Save the whole files of a draft; `expected` is the version that they were made on, no message keeps the one that is there.

    Raises:
        NotPermitted: the caller may not.
        NotFound: there is no such draft.
        InputRefused: no version; a file's name, a credential or the message.
        StateConflict: a folder manages the configuration, or somebody else saved meanwhile.
    """

    async def work() -> Draft:
        found = await _expected(core, caller, draft, expected, encoded(files))
        return await _save(core, caller, found, encoded(files), message)

    return await recorded(core, caller, work())


async def edit(
    core: Core, caller: Caller, draft: str, *, changes: Edit, message: str | None, expected: str | None
) -> Draft:
    """Replace, add and remove single files of a draft; as `save` otherwise."""

    async def work() -> Draft:
        found = await _expected(core, caller, draft, expected, None)
        return await _save(core, caller, found, patched(encoded(texts_of(found)), changes), message)

    return await recorded(core, caller, work())


async def rebase(core: Core, caller: Caller, draft: str, *, resolved: Edit, expected: str | None) -> Draft:
    """Put a draft on top of what is active now; `resolved` says what the files shall be that both sides changed.

    Raises:
        StateConflict: REBASE_CONFLICT, a file that both changed is not in `resolved`; otherwise as `save`.
    """

    async def work() -> Draft:
        found = await _expected(core, caller, draft, expected, None)
        now = await in_force(core, caller)
        base = known_files(await numbered(core, caller, found.base))
        own, theirs = encoded(texts_of(found)), known_files(now)
        done = merged(base, own, theirs)
        if not resolved.keys() <= set(done.conflicts):
            raise InputRefused(
                Code.WRONG_TYPE,
                "A file is named that both sides did not change differently.",
                hint="Name only files in conflict; save the draft to change others.",
                path="$.files",
            )
        left = [name for name in done.conflicts if name not in resolved]
        if left:
            raise ConfigurationConflict(
                Code.REBASE_CONFLICT,
                f"The draft and release {now.number} both changed: {', '.join(left)}.",
                hint=_TAKE,
                etag=tag_of(found),
                changes=_of(left, Changes(found.base, now.number, compare_files(base, theirs), None)),
            )
        return await _save(core, caller, replace(found, base=now.number), patched(done.files, resolved), None)

    return await recorded(core, caller, work())


async def discard(core: Core, caller: Caller, draft: str, *, expected: str | None) -> Draft:
    """Forget a draft.

    Raises:
        NotPermitted: the caller may not.
        NotFound: there is no such draft.
        InputRefused: no version.
        StateConflict: somebody else saved it meanwhile.
    """

    async def work() -> Draft:
        require(caller, Permission.ORG_CONFIGURATION_WRITE)
        found = await _found(core, caller, draft)
        _check_version(found, expected, None)
        write = RemoveDraft(found.id, found.version)
        await _commit(core, caller, found, write, EventType.CONFIGURATION_DRAFT_DISCARDED)
        return found

    return await recorded(core, caller, work())


# --- activating -------------------------------------------------------------------------------------------------------


async def activate(core: Core, caller: Caller, draft: str, *, message: str | None, expected: str | None) -> Activated:
    """Make a draft the active release and forget it, in one commit; `expected` is its version.

    Raises:
        NotPermitted: the caller may not.
        NotFound: there is no such draft.
        InputRefused: no version, or the configuration has problems.
        StateConflict: a folder manages the configuration, somebody else saved the draft, or its base is active no longer.
    """

    async def wanted(now: Release) -> Wanted:
        found = await _found(core, caller, draft)
        _check_version(found, expected, None)
        await _check_base(core, found, now)
        return Wanted(
            encoded(texts_of(found)),
            found.message if message is None else message,
            (RemoveDraft(found.id, found.version),),
            {"draft": found.id},
            (await _event(core, caller, found, EventType.CONFIGURATION_DRAFT_DISCARDED),),
        )

    return await recorded(core, caller, enact(core, caller, wanted))


# --- parts ------------------------------------------------------------------------------------------------------------


def tag_of(draft: Draft) -> str:
    """What names a version of a draft in an ETag."""
    return str(draft.version)


async def _found(core: Core, caller: Caller, draft: str) -> Draft:
    found = await core.store.draft(caller.principal.org, draft)
    if found is None:
        raise NotFound(Code.NOT_FOUND, "There is no such draft.", hint="`aaf config drafts list` lists them.")
    return found


async def _expected(
    core: Core, caller: Caller, draft: str, expected: str | None, wanted: Mapping[str, bytes] | None
) -> Draft:
    """The draft to save on top of, once all that a save needs holds."""
    require(caller, Permission.ORG_CONFIGURATION_WRITE)
    found = await _found(core, caller, draft)
    check_writable(await in_force(core, caller))
    _check_version(found, expected, wanted)
    return found


def _check_version(draft: Draft, expected: str | None, wanted: Mapping[str, bytes] | None) -> None:
    """Check that a change was made on the draft as it is.

    Raises:
        InputRefused: it names no version.
        ConfigurationConflict: somebody saved it meanwhile; it carries how what was sent differs from what is there.
    """
    if read_tag(expected) == tag_of(draft):
        return
    own = encoded(texts_of(draft))
    raise ConfigurationConflict(
        Code.DRAFT_CONFLICT,
        f"Version {draft.version} of the draft was saved meanwhile.",
        hint=_AGAIN,
        etag=tag_of(draft),
        changes=Changes(None, None, compare_files(own, own if wanted is None else wanted), None).to_json(),
    )


async def _check_base(core: Core, draft: Draft, now: Release) -> None:
    """Check that the release that a draft began from is still active.

    Raises:
        ConfigurationConflict: another one is by now; it carries what changed.
    """
    if draft.base == now.number:
        return
    raise ConfigurationConflict(
        Code.CONFIGURATION_CONFLICT,
        f"The draft began from release {draft.base}; release {now.number} is active by now.",
        hint="Rebase the draft (`aaf config drafts rebase`, or POST to its address with /rebase), then activate it.",
        etag=tag(now),
        changes=since(await core.store.release(now.org, draft.base), now).to_json(),
    )


def _of(names: list[str], changes: Changes) -> dict[str, Json]:
    return replace(changes, files=tuple(one for one in changes.files if one.name in names)).to_json()


async def _save(core: Core, caller: Caller, draft: Draft, files: Mapping[str, bytes], message: str | None) -> Draft:
    """Keep a new version."""
    check_files(core, files)
    saved = replace(
        draft,
        version=draft.version + 1,
        files=files_bytes(files),
        message=draft.message if message is None else checked_message(core, message),
        author=caller.principal.actor,
        updated_at=await core.store.now(),
    )
    await _commit(core, caller, saved, PutDraft(saved), EventType.CONFIGURATION_DRAFT_SAVED)
    return saved


async def _commit(core: Core, caller: Caller, draft: Draft, write: Write, kind: EventType) -> None:
    """Write one version with its event.

    Raises:
        StateConflict: somebody else saved it at the same moment.
    """
    for _ in range(ATTEMPTS):
        require(caller, Permission.ORG_CONFIGURATION_WRITE)
        event = await _event(core, caller, draft, kind)
        commit = Commit(draft.org, (write,), (event,), epoch=caller.known.epoch, admission=True)
        match await core.store.commit(commit):
            case Committed():
                return
            case StaleEpoch():
                caller = await caller.again(core)
            case _:
                break
    raise StateConflict(Code.DRAFT_CONFLICT, "Somebody else saved this draft at the same moment.", hint=_AGAIN)


async def _event(core: Core, caller: Caller, draft: Draft, kind: EventType) -> Event:
    """What became of one version."""
    return occurrence(
        event_id=core.ids.new(),
        org=draft.org,
        at=await core.store.now(),
        actor=caller.principal.actor,
        kind=kind,
        data={
            "base": draft.base,
            "draft": draft.id,
            "source": source_hash(encoded(texts_of(draft))),
            "version": draft.version,
        },
    )

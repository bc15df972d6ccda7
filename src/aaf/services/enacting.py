"""A change becomes the active release: on top of what it began from, in one commit, or not at all.

The commit holds the next number and the caller's epoch, so of two writers one wins and the other is told what changed meanwhile, and a right
that was taken away counts at once. Whatever is refused is an event first.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import (
    AafError,
    Code,
    ConfigurationConflict,
    ConfigurationRefused,
    InputRefused,
    NotFound,
    NotPermitted,
    StateConflict,
    StoreFailed,
    Unavailable,
)
from aaf.domain.events import Event, EventType, occurrence
from aaf.domain.principal import Permission
from aaf.domain.record import ManagedBy, Release
from aaf.policy.comparing import Changes, compare_documents, compare_files
from aaf.policy.configuration import Configuration, source_hash
from aaf.ports import Commit, Committed, InsertRelease, RaiseEpoch, StaleEpoch, Write
from aaf.services.access import require
from aaf.services.compiling import check_connectors, compiled
from aaf.services.core import Caller, Core
from aaf.services.quoting import quotes_a_secret
from aaf.services.refusals import count_refusal
from aaf.services.releases import ATTEMPTS, Activated, activation, files_bytes, files_of, is_shipped, tag

MAX_MESSAGE = 1_000
_TAG = re.compile(r"[1-9][0-9]{0,14}(?:-[0-9a-f]{1,64})?")
_REBASE = "Read the configuration again and make the change on top of it; a draft can be rebased."
_FOLDER = (
    "Change the files in the folder that the server was started with (`aaf serve --config DIR`), "
    "or write `managed_by: api` into its aaf.yaml."
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What shall become active: `writes` are committed with it, `told` stands in the event too.

    Where that is active already, the writes are committed all the same, with the events `unchanged`.
    """

    files: Mapping[str, bytes]
    message: str
    writes: tuple[Write, ...] = ()
    told: Mapping[str, Json] = field(default_factory=dict)
    unchanged: tuple[Event, ...] = ()


async def enact(core: Core, caller: Caller, prepare: Callable[[Release], Awaitable[Wanted]]) -> Activated:
    """Activate what `prepare` makes of the active release; it is asked again where something changed before the commit.

    Raises:
        NotPermitted: the caller may not, or not any more.
        InputRefused: the message or the configuration has problems.
        StateConflict: a folder manages the configuration; or what `prepare` raises.
        StoreFailed: the store is in recovery.
        Unavailable: others changed something at the same time, three times over.
    """
    org, built = caller.principal.org, dict[str, Configuration]()
    for _ in range(ATTEMPTS):
        require(caller, Permission.ORG_CONFIGURATION_WRITE)
        now = await in_force(core, caller)
        check_writable(now)
        await _check_working(core)
        wanted = await prepare(now)
        message = checked_message(core, wanted.message)
        source = source_hash(wanted.files)
        if source == now.source:
            if not wanted.writes:
                return Activated(now, new=False)
            commit = Commit(org, wanted.writes, wanted.unchanged, epoch=caller.known.epoch)
            release, configuration = now, None
        else:
            configuration = built.get(source) or await compiled(core, wanted.files)
            built[source] = configuration
            check_connectors(core, configuration)
            release = Release(
                org=org,
                number=now.number + 1,
                document=canonical(configuration.to_stored()),
                source=source,
                author=caller.principal.actor,
                message=message,
                activated_at=await core.store.now(),
                files=files_bytes(wanted.files),
                managed_by=configuration.managed_by or ManagedBy.API,
            )
            event = activation(core.ids, release, exemptions=len(configuration.exemptions), **wanted.told)
            writes = (InsertRelease(release), *wanted.writes, RaiseEpoch())
            commit = Commit(org, writes, (event,), epoch=caller.known.epoch)
        match await core.store.commit(commit):
            case Committed():
                warnings = configuration.warnings if configuration else ()
                return Activated(release, new=configuration is not None, warnings=warnings)
            case StaleEpoch():
                caller = await caller.again(core)
            case _:
                continue
    raise Unavailable(Code.STORE_CONFLICT, "Others changed the configuration at the same time.", hint="Try again.")


async def recorded(core: Core, caller: Caller, change: Awaitable[T]) -> T:
    """Wait for a change; where it is refused, that is an event first.

    A key without the right could refuse without end, so those are counted by the minute instead.
    """
    try:
        return await change
    except NotPermitted as refusal:
        await count_refusal(core, org=caller.principal.org, code=refusal.code, source=caller.principal.actor)
        raise
    except (InputRefused, NotFound, StateConflict) as refusal:
        await _record(core, caller, refusal)
        raise


async def _record(core: Core, caller: Caller, refusal: AafError) -> None:
    problems = len(refusal.problems) if isinstance(refusal, ConfigurationRefused) else 0
    event = occurrence(
        event_id=core.ids.new(),
        org=caller.principal.org,
        at=await core.store.now(),
        actor=caller.principal.actor,
        kind=EventType.CONFIGURATION_REFUSED,
        data={"code": refusal.code, "problems": problems},
    )
    await core.store.commit(Commit(caller.principal.org, (), (event,)))


async def in_force(core: Core, caller: Caller) -> Release:
    """The active release, whoever asks.

    Raises:
        Unavailable: there is none.
    """
    found = await core.store.release(caller.principal.org)
    if found is None:
        raise Unavailable(Code.EMPTY_POLICY, "There is no configuration.", hint="Start the server again.")
    return found


def check_writable(release: Release) -> None:
    """Refuse a change of what a folder manages; the shipped configuration is nobody's.

    Raises:
        StateConflict: a folder manages it.
    """
    if release.managed_by is ManagedBy.FILE and not is_shipped(release):
        raise StateConflict(Code.MANAGED_BY_FILE, "A folder manages this configuration.", hint=_FOLDER)


async def expect(core: Core, now: Release, expected: str | None) -> None:
    """Check that what a change began from is still active.

    Raises:
        InputRefused: it names nothing, or no release.
        ConfigurationConflict: another release is active by now; it carries what changed.
    """
    began = read_tag(expected)
    if began == tag(now):
        return
    base = await core.store.release(now.org, int(began.partition("-")[0]))
    raise ConfigurationConflict(
        Code.CONFIGURATION_CONFLICT,
        f"Release {now.number} is active by now; this change began from another.",
        hint=_REBASE,
        etag=tag(now),
        changes=since(base if base is not None and tag(base) == began else None, now).to_json(),
    )


def since(base: Release | None, now: Release) -> Changes:
    """What changed since a release; all that there is now, where nobody knows that release."""
    if base is None:
        return Changes(None, now.number, compare_files({}, files_of(now)), None)
    return changes_between(base, now)


def read_tag(expected: str | None) -> str:
    """The tag that a change names.

    Raises:
        InputRefused: it names none.
    """
    if expected is None:
        raise InputRefused(
            Code.PRECONDITION_REQUIRED,
            "A change of the configuration has to name what it begins from.",
            hint="Read it first, and send its ETag as `If-Match`.",
        )
    if not _TAG.fullmatch(expected):
        raise InputRefused(
            Code.BAD_REQUEST,
            "If-Match is one ETag, as it was read.",
            hint='Send it with its quotes, such as "7-0123456789abcdef".',
        )
    return expected


def checked_message(core: Core, message: str) -> str:
    """A message as it is kept.

    Raises:
        InputRefused: it is too long, has characters that aren't printed, or holds a credential.
    """
    if len(message) > MAX_MESSAGE or not all(one.isprintable() or one == "\n" for one in message):
        hint = f"Write at most {MAX_MESSAGE} printable characters."
        raise InputRefused(Code.WRONG_TYPE, "This is no message.", hint=hint, path="$.message")
    if quotes_a_secret(core, message):
        raise InputRefused(Code.SECRET_DETECTED, "The message holds a credential.", path="$.message")
    return message.strip()


def changes_between(old: Release, new: Release) -> Changes:
    """What differs from one release to another."""
    parts = compare_documents(json.loads(old.document), json.loads(new.document))
    return Changes(old.number, new.number, compare_files(files_of(old), files_of(new)), parts)


async def _check_working(core: Core) -> None:
    """Refuse while the store is in recovery.

    Raises:
        StoreFailed: it is.
    """
    if await core.store.recovering() is not None:
        raise StoreFailed(
            Code.RECOVERING,
            "The store is in recovery, so no configuration is activated.",
            hint="A person has to release it.",
        )

"""What a dry run asks about: files, a draft or a release, compiled and never activated."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from aaf.domain.canonical import Json
from aaf.domain.errors import Code, ConfigurationInvalid, InputRefused, NotFound
from aaf.domain.principal import Permission
from aaf.policy.configuration import Configuration
from aaf.services.access import require
from aaf.services.core import Caller, Core


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a folder by their names in it."""

    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class OfDraft:
    """A draft by its id."""

    id: str


@dataclass(frozen=True, slots=True)
class OfRelease:
    """An earlier release by its number."""

    number: int


Candidate = Files | OfDraft | OfRelease


async def compiled(core: Core, caller: Caller, candidate: Candidate) -> Configuration:
    """The configuration that `candidate` is.

    Raises:
        NotPermitted: it is a draft or a release, and the caller may not read those.
        NotFound: there is no such draft or release.
        InputRefused: it has problems; each with its place.
    """
    org = caller.principal.org
    match candidate:
        case Files(files):
            return await _loaded(core, files)
        case OfDraft(draft):
            require(caller, Permission.ORG_CONFIGURATION_READ)
            kept = await core.store.draft(org, draft)
            if kept is None:
                raise NotFound(Code.NOT_FOUND, "There is no such draft.")
            listed: dict[str, str] = json.loads(kept.files)
            return await _loaded(core, {name: text.encode() for name, text in listed.items()})
        case OfRelease(number):
            require(caller, Permission.ORG_CONFIGURATION_READ)
            release = await core.store.release(org, number)
            if release is None:
                raise NotFound(Code.NOT_FOUND, "There is no release of this number.")
            return Configuration.from_stored(json.loads(release.document))
        case _:
            assert_never(candidate)


async def _loaded(core: Core, files: Mapping[str, bytes]) -> Configuration:
    try:
        return await core.loader.load(files)
    except ConfigurationInvalid as invalid:
        raise InputRefused(
            Code.CONFIGURATION_INVALID,
            invalid.message,
            hint="Correct the candidate; nothing was compared and nothing has changed.",
            path="$.candidate",
        ) from None


def told(candidate: Candidate) -> Json:
    """Which candidate it was, as an answer says it."""
    match candidate:
        case Files():
            return "files"
        case OfDraft(draft):
            return f"draft:{draft}"
        case OfRelease(number):
            return f"release:{number}"
        case _:
            assert_never(candidate)

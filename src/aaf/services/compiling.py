"""Files that somebody sent become a configuration, or a list of what is wrong with them. Nothing is activated.

Beyond what the loader says: names that a folder could hold, no credential in a file that people read, and connectors that can be made.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from aaf.domain.errors import ConfigurationInvalid, ConfigurationRefused, Problem
from aaf.domain.redaction import MASK
from aaf.policy.configuration import MAIN, Configuration
from aaf.policy.document.credentials import INSTEAD, credentials
from aaf.policy.document.including import MAX_TOTAL
from aaf.services.core import Core
from aaf.services.quoting import holds_a_secret, quotes_a_secret

MAX_FILES = 500
MAX_BYTES = 1 << 20
"""Of one file, as in a folder."""
_NAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}/){0,4}[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")

Edit: TypeAlias = Mapping[str, str | None]
"""A merge patch (RFC 7396) of files: a text replaces or adds the file of that name, None removes it."""


def encoded(files: Mapping[str, str]) -> dict[str, bytes]:
    """Texts as files."""
    return {name: text.encode() for name, text in files.items()}


def patched(files: Mapping[str, bytes], edit: Edit) -> dict[str, bytes]:
    """Files after a merge patch."""
    merged: dict[str, str | bytes | None] = {**files, **edit}
    return {name: text.encode() if isinstance(text, str) else text for name, text in merged.items() if text is not None}


async def compiled(core: Core, files: Mapping[str, bytes]) -> Configuration:
    """Compile files.

    Raises:
        ConfigurationRefused: they have problems.
    """
    check_files(core, files)
    try:
        return await core.loader.load(files)
    except ConfigurationInvalid as invalid:
        raise ConfigurationRefused(invalid.problems) from None


def check_files(core: Core, files: Mapping[str, bytes]) -> None:
    """Refuse names that no folder could hold as they are, and credentials: people and auditors read these files.

    Raises:
        ConfigurationRefused: there are such.
    """
    problems: list[Problem] = []
    if len(files) > MAX_FILES:
        problems.append(Problem(".", 0, 0, f"there are more than {MAX_FILES} files", "leave out what isn't needed"))
    if sum(map(len, files.values())) > MAX_TOTAL:
        message = f"the files are larger than {MAX_TOTAL} bytes together"
        problems.append(Problem(".", 0, 0, message, "leave out what isn't needed"))
    for name, data in files.items():
        if not _NAME.fullmatch(name):
            problems.append(Problem(name[:100], 0, 0, "this is no name of a file", "such as actions/mail.send.yaml"))
        elif quotes_a_secret(core, name):
            hint = "such as actions/mail.send.yaml"
            problems.append(Problem(MASK, 0, 0, "this name of a file holds a credential", hint))
        elif len(data) > MAX_BYTES:
            problems.append(Problem(name, 0, 0, "the file is over 1 MiB", "split it"))
        else:
            problems += _credentials(core, name, data.decode())
    problems += _colliding(name for name in files if _NAME.fullmatch(name))
    if problems:
        raise ConfigurationRefused(tuple(problems))


def _colliding(names: Iterable[str]) -> Iterator[Problem]:
    """Names of which some disk would hold only one: those that differ in upper and lower case, and a file named as a folder is."""
    seen: dict[str, str] = {}
    listed = sorted(names)
    for name in listed:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            message = f"another file is named {first}, which some disks take for the same"
            yield Problem(name, 0, 0, message, "choose names that differ in more than upper and lower case")
    for name in listed:
        parts = name.lower().split("/")
        for end in range(1, len(parts)):
            above = seen.get("/".join(parts[:end]))
            if above is not None:
                yield Problem(name, 0, 0, f"{above} is a file, so it holds no other", "choose another name")


def _credentials(core: Core, name: str, text: str) -> list[Problem]:
    """Where credentials stand that have the form of one; one that the firewall holds is found in any encoding, and so without a place."""
    found = [Problem(name, *place, message, INSTEAD) for place, message in credentials(text)]
    if not found and holds_a_secret(core, text):
        found.append(Problem(name, 0, 0, "a secret that the firewall holds stands in this file", INSTEAD))
    return found


def check_connectors(core: Core, configuration: Configuration) -> None:
    """Refuse settings under which this process could make no connector; the log says why.

    Raises:
        ConfigurationRefused: there are such.
    """
    unusable = [
        name
        for name in configuration.connectors
        if core.connectors.get(name, configuration.connectors, configuration.run_timeout) is None
    ]
    if unusable:
        hint = "the server's log says why, in a line `connector_refused`"
        raise ConfigurationRefused(
            tuple(Problem(MAIN, 0, 0, f"connectors.{name} can't be used by this server", hint) for name in unusable)
        )

"""Read a configuration folder as names and bytes: its own files, `actions/`, `policies/`, and the folders that `include` names.

What is returned was there as a whole: everything is read until two readings one after the other are the same, so a save in the
middle of it is never taken for a configuration. Nothing outside of the folder is read, also not through a link. Nothing is compiled here.
"""

import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.policy.document.including import ACTIONS, MAX_TOTAL, POLICIES, included_folders

MAX_FILES = 500
MAX_BYTES = 1 << 20
_OWN = ("", ACTIONS, POLICIES)
READINGS = 8
"""Readings at most, of which two that follow each other are the same."""
_PAUSE = 0.025
"""Seconds between a reading and the next where the files are changing."""


class _Moved(Exception):
    """A file went away between being listed and being read."""


def read_folder(folder: Path) -> dict[str, bytes]:
    """The folder's files by their names in it, hidden files left out.

    Raises:
        ConfigurationInvalid: it isn't there, a file can't be read, is over 1 MiB or lies elsewhere, or the files never stop changing.
    """
    before: dict[str, bytes] | ConfigurationInvalid | None = None
    for number in range(READINGS):
        found = _tried(folder)
        if found is not None and _same(found, before):
            if isinstance(found, ConfigurationInvalid):
                raise found
            return found
        if number:
            time.sleep(_PAUSE)
        before = found
    raise _problem(".", "the files change while they are read", "save them once, and load again")


def _same(
    found: dict[str, bytes] | ConfigurationInvalid, before: dict[str, bytes] | ConfigurationInvalid | None
) -> bool:
    if isinstance(found, ConfigurationInvalid):
        return isinstance(before, ConfigurationInvalid) and found.problems == before.problems
    return found == before


def _tried(folder: Path) -> dict[str, bytes] | ConfigurationInvalid | None:
    """One reading, or what is wrong with it; None where a file went away meanwhile."""
    try:
        return _read_once(folder)
    except ConfigurationInvalid as invalid:
        return invalid
    except _Moved:
        return None


def _read_once(folder: Path) -> dict[str, bytes]:
    """The files as they are found now; included folders as far as the files name them."""
    if not folder.is_dir():
        raise _problem(".", "there is no such folder", "name the folder that holds aaf.yaml")
    root = folder.resolve()
    files: dict[str, bytes] = {}
    total, read = 0, set[str]()
    wanted = {*_OWN}
    while wanted:
        read |= wanted
        for part in sorted(wanted):
            for path in _listed(folder, part):
                data = _read(folder, path, root)
                files[path.relative_to(folder).as_posix()] = data
                total += len(data)
                if total > MAX_TOTAL:
                    hint = "leave only configuration in this folder"
                    raise _problem(".", f"the files are larger than {MAX_TOTAL} bytes together", hint)
                if len(files) > MAX_FILES:
                    raise _problem(
                        ".", f"there are more than {MAX_FILES} files", "leave only configuration in this folder"
                    )
        wanted = set(included_folders(files)) - read
    return files


def _listed(folder: Path, part: str) -> Iterator[Path]:
    """The files of one part of the folder; of an included one only those that could be part of a document."""
    where = folder / part
    try:
        if not where.is_dir():
            return
        for path in sorted(where.iterdir()):
            own = part in _OWN or path.suffix == ".yaml"
            if not own or path.name.startswith(".") or not path.is_file():
                continue
            if not path.name.isprintable():
                raise _problem(ascii(path.name), "the file's name is no plain text", "rename it")
            yield path
    except FileNotFoundError:
        raise _Moved from None
    except OSError as failure:
        raise _problem(part or ".", f"the folder can't be read: {failure.strerror}", "check its permissions") from None


def _read(folder: Path, path: Path, root: Path) -> bytes:
    """One file."""
    name = path.relative_to(folder).as_posix()
    try:
        if not path.resolve().is_relative_to(root):
            raise _problem(name, "this is a link to a place outside of the folder", "put a copy of the file here")
        if path.stat().st_size > MAX_BYTES:
            raise _problem(name, "the file is over 1 MiB", "split it")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _Moved from None
    except OSError as failure:
        raise _problem(name, f"the file can't be read: {failure.strerror}", "check its permissions") from None
    if len(data) > MAX_BYTES:
        raise _problem(name, "the file is over 1 MiB", "split it")
    return data


def _problem(file: str, message: str, hint: str) -> ConfigurationInvalid:
    """One problem of a whole file."""
    return ConfigurationInvalid((Problem(file, 0, 0, message, hint),))


def shipped(name: str) -> Path:
    """The folder of a shipped configuration, `safe` or `demo`."""
    return Path(str(resources.files("aaf") / "shipped" / name))

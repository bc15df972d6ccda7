"""Look at an installation's files without changing them: what is there, who can read it, whether the database is whole.

Nothing here opens the product; what needs its ports is asked elsewhere. A check that can't be made is a check that failed.
"""

import os
import sqlite3
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OLDEST = (3, 11)


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `ok` is None for what is worth knowing and no fault; `fix` says what to do."""

    name: str
    ok: bool | None
    text: str
    fix: str = ""


def python() -> Check:
    """Whether this Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    return Check("Python", sys.version_info >= OLDEST, version, "Use Python 3.11 or newer.")


def private(name: str, path: Path, *, folder: bool = False) -> Check:
    """Whether `path` is there, belongs to this user, and nobody else can read it."""
    try:
        status = path.lstat()
    except OSError as failure:
        return Check(
            name, ok=False, text=f"{path}: {failure.strerror}", fix="Start `aaf serve` once, or name the folder."
        )
    right = stat.S_ISDIR(status.st_mode) if folder else stat.S_ISREG(status.st_mode)
    if not right:
        return Check(
            name, ok=False, text=f"{path} is no {'folder' if folder else 'file'}", fix="Put it back from your backup."
        )
    if status.st_uid != os.geteuid():
        return Check(name, ok=False, text=f"{path} belongs to another user", fix="Run this as the user of the server.")
    mode = stat.S_IMODE(status.st_mode)
    wanted = 0o700 if folder else 0o600
    if mode & 0o077:
        return Check(name, ok=False, text=f"{path} has mode {mode:04o}", fix=f"chmod {wanted:o} {path}")
    return Check(name, ok=True, text=f"{path} has mode {mode:04o}")


def database(path: Path) -> Iterator[Check]:
    """Whether SQLite finds the file whole, and which schema it has."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as failure:
        yield Check(
            "database", ok=False, text=f"{path}: {failure}", fix="Restore the last backup; see `aaf recover --help`."
        )
        return
    yield Check(
        "database", result == "ok", f"quick_check: {result}", "Restore the last backup; see `aaf recover --help`."
    )
    yield Check("schema", ok=True, text=f"version {version}, SQLite {sqlite3.sqlite_version}")

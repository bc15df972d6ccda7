"""Opening the file: where it may lie, who may read it, which schema it has. Everything that isn't right is refused before anything is written.

A network file system may acknowledge what it has not stored and lock what it does not guard, so it is refused. The file is made readable by its
owner only. A file of another program, or of a newer version of this one, is left as it is.
"""

import contextlib
import os
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from aaf.adapters.sqlite import queries
from aaf.adapters.sqlite.failures import failure
from aaf.domain.errors import Code, StoreFailed

APPLICATION_ID = 0x41414600
"""`AAF\\0` in the file's header says whose it is."""

NETWORK = frozenset(
    {"9p", "afs", "ceph", "cifs", "drvfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs"}
    | {
        f"fuse.{name}"
        for name in ("ceph", "davfs", "gcsfuse", "glusterfs", "grpcfuse", "rclone", "s3fs", "smbnetfs", "sshfs")
    }
    | {"fuse.goofys", "fuse.mountpoint-s3", "prl_fs", "vboxsf"}
)
"""File systems of /proc/self/mountinfo that other machines, or a host, may write too."""

MIB = 1_048_576
OLDEST_SQLITE = (3, 37, 0)
"""STRICT tables."""


def file_system(path: Path) -> str:
    """Return the type of the file system that holds `path` as Linux names it, or "" where that isn't known."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return file_system_in(mounts, os.path.realpath(path))


def file_system_in(mounts: str, real: str) -> str:
    """Find the last, deepest mount of proc(5) mountinfo that holds `real`."""
    found, depth = "", -1
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4].encode().decode("unicode_escape").rstrip("/")
        if (real == point or real.startswith(point + "/")) and len(point) >= depth:
            found, depth = right.split(" ")[0], len(point)
    return found


def free_bytes(path: Path) -> int:
    """Bytes that this user may still write beside `path`."""
    status = os.statvfs(path.parent)
    return status.f_bavail * status.f_frsize


@dataclass(frozen=True, slots=True)
class Options:
    """What a deployment or a test may set.

    `busy_timeout` is milliseconds to wait for another process's transaction; `reserve` bytes of disk that only outcomes and reviews may use;
    `max_pages` caps the file at so many pages of 4 KiB; `queue` is how many commits may wait; `free` and `kind` look at the disk.
    """

    busy_timeout: int = 5_000
    reserve: int = 64 * MIB
    max_pages: int | None = None
    queue: int = 4_096
    free: Callable[[Path], int] = free_bytes
    kind: Callable[[Path], str] = file_system


def open_file(path: Path, options: Options, *, wall: int) -> sqlite3.Connection:
    """Open `path` for writing, made and migrated where needed; `wall` is the clock of a new installation.

    Raises:
        StoreFailed: it can't be used; the code says why.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise StoreFailed(
            Code.STORE_UNAVAILABLE,
            f"SQLite {sqlite3.sqlite_version} is too old.",
            hint="Use a Python whose sqlite3 module has SQLite 3.37 or newer.",
        )
    kind = options.kind(path)
    if kind in NETWORK:
        raise StoreFailed(
            Code.STORE_ON_NETWORK,
            f"The database would lie on a network file system ({kind}).",
            hint="Keep it on a local disk; use PostgreSQL for several machines.",
        )
    try:
        _make(path)
        with contextlib.ExitStack() as undo:
            connection = _connect(path, options)
            undo.callback(connection.close)
            _check(connection)
            _switch_to_wal(connection, options)
            _migrate(connection, wall)
            undo.pop_all()
    except sqlite3.Error as error:
        raise _unopened(path, failure(error)) from error
    except OSError as error:
        raise _unopened(
            path,
            StoreFailed(
                Code.STORE_READ_ONLY,
                "The database cannot be made or written.",
                hint="Choose a folder that this user may write.",
            ),
        ) from error
    return connection


def open_for_reading(path: Path, options: Options) -> sqlite3.Connection:
    """A second connection that can't write."""
    connection = _connect(path, options)
    connection.execute("PRAGMA query_only = 1")
    return connection


def _unopened(path: Path, why: StoreFailed) -> StoreFailed:
    """The same failure, naming the file: opening is what the operator does, and no agent sees it."""
    if os.access(path, os.F_OK) and not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        why = StoreFailed(
            Code.STORE_READ_ONLY,
            "The database cannot be written.",
            hint="Give this user the right to write the file and its folder.",
            detail=why.detail,
        )
    return StoreFailed(why.code, f"{why.message} ({path})", hint=why.hint, detail=why.detail)


def _make(path: Path) -> None:
    """Make the folder and an empty file for their owner only.

    A file that is there is never opened here: closing it again would drop the locks that this process holds on it through SQLite
    (https://www.sqlite.org/howtocorrupt.html section 2.2).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _connect(path: Path, options: Options) -> sqlite3.Connection:
    """A connection that leaves transactions to us; threads are kept apart by the store."""
    connection = sqlite3.connect(
        path, timeout=options.busy_timeout / 1000, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    connection.execute("PRAGMA foreign_keys = 1")
    connection.execute("PRAGMA synchronous = FULL")  # a commit that was acknowledged survives a loss of power
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.execute("PRAGMA cache_size = -32768")
    if options.max_pages is not None:
        connection.execute(f"PRAGMA max_page_count = {options.max_pages:d}")
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Refuse another program's database and a newer schema."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and application != APPLICATION_ID:
        raise StoreFailed(Code.STORE_UNAVAILABLE, "The database belongs to another program.", hint="Name another file.")
    newest = len(_migrations())
    if version > newest:
        raise StoreFailed(
            Code.STORE_NEWER,
            f"The database has schema {version}; this program knows up to {newest}.",
            hint="Install the newer version of this program again.",
        )


def _switch_to_wal(connection: sqlite3.Connection, options: Options) -> None:
    """Write ahead, so that readers never wait. Two processes that open a new file at once get in each other's way here, so we try again."""
    deadline = time.monotonic_ns() + options.busy_timeout * 1_000_000
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic_ns() > deadline:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise StoreFailed(
                Code.STORE_ON_NETWORK, "The file system cannot hold this database.", hint="Keep it on a local disk."
            )
        return


def _migrations() -> list[str]:
    """The numbered files, in order; the first is 0001."""
    folder = resources.files("aaf.adapters.sqlite") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def _statements(script: str) -> Iterator[str]:
    """Cut a script; `executescript` would commit what is open."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _migrate(connection: sqlite3.Connection, wall: int) -> None:
    """Bring the schema up to date in one transaction; a second process waits for the first and finds nothing to do."""
    connection.execute(queries.BEGIN)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        scripts = _migrations()
        for script in scripts[version:]:
            for statement in _statements(script):
                connection.execute(statement)
        if version < len(scripts):
            connection.execute(f"PRAGMA user_version = {len(scripts):d}")
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        if version == 0:
            connection.execute(queries.INSERT_INSTALLATION, (str(uuid.uuid4()), wall))
        connection.execute(queries.COMMIT)
    except BaseException:
        connection.execute(queries.ROLLBACK)
        raise

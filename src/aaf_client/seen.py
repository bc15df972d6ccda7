"""A durable seen-set in one SQLite file, shared by the processes of one machine: a permit is remembered on disk before anything runs.

It remembers the latest time that it was told, so that a clock set back makes no forgotten permit new. A file on a network is not durable in this sense.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from aaf_client.errors import PermitRefused

_BUSY = 5.0
"""Seconds to wait for another process."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_until ON seen (until);
CREATE TABLE IF NOT EXISTS latest (one INTEGER PRIMARY KEY CHECK (one = 1), now INTEGER NOT NULL);
"""


class SqliteSeenSet:
    """A `SeenSet` in the file `path`, which is made where it isn't there; threads and processes may share it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Make the file, for this user only.

        Raises:
            PermitRefused: it can't be used.
        """
        self._path = Path(path)
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            with closing(self._connected()) as connection:
                connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise _unusable() from error

    def add(self, jti: str, *, until: int, now: int) -> bool:
        """As `SeenSet.add`."""
        try:
            with closing(self._connected()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                new = self._added(connection, jti, until, now)
                connection.execute("COMMIT")
                return new
        except sqlite3.Error as error:
            raise _unusable() from error

    def _added(self, connection: sqlite3.Connection, jti: str, until: int, now: int) -> bool:
        """Within one transaction: set the clock forward, forget what is over, remember this."""
        connection.execute(
            "INSERT INTO latest (one, now) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET now = max(now, excluded.now)",
            (now,),
        )
        (latest,) = connection.execute("SELECT now FROM latest").fetchone()
        connection.execute("DELETE FROM seen WHERE until < ?", (latest,))
        if until < latest:
            return False
        added = connection.execute("INSERT OR IGNORE INTO seen (jti, until) VALUES (?, ?)", (jti, until))
        return added.rowcount == 1

    def _connected(self) -> sqlite3.Connection:
        """A connection for one use: nothing to share between threads or to inherit by a fork."""
        connection = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def _unusable() -> PermitRefused:
    return PermitRefused("Used permits can't be remembered, so none is good.", code="seen_set_unavailable")

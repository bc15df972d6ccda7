"""Watches a configuration folder: notices that something was saved, however that was done, and reads all of it once nothing moves any more.

Names, sizes and times are compared, which works on every file system, and then the bytes themselves. A file that is half written is never
read as long as its writer goes on; one whose writer stopped in the middle is content like any other. Nothing is compiled here.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from aaf.adapters.folder import MAX_FILES, read_folder
from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.policy.configuration import source_hash
from aaf.ports import Found

QUIET = 0.25
"""Seconds without a change after which what is there is taken for whole."""
RESTLESS = 10.0
"""Seconds of changes without a pause after which that is told as a problem."""
YOUNG = 3.0
"""Seconds: a file younger than this may change once more without its times showing it, so it is read again."""
SMALL = 4 << 20
"""Bytes: a folder with no more is read again in any case, which costs less than a millisecond for most."""
PARTS = frozenset({"", "actions", "policies"})
"""Where files are looked for besides the folders in which some were found: a workspace of agents beneath the folder is none of them."""
AGAIN = 1.0
"""Seconds until it is; what can't be read is tried again as often, because a disk that works again changes no time."""

_Signature: TypeAlias = tuple[tuple[str | int, ...], ...]


class WatchedFolder:
    """A folder that is looked at again and again; `clock` is in seconds and never goes back, `wall` is that of the file system."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Look at nothing yet."""
        self._folder = folder
        self._clock = clock
        self._wall = wall
        self._seen: _Signature | None = None
        self._due: float | None = None
        self._moving_since: float | None = None
        self._found: str | None = None
        self._parts = PARTS

    @property
    def name(self) -> str:
        """The folder's whole path, in letters that everybody can store and show."""
        return os.fsencode(self._folder.absolute()).decode("utf-8", "backslashreplace")

    def forget(self) -> None:
        """Find again what is there."""
        self._seen, self._due, self._moving_since, self._found = None, None, None, None

    def look(self) -> Found | None:
        """What is there, where that is other than what was found last and nobody is writing."""
        now, signature = self._clock(), _signature(self._folder, self._parts)
        if signature != self._seen:
            self._move(signature, now)
        if self._due is None:
            return None
        if now < self._due:
            return self._restless(now)
        found = read_found(self._folder)
        after = _signature(self._folder, self._parts)
        if after != signature:
            self._move(after, now)
            return None
        self._moving_since = None
        again = found.problems or _size(signature) <= SMALL or _newest(signature) > self._wall() - YOUNG
        self._due = now + AGAIN if again else None
        return self._told(found) if self._watches(found, now) else None

    def _watches(self, found: Found, now: float) -> bool:
        """Whether what was found lies where changes are looked for; otherwise they are from now on, and it is read once more."""
        parts = PARTS.union(name.rpartition("/")[0] for name in found.files)
        if not found.files or parts == self._parts:
            return True
        known, self._parts = self._parts, parts
        self._seen = _signature(self._folder, parts)
        if parts <= known:
            return True
        self._move(self._seen, now)
        return False

    def _move(self, signature: _Signature, now: float) -> None:
        """Something changed: begin to wait anew."""
        if self._moving_since is None:
            self._moving_since = now
        self._seen, self._due = signature, now + QUIET

    def _restless(self, now: float) -> Found | None:
        """That nothing can be read because somebody writes all the time, once that is so."""
        if self._moving_since is None or now - self._moving_since < RESTLESS:
            return None
        message = f"something in the folder has been changing for more than {RESTLESS:g} seconds without a pause"
        return self._told(
            unreadable(Problem(".", 0, 0, message, "keep what is written all the time in another folder"))
        )

    def _told(self, found: Found) -> Found | None:
        """The same content is found once."""
        if found.source == self._found:
            return None
        self._found = found.source
        return found


def _signature(folder: Path, parts: Iterable[str]) -> _Signature:
    """What changes when something is saved; what can't be looked at is told by why."""
    return tuple(one for part in sorted(parts) for one in _part(folder, part))


def _part(folder: Path, part: str) -> Iterator[tuple[str | int, ...]]:
    """Name, place on the disk, size and times of each file in one part of the folder; of what a link leads to, where it is one."""
    found: list[tuple[str | int, ...]] = []
    try:
        with os.scandir(folder / part) as entries:
            for entry in entries:
                if not entry.name.startswith(".") and not entry.is_dir():
                    found.append((f"{part}/{entry.name}", *_stated(entry)))
                if len(found) > MAX_FILES:
                    break  # that there are too many is what reading will say
    except OSError as failure:
        yield part, failure.errno or 0
    yield from sorted(found)


def _stated(entry: "os.DirEntry[str]") -> tuple[int, ...]:
    """How one file stands."""
    try:
        status = entry.stat()
    except OSError as failure:
        return (failure.errno or 0,)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _size(signature: _Signature) -> int:
    """Bytes of all files together."""
    return sum(int(size) for one in signature for size in one[3:4])


def _newest(signature: _Signature) -> float:
    """The last instant at which a file was written, in seconds; 0 where there is none."""
    return max((int(at) / 1e9 for one in signature for at in one[4:]), default=0.0)


def read_found(folder: Path) -> Found:
    """All that is in a folder, or why it can't be read; nobody is waited for."""
    try:
        files = read_folder(folder)
    except ConfigurationInvalid as invalid:
        return unreadable(*invalid.problems)
    except OSError as failure:
        return unreadable(Problem(".", 0, 0, f"the folder can't be read: {failure.strerror}", "check its permissions"))
    odd = [
        Problem(ascii(name), 0, 0, "the file's name is no plain text", "rename it")
        for name in files
        if not name.isprintable()
    ]
    return unreadable(*odd) if odd else Found(source_hash(files), files)


def unreadable(*problems: Problem) -> Found:
    """What can't be read, told apart by why."""
    told = "\n".join(str(problem) for problem in problems)
    return Found(hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest(), {}, problems)

"""Files beneath one directory: a descriptor is the capability, and nothing is opened twice by name.

Every name is resolved beneath the root's descriptor without following any link, by `openat2` where the kernel has it and one
`O_NOFOLLOW` step at a time elsewhere. What is opened must be a plain file with one name; a file is replaced by renaming
a finished one over it. Not promised: that a file which somebody else writes between the last comparison and the rename or removal keeps
that write; that owner and extended attributes of a replaced file stay; that the walk notices a directory of the same device mounted
elsewhere (`openat2` does).
"""

import ctypes
import errno
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from threading import Lock
from typing import NoReturn

from aaf.analysis.path import CleanPath

_OPENAT2 = 437
"""The number of the system call, the same on every architecture (Linux 5.6)."""

# openat2(2): no other mount, no /proc links, no links at all, nothing above the descriptor.
_RESOLVE = 0x01 | 0x02 | 0x04 | 0x08

_O_PATH: int = getattr(os, "O_PATH", os.O_RDONLY)
_DIRECTORY = os.O_DIRECTORY | os.O_CLOEXEC
# Without waiting for a fifo's other end, and never as a controlling terminal.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

NEW_MODE = 0o600
"""Permissions of a file that wasn't there before."""


@unique
class Reason(StrEnum):
    """Which demand was not met by what stands at the path."""

    LINK = "link"
    NOT_A_DIRECTORY = "not_a_directory"
    NOT_A_FILE = "not_a_file"
    OTHER_DEVICE = "other_device"
    SET_ID = "set_id"
    SEVERAL_NAMES = "several_names"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    UPWARDS = "upwards"


class Refused(Exception):
    """What stands at the path is not what may be opened."""

    def __init__(self, reason: Reason) -> None:
        """Keep the reason."""
        super().__init__(str(reason))
        self.reason = reason


class RootMissing(Exception):
    """The root itself can't be opened."""


class Changed(Exception):
    """What stands at the path changed meanwhile; nothing was written."""


class Unsettled(Exception):
    """The change was made, but whether it would survive a loss of power isn't known."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it was when read: all of its bytes, and its permission bits."""

    data: bytes
    mode: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory; `kind` is file, directory, link or other, `size` in bytes is a file's."""

    name: str
    kind: str
    size: int | None


class Root:
    """A directory, opened at first use and held by its descriptor from then on.

    `max_bytes` bounds every file that is read or compared. `force_walk` uses the walk also where `openat2` would work. Every method
    raises `Refused`, `RootMissing` or `OSError` (a `FileNotFoundError` where the path or its directory isn't there).
    """

    def __init__(self, path: Path, *, max_bytes: int, force_walk: bool = False) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._force_walk = force_walk
        self._lock = Lock()
        self._fd = -1
        self._device = -1
        self._openat2 = False

    @property
    def uses_openat2(self) -> bool:
        """Whether the kernel confines the names; known once the root has been used."""
        return self._openat2

    def close(self) -> None:
        """Let go of the directory."""
        with self._lock:
            self._forget()

    def look(self, path: CleanPath) -> Content | None:
        """Read a whole file; None where its directory has no such name."""
        with self._parent(path) as (parent, name):
            return self._content(parent, name)

    def entries(self, path: CleanPath | None, *, most: int) -> list[Entry]:
        """List a directory, the root for None, sorted by name."""
        directory = self._directory(() if path is None else path.parts)
        try:
            return _entries(directory, most)
        finally:
            os.close(directory)

    def replace(self, path: CleanPath, data: bytes, *, check: Callable[[Content | None], None]) -> None:
        """Put a file with this content at the path, at once or not at all.

        `check` gets what stands there now and raises to prevent the change. A replaced file's permissions are kept.

        Raises:
            Changed: somebody else changed the file after the check.
            Unsettled: the file is there, and syncing its directory failed.
        """
        with self._parent(path) as (parent, name):
            before = self._content(parent, name)
            check(before)
            temporary = f".aaf-{secrets.token_hex(8)}.tmp"
            try:
                _create(parent, temporary, data, NEW_MODE if before is None else before.mode)
                self._compare(parent, name, before)
                if before is None:
                    _rename_new(parent, temporary, name)
                else:
                    os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary, dir_fd=parent)
                raise
            _settle(parent)

    def delete(self, path: CleanPath, *, check: Callable[[Content | None], None]) -> None:
        """Remove a file; `check` gets what stands there now and raises to prevent it.

        Raises:
            Unsettled: the file is gone, and syncing its directory failed.
        """
        with self._parent(path) as (parent, name):
            check(self._content(parent, name))
            os.unlink(name, dir_fd=parent)
            _settle(parent)

    def _forget(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _root(self) -> int:
        """A duplicate of the root's descriptor; the directory is opened again only after it was deleted."""
        with self._lock:
            if self._fd >= 0 and os.fstat(self._fd).st_nlink == 0:
                self._forget()
            if self._fd < 0:
                try:
                    self._fd = os.open(self._path, _O_PATH | _DIRECTORY)
                except OSError as error:
                    raise RootMissing(errno.errorcode.get(error.errno or 0, "?")) from error
                self._device = os.fstat(self._fd).st_dev
                self._openat2 = not self._force_walk and _has_openat2(self._fd)
            return os.dup(self._fd)

    def _directory(self, parts: tuple[str, ...]) -> int:
        """Open a directory beneath the root for listing and syncing."""
        if any(part in ("", ".", "..") or "/" in part for part in parts):
            raise Refused(Reason.UPWARDS)
        root = self._root()
        try:
            if self._openat2:
                return openat2(root, "/".join(parts) or ".", os.O_RDONLY | _DIRECTORY)
            return self._walk(root, parts)
        except OSError as error:
            _refuse(error)
        finally:
            os.close(root)

    def _walk(self, root: int, parts: tuple[str, ...]) -> int:
        """Open one directory after the other, never a link, never another device."""
        current = os.dup(root)
        try:
            for part in parts:
                following = self._step(current, part)
                os.close(current)
                current = following
            return os.open(".", os.O_RDONLY | _DIRECTORY, dir_fd=current)
        finally:
            os.close(current)

    def _step(self, current: int, part: str) -> int:
        try:
            following = os.open(part, _O_PATH | os.O_NOFOLLOW | _DIRECTORY, dir_fd=current)
        except NotADirectoryError:
            link = stat.S_ISLNK(os.stat(part, dir_fd=current, follow_symlinks=False).st_mode)
            raise Refused(Reason.LINK if link else Reason.NOT_A_DIRECTORY) from None
        if os.fstat(following).st_dev != self._device:
            os.close(following)
            raise Refused(Reason.OTHER_DEVICE)
        return following

    @contextmanager
    def _parent(self, path: CleanPath) -> Iterator[tuple[int, str]]:
        """The directory that a path's last name is in, and that name."""
        *directories, name = path.parts
        if name in ("", ".", "..") or "/" in name:
            raise Refused(Reason.UPWARDS)
        parent = self._directory(tuple(directories))
        try:
            yield parent, name
        finally:
            os.close(parent)

    def _content(self, parent: int, name: str) -> Content | None:
        """Read a plain file. It is looked at before it is opened too, because opening a device can already do something."""
        try:
            self._demand(os.stat(name, dir_fd=parent, follow_symlinks=False))
            descriptor = self._open(parent, name)
        except FileNotFoundError:
            return None
        except OSError as error:
            _refuse(error)
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            self._demand(found)
            data = file.read(self._max_bytes + 1)
        if len(data) > self._max_bytes:
            raise Refused(Reason.TOO_LARGE)
        return Content(data, stat.S_IMODE(found.st_mode))

    def _compare(self, parent: int, name: str, before: Content | None) -> None:
        if self._content(parent, name) != before:
            raise Changed

    def _open(self, parent: int, name: str) -> int:
        if self._openat2:
            return openat2(parent, name, _READ)
        return os.open(name, _READ | os.O_NOFOLLOW, dir_fd=parent)

    def _demand(self, found: os.stat_result) -> None:
        """A plain file of this device with one name, no set-id bit and an acceptable size."""
        if stat.S_ISLNK(found.st_mode):
            raise Refused(Reason.LINK)
        if not stat.S_ISREG(found.st_mode):
            raise Refused(Reason.NOT_A_FILE)
        if found.st_dev != self._device:
            raise Refused(Reason.OTHER_DEVICE)
        if found.st_nlink != 1:
            raise Refused(Reason.SEVERAL_NAMES)
        if found.st_mode & (stat.S_ISUID | stat.S_ISGID):
            raise Refused(Reason.SET_ID)
        if found.st_size > self._max_bytes:
            raise Refused(Reason.TOO_LARGE)


class _How(ctypes.Structure):
    """`struct open_how` (openat2(2))."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long
_libc.syscall.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t)


def openat2(directory: int, path: str, flags: int) -> int:
    """Open a path beneath a directory's descriptor; the kernel follows no link and leaves neither directory nor mount.

    Raises:
        OSError: as openat2(2) says: ELOOP for a link, EXDEV for a way out, ENOSYS where the kernel doesn't have it.
    """
    how = _How(flags, 0, _RESOLVE)
    while True:
        descriptor: int = _libc.syscall(_OPENAT2, directory, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
        if descriptor >= 0:
            return descriptor
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


def _has_openat2(root: int) -> bool:
    """Try it: kernels before 5.6 don't have it, and some containers forbid it."""
    if sys.platform != "linux":
        return False
    try:
        os.close(openat2(root, ".", _O_PATH | _DIRECTORY))
    except OSError:
        return False
    return True


def _refuse(error: OSError) -> NoReturn:
    """Name what the kernel refused; anything else stays an `OSError`."""
    reason = {
        errno.ELOOP: Reason.LINK,
        errno.ENOTDIR: Reason.NOT_A_DIRECTORY,
        errno.ENXIO: Reason.NOT_A_FILE,
        errno.EXDEV: Reason.OTHER_DEVICE,
    }.get(error.errno or 0)
    if reason is None:
        raise error
    raise Refused(reason) from error


def _entries(directory: int, most: int) -> list[Entry]:
    found: list[Entry] = []
    with os.scandir(directory) as names:
        for one in names:
            if len(found) == most:
                raise Refused(Reason.TOO_MANY)
            with suppress(FileNotFoundError):  # gone since the directory was read
                found.append(_entry(one.name, one.stat(follow_symlinks=False)))
    return sorted(found, key=lambda entry: entry.name)


def _entry(name: str, found: os.stat_result) -> Entry:
    if stat.S_ISREG(found.st_mode):
        return Entry(name, "file", found.st_size)
    if stat.S_ISDIR(found.st_mode):
        return Entry(name, "directory", None)
    return Entry(name, "link" if stat.S_ISLNK(found.st_mode) else "other", None)


def _create(parent: int, name: str, data: bytes, mode: int) -> None:
    """Write a new file to the disk, with its permissions."""
    with os.fdopen(os.open(name, _CREATE, NEW_MODE, dir_fd=parent), "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def _rename_new(parent: int, temporary: str, name: str) -> None:
    """Give a file its name unless something has it already; a link is the only portable call that can't replace."""
    try:
        os.link(temporary, name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)
    except FileExistsError:
        raise Changed from None
    try:
        os.unlink(temporary, dir_fd=parent)
    except OSError as error:
        raise Unsettled from error


def _settle(directory: int) -> None:
    try:
        os.fsync(directory)
    except OSError as error:
        raise Unsettled from error

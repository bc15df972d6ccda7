"""Secrets in one file, sealed under a key derived from the installation's key-encryption key (docs/formats.md section 13).

The file is replaced whole by `aaf secrets`, so a rotation needs no restart: it is looked at again at each use, and read anew when it is
another one or `LIFETIME` has passed. A file that others could read, that doesn't open or isn't there gives nothing; there is no fallback to what
was read before. Only what is searched for in every action may be `GLANCE` seconds behind the file, and never behind what was given out.
"""

import fcntl
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aaf.adapters.secrets.handles import check_handle, check_value, unavailable
from aaf.adapters.system import random_bytes
from aaf.domain.canonical import canonical
from aaf.domain.errors import Code, StoreFailed

FORMAT = "aaf-secrets/1"
LIFETIME = 60.0
"""Seconds after which the file is read anew even if it looks the same."""
GLANCE = 0.1
"""Seconds for which a look at the file serves every search: each look hands the interpreter's lock over."""
_NONCE = 12
_MOST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class _Read:
    """What one look at the file found; the values stay sealed until they are asked for."""

    mark: tuple[int, ...]
    at: float
    sealed: dict[str, bytes]


class SealedFile:
    """One file of secrets; `clock` gives seconds that never go back."""

    def __init__(self, path: Path, cipher: AESGCM, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the file's path and the cipher; nothing is read yet."""
        self._path = path
        self._cipher = cipher
        self._clock = clock
        self._read: _Read | None = None
        self._opened: tuple[dict[str, bytes], frozenset[str]] | None = None
        self._looked: tuple[float, dict[str, bytes]] | None = None
        self._looking = threading.Lock()

    def __repr__(self) -> str:
        """Never a value."""
        return f"SealedFile({self._path.name})"

    def handles(self) -> list[str]:
        """The handles that are in it now.

        Raises:
            ConnectorFailed: SECRET_UNAVAILABLE, the file can't be used.
        """
        return sorted(self._now())

    async def get(self, handle: str) -> str:
        """One value.

        Raises:
            ConnectorFailed: SECRET_UNAVAILABLE, there is none or it doesn't open.
        """
        sealed = self._now().get(handle)
        if sealed is None:
            raise unavailable(f"{self._path.name} has no secret {handle}")
        return self._open(handle, sealed)

    def _open(self, handle: str, sealed: bytes) -> str:
        """The value of what lies in the file."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _context(handle)).decode()
        except (InvalidTag, ValueError):
            raise unavailable(f"the secret {handle} in {self._path.name} doesn't open") from None

    def values(self) -> frozenset[str]:
        """Every value that is in it, kept until the file changes.

        Raises:
            ConnectorFailed: SECRET_UNAVAILABLE, the file can't be used or one doesn't open.
        """
        looked, opened = self._looked, self._opened
        sealed = looked[1] if looked is not None and self._clock() - looked[0] < GLANCE else self._now()
        if opened is None or opened[0] is not sealed:
            opened = self._opened = (sealed, frozenset(self._open(handle, one) for handle, one in sealed.items()))
        return opened[1]

    def put(self, handle: str, value: str) -> bool:
        """Keep a value durably; True where it replaced one.

        Raises:
            InputRefused: the handle or the value isn't one.
            StoreFailed: the file can't be read or written.
        """
        check_handle(handle)
        check_value(value)
        nonce = random_bytes(_NONCE)
        with self._changing() as kept:
            there = handle in kept
            kept[handle] = nonce + self._cipher.encrypt(nonce, value.encode(), _context(handle))
        return there

    def remove(self, handle: str) -> bool:
        """Forget a value; False where there was none.

        Raises:
            StoreFailed: the file can't be read or written.
        """
        with self._changing() as kept:
            return kept.pop(handle, None) is not None

    def _now(self) -> dict[str, bytes]:
        """What the file holds, read anew where that could differ."""
        with self._looking:
            self._looked = None
            now = self._clock()
            try:
                status = self._path.lstat()
                mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                if self._read is None or self._read.mark != mark or now - self._read.at >= LIFETIME:
                    self._read = _Read(mark, now, _parsed(_bytes(self._path)))
            except FileNotFoundError:
                self._read = _Read((), now, {})
            except (OSError, ValueError) as failure:
                self._read = None
                raise unavailable(f"{self._path.name}: {failure}") from None
            self._looked = now, self._read.sealed
            return self._read.sealed

    @contextmanager
    def _changing(self) -> Iterator[dict[str, bytes]]:
        """The content to change; written back whole, one change at a time."""
        try:
            lock = os.open(
                self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                kept = _parsed(_bytes(self._path)) if self._path.exists() else {}
                yield kept
                with self._looking:  # no look takes the file from before for one from after
                    _replace(self._path, kept)
                    self._looked = None
            finally:
                os.close(lock)
        except (OSError, ValueError) as failure:
            raise StoreFailed(
                Code.STORE_UNAVAILABLE,
                f"The secrets file can't be used: {failure}.",
                hint=f"It is {self._path}, mode 0600, of the user who runs the server.",
            ) from None


def _context(handle: str) -> bytes:
    """What a sealed value is bound to."""
    return f"aaf-secret-v1\0{handle}".encode()


def _bytes(path: Path) -> bytes:
    """The file, which nobody else can read.

    Raises:
        ValueError: somebody else can, or it is too large.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("it is no plain file")
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise ValueError("others can read it; run chmod 600")
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError("it is too large")
    return data


def _parsed(data: bytes) -> dict[str, bytes]:
    """Handle → nonce and ciphertext.

    Raises:
        ValueError: it is of another format.
    """
    try:
        document: Any = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    match document:
        case {"format": format_, "secrets": dict() as secrets} if format_ == FORMAT:
            return {str(handle): bytes.fromhex(str(sealed)) for handle, sealed in secrets.items()}
        case _:
            raise ValueError(f"it is not of the format {FORMAT}")


def _replace(path: Path, kept: dict[str, bytes]) -> None:
    """Write the whole content beside the file, then put it in its place."""
    document = canonical({"format": FORMAT, "secrets": {handle: sealed.hex() for handle, sealed in kept.items()}})
    temporary = path.with_name(f"{path.name}.{random_bytes(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(document + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

"""The last checkpoint of each organisation in a small file beside the database, replaced whole.

It is a reminder, not a proof: whoever can replace the database may replace it too. Checkpoints that left the machine are the proof.
"""

import contextlib
import json
import os
import threading
from pathlib import Path

from aaf.domain.errors import Code, StoreFailed

_ROOT = 32


class FileAnchors:
    """One JSON file, mode 0600."""

    def __init__(self, path: Path) -> None:
        """Use `path`; its folder has to exist."""
        self._path = path

    def keep(self, org: str, size: int, root: bytes) -> None:
        """Remember a checkpoint, if it is further than what is remembered; a full disk is no reason to fail a proof."""
        with contextlib.suppress(OSError, StoreFailed):
            self._write(org, size, root)

    def _write(self, org: str, size: int, root: bytes) -> None:
        """Replace the file."""
        known = {name: (count, value) for name, count, value in self.kept()}
        if known.get(org, (0, b""))[0] >= size:
            return
        known[org] = (size, root)
        text = json.dumps(
            {name: {"root": value.hex(), "size": count} for name, (count, value) in sorted(known.items())}
        )
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.{threading.get_ident()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)

    def kept(self) -> list[tuple[str, int, bytes]]:
        """What is remembered; a file that isn't there remembers nothing.

        Raises:
            StoreFailed: it is there and can't be read, so nobody knows what was signed before.
        """
        try:
            stored = json.loads(self._path.read_text(encoding="ascii"))
            found = [(org, int(one["size"]), bytes.fromhex(one["root"])) for org, one in stored.items()]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unreadable(type(error).__name__) from None
        if any(size < 1 or len(root) != _ROOT for _, size, root in found):
            raise self._unreadable("a size or a root that no checkpoint has")
        return found

    def forget(self) -> None:
        """Put the file aside under another name, over the one that was put aside before."""
        with contextlib.suppress(FileNotFoundError):
            self._path.replace(self._path.with_name(f"{self._path.name}.before"))

    def _unreadable(self, cause: str) -> StoreFailed:
        """A file that tells nothing any more."""
        return StoreFailed(
            Code.STORE_UNAVAILABLE,
            f"{self._path.name} can't be read, so it isn't known which checkpoints were signed before.",
            hint="Put it back from your backup, or release the store: see `aaf recover --help`.",
            detail=cause,
        )


class NoAnchors:
    """Remembers nothing: for a store in memory."""

    def keep(self, org: str, size: int, root: bytes) -> None:
        """Forget it."""

    def kept(self) -> list[tuple[str, int, bytes]]:
        """Nothing."""
        return []

    def forget(self) -> None:
        """There is nothing to forget."""

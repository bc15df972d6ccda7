"""The last checkpoint of each organisation in a small file beside the database, replaced whole.

It is a reminder, not a proof: whoever can replace the database may replace it too. Checkpoints that left the machine are the proof.
"""

import contextlib
import json
import os
from pathlib import Path


class FileAnchors:
    """One JSON file, mode 0600."""

    def __init__(self, path: Path) -> None:
        """Use `path`; its folder has to exist."""
        self._path = path

    def keep(self, org: str, size: int, root: bytes) -> None:
        """Remember a checkpoint, if it is further than what is remembered; a full disk is no reason to fail a proof."""
        with contextlib.suppress(OSError):
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
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)

    def kept(self) -> list[tuple[str, int, bytes]]:
        """What is remembered; a file that isn't there or isn't ours remembers nothing."""
        try:
            stored = json.loads(self._path.read_text(encoding="ascii"))
            return [(org, int(one["size"]), bytes.fromhex(one["root"])) for org, one in stored.items()]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return []


class NoAnchors:
    """Remembers nothing: for a store in memory."""

    def keep(self, org: str, size: int, root: bytes) -> None:
        """Forget it."""

    def kept(self) -> list[tuple[str, int, bytes]]:
        """Nothing."""
        return []

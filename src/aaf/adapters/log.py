"""Log entries as JSON lines, for operators: causes, never values."""

import json
import sys
from collections.abc import Mapping
from typing import TextIO

from aaf.domain.canonical import Json


class JsonLines:
    """One line an entry to a stream; a stream that is gone is no reason to stop."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to `stream`, by default standard error."""
        self._stream = stream

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        """Write one entry; non-ASCII and control characters are escaped, so a line is a line."""
        try:
            print(json.dumps({"event": kind, **fields}, sort_keys=True), file=self._stream or sys.stderr, flush=True)
        except (OSError, ValueError):
            return


class Silent:
    """Keeps nothing: for embedded use, where the host program has its own log."""

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        """Drop it."""

"""Ids and salts. Their order between processes is promised by nobody."""

from typing import Protocol


class Ids(Protocol):
    """Randomness: ids are UUIDv7 (RFC 9562) in text, ordered by time within a process."""

    def new(self) -> str:
        """A new id."""

    def salt(self) -> bytes:
        """32 random bytes."""

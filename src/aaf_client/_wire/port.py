"""What the procedures need of the outside: an answer as it comes, and a pause. Two forms implement it; one never suspends.

A form says whether a request can have arrived, and decides nothing: repeating is `calling`'s business.
"""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol


class Repeat(Enum):
    """When a request may be sent again."""

    ALWAYS = auto()
    """It can't do anything twice: it reads, or carries a key under which the firewall knows it again."""

    UNSENT = auto()
    """Only while it can't have arrived."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request without a credential, which only the wire adds; `patience` is how many seconds one attempt may take."""

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeat: Repeat = Repeat.ALWAYS
    patience: float = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """One response; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class NotSent(Exception):
    """The request can't have arrived."""


class Lost(Exception):
    """The request may have arrived, and no whole answer came."""


class Stream(Protocol):
    """A response that goes on."""

    @property
    def reply(self) -> Reply:
        """Status and headers."""
        ...

    async def read(self, *, until: float) -> bytes:
        """The next bytes, b"" at the end.

        Raises:
            Lost: nothing came until `until`, or the connection broke.
        """
        ...


class Wire(Protocol):
    """The outside. `until` is an instant of `clock.now`."""

    @property
    def origin(self) -> str:
        """Where the firewall is, to be shown."""
        ...

    async def pause(self, seconds: float) -> None:
        """Wait."""
        ...

    def listen(self, request: Request, *, until: float) -> AbstractAsyncContextManager[Stream]:
        """One attempt whose answer is read in pieces; `until` is for its beginning.

        Raises:
            NotSent, Lost: as they say.
            BadAnswer: the answer is larger than any can be, or encoded.
        """
        ...

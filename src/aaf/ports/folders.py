"""Where the files of a configuration come from while the process runs. It activates nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aaf.domain.errors import Problem


@dataclass(frozen=True, slots=True)
class Found:
    """What was in a folder at one moment: its files by name, or why they can't be read; `source` tells it from everything else."""

    source: str
    files: Mapping[str, bytes]
    problems: tuple[Problem, ...] = ()


class Folder(Protocol):
    """A folder that people write. It promises no moment: what is saved is found once nothing was written for a little while."""

    @property
    def name(self) -> str:
        """Where it is, for people."""

    async def look(self) -> Found | None:
        """What is in it, where that is other than what was found last; None otherwise, and while somebody writes."""

    def forget(self) -> None:
        """Find again what is there."""

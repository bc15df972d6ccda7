"""What the writer thread can be asked to do. Everything that writes is one of these, so that there is one order of writes per process."""

from dataclasses import dataclass
from typing import TypeAlias

from aaf.adapters.sqlite.rows import Row
from aaf.domain.record import CheckpointRow
from aaf.ports import Commit


@dataclass(frozen=True, slots=True)
class KeepCheckpoint:
    """Keep this row; `nodes` are the tree nodes that it makes final, None until the writer has computed them."""

    row: CheckpointRow
    nodes: tuple[Row, ...] | None = None


@dataclass(frozen=True, slots=True)
class TakeLease:
    """Take or renew a lease."""

    name: str
    holder: str
    seconds: int


@dataclass(frozen=True, slots=True)
class SetRecovering:
    """Enter or leave recovery."""

    why: str | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish what was asked before, then end."""


Work: TypeAlias = Commit | KeepCheckpoint | TakeLease | SetRecovering

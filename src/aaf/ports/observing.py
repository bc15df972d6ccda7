"""What operators see. Nothing decides by it, and nothing waits for it."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

from aaf.domain.canonical import Json
from aaf.domain.metering import Metric, Reading


class Log(Protocol):
    """Where causes go that no caller sees. One line an entry; never a parameter value or a secret."""

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        """Write one entry; must neither raise nor wait. A line that can't be written may be lost, the ledger is the record."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a piece of work came in: the door, and the request's id."""

    door: str
    request: str


ORIGIN: ContextVar[Origin | None] = ContextVar("origin", default=None)
"""Set by an entry point for what it starts; log lines name it. Nothing decides by it."""


class Meter(Protocol):
    """Counts what happened, for operators; must neither raise nor wait, and forgets with the process."""

    @property
    def public(self) -> bool:
        """Whether reading takes no key."""

    def add(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Count `by` more of the series with these labels, in the order of the metric's definition."""

    def time(self, metric: Metric, seconds: float) -> None:
        """Note one duration."""

    def gauge(self, metric: Metric, read: Callable[[], float]) -> None:
        """Ask `read` whenever the metrics are read; it must not wait."""

    def read(self) -> Reading:
        """All that was counted."""

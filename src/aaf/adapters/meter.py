"""Counts in memory, for one process: a lock, a dictionary and nothing that waits.

A restart begins at zero, as scrapers expect of counters. Nothing here decides, and a series beyond the bound is counted as `other`.
"""

import threading
from bisect import bisect_left
from collections.abc import Callable

from aaf.domain.metering import BUCKETS, MAX_SERIES, METRICS, OTHER, Form, Metric, Reading, Timed


class Counting:
    """The port `Meter`."""

    def __init__(self, *, public: bool = False) -> None:
        """Start at zero; `public` is whether reading takes no key."""
        self._public = public
        self._lock = threading.Lock()
        self._counts: dict[Metric, dict[tuple[str, ...], int]] = {
            metric: {} if meaning.labels else {(): 0}
            for metric, meaning in METRICS.items()
            if meaning.form is Form.COUNTER
        }
        self._times: dict[Metric, tuple[list[int], list[float]]] = {
            metric: ([0] * (len(BUCKETS) + 1), [0.0])
            for metric, meaning in METRICS.items()
            if meaning.form is Form.HISTOGRAM
        }
        self._gauges: dict[Metric, Callable[[], float]] = {}

    @property
    def public(self) -> bool:
        """Whether reading takes no key."""
        return self._public

    def add(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Count `by` more of the series with these labels."""
        series = self._counts[metric]
        with self._lock:
            if labels in series:
                series[labels] += by
            elif len(series) < MAX_SERIES:
                series[labels] = by
            else:
                rest = (OTHER,) * len(labels)
                series[rest] = series.get(rest, 0) + by

    def time(self, metric: Metric, seconds: float) -> None:
        """Note one duration."""
        counts, total = self._times[metric]
        place = bisect_left(BUCKETS, seconds)
        with self._lock:
            counts[place] += 1
            total[0] += seconds

    def gauge(self, metric: Metric, read: Callable[[], float]) -> None:
        """Ask `read` whenever the metrics are read."""
        self._gauges[metric] = read

    def read(self) -> Reading:
        """All of them now."""
        values: dict[Metric, dict[tuple[str, ...], float]] = {
            metric: {(): float(read())} for metric, read in self._gauges.items()
        }
        with self._lock:
            values.update({metric: dict(series) for metric, series in self._counts.items()})
            times = {metric: Timed(tuple(counts), total[0]) for metric, (counts, total) in self._times.items()}
        return Reading(values, times)

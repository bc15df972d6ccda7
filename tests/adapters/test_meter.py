"""Counting, and the bound on series."""

import threading

from aaf.adapters.meter import Counting
from aaf.domain.metering import BUCKETS, MAX_SERIES, OTHER, Metric


def test_counters_gauges_and_times_are_read_together() -> None:
    meter = Counting()
    meter.add(Metric.REVIEWS, "approve")
    meter.add(Metric.REVIEWS, "approve", by=2)
    meter.gauge(Metric.STORE_QUEUE, lambda: 7)
    for seconds in (0.0, BUCKETS[0], 0.0007, 99.0):
        meter.time(Metric.COMMIT_SECONDS, seconds)
    read = meter.read()
    assert read.values[Metric.REVIEWS] == {("approve",): 3}
    assert read.values[Metric.STORE_QUEUE] == {(): 7.0}
    timed = read.times[Metric.COMMIT_SECONDS]
    assert (timed.counts[0], timed.counts[1], timed.counts[-1], sum(timed.counts)) == (2, 1, 1, 4)
    assert abs(timed.total - (BUCKETS[0] + 0.0007 + 99.0)) < 1e-9


def test_a_counter_without_labels_is_there_before_it_counted() -> None:
    read = Counting().read()
    assert read.values[Metric.LOG_LINES_LOST] == {(): 0}
    assert read.values[Metric.DECISIONS] == {}


def test_a_reading_is_a_copy() -> None:
    meter = Counting()
    read = meter.read()
    meter.add(Metric.REVIEWS, "approve")
    assert read.values[Metric.REVIEWS] == {}


def test_series_beyond_the_bound_are_counted_as_other() -> None:
    meter = Counting()
    for number in range(MAX_SERIES + 100):
        meter.add(Metric.TRANSITIONS, f"tool{number}.run")
    series = meter.read().values[Metric.TRANSITIONS]
    assert len(series) == MAX_SERIES + 1
    assert series[OTHER,] == 100
    meter.add(Metric.TRANSITIONS, "tool1.run")
    assert meter.read().values[Metric.TRANSITIONS]["tool1.run",] == 2


def test_nothing_is_lost_between_threads() -> None:
    meter = Counting()

    def count() -> None:
        for _ in range(2_000):
            meter.add(Metric.REVIEWS, "approve")
            meter.time(Metric.COMMIT_SECONDS, 1.0)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert meter.read().values[Metric.REVIEWS] == {("approve",): 16_000}
    assert sum(meter.read().times[Metric.COMMIT_SECONDS].counts) == 16_000

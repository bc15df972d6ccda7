"""The closed set of metrics, and the page that describes it."""

import re
from pathlib import Path

from aaf.domain.metering import BUCKETS, METRICS, UNCOUNTED, Form, Metric

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")


def test_every_metric_has_a_meaning_and_the_names_are_in_alphabetical_order() -> None:
    assert set(METRICS) == set(Metric)
    assert [metric.name for metric in Metric] == sorted(metric.name for metric in Metric)


def test_names_follow_the_conventions_of_their_form() -> None:
    for metric, meaning in METRICS.items():
        assert re.fullmatch(r"aaf_[a-z_]+", metric)
        assert metric.endswith("_total") is (meaning.form is Form.COUNTER)
        if meaning.form is Form.HISTOGRAM:
            assert metric.endswith("_seconds")
            assert not meaning.labels
    assert list(BUCKETS) == sorted(set(BUCKETS))


def test_the_page_describes_every_metric_with_its_form_and_labels_and_nothing_else() -> None:
    rows = re.findall(r"^\| `(aaf_[a-z_]+)` \| (counter|gauge|histogram) \| (.*?) \|", PAGE, re.MULTILINE)
    described = {name: (form, tuple(re.findall(r"`([a-z]+)`", labels))) for name, form, labels in rows}
    assert described == {metric.value: (one.form.value, one.labels) for metric, one in METRICS.items()}


def test_who_counts_nothing_takes_everything() -> None:
    UNCOUNTED.add(Metric.REVIEWS, "approve", by=3)
    UNCOUNTED.time(Metric.COMMIT_SECONDS, 1.0)
    UNCOUNTED.gauge(Metric.STORE_QUEUE, lambda: 1)
    assert UNCOUNTED.read().values == {}
    assert UNCOUNTED.public is False

"""`GET /metrics`: who may read it, that it is the format, and that it counts what happened."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aaf.adapters.meter import Counting
from aaf.adapters.observed import Observed
from aaf.domain.errors import Code, StoreFailed
from aaf.domain.metering import METRICS, Form, Metric
from aaf.entrypoints.api.routes.metrics import exposition
from aaf.services.metering import read_metrics
from tests.api.world import World, build


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[World]:
    """A product that counts."""
    root = tmp_path / "workspace"
    root.mkdir()
    with asyncio.Runner() as runner:
        made = runner.run(build(root, runner=runner))
        meter = Counting()
        core = replace(made.core, store=Observed(made.core.store, made.log, meter), meter=meter)
        app: Any = made.app
        object.__setattr__(app.door, "core", core)
        yield replace(made, core=core)
        runner.run(made.client.aclose())


def figures(world: World, who: str | None = "viewer") -> dict[str, float]:
    answer = world.get(who, "/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [("GET", "/nowhere", "not_found"), ("DELETE", "/v1/actions", "method_not_allowed")],
)
def test_an_address_that_nothing_here_has_is_a_refusal_too(counted: World, method: str, path: str, code: str) -> None:
    counted.send("agent", method, path)
    assert figures(counted)[f"aaf_refusals_total[('code', '{code}')]"] == 1


@pytest.mark.parametrize("who", ["admin", "approver", "auditor", "viewer"])
def test_people_with_the_permission_read_them(counted: World, who: str) -> None:
    assert figures(counted, who)["aaf_recovering[]"] == 0


def test_an_agent_reads_none_and_nobody_without_a_key(counted: World) -> None:
    assert counted.get("agent", "/metrics").status_code == 403
    assert counted.get(None, "/metrics").status_code == 401
    assert counted.get("viewer", "/metrics?x=1").status_code == 400


def test_an_installation_that_says_so_asks_for_no_key(counted: World) -> None:
    object.__setattr__(cast("Any", counted.app).door, "core", replace(counted.core, meter=Counting(public=True)))
    assert counted.get(None, "/metrics").status_code == 200


def test_what_happened_is_counted(counted: World) -> None:
    counted.note()
    counted.note()
    counted.mail()
    counted.submit("agent", "no.such", {})
    counted.get("agent", "/v1/approvals")
    found = figures(counted)
    decided = {key: value for key, value in found.items() if key.startswith("aaf_decisions_total")}
    assert sum(decided.values()) == 4
    assert sum(value for key, value in decided.items() if "'note.take'" in key) == 2
    assert sum(value for key, value in decided.items() if "('type', 'other')" in key) == 1
    assert found["aaf_approvals_pending[]"] == 1
    assert found["aaf_decision_seconds_count[]"] == 4
    assert found["aaf_refusals_total[('code', 'permission_denied')]"] == 1
    assert found["aaf_ledger_events[]"] > 4
    assert found["aaf_release[]"] == 1
    assert "aaf_checkpoint_age_seconds[]" not in found
    assert found["process_resident_memory_bytes[]"] > 0


def test_the_age_of_the_newest_checkpoint_is_told(counted: World) -> None:
    counted.note()
    assert counted.get("auditor", "/v1/checkpoints/latest").status_code == 200
    counted.clock.advance(5_000_000)
    assert figures(counted)["aaf_checkpoint_age_seconds[]"] >= 5


def test_no_name_that_a_caller_chose_is_in_them(counted: World) -> None:
    for number in range(20):
        counted.submit("agent", f"evil{number}.name", {})
    counted.note(text="a secret text")
    text = counted.get("viewer", "/metrics").text
    assert "evil" not in text
    assert "secret" not in text
    assert counted.id("agent") not in text


def test_a_store_that_does_not_answer_leaves_the_counters(counted: World) -> None:
    counted.note()

    async def broken() -> int:
        raise StoreFailed(Code.STORE_UNAVAILABLE, "gone")

    core = replace(counted.core, store=cast("Any", _Without(counted.core.store, now=broken)))
    read = counted.run(read_metrics(core, None))
    assert {labels[2] for labels in read.values[Metric.DECISIONS]} == {"note.take"}
    assert Metric.LEDGER_EVENTS not in read.values
    assert counted.log.entries[-1] == ("metrics_incomplete", {"code": "store_unavailable"})


class _Without:
    """A store of which one method is another."""

    def __init__(self, store: object, **others: object) -> None:
        self._store = store
        self.__dict__.update(others)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_an_answer_says_which_request_the_log_means(counted: World) -> None:
    first, second = (counted.get("viewer", "/metrics").headers["x-request-id"] for _ in range(2))
    assert first != second


def test_every_metric_with_a_value_is_in_the_exposition_with_its_help() -> None:
    meter = Counting()
    for metric, meaning in METRICS.items():
        match meaning.form:
            case Form.COUNTER:
                meter.add(metric, *("x" for _ in meaning.labels))
            case Form.GAUGE:
                meter.gauge(metric, lambda: 1)
            case Form.HISTOGRAM:
                meter.time(metric, 0.2)
    text = exposition(meter.read()).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for metric, meaning in METRICS.items():
        family = families[metric.removesuffix("_total")]
        assert (family.type, family.documentation) == (meaning.form.value, meaning.text)
    buckets = [s.value for s in families["aaf_commit_seconds"].samples if s.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 1

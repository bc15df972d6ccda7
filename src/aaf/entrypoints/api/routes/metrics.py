"""`GET /metrics`: what this process counted and what the store says now, in the text format of Prometheus.

Figures tell how much an organisation does, so reading takes a key, unless the installation says that anybody may (`AAF_METRICS=open`).
The registry is made for each answer and holds nothing that another part of the process registered.
"""

from collections.abc import Iterator
from itertools import accumulate
from typing import cast

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from aaf.domain.metering import BUCKETS, METRICS, Form, Meaning, Reading, Timed
from aaf.entrypoints.api.openapi import refusals, text
from aaf.entrypoints.api.problems import refusal
from aaf.entrypoints.api.receiving import Door, authenticated, check_query, headers_of
from aaf.services.metering import read_metrics

router = APIRouter(tags=["process"])


@router.get(
    "/metrics",
    response_class=Response,
    summary="Read the metrics",
    responses={**text("Text format of Prometheus, version 1.0.0."), **refusals(400, 403)},
)
async def metrics(request: Request) -> Response:
    """Counters begin at zero when the process does; docs/metrics.md says what each is."""
    door = cast("Door", request.app.state.door)
    core = door.core
    try:
        caller = None if core.meter.public else await authenticated(core, request, headers_of(request))
        check_query(request)
        read = await read_metrics(core, caller)
    except Exception as error:  # noqa: BLE001 - whatever it is, the answer is a problem and nothing more is done
        return refusal(core, error)
    return Response(exposition(read), media_type=CONTENT_TYPE_LATEST)


def exposition(read: Reading) -> bytes:
    """The reading as text, with what the system says of the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(read))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Families(Collector):
    """A reading in the library's terms."""

    def __init__(self, read: Reading) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Every metric that has a value."""
        for metric, meaning in METRICS.items():
            if meaning.form is Form.HISTOGRAM:
                timed = self._read.times.get(metric)
                if timed is not None:
                    yield _histogram(metric, meaning, timed)
            elif metric in self._read.values:
                family = (
                    CounterMetricFamily(metric, meaning.text, labels=meaning.labels)
                    if meaning.form is Form.COUNTER
                    else GaugeMetricFamily(metric, meaning.text, labels=meaning.labels)
                )
                for labels, value in sorted(self._read.values[metric].items()):
                    family.add_metric(labels, value)
                yield family


def _histogram(metric: str, meaning: Meaning, timed: Timed) -> Metric:
    """Buckets are cumulative in the format."""
    bounds = [*map(str, BUCKETS), "+Inf"]
    family = HistogramMetricFamily(metric, meaning.text)
    family.add_metric([], list(zip(bounds, accumulate(timed.counts), strict=True)), timed.total)
    return family

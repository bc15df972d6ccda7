"""A refusal is the same at every HTTP door: its status, its count and its line of the log."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from aaf.adapters.meter import Counting
from aaf.domain import errors
from aaf.domain.errors import AafError, Code, ConfigurationInvalid, Problem, TooMany
from aaf.domain.metering import Metric
from aaf.entrypoints.api import problems
from aaf.entrypoints.console import pages
from aaf.services.core import Core
from tests.api.world import World, build

STATUS: dict[type[AafError], int] = {
    AafError: 500,
    errors.ConfigurationConflict: 409,
    errors.ConfigurationInvalid: 500,
    errors.ConfigurationRefused: 400,
    errors.ConnectorFailed: 502,
    errors.InputRefused: 400,
    errors.NotAuthenticated: 401,
    errors.NotFound: 404,
    errors.NotPermitted: 403,
    errors.PolicyFailed: 500,
    errors.StateConflict: 409,
    errors.StoreFailed: 503,
    errors.TooMany: 429,
    errors.Unavailable: 503,
}
STATUS_OF_CODE = {
    Code.BODY_TOO_LARGE: 413,
    Code.HEADERS_TOO_LARGE: 431,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.REQUEST_TIMEOUT: 408,
}
CASES = [
    *((cls, Code.STORE_BUSY, status) for cls, status in STATUS.items()),
    *((errors.InputRefused, code, status) for code, status in STATUS_OF_CODE.items()),
    (errors.NotAuthenticated, Code.REVOKED_CREDENTIAL, 401),
    (errors.NotAuthenticated, Code.MISSING_CREDENTIAL, 401),
]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with asyncio.Runner() as runner:
        made = runner.run(build(tmp_path, runner=runner))
        yield replace(made, core=replace(made.core, meter=Counting()))
        runner.run(made.client.aclose())


def _error(cls: type[AafError], code: Code) -> AafError:
    if cls is ConfigurationInvalid:
        return ConfigurationInvalid((Problem("aaf.yaml", 1, 1, "No."),))
    if cls is errors.ConfigurationRefused:
        return errors.ConfigurationRefused((Problem("aaf.yaml", 1, 1, "No."),))
    if cls is errors.ConfigurationConflict:
        return errors.ConfigurationConflict(code, "No.", hint="", etag="1-ab", changes={})
    return TooMany(code, "No.", retry_after=7) if cls is TooMany else cls(code, "No.", detail="the cause")


def _counted(core: Core) -> dict[tuple[str, ...], float]:
    return dict(core.meter.read().values[Metric.REFUSALS])


def _every(cls: type[AafError]) -> set[type[AafError]]:
    return {cls}.union(*map(_every, cls.__subclasses__()))


def test_the_table_names_every_class_of_error() -> None:
    assert set(STATUS) == _every(AafError)


@pytest.mark.parametrize(("cls", "code", "status"), CASES)
def test_both_doors_answer_an_error_with_the_same_status_and_code_and_count_it_alike(
    world: World, cls: type[AafError], code: Code, status: int
) -> None:
    error, core = _error(cls, code), world.core
    problem, counted = problems.refusal(core, error), _counted(core)
    page = pages.refusal(core, error)
    said, shown = orjson.loads(problem.body), bytes(page.body)
    assert (problem.status_code, page.status_code, said["status"]) == (status, status, status)
    assert f"Code <code>{said['code']}</code>".encode() in shown
    assert b"the cause" not in bytes(problem.body) + shown
    assert counted == {(said["code"],): 1}
    assert _counted(core) == dict.fromkeys(counted, 2)
    lines = world.log.entries
    incidents = [str(fields.pop("incident", "")) for _, fields in lines]
    assert lines[:1] == lines[1:]
    assert incidents[:1] == [said.get("incident", "")] * len(lines[:1])
    assert all(incident.encode() in shown for incident in incidents[1:])
    assert (said["code"] == "internal_error") is any(incidents) is (status == 500)

"""Blocking work of a connector on a thread, under a deadline."""

import asyncio
import threading
from collections.abc import Mapping

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.threaded import Threaded
from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.finding import Analysis

EFFECT = Effect("write", "a", "Write a", {})


class Slow:
    """A connector that works until it is let go."""

    name = "slow"

    def __init__(self) -> None:
        self.go = threading.Event()
        self.threads: list[int] = []

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        return Analysis(target=operation)

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:
        self.threads.append(threading.get_ident())
        self.go.wait(10)
        return EFFECT

    async def run(self, *, operation: str, params: Mapping[str, Json], expected: Effect | None) -> Json:
        self.go.wait(10)
        return {"done": operation}


def test_the_work_is_done_on_another_thread_and_its_result_comes_back() -> None:
    inner = Slow()
    inner.go.set()
    threaded = Threaded(inner, timeout=10)
    assert (threaded.name, threaded.analyse(operation="x", params={}).target) == ("slow", "x")
    assert asyncio.run(threaded.dry_run(operation="x", params={})) == EFFECT
    assert asyncio.run(threaded.run(operation="x", params={}, expected=EFFECT)) == {"done": "x"}
    assert inner.threads != [threading.get_ident()]


@pytest.mark.parametrize(("what", "code"), [("dry_run", Code.DRY_RUN_FAILED), ("run", Code.CONNECTOR_TIMEOUT)])
def test_work_over_its_time_is_a_failure_and_a_run_s_end_is_not_known(what: str, code: Code) -> None:
    inner = Slow()

    async def late() -> Code:
        threaded = Threaded(inner, timeout=0.01)
        try:
            if what == "run":
                await threaded.run(operation="x", params={}, expected=None)
            else:
                await threaded.dry_run(operation="x", params={})
        except ConnectorFailed as failure:
            return failure.code
        finally:
            inner.go.set()
        return Code.OK

    assert asyncio.run(late()) is code


def test_a_coroutine_that_suspends_is_a_bug_of_the_composition() -> None:
    with pytest.raises(RuntimeError, match="suspended"):
        drive(asyncio.sleep(0))

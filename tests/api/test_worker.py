"""The worker: rounds until it is told to stop, whatever happens in one."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from aaf.entrypoints import worker
from aaf.entrypoints.api import create_app
from aaf.entrypoints.worker import work
from tests.api.world import World


def test_a_round_closes_what_is_late_and_signs_the_ledger(world: World) -> None:
    action = world.mail()
    world.clock.advance(3600)

    async def one_round() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_soon(stop.set)
        await work(world.core, every=60, stop=stop)

    world.run(one_round())
    rows = world.run(world.core.store.events_of(world.org, action["id"]))
    assert rows[-1].type == "action.expired"
    assert world.run(world.core.store.dirty()) == []


def test_what_was_approved_to_run_runs_without_the_agent(world: World) -> None:
    action = world.submit("agent", "files.write", {"path": "a.txt", "content": "new"}, run="when_approved")
    world.answer("approver", action["id"], "approve")

    async def until_written() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(work(world.core, every=0.001, stop=stop))
        await world.until((world.root / "a.txt").exists)
        stop.set()
        await running

    world.run(until_written())
    assert world.get("agent", f"/v1/actions/{action['id']}").json()["status"] == "succeeded"


def test_a_round_that_fails_is_logged_without_its_text_and_the_next_follows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []
    stop = asyncio.Event()

    async def fails(core: object) -> int:
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        raise ValueError("hunter2")

    monkeypatch.setattr(worker, "round_of_work", fails)
    world.run(work(world.core, every=0, stop=stop))
    assert len(rounds) == 3
    assert world.log.entries == [("worker_failed", {"error": "ValueError"})] * 3


def test_background_work_begins_and_ends_with_the_server(world: World) -> None:
    told: list[str] = []

    async def beside(stop: asyncio.Event) -> None:
        told.append("begun")
        await stop.wait()
        told.append("ended")

    app = create_app(world.core, background=(beside, lambda stop: work(world.core, stop=stop)))
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.sleep(0)
        return next(messages)

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["type"])

    async def live() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    world.run(live())
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert told == ["begun", "ended"]

"""A real server on loopback, in a thread of its own, and clients whose pauses take no time."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from aaf.entrypoints.api.wire import WireLimits
from aaf_client import AgentFirewallClient, clock
from aaf_client._wire.asynchronous import AsyncWire
from aaf_client.models import Action, Json
from tests.api.conftest import world
from tests.api.wired import listening, looping
from tests.api.world import World

__all__ = ["Server", "hasty", "server", "world"]

T = TypeVar("T")
PATIENCE = 20


@dataclass
class Server:
    """The whole product behind a port; `do` runs work on its loop."""

    world: World
    port: int
    loop: asyncio.AbstractEventLoop

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE)

    def client(self, who: str = "agent", **options: Any) -> AgentFirewallClient:
        return AgentFirewallClient(self.world.key(who), self.world.id(who), base_url=self.base_url, **options)

    def answer(self, action: Action | str, verdict: str = "approve", reason: str = "") -> None:
        id_ = action if isinstance(action, str) else action.id

        async def work() -> int:
            seen = (await self.world.asend("auditor", "GET", f"/v1/approvals/{id_}")).json()
            body = {
                "verdict": verdict,
                "digest": seen["digest"],
                "view_digest": seen["view_digest"],
                "reason": reason,
            }
            return (await self.world.asend("approver", "POST", f"/v1/approvals/{id_}/reviews", body)).status_code

        assert self.do(work()) == 200

    def events(self, type_: str) -> list[dict[str, Json]]:
        async def work() -> list[dict[str, Json]]:
            path = f"/v1/audit/events?limit=1000&type={type_}"
            found: list[dict[str, Json]] = (await self.world.asend("auditor", "GET", path)).json()["events"]
            return found

        return self.do(work())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "workspace"
    root.mkdir()
    ready, over = threading.Event(), threading.Event()
    made: list[Server] = []
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            with looping(root) as made_up:

                async def play() -> None:
                    async with listening(made_up, WireLimits()) as wired:
                        made.append(Server(made_up, wired.port, asyncio.get_running_loop()))
                        ready.set()
                        await asyncio.to_thread(over.wait)

                made_up.run(play())
        except BaseException as error:  # noqa: BLE001 - the fixture fails with it
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(PATIENCE)
    try:
        assert not failed, failed
        yield made[0]
    finally:
        over.set()
        thread.join(PATIENCE)
    assert not failed, failed


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """Pauses take no time, but the clock believes that they did; how many seconds were paused is returned."""
    paused = [0.0]
    real = clock.now

    def sleep(seconds: float) -> None:
        paused[0] += seconds

    async def pause(_: AsyncWire, seconds: float) -> None:
        sleep(seconds)

    monkeypatch.setattr(clock, "sleep", sleep)
    monkeypatch.setattr(AsyncWire, "pause", pause)
    monkeypatch.setattr(clock, "now", lambda: real() + paused[0])
    monkeypatch.setattr(clock, "jitter", lambda: 0.0)
    return lambda: paused[0]

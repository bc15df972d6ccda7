"""Server-sent events over real connections: what is told, when a stream ends, and what it may cost."""

import json
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aaf.entrypoints.api import ApiLimits
from aaf.entrypoints.api.wire import WireLimits
from tests.api.wired import Caller, Wired, listening, looping
from tests.api.world import World

SOON = 0.05
Play = Callable[[Wired], Coroutine[Any, Any, None]]


@dataclass
class Told:
    """One event as a browser reads it; a comment has neither id nor data."""

    id: str = ""
    event: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    retry: str = ""
    comment: bool = False


@dataclass
class Stream:
    """The client's end of one stream; chunks are put together before lines are read."""

    caller: Caller
    status: int
    headers: dict[str, str]
    buffer: bytes = b""
    ended: bool = False

    async def next(self) -> Told | None:
        """The next block, None at the proper end."""
        while b"\n\n" not in self.buffer:
            if self.ended:
                assert self.buffer == b""
                return None
            size = int(await self.caller.reader.readline(), 16)
            self.buffer += (await self.caller.reader.readexactly(size + 2))[:-2]
            self.ended = size == 0
        block, _, self.buffer = self.buffer.partition(b"\n\n")
        told = Told()
        for line in block.decode().split("\n"):
            name, _, value = line.partition(":")
            match name:
                case "":
                    told.comment = True
                case "data":
                    told.data = json.loads(value)
                case _:
                    setattr(told, name, value.strip())
        return told

    async def action(self) -> Told | None:
        """The next event that is no comment."""
        while True:
            told = await self.next()
            if told is None or not told.comment:
                return told


async def stream(wired: Wired, action: str, *headers: str, who: str = "agent") -> Stream:
    caller = await wired.call()
    await caller.send(wired.request("GET", f"/v1/actions/{action}/events", *headers, who=who))
    head = (await caller.reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
    fields = {name: value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    opened = Stream(caller, int(head[0].split()[1]), fields)
    if opened.status == 200:
        first = await opened.next()
        assert first is not None
        assert first.retry == "2000"
    return opened


@contextmanager
def playing(root: Path, limits: ApiLimits) -> Iterator[tuple[World, Callable[..., None]]]:
    with looping(root, limits) as world:

        def play(scene: Play, **wire: int) -> None:
            async def whole() -> None:
                async with listening(world, WireLimits(**wire)) as wired:
                    await scene(wired)

            world.run(whole())

        yield world, play


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[tuple[World, Callable[..., None]]]:
    with playing(tmp_path, ApiLimits()) as made:
        yield made


async def rejected(world: World, action: str) -> None:
    seen = (await world.asend("approver", "GET", f"/v1/approvals/{action}")).json()
    body = {"verdict": "reject", "reason": "Not now", "digest": seen["digest"], "view_digest": seen["view_digest"]}
    await world.asend("approver", "POST", f"/v1/approvals/{action}/reviews", body)


@pytest.mark.requirement("R57")
def test_who_streams_is_told_each_state_and_the_last_one_ends_it(patient: Any) -> None:
    world, play = patient
    action = world.mail()["id"]

    async def scene(wired: Wired) -> None:
        opened = await stream(wired, action)
        assert opened.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert opened.headers["cache-control"] == "no-store"
        first = await opened.action()
        assert first is not None
        assert (first.id, first.event) == ("1", "action")
        assert first.data == (await world.asend("agent", "GET", f"/v1/actions/{action}")).json()
        await rejected(world, action)
        last = await opened.action()
        assert last is not None
        assert (last.id, last.data["status"], last.data["rejection"]) == ("2", "rejected", "Not now")
        assert last.data == (await world.asend("agent", "GET", f"/v1/actions/{action}")).json()
        assert await opened.next() is None
        await wired.until(lambda: not world.app.door.streams)

    play(scene)


def test_an_action_that_waits_for_nobody_is_told_once_even_to_who_knows_it(patient: Any) -> None:
    world, play = patient
    action = world.note()["id"]

    async def scene(wired: Wired) -> None:
        opened = await stream(wired, action, "Last-Event-ID: 1")
        told = await opened.action()
        assert told is not None
        assert told.data["status"] == "allowed"
        assert await opened.next() is None

    play(scene)


@pytest.mark.parametrize("header", ["Last-Event-ID: 1", "last-event-id:1"])
def test_who_comes_back_is_not_told_again(patient: Any, header: str) -> None:
    world, play = patient
    action = world.mail()["id"]

    async def scene(wired: Wired) -> None:
        opened = await stream(wired, action, header)
        await wired.until(lambda: world.wakes_for(action))
        await rejected(world, action)
        told = await opened.action()
        assert told is not None
        assert (told.id, told.data["status"]) == ("2", "rejected")

    play(scene)


@pytest.mark.parametrize("header", ["Last-Event-ID:", "Last-Event-ID: 7"])
def test_an_id_that_is_not_the_present_one_is_told_what_is(patient: Any, header: str) -> None:
    world, play = patient
    action = world.mail()["id"]

    async def scene(wired: Wired) -> None:
        told = await (await stream(wired, action, header)).action()
        assert told is not None
        assert told.id == "1"

    play(scene)


@pytest.mark.parametrize(
    "headers",
    [
        ["Last-Event-ID: one"],
        ["Last-Event-ID: -1"],
        ["Last-Event-ID: \u00b2"],
        ["Last-Event-ID: 1234567890123456"],
        ["Last-Event-ID: 1", "Last-Event-ID: 2"],
    ],
)
def test_an_id_that_is_none_of_ours_is_refused(patient: Any, headers: list[str]) -> None:
    world, play = patient
    action = world.mail()["id"]

    async def scene(wired: Wired) -> None:
        heard = await wired.ask(wired.request("GET", f"/v1/actions/{action}/events", *headers))
        assert (heard.status, heard.code) == (400, "bad_request")

    play(scene)


def test_a_stream_of_somebody_elses_action_is_not_found(patient: Any) -> None:
    world, play = patient
    action = world.mail()["id"]

    async def scene(wired: Wired) -> None:
        heard = await wired.ask(wired.request("GET", f"/v1/actions/{action}/events", who="other"))
        assert (heard.status, heard.code) == (404, "not_found")
        heard = await wired.ask(wired.request("GET", f"/v1/actions/{action}/events", who=None))
        assert (heard.status, heard.code) == (401, "missing_credential")

    play(scene)


def test_a_stream_where_nothing_happens_says_that_it_lives(tmp_path: Path) -> None:
    with playing(tmp_path, ApiLimits(heartbeat=SOON)) as (world, play):
        action = world.mail()["id"]

        async def scene(wired: Wired) -> None:
            opened = await stream(wired, action)
            told = [await opened.next() for _ in range(4)]
            assert [one is not None and one.comment for one in told] == [False, True, True, True]

        play(scene)


def test_a_stream_ends_when_its_time_is_over_and_the_connection_serves_on(tmp_path: Path) -> None:
    with playing(tmp_path, ApiLimits(stream_time=SOON)) as (world, play):
        action = world.mail()["id"]

        async def scene(wired: Wired) -> None:
            opened = await stream(wired, action)
            assert await opened.action() is not None
            assert await opened.next() is None
            heard = await opened.caller.ask(wired.request("GET", "/v1/health"))
            assert heard.status == 200

        play(scene)


@pytest.mark.requirement("R57")
@pytest.mark.parametrize("fresh", [True, False], ids=["before an event", "while waiting"])
def test_a_key_that_is_revoked_ends_its_streams(patient: Any, fresh: bool) -> None:
    world, play = patient
    action = world.mail()["id"]
    key = world.keys["agent"].record.id

    async def scene(wired: Wired) -> None:
        opened = await stream(wired, action)
        await opened.action()
        await wired.until(lambda: world.wakes_for(action))
        await world.asend("admin", "POST", f"/v1/api-keys/{key}/revoke")
        if fresh:
            await rejected(world, action)
        assert await opened.next() is None
        assert ("stream_ended", {"action": action, "code": "revoked_credential"}) in wired.logged
        heard = await wired.ask(wired.request("GET", f"/v1/actions/{action}/events"))
        assert (heard.status, heard.code) == (401, "invalid_credential")

    play(scene)


def test_a_client_that_has_gone_gives_its_place_back(patient: Any) -> None:
    world, play = patient
    action = world.mail()["id"]

    async def scene(wired: Wired) -> None:
        opened = await stream(wired, action)
        await opened.action()
        await wired.until(lambda: world.app.door.streams.total() == 1)
        opened.caller.writer.transport.abort()
        await wired.until(lambda: not wired.state.tasks)
        assert not world.app.door.streams
        assert not world.wakes_for(action)
        assert not wired.logged

    play(scene)


def test_streams_end_when_the_server_drains(patient: Any) -> None:
    world, play = patient
    action = world.mail()["id"]

    async def scene(wired: Wired) -> None:
        opened = await stream(wired, action)
        await opened.action()
        for connection in list(wired.state.connections):
            connection.shutdown()
        assert await opened.next() is None
        assert await opened.caller.ended() == b""

    play(scene)


def test_one_principal_has_so_many_streams_and_no_more(tmp_path: Path) -> None:
    with playing(tmp_path, ApiLimits(own_streams=1)) as (world, play):
        action = world.mail()["id"]

        async def scene(wired: Wired) -> None:
            first = await stream(wired, action)
            request = wired.request("GET", f"/v1/actions/{action}/events")
            heard = await wired.ask(request)
            assert (heard.status, heard.code) == (503, "too_many_connections")
            assert heard.headers["retry-after"] == "1"
            assert (await stream(wired, action, who="admin")).status == 200
            first.caller.writer.transport.abort()
            await wired.until(lambda: len(wired.state.tasks) == 1)
            assert (await stream(wired, action)).status == 200

        play(scene)


@pytest.mark.parametrize(("streams", "connections"), [(1, 64), (64, 3)], ids=["all streams", "half of the connections"])
def test_all_together_leave_room_for_those_who_do_not_stream(tmp_path: Path, streams: int, connections: int) -> None:
    with playing(tmp_path, ApiLimits(streams=streams)) as (world, play):
        action = world.mail()["id"]

        async def scene(wired: Wired) -> None:
            await stream(wired, action)
            request = wired.request("GET", f"/v1/actions/{action}/events", who="admin")
            heard = await wired.ask(request)
            assert (heard.status, heard.code) == (503, "too_many_connections")
            assert (await wired.ask(wired.request("GET", f"/v1/actions/{action}"))).status == 200

        play(scene, connections=connections)


def test_the_end_of_one_stream_leaves_the_others_of_its_principal(patient: Any) -> None:
    world, play = patient
    action = world.mail()["id"]

    async def scene(wired: Wired) -> None:
        first, second = await stream(wired, action), await stream(wired, action)
        first.caller.writer.transport.abort()
        await wired.until(lambda: world.app.door.streams.total() == 1)
        await second.action()
        await rejected(world, action)
        assert await second.action() is not None
        await wired.until(lambda: not world.app.door.streams)

    play(scene)


def test_a_stream_needs_no_wire(world: World) -> None:
    action = world.note()["id"]
    answered = world.get("agent", f"/v1/actions/{action}/events")
    assert answered.text.startswith("retry: 2000\n\nid: 1\nevent: action\ndata: {")

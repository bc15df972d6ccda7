"""Looking back over HTTP: lines of progress and a result, one at a time, ended with its client, and never the whole loop."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from aaf.domain.errors import Code, Unavailable
from aaf.entrypoints.api.routes import dry_runs
from aaf.entrypoints.api.wire import WireLimits
from aaf.services import replay as service
from tests.api.wired import Play, Wired, listening, looping
from tests.api.world import World

DRY, SUGGEST = "/v1/dry-run", "/v1/policies/suggest"


def files(world: World) -> dict[str, str]:
    release = world.run(world.core.store.release(world.org))
    assert release is not None
    return dict(json.loads(release.files))


def lines(response: Any) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in response.text.splitlines()]


def denying_notes(world: World) -> dict[str, str]:
    listed = files(world)
    main = listed["aaf.yaml"].replace("decision: allow\n    reason: Nobody", "decision: deny\n    reason: Nobody")
    assert main != listed["aaf.yaml"]
    return {**listed, "aaf.yaml": main}


@pytest.mark.requirement("R63")
def test_a_candidate_of_files_is_compared_and_the_result_is_the_last_line(world: World) -> None:
    notes = [world.note(text=f"private {number}")["id"] for number in range(3)]
    world.mail()
    body = {"candidate": {"files": denying_notes(world)}, "since": "1d", "examples": 1}
    *progress, last = lines(world.post("auditor", DRY, body))
    assert progress[0] == {"progress": {"done": 0, "looked_at": 0}}
    result = last["result"]
    assert (result["compared"], result["same"], result["not_decidable"], result["complete"]) == (4, 1, [], True)
    (group,) = result["groups"]
    assert (group["type"], group["before"], group["after"], group["count"]) == ("note.take", "allow", "deny", 3)
    assert group["examples"] == notes[:1]
    assert group["now"] == [{"code": "rule", "name": "notes-are-harmless", "source": "rule"}]
    assert "private" not in json.dumps(result)


@pytest.mark.requirement("R63")
def test_a_release_is_a_candidate_against_what_was_recorded(world: World) -> None:
    world.note()
    body = {"candidate": {"release": 1}, "against": "recorded", "actions": ["note.*"], "agent": "agent", "limit": 5}
    (*_, last) = lines(world.post("admin", DRY, body))
    assert (last["result"]["same"], last["result"]["against"]) == (1, "recorded")


@pytest.mark.parametrize(
    ("change", "status", "code", "path"),
    [
        ({"candidate": {}}, 400, "wrong_type", "$.candidate"),
        ({"candidate": {"release": 1, "draft": "x"}}, 400, "wrong_type", "$.candidate"),
        ({"candidate": {"files": {"aaf.yaml": "version: 2"}}}, 400, "configuration_invalid", "$.candidate"),
        ({"candidate": {"draft": "x"}}, 404, "not_found", None),
        ({"since": "yesterday"}, 400, "wrong_type", "$.since"),
        ({"until": "9999-99-99T00:00:00Z"}, 400, "wrong_type", "$.until"),
        ({"agent": "nobody"}, 404, "not_found", None),
        ({"against": "tomorrow"}, 400, "wrong_type", "$.against"),
        ({"limit": 0}, 400, "wrong_type", "$.limit"),
    ],
)
def test_what_cant_be_asked_is_refused_and_takes_no_place(
    world: World, change: dict[str, Any], status: int, code: str, path: str | None
) -> None:
    response = world.post("admin", DRY, {"candidate": {"release": 1}, **change})
    told = response.json()
    assert (response.status_code, told["code"], told.get("path")) == (status, code, path)
    assert "result" in lines(world.post("admin", DRY, {"candidate": {"release": 1}}))[-1]


@pytest.mark.requirement("R63")
def test_a_suggestion_is_rules_with_their_evidence(world: World) -> None:
    world.note(text="hello"), world.note(text="hello")
    (*_, last) = lines(
        world.post("auditor", SUGGEST, {"agent": "agent", "since": "1d", "until": "0001-01-01T00:00:00Z"})
    )
    assert last["result"]["rules"] == []
    (*_, last) = lines(world.post("auditor", SUGGEST, {"agent": "agent", "actions": ["note.take"]}))
    (rule,) = last["result"]["rules"]
    assert (rule["covers"], rule["decision"], rule["unlimited"]) == (2, "allow", [])
    assert 'params.text: {eq: "hello"}' in last["result"]["yaml"]


@pytest.mark.parametrize("failure", [Unavailable(Code.STORE_BUSY, "Busy."), RuntimeError("of-nobody")])
def test_what_breaks_off_says_why_in_its_last_line(
    world: World, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    world.note()

    def broken(*_: object, **__: object) -> object:
        raise failure

    monkeypatch.setattr(type(world.core.store), "decided", broken)
    (last,) = lines(world.post("admin", DRY, {"candidate": {"release": 1}}))
    code = "store_busy" if isinstance(failure, Unavailable) else "internal_error"
    assert last["problem"]["code"] == code
    assert ("incident" in last["problem"]) is (code == "internal_error")
    assert "of-nobody" not in json.dumps(last)


@pytest.fixture
def wired_world(tmp_path: Path) -> Iterator[World]:
    root = tmp_path / "workspace"
    root.mkdir()
    with looping(root) as made:
        yield made


def played(world: World, play: Play) -> None:
    async def work() -> None:
        async with listening(world, WireLimits()) as wired:
            await play(wired)

    world.run(work())


async def begun(wired: Wired) -> Any:
    """A connection with a dry run on it, after the first of its bytes."""
    caller = await wired.call()
    body = json.dumps({"candidate": {"release": 1}}).encode()
    await caller.send(wired.request("POST", DRY, who="admin", body=body))
    assert (await caller.reader.readline()).startswith(b"HTTP/1.1 200")
    return caller


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """History that never ends; the list gets `closed` when nobody reads it any more."""
    said: list[str] = []

    async def steps(*_: object) -> AsyncIterator[service.Progress]:
        try:
            while True:
                yield service.Progress(1, 0, 1, 2)
        finally:
            said.append("closed")

    async def endless_(*_: object) -> AsyncIterator[service.Progress]:
        return steps()

    monkeypatch.setattr(dry_runs, "replay", endless_)
    return said


@pytest.mark.requirement("R63")
def test_it_lets_others_in_between_ends_with_its_client_and_is_one_at_a_time(
    wired_world: World, endless: list[str]
) -> None:
    async def play(wired: Wired) -> None:
        caller = await begun(wired)
        heard = await wired.ask(wired.request("GET", "/v1/health", who=None))
        assert heard.status == 200
        body = json.dumps({"candidate": {"release": 1}}).encode()
        crowded = await wired.ask(wired.request("POST", DRY, who="auditor", body=body))
        assert (crowded.status, crowded.code) == (503, "too_many_connections")
        caller.writer.transport.abort()
        await wired.until(lambda: endless == ["closed"])
        await asyncio.sleep(0)
        again = await begun(wired)
        again.writer.transport.abort()

    played(wired_world, play)


def test_it_ends_when_the_server_does(wired_world: World, endless: list[str]) -> None:
    async def play(wired: Wired) -> None:
        caller = await begun(wired)
        wired.wire.ending = True
        assert b'"shutting_down"' in await caller.reader.readuntil(b'shutting_down"')
        await wired.until(lambda: endless == ["closed"])

    played(wired_world, play)

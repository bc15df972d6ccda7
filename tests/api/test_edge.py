"""What every response has, and what becomes of what nobody foresaw."""

import asyncio
import json
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest

from aaf.adapters.memory import MemoryStore
from aaf.domain.errors import Code, ConfigurationInvalid, Problem, StoreFailed
from aaf.entrypoints.api import ApiLimits
from aaf.entrypoints.api.edge import Edge
from aaf.entrypoints.api.receiving import Door
from tests.api.world import World

SECRET = "hunter2-do-not-repeat"


@pytest.mark.parametrize(
    ("who", "method", "path"),
    [
        ("agent", "GET", "/v1/actions"),
        (None, "GET", "/v1/actions"),
        ("agent", "POST", "/v1/actions"),
        ("agent", "GET", "/nowhere"),
        (None, "GET", "/v1/health"),
        (None, "GET", "/openapi.json"),
        ("auditor", "GET", "/v1/audit/export"),
    ],
)
def test_every_response_has_the_same_safe_headers(world: World, who: str | None, method: str, path: str) -> None:
    headers = world.send(who, method, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert not {"server", "set-cookie", "x-powered-by", "access-control-allow-origin"} & set(headers)


def _broken(error: Exception) -> Any:
    async def fails(*args: object, **kwargs: object) -> Any:
        raise error

    return fails


@pytest.mark.requirement("R09")
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/actions"), ("GET", "/v1/actions")])
def test_what_nobody_foresaw_is_an_incident_without_a_word_of_its_cause(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    monkeypatch.setattr(MemoryStore, "actions", _broken(ValueError(SECRET)))
    monkeypatch.setattr(MemoryStore, "commit", _broken(ValueError(SECRET)))
    body = {"action": "note.take", "params": {"text": SECRET}} if method == "POST" else None
    response = world.send("agent", method, path, body)
    problem = response.json()
    assert (response.status_code, problem["code"]) == (500, "internal_error")
    assert SECRET not in response.text
    assert "ValueError" not in response.text
    kind, entry = world.log.entries[-1]
    assert (kind, entry["incident"], entry["error"]) == ("internal_error", problem["incident"], "ValueError")
    assert any("tests.api.test_edge" in str(frame) for frame in entry["frames"])  # type: ignore[union-attr]
    assert SECRET not in world.log.text


@pytest.mark.requirement("R09")
@pytest.mark.parametrize("code", [Code.STORE_FULL, Code.STORE_READ_ONLY, Code.STORE_BUSY, Code.RECOVERING])
def test_a_store_that_takes_nothing_is_said_with_its_code_and_the_cause_is_logged(
    world: World, monkeypatch: pytest.MonkeyPatch, code: Code
) -> None:
    failure = StoreFailed(code, "The store takes nothing.", hint="Wait.", detail=f"disk of {SECRET}")
    monkeypatch.setattr(MemoryStore, "commit", _broken(failure))
    response = world.post("agent", "/v1/actions", {"action": "note.take", "params": {"text": "x"}})
    assert (response.status_code, response.json()["code"]) == (503, code)
    assert int(response.headers["retry-after"]) == response.json()["retry_after"]
    assert SECRET not in response.text
    assert SECRET in world.log.text


def test_what_fails_between_the_routes_is_an_incident_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> Any:
        raise ValueError(SECRET)

    monkeypatch.setattr("fastapi.routing.APIRoute.matches", fails)
    response = world.get("agent", "/v1/actions")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert response.headers["cache-control"] == "no-store"
    assert [kind for kind, _ in world.log.entries] == ["internal_error"]
    assert SECRET not in response.text + world.log.text


def test_a_stream_that_breaks_off_ends_without_its_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MemoryStore, "events", _broken(ValueError(SECRET)))
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        for message in received:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    received: Iterator[MutableMapping[str, Any]]
    received = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"authorization", b"Bearer " + world.key("auditor").encode())]
    scope = {"type": "http", "method": "GET", "path": "/v1/audit/export", "query_string": b"", "headers": headers}

    async def call() -> None:
        await world.app(scope, receive, send)

    world.run(call())
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[-1]["more_body"] is True
    assert world.log.entries[-1][0] == "internal_error"
    assert SECRET not in world.log.text


@pytest.mark.parametrize("path", ["/v1/actions", "/v1/api-keys"])
def test_a_client_that_goes_while_sending_is_let_go(world: World, path: str) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"authorization", b"Bearer " + world.key("admin").encode()), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}

    async def call() -> None:
        await world.app(scope, receive, send)

    world.run(call())
    assert {message["status"] for message in sent if "status" in message} == {400}
    assert world.log.entries == []


def test_health_says_whether_new_actions_are_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (world.get(None, "/v1/health").status_code, world.get(None, "/v1/health").json()) == (200, {"status": "ok"})
    world.run(world.core.store.set_recovering("restored"))
    assert (world.get(None, "/v1/health").status_code, world.get(None, "/v1/health").json()["status"]) == (
        200,
        "recovering",
    )
    failure = StoreFailed(Code.STORE_UNAVAILABLE, "Gone.", detail=SECRET)
    monkeypatch.setattr(MemoryStore, "now", _broken(failure))
    response = world.get(None, "/v1/health")
    assert (response.status_code, response.json()) == (503, {"status": "unavailable"})


def test_while_recovering_new_actions_are_refused_and_old_ones_read(world: World) -> None:
    action = world.note()
    world.run(world.core.store.set_recovering("restored"))
    response = world.post("agent", "/v1/actions", {"action": "note.take", "params": {"text": "x"}})
    assert (response.status_code, response.json()["code"]) == (503, "recovering")
    assert world.get("agent", f"/v1/actions/{action['id']}").status_code == 200


def test_an_empty_ledger_has_no_checkpoint(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*args: object, **kwargs: object) -> None:
        return None

    monkeypatch.setattr("aaf.services.ledger.checkpoint", none)
    assert world.get("auditor", "/v1/checkpoints/latest").status_code == 404


def test_a_problem_is_complete(world: World) -> None:
    response = world.get("agent", "/v1/actions/nothing")
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(response.content) == {
        "code": "not_found",
        "detail": "There is no such thing, or not for this key.",
        "hint": "Check the address and the id.",
        "status": 404,
        "title": "Not found",
        "type": "urn:aaf:problem:not_found",
    }


def test_a_client_that_goes_while_a_stream_is_sent_is_no_incident(world: World) -> None:
    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            raise BrokenPipeError

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": "GET",
        "path": "/v1/audit/export",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer " + world.key("auditor").encode())],
    }

    async def call() -> None:
        await world.app(scope, receive, send)

    world.run(call())
    assert world.log.entries == []


def test_an_error_of_a_kind_that_no_door_knows_is_an_incident(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    invalid = ConfigurationInvalid((Problem(f"/{SECRET}/aaf.yaml", 1, 1, SECRET),))
    monkeypatch.setattr(MemoryStore, "actions", _broken(invalid))
    response = world.get("agent", "/v1/actions")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert SECRET not in response.text


def test_what_fails_before_a_response_has_begun_is_answered_by_the_outermost_layer(world: World) -> None:
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    edge = Edge(Door(world.core, ApiLimits()), submitting=_broken(ValueError(SECRET)), api=_broken(ValueError(SECRET)))
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    world.run(edge(scope, receive, send))
    assert sent[0]["status"] == 500
    assert (b"cache-control", b"no-store") in sent[0]["headers"]
    assert SECRET.encode() not in sent[1]["body"]

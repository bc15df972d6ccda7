"""Long polls: they end when the action moves, when the time is over, or when nobody listens."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from aaf.entrypoints.api.waking import Wakes
from tests.api.world import World


@pytest.mark.requirement("R57")
def test_who_waits_is_answered_as_soon_as_a_person_has_decided(world: World) -> None:
    action = world.mail()
    seen = world.get("approver", f"/v1/approvals/{action['id']}").json()
    body = {"verdict": "reject", "reason": "Not now", "digest": seen["digest"], "view_digest": seen["view_digest"]}

    async def wait_and_reject() -> dict[str, Any]:
        waiting = asyncio.create_task(world.asend("agent", "GET", f"/v1/actions/{action['id']}?wait=60"))
        await world.until(lambda: world.wakes_for(action["id"]))
        await world.asend("approver", "POST", f"/v1/approvals/{action['id']}/reviews", body)
        answered: dict[str, Any] = (await waiting).json()
        return answered

    answered = world.run(wait_and_reject())
    assert (answered["status"], answered["rejection"], answered["code"]) == (
        "rejected",
        "Not now",
        "rejected_by_reviewer",
    )


def test_who_waits_in_vain_gets_the_action_as_it_is(world: World) -> None:
    action = world.mail()
    assert world.get("agent", f"/v1/actions/{action['id']}?wait=1").json()["status"] == "pending_approval"


def test_an_action_that_waits_for_nobody_is_answered_at_once(world: World) -> None:
    assert world.get("agent", f"/v1/actions/{world.note()['id']}?wait=60").json()["status"] == "allowed"


def test_a_key_that_is_revoked_stops_waiting(world: World) -> None:
    action = world.mail()
    key = world.keys["agent"].record.id

    async def wait_and_revoke() -> int:
        waiting = asyncio.create_task(world.asend("agent", "GET", f"/v1/actions/{action['id']}?wait=60"))
        await world.until(lambda: world.wakes_for(action["id"]))
        await world.asend("admin", "POST", f"/v1/api-keys/{key}/revoke")
        return (await waiting).status_code

    assert world.run(wait_and_revoke()) == 401


def test_a_client_that_has_gone_ends_the_wait(world: World) -> None:
    action = world.mail()
    sent: list[MutableMapping[str, Any]] = []
    received = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> MutableMapping[str, Any]:
        return next(received, {"type": "http.disconnect"})

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": f"/v1/actions/{action['id']}",
        "query_string": b"wait=60",
        "headers": [(b"authorization", b"Bearer " + world.key("agent").encode())],
        "client": ("127.0.0.1", 1),
    }

    async def poll() -> None:
        async with asyncio.timeout(30):
            await world.app(scope, receive, send)

    world.run(poll())
    assert sent[0]["status"] == 200


def test_a_bell_wakes_those_who_wait_for_it_and_nobody_else() -> None:
    async def ring() -> list[bool]:
        wakes = Wakes()
        one, other = (asyncio.create_task(wakes.wait(name, 60)) for name in ("one", "other"))
        await asyncio.sleep(0)
        wakes.ring("one")
        wakes.ring("nobody")
        await one
        waits = not other.done()
        wakes.ring("other")
        await other
        return [waits, not wakes._waiting]

    assert asyncio.run(ring()) == [True, True]

"""Who is calling: the key says it, and nothing else does."""

import json
from collections.abc import Coroutine, MutableMapping
from typing import Any, cast

import pytest

from tests.api.world import World


def _reviewed_by(world: World, action: str) -> list[str]:
    return [review["reviewer"]["name"] for review in world.get("auditor", f"/v1/approvals/{action}").json()["reviews"]]


@pytest.mark.attack(
    "G17",
    guard=[
        "aaf.services.access:require",
        "aaf.services.review:_check_right",
        "aaf.services.review:review_refusal",
    ],
)
def test_an_agent_that_names_an_approver_in_its_headers_has_not_become_one(world: World) -> None:
    action = world.mail()
    seen = world.get("auditor", f"/v1/approvals/{action['id']}").json()
    body = {"verdict": "approve", "digest": seen["digest"], "view_digest": seen["view_digest"]}
    claims = {
        name: world.id("approver") for name in ("X-User", "X-User-Id", "X-Forwarded-User", "X-Reviewer", "Remote-User")
    }
    response = world.post("agent", f"/v1/approvals/{action['id']}/reviews", body, headers=claims)
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    other = world.post("other", f"/v1/approvals/{action['id']}/reviews", body, headers=claims)
    assert (other.status_code, other.json()["code"]) == (403, "permission_denied")
    assert _reviewed_by(world, action["id"]) == []


@pytest.mark.attack("G17", part="names in the body")
@pytest.mark.parametrize("field", ["reviewer", "user", "approver", "actor", "principal", "org"])
def test_a_reviewer_in_the_body_is_refused(world: World, field: str) -> None:
    action = world.mail()
    body = {"verdict": "approve", "digest": action["digest"], "view_digest": "v", field: world.id("approver")}
    response = world.post("agent", f"/v1/approvals/{action['id']}/reviews", body)
    assert (response.status_code, response.json()["code"]) == (400, "unknown_field")
    assert world.get("agent", f"/v1/actions/{action['id']}").json()["status"] == "pending_approval"


@pytest.mark.attack("G17", part="the event names the key's own principal")
def test_an_answer_is_recorded_under_the_keys_own_principal(world: World) -> None:
    action = world.mail()
    seen = world.get("admin", f"/v1/approvals/{action['id']}").json()
    body = {"verdict": "approve", "digest": seen["digest"], "view_digest": seen["view_digest"]}
    world.post("approver", f"/v1/approvals/{action['id']}/reviews", body, headers={"X-User-Id": world.id("admin")})
    assert _reviewed_by(world, action["id"]) == ["approver"]
    rows = world.run(world.core.store.events_of(world.org, action["id"]))
    assert json.loads(rows[-1].body)["actor"] == f"user:{world.id('approver')}"


@pytest.mark.attack("G37", part="another agent's id in a header")
@pytest.mark.parametrize("claim", ["other", "admin", "unknown"])
def test_an_agent_id_that_is_not_the_keys_own_is_refused(world: World, claim: str) -> None:
    claimed = world.id(claim) if claim in world.keys else "nobody"
    response = world.get("agent", "/v1/actions", headers={"X-Agent-Id": claimed})
    assert (response.status_code, response.json()["code"]) == (401, "invalid_credential")


def test_the_keys_own_id_or_name_is_taken_in_either_header_form(world: World) -> None:
    for claim in (world.id("agent"), "agent"):
        headers = {"X-Agent-Key": world.key("agent"), "X-Agent-Id": claim}
        assert world.get(None, "/v1/actions", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {agent}", "X-Agent-Key": "{admin}"},
        {"Authorization": "Basic {admin}"},
        {"Authorization": "{admin}"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer {agent}, Bearer {admin}"},
    ],
)
def test_credentials_that_contradict_or_are_of_another_kind_are_none(world: World, headers: dict[str, str]) -> None:
    keys = {"agent": world.key("agent"), "admin": world.key("admin")}
    sent = {name: value.format(**keys) for name, value in headers.items()}
    assert world.get(None, "/v1/api-keys", headers=sent).status_code == 401


def test_the_same_key_in_both_headers_is_one_key(world: World) -> None:
    headers = {"Authorization": f"bearer {world.key('agent')}", "X-Agent-Key": world.key("agent")}
    assert world.get(None, "/v1/actions", headers=headers).status_code == 200


RESERVED = ["pre_approved", "PRE_APPROVED", "approved_by", "role", "roles", "owner", "aaf_labels", "Approved"]


@pytest.mark.attack(
    "G37", guard="aaf.services.forming:read_submission", without="tests.api.without:believes_the_context"
)
@pytest.mark.parametrize("key", RESERVED)
def test_a_context_that_claims_authority_makes_no_action(world: World, key: str) -> None:
    body = {"action": "mail.send", "params": {"to": "bob@example.org"}, "context": {key: True}}
    response = world.post("agent", "/v1/actions", body)
    assert (response.status_code, response.json()["code"]) == (400, "reserved_context_key")
    assert world.get("agent", "/v1/actions").json()["actions"] == []


def test_whoever_submitted_cannot_approve_though_an_administrator(world: World) -> None:
    action = world.mail("admin")
    response = world.answer("admin", action["id"], "approve")
    assert (response.status_code, response.json()["code"]) == (403, "own_request")
    assert world.answer("approver", action["id"], "approve").json()["status"] == "approved"


@pytest.mark.attack("G40", part="a flood without credentials is aggregated and holds nobody up")
def test_a_flood_without_credentials_is_one_event_and_a_number(world: World) -> None:
    for _ in range(50):
        assert world.get(None, "/v1/actions", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    rows = world.run(world.core.store.events(world.core.installation))
    assert [row.type for row in rows] == ["access.refused"]
    assert world.note()["status"] == "allowed"
    assert all(row.type != "access.refused" for row in world.run(world.core.store.events(world.org)))


@pytest.mark.attack("G40", part="who is unknown is refused before a byte of the body is read")
def test_nobody_reads_the_body_of_a_stranger(world: World) -> None:
    received: list[str] = []
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        received.append("asked")
        return {"type": "http.request", "body": b"{}", "more_body": True}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    for path in ("/v1/actions", "/v1/api-keys"):
        scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [],
            "client": None,
        }
        world.run(cast("Coroutine[Any, Any, None]", world.app(scope, receive, send)))
    assert [message["status"] for message in sent if "status" in message] == [401, 401]
    assert received == []


@pytest.mark.parametrize(
    ("hosts", "source"),
    [
        (("192.0.2.1",), "192.0.2.1"),
        (("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), "2001:db8:1:2::/64"),
        (("fe80::1%eth0",), "fe80::/64"),
        (("::ffff:192.0.2.1",), "192.0.2.1"),
    ],
)
def test_refusals_are_counted_by_address_and_those_of_ipv6_by_network(
    world: World, hosts: tuple[str, ...], source: str
) -> None:
    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError

    async def send(message: MutableMapping[str, Any]) -> None:
        return None

    async def call(host: str) -> None:
        scope = {"type": "http", "method": "POST", "path": "/v1/actions", "query_string": b"", "headers": []}
        await world.app({**scope, "client": (host, 1)}, receive, send)

    for host in hosts:
        world.run(call(host))
    rows = world.run(world.core.store.events(world.core.installation))
    assert [json.loads(row.body)["data"]["source"] for row in rows] == [source]

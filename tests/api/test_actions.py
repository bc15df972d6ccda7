"""One action over HTTP, from submitting to its end."""

import asyncio
from typing import Any

import pytest

from aaf.domain.advice import advise
from aaf.domain.errors import Code
from aaf.domain.states import State
from tests.api.world import World


def _events(world: World, action: str) -> list[str]:
    return [row.type for row in world.run(world.core.store.events_of(world.org, action))]


def test_an_allowed_read_runs_at_once_where_that_was_asked_for(world: World) -> None:
    (world.root / "a.txt").write_text("hello")
    action = world.submit("agent", "files.read", {"path": "a.txt"}, run=True)
    assert action["status"] == "succeeded"
    assert action["result"]["content"] == "hello"
    assert action["outcome"] == {"code": "ok", "source": "connector"}


def test_an_answer_says_what_happened_and_what_to_do_next(world: World) -> None:
    action = world.note()
    advice = advise(State.ALLOWED, Code.RULE)
    assert (action["message"], action["next"]) == (advice.message, advice.next)
    assert (action["created_at"], action["deadline"]) == ("2023-11-14T22:13:20.000000Z", "2023-11-14T22:28:20.000000Z")


@pytest.mark.requirement("R09")
def test_an_agent_is_told_a_code_and_no_rule_while_people_get_the_reasons(world: World) -> None:
    action = world.mail()
    for seen in (action, world.get("agent", f"/v1/actions/{action['id']}").json()):
        assert not {"reasons", "release", "requirements"} & set(seen)
        assert "mail-needs-a-person" not in str(seen)
    explained = world.get("auditor", f"/v1/actions/{action['id']}").json()
    assert [reason["name"] for reason in explained["reasons"]] == ["mail-needs-a-person"]
    assert explained["release"] == 1
    assert explained["requirements"][0]["quorum"] == 1
    assert "reasons" not in world.get("viewer", f"/v1/actions/{action['id']}").json()


def test_a_denied_action_is_an_answer_and_not_a_problem(world: World) -> None:
    action = world.submit("agent", "files.read", {"path": "../outside"})
    assert (action["status"], action["code"]) == ("denied", "path_outside_root")


def test_an_action_of_another_agent_is_not_found_and_not_listed(world: World) -> None:
    action = world.note("agent")
    assert world.get("other", f"/v1/actions/{action['id']}").status_code == 404
    assert world.get("other", "/v1/actions").json()["actions"] == []
    assert [one["id"] for one in world.get("viewer", "/v1/actions").json()["actions"]] == [action["id"]]
    for what in ("execute", "permit", "cancel", "outcome"):
        body: dict[str, Any] = {
            "execute": {"digest": action["digest"]},
            "permit": {"digest": action["digest"], "audience": "tool"},
            "cancel": {},
            "outcome": {"lease": action["id"], "succeeded": True},
        }[what]
        assert world.post("other", f"/v1/actions/{action['id']}/{what}", body).status_code == 404
    assert world.get("other", f"/v1/proof-pack/{action['id']}").status_code == 404


def test_a_list_goes_from_new_to_old_in_pages(world: World) -> None:
    made = [world.note(text=str(number))["id"] for number in range(5)]
    first = world.get("agent", "/v1/actions?limit=2").json()
    second = world.get("agent", f"/v1/actions?limit=2&before={first['next']}").json()
    third = world.get("agent", f"/v1/actions?limit=2&before={second['next']}").json()
    ids = [one["id"] for page in (first, second, third) for one in page["actions"]]
    assert ids == made[::-1]
    assert third["next"] is None
    assert world.get("agent", "/v1/actions?state=denied").json()["actions"] == []


def test_a_permit_is_consumed_and_its_run_reported(world: World) -> None:
    action = world.note(text="say this")
    body = {"digest": action["digest"], "audience": "tool"}
    permit = world.post("agent", f"/v1/actions/{action['id']}/permit", body).json()
    assert permit["token"].count(".") == 2
    assert permit["expires_at"] == "2023-11-14T22:14:20.000000Z"
    consumed = world.post("agent", f"/v1/permits/{permit['jti']}/consume", {"digest": action["digest"]}).json()
    assert (consumed["action"]["status"], consumed["params"]) == ("executing", {"text": "say this"})
    ended = world.post(
        "agent",
        f"/v1/actions/{action['id']}/outcome",
        {"lease": permit["jti"], "succeeded": True, "result": {"said": 1.0}},
    ).json()
    assert (ended["status"], ended["result"], ended["outcome"]["source"]) == ("succeeded", {"said": 1}, "caller")
    again = world.post("agent", f"/v1/actions/{action['id']}/outcome", {"lease": permit["jti"], "succeeded": False})
    assert (again.status_code, again.json()["code"]) == (409, "outcome_conflict")
    assert world.get("agent", f"/v1/actions/{action['id']}").json()["result"] == {"said": 1}


@pytest.mark.attack("G14", guard="aaf.services.execute:usable")
def test_an_approved_write_runs_once(world: World) -> None:
    action = world.submit("agent", "files.write", {"path": "a.txt", "content": "new"})
    assert world.answer("approver", action["id"], "approve").json()["status"] == "approved"
    path, body = f"/v1/actions/{action['id']}/execute", {"digest": action["digest"]}
    assert world.post("agent", path, body).json()["status"] == "succeeded"
    (world.root / "a.txt").write_text("changed since")
    again = world.post("agent", path, body)
    assert (again.status_code, again.json()["code"]) == (409, "already_consumed")
    assert (world.root / "a.txt").read_text() == "changed since"
    assert _events(world, action["id"])[-1] == "execution.refused"


@pytest.mark.attack("G14", guard="aaf.domain.digests:same_digest", without="tests.api.without:says_it_fits")
def test_one_changed_byte_is_another_action(world: World) -> None:
    action = world.submit("agent", "files.write", {"path": "a.txt", "content": "new"})
    world.answer("approver", action["id"], "approve")
    changed = ("0" if action["digest"][0] != "0" else "1") + action["digest"][1:]
    refused = world.post("agent", f"/v1/actions/{action['id']}/execute", {"digest": changed})
    assert (refused.status_code, refused.json()["code"]) == (409, "digest_mismatch")
    assert not (world.root / "a.txt").exists()
    assert _events(world, action["id"])[-1] == "execution.refused"
    other = world.submit("agent", "files.write", {"path": "a.txt", "content": "neW"})
    assert (other["status"], other["id"] != action["id"]) == ("pending_approval", True)


@pytest.mark.attack("G14", part="two callers race for one permit in one process")
def test_two_who_race_for_a_permit_get_one_run(world: World) -> None:
    action = world.note()
    body = {"digest": action["digest"], "audience": "tool"}
    permit = world.post("agent", f"/v1/actions/{action['id']}/permit", body).json()
    path = f"/v1/permits/{permit['jti']}/consume"

    async def race() -> list[int]:
        tries = (world.asend("agent", "POST", path, {"digest": action["digest"]}) for _ in range(8))
        return sorted(response.status_code for response in await asyncio.gather(*tries))

    assert world.run(race()) == [200, *[409] * 7]
    assert _events(world, action["id"]).count("action.executing") == 1


def test_an_action_is_taken_back_and_then_does_not_run(world: World) -> None:
    action = world.note()
    assert world.post("agent", f"/v1/actions/{action['id']}/cancel").json()["status"] == "cancelled"
    body = {"digest": action["digest"], "audience": "tool"}
    late = world.post("agent", f"/v1/actions/{action['id']}/permit", body)
    assert (late.status_code, late.json()["code"]) == (409, "action_closed")
    assert world.post("agent", f"/v1/actions/{action['id']}/cancel").status_code == 409


def test_a_run_without_a_report_is_unknown_until_a_person_closes_it(world: World) -> None:
    action = world.note()
    body = {"digest": action["digest"], "audience": "tool"}
    permit = world.post("agent", f"/v1/actions/{action['id']}/permit", body).json()
    world.post("agent", f"/v1/permits/{permit['jti']}/consume", {"digest": action["digest"]})
    world.clock.advance(3600)
    assert world.get("agent", f"/v1/actions/{action['id']}").json()["status"] == "unknown"
    closed = world.post(
        "admin", f"/v1/actions/{action['id']}/resolve", {"succeeded": False, "reason": "I looked"}
    ).json()
    assert (closed["status"], closed["outcome"]["source"]) == ("failed", "person")


@pytest.mark.requirement("R57")
def test_the_same_submission_twice_is_one_action_as_it_is_now(world: World) -> None:
    headers = {"Idempotency-Key": "one"}
    body = {"action": "note.take", "params": {"text": "x"}}
    first = world.post("agent", "/v1/actions", body, headers=headers)
    world.post("agent", f"/v1/actions/{first.json()['id']}/cancel")
    second = world.post("agent", "/v1/actions", body, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"] == f"/v1/actions/{first.json()['id']}"
    assert second.json()["status"] == "cancelled"


@pytest.mark.requirement("R57")
def test_a_key_used_for_another_body_is_refused_and_another_agents_key_is_its_own(world: World) -> None:
    headers = {"Idempotency-Key": "one"}
    first = world.post("agent", "/v1/actions", {"action": "note.take", "params": {"text": "x"}}, headers=headers)
    changed = {"action": "note.take", "params": {"text": "y"}}
    refused = world.post("agent", "/v1/actions", changed, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_mismatch")
    other = world.post("other", "/v1/actions", changed, headers=headers)
    assert (other.status_code, other.json()["id"] != first.json()["id"]) == (201, True)


def test_an_idempotency_key_given_twice_is_refused(world: World) -> None:
    async def twice() -> int:
        headers = [("Authorization", f"Bearer {world.key('agent')}"), ("Content-Type", "application/json")]
        headers += [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
        response = await world.client.post("/v1/actions", content=b'{"action":"note.take"}', headers=headers)
        return response.status_code

    assert world.run(twice()) == 400


def test_an_agent_beyond_its_rate_is_told_when_to_come_back(world: World) -> None:
    for _ in range(60):
        world.note()
    response = world.post("agent", "/v1/actions", {"action": "note.take", "params": {"text": "x"}})
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert int(response.headers["retry-after"]) == response.json()["retry_after"] >= 1
    assert world.note("other")["status"] == "allowed"

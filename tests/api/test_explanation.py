"""Explanations over HTTP; the shape is held to the OpenAPI document by the world itself."""

import pytest

from tests.api.world import World


@pytest.mark.requirement("R66")
@pytest.mark.parametrize("now", ["", "?now=true"])
def test_a_decision_is_explained_to_who_may(world: World, now: str) -> None:
    for action in (world.mail(), world.note()):
        told = world.get("auditor", f"/v1/actions/{action['id']}/explanation{now}").json()
        assert told["outcome"]["verdict"] == told["recorded"]["verdict"]
        assert told["judged_under"] == ("active" if now else "recorded")
        assert [one["said"] for one in told["rules"]] == ["spoke"]


def test_a_denied_action_is_explained_with_its_faults(world: World) -> None:
    sent = {"action": "mail.send", "params": {"body": "x"}}
    action = world.send("agent", "POST", "/v1/actions", sent).json()
    told = world.get("auditor", f"/v1/actions/{action['id']}/explanation").json()
    assert told["faults"] == [{"path": "$.params.to", "message": "is required"}]


@pytest.mark.parametrize("who", ["agent", "approver", "viewer"])
def test_nobody_else_gets_one(world: World, who: str) -> None:
    response = world.send(who, "GET", f"/v1/actions/{world.note()['id']}/explanation")
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


def test_now_is_a_flag(world: World) -> None:
    response = world.send("auditor", "GET", f"/v1/actions/{world.note()['id']}/explanation?now=perhaps")
    assert (response.status_code, response.json()["code"]) == (400, "wrong_type")

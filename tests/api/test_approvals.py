"""What an approver sees over HTTP, and what their answer does."""

from typing import Any

import pytest

from aaf.adapters.loading import InPlace
from aaf.services.releases import activate
from tests.api.world import World, configuration

LONG = "x" * 5_000


def _text(segments: list[list[Any]]) -> str:
    return "".join(segment[1] for segment in segments)


def _params(approval: dict[str, Any]) -> dict[str, str]:
    return {_text(row["path"]): _text(row["segments"]) for row in approval["view"]["params"]}


@pytest.mark.requirement("R36")
@pytest.mark.attack("G12", part="targets and parameters are shown, only what the catalogue declares secret is not")
def test_a_reviewer_sees_the_target_and_every_value_but_the_declared_secret(world: World) -> None:
    action = world.mail(body="Hello Bob", password="hunter2")
    response = world.get("approver", f"/v1/approvals/{action['id']}")
    approval = response.json()
    assert approval["type"] == "mail.send"
    assert approval["agent"] == {"id": world.id("agent"), "name": "agent"}
    assert _params(approval) == {
        "params.to": "bob@example.org",
        "params.body": "Hello Bob",
        "params.password": "(secret)",
    }
    assert "hunter2" not in response.text
    assert (approval["may_review"], approval["may_not_because"]) == (True, None)


@pytest.mark.requirement("R36")
def test_a_held_write_is_shown_with_its_diff(world: World) -> None:
    (world.root / "a.txt").write_text("old\n")
    action = world.submit("agent", "files.write", {"path": "a.txt", "content": "new\n"})
    effect = world.get("approver", f"/v1/approvals/{action['id']}").json()["view"]["effect"]
    lines = [_text(line) for line in effect["diff"]]
    assert "-old" in lines
    assert "+new" in lines


@pytest.mark.attack("G11", guard="aaf.services.review:_check_opened")
def test_a_long_value_is_opened_before_it_is_approved(world: World) -> None:
    action = world.mail(body=LONG)
    approval = world.get("approver", f"/v1/approvals/{action['id']}").json()
    assert approval["long_values"] == 1
    assert LONG not in str(approval)
    refused = world.answer("approver", action["id"], "approve")
    assert (refused.status_code, refused.json()["code"]) == (409, "unopened_values")
    opened = world.post("approver", f"/v1/approvals/{action['id']}/values/0/open").json()
    assert (_text(opened["segments"]), opened["length"], opened["opened"]) == (LONG, len(LONG), True)
    assert world.get("approver", f"/v1/approvals/{action['id']}").json()["opened"] == [0]
    assert world.answer("approver", action["id"], "approve").json()["status"] == "approved"


def test_a_value_that_is_not_there_is_not_found(world: World) -> None:
    action = world.mail()
    for index in ("0", "7", "-1", "one", "99999999999999999999"):
        path = f"/v1/approvals/{action['id']}/values/{index}/open"
        assert world.post("approver", path).status_code == 404


def test_an_answer_to_another_view_or_other_bytes_counts_for_nothing(world: World) -> None:
    action = world.mail()
    seen = world.get("approver", f"/v1/approvals/{action['id']}").json()
    good = {"verdict": "approve", "digest": seen["digest"], "view_digest": seen["view_digest"]}
    for changed, code in (({"digest": "0" * 64}, "digest_mismatch"), ({"view_digest": "0" * 64}, "view_changed")):
        response = world.post("approver", f"/v1/approvals/{action['id']}/reviews", {**good, **changed})
        assert (response.status_code, response.json()["code"]) == (409, code)
    assert world.get("agent", f"/v1/actions/{action['id']}").json()["status"] == "pending_approval"


@pytest.mark.requirement("R36")
def test_a_rejection_needs_a_reason_and_the_agent_gets_it(world: World) -> None:
    action = world.mail()
    refused = world.answer("approver", action["id"], "reject")
    assert (refused.status_code, refused.json()["code"]) == (400, "reason_required")
    assert world.answer("approver", action["id"], "reject", "Wrong Bob").json()["status"] == "rejected"
    seen = world.get("agent", f"/v1/actions/{action['id']}").json()
    assert (seen["status"], seen["rejection"]) == ("rejected", "Wrong Bob")


def test_who_answers_second_is_told(world: World) -> None:
    action = world.mail()
    assert world.answer("approver", action["id"], "approve").status_code == 200
    second = world.answer("admin", action["id"], "reject", "No")
    assert (second.status_code, second.json()["code"]) == (409, "already_decided")
    reviews = world.get("auditor", f"/v1/approvals/{action['id']}").json()["reviews"]
    assert [(review["reviewer"]["name"], review["verdict"]) for review in reviews] == [("approver", "approve")]


def test_what_waits_is_listed_in_pages_until_its_time_is_over(world: World) -> None:
    made = [world.mail()["id"] for _ in range(3)]
    first = world.get("approver", "/v1/approvals?limit=2").json()
    second = world.get("approver", f"/v1/approvals?limit=2&before={first['next']}").json()
    assert [one["id"] for one in first["approvals"] + second["approvals"]] == made[::-1]
    world.clock.advance(3600)
    assert world.get("approver", "/v1/approvals").json()["approvals"] == []
    assert world.get("agent", f"/v1/actions/{made[0]}").json()["status"] == "expired"


def test_a_page_whose_time_is_over_does_not_hide_what_is_older(world: World) -> None:
    older = world.mail()["id"]
    held = b"decision: require_approval\n    approval: {approvers: [role:approver], quorum: 1, timeout: 5m}\n"
    files = configuration()
    files["aaf.yaml"] = files["aaf.yaml"].replace(b"decision: allow\n    reason: Nobody", held + b"    reason: Nobody")
    world.run(
        activate(
            world.core.store, world.core.ids, InPlace(), org=world.org, files=files, author="system", message="test"
        )
    )
    over = [world.note()["id"] for _ in range(2)]
    world.clock.advance(301)
    first = world.get("approver", "/v1/approvals?limit=2").json()
    assert first == {"approvals": [], "next": over[0]}
    second = world.get("approver", f"/v1/approvals?limit=2&before={first['next']}").json()
    assert [one["id"] for one in second["approvals"]] == [older]


def test_an_approval_says_how_many_count_for_each_of_its_requirements(world: World) -> None:
    action = world.mail()["id"]
    assert world.get("auditor", f"/v1/approvals/{action}").json()["approved"] == [0]
    world.answer("approver", action, "approve")
    assert world.get("auditor", f"/v1/approvals/{action}").json()["approved"] == [1]


def test_an_action_that_was_never_held_is_no_approval(world: World) -> None:
    assert world.get("approver", f"/v1/approvals/{world.note()['id']}").status_code == 404


def test_an_auditor_is_told_why_they_may_not_review(world: World) -> None:
    action = world.mail()
    approval = world.get("auditor", f"/v1/approvals/{action['id']}").json()
    assert (approval["may_review"], approval["may_not_because"]) == (False, "permission_denied")

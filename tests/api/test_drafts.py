"""Drafts over HTTP: nobody is judged by one; saved by version; activated on top of the release that they began from, or rebased."""

from typing import Any

import pytest
from httpx2 import Response

from tests.api.test_configuration import ALLOW, DENY, PATH, UNREAD, etag, events, put, texts
from tests.api.world import World

DRAFTS = f"{PATH}/drafts"


def begin(world: World, *changes: tuple[str, str], message: str = "A draft") -> dict[str, Any]:
    made = world.post("admin", DRAFTS, {"files": {"aaf.yaml": texts(*changes)["aaf.yaml"]}, "message": message})
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"{DRAFTS}/{made.json()['id']}"
    return dict(made.json())


def call(
    world: World, method: str, draft: dict[str, Any], part: str = "", body: object = None, *, match: str | None = None
) -> Response:
    """Ask about a draft, on top of the version that is known."""
    headers = {"If-Match": f'"{match or draft["etag"]}"'}
    return world.send("admin", method, f"{DRAFTS}/{draft['id']}{part}", body, headers=headers)


def test_a_draft_judges_nobody_until_it_is_activated_and_is_gone_then(world: World) -> None:
    draft = begin(world, (ALLOW, DENY), message="No more notes")
    assert (draft["version"], draft["base"], draft["author"]["name"]) == (1, 1, "admin")
    assert world.note()["status"] == "allowed"
    done = call(world, "POST", draft, "/activate", {})
    assert (done.status_code, done.json()["release"], done.json()["message"]) == (200, 2, "No more notes")
    assert done.headers["etag"] == etag(world)
    assert world.note()["status"] == "denied"
    assert world.get("admin", DRAFTS).json()["drafts"] == []
    assert events(world, "configuration.activated")[-1]["data"]["draft"] == draft["id"]


def test_a_draft_may_be_wrong_and_its_comparison_says_how(world: World) -> None:
    draft = begin(world, (ALLOW, UNREAD))
    compared = world.get("admin", f"{DRAFTS}/{draft['id']}/diff").json()
    assert (compared["valid"], len(compared["problems"])) == (False, 1)
    assert compared["changes"]["files"][0]["name"] == "aaf.yaml"
    refused = call(world, "POST", draft, "/activate", {})
    assert (refused.status_code, refused.json()["code"]) == (400, "configuration_invalid")
    assert world.get("admin", f"{DRAFTS}/{draft['id']}").json()["version"] == 1


def test_each_save_is_made_on_the_version_that_was_read(world: World) -> None:
    draft = begin(world, (ALLOW, DENY))
    saved = call(world, "PUT", draft, body={"files": texts((ALLOW, DENY), ("quorum: 1", "quorum: 2"))})
    assert (saved.status_code, saved.json()["version"], saved.json()["message"]) == (200, 2, "A draft")
    again = call(world, "PUT", draft, body={"files": texts(("quorum: 1", "quorum: 3"))})
    body = again.json()
    assert (again.status_code, body["code"], body["etag"]) == (409, "draft_conflict", "2")
    assert "quorum: 3" in body["changes"]["files"][0]["diff"]
    assert world.get("admin", f"{DRAFTS}/{draft['id']}").json()["files"] == saved.json()["files"]
    edited = call(
        world, "PATCH", saved.json(), body={"files": {"actions/note.take.yaml": None}, "message": "Without notes"}
    )
    assert (edited.json()["version"], edited.json()["message"]) == (3, "Without notes")
    assert "actions/note.take.yaml" not in edited.json()["files"]
    assert [one["data"]["version"] for one in events(world, "configuration.draft_saved")] == [1, 2, 3]


@pytest.mark.parametrize(
    ("method", "part"), [("PUT", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/rebase"), ("POST", "/activate")]
)
def test_every_change_of_a_draft_names_its_version(world: World, method: str, part: str) -> None:
    draft = begin(world)
    body: Any = {"files": {}} if method in {"PUT", "PATCH"} else None if method == "DELETE" else {}
    address = f"{DRAFTS}/{draft['id']}{part}"
    assert world.send("admin", method, address, body).status_code == 428
    late = call(world, method, draft, part, body, match="7")
    assert (late.status_code, late.json()["code"]) == (409, "draft_conflict")
    assert world.get("admin", f"{DRAFTS}/{draft['id']}").json() == draft


def test_a_discarded_draft_is_gone(world: World) -> None:
    draft = begin(world)
    assert call(world, "DELETE", draft).json() == {"id": draft["id"], "discarded": True}
    assert world.get("admin", f"{DRAFTS}/{draft['id']}").status_code == 404
    assert len(events(world, "configuration.draft_discarded")) == 1


@pytest.mark.attack("G34", guard="aaf.services.drafts:_check_base")
def test_a_draft_of_a_release_that_is_over_is_not_activated_until_it_is_rebased(world: World) -> None:
    draft = begin(world, (ALLOW, DENY))
    note = texts()["actions/note.take.yaml"].replace("risk: low", "risk: medium")
    put(world, {**texts(), "actions/note.take.yaml": note})
    refused = call(world, "POST", draft, "/activate", {})
    body = refused.json()
    assert (refused.status_code, body["code"]) == (409, "configuration_conflict")
    assert [one["name"] for one in body["changes"]["files"]] == ["actions/note.take.yaml"]
    assert "rebase" in body["hint"].lower()
    rebased = call(world, "POST", draft, "/rebase", {})
    assert (rebased.status_code, rebased.json()["base"], rebased.json()["version"]) == (200, 2, 2)
    assert rebased.json()["files"] == {**texts((ALLOW, DENY)), "actions/note.take.yaml": note}
    assert call(world, "POST", rebased.json(), "/activate", {}).json()["release"] == 3


def test_a_file_that_both_sides_changed_is_a_conflict_that_a_person_resolves(world: World) -> None:
    draft = begin(world, (ALLOW, DENY))
    put(world, texts(("quorum: 1", "quorum: 2")))
    refused = call(world, "POST", draft, "/rebase", {})
    body = refused.json()
    assert (refused.status_code, body["code"]) == (409, "rebase_conflict")
    assert [one["name"] for one in body["changes"]["files"]] == ["aaf.yaml"]
    assert "+approvals:" in body["changes"]["files"][0]["diff"]
    both = texts((ALLOW, DENY), ("quorum: 1", "quorum: 2"))["aaf.yaml"]
    rebased = call(world, "POST", draft, "/rebase", {"files": {"aaf.yaml": both}})
    assert (rebased.status_code, rebased.json()["files"]["aaf.yaml"]) == (200, both)


def test_a_draft_that_changes_nothing_is_forgotten_without_a_release(world: World) -> None:
    done = call(world, "POST", begin(world), "/activate", {})
    assert (done.json()["new"], done.json()["release"]) == (False, 1)
    assert world.get("admin", DRAFTS).json()["drafts"] == []


def test_others_read_drafts_and_write_none(world: World) -> None:
    draft = begin(world)
    assert world.get("auditor", DRAFTS).json()["drafts"][0]["id"] == draft["id"]
    refused = world.send("auditor", "DELETE", f"{DRAFTS}/{draft['id']}", headers={"If-Match": '"1"'})
    assert refused.status_code == 403

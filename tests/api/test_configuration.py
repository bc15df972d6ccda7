"""The configuration over HTTP: validated with feedback, changed on top of what was read, compared, rolled back, and recorded."""

import asyncio
import json
from typing import Any

import pytest
from httpx2 import Response

from aaf.domain.record import ManagedBy
from aaf.services.releases import activate
from tests.api.world import World, configuration

PATH = "/v1/configuration"
ALLOW = "    decision: allow\n    reason: Nobody minds a note\n"
DENY = "    decision: deny\n    reason: Notes are over\n"
UNREAD = ALLOW + "    unles: {role: admin}\n"
MAYBE = "    decision: maybe\n    reason: Nobody minds a note\n"


def texts(*changes: tuple[str, str]) -> dict[str, str]:
    """The world's files, with parts of aaf.yaml replaced."""
    files = {name: data.decode() for name, data in configuration().items()}
    for old, new in changes:
        assert old in files["aaf.yaml"]
        files["aaf.yaml"] = files["aaf.yaml"].replace(old, new)
    return files


def etag(world: World) -> str:
    return str(world.get("admin", PATH).headers["etag"])


def put(world: World, files: dict[str, str], *, match: str | None = None, **more: object) -> Response:
    return world.send(
        "admin", "PUT", PATH, {"files": files, **more}, headers={"If-Match": etag(world) if match is None else match}
    )


def events(world: World, kind: str) -> list[dict[str, Any]]:
    rows = world.run(world.core.store.events(world.org))
    return [json.loads(row.body) for row in rows if row.type == kind]


def test_it_is_read_as_it_was_written_with_its_tag(world: World) -> None:
    read = world.get("auditor", PATH)
    body = read.json()
    assert body["files"] == texts()
    assert (body["release"], body["managed_by"], body["has_files"]) == (1, "api", True)
    assert read.headers["etag"] == f'"{body["etag"]}"'
    assert body["counts"]["rules"] > 2
    assert body["author"] == {"id": "system", "name": "system"}


def test_yaml_is_the_text_with_its_comments(world: World) -> None:
    read = world.get("auditor", PATH, headers={"Accept": "application/yaml"})
    assert (read.headers["content-type"], read.text) == ("application/yaml", texts()["aaf.yaml"])
    assert read.headers["etag"] == etag(world)
    assert "#" in read.text


@pytest.mark.requirement("R38")
def test_a_change_is_in_effect_at_once_and_stands_in_the_history(world: World) -> None:
    assert world.note()["status"] == "allowed"
    done = put(world, texts((ALLOW, DENY)), message="No more notes")
    assert (done.status_code, done.json()["release"], done.json()["new"]) == (200, 2, True)
    assert world.note()["status"] == "denied"
    newest = world.get("auditor", f"{PATH}/releases").json()["releases"][0]
    assert (newest["release"], newest["message"], newest["author"]["name"]) == (2, "No more notes", "admin")
    (first, second) = events(world, "configuration.activated")
    assert (first["actor"], second["actor"]) == ("system", f"user:{world.id('admin')}")
    assert second["data"]["release"] == 2


def test_what_differs_in_nothing_is_no_new_release(world: World) -> None:
    done = put(world, texts())
    assert (done.status_code, done.json()["release"], done.json()["new"]) == (200, 1, False)
    assert len(events(world, "configuration.activated")) == 1


@pytest.mark.requirement("R38")
@pytest.mark.attack("G02", guard="aaf.policy.reading:Section.close")
def test_a_broken_configuration_is_told_with_places_and_changes_nothing(world: World) -> None:
    refused = put(world, texts((ALLOW, UNREAD)))
    body = refused.json()
    assert (refused.status_code, body["code"]) == (400, "configuration_invalid")
    (problem,) = body["problems"]
    assert (problem["file"], problem["line"] > 1, problem["column"] > 1) == ("aaf.yaml", True, True)
    assert "unles" in problem["message"]
    assert problem["hint"]
    assert world.note()["status"] == "allowed"
    assert etag(world).startswith('"1-')
    (event,) = events(world, "configuration.refused")
    assert event["data"] == {"code": "configuration_invalid", "problems": 1}
    assert event["actor"] == f"user:{world.id('admin')}"


def test_validating_writes_nothing_and_says_what_would_change(world: World) -> None:
    before = world.run(world.core.store.head(world.org)).size
    checked = world.post("admin", f"{PATH}/validate", {"files": texts((ALLOW, DENY))}).json()
    assert (checked["valid"], checked["problems"]) == (True, [])
    assert checked["changes"]["parts"]["rules"]["changed"] == ["notes-are-harmless"]
    (changed,) = checked["changes"]["files"]
    assert "+    decision: deny\n" in changed["diff"]
    assert (changed["added"], changed["removed"]) == (2, 2)
    broken = world.post("admin", f"{PATH}/validate", {"files": texts((ALLOW, MAYBE))}).json()
    assert (broken["valid"], broken["counts"], broken["changes"]["parts"]) == (False, None, None)
    assert [one["file"] for one in broken["problems"]] == ["aaf.yaml"]
    assert world.run(world.core.store.head(world.org)).size == before


@pytest.mark.requirement("R38")
def test_a_change_that_names_nothing_it_begins_from_is_refused_and_recorded(world: World) -> None:
    refused = world.send("admin", "PUT", PATH, {"files": texts((ALLOW, DENY))})
    assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")
    assert [event["data"]["code"] for event in events(world, "configuration.refused")] == ["precondition_required"]
    assert etag(world).startswith('"1-')


@pytest.mark.parametrize("match", ["1", "*", 'W/"1-0"', '"1-0", "2-0"', '"x"', '""', '"1-0'])
def test_an_if_match_that_is_none_is_refused(world: World, match: str) -> None:
    refused = put(world, texts((ALLOW, DENY)), match=match)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")


@pytest.mark.requirement("R38")
@pytest.mark.attack("G34", guard="aaf.services.enacting:expect")
def test_the_second_writer_gets_a_conflict_with_what_the_first_changed(world: World) -> None:
    began = etag(world)
    assert put(world, texts((ALLOW, DENY)), match=began).status_code == 200
    refused = put(world, texts(("quorum: 1", "quorum: 2")), match=began)
    body = refused.json()
    assert (refused.status_code, body["code"]) == (409, "configuration_conflict")
    assert refused.headers["etag"] == f'"{body["etag"]}"' == etag(world)
    assert (body["changes"]["old"], body["changes"]["new"]) == (1, 2)
    assert "+    reason: Notes are over\n" in body["changes"]["files"][0]["diff"]
    assert body["changes"]["parts"]["rules"]["changed"] == ["notes-are-harmless"]
    assert world.get("admin", PATH).json()["files"] == texts((ALLOW, DENY))
    assert [event["data"]["code"] for event in events(world, "configuration.refused")] == ["configuration_conflict"]


def test_a_tag_of_another_installation_is_a_conflict_even_with_the_same_number(world: World) -> None:
    refused = put(world, texts((ALLOW, DENY)), match='"1-0123456789abcdef"')
    body = refused.json()
    assert (refused.status_code, body["changes"]["old"], body["changes"]["parts"]) == (409, None, None)
    assert {one["change"] for one in body["changes"]["files"]} == {"added"}


@pytest.mark.requirement("R38")
@pytest.mark.attack("G34", guard="aaf.services.enacting:expect")
def test_of_two_writers_at_once_one_wins_and_nothing_acknowledged_is_lost(world: World) -> None:
    acknowledged: list[str] = []

    async def rounds() -> None:
        for number in range(20):
            tag = (await world.asend("admin", "GET", PATH)).headers["etag"]
            named = [f"round {number} writer {writer}" for writer in "ab"]
            files = [texts(("Nobody minds a note", name)) for name in named]
            answers = await asyncio.gather(
                *(
                    world.asend("admin", "PUT", PATH, {"files": one, "message": name}, headers={"If-Match": tag})
                    for one, name in zip(files, named, strict=True)
                )
            )
            assert sorted(one.status_code for one in answers) == [200, 409]
            won = next(place for place, one in enumerate(answers) if one.status_code == 200)
            acknowledged.append(files[won]["aaf.yaml"])
            assert named[won] in str(answers[1 - won].json()["changes"]["files"])

    world.run(rounds())
    kept = [world.get("auditor", f"{PATH}/releases/{number}").json()["files"]["aaf.yaml"] for number in range(2, 22)]
    assert kept == acknowledged


def test_single_files_are_patched_and_what_is_not_named_stays(world: World) -> None:
    note = texts()["actions/note.take.yaml"]
    other = note.replace("note.take", "note.tear")
    edit = {"files": {"actions/note.tear.yaml": other}, "message": "Tear notes"}
    done = world.send("admin", "PATCH", PATH, edit, headers={"If-Match": etag(world)})
    assert done.status_code == 200, done.text
    assert world.get("admin", PATH).json()["files"] == {**texts(), "actions/note.tear.yaml": other}
    gone = world.send(
        "admin", "PATCH", PATH, {"files": {"actions/note.tear.yaml": None}}, headers={"If-Match": etag(world)}
    )
    assert (gone.status_code, gone.json()["release"]) == (200, 3)
    assert world.get("admin", PATH).json()["files"] == texts()


@pytest.mark.requirement("R38")
def test_going_back_is_a_new_release_of_the_old_files(world: World) -> None:
    put(world, texts((ALLOW, DENY)))
    back = world.post(
        "admin", f"{PATH}/rollback", {"release": 1, "message": "sorry"}, headers={"If-Match": etag(world)}
    )
    assert (back.status_code, back.json()["release"]) == (200, 3)
    assert back.json()["message"] == "Roll back to release 1: sorry"
    assert world.note()["status"] == "allowed"
    assert events(world, "configuration.activated")[-1]["data"]["back_to"] == 1
    missing = world.post("admin", f"{PATH}/rollback", {"release": 9}, headers={"If-Match": etag(world)})
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_releases_are_compared_and_paged(world: World) -> None:
    put(world, texts((ALLOW, DENY)))
    put(world, texts((ALLOW, DENY), ("quorum: 1", "quorum: 2")))
    changes = world.get("auditor", f"{PATH}/releases/1/diff/3").json()
    assert (changes["old"], changes["new"], [one["name"] for one in changes["files"]]) == (1, 3, ["aaf.yaml"])
    assert set(changes["parts"]) == {"approvals", "rules"}
    assert changes["parts"]["approvals"]["changed"] == ["quorum"]
    first = world.get("auditor", f"{PATH}/releases?limit=2").json()
    assert ([one["release"] for one in first["releases"]], first["next"]) == ([3, 2], 2)
    rest = world.get("auditor", f"{PATH}/releases?limit=2&before=2").json()
    assert ([one["release"] for one in rest["releases"]], rest["next"]) == ([1], None)


@pytest.mark.requirement("R38")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "", {"files": texts((ALLOW, DENY))}),
        ("PATCH", "", {"files": {"aaf.yaml": None}}),
        ("POST", "/rollback", {"release": 1}),
        ("POST", "/drafts", {}),
    ],
    ids=["PUT", "PATCH", "rollback", "draft"],
)
def test_what_a_folder_manages_is_not_written_over_the_api(
    world: World, method: str, path: str, body: dict[str, Any]
) -> None:
    files = {name: text.encode() for name, text in texts(("quorum: 1", "quorum: 2")).items()}
    core = world.core
    world.run(activate(core.store, core.ids, core.loader, org=world.org, files=files, author="system", message="x"))
    assert world.get("admin", PATH).json()["managed_by"] == ManagedBy.FILE
    refused = world.send("admin", method, PATH + path, body, headers={"If-Match": etag(world)})
    assert (refused.status_code, refused.json()["code"]) == (409, "managed_by_file")
    assert "aaf serve --config" in refused.json()["hint"]
    assert [event["data"]["code"] for event in events(world, "configuration.refused")] == ["managed_by_file"]


@pytest.mark.parametrize(
    "name",
    ["../aaf.yaml", "/etc/passwd", "actions/../x.yaml", ".hidden", "actions/.x.yaml", "a\nb", "a/b/c/d/e/f.yaml", ""],
)
def test_names_that_no_folder_could_hold_are_refused(world: World, name: str) -> None:
    refused = put(world, {**texts(), name: "x"})
    assert (refused.status_code, refused.json()["code"]) == (400, "configuration_invalid")
    assert refused.json()["problems"][0]["message"] == "this is no name of a file"


def test_a_credential_in_a_file_or_a_message_is_refused_with_its_place(world: World) -> None:
    token = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    refused = put(world, texts(("version: 1", f"version: 1\n# {token}")))
    assert (refused.status_code, token in refused.text) == (400, False)
    (problem,) = refused.json()["problems"]
    assert (problem["file"], problem["column"]) == ("aaf.yaml", 3)
    assert "aaf secrets set" in problem["hint"]
    said = put(world, texts((ALLOW, DENY)), message=f"use {token}")
    assert (said.status_code, said.json()["code"], token in said.text) == (400, "secret_detected", False)


def test_a_message_is_text_that_can_be_printed(world: World) -> None:
    refused = put(world, texts((ALLOW, DENY)), message="a\x1b[31mb")
    assert (refused.status_code, refused.json()["path"]) == (400, "$.message")


def test_a_large_body_is_taken_from_those_who_may_write_and_from_nobody_else(world: World) -> None:
    filler = "# " + "x" * 700_000
    files = {
        **texts(),
        "aaf.yaml": texts()["aaf.yaml"] + filler,
        "actions/note.take.yaml": texts()["actions/note.take.yaml"] + filler,
    }
    assert put(world, files).status_code == 200
    too_much = world.send("auditor", "PUT", PATH, {"files": files}, headers={"If-Match": etag(world)})
    assert (too_much.status_code, too_much.json()["code"]) == (413, "body_too_large")
    beyond = put(world, {**files, "actions/x.yaml": filler})
    assert (beyond.status_code, beyond.json()["code"]) == (413, "body_too_large")


@pytest.mark.requirement("R38")
def test_an_agent_that_tries_is_refused_and_that_is_recorded(world: World) -> None:
    for _ in range(3):
        refused = world.send("agent", "PUT", PATH, {"files": texts((ALLOW, DENY))}, headers={"If-Match": etag(world)})
        assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    (event,) = events(world, "access.refused")
    assert event["data"] == {"code": "permission_denied", "source": f"agent:{world.id('agent')}"}


def test_policies_are_listed_with_where_they_stand(world: World) -> None:
    listed = world.get("auditor", "/v1/policies").json()
    lines = texts()["aaf.yaml"].splitlines()
    assert {one["name"] for one in listed["rules"]} >= {"mail-needs-a-person", "notes-are-harmless"}
    for rule in listed["rules"]:
        assert rule["file"] == "aaf.yaml"
        assert lines[rule["line"] - 1].strip() == f"- name: {rule['name']}"
    assert listed["modules"] == []


MODULE = """package aaf.policies.notes

default decision := {"action": "allow", "reason": "Nothing against it."}

decision := {"action": "deny", "reason": "No shouting."} if {
    input.tool == "note"
    input.params.text == upper(input.params.text)
}
"""


def module(world: World, method: str, body: dict[str, str] | None = None, *, name: str = "notes") -> Response:
    return world.send("admin", method, f"/v1/policies/{name}", body, headers={"If-Match": etag(world)})


def test_a_policy_module_is_written_read_and_removed_alone(world: World) -> None:
    written = module(world, "PUT", {"text": MODULE})
    assert (written.status_code, written.json()["message"]) == (200, "Write policy module notes"), written.text
    read = world.get("auditor", "/v1/policies/notes").json()
    assert (read["text"], read["file"], read["package"]) == (MODULE, "policies/notes.rego", "aaf.policies.notes")
    (listed,) = world.get("auditor", "/v1/policies").json()["modules"]
    assert listed["name"] == "notes"
    assert world.get("admin", PATH).json()["files"] == {**texts(), "policies/notes.rego": MODULE}
    gone = module(world, "DELETE")
    assert (gone.status_code, gone.json()["release"], gone.json()["counts"]["modules"]) == (200, 3, 0)
    assert module(world, "DELETE").status_code == 404


def test_a_broken_policy_module_is_refused_with_its_line(world: World) -> None:
    refused = module(world, "PUT", {"text": MODULE.replace("upper(", "shout(")})
    (problem,) = refused.json()["problems"]
    assert (refused.status_code, problem["file"], problem["line"]) == (400, "policies/notes.rego", 7)
    assert "shout" in problem["message"]


def test_a_policy_module_is_changed_only_on_top_of_what_was_read(world: World) -> None:
    began = etag(world)
    put(world, texts((ALLOW, DENY)))
    for method, body in (("PUT", {"text": MODULE}), ("DELETE", None)):
        refused = world.send("admin", method, "/v1/policies/notes", body, headers={"If-Match": began})
        assert (refused.status_code, refused.json()["code"]) == (409, "configuration_conflict")


@pytest.mark.requirement("R37")
def test_what_needs_approval_by_whom_and_how_long_is_set_over_the_api_for_all_and_for_one_rule(world: World) -> None:
    approvals = "approvals: {approvers: [role:approver, role:admin], quorum: 1, timeout: 15m, reason_required: false}"
    for_all = "approvals: {approvers: [role:admin], quorum: 2, timeout: 5m, reason_required: true, on_timeout: deny}"
    held = "    decision: require_approval\n    reason: Mail leaves the house\n"
    for_one = held + "    approval: {approvers: [role:approver], quorum: 1, timeout: 60s}\n"
    asked = ALLOW.replace("allow", "require_approval")
    assert put(world, texts((approvals, for_all), (held, for_one), (ALLOW, asked))).status_code == 200
    note, mail = world.note(), world.mail()
    seen = {one["id"]: one for one in world.get("approver", "/v1/approvals").json()["approvals"]}
    wanted = {"approvers": ["role:admin"], "quorum": 2, "reason_required": True, "timeout": 300}
    assert seen[note["id"]]["requirements"] == [wanted]
    assert seen[mail["id"]]["requirements"] == [
        {"approvers": ["role:approver"], "quorum": 1, "reason_required": True, "timeout": 60}
    ]
    world.clock.advance(61)
    assert world.get("agent", f"/v1/actions/{mail['id']}").json()["code"] == "not_answered_in_time"
    assert world.get("agent", f"/v1/actions/{note['id']}").json()["status"] == "pending_approval"

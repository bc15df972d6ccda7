import json

import pytest

from aaf.entrypoints.cli.approvals import _check
from aaf.entrypoints.cli.terminal.stopping import Stopped
from tests.cli.conftest import Scene, run

LONG = "echo " + "a" * 5_000 + " && rm -rf /"


@pytest.mark.requirement("R36")
def test_a_held_action_is_listed_and_shown_with_type_resource_and_parameters(scene: Scene) -> None:
    action = scene.asks("files.write", {"path": "notes/today.txt", "content": "new\n"})
    listed = scene.aaf("approvals", "list")
    shown = scene.aaf("approvals", "show", str(action["id"]))
    assert listed.status == shown.status == 0
    assert "files.write" in listed.out
    for expected in (
        "The agent builder asks for files.write on notes/today.txt",
        "risk high",
        "changes-need-a-person",
        "| -Monday: write the report",
        "| +new",
        "| params.path",
        "0 of 1 approved: role:approver, role:admin",
        str(action["digest"]),
    ):
        assert expected in shown.out


@pytest.mark.requirement("R36")
def test_an_approval_by_a_script_names_the_digest_and_goes_through(scene: Scene) -> None:
    action = scene.holds("ls")
    ended = scene.aaf("approvals", "approve", action, "--yes", "--digest", scene.digest(action))
    assert (ended.status, ended.out) == (0, f"{action} is approved\n")


@pytest.mark.requirement("R36")
def test_a_rejection_stops_the_action_and_its_reason_reaches_the_agent(scene: Scene) -> None:
    action = scene.holds("reboot")
    ended = scene.aaf("approvals", "reject", action, "--reason", "Not on a Friday.")
    assert (ended.status, ended.out) == (0, f"{action} is rejected\n")
    told = scene.aaf("actions", "show", action, who="builder")
    assert "Not on a Friday." in told.out


def test_another_digest_is_refused_before_anything_is_sent(scene: Scene) -> None:
    action = scene.holds("ls -l")
    ended = scene.aaf("approvals", "approve", action, "--yes", "--digest", "0" * 64)
    assert ended.status == 1
    assert ended.err.startswith("digest_mismatch: ")
    assert "What to do: " in ended.err
    assert "pending_approval" in scene.aaf("actions", "show", action).out


def test_yes_without_a_digest_is_refused(scene: Scene) -> None:
    ended = scene.aaf("approvals", "approve", scene.holds("ls"), "--yes")
    assert ended.status == 2
    assert ended.err.startswith("digest_required: ")


def test_approving_without_a_terminal_asks_nobody_and_sends_nothing(scene: Scene) -> None:
    action = scene.holds("ls")
    ended = scene.aaf("approvals", "approve", action)
    assert ended.status == 2
    assert "nobody_to_ask: " in ended.err
    assert "pending_approval" in scene.aaf("actions", "show", action).out


def test_a_long_value_has_to_be_opened_before_approving(scene: Scene) -> None:
    action = scene.holds(LONG)
    shown = scene.aaf("approvals", "show", action)
    assert "characters hidden: open value 0 to approve" in shown.out
    assert "rm -rf" not in shown.out
    answer = ("approvals", "approve", action, "--yes", "--digest", scene.digest(action))
    refused = scene.aaf(*answer)
    assert refused.status == 1
    assert refused.err.startswith("unopened_values: ")
    assert f"aaf approvals show {action} --open 0" in refused.err
    opened = scene.aaf("approvals", "show", action, "--open", "0")
    assert LONG in opened.out
    assert scene.aaf(*answer).status == 0


def test_who_may_not_answer_is_told_so(scene: Scene) -> None:
    action = scene.holds("ls")
    agent = scene.aaf("approvals", "approve", action, "--yes", "--digest", scene.digest(action), who="builder")
    viewer = scene.aaf("approvals", "list", who="eve")
    assert agent.status == viewer.status == 1
    assert "permission_denied: " in agent.err
    assert "permission_denied: " in viewer.err
    assert "If this is an agent's key, use a person's;" in agent.err


def test_a_key_of_another_installation_is_refused_with_advice_for_a_terminal(scene: Scene) -> None:
    for key in ("aaf_live_x", scene.keys["ada"][:-1] + ("0" if scene.keys["ada"][-1] != "0" else "1")):
        ended = run("approvals", "list", AAF_URL=scene.stage.url, AAF_API_KEY=key)
        assert ended.status == 1
        assert ended.err.startswith("invalid_credential: ")
        assert "another installation" in ended.err
        assert "Authorization" not in ended.err


def test_a_part_of_an_id_is_enough_where_only_one_has_it(scene: Scene) -> None:
    action = scene.holds("date")
    listed = scene.aaf("approvals", "list")
    short = listed.out.splitlines()[1].split()[0]
    assert action.endswith(short)
    assert action in scene.aaf("approvals", "show", short).out
    several = scene.aaf("approvals", "show", "0")
    nobody = scene.aaf("approvals", "show", "zzzz")
    assert (several.status, nobody.status) == (2, 1)
    assert several.err.startswith("not_unique: ")
    assert nobody.err.startswith("not_found: ")


def test_json_holds_what_the_api_answered(scene: Scene) -> None:
    action = scene.holds("date")
    listed = json.loads(scene.aaf("approvals", "list", "--json").out)
    shown = json.loads(scene.aaf("approvals", "show", action, "--json").out)
    assert listed[0]["id"] == shown["id"] == action
    assert shown["view"]["params"][0]["segments"] == [["text", "date", None]]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("own_request", "Ask another reviewer."),
        ("permission_denied", "Use the key of a person who may review."),
        ("reviewer_not_eligible", "Leave it to one of them."),
        ("unheard_of", "Use the key of a person who may review."),
    ],
)
def test_whatever_stands_against_answering_comes_with_what_to_do(code: str, told: str) -> None:
    with pytest.raises(Stopped) as stopped:
        _check({"may_not_because": code}, None)
    assert (stopped.value.code, stopped.value.hint, stopped.value.status) == (code, told, 1)

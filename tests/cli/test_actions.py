import json

import pytest

from tests.cli.conftest import Scene


@pytest.mark.requirement("R45")
def test_every_request_is_listed_with_its_decision(scene: Scene) -> None:
    allowed = scene.asks("files.read", {"path": "notes/today.txt"})
    denied = scene.asks("files.read", {"path": "../salaries.txt"})
    unknown = scene.asks("mail.send", {"to": "x"})
    listed = {one["id"]: one for one in json.loads(scene.aaf("actions", "list", "--json").out)}
    assert [listed[str(one["id"])]["code"] for one in (allowed, denied, unknown)] == [
        "rule",
        "path_outside_root",
        "unknown_action_type",
    ]
    assert len(json.loads(scene.aaf("actions", "list", "--limit", "2", "--json").out)) == 2


def test_an_agent_takes_back_what_it_asked_for(scene: Scene) -> None:
    action = scene.holds("uptime")
    cancelled = scene.aaf("actions", "cancel", action, who="builder")
    assert (cancelled.status, cancelled.out) == (0, f"{action} is cancelled\n")
    again = scene.aaf("actions", "cancel", action, who="builder")
    assert again.status == 1
    assert again.err.startswith("action_closed: ")
    held = scene.aaf("actions", "list", "--state", "cancelled").out
    assert action[-6:] in held


def test_only_a_person_resolves_and_only_what_is_unknown(scene: Scene) -> None:
    action = scene.holds("uptime")
    arguments = ("actions", "resolve", action, "--succeeded", "--reason", "I looked.")
    assert scene.aaf(*arguments, who="builder").err.startswith("permission_denied: ")
    assert scene.aaf(*arguments, who="admin").err.startswith("outcome_conflict: ")
    assert scene.aaf("actions", "resolve", action, "--reason", "I looked.", who="admin").status == 2


def test_an_unknown_action_is_not_found(scene: Scene) -> None:
    ended = scene.aaf("actions", "show", "00000000-0000-7000-8000-000000000000")
    assert ended.status == 1
    assert ended.err.startswith("not_found: ")

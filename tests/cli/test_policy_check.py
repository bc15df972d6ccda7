"""`aaf policy check`: what a server would refuse, told before it is asked."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import KEY, run

MAIN = "version: 1\nrules:\n  - name: all\n    match: {tool: pay}\n    decision: %s\n"
PAY = "name: pay.send\nclass: payment\nrisk: high\ninput: {type: object, additionalProperties: false, properties: {}}\neffect: caller\n"


def folder(path: Path, decision: str) -> Path:
    (path / "actions").mkdir()
    (path / "actions" / "pay.yaml").write_text(PAY)
    (path / "aaf.yaml").write_text(MAIN % decision)
    return path


def test_a_folder_without_problems_is_counted(tmp_path: Path) -> None:
    done = run("policy", "check", str(folder(tmp_path, "deny")))
    assert (done.status, done.out) == (0, "Fine: 1 action type, 1 rule, 0 policy modules.\n")


@pytest.mark.attack("G02", guard="aaf.policy.reading:choose")
def test_a_problem_is_told_with_its_place_and_hint_and_the_answer_is_no(tmp_path: Path) -> None:
    where = folder(tmp_path, "denied")
    done = run("policy", "check", str(where))
    assert done.status == 1
    assert done.out == f"{where}/aaf.yaml:5:15: `decision` can't be `denied` (did you mean `deny`?)\n"
    as_json = run("policy", "check", str(where), "--json")
    (problem,) = json.loads(as_json.out)["problems"]
    assert (as_json.status, problem["line"], problem["column"]) == (1, 5, 15)


def test_a_warning_is_told_with_its_place_as_a_problem_is_and_masked(tmp_path: Path) -> None:
    where = folder(tmp_path, "deny")
    asked = f"context.note.{KEY}"
    rule = f'  - {{name: claimed, match: {{tool: pay, "{asked}": x}}, decision: allow}}\n'
    (where / "aaf.yaml").write_text("version: 1\nrules:\n" + rule)

    done = run("policy", "check", str(where))
    as_json = run("policy", "check", str(where), "--json")

    assert done.status == 0
    assert done.err.startswith(f"warning: {where}/aaf.yaml:3:40: rule claimed allows because of `context.")
    (warning,) = json.loads(as_json.out)["warnings"]
    assert warning.startswith(f"{where}/aaf.yaml:3:40: rule claimed")
    assert KEY not in done.err + as_json.out

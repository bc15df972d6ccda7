"""`aaf test` and `aaf policy test`: what passes, what differs, what can't be asked; and what continuous integration reads."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from aaf.adapters.folder import read_folder, shipped
from tests.cli.conftest import KEY, run

MAIN = """version: 1
rules:
  - name: small
    match: {tool: pay, params.amount: {lte: "100.00"}}
    decision: allow
  - name: large
    match: {tool: pay, params.amount: {gt: "100.00"}}
    decision: require_approval
    reason: Large payments need a person
  - name: never
    match: {tool: pay, params.to: mallory}
    decision: deny
    reason: Not to Mallory
"""
PAY = """name: pay.send
class: payment
risk: high
input:
  type: object
  additionalProperties: false
  required: [to, amount]
  properties: {to: {type: string}, amount: {type: string}}
targets: [params.to]
effect: caller
"""
CASES = """cases:
  - name: a small payment is allowed
    given: {action: pay.send, params: {to: ann, amount: "5.00"}}
    expect: {decision: allow, reasons: [small]}
  - name: a large payment is allowed
    given: {action: pay.send, params: {to: ann, amount: "500.00"}}
    expect: {decision: allow, code: rule}
"""
MODULE = """package aaf.policies

decision := "deny" if input.params.to == "mallory"

decision := "deny" if {
	input.operation == "send"
	input.params.to == "eve"
}
"""
TESTS = """package aaf.policies.pay_test

import data.aaf.policies.decision

test_mallory if decision == "deny" with input as {"params": {"to": "mallory"}}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, {"aaf.yaml": MAIN, "actions/pay.yaml": PAY, "tests/policies/pay.yaml": CASES})
    return tmp_path


def put(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def good(place: Path) -> None:
    put(
        place,
        {
            "tests/policies/pay.yaml": CASES.replace(
                "expect: {decision: allow, code", "expect: {decision: require_approval, code"
            )
        },
    )


@pytest.mark.requirement("R63")
def test_a_case_that_comes_out_otherwise_is_told_with_what_was_and_who_decided(place: Path) -> None:
    done = run("test", ".")
    assert (done.status, done.err) == (1, "")
    assert done.out == (
        "tests/policies/pay.yaml: 1 of 2 passed\n"
        "  FAIL tests/policies/pay.yaml:5 a large payment is allowed\n"
        "       decision  expected allow, was require_approval\n"
        "       decided by large: Large payments need a person\n"
        "1 passed, 1 failed.\n"
    )


@pytest.mark.requirement("R63")
def test_cases_that_hold_are_counted_and_the_answer_is_yes(place: Path) -> None:
    good(place)
    done = run("test", ".")
    assert (done.status, done.out) == (0, "tests/policies/pay.yaml: 2 of 2 passed\n2 passed.\n")
    assert not (place / "workspace").exists()
    assert sorted(read_folder(place)) == ["aaf.yaml", "actions/pay.yaml"]


def test_rules_that_no_case_made_speak_are_listed(place: Path) -> None:
    good(place)
    done = run("test", ".", "--coverage")
    assert done.out.splitlines()[1:] == ["no case made it speak: .: never", "2 passed."]
    as_json = json.loads(run("test", ".", "--coverage", "--json").out)
    assert as_json["silent"] == [".: never"]


def test_json_says_everything(place: Path) -> None:
    done = run("test", ".", "--json")
    said: dict[str, Any] = json.loads(done.out)
    assert (done.status, said["passed"]) == (1, False)
    assert said["results"][0] == {
        "file": "tests/policies/pay.yaml",
        "line": 2,
        "name": "a small payment is allowed",
        "printed": [],
        "result": "pass",
        "wrong": [],
    }
    assert said["results"][1]["wrong"][0] == "decision  expected allow, was require_approval"


def test_a_part_of_the_name_chooses_cases(place: Path) -> None:
    assert run("test", ".", "-k", "SMALL").out.endswith("\n1 passed.\n")
    for command, what in (("test",), "case"), (("policy", "test"), "test"):
        none = run(*command, ".", "-k", "refund")
        assert (none.status, none.err.splitlines()[0]) == (2, f"no_tests: No {what} in . has refund in its name.")


def test_junit_is_xml_that_holds_every_result(place: Path) -> None:
    hostile = (
        CASES.replace("a large payment", 'a "large" <payment> \\u001b[2J')
        .replace('name: a "', "name: 'a \"")
        .replace("[2J is allowed", "[2J is allowed'")
    )
    put(place, {"tests/policies/pay.yaml": hostile})
    assert run("test", ".", "--junit", "tests/out.xml").status == 1
    root = ET.parse(place / "tests/out.xml").getroot()  # noqa: S314 - our own
    assert root.attrib == {"name": "aaf", "tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
    (suite,) = root
    first, second = suite
    assert (suite.get("name"), first.get("line"), list(first)) == ("tests/policies/pay.yaml", "2", [])
    failure = second.find("failure")
    assert failure is not None
    assert failure.get("message") == "decision  expected allow, was require_approval"
    assert "<payment>" in str(second.get("name"))
    unwritable = run("test", ".", "--junit", "missing/out.xml")
    assert (unwritable.status, "file_unusable" in unwritable.err) == (2, True)


@pytest.mark.parametrize("file", ["out.xml", "actions/out.xml", "./policies/out.xml"])
def test_results_are_not_written_among_the_configuration_which_would_not_load_any_more(place: Path, file: str) -> None:
    with_module(place)
    for command in (("test",), ("policy", "test")):
        done = run(*command, ".", "--junit", file)
        assert (done.status, done.err.splitlines()[0]) == (
            2,
            f"file_unusable: {Path(file)} would lie among the configuration's own files, which would not load any more.",
        )
    assert run("policy", "check", ".").status == 0


def test_a_file_is_judged_by_the_configuration_above_it_or_by_the_one_that_is_named(place: Path) -> None:
    good(place)
    assert run("test", "tests/policies/pay.yaml").status == 0
    put(place, {"other/aaf.yaml": MAIN.replace("decision: allow", "decision: deny"), "other/actions/pay.yaml": PAY})
    done = run("test", "tests/policies/pay.yaml", "--config", "other")
    assert done.status == 1
    assert "expected allow, was deny" in done.out
    both = run("test", ".", "other/../tests/policies")
    assert both.out.endswith("\n4 passed.\n")


@pytest.mark.parametrize("command", [("test",), ("policy", "test")])
def test_a_folder_without_tests_says_what_to_do(place: Path, command: tuple[str, ...]) -> None:
    (place / "tests" / "policies" / "pay.yaml").unlink()
    done = run(*command, ".")
    assert done.status == 2
    assert done.err.startswith("no_tests: There are no ")
    assert "What to do: Write " in done.err


@pytest.mark.parametrize("command", [("test",), ("policy", "test")])
def test_what_can_not_be_read_is_told_with_its_place_and_nothing_is_run(place: Path, command: tuple[str, ...]) -> None:
    put(place, {"tests/policies/b.yaml": "cases:\n  - nmae: x\n"})
    done = run(*command, ".")
    assert (done.status, done.out) == (2, "")
    assert "tests/policies/b.yaml:2:5: a case has no key `nmae` (did you mean `name`?)" in done.err
    put(place, {"tests/policies/b.yaml": CASES, "aaf.yaml": MAIN.replace("tool: pay", "tool: pya")})
    done = run(*command, ".")
    assert (done.status, done.out) == (2, "")
    assert "aaf.yaml:4:19" in done.err


def test_a_place_without_a_configuration_and_one_that_is_not_there_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("aaf.adapters.folder_tests._UPWARDS", 0)
    put(tmp_path, {"alone/a.yaml": CASES})
    done = run("test", "alone")
    assert (done.status, "there is no aaf.yaml here or above" in done.err) == (2, True)
    done = run("test", "nowhere", "--config", "alone")
    assert (done.status, "there is no such file or folder" in done.err) == (2, True)


def test_a_key_in_a_case_is_not_printed(place: Path) -> None:
    put(place, {"tests/policies/pay.yaml": f"cases:\n  - {KEY}: x\n"})
    done = run("test", ".")
    assert done.status == 2
    assert KEY not in done.err


# --- modules ---


def with_module(place: Path, tests: str = TESTS, module: str = MODULE) -> None:
    good(place)
    put(place, {"policies/pay.rego": module, "tests/policies/pay_test.rego": tests})


@pytest.mark.requirement("R63")
def test_tests_of_modules_run_beside_the_cases(place: Path) -> None:
    with_module(place)
    done = run("policy", "test", ".")
    assert (done.status, done.out) == (
        0,
        "tests/policies/pay.yaml: 2 of 2 passed\ntests/policies/pay_test.rego: 1 of 1 passed\n3 passed.\n",
    )


@pytest.mark.requirement("R63")
def test_a_test_that_is_not_true_is_told_from_one_that_fails_or_breaks(place: Path) -> None:
    with_module(
        place,
        TESTS
        + 'test_undefined if decision == "allow" with input as {"params": {"to": "mallory"}}\n'
        + "test_false := false\n"
        + 'test_error if print("so far") == print(to_number("x"))\n',
    )
    done = run("policy", "test", ".", "-k", "test_", "--junit", "tests/out.xml")
    assert done.status == 1
    lines = done.out.splitlines()
    assert lines[0] == "tests/policies/pay_test.rego: 1 of 4 passed"
    assert "  UNDEFINED tests/policies/pay_test.rego:6 test_undefined" in lines
    assert "       a line of the rule isn't true, so it has no value" in lines
    assert "  FAIL tests/policies/pay_test.rego:7 test_false" in lines
    assert "  ERROR tests/policies/pay_test.rego:8 test_error" in lines
    assert lines[-1] == "1 passed, 1 failed, 1 undefined, 1 broken."
    root = ET.parse(place / "tests/out.xml").getroot()  # noqa: S314 - our own
    assert (root.get("failures"), root.get("errors")) == ("2", "1")


def test_what_tests_print_is_shown_inert(place: Path) -> None:
    with_module(place, TESTS + 'test_print if print("a\\u202eb")\n')
    done = run("policy", "test", ".", "-k", "print", "--junit", "tests/out.xml")
    assert "  | tests/policies/pay_test.rego:6: a\\u{202e}b" in done.out.splitlines()
    root = ET.parse(place / "tests/out.xml").getroot()  # noqa: S314 - our own
    assert "a\\u{202e}b" in str(root.findtext(".//system-out"))


def test_lines_that_neither_tests_nor_cases_reach_are_told(place: Path) -> None:
    with_module(place)
    done = run("policy", "test", ".", "--coverage")
    assert done.out.splitlines()[-3:] == [
        "policies/pay.rego: 3 of 4 lines, not reached: 5",
        "75 % of the lines of policy modules were reached",
        "3 passed.",
    ]
    few = run("policy", "test", ".", "--fail-under", "76")
    assert (few.status, few.out.splitlines()[-1]) == (1, "75 % of the lines were reached, 76 % are wanted.")
    assert run("policy", "test", ".", "--fail-under", "75").status == 0
    said = json.loads(run("policy", "test", ".", "--coverage", "--json").out)
    assert said["coverage"] == {
        "modules": [{"lines": 4, "module": "policies/pay.rego", "not_reached": [5]}],
        "percent": 75,
    }
    assert json.loads(run("policy", "test", ".", "--fail-under", "76", "--json").out)["passed"] is False


def test_coverage_of_nothing_is_no_question(place: Path) -> None:
    good(place)
    done = run("policy", "test", ".", "--fail-under", "1")
    assert (done.status, done.err.splitlines()[0]) == (
        2,
        "no_tests: There is no policy module whose lines could be counted.",
    )
    assert run("policy", "test", ".", "--coverage").out.endswith("\n2 passed.\n")


def test_a_test_module_that_could_never_fail_is_refused_with_its_place(place: Path) -> None:
    with_module(place, TESTS + "test_typo if not data.aaf.policies.decison\n")
    done = run("policy", "test", ".")
    assert (done.status, done.out) == (2, "")
    assert "tests/policies/pay_test.rego:6:18: `policies/pay.rego` has no rule `decison`" in done.err


def test_a_test_that_recurses_is_an_error_and_the_others_are_run(place: Path) -> None:
    with_module(place, TESTS + "up(n) := up(n + 1)\n\ntest_recursion if up(1) > 0\n\ntest_after := true\n")
    done = run("policy", "test", ".", "-k", "test_")
    assert (done.status, done.out.splitlines()[-1]) == (1, "2 passed, 1 broken.")


# --- packs ---

PACKS = sorted(path.name for path in shipped("packs").iterdir())


def test_there_are_the_packs_that_the_page_names() -> None:
    assert PACKS == ["coding-agent", "customer-support", "data-analysis", "default", "read-only"]
    page = (Path(__file__).parents[2] / "docs" / "packs.md").read_text(encoding="utf-8")
    listed = {one["name"]: one["purpose"] for one in json.loads(run("policy", "packs", "--json").out)}
    assert [*listed] == PACKS
    for name, purpose in listed.items():
        assert f"## {name}\n" in page
        assert purpose in page
    assert all(f"{name}  " in run("policy", "packs").out for name in PACKS)


@pytest.mark.parametrize("name", PACKS)
def test_a_copied_pack_loads_without_a_warning_its_cases_hold_and_every_rule_speaks(name: str, tmp_path: Path) -> None:
    target = str(tmp_path / "mine")
    copied = run("policy", "init", name, target)
    assert copied.status == 0
    assert copied.out.splitlines()[1:] == [f"  aaf test {target}", f"  aaf serve --config {target}"]
    checked = run("policy", "check", target)
    # Notes of rules that overlap are wanted in a pack: a hold above an allow.
    assert (checked.status, [line for line in checked.err.splitlines() if not line.startswith("note: ")]) == (0, [])
    tested = run("test", target, "--coverage", "--json")
    said = json.loads(tested.out)
    assert (tested.status, said["silent"]) == (0, [])
    assert len(said["results"]) >= 10
    again = run("policy", "init", name, target)
    assert (again.status, again.err.splitlines()[0]) == (
        1,
        "not_copied: There is something in that folder already; nothing was copied.",
    )


def test_a_pack_that_is_not_there_is_refused_with_the_one_that_was_meant(tmp_path: Path) -> None:
    done = run("policy", "init", "read_only", str(tmp_path / "a"))
    assert (done.status, done.err) == (
        1,
        "not_copied: There is no such pack.\nWhat to do: Did you mean `read-only`?\n",
    )
    assert not (tmp_path / "a").exists()


def test_nothing_is_written_over_even_where_it_appears_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "aaf.yaml").write_text("mine")
    done = run("policy", "init", "default", str(tmp_path))
    assert done.status == 1
    monkeypatch.setattr("aaf.adapters.packs._empty", lambda _: True)
    assert run("policy", "init", "default", str(tmp_path)).status == 2
    assert (tmp_path / "aaf.yaml").read_text() == "mine"


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R19")
def test_the_three_examples_in_rego_have_cases_and_tests_that_reach_every_line() -> None:
    done = run("policy", "test", str(shipped("rego")), "--coverage", "--fail-under", "100", "--json")
    said = json.loads(done.out)
    assert (done.status, said["coverage"]["percent"], len(said["coverage"]["modules"])) == (0, 100, 3)

import subprocess
import sys
from pathlib import Path

import pytest

import aaf
from aaf.domain.canonical import Json, canonical
from aaf.domain.decision import Requirement, Verdict
from aaf.domain.errors import Code, ConfigurationInvalid
from aaf.policy.catalogue import ActionClass
from aaf.policy.configuration import Configuration, load, source_hash
from aaf.policy.document.classes import HIGH_RISK
from aaf.policy.limits import Limit
from tests.policy.samples import CONNECTORS, an_input, with_main, with_rules

SHIPPED = Path(aaf.__file__).parent / "shipped"

FULL = f"""version: 1
organisation: acme
rules:
  - name: reads
    match: {{tool: files, operation: read}}
    decision: allow
  - name: writes
    match: {{operation: write}}
    decision: require_approval
    approval: {{approvers: [role:admin, "user:01234567-89ab-cdef-0123-456789abcdef"], quorum: 2, on_timeout: deny}}
  - name: pays
    match: {{tool: pay}}
    decision: require_approval
defaults: {{read: allow, payment: require_approval, shell_command: deny}}
fallback: {{decision: require_approval, approval: {{quorum: 3}}}}
approvals: {{approvers: [role:approver], timeout: 1h, reason_required: true}}
limits: {{agent: {{rate: 60/m, burst: 20}}}}
use_within: 2h
run_timeout: 45s
redact: [password]
{CONNECTORS}"""


def _shipped(name: str) -> dict[str, bytes]:
    folder = SHIPPED / name
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yaml")}


def test_a_configuration_holds_what_its_file_says() -> None:
    found = load(with_main(FULL))

    assert found.organisation == "acme"
    assert found.approvals == Requirement(("role:approver",), 1, 3600, reason_required=True)
    assert found.rules[1].requirement == Requirement(
        ("role:admin", "user:01234567-89ab-cdef-0123-456789abcdef"), 2, 3600, reason_required=True
    )
    assert found.rules[2].requirement == found.approvals
    assert found.fallback == Requirement(("role:approver",), 3, 3600, reason_required=True)
    assert found.defaults == {
        **HIGH_RISK,
        ActionClass.READ: Verdict.ALLOW,
        ActionClass.PAYMENT: Verdict.REQUIRE_APPROVAL,
        ActionClass.SHELL_COMMAND: Verdict.DENY,
    }
    assert found.limits == (Limit("agent", 1_000_000, 20),)
    assert found.limits[0].tolerance == 19_000_000
    assert (found.use_within, found.run_timeout, found.redact) == (7200, 45, ("password",))
    assert found.connectors == {"files": {"root": "./workspace", "max_bytes": 1_048_576, "protect": []}}
    assert Configuration.from_stored(found.to_stored()).to_stored() == found.to_stored()


def test_what_is_not_said_is_the_careful_choice() -> None:
    found = load(with_main("version: 1\n"))

    assert found.fallback is None
    assert found.limits == ()
    assert found.defaults == HIGH_RISK
    assert (found.use_within, found.run_timeout, found.approvals) == (900, 30, Requirement())


def test_a_fallback_and_limits_may_be_short() -> None:
    found = load(with_main("version: 1\nfallback: {decision: require_approval}\nlimits: {}\n"))

    assert found.fallback == Requirement()
    assert found.limits == ()


def test_class_defaults_speak_where_no_rule_does() -> None:
    policy = load(with_main("version: 1\ndefaults: {read: allow, file_write: require_approval}\n")).policy

    assert policy.judge(an_input()).code is Code.CLASS_DEFAULT
    assert policy.judge(an_input()).verdict is Verdict.ALLOW
    held = policy.judge(an_input("files.write", klass=ActionClass.FILE_WRITE))
    assert held.requirements == (Requirement(),)


@pytest.mark.attack("G37", part="a warning where an allow depends on the caller's claim")
def test_an_allow_that_depends_on_a_claim_is_warned_of() -> None:
    rules = "  - {name: r, match: {tool: files, context.ticket: x}, decision: allow}\n"
    held = rules.replace("allow", "deny")

    assert load(with_rules(rules)).warnings == (
        "aaf.yaml:4:36: rule r allows because of `context.ticket` (context is what the caller claims)",
    )
    assert load(with_rules(held)).warnings == ()


@pytest.mark.attack("G37", part="a warning where an allow depends on the server that the caller names")
@pytest.mark.parametrize("match", ["{tool: files, server: bank}", "{tool: files, not: {server: {exists: true}}}"])
def test_an_allow_that_depends_on_the_named_server_is_warned_of(match: str) -> None:
    rules = f"- {{name: r, match: {match}, decision: allow}}\n"

    (warning,) = load(with_rules(rules)).warnings
    assert warning == (
        f"aaf.yaml:4:{20 + match.index('server')}: rule r allows because of `server` "
        "(the server is what the caller claims, until a gateway sets it)"
    )
    assert load(with_rules(rules.replace("allow", "require_approval"))).warnings == ()


def test_a_rule_for_a_class_that_no_action_has_is_warned_of() -> None:
    found = load(with_rules("  - {name: r, match: {class: gui_control}, decision: deny}\n"))

    assert found.warnings == (
        "aaf.yaml:4:22: rule r matches no action type of today's catalogue (no entry has this class)",
    )


@pytest.mark.parametrize(
    "match",
    [
        "{role: admin}",
        "{role: {exists: true}}",
        "{server: {exists: false}}",
        "{tool: {exists: true}}",
        "{tool: {gt: '5'}, params.path: x}",
        "{not: {any: [{tool: files, params.path: x}, {class: payment}]}}",
        "{all: [{tool: {glob: 'f*'}}, {not: {operation: write}}]}",
        "{params.encoding: {ne: utf-8}}",
    ],
)
def test_a_rule_that_makes_sense_is_loaded(match: str) -> None:
    found = load(with_rules(f"  - {{name: r, match: {match}, decision: deny}}\n"))

    assert found.policy.judge(an_input()) is not None
    assert found.warnings == ()


def test_a_stored_configuration_of_another_format_is_refused_with_both_names() -> None:
    with pytest.raises(ConfigurationInvalid, match=r"aaf-configuration/2, this program reads aaf-configuration/1"):
        Configuration.from_stored({"format": "aaf-configuration/2"})


def test_the_hash_of_the_files_changes_with_every_name_and_byte() -> None:
    start = source_hash({"a": b"x", "b": b"y"})

    assert start == source_hash({"b": b"y", "a": b"x"})
    assert (
        len({start, source_hash({"a": b"x"}), source_hash({"a": b"y", "b": b"x"}), source_hash({"a": b"x", "c": b"y"})})
        == 4
    )


@pytest.mark.requirement("R35")
@pytest.mark.parametrize("name", ["safe", "demo"])
def test_what_is_shipped_loads_and_decides_carefully(name: str) -> None:
    found = load(_shipped(name))
    policy = found.policy

    assert found.warnings == ()
    assert Configuration.from_stored(found.to_stored()).to_stored() == found.to_stored()
    for operation, verdict in {
        "read": "allow",
        "list": "allow",
        "write": "require_approval",
        "delete": "require_approval",
    }.items():
        entry = found.catalogue[f"files.{operation}"]
        assert entry.targets == ("params.path",)
        assert policy.judge(an_input(entry.name, klass=entry.klass)).verdict == verdict
    shell = policy.judge(an_input("shell.run", klass=ActionClass.SHELL_COMMAND))
    assert shell.verdict == ("deny" if name == "safe" else "require_approval")
    assert policy.judge(an_input("mail.send")).code is Code.UNKNOWN_ACTION_TYPE


@pytest.mark.requirement("R02")
def test_the_shipped_schemas_fit_what_the_connector_gives() -> None:
    catalogue = load(_shipped("demo")).catalogue
    digest = "0" * 64
    results: dict[str, dict[str, Json]] = {
        "files.read": {"content": "x", "bytes": 1, "sha256": digest, "encoding": "utf-8"},
        "files.list": {"entries": [{"name": "a", "type": "file", "bytes": 1}], "truncated": False},
        "files.write": {"bytes": 1, "sha256": digest, "created": True},
        "files.delete": {"deleted": True, "sha256": digest},
    }

    for name, result in results.items():
        output = catalogue[name].output
        assert output is not None
        assert output.check({**result}, at="$.result") == ()
        assert output.check({**result, "more": 1}, at="$.result") != ()
    assert catalogue["files.write"].input.fill_defaults({"path": "a", "content": "b"}) == {
        "path": "a",
        "content": "b",
        "create": True,
        "overwrite": True,
    }
    assert (
        catalogue["files.write"].input.check({"path": "a", "content": "x" * 1_000_001})[0].code is Code.VALUE_TOO_LONG
    )


def test_a_start_from_a_stored_release_imports_no_yaml() -> None:
    stored = canonical(load(_shipped("safe")).to_stored())
    program = (
        "import sys\n"
        "from aaf.domain.canonical import parse\n"
        "from aaf.policy.configuration import Configuration\n"
        "Configuration.from_stored(parse(sys.stdin.buffer.read())).policy.prepare()\n"
        "print([name for name in ('yaml', 'asyncio', 'pydantic', 'fastapi', 'sqlalchemy') if name in sys.modules])\n"
    )

    path = str(Path(aaf.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program], input=stored, capture_output=True, check=True, env={"PYTHONPATH": path}
    )

    assert done.stdout == b"[]\n"


@pytest.mark.requirement("R38")
@pytest.mark.parametrize("name", ["aaf.yaml", "actions/pay.send.yaml"])
def test_a_credential_in_a_folder_is_a_problem_with_its_place_and_is_not_repeated(name: str) -> None:
    credential = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
    files = with_main("version: 1\n")
    with pytest.raises(ConfigurationInvalid) as refused:
        load({**files, name: f"# é {credential}\n".encode() + files[name]})
    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.column) == (name, 1, 5)
    assert credential not in str(problem)

"""A case comes out as the submission would: by the same code, under the same configuration, with nothing written and nothing touched."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aaf.adapters.connectors import rehearsed
from aaf.adapters.connectors.files import FilesConnector
from aaf.adapters.connectors.rehearsed import Rehearsed
from aaf.adapters.driving import drive
from aaf.adapters.folder import read_folder, shipped
from aaf.adapters.loading import compiled
from aaf.domain.canonical import Json
from aaf.domain.decision import Verdict
from aaf.domain.errors import Code, ConnectorFailed, InputRefused
from aaf.domain.states import State
from aaf.policy.cases import REFUSED, Case, Expected, Given, Outcome
from aaf.policy.cases_reading import read_cases
from aaf.policy.catalogue import Risk
from aaf.policy.configuration import Configuration
from aaf.policy.positioned import Faults
from aaf.services import judging, rehearsal
from aaf.services.rehearsal import Asked, rehearse
from tests.services.world import FILES, World, edited

STATES = {
    State.ALLOWED: Verdict.ALLOW,
    State.DENIED: Verdict.DENY,
    State.PENDING_APPROVAL: Verdict.REQUIRE_APPROVAL,
}
FOLDERS = ["rego", *(f"packs/{path.name}" for path in sorted(shipped("packs").iterdir()))]


def a_case(given: Given) -> Case:
    return Case("c.yaml", 1, "a case", given, Expected("allow"))


def rehearsed_in(
    world: World, given: Given, configuration: Configuration | None = None
) -> tuple[Outcome, Asked | None]:
    core = replace(world.core, connectors=Rehearsed())
    return drive(rehearse(core, configuration or compiled(FILES), a_case(given)))


def asked(action: str, params: dict[str, Json], **more: Any) -> Given:
    return Given({"action": action, "params": params}, **more)


def _cases(folder: Path) -> Iterator[Case]:
    for path in sorted((folder / "tests" / "policies").glob("*.yaml")):
        faults = Faults(path.name)
        yield from read_cases(path.read_bytes(), faults)
        assert faults.problems == []


@pytest.mark.requirement("R63")
@pytest.mark.parametrize("name", FOLDERS)
def test_every_shipped_case_comes_out_as_its_submission_does(world: World, name: str) -> None:
    files = read_folder(shipped(name))
    world.configure(files)
    world.core = replace(world.core, connectors=Rehearsed())
    compared = 0
    for case in _cases(shipped(name)):
        given = case.given
        if given.counters or given.findings or given.labels or given.roles != {"agent"}:
            continue
        outcome, _ = rehearsed_in(world, given, compiled(files))
        world.clock.advance(3600)
        if outcome.decision == REFUSED:
            with pytest.raises(InputRefused) as refused:
                world.submit(by="bot", **_body(given))
            assert (refused.value.code, refused.value.message) == (outcome.code, *outcome.said)
            continue
        record = world.submit(by="bot", **_body(given)).record
        assert STATES[record.state] == outcome.decision, case.name
        assert (record.code, record.risk, record.requirements) == (outcome.code, outcome.risk, outcome.requirements)
        assert {str(one["name"]) for one in record.reasons} == outcome.reasons.keys(), case.name
        compared += 1
    assert compared > 4


def _body(given: Given) -> dict[str, Any]:
    body = dict(given.body)
    return {"params": {}, **body}


def test_nothing_is_written_and_nothing_is_touched(world: World) -> None:
    with world.unrecorded():
        outcome, _ = rehearsed_in(world, asked("files.write", {"path": "a.txt", "content": "new"}))
    assert outcome.decision == "require_approval"
    assert (world.content(), world.hands.runs) == ("old\n", 0)


def test_what_the_schema_refuses_is_a_deny_that_says_why(world: World) -> None:
    outcome, seen = rehearsed_in(world, asked("files.read", {"pth": "a.txt"}))
    assert (outcome.decision, outcome.code, seen) == ("deny", "schema_violation", None)
    assert any("path" in line for line in outcome.said)


def test_defaults_of_the_schema_are_there_before_policy_looks(world: World) -> None:
    configuration = compiled(
        edited("aaf.yaml", ("tool: pay, params.amount: {lte", "tool: pay, params.currency: EUR, params.amount: {lte"))
    )
    outcome, _ = rehearsed_in(world, asked("pay.send", {"to": "a", "amount": "5.00"}), configuration)
    assert (outcome.decision, outcome.spoke) == ("allow", ("small-payments",))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"action": "files.read", "context": {"approved_by": "ann"}}, "reserved_context_key"),
        ({"action": "files.read", "params": []}, "wrong_type"),
        ({"action": "files.read", "server": ""}, "wrong_type"),
        ({"action": "Not A Name"}, "wrong_type"),
    ],
)
def test_what_the_door_refuses_is_refused(world: World, body: dict[str, Json], code: str) -> None:
    outcome, seen = rehearsed_in(world, Given(body))
    assert (outcome.decision, seen) == (REFUSED, None)
    assert outcome.code == code
    assert len(outcome.said) == 1


def test_what_a_case_adds_counts_as_if_analysis_had_found_it(world: World) -> None:
    rules = (
        "rules:\n",
        (
            "rules:\n  - name: seen\n    match: {findings: {contains: path_protected}}\n    decision: deny\n"
            "  - name: risky\n    match: {tool: files, operation: list, risk: {gte: high}}\n    decision: deny\n"
            "  - name: outsiders\n    match: {tool: files, operation: list, role: {not_in: [agent]}}\n    decision: deny\n"
        ),
    )
    configuration = compiled(edited("aaf.yaml", rules))
    params: dict[str, Json] = {"path": "."}
    for given, decided in (
        (asked("files.list", params), {"reads"}),
        (asked("files.list", params, findings=("path_protected",)), {"seen"}),
        (asked("files.list", params, roles=frozenset({"viewer"})), {"outsiders"}),
    ):
        assert rehearsed_in(world, given, configuration)[0].reasons.keys() == decided
    outcome, _ = rehearsed_in(world, asked("files.list", params, risk=Risk.HIGH), configuration)
    assert (outcome.risk, [*outcome.reasons]) == ("high", ["risky"])


def test_rules_that_were_overruled_spoke_too(world: World) -> None:
    outcome, _ = rehearsed_in(world, asked("files.read", {"path": "../x"}))
    assert (outcome.decision, outcome.spoke) == ("deny", ("reads",))
    assert outcome.reasons.keys() == {"path_outside_root"}


def test_labels_time_and_the_agent_are_in_what_is_judged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    judge = judging.judge

    async def watched(*arguments: Any) -> Any:
        seen.append(await judge(*arguments))
        return seen[-1]

    monkeypatch.setattr(rehearsal, "judge", watched)
    given = asked("files.list", {"path": "."}, labels=frozenset({"untrusted"}), time=5, agent="bob", agent_id="bob-1")
    rehearsed_in(world, given)
    found = seen[0].input
    assert (found.labels, found.time, found.agent_name, found.agent_id) == ({"untrusted"}, 5, "bob", "bob-1")


REGO = compiled(read_folder(shipped("rego")))


def test_what_modules_are_asked_is_told(world: World) -> None:
    given = asked("http_proxy.get", {"url": "https://api.trusted.com/v1"}, counters={"agent_rate_exceeded": 1})
    outcome, seen = rehearsed_in(world, given, REGO)
    assert outcome.reasons.keys() == {"policies/rate-limit.rego"}
    assert seen is not None
    assert {one.name for one in seen.modules} == {one.name for one in REGO.modules}
    assert b'"operation":"GET"' in seen.document
    assert seen.facts == b'{"rate":{"00000000-0000-7000-8000-000000000001":true}}'


def test_without_a_counter_nobody_is_over_the_rate(world: World) -> None:
    outcome, _ = rehearsed_in(world, asked("http_proxy.get", {"url": "https://api.trusted.com/v1"}), REGO)
    assert outcome.decision == "allow"


# --- connectors that look only ---


def test_a_connector_that_is_not_configured_is_not_there() -> None:
    assert Rehearsed().get("files", {}, 1) is None
    assert Rehearsed().get("smtp", {"smtp": {}}, 1) is None


def test_nothing_runs_nothing_is_called_and_no_credential_is_known() -> None:
    connector = Rehearsed().get("files", {"files": {}}, 1)
    assert connector is not None
    with pytest.raises(ConnectorFailed) as failed:
        drive(connector.run(operation="delete", params={"path": "a.txt"}, expected=None))
    assert failed.value.code is Code.CONNECTOR_UNAVAILABLE
    with pytest.raises(ConnectorFailed):
        rehearsed._nothing_is_called()
    with pytest.raises(ConnectorFailed):
        drive(rehearsed._NoSecret().get("key"))


def test_the_analysis_is_the_real_connectors(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    real = FilesConnector(tmp_path / "root", protect=["*.secret"])
    connector = Rehearsed().get("files", {"files": {"protect": ["*.secret"], "max_bytes": 1 << 20}}, 1)
    assert connector is not None
    for path in ("a.txt", "../a", "x/b.secret", ".env", "a\x00b"):
        said = connector.analyse(operation="read", params={"path": path})
        assert said == real.analyse(operation="read", params={"path": path})
    real.close()

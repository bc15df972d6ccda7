"""Releases that earlier versions stored: `stored/*.json` were written by the compiler of the first schema, with what it answered."""

import json
from pathlib import Path
from typing import Any

import pytest

from aaf.domain.decision import Verdict
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.configuration import Configuration
from aaf.policy.document.retention import KEPT
from aaf.policy.limits import Enforce, Limit
from tests.policy.samples import an_input

STORED = Path(__file__).parent / "stored"
FIRST: dict[str, Any] = json.loads((STORED / "schema_1.json").read_bytes())
MODULES: dict[str, Any] = json.loads((STORED / "schema_1_modules.json").read_bytes())
SINCE = {"alerts", "guards", "managed_by", "retention", "roles", "spend"}


@pytest.fixture
def first() -> Configuration:
    return Configuration.from_stored(FIRST["document"])


def test_the_fixture_is_of_before_the_members_that_came_since(first: Configuration) -> None:
    assert not SINCE & FIRST["document"].keys()
    assert first.to_stored().keys() > SINCE


def test_a_release_of_the_first_schema_has_nothing_that_nobody_wrote_into_it(first: Configuration) -> None:
    assert (first.guards, first.roles, first.spend, first.alerts, first.managed_by) == ((), {}, (), (), None)
    assert first.retention is KEPT
    assert first.limits == (Limit("agent", 1_000_000, 20, Enforce.POLICY),)
    assert (first.organisation, first.use_within, first.run_timeout) == ("acme", 7200, 45)
    assert first.connectors == {"files": {"max_bytes": 1_048_576, "protect": ["*.key"], "root": "./workspace"}}


@pytest.mark.parametrize("asked", FIRST["asked"], ids=lambda one: f"{one['name']}-{one['params']}")
def test_a_release_of_the_first_schema_judges_as_it_did(first: Configuration, asked: dict[str, Any]) -> None:
    found = first.policy.judge(
        an_input(asked["name"], params=asked["params"], klass=ActionClass(asked["class"]), risk=Risk(asked["risk"]))
    )

    assert found.verdict is Verdict(asked["decision"])
    assert [one.to_json() for one in found.requirements] == asked["requirements"]


def test_the_answers_of_the_first_schema_are_of_every_kind() -> None:
    assert {one["decision"] for one in FIRST["asked"]} == {"allow", "deny", "require_approval"}


@pytest.mark.parametrize("document", [FIRST["document"], MODULES["document"]], ids=["rules", "modules"])
def test_a_release_of_the_first_schema_stays_what_it_is_when_it_is_stored_again(document: dict[str, Any]) -> None:
    again = Configuration.from_stored(document).to_stored()

    for part in document.keys() - {"limits"}:
        assert json.loads(json.dumps(again[part])) == document[part], part


def test_modules_of_the_first_schema_have_their_word() -> None:
    found = Configuration.from_stored(MODULES["document"])

    assert [one.name for one in found.modules] == [one["name"] for one in MODULES["document"]["modules"]]
    assert found.modules_for("http_proxy.get")


@pytest.mark.requirement("R38")
def test_a_stored_member_that_this_program_does_not_know_is_refused() -> None:
    """A newer program wrote it; to judge without it could be to judge without a guard."""
    with pytest.raises(ConfigurationInvalid) as refused:
        Configuration.from_stored({**FIRST["document"], "sentinels": []})

    assert "sentinels" in refused.value.problems[0].message
    assert refused.value.problems[0].hint == "use the newer program"

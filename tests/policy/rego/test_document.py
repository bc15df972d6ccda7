"""The input document and its published schema."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

import aaf
from aaf.policy.catalogue import Entry
from aaf.policy.rego import document as documents
from aaf.policy.rego.document import HIDDEN, SCHEMA, document, encoded
from tests.policy.rego.loading import loaded
from tests.policy.samples import SOMEBODY, an_input

PUBLISHED = Path(aaf.__file__).parent / "policy" / "rego" / "input.schema.json"
CATALOGUE = loaded({}).catalogue


def _hiding(*paths: str) -> Entry:
    stored = CATALOGUE["pay.send"].to_json()
    return Entry.from_json({**stored, "secret": list(paths)})


@pytest.mark.requirement("R18")
def test_the_published_schema_is_the_one_that_modules_are_checked_against() -> None:
    assert json.loads(PUBLISHED.read_text()) == SCHEMA


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("name", ["files.read", "pay.send", "unknown.type"])
def test_every_document_is_what_the_schema_says(name: str) -> None:
    asked = an_input(name, context={"ticket": 7}, findings=frozenset({"path_odd"}), server="s", action_id=SOMEBODY)
    shown = document(asked, CATALOGUE.get(name))
    jsonschema_rs.Draft202012Validator(SCHEMA).validate(shown)
    assert json.loads(encoded(asked, CATALOGUE.get(name))) == shown


def test_both_forms_say_the_same() -> None:
    shown = document(an_input("pay.send", params={"to": "x"}), CATALOGUE["pay.send"])
    action, agent = shown["action"], shown["agent"]
    assert isinstance(action, dict)
    assert isinstance(agent, dict)
    assert (shown["tool"], shown["operation"]) == (action["tool"], action["operation"]) == ("pay", "send")
    assert shown["params"] == action["params"] == {"to": "x"}
    assert shown["agent_id"] == agent["id"] == SOMEBODY
    assert shown["time"] == 1_700_000_000_000_000_000


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("claimed", [True, "yes", None])
def test_pre_approved_is_never_the_agents_word(claimed: object) -> None:
    shown = document(an_input(context={"pre_approved": claimed, "ticket": 7}), None)
    assert shown["context"] == {"pre_approved": False, "ticket": 7}


@pytest.mark.requirement("R07")
@pytest.mark.attack("G32", guard="aaf.policy.rego.document:_without", without="tests.attacks.without_rego:all_of_it")
@pytest.mark.parametrize(
    ("hidden", "params", "shown"),
    [
        ("params.token", {"token": "s3cret", "to": "x"}, {"token": HIDDEN, "to": "x"}),
        ("params.meta.note", {"meta": {"note": "s3cret", "urgent": True}}, {"meta": {"note": HIDDEN, "urgent": True}}),
        ("params.meta", {"meta": {"note": "s3cret"}}, {"meta": HIDDEN}),
        ("params.meta.note", {"meta": ["s3cret"]}, {"meta": HIDDEN}),
    ],
)
def test_secret_parameters_are_placeholders(hidden: str, params: dict[str, object], shown: dict[str, object]) -> None:
    asked = an_input("pay.send", params=params)
    seen = document(asked, _hiding(hidden))
    assert seen["params"] == shown
    assert b"s3cret" not in encoded(asked, _hiding(hidden))
    assert asked.params == params


def test_a_secret_that_is_not_there_is_not_made_up() -> None:
    assert document(an_input("pay.send", params={"to": "x"}), _hiding("params.token"))["params"] == {"to": "x"}


@pytest.mark.parametrize(("effect", "operation"), [("http", "SEND"), ("caller", "send")])
def test_what_the_connector_http_runs_is_named_by_its_method(effect: str, operation: str) -> None:
    stored = CATALOGUE["pay.send"].to_json()
    shown = document(an_input("pay.send"), Entry.from_json({**stored, "effect": effect}))
    assert shown["operation"] == operation
    assert isinstance(shown["action"], dict)
    assert shown["action"]["operation"] == "send"


def test_fields_that_come_later_are_in_no_document() -> None:
    for path in documents.LATER:
        inner: object = SCHEMA
        for name in path.split("."):
            inner = inner.get("properties", {}).get(name) if isinstance(inner, dict) else None
        assert inner is None


@pytest.mark.requirement("R20")
def test_limits_stand_in_the_document_by_name() -> None:
    counters = {
        "agent_rate_exceeded": 1,
        "few.exceeded": 1,
        "few.remaining": 0,
        "few.retry_after": 60,
        "cap.exceeded": 0,
        "cap.remaining": "12.50",
    }
    asked = an_input("pay.send", counters=counters)
    shown = document(asked, CATALOGUE["pay.send"])
    assert shown["counters"] == {
        "few": {"exceeded": True, "remaining": 0},
        "cap": {"exceeded": False, "remaining": "12.50"},
    }
    assert json.loads(encoded(asked, CATALOGUE["pay.send"])) == shown
    jsonschema_rs.Draft202012Validator(SCHEMA).validate(shown)

from dataclasses import fields, replace

import pytest

from aaf.domain.canonical import canonical, parse
from aaf.policy.catalogue import ActionClass, Catalogue, Entry, Risk, Trust, short_name
from aaf.policy.configuration import load
from aaf.policy.schemas import Kind, Schema
from tests.policy.samples import with_action, with_main

SAMPLE = load(with_main("version: 1\n")).catalogue
SCHEMA = Schema({"type": "object", "additionalProperties": False})

FULL = """name: mail.outbox.send_later
class: external_api_call
risk: critical
description: Send a mail.
input:
  type: object
  additionalProperties: false
  properties:
    to: {type: string}
    sum: {type: string}
    unit: {type: string}
    login: {type: object, open: true, properties: {password: {type: string}}}
output: {type: object, open: true}
targets: [params.to]
secret: [params.login.password]
amount: {value: params.sum, currency: params.unit}
secrets: [smtp_password]
reversible: true
idempotent: true
effect: {connector: files}
trust: trusted
run_when_approved: true
"""


@pytest.mark.requirement("R01")
def test_an_entry_holds_what_its_file_says() -> None:
    entry = load(with_action(FULL)).catalogue["mail.outbox.send_later"]

    assert (entry.tool, entry.operation) == ("mail.outbox", "send_later")
    assert (entry.klass, entry.risk, entry.trust) == (ActionClass.EXTERNAL_API_CALL, Risk.CRITICAL, Trust.TRUSTED)
    assert (entry.targets, entry.secret, entry.secrets) == (
        ("params.to",),
        ("params.login.password",),
        ("smtp_password",),
    )
    assert entry.amount == ("params.sum", "params.unit")
    assert (entry.effect, entry.description) == ("files", "Send a mail.")
    assert entry.reversible
    assert entry.idempotent
    assert entry.run_when_approved
    assert entry.output is not None
    stored = parse(canonical(entry.to_json()))
    assert isinstance(stored, dict)
    assert Entry.from_json(stored).hash == entry.hash


def test_what_is_not_said_is_the_careful_choice() -> None:
    entry = SAMPLE["pay.send"]

    assert not entry.reversible
    assert not entry.idempotent
    assert not entry.run_when_approved
    assert entry.trust is Trust.UNTRUSTED
    assert SAMPLE["files.read"].amount is None


@pytest.mark.attack("G15", part="the pin that a re-check compares")
def test_any_change_of_an_entry_changes_its_hash() -> None:
    entry = Entry("a.b", ActionClass.READ, Risk.LOW, SCHEMA)
    other = Schema({"type": "object", "open": True})
    changes: dict[str, object] = {
        "name": "a.c",
        "klass": ActionClass.OTHER,
        "risk": Risk.HIGH,
        "input": other,
        "output": other,
        "targets": ("params.x",),
        "secret": ("params.x",),
        "amount": ("params.x", "params.y"),
        "secrets": ("x",),
        "reversible": True,
        "idempotent": True,
        "effect": "files",
        "trust": Trust.TRUSTED,
        "run_when_approved": True,
        "description": "x",
    }

    hashes = {replace(entry, **{name: value}).hash for name, value in changes.items()}  # type: ignore[arg-type]

    assert set(changes) == {field.name for field in fields(Entry)} - {"hash"}
    assert len(hashes | {entry.hash}) == len(changes) + 1


def test_a_secret_field_and_what_holds_it_hide_their_values_from_rules() -> None:
    entry = load(with_action(FULL)).catalogue["mail.outbox.send_later"]

    assert entry.kind("login.password") is Kind.SECRET
    assert entry.kind("login") is Kind.SECRET
    assert entry.kind("login.password.x") is None
    assert entry.kind("to") is Kind.TEXT
    assert entry.kind("nothing") is None


def test_a_catalogue_is_a_mapping_in_order_of_names() -> None:
    assert list(SAMPLE) == ["files.read", "files.write", "pay.send"]
    assert len(SAMPLE) == 3
    assert "files.wipe" not in SAMPLE
    assert len(Catalogue(())) == 0


@pytest.mark.requirement("R01")
def test_the_long_form_of_a_name_is_the_same_action_type() -> None:
    assert short_name("email.send.action.do") == short_name("email.send") == "email.send"


@pytest.mark.requirement("R35")
def test_risks_are_in_order_and_every_high_risk_class_exists() -> None:
    assert [risk.level for risk in Risk] == [0, 1, 2, 3]
    assert set(ActionClass) == {
        "file_write", "file_delete", "shell_command", "code_execution", "external_api_call",
        "payment", "gui_control", "config_change", "read", "other",
    }  # fmt: skip

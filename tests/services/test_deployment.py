"""A deployment's variables can't be read or set through an action, and no decision rests on the firewall's own."""

import json
from typing import Any

import pytest

from aaf.domain.errors import Code
from aaf.domain.states import State
from aaf.policy.rego.document import SCHEMA
from aaf.services.explaining import explain
from tests.services.test_modules import having
from tests.services.world import World, edited

CHANGE = b"""\
name: settings.change
class: config_change
risk: high
description: Change a setting.
input:
  type: object
  additionalProperties: false
  required: [key]
  properties:
    key: {type: string, maxLength: 200}
    value: {type: string, maxLength: 200}
effect: caller
"""


@pytest.mark.requirement("R42")
@pytest.mark.parametrize(
    "command", ["echo $PORT", "printenv SEARXNG_URL", "PORT=1 ./run", "cat /proc/self/environ", "env"]
)
def test_a_command_that_reads_or_sets_one_is_denied_whatever_rules_say(world: World, command: str) -> None:
    world.configure(
        edited("aaf.yaml", ("decision: require_approval\n    reason: Shell", "decision: allow\n    reason: Shell"))
    )
    record = world.command(command)
    assert (record.state, record.code) == (State.DENIED, Code.DEPLOYMENT_VARIABLE)
    assert [reason["source"] for reason in record.reasons] == ["guard"]
    assert world.command("grep PORT readme").state is State.ALLOWED


@pytest.mark.requirement("R42")
def test_a_setting_of_that_name_is_denied(world: World) -> None:
    allowed = "  - name: settings\n    match: {tool: settings}\n    decision: allow\n  - name: reads\n"
    files = edited("aaf.yaml", ("  - name: reads\n", allowed))
    world.configure({**files, "actions/settings.change.yaml": CHANGE})
    record = world.submit("settings.change", {"key": "WEB_UI_HOST", "value": "evil.example"}).record
    assert (record.state, record.code) == (State.DENIED, Code.DEPLOYMENT_VARIABLE)
    assert world.submit("settings.change", {"key": "theme", "value": "dark"}).record.state is State.ALLOWED


@pytest.mark.requirement("R42")
def test_a_type_of_action_that_nobody_declared_is_looked_at_too(world: World) -> None:
    world.configure(edited("aaf.yaml", ("use_within:", "fallback: {decision: require_approval}\nuse_within:")))
    assert world.submit("term.type", {"text": "ls"}).record.state is State.PENDING_APPROVAL
    assert world.submit("term.type", {"text": "echo $PORT"}).record.code == Code.DEPLOYMENT_VARIABLE


@pytest.mark.requirement("R42")
def test_nothing_that_policy_sees_holds_the_environment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "WEB_UI_HOST", "SEARXNG_URL", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, f"KANARI-{name}")
    # What a rule, a reason and a template say stays what it says: nothing is put in its place.
    world.configure(
        having(
            'decision := {"action": "deny", "reason": "See ${SEARXNG_URL} and $PORT"} if input.params.to == "evil"\n',
            edited("aaf.yaml", ("Small payments are allowed", "Small payments to $WEB_UI_HOST are allowed")),
        )
    )
    record = world.submit("pay.send", {"to": "evil", "amount": "20.00"}).record
    assert record.reasons[0]["reason"] == "See ${SEARXNG_URL} and $PORT"
    paid = world.submit("pay.send", {"to": "shop", "amount": "20.00"}).record
    assert paid.reasons[0]["reason"] == "Small payments to $WEB_UI_HOST are allowed"
    told = world.run(explain(world.core, world.admin, record.id))
    written = b"".join(row.body for row in world.events()).decode() + json.dumps(told) + json.dumps(world.log.entries)
    assert "KANARI" not in written
    assert "KANARI" not in json.dumps(world.admin.known.configuration.to_stored())


@pytest.mark.requirement("R42")
def test_the_document_of_modules_has_no_place_for_it() -> None:
    listed: Any = SCHEMA["properties"]
    assert set(listed).isdisjoint({"env", "environment", "runtime", "settings", "config"})
    assert SCHEMA["additionalProperties"] is False

"""An explanation says who voted, what each test saw and what would have changed it, and never what nobody may see."""

import json
from typing import Any

import pytest

from aaf.domain.errors import Code, NotFound, NotPermitted, Unavailable
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.services.explaining import explain
from tests.services.test_modules import having
from tests.services.world import FILES, World, edited, refused

PLAIN = b"""\
name: mail.send
class: external_api_call
risk: medium
description: Send a message.
input:
  type: object
  additionalProperties: false
  required: [to]
  properties:
    to: {type: string, maxLength: 200}
    urgent: {type: boolean}
    copies: {type: array, items: {type: string}}
    level: {type: integer, minimum: 0, maximum: 9}
    body: {type: object, open: true}
targets: [params.to]
effect: caller
"""


def told(world: World, record: ActionRecord, *, by: str = "admin", now: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = world.run(explain(world.core, world.caller(by), record.id, now=now))
    return found


def rule(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = [one for one in found["rules"] if one["name"] == name]
    return dict(one)


def leaves(condition: dict[str, Any]) -> list[dict[str, Any]]:
    parts = condition.get("all", condition.get("any"))
    return [condition] if parts is None else [leaf for part in parts for leaf in leaves(part)]


def ways(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Each change that was found as one text, with what it leads to."""
    changes = found["counterfactual"]["changes"]
    return [
        (" and ".join(f"{one['field']} {one['words']}" for one in change["fields"]), change["verdict"])
        for change in changes
    ]


@pytest.mark.requirement("R66")
def test_a_hold_is_explained_rule_by_rule_and_test_by_test(either: World) -> None:
    record = either.payment("250.00")
    found = told(either, record)
    assert (found["outcome"], found["same"]) == ({"code": Code.RULE, "verdict": "require_approval"}, True)
    assert (found["release"]["number"], found["release"]["author"]) == (record.release, "system")
    assert {one["name"]: one["said"] for one in found["rules"]} == {"small-payments": "silent", "large-payments": "spoke"}
    tool, amount = leaves(rule(found, "small-payments")["condition"])
    assert (tool["holds"], amount["holds"]) == (True, False)
    assert (amount["field"], amount["op"], amount["operand"], amount["value"]) == (
        "params.amount",
        "lte",
        "100.00",
        "250.00",
    )
    votes = [(one["pool"], one["name"], one["counted"], one["deciding"]) for one in found["votes"]]
    assert votes == [("explicit", "large-payments", True, True), ("default", "no_rule", False, False)]


@pytest.mark.requirement("R66")
def test_the_smallest_change_that_would_have_changed_it_is_named(world: World) -> None:
    assert ways(told(world, world.payment("250.00"))) == [("params.amount at most 100.00", "allow")]
    assert ways(told(world, world.payment("20.00"))) == [("params.amount above 100.00", "require_approval")]


def test_each_opening_is_an_event_about_the_action(world: World) -> None:
    record = world.payment()
    told(world, record)
    told(world, record, now=True)
    bodies = world.bodies("decision.explained")
    assert [(body["about"], body["data"], body["actor"]) for body in bodies] == [
        (record.id, {"now": False}, world.admin.principal.actor),
        (record.id, {"now": True}, world.admin.principal.actor),
    ]
    assert world.types(record)[-1] == "decision.explained"


@pytest.mark.parametrize("who", ["bot", "ann"])
def test_without_the_right_nothing_is_explained_or_recorded(world: World, who: str) -> None:
    record = world.payment()
    with world.unrecorded(), refused(Code.PERMISSION_DENIED, NotPermitted):
        told(world, record, by=who)


def test_no_agent_has_the_right_whatever_its_roles_are(world: World) -> None:
    record = world.payment()
    world.add("mole", Kind.AGENT)
    world.give_roles("mole", "admin", "auditor")
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        told(world, record, by="mole")


def test_an_action_that_is_not_there_is_not_found(world: World) -> None:
    record = world.payment()
    with pytest.raises(NotFound):
        world.run(explain(world.core, world.admin, record.id[:-1] + "0"))

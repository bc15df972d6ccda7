"""An explanation of what limits decided says what they had counted, and varies neither that nor the time."""

from dataclasses import replace
from typing import Any

import pytest

from aaf.domain.decision import Source, Verdict, Vote, combine
from aaf.domain.errors import Code
from aaf.domain.states import State
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.conditions import AllOf, AnyOf, Probe
from aaf.policy.decision_input import Input
from aaf.policy.operators import Op
from aaf.policy.rules import Rule
from aaf.services.unvaried import unvaried
from tests.services.test_explaining import told, ways
from tests.services.test_limiting import HELD, PAYMENTS, limited, pay
from tests.services.test_modules import having
from tests.services.world import MAIN, World, edited

ONE_A_MINUTE = "{name: pays, per: agent, match: {tool: pay}, rate: 1/m, burst: 1, enforce: policy, over: %s}"


def limits(found: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(one["name"], one["verdict"], one["deciding"]) for one in found["votes"] if one["source"] == "limit"]


@pytest.mark.requirement("R66")
def test_a_hold_by_a_limit_is_explained_as_one(world: World) -> None:
    world.configure(limited(spend=HELD))
    pay(world), pay(world)
    held = pay(world)
    assert held.state is State.PENDING_APPROVAL
    for now in (False, True):
        found = told(world, held, now=now)
        assert (limits(found), found["outcome"]["verdict"]) == (
            [("payments", "require_approval", True)],
            "require_approval",
        )
    assert told(world, held)["same"] is True
    why = told(world, held)["counterfactual"]["why"]
    assert why.startswith("the limit payments ")
    assert why.endswith("; what a limit has counted is never varied")


@pytest.mark.requirement("R66")
def test_a_rate_that_is_used_up_says_until_when(world: World) -> None:
    world.configure(limited(rates=ONE_A_MINUTE % "deny"))
    pay(world)
    found = told(world, pay(world))
    assert (found["same"], limits(found)) == (True, [("pays", "deny", True)])
    assert found["counterfactual"]["why"].startswith("the limit pays is used up until 20")


def test_an_amount_that_nobody_can_count_is_said(world: World) -> None:
    world.configure(limited(spend=PAYMENTS))
    found = told(world, world.submit("pay.send", {"to": "x", "amount": "1.00", "currency": "USD"}).record)
    assert found["counterfactual"]["why"] == "what it would spend can't be counted under the limit payments"


@pytest.mark.requirement("R66")
def test_a_limit_that_was_outvoted_stands_among_the_votes_and_modules_are_asked_beside_it(world: World) -> None:
    files = limited(rates=ONE_A_MINUTE % "{over: require_approval}".strip("{}").removeprefix("over: "))
    world.configure(having('decision := "deny" if input.counters.pays.exceeded\n', files))
    pay(world)
    found = told(world, pay(world))
    assert limits(found) == [("pays", "require_approval", False)]
    assert [one["said"] for one in found["modules"]] == ["spoke"]
    assert (found["outcome"]["verdict"], found["same"]) == ("deny", True)
    assert limits(told(world, pay(world), now=True)) == [("pays", "require_approval", False)]


@pytest.mark.requirement("R66")
def test_a_rule_that_asks_for_the_time_or_a_count_says_what_it_was(world: World) -> None:
    rule = "rules:\n  - {name: busy, match: {tool: pay, counters.pays.exceeded: true}, decision: deny}\n"
    late = '  - {name: late, match: {tool: files, time: {gte: "2020-01-01T00:00:00Z"}}, decision: deny}\n'
    world.configure(limited(rates=ONE_A_MINUTE % "inform", main=MAIN.replace("rules:\n", rule + late, 1)))
    pay(world)
    (note,) = told(world, pay(world))["notes"]
    assert note.startswith(
        "The rule busy asks for what was counted, which is never varied: the limit pays is used up until "
    )
    assert told(world, world.submit("shell.run", {"command": "uptime"}).record)["notes"] == []
    (note,) = told(world, world.submit("files.read", {"path": "a.txt"}).record)["notes"]
    assert note.startswith("The rule late asks for the time, which is never varied: it was 20")
    (leaf,) = [
        leaf
        for one in told(world, pay(world))["rules"]
        if one["name"] == "busy"
        for leaf in one["condition"]["all"]
        if leaf["field"] == "counters.pays.exceeded"
    ]
    assert (leaf["saw"], leaf["holds"], leaf["value"]) == ("value", True, True)


@pytest.mark.requirement("R66")
def test_another_amount_is_held_to_what_the_ceiling_had_left(world: World) -> None:
    main = MAIN.replace('gt: "100.00"', 'gt: "50.00"').replace('lte: "100.00"', 'lte: "50.00"')
    by_amount = ("decision: require_approval\n    reason: Large", "decision: deny\n    reason: Large")
    main = edited("aaf.yaml", by_amount, files={"aaf.yaml": main.encode()})["aaf.yaml"].decode()
    main = main.replace(
        "    approval: {approvers: [role:approver], quorum: 2, timeout: 10m, reason_required: true}\n", ""
    )
    world.configure(limited(spend=PAYMENTS, main=main))
    found = told(world, pay(world, "60.00"))
    assert ("params.amount at most 50.00", "allow") in ways(found)
    pay(world), pay(world)  # 80.00 of 100.00
    refused = pay(world, "60.00")
    # It would be denied by the limit as well: 50.00 is more than the 20.00 that are left, so nothing frees it.
    assert limits(told(world, refused)) == [("payments", "deny", True)]
    held = limited(spend=HELD, main=main)
    world.configure(held)
    found = told(world, pay(world, "60.00"))
    assert (limits(found), ways(found)) == ([("payments", "require_approval", False)], [])


def test_an_amount_in_a_currency_that_was_not_counted_is_not_tried(world: World) -> None:
    euro = MAIN.replace('params.amount: {gt: "100.00"}', "params.currency: EUR")
    spend = PAYMENTS.replace("ceiling: '100.00', currency: EUR", "ceilings: {EUR: '900.00', USD: '900.00'}")
    dollar = ("rules:\n", "rules:\n  - {name: dollar, match: {tool: pay, params.currency: USD}, decision: deny}\n")
    main = edited("aaf.yaml", dollar, files={"aaf.yaml": euro.encode()})["aaf.yaml"].decode()
    world.configure(limited(main=main))
    assert ('params.currency "USD"', "deny") in ways(told(world, pay(world)))
    world.configure(limited(spend=spend, main=main))
    assert ('params.currency "USD"', "deny") not in ways(told(world, pay(world)))


def test_what_was_not_counted_is_not_told() -> None:
    probe = Probe("counters.day.exceeded", Op.EQ, value=True)
    rule = Rule("busy", AllOf((AnyOf((probe, Probe("tool", Op.EQ, "a"))),)), Verdict.DENY, "x", None)
    asked = Input("a.b", {}, "1", "a", "o", ActionClass.READ, Risk.LOW, 1, 1)
    decision = combine(pool=(Vote(Verdict.DENY, Source.RULE, Code.RULE, "busy", "x"),))
    assert [*unvaried([rule], decision, asked)] == []
    (note,) = unvaried([rule], decision, replace(asked, counters={"day.exceeded": 0, "day.remaining": 3}))
    assert note == "The rule busy asks for what was counted, which is never varied: the limit day had 3 left."

"""An explanation says who voted, what each test saw and what would have changed it, and never what nobody may see."""

import json
from functools import partial
from typing import Any

import pytest

from aaf.domain.errors import Code, NotFound, NotPermitted, Unavailable
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.domain.redaction import MASK
from aaf.policy.rego.answers import Answer
from aaf.services.core import NO_ENGINE
from aaf.services.explaining import explain
from aaf.services.permits import issue
from tests.services.test_modules import asking, having
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
    assert {one["name"]: one["said"] for one in found["rules"]} == {
        "small-payments": "silent",
        "large-payments": "spoke",
    }
    tool, amount = leaves(rule(found, "small-payments")["condition"])
    assert (tool["holds"], amount["holds"]) == (True, False)
    assert (amount["field"], amount["op"], amount["operand"], amount["value"]) == (
        "params.amount",
        "lte",
        "100.00",
        "250.00",
    )
    votes = [(one["pool"], one["name"], one["counted"], one["deciding"]) for one in found["votes"]]
    assert votes == [("explicit", "large-payments", True, True), ("default", "payment", False, False)]


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
    world.payment()
    with pytest.raises(NotFound):
        world.run(explain(world.core, world.admin, "01890000-0000-7000-8000-000000000000"))


MAIL_RULES = """\
  - name: inside
    match: {tool: mail, params.to: {ends_with: "@example.com"}, params.level: {lt: 5}}
    decision: allow
    reason: Inside mail is allowed
  - name: loud
    match: {tool: mail, not: {params.copies: {contains: boss}}, params.urgent: true}
    decision: deny
    reason: Nothing urgent without the boss
  - name: bodies
    match: {tool: mail, any: [{params.body: {exists: true}}, {context.why: {eq: audit}}]}
    decision: require_approval
    reason: Bodies are read first
  - name: reads
"""
MAIL = edited("aaf.yaml", ("  - name: reads\n", MAIL_RULES), files={**FILES, "actions/mail.send.yaml": PLAIN})


def mail(world: World, **params: Any) -> ActionRecord:
    context = params.pop("context", {})
    return world.submit("mail.send", {"to": "a@example.com", **params}, context=context).record


@pytest.mark.requirement("R66")
def test_a_rule_that_fired_for_want_of_a_value_is_told_apart(world: World) -> None:
    world.configure(
        edited("aaf.yaml", ("params.urgent: true}", "params.urgent: true, params.level: {gt: 3}}"), files=MAIL)
    )
    found = told(world, mail(world, urgent=True))
    loud = rule(found, "loud")
    assert (loud["said"], found["outcome"]["verdict"], found["same"]) == ("unknown", "deny", True)
    saw = {leaf["field"]: (leaf["saw"], leaf["holds"], leaf["negated"]) for leaf in leaves(loud["condition"])}
    assert saw["params.copies"] == ("missing", None, True)
    assert saw["params.level"] == ("missing", None, False)
    assert saw["params.urgent"] == ("value", True, False)


@pytest.mark.requirement("R66")
def test_where_one_field_is_not_enough_two_are_tried(world: World) -> None:
    world.configure(MAIL)
    record = mail(world, to="a@other.example", level=7, urgent=False, copies=["boss"], context={"why": "x"})
    found = told(world, record)
    assert found["outcome"] == {"code": Code.CLASS_DEFAULT, "verdict": "require_approval"}
    assert ('params.level below 5 and params.to ending with "@example.com"', "allow") in ways(found)


def test_a_change_is_never_to_what_the_schema_refuses_or_a_guard_forbids(world: World) -> None:
    world.configure(edited("aaf.yaml", ("{lt: 5}", "{gt: 9}"), files=MAIL))
    found = told(world, mail(world, level=9))
    assert not any("params.level above 9" in words for words, _ in ways(found))


@pytest.mark.requirement("R66")
@pytest.mark.requirement("R18")
def test_modules_are_asked_again_and_their_numbers_are_tried(either: World) -> None:
    rules = (
        'decision := {"action": "deny", "reason": "Too much"} if to_number(input.params.amount) > 50\n'
        'decision := {"action": "allow"} if to_number(input.params.amount) <= 50\n'
    )
    either.configure(
        {
            **having(rules),
            "policies/silent.rego": b"package aaf.policies\nimport rego.v1\n"
            b'decisions contains {"action": "deny"} if input.params.to == "evil"\n',
        }
    )
    found = told(either, either.payment("80.00"))
    own, silent = found["modules"]
    assert (own["said"], own["answer"], len(own["hash"])) == ("spoke", {"action": "deny", "reason": "Too much"}, 64)
    assert (silent["said"], silent["answer"]) == ("silent", [])
    assert (found["same"], found["outcome"]["code"]) == (True, Code.MODULE)
    assert ("params.amount at most 50", "allow") in ways(found)


def test_a_module_that_gives_no_answer_now_is_told_and_is_not_the_recorded_decision(world: World) -> None:
    world.configure(having('decision := {"action": "deny"} if input.params.to == "evil"\n'))
    record = world.payment("20.00")
    with asking(world, NO_ENGINE):
        found = told(world, record)
    assert [one["said"] for one in found["modules"]] == ["failed"]
    assert (found["same"], found["outcome"]["verdict"], found["recorded"]["verdict"]) == (False, "deny", "allow")
    assert "isn't the recorded one" in " ".join(found["notes"])
    assert ways(found) == []


class Crashing:
    """An engine that raises what no engine should."""

    async def evaluate(self, *_: object) -> tuple[Answer, ...]:
        raise RuntimeError("torn")

    async def close(self) -> None:
        """Nothing to do."""


def test_an_engine_that_breaks_is_a_failed_module_not_a_failed_explanation(world: World) -> None:
    world.configure(having('decision := {"action": "deny"} if input.params.to == "evil"\n'))
    record = world.payment("20.00")
    with asking(world, Crashing()):
        (module,) = told(world, record)["modules"]
    assert (module["said"], module["code"]) == ("failed", Code.POLICY_ERROR)


@pytest.mark.requirement("R66")
def test_what_a_guard_refused_is_explained_by_its_fault(world: World) -> None:
    world.configure(having('decision := {"action": "allow"} if input.tool == "pay"\n'))
    found = told(world, world.submit("pay.send", {"to": "shop"}).record)
    assert found["outcome"] == {"code": Code.SCHEMA_VIOLATION, "verdict": "deny"}
    assert found["same"] is True
    assert found["faults"] == [{"message": "is required", "path": "$.params.amount"}]
    assert [one["said"] for one in found["modules"]] == ["not_asked"]
    assert (ways(found), found["counterfactual"]["tried"]) == ([], 0)
    assert "guard" in found["counterfactual"]["why"]


SHORT = "limits:\n  agent: {rate: 120/m, burst: 60}\n"
ASKS = "over: require_approval, approval: {approvers: [role:approver], quorum: 1}"
RATE = "{name: few, per: agent, match: {tool: pay}, rate: 1/h, enforce: policy, OVER}"
CEILING = "{name: paid, per: agent, match: {tool: pay}, ceiling: '30.00', currency: EUR, window: 1h, OVER}"


@pytest.mark.parametrize(
    ("kind", "limit", "code"), [("rates", RATE, "rate_limited"), ("spend", CEILING, "spend_exceeded")]
)
@pytest.mark.parametrize(("over", "verdict"), [(ASKS, "require_approval"), ("over: deny", "deny")])
def test_what_a_limit_said_is_explained_as_it_said_it(
    world: World, kind: str, limit: str, code: str, over: str, verdict: str
) -> None:
    limits = f"limits:\n  {kind}:\n    - {limit.replace('OVER', over)}\n"
    world.configure(edited("aaf.yaml", (SHORT, limits)))
    world.payment("20.00")
    record = world.payment("20.00")
    for now in (False, True):
        found = told(world, record, now=now)
        assert found["outcome"] == {"code": code, "verdict": verdict}
        assert found["same"] is (None if now else True)
        (vote,) = [one for one in found["votes"] if one["source"] == "limit"]
        assert vote["verdict"] == verdict


def test_an_unknown_type_of_action_is_explained(world: World) -> None:
    found = told(world, world.submit("files.shred", {"path": "a"}).record)
    assert found["outcome"] == {"code": Code.UNKNOWN_ACTION_TYPE, "verdict": "deny"}
    assert [one["name"] for one in found["rules"]] == []
    assert "catalogue" in found["counterfactual"]["why"]


@pytest.mark.requirement("R66")
def test_under_the_release_of_now_it_may_be_decided_otherwise(world: World) -> None:
    record = world.payment("80.00")
    world.configure(edited("aaf.yaml", ('{lte: "100.00"}', '{lte: "50.00"}'), ('{gt: "100.00"}', '{gt: "50.00"}')))
    before, now = told(world, record), told(world, record, now=True)
    assert (before["release"]["number"], before["release"]["active"], before["same"]) == (record.release, False, True)
    assert before["outcome"]["verdict"] == "allow"
    assert (now["release"]["active"], now["judged_under"], now["same"]) == (True, "active", None)
    assert (now["outcome"]["verdict"], now["recorded"]["verdict"]) == ("require_approval", "allow")
    assert ways(now) == [("params.amount at most 50.00", "allow")]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("required: [to, amount]", "required: [to, amount, pin]", Code.SCHEMA_VIOLATION),
        ("pin: {type: string", "reference: {type: string, default: x}\n    pin: {type: string", Code.SCHEMA_VIOLATION),
    ],
)
def test_what_the_schema_of_now_refuses_is_said(world: World, old: str, new: str, code: Code) -> None:
    record = world.payment("80.00")
    world.configure(edited("actions/pay.send.yaml", (old, new)))
    assert told(world, record, now=True)["outcome"] == {"code": code, "verdict": "deny"}


def test_decisions_that_were_made_later_are_listed(world: World) -> None:
    record = world.payment("80.00")
    world.configure(edited("aaf.yaml", ('{lte: "100.00"}', '{lte: "50.00"}'), ('{gt: "100.00"}', '{gt: "50.00"}')))
    with refused(Code.REQUIREMENT_CHANGED):
        world.run(issue(world.core, world.bot, record.id, digest=record.digest, audience="shop"))
    found = told(world, record)
    (later,) = found["later"]
    assert (later["code"], later["verdict"], later["release"]) == (Code.REQUIREMENT_CHANGED, "deny", record.release + 1)
    assert (found["recorded"]["verdict"], found["outcome"]["verdict"], found["same"]) == ("allow", "allow", True)


def test_without_its_values_what_is_recorded_is_still_told(filed: World) -> None:
    record = filed.payment()
    with filed.sql() as database:
        database.execute("DELETE FROM sealed WHERE owner = ?", (record.id,))
    found = told(filed, record)
    assert (found["outcome"], found["same"], found["rules"]) == (None, None, [])
    assert "erased" in " ".join(found["notes"])
    assert found["recorded"]["reasons"][0]["name"] == "small-payments"


def test_a_release_that_cannot_be_read_any_more_is_said(filed: World) -> None:
    record = filed.payment()
    filed.configure(edited("aaf.yaml", ("name: changes", "name: changed")))
    with filed.sql() as database:
        database.execute(
            "UPDATE configuration SET document = ? WHERE number = ?", (b'{"format":"old"}', record.release)
        )
    found = told(filed, record)
    assert (found["outcome"], found["release"]["author"]) == (None, "system")
    assert f"Release {record.release} can't be read" in " ".join(found["notes"])
    with filed.sql() as database:
        database.execute("DELETE FROM configuration WHERE number = ?", (record.release,))
    assert told(filed, record)["release"]["author"] is None


def test_an_input_of_another_version_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    record = world.payment()
    monkeypatch.setattr("aaf.policy.decision_input.INPUT_VERSION", 2)
    found = told(world, record)
    assert "another version" in " ".join(found["notes"])
    assert found["outcome"] is None


@pytest.mark.requirement("R07")
def test_what_nobody_may_see_is_masked_in_every_part(world: World) -> None:
    rules = (
        "  - name: pins\n"
        "    match: {tool: pay, params.pin: {exists: true}, context.token: {eq: fine}, context.deep.note: {contains: x}}\n"
        "    decision: deny\n"
        "  - name: reads\n"
    )
    world.configure(edited("aaf.yaml", ("  - name: reads\n", rules)))
    sent = {"to": "ghp_" + "a1B2" * 9, "amount": "20.00", "pin": "KANARI-1"}
    context = {"token": "KANARI-2", "deep": {"note": "x", "password": "KANARI-3"}}
    record = world.submit("pay.send", sent, context=context).record
    found = told(world, record)
    assert "KANARI" not in json.dumps(found)
    assert sent["to"] not in json.dumps(found)
    seen = {leaf["field"]: leaf["value"] for leaf in leaves(rule(found, "pins")["condition"])}
    assert (seen["params.pin"], seen["context.token"], seen["context.deep.note"]) == (MASK, MASK, MASK)


def test_a_change_of_what_is_hidden_is_told_without_its_value(world: World) -> None:
    rules = (
        "  - name: pins\n    match: {tool: pay, params.pin: {exists: true}}\n"
        "    decision: deny\n    reason: No pins\n  - name: reads\n"
    )
    world.configure(edited("aaf.yaml", ("  - name: reads\n", rules)))
    record = world.submit("pay.send", {"to": "shop", "amount": "20.00", "pin": "KANARI"}).record
    assert ways(told(world, record)) == [("params.pin left out", "allow")]


def test_explaining_logs_and_counts_nothing_as_if_it_had_been_decided(world: World) -> None:
    world.configure(having('decision := {"action": "deny"} if json.unmarshal(input.params.to) == 1\n'))
    record = world.payment()
    before = len(world.log.entries)
    told(world, record)
    assert [kind for kind, _ in world.log.entries[before:]] == []


def test_an_explanation_makes_no_dry_run_and_charges_nothing(world: World) -> None:
    record = world.write()
    world.hands.always("dry_run", lambda: pytest.fail("a dry run"))
    assert told(world, record)["same"] is True
    assert told(world, record, now=True)["outcome"]["verdict"] == "require_approval"


def test_while_others_change_something_the_right_is_looked_at_again(world: World) -> None:
    record = world.payment()
    world.add("eve", Kind.USER, "auditor")
    world.ids.then("id", lambda: world.give_roles("eve", "viewer"))
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        told(world, record, by="eve")
    assert world.bodies("decision.explained") == []
    world.ids.always("id", world.raise_epoch)
    with refused(Code.STORE_CONFLICT):
        told(world, record)


def test_where_it_is_not_decided_the_same_again_nothing_is_varied(world: World) -> None:
    record = world.write()
    world.hands.always("analyse", partial(next, iter(())))
    assert "isn't decided the same" in told(world, record)["counterfactual"]["why"]


@pytest.mark.parametrize("failure", [Unavailable(Code.SECRET_UNAVAILABLE, "It can't be read."), RuntimeError("torn")])
def test_a_change_that_cannot_be_judged_is_no_example(world: World, failure: Exception) -> None:
    record = world.payment("250.00")

    async def judged(*_: object) -> None:
        raise failure

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("aaf.services.varying.judge", judged)
        assert ways(told(world, record)) == []


def test_a_silent_module_and_what_is_no_parameter_are_told_too(world: World) -> None:
    files = having('decision := {"action": "deny"} if input.params.to == "evil"\n')
    world.configure(
        edited(
            "aaf.yaml",
            ("{tool: pay, params.amount: {lte", "{tool: pay, role: [agent], params.amount: {lte"),
            files=files,
        )
    )
    found = told(world, world.payment())
    assert [(one["said"], one["answer"]) for one in found["modules"]] == [("silent", None)]
    (role,) = [leaf for leaf in leaves(rule(found, "small-payments")["condition"]) if leaf["field"] == "role"]
    assert (role["value"], role["holds"]) == (["agent"], True)

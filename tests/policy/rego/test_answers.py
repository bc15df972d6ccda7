"""What modules say, as votes."""

from typing import Any

import pytest

from aaf.domain.canonical import Json
from aaf.domain.decision import Requirement, Source, Verdict, Vote
from aaf.domain.errors import Code
from aaf.policy.rego import answers
from aaf.policy.rego.answers import MAX_SPOKEN, NOTHING, Answer, Spoken, Undefined, Value, spoken
from aaf.policy.rego.module import Dialect, Module

DENY, HOLD, ALLOW = Verdict.DENY, Verdict.REQUIRE_APPROVAL, Verdict.ALLOW
APPROVALS = Requirement(("role:admin",), 2, 600)
OTHERS = Requirement(("role:approver",), 1, 600)
HELD = Value("require_approval")


def _module(**changes: Any) -> Module:
    given: dict[str, Any] = {"strings": ("Because",), **changes}
    return Module("policies/m.rego", Dialect.V1, "aaf.policies", "", **given)


def _said(value: Json, **changes: Any) -> Vote:
    (vote,) = spoken([(_module(**changes), Value(value))], APPROVALS).pool
    return vote


@pytest.mark.parametrize("key", ["action", "decision", "result"])
@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_is_an_object_with_one_of_three_keys(key: str, verdict: Verdict) -> None:
    vote = _said({key: verdict.value, "reason": "Because"})
    assert (vote.verdict, vote.source, vote.code, vote.name) == (verdict, Source.MODULE, Code.MODULE, "policies/m.rego")
    assert vote.reason == "Because"
    assert vote.requirement == (APPROVALS if verdict is HOLD else None)


@pytest.mark.parametrize("verdict", Verdict)
def test_a_decision_is_a_bare_word(verdict: Verdict) -> None:
    vote = _said(verdict.value)
    assert (vote.verdict, vote.reason) == (verdict, f"policies/m.rego says {verdict}.")
    assert vote.requirement == (APPROVALS if verdict is HOLD else None)


def test_a_reason_that_the_module_does_not_hold_is_not_repeated() -> None:
    assert _said({"action": "deny", "reason": "card 4111"}).reason == "policies/m.rego says deny."


@pytest.mark.requirement("R19")
def test_the_risk_that_a_module_gives_is_in_its_vote() -> None:
    assert _said({"action": "allow", "risk_level": "critical"}).risk == "critical"
    assert _said({"action": "allow"}).risk == ""


@pytest.mark.parametrize(
    ("config", "requirement"),
    [
        ({}, APPROVALS),
        ({"approvers": ["role:approver"]}, Requirement(("role:approver",), 2, 600)),
        ({"quorum": 3}, Requirement(("role:admin",), 3, 600)),
        ({"required_approvers": 3}, Requirement(("role:admin",), 3, 600)),
        ({"min_approvals": 3}, Requirement(("role:admin",), 3, 600)),
        ({"timeout": "5m"}, Requirement(("role:admin",), 2, 300)),
        ({"timeout_hours": 4}, Requirement(("role:admin",), 2, 14_400)),
        ({"reason_required": True}, Requirement(("role:admin",), 2, 600, reason_required=True)),
        ({"on_timeout": "deny"}, APPROVALS),
    ],
)
def test_approval_config_says_what_a_hold_asks_for(config: dict[str, Json], requirement: Requirement) -> None:
    assert _said({"action": "require_approval", "approval_config": config}).requirement == requirement


NO_DECISIONS: list[Json] = [
    None,
    True,
    1,
    1.5,
    "",
    "permit",
    [],
    {},
    ["deny"],
    {"action": "permit"},
    {"action": None},
    {"action": ["deny"]},
    {"reason": "Because"},
    {"action": "deny", "decision": "allow"},
    {"action": "allow", "raeson": "Because"},
    {"action": "allow", "reason": 1},
    {"action": "allow", "reason": ""},
    {"action": "allow", "reason": "x" * 501},
    {"action": "allow", "risk_level": "hihg"},
    {"action": "allow", "approval_config": {"quorum": 2}},
    {"action": "require_approval", "approval_config": []},
    {"action": "require_approval", "approval_config": {"quorum": 0}},
    {"action": "require_approval", "approval_config": {"quorum": 2, "min_approvals": 2}},
    {"action": "require_approval", "approval_config": {"timeout": 5}},
    {"action": "require_approval", "approval_config": {"timeout_hours": 721}},
    {"action": "require_approval", "approval_config": {"timeout_hours": "4"}},
    {"action": "require_approval", "approval_config": {"timeout_hours": 1, "timeout": "1h"}},
    {"action": "require_approval", "approval_config": {"on_timeout": "allow"}},
    {"action": "require_approval", "approval_config": {"approvers": []}},
    {"action": "require_approval", "approval_config": {"notify_channels": ["mail"]}},
]


@pytest.mark.attack(
    "G02", guard="aaf.policy.rego.answers:read_output", without="tests.attacks.without_rego:takes_any_output"
)
@pytest.mark.parametrize("value", NO_DECISIONS, ids=str)
def test_an_answer_that_is_no_decision_is_a_deny_that_names_the_module(value: Json) -> None:
    vote = _said(value)
    assert (vote.verdict, vote.code, vote.name) == (DENY, Code.POLICY_ERROR, "policies/m.rego")


def test_a_set_of_decisions_is_a_vote_each() -> None:
    module = _module(output="decisions")
    said = spoken([(module, Value(["allow", {"action": "deny"}, {"action": "nothing"}]))])
    assert [vote.code for vote in said.pool] == [Code.MODULE, Code.MODULE, Code.POLICY_ERROR]
    assert spoken([(module, Value([]))]) == NOTHING


@pytest.mark.parametrize("value", ["allow", {"allow": True}, None, ["allow"] * (MAX_SPOKEN + 1)])
def test_what_is_no_set_of_decisions_or_too_many_is_a_deny(value: Json) -> None:
    (vote,) = spoken([(_module(output="decisions"), Value(value))]).pool
    assert (vote.verdict, vote.code) == (DENY, Code.POLICY_ERROR)


@pytest.mark.parametrize(
    ("answer", "guard", "pool", "defaults"),
    [
        (Undefined(), False, [], [(ALLOW, Source.DEFAULT)]),
        (Undefined(), True, [(ALLOW, Source.MODULE)], []),
        (Value("deny"), False, [(DENY, Source.MODULE)], []),
        (Value("deny"), True, [(DENY, Source.MODULE)], []),
    ],
)
def test_a_default_counts_where_its_module_is_silent_and_is_a_vote_of_a_guard(
    answer: Answer, guard: bool, pool: list[object], defaults: list[object]
) -> None:
    said = spoken([(_module(default={"action": "allow"}, guard=guard), answer)])
    assert [(vote.verdict, vote.source) for vote in said.pool] == pool
    assert [(vote.verdict, vote.source) for vote in said.defaults] == defaults


def test_an_empty_set_of_decisions_is_silence() -> None:
    module = _module(output="decisions", default="deny")
    assert [vote.verdict for vote in spoken([(module, Value([]))]).defaults] == [DENY]


def test_a_silent_module_without_a_default_says_nothing() -> None:
    assert spoken([(_module(), Undefined())]) == Spoken()


def test_a_module_is_stored_as_it_is() -> None:
    module = _module(default={"action": "deny"}, tools=("files",), guard=True, warnings=("w",), output="decisions")
    assert Module.from_json(module.to_json()) == module
    assert module.query == "data.aaf.policies.decisions"


@pytest.mark.parametrize(
    ("tools", "library", "applies"),
    [
        ((), False, True),
        (("files",), False, True),
        (("files.read",), False, True),
        (("files.write",), False, False),
        (("read",), False, False),
        ((), True, False),
    ],
)
def test_a_module_applies_to_the_tools_that_it_names(tools: tuple[str, ...], library: bool, applies: bool) -> None:
    assert _module(tools=tools, library=library).applies_to("files.read") is applies


def test_what_was_understood_once_is_bounded_and_never_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_UNDERSTOOD", 3)
    answers._understood.clear()
    first, second, answer = _module(), _module(guard=True, default="deny"), Value("allow")
    for _ in range(3):
        assert [vote.verdict for vote in spoken([(first, answer), (second, Undefined())]).pool] == [ALLOW, DENY]
        assert spoken([(second, answer)]).pool[0].verdict is ALLOW
        assert spoken([(first, Value("deny"))]).pool[0].verdict is DENY
        held = spoken([(first, HELD)], APPROVALS), spoken([(first, HELD)], OTHERS)
        assert [said.pool[0].requirement for said in held] == [APPROVALS, OTHERS]
        assert len(answers._understood) <= 3

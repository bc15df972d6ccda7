from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.canonical import Json, canonical, parse
from aaf.domain.decision import Decision, Requirement, Source, Verdict, Vote, combine
from aaf.domain.errors import Code
from aaf.policy import positioned
from aaf.policy.catalogue import ActionClass, Catalogue, Risk
from aaf.policy.conditions import AllOf, Probe
from aaf.policy.configuration import Configuration, load
from aaf.policy.decision_input import Input
from aaf.policy.judge import Policy
from aaf.policy.operators import Op
from aaf.policy.rules import Rule
from tests.policy.samples import an_input, with_rules
from tests.policy.worlds import CATALOGUE, RULES, inputs, interpreted

CASES = Path(__file__).parent / "cases"
FALLBACK = Requirement(quorum=2)
DEFAULTS = {ActionClass.READ: Verdict.ALLOW, ActionClass.PAYMENT: Verdict.REQUIRE_APPROVAL}


def _cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        faults = positioned.Faults(path.name)
        node = positioned.parse(path.read_bytes(), faults)
        assert node is not None, faults.problems
        document: Any = node.plain()
        found += [
            pytest.param(document["rules"], case, id=f"{path.stem}: {case['description']}")
            for case in document["cases"]
        ]
    return found


def _yaml(value: Json) -> str:
    return canonical(value).decode()


@pytest.mark.requirement("R35")
@pytest.mark.parametrize(("rules", "case"), _cases())
def test_a_case_is_decided_as_it_says(rules: list[Json], case: dict[str, Any]) -> None:
    configuration = load(with_rules("".join(f"  - {_yaml(rule)}\n" for rule in rules)))
    action = case["action"]
    entry = configuration.catalogue.get(action["name"])
    given_params = action.get("params", {})
    given_input = an_input(
        action["name"],
        params=entry.input.fill_defaults(given_params) if entry else given_params,
        klass=ActionClass(action.get("class", entry.klass if entry else "other")),
        risk=Risk(action.get("risk", entry.risk if entry else "high")),
        agent_name=action.get("agent", "scribe"),
        roles=frozenset(action.get("roles", ["agent"])),
        server=action.get("server"),
        context=action.get("context", {}),
        labels=frozenset(action.get("labels", [])),
        findings=frozenset(action.get("findings", [])),
    )

    decision = configuration.policy.judge(given_input)

    expect = case["expect"]
    assert decision.verdict == expect["verdict"]
    assert decision.code == expect["code"]
    assert [vote.name for vote in decision.votes] == expect["by"]


@pytest.mark.attack("G04", guard="aaf.policy.index:failure", without="tests.attacks.without:returns_empty_tuple")
@pytest.mark.parametrize("wanted", Verdict)
def test_a_rule_that_cannot_be_evaluated_denies_and_is_named(wanted: Verdict) -> None:
    broken = Rule("broken", AllOf((Probe("params.path", Op.IN, ["x"]), Probe("params.path", Op.IN, ["y"]))), wanted, "")
    allow = Rule("reads", AllOf((Probe("tool", Op.IN, ["files"]),)), Verdict.ALLOW, "")
    catalogue = load(with_rules("  []\n")).catalogue
    policy = Policy(catalogue, [allow, broken])

    # A list can't be looked up among strings; a schema would have refused it long before.
    decision = policy.judge(an_input(params={"path": ["x"]}))

    assert decision.verdict is Verdict.DENY
    assert decision.code is Code.POLICY_ERROR
    assert [vote.name for vote in decision.votes] == ["broken"]
    assert "broken" in decision.votes[0].reason


@pytest.mark.attack("G05")
def test_an_empty_policy_denies_and_names_the_file_to_edit() -> None:
    policy = load(with_rules("  []\n")).policy

    decision = policy.judge(an_input())

    assert (decision.verdict, decision.code) == (Verdict.DENY, Code.NO_RULE)
    assert "aaf.yaml" in decision.votes[0].reason
    assert Policy(Catalogue(()), ()).judge(an_input()).code is Code.UNKNOWN_ACTION_TYPE


def test_an_unknown_action_type_is_denied_whatever_the_rules_allow() -> None:
    policy = load(with_rules("  - {name: a, match: {risk: low}, decision: allow}\n")).policy

    decision = policy.judge(an_input("files.wipe"))

    assert (decision.verdict, decision.code) == (Verdict.DENY, Code.UNKNOWN_ACTION_TYPE)


@pytest.mark.parametrize(
    ("agent", "verdict", "by"),
    [("scribe", Verdict.REQUIRE_APPROVAL, ["fallback"]), ("banned", Verdict.DENY, ["b"])],
)
def test_a_fallback_holds_unknown_action_types_and_rules_can_only_tighten_it(
    agent: str, verdict: Verdict, by: list[str]
) -> None:
    rules = [
        Rule("a", AllOf((Probe("risk", Op.IN, ["low"]),)), Verdict.ALLOW, ""),
        Rule("b", AllOf((Probe("agent", Op.IN, ["banned"]),)), Verdict.DENY, ""),
        Rule("c", AllOf((Probe("params.path", Op.IN, ["notes.txt"]),)), Verdict.DENY, ""),
        Rule("d", AllOf((Probe("tool", Op.IN, ["other"]),)), Verdict.DENY, ""),
    ]
    policy = Policy(CATALOGUE, rules, fallback=FALLBACK)

    decision = policy.judge(an_input("stranger.do", agent_name=agent))

    assert decision.verdict is verdict
    assert [vote.name for vote in decision.votes] == by
    assert decision.requirements == ((FALLBACK,) if verdict is Verdict.REQUIRE_APPROVAL else ())


@pytest.mark.requirement("R35")
def test_a_class_that_analysis_raised_is_judged_as_that_class() -> None:
    configuration = load(with_rules("  - {name: p, match: {class: payment}, decision: require_approval}\n"))

    assert configuration.policy.judge(an_input()).code is Code.NO_RULE
    assert configuration.policy.judge(an_input(klass=ActionClass.PAYMENT)).verdict is Verdict.REQUIRE_APPROVAL


def test_a_rule_of_another_class_whose_operator_does_not_fit_is_unknown() -> None:
    rule = "match: {class: payment, params.count: {gt: 5}}"
    configuration = load(with_rules(f"  - {{name: p, {rule}, decision: deny}}\n"))
    catalogue = Catalogue(
        replace(entry, input=replace_type(entry.input.document)) if entry.name == "files.read" else entry
        for entry in configuration.catalogue.values()
    )
    policy = Policy(catalogue, configuration.rules)

    decision = policy.judge(an_input(klass=ActionClass.PAYMENT, params={"count": "many"}))

    assert decision.code is Code.RULE_UNKNOWN


def replace_type(document: dict[str, Json]) -> Any:
    from aaf.policy.schemas import Schema

    return Schema({**document, "properties": {"path": {"type": "string"}, "count": {"type": "string"}}})


def test_guards_tighten_and_never_loosen() -> None:
    policy = load(with_rules("  - {name: a, match: {tool: files, operation: read}, decision: allow}\n")).policy
    guard = Vote(Verdict.DENY, Source.GUARD, Code.PATH_OUTSIDE_ROOT, "path")

    assert policy.judge(an_input()).verdict is Verdict.ALLOW
    assert policy.judge(an_input(), [guard]).code is Code.PATH_OUTSIDE_ROOT
    assert policy.judge(an_input(), iter([replace(guard, verdict=Verdict.ALLOW)])).code is Code.RULE


def _scanned(rules: Sequence[Rule], asked: Input, guards: Sequence[Vote] = ()) -> Decision:
    """The plainest possible policy: every rule, one after the other."""
    pool = []
    for rule in rules:
        said = interpreted(rule.match, asked)
        if said or (said is None and rule.decision is not Verdict.ALLOW):
            code = Code.RULE if said else Code.RULE_UNKNOWN
            pool.append(
                Vote(rule.decision, Source.RULE, code, rule.name, rule.reason, rule.requirement, unknown=said is None)
            )
    policy = Policy(CATALOGUE, (), defaults=DEFAULTS, fallback=FALLBACK)
    if asked.name not in CATALOGUE:
        return combine(pool=[*policy.judge(asked).votes, *pool], guards=guards)
    return combine(pool=pool, defaults=policy.judge(asked).votes, guards=guards)


_GUARDS = st.lists(
    st.sampled_from([Vote(verdict, Source.GUARD, Code.RATE_LIMITED, "g") for verdict in Verdict]), max_size=2
)


@given(RULES, inputs(), _GUARDS)
def test_the_index_decides_as_a_scan_over_all_rules(rules: list[Rule], asked: Input, guards: list[Vote]) -> None:
    policy = Policy(CATALOGUE, rules, defaults=DEFAULTS, fallback=FALLBACK)

    assert policy.judge(asked, guards) == _scanned(rules, asked, guards)


@given(RULES, inputs(strangers=False), st.integers(0, 8), st.sampled_from([Verdict.DENY, Verdict.REQUIRE_APPROVAL]))
def test_an_added_deny_or_hold_never_loosens(rules: list[Rule], asked: Input, place: int, verdict: Verdict) -> None:
    added = Rule("added", AllOf((Probe("agent", Op.EXISTS, True),)), verdict, "")
    before = Policy(CATALOGUE, rules).judge(asked)
    after = Policy(CATALOGUE, [*rules[:place], added, *rules[place:]]).judge(asked)

    spoke = before.code is not Code.NO_RULE
    assert after.verdict.strictness >= (
        before.verdict.strictness if spoke or verdict is Verdict.DENY else verdict.strictness
    )


@given(RULES, inputs(), st.randoms())
def test_the_order_of_rules_never_matters(rules: list[Rule], asked: Input, chance: Any) -> None:
    shuffled = list(rules)
    chance.shuffle(shuffled)
    one = Policy(CATALOGUE, rules, fallback=FALLBACK).judge(asked)
    other = Policy(CATALOGUE, shuffled, fallback=FALLBACK).judge(asked)

    assert one.verdict is other.verdict
    assert {vote.name for vote in one.votes} == {vote.name for vote in other.votes}
    assert set(one.requirements) == set(other.requirements)


@given(RULES, inputs(), st.sampled_from([None, FALLBACK]))
def test_a_stored_configuration_judges_the_same(rules: list[Rule], asked: Input, fallback: Requirement | None) -> None:
    configuration = Configuration(CATALOGUE, tuple(rules), defaults=DEFAULTS, fallback=fallback)
    configuration.policy.prepare()
    stored = canonical(configuration.to_stored())
    document = parse(stored)
    assert isinstance(document, dict)
    again = Configuration.from_stored(document)

    assert again.policy.judge(asked) == configuration.policy.judge(asked)
    assert canonical(again.to_stored()) == stored


@given(inputs().filter(lambda asked: "Absent" not in repr(asked)))
def test_a_stored_input_is_the_same(asked: Input) -> None:
    stored = parse(canonical(asked.to_json()))

    assert isinstance(stored, dict)
    assert Input.from_json(stored) == asked


def test_what_a_caller_says_of_a_counter_is_no_gate_for_a_rule_about_it() -> None:
    match = AllOf((Probe("counters.spent", Op.GT, 5),))
    policy = Policy(load(with_rules("  []\n")).catalogue, [Rule("over", match, Verdict.DENY, "")])
    asked = an_input("files.read", context={"spent": 1}, counters={"spent": 9})
    assert [vote.name for vote in policy.matching(asked)] == ["over"]


def test_an_input_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 2"):
        Input.from_json({**an_input().to_json(), "v": 2})

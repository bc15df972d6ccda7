"""What explains a condition says the same as what decides."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.decision import Verdict
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.conditions import AllOf, AnyOf, Condition, Not, Probe, compile_condition
from aaf.policy.decision_input import Input
from aaf.policy.judge import Policy
from aaf.policy.operands.answers import Absent
from aaf.policy.operators import Op
from aaf.policy.rules import Rule
from aaf.policy.tracing import Group, Leaf, Saw, Traced, trace
from tests.policy.worlds import CATALOGUE, CONDITIONS, RULES, inputs


def _compiled(condition: Condition, asked: Input) -> bool | None:
    entry = CATALOGUE.get(asked.name)
    found = compile_condition(condition, entry, asked.klass if entry else None)
    return found if isinstance(found, bool) else found(asked)


def _leaves(traced: Traced) -> list[Leaf]:
    if isinstance(traced, Leaf):
        return [traced]
    return [leaf for part in traced.parts for leaf in _leaves(part)]


def _input(**more: Any) -> Input:
    known: dict[str, Any] = {
        "name": "a.write",
        "params": {},
        "agent_id": "1",
        "agent_name": "a",
        "org": "o",
        "klass": ActionClass.FILE_WRITE,
        "risk": Risk.LOW,
        "time": 1,
        "release": 1,
    }
    return Input(**{**known, **more})


@pytest.mark.requirement("R66")
@given(CONDITIONS, inputs(), st.booleans())
def test_a_trace_says_what_the_compiled_condition_says(condition: Condition, asked: Input, negated: bool) -> None:
    entry = CATALOGUE.get(asked.name)
    whole: Condition = Not(condition) if negated else condition
    assert trace(condition, asked, entry, negated=negated).said is _compiled(whole, asked)


@pytest.mark.requirement("R66")
@given(RULES, inputs())
def test_a_rule_speaks_where_its_trace_holds(rules: list[Rule], asked: Input) -> None:
    policy = Policy(CATALOGUE, rules)
    entry = CATALOGUE.get(asked.name)
    votes = {vote.name: vote.unknown for vote in policy.pools(asked)[0]}
    for rule in rules:
        said = trace(rule.match, asked, entry).said
        speaks = said is True or (said is None and rule.decision is not Verdict.ALLOW)
        # A type that nobody declared has a voice of its own, and no rule is named like it.
        assert (rule.name in votes) is speaks, rule
        assert not speaks or votes[rule.name] is (said is None)


@pytest.mark.parametrize(
    ("probe", "params", "saw", "said"),
    [
        (Probe("params.text", Op.EQ, "x"), {"text": "x"}, Saw.VALUE, True),
        (Probe("params.text", Op.EQ, "x"), {"text": "y"}, Saw.VALUE, False),
        (Probe("params.text", Op.GT, "5"), {"text": "much"}, Saw.VALUE, None),
        (Probe("params.text", Op.EQ, "x"), {}, Saw.MISSING, None),
        (Probe("params.text", Op.EXISTS, True), {}, Saw.MISSING, False),
        (Probe("params.text", Op.EXISTS, True), {"text": Absent.ERASED}, Saw.ERASED, True),
        (Probe("params.text", Op.EQ, "x"), {"text": Absent.ERASED}, Saw.ERASED, None),
        (Probe("params.number", Op.EQ, 5), {}, Saw.INAPPLICABLE, False),
        (Probe("params.flag", Op.GT, 5), {"flag": True}, Saw.UNFIT, None),
        (Probe("labels", Op.EXISTS, False), {}, Saw.VALUE, True),
    ],
)
def test_a_test_says_what_it_saw(probe: Probe, params: dict[str, Any], saw: Saw, said: bool | None) -> None:
    found = trace(probe, _input(params=params), CATALOGUE["a.write"])
    assert isinstance(found, Leaf)
    assert (found.saw, found.said) == (saw, said)
    assert found.saw is not Saw.VALUE or probe.field == "labels" or found.value == params["text"]


def test_a_negation_stands_at_the_tests() -> None:
    probes = Probe("params.text", Op.EQ, "x"), Probe("params.flag", Op.EQ, True)
    found = trace(Not(AllOf(probes)), _input(params={"text": "x", "flag": False}), CATALOGUE["a.write"])
    assert isinstance(found, Group)
    assert (found.every, found.said) == (False, True)
    assert [(leaf.negated, leaf.said) for leaf in _leaves(found)] == [(True, False), (True, True)]
    assert trace(AnyOf(probes), _input(params={"text": "x"}), CATALOGUE["a.write"]).said is True


def test_an_error_within_a_test_is_told() -> None:
    class Torn(str):
        __slots__ = ()

        def startswith(self, *_: object) -> bool:
            raise RuntimeError("torn")

    probe = Probe("params.text", Op.STARTS_WITH, "x")
    found = trace(probe, _input(params={"text": Torn("x")}), CATALOGUE["a.write"])
    assert isinstance(found, Leaf)
    assert (found.saw, found.said) == (Saw.FAILED, None)

"""What one test says of another, where enumerations don't come: what has no range, what is asked of nothing, and where the steps end."""

import pytest

from aaf.domain.canonical import Json
from aaf.domain.decision import Verdict
from aaf.policy import implying, relations
from aaf.policy.conditions import AllOf, AnyOf, Probe
from aaf.policy.document.credentials import credentials
from aaf.policy.implying import never_together
from aaf.policy.operators import Op
from aaf.policy.rules import Rule
from aaf.policy.schemas import Kind, Schema
from tests.policy.worlds import CATALOGUE


def a_test(field: str, kind: Kind, op: Op, value: Json) -> implying.Test:
    return implying.a_test(field, kind, op, value, positive=True)


def test_an_order_of_risks_is_no_range_of_numbers() -> None:
    assert a_test("risk", Kind.RISK, Op.GT, "low").range is None
    assert a_test("params.count", Kind.NUMBER, Op.GT, 3).range is not None


def test_what_is_not_there_is_never_together_with_what_is() -> None:
    gone = a_test("params.to", Kind.TEXT, Op.EXISTS, False)
    assert never_together(gone, a_test("params.to", Kind.TEXT, Op.EXISTS, True))
    assert never_together(gone, a_test("params.to", Kind.TEXT, Op.STARTS_WITH, "a"))
    assert not never_together(gone, gone)
    # A field that every action has may be there as an empty set.
    assert not never_together(
        a_test("labels", Kind.TEXTS, Op.EXISTS, False), a_test("labels", Kind.TEXTS, Op.NOT_IN, ["a"])
    )


def _rule(name: str, verdict: Verdict, *words: str) -> Rule:
    tests = tuple(Probe("agent", Op.STARTS_WITH, word) for word in words)
    match = AllOf(
        (Probe("tool", Op.IN, [next(iter(CATALOGUE.values())).tool]), AnyOf((AllOf(tests), AllOf(tests[::-1]))))
    )
    return Rule(name, match, verdict, "")


def test_wherever_the_steps_end_nothing_is_told_that_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [_rule("allows", Verdict.ALLOW, "a", "ab"), _rule("denies", Verdict.DENY, "abc", "b")]
    whole = relations.overlaps(rules, CATALOGUE)
    assert whole.complete
    ended = []
    for most in range(80):
        monkeypatch.setattr(relations, "MAX_STEPS", most)
        found = relations.overlaps(rules, CATALOGUE)
        ended.append(found.complete)
        assert relations.shadowed(rules, CATALOGUE) == {}
    assert not ended[0]


def test_an_array_of_anything_or_an_object_is_opaque_and_a_field_that_is_not_there_is_closed() -> None:
    either: Json = {"anyOf": [{"type": "array", "items": {"type": "object"}}, {"type": "object"}]}
    schema = Schema({"type": "object", "additionalProperties": False, "properties": {"x": either}})
    assert schema.kind("x") is Kind.OPAQUE
    assert not schema.open_at("y")


def test_what_only_may_be_a_credential_is_let_through() -> None:
    assert list(credentials("url: https://ann:f83kd02mxq7@example.com/\n")) == []
    ((place, said),) = credentials("a\n  key: AKIAIOSFODNN7EXAMPLE\n")
    assert place[0] == 2
    assert said.startswith("this looks like ")

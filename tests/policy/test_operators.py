import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.canonical import Json
from aaf.policy.catalogue import Risk
from aaf.policy.operands.answers import Misfit, opposite
from aaf.policy.operators import Op, fault, gate, question, view
from aaf.policy.schemas import Kind

T, F, U = True, False, None
ANSWERS: list[tuple[Kind, Op, Json, Json, bool | None]] = [
    (Kind.TEXT, Op.EQ, "a", "a", T),
    (Kind.TEXT, Op.EQ, "a", "b", F),
    (Kind.TEXT, Op.EQ, None, None, T),
    (Kind.TEXT, Op.NE, "a", None, T),
    (Kind.TEXT, Op.IN, ["a", "b"], "b", T),
    (Kind.TEXT, Op.NOT_IN, ["a", "b"], "b", F),
    (Kind.TEXT, Op.STARTS_WITH, "/etc", "/etc/x", T),
    (Kind.TEXT, Op.STARTS_WITH, "/etc", "/ETC/x", F),
    (Kind.TEXT, Op.STARTS_WITH, "/etc", None, F),
    (Kind.TEXT, Op.ENDS_WITH, ".env", "a.env", T),
    (Kind.TEXT, Op.ENDS_WITH, ".env", 5, U),
    (Kind.TEXT, Op.CONTAINS, "b", "abc", T),
    (Kind.TEXT, Op.CONTAINS, "b", None, F),
    (Kind.TEXT, Op.GLOB, "*.env", "a/b.env", T),
    (Kind.TEXT, Op.GLOB, "*.env", None, F),
    (Kind.TEXT, Op.GLOB, "a*b", "ab", T),
    (Kind.TEXT, Op.GLOB, "ab*ba", "aba", F),
    (Kind.TEXT, Op.GLOB, "same", "same", T),
    (Kind.TEXT, Op.GT, "100.00", "100.01", T),
    (Kind.TEXT, Op.GT, "100.00", "100", F),
    (Kind.TEXT, Op.GTE, "100.00", "100", T),
    (Kind.TEXT, Op.GT, "9", "10", T),
    (Kind.TEXT, Op.GT, "100", "1e9", U),
    (Kind.TEXT, Op.GT, "100", "a lot", U),
    (Kind.TEXT, Op.GT, "100", "\u0661\u0660\u0661", U),
    (Kind.TEXT, Op.GT, "100", None, U),
    (Kind.TEXT, Op.LT, "-5", "-5.5", T),
    (Kind.TEXT, Op.LTE, "0", "0.000", T),
    (Kind.NUMBER, Op.GT, 5, 5.5, T),
    (Kind.NUMBER, Op.LTE, 5, 5, T),
    (Kind.NUMBER, Op.LT, 5, None, U),
    (Kind.NUMBER, Op.GTE, 0, True, U),
    (Kind.NUMBER, Op.IN, [1, 2.5], 2.5, T),
    (Kind.FLAG, Op.EQ, True, False, F),
    (Kind.TEXTS, Op.CONTAINS, "a", ["b", "a"], T),
    (Kind.TEXTS, Op.IN, ["a", "c"], ["b"], F),
    (Kind.TEXTS, Op.NOT_IN, ["a", "c"], ["b"], T),
    (Kind.RISK, Op.GTE, "high", Risk.CRITICAL, T),
    (Kind.RISK, Op.LT, "high", Risk.HIGH, F),
    (Kind.RISK, Op.IN, ["low"], Risk.LOW, T),
    (Kind.ANY, Op.EQ, 1, True, F),
    (Kind.ANY, Op.EQ, True, True, T),
    (Kind.ANY, Op.EQ, 1, 1.0, T),
    (Kind.ANY, Op.IN, ["a"], ["a"], U),
    (Kind.ANY, Op.CONTAINS, "a", "cat", T),
    (Kind.ANY, Op.CONTAINS, "a", ["cat"], F),
    (Kind.ANY, Op.CONTAINS, "a", 5, U),
    (Kind.ANY, Op.CONTAINS, "a", None, F),
    (Kind.ANY, Op.GT, "1", "2", T),
    (Kind.ANY, Op.GT, 1, "2", U),
    (Kind.ANY, Op.GT, "1", 2, U),
    (Kind.ANY, Op.GT, "1", ["2"], U),
    (Kind.ANY, Op.STARTS_WITH, "a", 5, U),
]


@pytest.mark.parametrize(("kind", "op", "operand", "value", "answer"), ANSWERS)
def test_an_operator_answers_as_the_table_says(
    kind: Kind, op: Op, operand: Json, value: Json, answer: bool | None
) -> None:
    assert fault(kind, op, operand) is None
    asked = question(kind, op, operand)

    assert asked(value) is answer
    assert opposite(asked)(value) is (None if answer is None else not answer)


@pytest.mark.parametrize(("kind", "op", "operand", "value", "answer"), ANSWERS)
def test_a_gate_says_no_only_where_the_question_does(
    kind: Kind, op: Op, operand: Json, value: Json, answer: bool | None
) -> None:
    seen = view(kind, op)
    asked = seen(value) if seen else value
    try:
        said = gate(kind, op, operand)(asked)
    except (AttributeError, TypeError):
        return
    assert said is not False or answer is False


def test_every_operator_fits_some_kind_and_a_misfit_is_said() -> None:
    for op in Op:
        assert any((wrong := fault(kind, op, "1")) is None or "fit" not in wrong[0] for kind in Kind)
    assert fault(Kind.SECRET, Op.EQ, "x") == Misfit("`eq` doesn't fit a field that is a secret", "what fits: exists")
    assert fault(Kind.ANY, Op.EQ, None) is None
    assert fault(Kind.TEXT, Op.EXISTS, False) is None


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8))
def test_glob_is_what_the_regular_expression_says(pattern: str, text: str) -> None:
    if not pattern:
        return
    wanted = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)

    assert question(Kind.TEXT, Op.GLOB, pattern)(text) is (wanted.fullmatch(text) is not None)

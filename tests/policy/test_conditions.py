from hypothesis import given

from aaf.domain.canonical import canonical, parse
from aaf.policy.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Not,
    Predicate,
    Probe,
    compile_condition,
    from_json,
    probes,
    to_json,
)
from aaf.policy.decision_input import Input
from aaf.policy.operands.answers import Absent
from aaf.policy.operators import Op
from tests.policy.worlds import CATALOGUE, CONDITIONS, inputs, interpreted

A, B, C = CONDITIONS, CONDITIONS, CONDITIONS


def _answer(condition: Condition, asked: Input) -> bool | None:
    entry = CATALOGUE.get(asked.name)
    compiled: Predicate | bool = compile_condition(condition, entry, asked.klass if entry else None)
    return compiled if isinstance(compiled, bool) else compiled(asked)


@given(CONDITIONS, inputs())
def test_a_compiled_condition_is_what_the_interpreter_says(condition: Condition, asked: Input) -> None:
    assert _answer(condition, asked) is interpreted(condition, asked)


@given(CONDITIONS, inputs())
def test_two_negations_are_none(condition: Condition, asked: Input) -> None:
    assert _answer(Not(Not(condition)), asked) is _answer(condition, asked)


@given(A, B, inputs())
def test_de_morgan_holds(one: Condition, other: Condition, asked: Input) -> None:
    assert _answer(Not(AllOf((one, other))), asked) is _answer(AnyOf((Not(one), Not(other))), asked)
    assert _answer(Not(AnyOf((one, other))), asked) is _answer(AllOf((Not(one), Not(other))), asked)


@given(A, B, C, inputs())
def test_order_and_grouping_never_matter(one: Condition, two: Condition, three: Condition, asked: Input) -> None:
    for kind in (AllOf, AnyOf):
        assert _answer(kind((one, two)), asked) is _answer(kind((two, one)), asked)
        assert _answer(kind((kind((one, two)), three)), asked) is _answer(kind((one, kind((two, three)))), asked)
        assert _answer(kind((one, one)), asked) is _answer(one, asked)


@given(A, B, C, inputs())
def test_each_combinator_distributes_over_the_other(
    one: Condition, two: Condition, three: Condition, asked: Input
) -> None:
    assert _answer(AllOf((one, AnyOf((two, three)))), asked) is _answer(
        AnyOf((AllOf((one, two)), AllOf((one, three)))), asked
    )
    assert _answer(AnyOf((one, AllOf((two, three)))), asked) is _answer(
        AllOf((AnyOf((one, two)), AnyOf((one, three)))), asked
    )


@given(CONDITIONS, inputs())
def test_a_condition_and_its_negation_are_never_both_true(condition: Condition, asked: Input) -> None:
    assert not (_answer(condition, asked) is True and _answer(Not(condition), asked) is True)


@given(CONDITIONS)
def test_a_stored_condition_is_the_same(condition: Condition) -> None:
    stored = parse(canonical(to_json(condition)))

    assert isinstance(stored, dict)
    assert from_json(stored) == condition
    assert list(probes(from_json(stored))) == list(probes(condition))


def test_what_lies_within_something_erased_is_erased_and_not_missing() -> None:
    inner = [Probe("params.deep.text", Op.EXISTS, True), Probe("params.deep.text", Op.EQ, "x")]
    entry = CATALOGUE["a.write"]
    asked = Input(
        name=entry.name,
        params={"deep": Absent.ERASED},
        agent_id="a",
        agent_name="a",
        org="o",
        klass=entry.klass,
        risk=entry.risk,
        time=0,
        release=1,
    )
    there, equal = (compile_condition(test, entry, entry.klass) for test in inner)
    assert callable(there)
    assert callable(equal)
    assert (there(asked), equal(asked)) == (True, None)

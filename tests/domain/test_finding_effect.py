"""Findings and effects are values; an effect survives being stored."""

import pytest

from aaf.domain.canonical import Json, canonical, parse
from aaf.domain.effect import Effect
from aaf.domain.errors import Code
from aaf.domain.finding import Analysis, Finding, Severity

EFFECT = Effect("write", "notes/a.txt", "Create notes/a.txt", {"exists": False, "size_after": 3}, "+abc")


def test_severities_are_ordered() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3, 4]
    assert Severity.CRITICAL.rank > Severity.INFO.rank


def test_an_analysis_says_nothing_unless_told() -> None:
    assert Analysis() == Analysis(findings=(), target=None)
    assert Finding("x", Severity.LOW, "params.x", "").deny is None
    assert Finding("x", Severity.LOW, "params.x", "", Code.PATH_PROTECTED).deny is Code.PATH_PROTECTED


@pytest.mark.parametrize("effect", [EFFECT, Effect("delete", "a", "Delete a", {}, None)])
def test_an_effect_survives_being_stored(effect: Effect) -> None:
    assert Effect.from_json(parse(canonical(effect.to_json()))) == effect


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "effect",
        {},
        {**EFFECT.to_json(), "more": 1},
        {**EFFECT.to_json(), "kind": 1},
        {**EFFECT.to_json(), "diff": 1},
        {**EFFECT.to_json(), "facts": []},
        {**EFFECT.to_json(), "summary": None},
        {**EFFECT.to_json(), "target": None},
    ],
)
def test_something_else_is_no_effect(value: Json) -> None:
    with pytest.raises(ValueError, match="not an effect"):
        Effect.from_json(value)

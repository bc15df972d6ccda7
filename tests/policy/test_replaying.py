"""Marks for sealed leaves, first decisions, groups and times."""

from dataclasses import replace
from typing import Any

import pytest

from aaf.domain.canonical import Json
from aaf.domain.decision import Verdict
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.policy import replaying
from aaf.policy.operands.answers import Absent
from aaf.policy.replaying import Approval, Looked, Said, Tally, Voice, Watched, first_said, fits, instant_of, without

ERASED = Absent.ERASED
REASON: dict[str, Json] = {"code": "rule", "name": "large", "reason": "", "source": "rule"}
RECORD = ActionRecord(
    org="o",
    id="a1",
    version=1,
    state=State.DENIED,
    agent="agent",
    type="pay.send",
    server=None,
    digest="",
    match_key="",
    action_class="payment",
    risk="high",
    release=1,
    entry="",
    effect="caller",
    created_at=0,
    updated_at=0,
    deadline=None,
    reasons=(REASON, REASON),
    code="rule",
)
ALLOWED, DENIED = Said(Verdict.ALLOW, (), ()), Said(Verdict.DENY, (Voice("rule", "r", "rule"),), ())


@pytest.mark.parametrize(
    "look",
    [
        lambda found: found["pin"],
        lambda found: found.get("pin"),
        lambda found: list(found.values()),
        lambda found: list(found.items()),
        dict,
        lambda found: {**found},
    ],
)
def test_looking_at_a_sealed_leaf_is_noticed_whichever_way(look: Any) -> None:
    looked = Looked()
    found = without({"pin": "1", "to": "x"}, "params", ["params.pin"], looked)
    assert (found.get("to"), found["to"], found.get("none"), list(found)) == ("x", "x", None, ["pin", "to"])
    assert not looked.at_sealed
    look(found)
    assert looked.at_sealed


def test_leaves_are_sealed_where_they_are_and_nothing_else_is() -> None:
    looked = Looked()
    values = {"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": [1]}
    found = without(
        values, "params", ["params.a.b.c", "params.a.e", "params.f.g", "context.a", "params.none.x"], looked
    )
    assert (found["a"]["b"]["d"], looked.at_sealed) == (2, False)
    assert found["a"]["b"].get("c") is ERASED
    assert (found["a"]["e"], found["f"]) == (ERASED, ERASED)
    assert isinstance(found["a"], Watched)
    assert values == {"a": {"b": {"c": 1, "d": 2}, "e": 3}, "f": [1]}


def test_what_names_nothing_changes_nothing_and_a_root_names_all() -> None:
    values = {"a": {"x": 1}}
    assert without(values, "params", ["params.b", "params.a.y", "context"], Looked()) is values
    assert dict(without(values, "context", ["context"], Looked())) == {"a": ERASED}


@pytest.mark.parametrize(
    ("changed", "verdict", "known"),
    [
        ({}, Verdict.DENY, True),
        ({"version": 2}, Verdict.ALLOW, False),
        ({"state": State.SUCCEEDED, "version": 3}, Verdict.ALLOW, True),
        ({"state": State.APPROVED, "round": 1, "version": 2}, Verdict.REQUIRE_APPROVAL, True),
        ({"state": State.DENIED, "round": 1, "version": 3}, Verdict.REQUIRE_APPROVAL, False),
        ({"state": State.APPROVED, "round": 2, "version": 4}, Verdict.REQUIRE_APPROVAL, False),
    ],
)
def test_the_first_decision_is_told_whatever_came_after(changed: dict[str, Any], verdict: Verdict, known: bool) -> None:
    first = first_said(replace(RECORD, **changed))
    assert (first.verdict, first.voices) == (verdict, (Voice("rule", "large", "rule"),) if known else None)


def test_groups_beyond_the_most_are_counted_and_what_loosens_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "MAX_GROUPS", 2)
    tally = Tally(examples=1)
    for before, after, kind in ((ALLOWED, DENIED, "b.c"), (DENIED, ALLOWED, "a.b"), (ALLOWED, DENIED, "c.d")):
        tally.compare(replace(RECORD, type=kind), before, after)
    told: Any = tally.to_json()
    assert [(one["type"], one["after"]) for one in told["groups"]] == [("a.b", "allow"), ("b.c", "deny")]
    assert (told["ungrouped"], sum(one["count"] for one in told["flips"])) == (1, 3)
    assert (told["groups"][0]["now"], told["groups"][0]["approval"]) == ([], Approval.SAME)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7d", 4 * 86_400_000_000),
        ("90s", 11 * 86_400_000_000 - 90_000_000),
        ("2w", 0),
        ("1970-01-02T00:00:00Z", 86_400_000_000),
    ],
)
def test_a_time_is_an_instant_or_how_long_ago(text: str, at: int) -> None:
    assert instant_of(text, 11 * 86_400_000_000) == at


@pytest.mark.parametrize("text", ["7", "d", "-1d", "0d", "yesterday", "1970-01-02T00:00:00", "7 d", ""])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        instant_of(text, 0)


def test_a_type_is_named_whole_or_by_its_tool() -> None:
    assert all(fits("files.read", patterns) for patterns in ([], ["files.read"], ["x.y", "files.*"]))
    assert not any(fits("files.read", patterns) for patterns in (["files"], ["file.*"], ["files.readme"]))

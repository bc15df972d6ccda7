"""What a limit counts, for whom, and what it says of a count."""

from typing import Any

import pytest

from aaf.domain.decision import Requirement, Source, Verdict
from aaf.domain.errors import Code
from aaf.policy.configuration import Configuration, load
from aaf.policy.limits import (
    Applying,
    Enforce,
    Limit,
    Over,
    Per,
    Scope,
    SpendLimit,
    seconds,
    subject_of,
)
from tests.policy.samples import with_main

LIMITS = """version: 1
approvals: {approvers: [role:admin]}
limits:
  agent: {rate: 60/m, burst: 20, enforce: policy}
  rates:
    - {name: door, per: organisation, rate: 7/s}
    - name: judged
      per: [action, agent]
      match: {tool: files, operation: [read, write], class: [read]}
      rate: 10/h
      burst: 3
      enforce: policy
      over: require_approval
      approval: {quorum: 2}
    - {name: told, per: user, match: {class: payment}, rate: 1/d, enforce: policy, over: inform}
  spend:
    - {name: small, per: agent, match: {tool: pay}, ceiling: "500.00", currency: EUR, window: 1d}
    - name: large
      per: organisation
      match: {tool: [pay]}
      ceilings: {EUR: "5000", USD: "0.000001"}
      window: 30d
      over: require_approval
"""
SECOND = 1_000_000


@pytest.fixture(scope="module")
def loaded() -> Configuration:
    return load(with_main(LIMITS))


@pytest.mark.requirement("R20")
def test_limits_are_read_as_they_are_written(loaded: Configuration) -> None:
    assert loaded.limits == (
        Limit("agent", SECOND, 20, Enforce.POLICY),
        Limit("door", 142_858, 1, Enforce.DOOR, (Per.ORGANISATION,)),
        Limit(
            "judged",
            360 * SECOND,
            3,
            Enforce.POLICY,
            (Per.ACTION, Per.AGENT),
            Scope(("files",), ("read", "write"), ("read",)),
            Over.REQUIRE_APPROVAL,
            Requirement(("role:admin",), 2),
        ),
        Limit("told", 86_400 * SECOND, 1, Enforce.POLICY, (Per.USER,), Scope((), (), ("payment",)), Over.INFORM),
    )
    assert loaded.spend == (
        SpendLimit("small", {"EUR": 500 * SECOND}, 86_400 * SECOND, (Per.AGENT,), Scope(("pay",))),
        SpendLimit(
            "large",
            {"EUR": 5000 * SECOND, "USD": 1},
            30 * 86_400 * SECOND,
            (Per.ORGANISATION,),
            Scope(("pay",)),
            Over.REQUIRE_APPROVAL,
            Requirement(("role:admin",)),
        ),
    )
    assert loaded.judged_limits == {"agent", "judged", "told", "small", "large"}


def test_what_is_stored_is_read_back(loaded: Configuration) -> None:
    again = Configuration.from_stored(loaded.to_stored())
    assert (again.limits, again.spend) == (loaded.limits, loaded.spend)
    assert [limit.rate for limit in again.limits] == ["60/m", "7/s", "10/h", "1/d"]


def test_a_release_of_an_earlier_version_is_read_too(loaded: Configuration) -> None:
    stored: dict[str, Any] = dict(loaded.to_stored())
    del stored["spend"]
    stored["limits"] = [
        {"burst": 3, "interval": 5, "name": "agent"},
        {"burst": 3, "enforce": "policy", "interval": 5, "name": "agent"},
    ]
    old = Configuration.from_stored(stored)
    assert old.limits == (Limit("agent", 5, 3), Limit("agent", 5, 3, Enforce.POLICY))
    assert old.spend == ()


@pytest.mark.parametrize(
    ("name", "door", "judged", "spend"),
    [
        ("files.read", ["door"], ["agent", "judged"], []),
        ("files.write", ["door"], ["agent"], []),
        ("pay.send", ["door"], ["agent", "told"], ["small", "large"]),
        ("pay.unknown", ["door"], ["agent"], ["small", "large"]),
        ("made.up", ["door"], ["agent"], []),
    ],
)
def test_an_action_type_has_the_limits_that_match_it(
    loaded: Configuration, name: str, door: list[str], judged: list[str], spend: list[str]
) -> None:
    found = loaded.limits_on(name)
    assert [limit.name for limit in found.door] == door
    assert [limit.name for limit in found.judged] == judged
    assert [limit.name for limit in found.spend] == spend


@pytest.mark.parametrize(
    ("per", "user", "subject"),
    [
        ([Per.ORGANISATION], None, "organisation"),
        ([Per.AGENT], None, "agent=a"),
        ([Per.ACTION, Per.AGENT], "u", "action=x.y agent=a"),
        ([Per.AGENT, Per.USER], "u", "agent=a user=u"),
        ([Per.AGENT, Per.USER], None, None),
    ],
)
def test_a_subject_names_what_is_counted_apart(per: list[Per], user: str | None, subject: str | None) -> None:
    assert subject_of(per, agent="a", user=user, action="x.y") == subject


@pytest.mark.parametrize(
    ("ready", "counted"),
    [
        (0, {"exceeded": 0, "remaining": 3}),
        (100, {"exceeded": 0, "remaining": 3}),
        (101, {"exceeded": 0, "remaining": 2}),
        (110, {"exceeded": 0, "remaining": 2}),
        (120, {"exceeded": 0, "remaining": 1}),
        (121, {"exceeded": 1, "remaining": 0, "retry_after": 1}),
        (100 + 20 + 2 * SECOND, {"exceeded": 1, "remaining": 0, "retry_after": 2}),
        (101 + 20 + 2 * SECOND, {"exceeded": 1, "remaining": 0, "retry_after": 3}),
    ],
)
def test_what_is_left_of_a_rate_follows_from_when_it_is_ready(ready: int, counted: dict[str, int]) -> None:
    assert Limit("few", 10, 3).count(ready, 100) == {f"few.{name}": value for name, value in counted.items()}


@pytest.mark.parametrize(("ready", "frees"), [(101, 101), (110, 110), (111, 101), (120, 110), (125, 105), (200, 180)])
def test_a_unit_comes_back_when_one_more_fits(ready: int, frees: int) -> None:
    limit = Limit("few", 10, 3)
    assert limit.frees_at(ready, 100) == frees
    before = limit.count(ready, max(frees - 1, 100))["few.remaining"]
    assert limit.count(ready, frees)["few.remaining"] == int(before) + 1


def test_what_is_left_of_a_ceiling() -> None:
    limit = SpendLimit("cap", {"EUR": 100}, 60, (Per.AGENT,), Scope())
    assert limit.count(40, 60, "EUR") == {"cap.exceeded": 0, "cap.remaining": "0.00006"}
    assert limit.count(40, 61, "EUR") == {"cap.exceeded": 1, "cap.remaining": "0.00006"}
    assert limit.count(140, 0, "EUR") == {"cap.exceeded": 1, "cap.remaining": "0.00"}
    assert limit.unknown() == {"cap.exceeded": 1, "cap.remaining": "0.00", "cap.unknown": 1}


def test_only_what_is_exceeded_votes_and_only_what_does_not_merely_inform(loaded: Configuration) -> None:
    found = loaded.limits_on("pay.send")
    assert found.votes({}) == []
    assert found.votes({"small.exceeded": 0, "told.exceeded": 1, "agent.exceeded": 1, "door.exceeded": 1}) == []
    deny, hold = found.votes({"small.exceeded": 1, "small.retry_after": 7, "large.exceeded": 1})
    assert (deny.verdict, deny.source, deny.code, deny.name, deny.retry_after) == (
        Verdict.DENY, Source.LIMIT, Code.SPEND_EXCEEDED, "small", 7,
    )  # fmt: skip
    assert (hold.verdict, hold.code, hold.requirement, hold.retry_after) == (
        Verdict.REQUIRE_APPROVAL, Code.SPEND_EXCEEDED, Requirement(("role:admin",)), 0,
    )  # fmt: skip


def test_what_cannot_be_counted_is_denied_even_where_people_could_be_asked(loaded: Configuration) -> None:
    (vote,) = loaded.limits_on("pay.send").votes({"large.exceeded": 1, "large.unknown": 1})
    assert (vote.verdict, vote.code, vote.name) == (Verdict.DENY, Code.AMOUNT_UNKNOWN, "large")


def test_a_counter_of_another_form_gives_no_time_to_come_back() -> None:
    limit = Limit("few", 1, 1, Enforce.POLICY, over=Over.DENY)
    (vote,) = Applying(judged=(limit,)).votes({"few.exceeded": 1, "few.retry_after": "soon"})
    assert (vote.code, vote.retry_after) == (Code.RATE_LIMITED, 0)


@pytest.mark.parametrize(("microseconds", "whole"), [(0, 1), (1, 1), (SECOND, 1), (SECOND + 1, 2)])
def test_seconds_are_whole_and_never_too_few(microseconds: int, whole: int) -> None:
    assert seconds(microseconds) == whole

"""How votes combine: the most restrictive wins, and nothing that is added loosens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.decision import (
    DEFAULT_REQUIREMENT,
    Decision,
    Requirement,
    Source,
    Verdict,
    Vote,
    at_least_as_strict,
    combine,
)
from aaf.domain.errors import Code

A, H, D = Verdict.ALLOW, Verdict.REQUIRE_APPROVAL, Verdict.DENY

_REQUIREMENTS = st.builds(
    Requirement,
    approvers=st.lists(
        st.sampled_from(["role:approver", "role:admin", "user:x"]), min_size=1, max_size=3, unique=True
    ).map(tuple),
    quorum=st.integers(1, 3),
    timeout=st.sampled_from([60, 900]),
    reason_required=st.booleans(),
)
_VOTES = st.builds(
    Vote,
    verdict=st.sampled_from(Verdict),
    source=st.sampled_from(Source),
    code=st.sampled_from(Code),
    name=st.sampled_from(["a", "b"]),
    requirement=st.none() | _REQUIREMENTS,
    unknown=st.booleans(),
)
_MANY = st.lists(_VOTES, max_size=5)


def _vote(verdict: Verdict, requirement: Requirement | None = None) -> Vote:
    return Vote(verdict, Source.RULE, Code.RULE, verdict, requirement=requirement)


@pytest.mark.parametrize(
    ("pool", "defaults", "guards", "verdict"),
    [
        ([], [], [], D),
        ([A], [], [], A),
        ([A, H], [], [], H),
        ([A, H, D], [], [], D),
        ([A], [D], [], A),
        ([], [A, H], [], H),
        ([], [A], [], A),
        ([A], [], [H], H),
        ([A], [], [D], D),
        ([H], [], [A], H),
        ([], [], [A], D),
        ([], [], [H], D),
        ([], [A], [D], D),
    ],
)
@pytest.mark.attack("G08")
def test_the_most_restrictive_wins(
    pool: list[Verdict], defaults: list[Verdict], guards: list[Verdict], verdict: Verdict
) -> None:
    decision = combine(pool=map(_vote, pool), defaults=map(_vote, defaults), guards=map(_vote, guards))

    assert decision.verdict is verdict
    assert {vote.verdict for vote in decision.votes} == {verdict}


@pytest.mark.attack("G05")
def test_silence_is_a_deny_that_says_so() -> None:
    decision = combine(pool=())

    assert (decision.verdict, decision.code) == (D, Code.NO_RULE)
    assert decision.votes[0].source is Source.DEFAULT


def test_an_allow_of_a_guard_is_no_reason_to_run() -> None:
    assert combine(pool=(), guards=[_vote(A)]).code is Code.NO_RULE


@given(_MANY, _MANY, _MANY, _VOTES, st.sampled_from(["pool", "defaults", "guards"]))
def test_an_added_deny_never_loosens(
    pool: list[Vote], defaults: list[Vote], guards: list[Vote], vote: Vote, where: str
) -> None:
    deny = Vote(D, vote.source, vote.code, vote.name)
    groups = {"pool": pool, "defaults": defaults, "guards": guards}
    before = combine(**groups)
    after = combine(**{**groups, where: [*groups[where], deny]})

    assert after.verdict.strictness >= before.verdict.strictness


@given(_MANY, _MANY, _MANY, _REQUIREMENTS, st.sampled_from(["pool", "guards"]))
def test_an_added_hold_never_loosens_what_somebody_decided(
    pool: list[Vote], defaults: list[Vote], guards: list[Vote], wanted: Requirement, where: str
) -> None:
    groups = {"pool": pool, "defaults": defaults, "guards": guards}
    before = combine(**groups)
    after = combine(**{**groups, where: [*groups[where], _vote(H, wanted)]})

    if pool or where == "guards":
        assert after.verdict.strictness >= before.verdict.strictness
        assert set(before.requirements) <= set(after.requirements) or after.verdict is D


@given(_MANY, _MANY, _MANY)
def test_a_deny_of_anybody_who_counts_is_the_outcome(
    pool: list[Vote], defaults: list[Vote], guards: list[Vote]
) -> None:
    counted = [*(pool or defaults), *guards]
    decision = combine(pool=pool, defaults=defaults, guards=guards)

    if any(vote.verdict is D for vote in counted):
        assert decision.verdict is D
    if decision.verdict is A:
        assert all(vote.verdict is A for vote in counted)


@given(_MANY, _MANY, _MANY)
def test_the_order_of_votes_never_matters(pool: list[Vote], defaults: list[Vote], guards: list[Vote]) -> None:
    one = combine(pool=pool, defaults=defaults, guards=guards)
    other = combine(pool=reversed(pool), defaults=reversed(defaults), guards=reversed(guards))

    assert one.verdict is other.verdict
    assert set(one.votes) == set(other.votes)
    assert set(one.requirements) == set(other.requirements)


@given(_MANY, _MANY)
def test_a_hold_asks_for_everything_that_its_votes_ask(pool: list[Vote], guards: list[Vote]) -> None:
    decision = combine(pool=pool, guards=guards)

    wanted = {vote.requirement or DEFAULT_REQUIREMENT for vote in decision.votes}
    assert set(decision.requirements) == (wanted if decision.verdict is H else set())


def test_a_decision_takes_its_code_from_the_first_deciding_vote() -> None:
    votes = (Vote(D, Source.GUARD, Code.PATH_PROTECTED, "a"), Vote(D, Source.RULE, Code.RULE, "b"))

    assert Decision(D, votes).code is Code.PATH_PROTECTED


def test_a_requirement_has_a_json_form() -> None:
    assert Requirement().to_json() == {
        "approvers": ["role:approver"],
        "quorum": 1,
        "reason_required": False,
        "timeout": 900,
    }


BASE = Requirement(("role:approver", "role:admin"), 2, 900)


@pytest.mark.attack("G15", part="reviews stand only for the same or a weaker requirement")
@pytest.mark.parametrize(
    ("now", "stand"),
    [
        (BASE, True),
        (Requirement(("role:approver", "role:admin", "user:x"), 2), True),
        (Requirement(BASE.approvers, 1), True),
        (Requirement(("role:approver",), 2), False),
        (Requirement(BASE.approvers, 3), False),
        (Requirement(BASE.approvers, 2, reason_required=True), False),
    ],
)
def test_reviews_stand_for_the_same_or_a_weaker_requirement(now: Requirement, stand: bool) -> None:
    assert at_least_as_strict((now,), (BASE,)) is stand


def test_reviews_with_reasons_stand_where_none_is_asked_and_where_one_is() -> None:
    reasoned = Requirement(BASE.approvers, 2, reason_required=True)

    assert at_least_as_strict((BASE, reasoned), (reasoned,))
    assert at_least_as_strict((), (BASE,))
    assert not at_least_as_strict((BASE,), ())


@given(st.lists(_REQUIREMENTS, max_size=3).map(tuple), st.lists(_REQUIREMENTS, max_size=3).map(tuple))
def test_asking_for_more_never_becomes_enough(now: tuple[Requirement, ...], before: tuple[Requirement, ...]) -> None:
    assert at_least_as_strict(now, now)
    if at_least_as_strict(now, before):
        assert at_least_as_strict(now[1:], before)
        assert at_least_as_strict(now, (*before, BASE))

"""Reviews: only people, never their own, one person counts once, and each right is looked at again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.approval import Review, ReviewVerdict, Standing, eligible, review_refusal, standing
from aaf.domain.decision import Requirement
from aaf.domain.errors import Code
from aaf.domain.principal import Kind, Principal

ONE = Requirement(("role:approver",), 1)
TWO = Requirement(("role:approver",), 2)
ADMIN = Requirement(("role:admin",), 1)


def _person(name: str, *roles: str, kind: Kind = Kind.USER) -> Principal:
    return Principal("org", kind, name, name, frozenset(roles), f"key-of-{name}")


PEOPLE = {
    person.id: person
    for person in (
        _person("ann", "approver"),
        _person("bob", "approver"),
        _person("eve", "viewer"),
        _person("root", "admin"),
        _person("both", "admin", "approver"),
        _person("bot", "approver", "admin", kind=Kind.AGENT),
        _person("svc", "approver", "admin", kind=Kind.SERVICE),
    )
}


def _review(reviewer: str, verdict: ReviewVerdict = ReviewVerdict.APPROVE, credential: str = "k") -> Review:
    return Review(reviewer, credential, verdict, "", 1, "d", "v")


def _standing(reviews: list[Review], *requirements: Requirement, requester: str = "agent") -> Standing:
    return standing(reviews, requester=requester, requirements=requirements, reviewer=PEOPLE.get)


@pytest.mark.attack("G16", part="requester is not reviewer")
@pytest.mark.parametrize(
    ("name", "requester", "refusal"),
    [
        ("ann", "agent", None),
        ("ann", "ann", Code.OWN_REQUEST),
        ("root", "root", Code.OWN_REQUEST),
        ("bot", "agent", Code.PERMISSION_DENIED),
        ("svc", "agent", Code.PERMISSION_DENIED),
        ("eve", "agent", Code.PERMISSION_DENIED),
        ("root", "agent", Code.REVIEWER_NOT_ELIGIBLE),
    ],
)
def test_who_may_not_review_is_told_why(name: str, requester: str, refusal: Code | None) -> None:
    assert review_refusal(PEOPLE[name], requester=requester, requirements=(ONE,)) is refusal


def test_a_person_may_be_named_by_id() -> None:
    assert eligible(PEOPLE["root"], (ONE, Requirement(("user:root",))))
    assert not eligible(PEOPLE["root"], (ONE,))
    assert not eligible(PEOPLE["root"], ())


@pytest.mark.parametrize(
    ("reviewers", "requirements", "expected"),
    [
        ([], [ONE], Standing.WAITING),
        (["ann"], [ONE], Standing.MET),
        (["ann"], [TWO], Standing.WAITING),
        (["ann", "ann"], [TWO], Standing.WAITING),
        (["ann", "bob"], [TWO], Standing.MET),
        (["ann"], [ONE, ADMIN], Standing.WAITING),
        (["ann", "root"], [ONE, ADMIN], Standing.MET),
        (["both"], [ONE, ADMIN], Standing.MET),
        (["eve", "bot", "svc", "gone"], [ONE], Standing.WAITING),
        (["ann"], [], Standing.WAITING),
    ],
)
def test_reviews_meet_a_hold_where_each_requirement_has_its_quorum(
    reviewers: list[str], requirements: list[Requirement], expected: Standing
) -> None:
    assert _standing([_review(name) for name in reviewers], *requirements) is expected


@pytest.mark.attack("G16", part="one person under two keys counts once")
def test_one_person_with_two_keys_counts_once() -> None:
    reviews = [_review("ann", credential="one"), _review("ann", credential="two")]

    assert _standing(reviews, TWO) is Standing.WAITING


def test_an_eligible_rejection_ends_the_matter_and_another_one_counts_for_nothing() -> None:
    assert _standing([_review("ann"), _review("bob", ReviewVerdict.REJECT)], ONE) is Standing.REJECTED
    assert _standing([_review("ann"), _review("eve", ReviewVerdict.REJECT)], ONE) is Standing.MET


_REVIEWS = st.lists(st.builds(_review, st.sampled_from([*PEOPLE, "gone"]), st.sampled_from(ReviewVerdict)), max_size=6)
_ASKED = st.lists(st.sampled_from([ONE, TWO, ADMIN]), min_size=1, max_size=3)


@given(_REVIEWS, _ASKED, st.sampled_from([*PEOPLE, "agent"]))
def test_what_is_met_was_met_by_distinct_people_other_than_the_requester(
    reviews: list[Review], requirements: list[Requirement], requester: str
) -> None:
    if _standing(reviews, *requirements, requester=requester) is not Standing.MET:
        return
    approving = {review.reviewer for review in reviews if review.verdict is ReviewVerdict.APPROVE} - {requester}
    people = [PEOPLE[name] for name in approving if name in PEOPLE and PEOPLE[name].kind is Kind.USER]
    for requirement in requirements:
        assert sum(eligible(person, (requirement,)) for person in people) >= requirement.quorum


@given(_REVIEWS, _ASKED, _ASKED)
def test_a_further_requirement_never_makes_a_hold_easier(
    reviews: list[Review], some: list[Requirement], more: list[Requirement]
) -> None:
    approvals = [review for review in reviews if review.verdict is ReviewVerdict.APPROVE]

    if _standing(approvals, *some, *more) is Standing.MET:
        assert _standing(approvals, *some) is Standing.MET

"""Reviews of a held action, and when they discharge it.

Only people review, nobody reviews what they asked for, one person counts once, and each reviewer's right is looked at again
whenever the reviews are counted. Any eligible rejection ends the matter. Timeouts are compared by the caller, at use.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique

from aaf.domain.decision import Requirement
from aaf.domain.errors import Code
from aaf.domain.principal import Kind, Permission, Principal


@unique
class ReviewVerdict(StrEnum):
    """What a person says; deny is policy's word."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Review:
    """One person's answer, bound to the digest and the view that it answers; `at` in microseconds."""

    reviewer: str
    credential: str
    verdict: ReviewVerdict
    reason: str
    at: int
    digest: str
    view_digest: str


@unique
class Standing(StrEnum):
    """Where a set of reviews leaves an approval."""

    MET = "met"
    REJECTED = "rejected"
    WAITING = "waiting"


def eligible(principal: Principal, requirements: Iterable[Requirement]) -> bool:
    """Whether one of the requirements names this principal by id or role."""
    names = {f"user:{principal.id}", *(f"role:{role}" for role in principal.roles)}
    return any(not names.isdisjoint(requirement.approvers) for requirement in requirements)


def review_refusal(principal: Principal, *, requester: str, requirements: tuple[Requirement, ...]) -> Code | None:
    """Return why `principal` may not review what `requester` asked for, or None if they may."""
    if principal.id == requester:
        return Code.OWN_REQUEST
    if principal.kind is not Kind.USER or not principal.may(Permission.ORG_APPROVAL_REVIEW):
        return Code.PERMISSION_DENIED
    if not eligible(principal, requirements):
        return Code.REVIEWER_NOT_ELIGIBLE
    return None


def approvals(
    reviews: Iterable[Review],
    *,
    requester: str,
    requirements: tuple[Requirement, ...],
    reviewer: Callable[[str], Principal | None],
) -> tuple[int, ...]:
    """How many people who may review for it have approved, for each requirement; `reviewer` as in `standing`."""
    names = {one.reviewer for one in reviews if one.verdict is ReviewVerdict.APPROVE}
    people = [person for person in map(reviewer, names) if person is not None]
    return tuple(
        sum(review_refusal(person, requester=requester, requirements=(one,)) is None for person in people)
        for one in requirements
    )


def standing(
    reviews: Sequence[Review],
    *,
    requester: str,
    requirements: tuple[Requirement, ...],
    reviewer: Callable[[str], Principal | None],
) -> Standing:
    """Count the reviews against every requirement.

    `reviewer` returns the person as they are now, or None if they are gone; a review by somebody who may no longer
    review doesn't count. No requirement at all is never met: a hold always asks for somebody.
    """
    for person in (reviewer(one.reviewer) for one in reviews if one.verdict is ReviewVerdict.REJECT):
        if person is not None and review_refusal(person, requester=requester, requirements=requirements) is None:
            return Standing.REJECTED
    counted = approvals(reviews, requester=requester, requirements=requirements, reviewer=reviewer)
    met = bool(counted) and all(count >= one.quorum for count, one in zip(counted, requirements, strict=True))
    return Standing.MET if met else Standing.WAITING

"""The life of an action as data: which state may follow which, and for what cause.

No path reaches `executing` without an allow, or a hold that people discharged, and a consumed permit as the last step. `submitted` is
never stored; the first stored state is what the decision made of it.
"""

from enum import StrEnum, unique


@unique
class State(StrEnum):
    """Where an action stands."""

    ALLOWED = "allowed"
    APPROVED = "approved"
    CANCELLED = "cancelled"
    DENIED = "denied"
    EXECUTING = "executing"
    EXPIRED = "expired"
    FAILED = "failed"
    LAPSED = "lapsed"
    PENDING_APPROVAL = "pending_approval"
    REJECTED = "rejected"
    SUBMITTED = "submitted"
    SUCCEEDED = "succeeded"
    UNKNOWN = "unknown"


@unique
class Cause(StrEnum):
    """Why an action moves."""

    DECIDED_ALLOW = "decided_allow"
    DECIDED_DENY = "decided_deny"
    DECIDED_HOLD = "decided_hold"
    REVIEWS_MET = "reviews_met"
    REVIEW_REJECTED = "review_rejected"
    NOT_ANSWERED = "not_answered"
    NOT_USED = "not_used"
    CANCELLED = "cancelled"
    REJUDGED_DENY = "rejudged_deny"
    REJUDGED_HOLD = "rejudged_hold"
    PERMIT_CONSUMED = "permit_consumed"
    RAN = "ran"
    RAN_BADLY = "ran_badly"
    NOT_REPORTED = "not_reported"


TRANSITIONS: dict[tuple[State, Cause], State] = {
    (State.SUBMITTED, Cause.DECIDED_DENY): State.DENIED,
    (State.SUBMITTED, Cause.DECIDED_ALLOW): State.ALLOWED,
    (State.SUBMITTED, Cause.DECIDED_HOLD): State.PENDING_APPROVAL,
    (State.PENDING_APPROVAL, Cause.REVIEWS_MET): State.APPROVED,
    (State.PENDING_APPROVAL, Cause.REVIEW_REJECTED): State.REJECTED,
    (State.PENDING_APPROVAL, Cause.NOT_ANSWERED): State.EXPIRED,
    (State.PENDING_APPROVAL, Cause.CANCELLED): State.CANCELLED,
    (State.PENDING_APPROVAL, Cause.REJUDGED_DENY): State.DENIED,
    (State.APPROVED, Cause.PERMIT_CONSUMED): State.EXECUTING,
    (State.APPROVED, Cause.REJUDGED_HOLD): State.PENDING_APPROVAL,
    (State.APPROVED, Cause.REJUDGED_DENY): State.DENIED,
    (State.APPROVED, Cause.NOT_ANSWERED): State.EXPIRED,
    (State.APPROVED, Cause.CANCELLED): State.CANCELLED,
    (State.APPROVED, Cause.NOT_USED): State.LAPSED,
    (State.ALLOWED, Cause.PERMIT_CONSUMED): State.EXECUTING,
    (State.ALLOWED, Cause.REJUDGED_DENY): State.DENIED,
    (State.ALLOWED, Cause.CANCELLED): State.CANCELLED,
    (State.ALLOWED, Cause.NOT_USED): State.LAPSED,
    (State.EXECUTING, Cause.RAN): State.SUCCEEDED,
    (State.EXECUTING, Cause.RAN_BADLY): State.FAILED,
    (State.EXECUTING, Cause.NOT_REPORTED): State.UNKNOWN,
    (State.UNKNOWN, Cause.RAN): State.SUCCEEDED,
    (State.UNKNOWN, Cause.RAN_BADLY): State.FAILED,
}

FINAL = frozenset(
    {
        State.CANCELLED,
        State.DENIED,
        State.EXPIRED,
        State.FAILED,
        State.LAPSED,
        State.REJECTED,
        State.SUCCEEDED,
    }
)


class IllegalTransition(RuntimeError):
    """A service asked for a move that the table doesn't have: a bug, never an answer to a caller."""


def advance(state: State, cause: Cause) -> State:
    """Return the state after `cause`.

    Raises:
        IllegalTransition: the table has no such move.
    """
    try:
        return TRANSITIONS[state, cause]
    except KeyError:
        msg = f"no transition from {state} for {cause}"
        raise IllegalTransition(msg) from None

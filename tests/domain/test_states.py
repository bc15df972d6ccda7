"""The table of transitions: every path to `executing` passes an allow, or a hold that people discharged, and a consumed permit."""

from collections.abc import Mapping

import pytest

from aaf.domain.states import FINAL, TRANSITIONS, Cause, IllegalTransition, State, advance

Table = Mapping[tuple[State, Cause], State]
LONGEST = 8
GIVING = (Cause.DECIDED_ALLOW, Cause.REVIEWS_MET, Cause.PERMIT_CONSUMED)

# docs/formats.md section 9, written out a second time.
AFTER: dict[State, set[State]] = {
    State.SUBMITTED: {State.DENIED, State.ALLOWED, State.PENDING_APPROVAL},
    State.PENDING_APPROVAL: {State.APPROVED, State.REJECTED, State.EXPIRED, State.CANCELLED, State.DENIED},
    State.APPROVED: {
        State.EXECUTING,
        State.PENDING_APPROVAL,
        State.DENIED,
        State.EXPIRED,
        State.CANCELLED,
        State.LAPSED,
    },
    State.ALLOWED: {State.EXECUTING, State.DENIED, State.CANCELLED, State.LAPSED},
    State.EXECUTING: {State.SUCCEEDED, State.FAILED, State.UNKNOWN},
    State.UNKNOWN: {State.SUCCEEDED, State.FAILED},
}


def _unlawful(table: Table) -> list[tuple[Cause, ...]]:
    """Every path of at most eight moves from `submitted` that reaches `executing` without what allows it, or leaves a final state."""
    found: list[tuple[Cause, ...]] = []
    paths: list[tuple[State, tuple[Cause, ...]]] = [(State.SUBMITTED, ())]
    for state, causes in paths:
        if state is State.EXECUTING and not _allowed(causes):
            found.append(causes)
        if len(causes) < LONGEST:
            paths.extend((after, (*causes, cause)) for (before, cause), after in table.items() if before is state)
    return found


def _allowed(causes: tuple[Cause, ...]) -> bool:
    """The last word before the consumed permit is an allow, or reviews that met the last hold; and it runs once."""
    *before, last = causes
    judged = [cause for cause in before if cause is not Cause.PERMIT_CONSUMED]
    once = Cause.PERMIT_CONSUMED not in before
    return (
        last is Cause.PERMIT_CONSUMED
        and once
        and bool(judged)
        and judged[-1] in (Cause.DECIDED_ALLOW, Cause.REVIEWS_MET)
    )


@pytest.mark.attack("G14", part="no path runs twice, or without an allow or met reviews and a consumed permit")
def test_no_path_reaches_executing_without_what_allows_it() -> None:
    assert _unlawful(TRANSITIONS) == []


@pytest.mark.parametrize("state", [state for state in State if state not in (State.ALLOWED, State.APPROVED)])
@pytest.mark.parametrize("cause", Cause)
def test_another_way_to_executing_is_caught(state: State, cause: Cause) -> None:
    mutated = {**TRANSITIONS, (state, cause): State.EXECUTING}
    reachable = {State.SUBMITTED, *TRANSITIONS.values()}

    assert state in reachable
    assert _unlawful(mutated) != []


@pytest.mark.parametrize("move", [move for move in TRANSITIONS if move[1] not in GIVING])
@pytest.mark.parametrize("state", [State.ALLOWED, State.APPROVED])
def test_a_move_that_leads_to_a_right_it_does_not_give_is_caught(move: tuple[State, Cause], state: State) -> None:
    assert _unlawful({**TRANSITIONS, move: state}) != []


def test_the_table_is_the_published_one() -> None:
    found: dict[State, set[State]] = {}
    for (before, _), after in TRANSITIONS.items():
        found.setdefault(before, set()).add(after)

    assert found == AFTER


def test_final_states_are_those_without_a_way_out() -> None:
    assert {state for state in State if state not in AFTER} == FINAL
    assert State.UNKNOWN not in FINAL


def test_a_move_that_the_table_lacks_is_a_bug_and_no_answer() -> None:
    assert advance(State.SUBMITTED, Cause.DECIDED_HOLD) is State.PENDING_APPROVAL
    with pytest.raises(IllegalTransition, match="no transition from denied for reviews_met"):
        advance(State.DENIED, Cause.REVIEWS_MET)

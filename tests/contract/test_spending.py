"""What is reserved, committed and released under a ceiling, in every store."""

from dataclasses import replace

import pytest

from aaf.adapters.expectations import MAX_SPENT
from aaf.domain.record import ActionRecord, Spent
from aaf.domain.spending import KEPT, MAX_AMOUNT
from aaf.domain.states import State
from aaf.ports import ChargeLimit, Committed, InsertAction, ReserveSpend, UpdateAction
from tests.contract.conftest import Subject
from tests.contract.material import ORG, OTHER, action, commit, new_id
from tests.contract.test_concurrency import tally

HOUR = 3_600_000_000
NAME, WHO = "refunds", "EUR agent=x"


def reserve(
    record: ActionRecord, amount: int, *, ceiling: int | None = 100, who: str = WHO, window: int = HOUR
) -> ReserveSpend:
    return ReserveSpend(record.id, NAME, who, amount, ceiling, window)


def spending(state: State = State.ALLOWED) -> ActionRecord:
    return replace(action(state=state), spends=True)


def spent(subject: Subject, *, who: str = WHO, window: int = HOUR, org: str = ORG) -> Spent:
    since = subject.run(subject.store.now()) - window
    return subject.run(subject.store.spent(org, NAME, who, since=since))


def begin(subject: Subject, amount: int, *, ceiling: int | None = 100, state: State = State.ALLOWED) -> ActionRecord:
    """An action that has reserved."""
    record = spending(state)
    assert isinstance(subject.commit(commit(InsertAction(record), reserve(record, amount, ceiling=ceiling))), Committed)
    return record


def move(subject: Subject, record: ActionRecord, state: State, **more: object) -> ActionRecord:
    moved = replace(record, version=record.version + 1, state=state, **more)  # type: ignore[arg-type]
    assert isinstance(subject.commit(commit(UpdateAction(moved))), Committed)
    return moved


@pytest.mark.requirement("R20")
@pytest.mark.attack(
    "G40", guard="aaf.adapters.expectations:affordable", without="tests.contract.without:always_within",
    part="a ceiling holds however many ask at once",
)  # fmt: skip
def test_a_ceiling_is_exact_however_many_ask_at_once(subject: Subject) -> None:
    commits = []
    for _ in range(20):
        record = spending()
        commits.append(commit(InsertAction(record), reserve(record, 15)))
    assert tally(subject.together(commits)) == {"Committed": 6, "spend": 14}
    assert spent(subject) == Spent(90, 0)


def test_what_just_fits_is_reserved_and_one_unit_more_is_not(subject: Subject) -> None:
    begin(subject, 60)
    one, other = spending(), spending()
    assert subject.conflict(commit(InsertAction(one), reserve(one, 41))) == "spend"
    assert subject.run(subject.store.action(ORG, one.id)) is None
    assert isinstance(subject.commit(commit(InsertAction(other), reserve(other, 40))), Committed)
    assert spent(subject) == Spent(100, 0)


def test_two_reservations_of_one_commit_count_together(subject: Subject) -> None:
    one, other = spending(), spending()
    both = commit(InsertAction(one), InsertAction(other), reserve(one, 60), reserve(other, 60))
    assert subject.conflict(both) == "spend"


def test_an_action_reserves_once_in_a_place(subject: Subject) -> None:
    record = begin(subject, 10)
    assert subject.conflict(commit(reserve(record, 10))) == "spend"
    fresh = spending()
    assert subject.conflict(commit(InsertAction(fresh), reserve(fresh, 1), reserve(fresh, 1))) == "spend"
    assert isinstance(subject.commit(commit(reserve(record, 10, who="USD agent=x"))), Committed)


@pytest.mark.parametrize("amount", [-1, MAX_AMOUNT, 2**62])
def test_an_amount_that_is_none_is_never_reserved(subject: Subject, amount: int) -> None:
    for ceiling in (None, 2**62):
        record = spending()
        assert subject.conflict(commit(InsertAction(record), reserve(record, amount, ceiling=ceiling))) == "spend"


def test_without_a_ceiling_people_decide_and_it_counts_all_the_same(subject: Subject) -> None:
    begin(subject, 90)
    begin(subject, 80, ceiling=None, state=State.PENDING_APPROVAL)
    assert spent(subject) == Spent(170, 0)
    one = spending()
    assert subject.conflict(commit(InsertAction(one), reserve(one, 1))) == "spend"


def test_what_is_spent_never_grows_beyond_what_an_integer_holds(subject: Subject) -> None:
    least = MAX_AMOUNT - 1
    assert MAX_SPENT + least < 2**63
    for _ in range(3):
        begin(subject, least, ceiling=None)
    assert spent(subject).reserved == 3 * least


@pytest.mark.requirement("R20")
def test_a_run_commits_and_what_is_committed_leaves_the_window_to_the_microsecond(subject: Subject) -> None:
    record = begin(subject, 70)
    subject.clock.advance(2 * 3600)
    assert spent(subject) == Spent(70, 0)  # what may still run counts however old it is
    move(subject, record, State.EXECUTING)
    assert spent(subject) == Spent(0, 70)
    one = spending()
    wanted = commit(InsertAction(one), reserve(one, 31))
    subject.clock.advance(3599.999999)
    assert subject.conflict(wanted) == "spend"
    subject.clock.advance(0.000001)
    assert isinstance(subject.commit(wanted), Committed)
    assert spent(subject) == Spent(31, 0)


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("state", "said", "left"),
    [
        (State.APPROVED, {}, Spent(70, 0)),
        (State.PENDING_APPROVAL, {}, Spent(70, 0)),
        (State.DENIED, {}, Spent()),
        (State.REJECTED, {}, Spent()),
        (State.EXPIRED, {}, Spent()),
        (State.CANCELLED, {}, Spent()),
        (State.LAPSED, {}, Spent()),
        (State.EXECUTING, {}, Spent(0, 70)),
    ],
)
def test_what_waits_keeps_its_reservation_until_it_ends(
    subject: Subject, state: State, said: dict[str, object], left: Spent
) -> None:
    move(subject, begin(subject, 70, state=State.PENDING_APPROVAL), state, **said)
    assert spent(subject) == left


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("state", "code", "source", "left"),
    [
        (State.SUCCEEDED, "ok", "connector", 70),
        (State.UNKNOWN, "connector_timeout", None, 70),
        (State.FAILED, "connector_failed", "connector", 0),
        (State.FAILED, "connector_failed", "person", 0),
        (State.FAILED, "connector_failed", "caller", 70),
        (State.FAILED, "result_withheld", "connector", 70),
        (State.FAILED, "result_too_large", "connector", 70),
    ],
)
def test_a_run_that_may_have_spent_stays_counted(
    subject: Subject, state: State, code: str, source: str | None, left: int
) -> None:
    record = move(subject, begin(subject, 70), State.EXECUTING)
    subject.clock.advance(5)
    outcome = None if source is None else {"code": code, "source": source}
    record = move(subject, record, state, code=code, outcome=outcome)
    assert spent(subject) == Spent(0, left)
    if state is State.UNKNOWN:
        move(subject, record, State.FAILED, code="connector_failed", outcome={"source": "person"})
        assert spent(subject) == Spent()


def test_a_refused_move_settles_nothing(subject: Subject) -> None:
    record = begin(subject, 70)
    stale = replace(record, version=3, state=State.CANCELLED)
    assert subject.conflict(commit(UpdateAction(stale))) == "version"
    assert spent(subject) == Spent(70, 0)


def test_a_record_that_spends_nothing_settles_nothing(subject: Subject) -> None:
    record = begin(subject, 70)
    move(subject, replace(record, spends=False), State.CANCELLED)
    assert spent(subject) == Spent(70, 0)


def test_subjects_and_organisations_are_counted_apart(subject: Subject) -> None:
    begin(subject, 70)
    other = replace(spending(), org=OTHER)
    for who, one in (("EUR agent=y", spending()), ("USD agent=x", spending())):
        assert isinstance(subject.commit(commit(InsertAction(one), reserve(one, 100, who=who))), Committed)
    assert isinstance(subject.commit(commit(InsertAction(other), reserve(other, 90), org=OTHER)), Committed)
    assert (spent(subject), spent(subject, org=OTHER)) == (Spent(70, 0), Spent(90, 0))
    now = subject.run(subject.store.now())
    listed = subject.run(subject.store.spent_by(ORG, NAME, since=now - HOUR))
    assert listed == [("EUR agent=y", Spent(100)), ("USD agent=x", Spent(100)), (WHO, Spent(70))]
    assert subject.run(subject.store.spent_by(ORG, NAME, since=now - HOUR, limit=1)) == listed[:1]
    assert subject.run(subject.store.spent_by(ORG, "others", since=0)) == []


def test_commitments_are_listed_oldest_first(subject: Subject) -> None:
    ats = []
    for amount in (30, 10, 20):
        move(subject, begin(subject, amount), State.EXECUTING)
        ats.append(subject.run(subject.store.now()))
        subject.clock.advance(1)
    begin(subject, 5)
    every = subject.run(subject.store.commitments(ORG, NAME, WHO, since=0))
    assert every == list(zip(ats, (30, 10, 20), strict=True))
    assert subject.run(subject.store.commitments(ORG, NAME, WHO, since=ats[0])) == every[1:]
    assert subject.run(subject.store.commitments(ORG, NAME, WHO, since=0, limit=1)) == every[:1]


def test_what_no_window_reaches_is_cleared_as_new_ones_come(subject: Subject) -> None:
    for _ in range(3):
        move(subject, begin(subject, 10), State.EXECUTING)
    waiting = begin(subject, 1)
    subject.clock.advance(KEPT // 1_000_000 - 1)
    begin(subject, 1)
    assert len(subject.run(subject.store.commitments(ORG, NAME, WHO, since=0))) == 3
    subject.clock.advance(2)
    begin(subject, 1)
    assert subject.run(subject.store.commitments(ORG, NAME, WHO, since=0)) == []
    assert spent(subject) == Spent(3, 0)
    move(subject, waiting, State.CANCELLED)
    assert spent(subject) == Spent(2, 0)


def test_rates_in_use_are_listed_with_the_least_left_first(subject: Subject) -> None:
    start = subject.run(subject.store.now())
    for who, units in (("a", 1), ("b", 3), ("c", 1)):
        for _ in range(units):
            subject.commit(commit(ChargeLimit("rate", who, 1_000_000, 9_000_000)))
    listed = subject.run(subject.store.limits(ORG, "rate", since=start))
    assert listed == [("b", start + 3_000_000), ("a", start + 1_000_000), ("c", start + 1_000_000)]
    assert subject.run(subject.store.limits(ORG, "rate", since=start, limit=1)) == listed[:1]
    assert subject.run(subject.store.limits(ORG, "rate", since=start + 1_000_000)) == listed[:1]
    assert subject.run(subject.store.limits(ORG, new_id(), since=0)) == []

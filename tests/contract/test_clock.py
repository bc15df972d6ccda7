"""The store's clock never goes back, jumps are recorded once, and recovery and a low disk refuse what may wait."""

import json

import pytest

from aaf.domain.errors import Code, StoreFailed
from aaf.ports import Commit, Committed, ConsumePermit, InsertPermit
from tests.contract.conftest import Subject
from tests.contract.material import ORG, commit, event, new_id, permit


def jumps(subject: Subject) -> list[tuple[str, int]]:
    """What the installation's own ledger says of the clock."""
    own = subject.run(subject.store.installation())
    bodies = [json.loads(row.body) for row in subject.run(subject.store.events(own))]
    assert all(body["org"] == own and body["type"] == "clock.jumped" and body["actor"] == "system" for body in bodies)
    return [(body["data"]["direction"], body["data"]["seconds"]) for body in bodies]


def appended_at(subject: Subject) -> int:
    answer = subject.commit(commit())
    assert isinstance(answer, Committed)
    return answer.at


def test_the_clock_is_the_wall_clock_while_that_moves_on(subject: Subject) -> None:
    for _ in range(3):
        subject.clock.advance(1.5)
        assert appended_at(subject) == subject.clock.at == subject.run(subject.store.now())
    assert jumps(subject) == []


def test_the_clock_never_goes_back(subject: Subject) -> None:
    subject.clock.advance(10)
    high = appended_at(subject)
    subject.clock.jump(-30)
    assert subject.run(subject.store.now()) == high == appended_at(subject)
    subject.clock.advance(31)
    assert appended_at(subject) == high + 1_000_000
    assert jumps(subject) == []


def test_now_never_goes_back_between_two_commits_either(subject: Subject) -> None:
    subject.clock.advance(10)
    told = subject.run(subject.store.now())
    subject.clock.jump(-5)
    assert subject.run(subject.store.now()) == told


@pytest.mark.attack("G18", guard="aaf.adapters.clock:Mark.moved", without="tests.contract.without:believes_the_wall")
def test_a_clock_set_back_makes_no_permit_good_again(subject: Subject) -> None:
    one = permit(new_id(), expires_at=subject.clock.at + 1)
    subject.commit(commit(InsertPermit(one)))
    subject.clock.advance(10)
    appended_at(subject)
    subject.clock.jump(-3600)
    assert subject.conflict(commit(ConsumePermit(one.jti))) == "permit_expired"


def test_a_jump_back_is_recorded_once(subject: Subject) -> None:
    high = appended_at(subject)
    subject.clock.jump(-61)
    for _ in range(3):
        assert appended_at(subject) == high
        subject.clock.advance(0.1)
    assert jumps(subject) == [("backward", 61)]
    subject.clock.advance(60)
    appended_at(subject)
    subject.clock.jump(-100)
    appended_at(subject)
    assert [direction for direction, _ in jumps(subject)] == ["backward", "backward"]


def test_a_jump_forward_is_recorded_once(subject: Subject) -> None:
    appended_at(subject)
    subject.clock.advance(3600)
    subject.clock.jump(59)
    appended_at(subject)
    assert jumps(subject) == []
    subject.clock.jump(61)
    for _ in range(3):
        assert appended_at(subject) == subject.clock.at
    assert jumps(subject) == [("forward", 61)]


def test_the_installation_has_one_name(subject: Subject) -> None:
    name = subject.run(subject.store.installation())
    assert len(name) == 36
    assert subject.run(subject.store.installation()) == name


def test_a_lease_has_one_holder_until_it_ends(subject: Subject) -> None:
    store = subject.store
    assert subject.run(store.take_lease("checkpoint", "a", 10))
    assert not subject.run(store.take_lease("checkpoint", "b", 10))
    assert subject.run(store.take_lease("other", "b", 10))
    subject.clock.advance(9)
    assert subject.run(store.take_lease("checkpoint", "a", 10))
    subject.clock.advance(9.999999)
    assert not subject.run(store.take_lease("checkpoint", "b", 10))
    subject.clock.advance(0.000001)
    assert subject.run(store.take_lease("checkpoint", "b", 10))
    assert not subject.run(store.take_lease("checkpoint", "a", 10))


def refusal(subject: Subject, one: Commit) -> StoreFailed:
    before = subject.run(subject.store.head(one.org))
    with pytest.raises(StoreFailed) as refused:
        subject.commit(one)
    assert subject.run(subject.store.head(one.org)) == before
    return refused.value


@pytest.mark.attack(
    "G20",
    guard=("aaf.adapters.sqlite.transaction:Transaction._admit", "aaf.adapters.memory:MemoryStore._admit"),
    part="the doors answer 503 and run nothing",
)
def test_recovery_refuses_admissions_until_it_is_left(subject: Subject) -> None:
    subject.run(subject.store.set_recovering("restored from a backup"))
    assert subject.run(subject.store.recovering()) == "restored from a backup"
    assert refusal(subject, commit(admission=True)).code is Code.RECOVERING
    assert isinstance(subject.commit(commit()), Committed)
    subject.run(subject.store.set_recovering(None))
    assert subject.run(subject.store.recovering()) is None
    assert isinstance(subject.commit(commit(admission=True)), Committed)


def test_recovery_refuses_a_repeated_admission_too(subject: Subject) -> None:
    one = Commit(ORG, (), (event(),), admission=True)
    assert isinstance(subject.commit(one), Committed)
    subject.run(subject.store.set_recovering("restored"))
    assert refusal(subject, one).code is Code.RECOVERING


@pytest.mark.attack(
    "G40", guard=("aaf.adapters.sqlite.transaction:Transaction._admit", "aaf.adapters.memory:MemoryStore._admit")
)
def test_the_reserve_of_the_disk_is_for_outcomes_and_reviews(subject: Subject) -> None:
    subject.disk.free = 999
    answers = subject.together([commit(admission=admission) for admission in (True, False) * 4])
    refused = [answer for answer in answers if isinstance(answer, StoreFailed)]
    assert [error.code for error in refused] == [Code.STORE_FULL] * 4
    assert sum(isinstance(answer, Committed) for answer in answers) == 4
    subject.disk.free = 1000
    assert isinstance(subject.commit(commit(admission=True)), Committed)


def test_a_closed_store_refuses(subject: Subject) -> None:
    subject.run(subject.store.close())
    with pytest.raises(StoreFailed) as refused:
        subject.commit(commit())
    assert refused.value.code is Code.STORE_UNAVAILABLE


def doubtful(subject: Subject) -> bool:
    return subject.run(subject.store.doubtful())


def test_a_jump_forward_is_in_doubt_until_ten_minutes_have_passed(subject: Subject) -> None:
    subject.clock.advance(3600)
    subject.clock.jump(59)
    assert not doubtful(subject)
    subject.clock.jump(61)
    assert doubtful(subject)
    subject.clock.advance(599)
    assert doubtful(subject)
    subject.clock.advance(1)
    assert not doubtful(subject)
    assert not doubtful(subject)


def test_a_jump_that_is_taken_back_is_in_doubt_no_longer(subject: Subject) -> None:
    subject.clock.jump(-3600)
    assert not doubtful(subject)
    subject.clock.jump(3600)
    assert doubtful(subject)
    subject.clock.jump(-1800)
    assert doubtful(subject)
    subject.clock.jump(-1790)
    assert not doubtful(subject)

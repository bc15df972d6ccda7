"""Many callers at once: each gets its own answer, and exactly one wins what can be won once."""

from collections import Counter

import pytest

from aaf.domain.errors import StoreFailed
from aaf.ports import (
    Answer,
    ChargeLimit,
    Commit,
    Committed,
    Conflict,
    ConsumePermit,
    Duplicate,
    InsertAction,
    InsertIdempotency,
    InsertPermit,
    RaiseEpoch,
    StaleEpoch,
    UpdateAction,
)
from tests.contract.conftest import Subject
from tests.contract.material import AGENT, ORG, OTHER, action, commit, event, new_id, permit
from tests.contract.test_ledger import chained


def tally(answers: list[Answer | StoreFailed]) -> Counter[str]:
    return Counter(answer.kind.value if isinstance(answer, Conflict) else type(answer).__name__ for answer in answers)


@pytest.mark.attack(
    "G14", guard="aaf.adapters.expectations:permit_refusal", without="tests.contract.without:never_refused"
)
def test_of_many_racers_for_a_permit_one_wins(subject: Subject) -> None:
    for _ in range(5):
        one = permit(new_id())
        subject.commit(commit(InsertPermit(one)))
        answers = subject.together([commit(ConsumePermit(one.jti)) for _ in range(16)])
        assert tally(answers) == {"Committed": 1, "permit_used": 15}


def test_of_many_racers_for_a_version_one_wins(subject: Subject) -> None:
    record = action()
    subject.commit(commit(InsertAction(record)))
    answers = subject.together([commit(UpdateAction(action(record.id, version=2))) for _ in range(16)])
    assert tally(answers) == {"Committed": 1, "version": 15}
    assert subject.run(subject.store.head(ORG)).size == 2


def test_of_many_racers_for_an_idempotency_key_one_wins(subject: Subject) -> None:
    answers = subject.together([commit(InsertIdempotency(AGENT, "k", "body", new_id(), 2**60)) for _ in range(16)])
    assert tally(answers) == {"Committed": 1, "idempotency": 15}


def test_of_many_inserts_of_one_action_one_wins(subject: Subject) -> None:
    record = action()
    answers = subject.together([commit(InsertAction(record)) for _ in range(16)])
    assert tally(answers) == {"Committed": 1, "version": 15}


def test_the_same_event_from_many_callers_is_there_once(subject: Subject) -> None:
    one = Commit(ORG, (), (event(),))
    answers = subject.together([one] * 16)
    assert tally(answers) == {"Committed": 1, "Duplicate": 15}
    assert {answer.seq for answer in answers if isinstance(answer, Committed | Duplicate)} == {1}


@pytest.mark.attack("G40", guard="aaf.adapters.expectations:within", without="tests.contract.without:always_within")
def test_a_limit_is_exact_however_many_ask_at_once(subject: Subject) -> None:
    charge = ChargeLimit("agent", AGENT, 1_000_000, 6_000_000)
    answers = subject.together([commit(charge) for _ in range(20)])
    assert tally(answers) == {"Committed": 7, "limit": 13}


def test_a_raised_epoch_binds_every_later_commit(subject: Subject) -> None:
    answers = subject.together([commit(RaiseEpoch(), epoch=0) for _ in range(12)])
    assert tally(answers) == {"Committed": 1, "StaleEpoch": 11}
    assert {answer.epoch for answer in answers if isinstance(answer, StaleEpoch)} == {1}


def test_answers_name_the_place_that_each_event_got(subject: Subject) -> None:
    commits = [Commit(org, (), (event(body=b"%d" % n), event())) for n in range(24) for org in (ORG, OTHER)]
    answers = subject.together(commits)
    for org in (ORG, OTHER):
        rows = subject.run(subject.store.events(org))
        assert len(rows) == 48
        chained(org, rows)
        for one, answer in zip(commits, answers, strict=True):
            if one.org == org:
                assert isinstance(answer, Committed)
                assert [row.id for row in rows[answer.seq - 2 : answer.seq]] == [each.id for each in one.events]

"""Events get their place, chain and tree; a commit is there as a whole or not at all."""

import random

import pytest

from aaf.domain.chain import chain_next, genesis
from aaf.domain.errors import Code, StoreFailed
from aaf.domain.events import MAX_BODY
from aaf.domain.merkle import EMPTY_ROOT, leaf_hash, tree_root
from aaf.domain.record import Aggregate, EventRow, Head
from aaf.ports import (
    AddAggregate,
    ChargeLimit,
    Commit,
    Committed,
    ConsumePermit,
    Duplicate,
    InsertAction,
    InsertIdempotency,
    InsertOpening,
    InsertPermit,
    InsertPrincipal,
    InsertSealed,
    RaiseEpoch,
    RevokeKey,
)
from tests.contract.conftest import Subject
from tests.contract.material import (
    AGENT,
    ORG,
    OTHER,
    action,
    checkpoint,
    commit,
    event,
    new_id,
    permit,
    principal,
    sealed,
)


def fill(subject: Subject, count: int, *, org: str = ORG) -> list[bytes]:
    """Append `count` events, some to a commit, and return their leaves."""
    events = [event(body=b'{"n":%d}' % n) for n in range(count)]
    for first in range(0, count, 37):
        subject.commit(Commit(org, (), tuple(events[first : first + 37])))
    return [leaf_hash(one.body) for one in events]


def chained(org: str, rows: list[EventRow]) -> bytes:
    """Recompute the chain and compare every value with the stored one."""
    chain = genesis(org)
    for seq, row in enumerate(rows, 1):
        assert row.seq == seq
        chain = chain_next(org, seq, chain, leaf_hash(row.body))
        assert row.chain == chain
    return chain


def test_an_empty_ledger_has_a_head(subject: Subject) -> None:
    assert subject.run(subject.store.head(ORG)) == Head(0, genesis(ORG), EMPTY_ROOT)
    assert subject.run(subject.store.events(ORG)) == []
    assert subject.run(subject.store.organisations()) == []
    assert subject.run(subject.store.dirty()) == []


@pytest.mark.requirement("R26")
@pytest.mark.requirement("R45")
def test_events_are_numbered_and_chained_in_the_order_of_their_commit(subject: Subject) -> None:
    about = new_id()
    events = (event(about, body=b"one"), event(body=b"two"), event(about, body=b"three"))
    assert subject.commit(Commit(ORG, (), events)) == Committed(3, subject.clock.at)
    assert subject.commit(Commit(OTHER, (), (event(body=b"else"),))) == Committed(1, subject.clock.at)
    assert subject.commit(commit(events=0)) == Committed(0, subject.clock.at)
    rows = subject.run(subject.store.events(ORG))
    assert [(row.id, row.type, row.action, row.body) for row in rows] == [
        (one.id, str(one.type), one.action, one.body) for one in events
    ]
    head = subject.run(subject.store.head(ORG))
    assert head == Head(3, chained(ORG, rows), tree_root([leaf_hash(one.body) for one in events]))
    assert subject.run(subject.store.events_of(ORG, about)) == [rows[0], rows[2]]
    assert subject.run(subject.store.events_of(OTHER, about)) == []


def test_events_come_in_pages(subject: Subject) -> None:
    fill(subject, 100)
    rows = subject.run(subject.store.events(ORG))
    pages = [subject.run(subject.store.events(ORG, after=after, limit=30)) for after in (0, 30, 60, 90, 120)]
    assert [row for page in pages for row in page] == rows
    assert [len(page) for page in pages] == [30, 30, 30, 10, 0]


def test_the_same_event_again_writes_nothing_and_says_where_it_is(subject: Subject) -> None:
    fill(subject, 4)
    record = action()
    first = Commit(ORG, (InsertAction(record), RaiseEpoch()), (event(record.id), event()), epoch=0)
    assert subject.commit(first) == Committed(6, subject.clock.at)
    assert subject.commit(first) == Duplicate(5)
    assert subject.run(subject.store.head(ORG)).size == 6
    assert subject.run(subject.store.epoch(ORG)) == 1
    assert isinstance(subject.commit(Commit(OTHER, (), first.events)), Committed)


def test_an_event_id_that_is_there_behind_a_new_one_is_nobodys_duplicate(subject: Subject) -> None:
    old = event()
    subject.commit(Commit(ORG, (), (old,)))
    for events in ((event(), old), (new := event(), new)):
        with pytest.raises(StoreFailed) as refused:
            subject.commit(Commit(ORG, (), events))
        assert refused.value.code is Code.INTERNAL_ERROR
    assert subject.run(subject.store.head(ORG)).size == 1


def test_a_commit_whose_last_write_conflicts_leaves_nothing(subject: Subject) -> None:
    record, person = action(), principal("anna")
    one = Commit(
        ORG,
        (
            InsertAction(record),
            InsertSealed(sealed(record.id)),
            InsertOpening(record.id, 1, "anna", 0),
            InsertIdempotency(AGENT, "k", "body", record.id, 2**50),
            ChargeLimit("agent", AGENT, 1, 10),
            InsertPermit(permit(record.id, jti=(jti := new_id()))),
            ConsumePermit(jti),
            InsertPrincipal(person),
            RaiseEpoch(),
            AddAggregate(Aggregate(ORG, "a", "b", 60, 1)),
            RevokeKey(new_id()),
        ),
        (event(record.id),),
    )
    assert subject.conflict(one) == "key"
    store = subject.store
    assert subject.run(store.action(ORG, record.id)) is None
    assert subject.run(store.sealed(ORG, record.id, "params")) is None
    assert subject.run(store.openings(ORG, record.id, 1, "anna")) == frozenset()
    assert subject.run(store.idempotent(ORG, AGENT, "k")) is None
    assert subject.run(store.limit(ORG, "agent", AGENT)) == 0
    assert subject.run(store.permit(jti)) is None
    assert subject.run(store.principals(ORG)) == []
    assert subject.run(store.epoch(ORG)) == 0
    assert subject.run(store.aggregates(1000)) == []
    assert subject.run(store.events(ORG)) == []


UNSTORABLE = {
    "body too long": Commit(ORG, (), (event(body=b"x" * (MAX_BODY + 1)),)),
    "number of 65 bits": Commit(ORG, (InsertAction(action(deadline=2**64)),), (event(),)),
    "half a surrogate pair": Commit(ORG, (InsertOpening("\ud800", 1, "anna", 0),), (event(),)),
    "organisation without a UUID": Commit("acme", (), (event(),)),
}


@pytest.mark.attack("G40")
@pytest.mark.parametrize("poison", UNSTORABLE.values(), ids=UNSTORABLE.keys())
def test_a_poisoned_commit_fails_alone(subject: Subject, poison: Commit) -> None:
    records = [action() for _ in range(12)]
    commits = [commit(InsertAction(record)) for record in records]
    answers = subject.together([*commits[:6], poison, *commits[6:]])
    refused = answers.pop(6)
    assert isinstance(refused, StoreFailed)
    assert refused.code is Code.INTERNAL_ERROR
    assert sorted(answer.seq for answer in answers if isinstance(answer, Committed)) == list(range(1, 13))
    for record in records:
        assert subject.run(subject.store.action(ORG, record.id)) == record
    chained(ORG, subject.run(subject.store.events(ORG)))


# --- checkpoints and the tree -----------------------------------------------------------------------------------------


def test_a_checkpoint_is_kept_once_and_only_over_the_ledgers_own_root(subject: Subject) -> None:
    leaves = fill(subject, 5)
    store = subject.store
    three, five = (checkpoint(size, tree_root(leaves[:size])) for size in (3, 5))
    assert subject.run(store.checkpoint(ORG)) is None
    assert subject.run(store.dirty()) == [ORG]
    assert subject.run(store.put_checkpoint(five))
    assert subject.run(store.dirty()) == []
    assert subject.run(store.put_checkpoint(three))
    assert not subject.run(store.put_checkpoint(checkpoint(5, five.root)))
    for row in (checkpoint(4, b"r" * 32), checkpoint(6, tree_root(leaves))):
        with pytest.raises(StoreFailed) as refused:
            subject.run(store.put_checkpoint(row))
        assert refused.value.code is Code.INTERNAL_ERROR
    assert subject.run(store.checkpoints(ORG)) == [three, five]
    assert subject.run(store.checkpoint(ORG)) == five
    assert subject.run(store.checkpoint(ORG, at_least=5)) == five
    assert subject.run(store.checkpoint(ORG, at_least=6)) is None
    assert subject.run(store.checkpoints(OTHER)) == []
    fill(subject, 1)
    assert subject.run(store.dirty()) == [ORG]


@pytest.mark.requirement("R26")
def test_subtrees_are_those_of_all_the_leaves_before_and_after_checkpoints(subject: Subject) -> None:
    leaves: list[bytes] = []
    chance = random.Random(6962)
    for size in (1, 2, 255, 256, 257, 511, 512, 600):
        leaves += fill(subject, size - len(leaves))
        for _ in range(2):
            for _ in range(6):
                start = chance.randrange(size)
                end = chance.randrange(start, size) + 1
                assert subject.run(subject.store.subtree(ORG, start, end)) == tree_root(leaves[start:end])
            root = tree_root(leaves)
            assert subject.run(subject.store.subtree(ORG, 0, size)) == root
            assert subject.run(subject.store.head(ORG)).root == root
            subject.run(subject.store.put_checkpoint(checkpoint(size, root)))
    assert subject.run(subject.store.subtree(ORG, 7, 7)) == EMPTY_ROOT


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (0, 4), (2, 1)])
def test_there_is_no_subtree_beyond_the_ledger(subject: Subject, start: int, end: int) -> None:
    fill(subject, 3)
    with pytest.raises(IndexError):
        subject.run(subject.store.subtree(ORG, start, end))

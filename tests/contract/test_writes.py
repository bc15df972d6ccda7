"""What each write does, and what each unmet expectation is called, in every store."""

from dataclasses import replace

import pytest

from aaf.domain.approval import ReviewVerdict
from aaf.domain.errors import Code, StoreFailed
from aaf.domain.principal import Kind
from aaf.domain.record import Aggregate, ManagedBy, PermitState
from aaf.domain.states import State
from aaf.ports import (
    AddAggregate,
    ChargeLimit,
    Commit,
    Committed,
    ConsumePermit,
    InsertAction,
    InsertDataKey,
    InsertIdempotency,
    InsertKey,
    InsertOpening,
    InsertPermit,
    InsertPrincipal,
    InsertRelease,
    InsertReview,
    InsertSealed,
    NotAfter,
    NotBefore,
    PutDraft,
    PutWatch,
    RaiseEpoch,
    RemoveDraft,
    RevokeKey,
    StaleEpoch,
    TakeAggregate,
    UpdateAction,
)
from tests.contract.conftest import Subject
from tests.contract.material import (
    AGENT,
    ORG,
    OTHER,
    action,
    commit,
    data_key,
    draft,
    event,
    key,
    new_id,
    permit,
    principal,
    release,
    review,
    sealed,
    watch,
)


def there(subject: Subject, *writes: InsertAction | InsertPermit | InsertPrincipal | InsertKey) -> None:
    assert isinstance(subject.commit(commit(*writes)), Committed)


# --- actions ----------------------------------------------------------------------------------------------------------


def test_an_action_is_read_back_as_it_was_written(subject: Subject) -> None:
    record = action(deadline=99)
    there(subject, InsertAction(record))
    assert subject.run(subject.store.action(ORG, record.id)) == record
    assert subject.run(subject.store.action(OTHER, record.id)) is None


def test_an_action_moves_one_version_at_a_time(subject: Subject) -> None:
    record = action()
    there(subject, InsertAction(record))
    second = replace(record, version=2, state=State.EXECUTING, deadline=5)
    assert isinstance(subject.commit(commit(UpdateAction(second))), Committed)
    assert subject.run(subject.store.action(ORG, record.id)) == second
    assert subject.conflict(commit(UpdateAction(second))) == "version"
    assert subject.conflict(commit(UpdateAction(replace(record, version=4)))) == "version"
    assert subject.conflict(commit(UpdateAction(action(version=2)))) == "version"


def test_one_commit_may_move_an_action_twice(subject: Subject) -> None:
    record = action()
    moved = [replace(record, version=version, state=State.EXECUTING) for version in (2, 3)]
    answer = subject.commit(commit(InsertAction(record), *(UpdateAction(each) for each in moved), events=3))
    assert isinstance(answer, Committed)
    assert subject.run(subject.store.action(ORG, record.id)) == moved[-1]


def test_a_taken_action_id_is_a_version_conflict(subject: Subject) -> None:
    record = action()
    there(subject, InsertAction(record))
    assert subject.conflict(commit(InsertAction(record))) == "version"
    assert subject.conflict(commit(InsertAction(action(version=2)))) == "version"


def test_a_write_into_another_organisation_is_refused(subject: Subject) -> None:
    with pytest.raises(StoreFailed) as refused:
        subject.commit(Commit(ORG, (InsertAction(action(org=OTHER)),), (event(),)))
    assert refused.value.code is Code.INTERNAL_ERROR
    assert subject.run(subject.store.organisations()) == []


def test_actions_are_listed_newest_first_in_pages(subject: Subject) -> None:
    agents = [AGENT, new_id()]
    states = [State.ALLOWED, State.DENIED, State.PENDING_APPROVAL]
    records = [action(agent=agents[n % 2], state=states[n % 3]) for n in range(12)]
    for record in records:
        there(subject, InsertAction(record))
    newest = [record.id for record in reversed(records)]
    store = subject.store
    for state in State:
        assert subject.run(store.count(ORG, state)) == len(subject.run(store.actions(ORG, state=state, limit=1000)))
    first = subject.run(store.actions(ORG, limit=5))
    assert [one.id for one in first] == newest[:5]
    rest = subject.run(store.actions(ORG, before=first[-1].id))
    assert [one.id for one in rest] == newest[5:]
    for state in states:
        listed = subject.run(store.actions(ORG, state=state))
        assert [one.id for one in listed] == [one.id for one in reversed(records) if one.state is state]
    mine = subject.run(store.actions(ORG, state=State.PENDING_APPROVAL, agent=agents[1], before=newest[0], limit=1))
    assert mine == [[r for r in records if r.state is states[2] and r.agent == agents[1] and r.id < newest[0]][-1]]
    assert subject.run(store.actions(OTHER)) == []


def test_what_is_due_comes_earliest_first(subject: Subject) -> None:
    records = [action(deadline=deadline) for deadline in (30, 10, None, 20, 40)]
    for record in records:
        there(subject, InsertAction(record))
    late = [(ORG, records[place].id) for place in (1, 3, 0)]
    assert subject.run(subject.store.due(30, 10)) == late
    assert subject.run(subject.store.due(30, 2)) == late[:2]
    there_again = replace(records[1], version=2, deadline=None)
    assert isinstance(subject.commit(commit(UpdateAction(there_again))), Committed)
    assert subject.run(subject.store.due(30, 10)) == late[1:]


# --- sealed values and keys -------------------------------------------------------------------------------------------


def test_a_sealed_value_is_replaced_by_the_next_of_its_name(subject: Subject) -> None:
    owner = new_id()
    for ciphertext in (b"one", b"two"):
        subject.commit(commit(InsertSealed(sealed(owner, ciphertext=ciphertext)), events=0))
    subject.commit(commit(InsertSealed(sealed(owner, name="view")), events=0))
    assert subject.run(subject.store.sealed(ORG, owner, "params")) == sealed(owner, ciphertext=b"two")
    assert subject.run(subject.store.sealed(ORG, owner, "view")) == sealed(owner, name="view")
    assert subject.run(subject.store.sealed(ORG, owner, "result")) is None


def test_the_newest_data_key_of_a_subject_is_found(subject: Subject) -> None:
    old, new = data_key("agent", key_id="b" + new_id()[1:]), data_key("agent", key_id="a" + new_id()[1:])
    for each in (old, new):
        subject.commit(commit(InsertDataKey(each), events=0))
    assert subject.run(subject.store.data_key_of(ORG, "agent")) == new
    assert subject.run(subject.store.data_key(ORG, old.id)) == old
    assert subject.run(subject.store.data_key(ORG, new_id())) is None
    assert subject.run(subject.store.data_key_of(ORG, "nobody")) is None
    assert subject.conflict(commit(InsertDataKey(old))) == "key"
    twice = data_key("agent")
    assert subject.conflict(commit(InsertDataKey(twice), InsertDataKey(twice))) == "key"


# --- reviews ----------------------------------------------------------------------------------------------------------


def test_reviews_are_kept_in_order_and_once_for_each_person(subject: Subject) -> None:
    record = action(state=State.PENDING_APPROVAL)
    there(subject, InsertAction(record))
    first, second = review("anna"), review("bob", verdict=ReviewVerdict.REJECT)
    assert isinstance(subject.commit(commit(InsertReview(record.id, 1, 1, 0, first))), Committed)
    assert subject.conflict(commit(InsertReview(record.id, 1, 1, 0, second))) == "review"
    assert subject.conflict(commit(InsertReview(record.id, 1, 1, 1, review("anna")))) == "review"
    assert isinstance(subject.commit(commit(InsertReview(record.id, 1, 1, 1, second))), Committed)
    assert subject.run(subject.store.reviews(ORG, record.id, 1)) == [first, second]
    assert subject.run(subject.store.reviews(ORG, record.id, 2)) == []


def test_a_review_of_an_action_that_moved_is_a_version_conflict(subject: Subject) -> None:
    record = action(state=State.PENDING_APPROVAL)
    there(subject, InsertAction(record))
    assert subject.conflict(commit(InsertReview(record.id, 2, 1, 0, review("anna")))) == "version"
    assert subject.conflict(commit(InsertReview(new_id(), 1, 1, 0, review("anna")))) == "version"


def test_a_review_expects_the_version_before_its_own_commit(subject: Subject) -> None:
    record = action(state=State.PENDING_APPROVAL)
    there(subject, InsertAction(record))
    moved = UpdateAction(replace(record, version=2, state=State.APPROVED))
    assert isinstance(subject.commit(commit(moved, InsertReview(record.id, 1, 1, 0, review("anna")))), Committed)


def test_openings_are_counted_once(subject: Subject) -> None:
    record = new_id()
    for index in (2, 0, 2):
        assert isinstance(subject.commit(commit(InsertOpening(record, 1, "anna", index))), Committed)
    assert subject.run(subject.store.openings(ORG, record, 1, "anna")) == {0, 2}
    assert subject.run(subject.store.openings(ORG, record, 1, "bob")) == frozenset()
    assert subject.run(subject.store.openings(ORG, record, 2, "anna")) == frozenset()


# --- idempotency ------------------------------------------------------------------------------------------------------


def test_an_idempotency_key_stands_for_one_action(subject: Subject) -> None:
    one = InsertIdempotency(AGENT, "k", "body", new_id(), subject.clock.at + 100)
    assert isinstance(subject.commit(commit(one)), Committed)
    assert subject.conflict(commit(replace(one, action=new_id()))) == "idempotency"
    assert subject.run(subject.store.idempotent(ORG, AGENT, "k")) == one
    assert subject.run(subject.store.idempotent(ORG, "else", "k")) is None
    assert subject.run(subject.store.idempotent(OTHER, AGENT, "k")) is None


@pytest.mark.parametrize(
    ("state", "stands"), [(State.PENDING_APPROVAL, True), (State.UNKNOWN, True), (State.DENIED, False)]
)
def test_an_idempotency_key_stands_while_its_action_is_open(subject: Subject, state: State, stands: bool) -> None:
    record = action(state=state)
    one = InsertIdempotency(AGENT, "k", "body", record.id, subject.clock.at + 100)
    assert isinstance(subject.commit(commit(InsertAction(record), one)), Committed)
    subject.clock.advance(1)
    assert subject.run(subject.store.idempotent(ORG, AGENT, "k")) == (one if stands else None)
    again = replace(one, body_hash="other", expires_at=subject.clock.at + 100)
    if stands:
        assert subject.conflict(commit(again)) == "idempotency"
    else:
        assert isinstance(subject.commit(commit(again)), Committed)
        assert subject.run(subject.store.idempotent(ORG, AGENT, "k")) == again


# --- limits -----------------------------------------------------------------------------------------------------------


def test_a_limit_lets_through_its_burst_and_then_one_each_interval(subject: Subject) -> None:
    charge = ChargeLimit("agent", AGENT, 1_000_000, 2_000_000)
    start = subject.clock.at
    for _ in range(3):
        assert isinstance(subject.commit(commit(charge)), Committed)
    assert subject.run(subject.store.limit(ORG, "agent", AGENT)) == start + 3_000_000
    assert subject.conflict(commit(charge)) == "limit"
    subject.clock.advance(0.999999)
    assert subject.conflict(commit(charge)) == "limit"
    subject.clock.advance(0.000001)
    assert isinstance(subject.commit(commit(charge)), Committed)
    assert subject.conflict(commit(charge)) == "limit"
    assert subject.run(subject.store.limit(ORG, "agent", AGENT)) == start + 4_000_000
    assert subject.run(subject.store.limit(ORG, "agent", "other")) == 0
    subject.clock.advance(3600)
    answer = subject.commit(commit(charge, charge, charge))
    assert isinstance(answer, Committed)
    assert subject.run(subject.store.limit(ORG, "agent", AGENT)) == answer.at + 3_000_000


def test_a_limit_charged_twice_by_one_commit_counts_twice(subject: Subject) -> None:
    charge = ChargeLimit("agent", AGENT, 1_000_000, 1_000_000)
    assert subject.conflict(commit(charge, charge, charge)) == "limit"
    assert subject.run(subject.store.limit(ORG, "agent", AGENT)) == 0
    assert isinstance(subject.commit(commit(charge, charge)), Committed)


# --- permits ----------------------------------------------------------------------------------------------------------


@pytest.mark.attack(
    "G14", guard="aaf.adapters.expectations:permit_refusal", without="tests.contract.without:never_refused"
)
def test_a_permit_is_consumed_once(subject: Subject) -> None:
    one = permit(new_id())
    there(subject, InsertPermit(one))
    assert subject.run(subject.store.permit(one.jti)) == one
    assert isinstance(subject.commit(commit(ConsumePermit(one.jti))), Committed)
    assert subject.run(subject.store.permit(one.jti)) == replace(one, state=PermitState.CONSUMED)
    assert subject.conflict(commit(ConsumePermit(one.jti))) == "permit_used"


def test_an_unknown_permit_is_said_to_be_unknown(subject: Subject) -> None:
    assert subject.conflict(commit(ConsumePermit(new_id()))) == "permit_unknown"
    assert subject.run(subject.store.permit(new_id())) is None


def test_another_organisations_permit_is_unknown(subject: Subject) -> None:
    one = permit(new_id())
    there(subject, InsertPermit(one))
    assert subject.conflict(commit(ConsumePermit(one.jti), org=OTHER)) == "permit_unknown"


@pytest.mark.attack(
    "G18", guard="aaf.adapters.expectations:permit_refusal", without="tests.contract.without:never_refused"
)
def test_a_permit_is_late_by_the_stores_clock(subject: Subject) -> None:
    one, other = (permit(new_id(), expires_at=subject.clock.at + 5_000_000) for _ in range(2))
    there(subject, InsertPermit(one), InsertPermit(other))
    subject.clock.advance(5)
    assert isinstance(subject.commit(commit(ConsumePermit(one.jti))), Committed)
    subject.clock.advance(0.000001)
    assert subject.conflict(commit(ConsumePermit(other.jti))) == "permit_expired"
    assert subject.conflict(commit(ConsumePermit(one.jti))) == "permit_used"


def test_a_new_permit_makes_the_earlier_one_of_its_action_void(subject: Subject) -> None:
    record = new_id()
    first, second = permit(record), permit(record)
    there(subject, InsertPermit(first))
    there(subject, InsertPermit(second))
    assert subject.conflict(commit(ConsumePermit(first.jti))) == "permit_used"
    assert subject.run(subject.store.permit(first.jti)) == replace(first, state=PermitState.VOID)
    assert isinstance(subject.commit(commit(ConsumePermit(second.jti))), Committed)
    assert subject.conflict(commit(InsertPermit(second))) == "permit_used"


def test_one_commit_may_issue_and_consume(subject: Subject) -> None:
    record = new_id()
    old, new = permit(record), permit(record)
    there(subject, InsertPermit(old))
    assert subject.conflict(commit(InsertPermit(new), ConsumePermit(old.jti))) == "permit_used"
    assert subject.conflict(commit(InsertPermit(new), ConsumePermit(new.jti), ConsumePermit(new.jti))) == "permit_used"
    assert isinstance(subject.commit(commit(InsertPermit(new), ConsumePermit(new.jti))), Committed)
    assert subject.conflict(commit(ConsumePermit(new.jti))) == "permit_used"


# --- deadlines --------------------------------------------------------------------------------------------------------


@pytest.mark.attack("G18", guard="aaf.adapters.expectations:past", without="tests.contract.without:never_past")
def test_a_commit_after_its_deadline_is_refused_whole(subject: Subject) -> None:
    record = action()
    deadline = subject.clock.at
    assert isinstance(subject.commit(commit(NotAfter(deadline))), Committed)
    subject.clock.advance(0.000001)
    assert subject.conflict(commit(InsertAction(record), NotAfter(deadline))) == "deadline"
    assert subject.run(subject.store.action(ORG, record.id)) is None


def test_a_commit_before_its_time_is_refused_whole(subject: Subject) -> None:
    begin = subject.clock.at
    assert subject.conflict(commit(NotBefore(begin))) == "deadline"
    subject.clock.advance(0.000001)
    assert isinstance(subject.commit(commit(NotBefore(begin))), Committed)


# --- principals, keys, epochs, releases -------------------------------------------------------------------------------


def test_principals_are_listed_oldest_first_and_named_once(subject: Subject) -> None:
    anna, bob = principal("anna"), replace(principal("bob"), created_at=3)
    there(subject, InsertPrincipal(anna), InsertPrincipal(bob))
    assert subject.run(subject.store.principals(ORG)) == [bob, anna]
    assert subject.conflict(commit(InsertPrincipal(principal("anna")))) == "name"
    assert subject.conflict(commit(InsertPrincipal(principal("carl", principal_id=anna.id)))) == "name"
    assert subject.conflict(commit(InsertPrincipal(principal("dora")), InsertPrincipal(principal("dora")))) == "name"
    assert isinstance(subject.commit(commit(InsertPrincipal(principal("anna", kind=Kind.AGENT)))), Committed)
    elsewhere = principal("anna", org=OTHER)
    assert isinstance(subject.commit(commit(InsertPrincipal(elsewhere), org=OTHER)), Committed)
    assert subject.run(subject.store.principals(OTHER)) == [elsewhere]


def test_a_key_is_found_by_its_hash_until_anybody_asks_whether_it_was_revoked(subject: Subject) -> None:
    anna = principal("anna")
    one = key(anna.id)
    there(subject, InsertPrincipal(anna), InsertKey(one))
    assert subject.run(subject.store.key_by_mac(one.mac)) == (one, anna)
    assert subject.run(subject.store.key_by_mac(b"x" * 32)) is None
    answer = subject.commit(commit(RevokeKey(one.id), RaiseEpoch()))
    assert isinstance(answer, Committed)
    assert subject.run(subject.store.keys(ORG)) == [replace(one, revoked_at=answer.at)]
    assert subject.conflict(commit(RevokeKey(one.id))) == "key"
    assert subject.conflict(commit(RevokeKey(new_id()))) == "key"


def test_a_taken_key_or_one_of_nobody_is_a_key_conflict(subject: Subject) -> None:
    anna = principal("anna")
    one = key(anna.id)
    there(subject, InsertPrincipal(anna), InsertKey(one))
    assert subject.conflict(commit(InsertKey(key(anna.id)))) == "key"
    assert subject.conflict(commit(InsertKey(key(anna.id, mac=b"o" * 32, key_id=one.id)))) == "key"
    assert subject.conflict(commit(InsertKey(key(new_id(), mac=b"o" * 32)))) == "key"


def test_what_was_judged_under_an_old_epoch_is_stale(subject: Subject) -> None:
    assert subject.run(subject.store.epoch(ORG)) == 0
    assert isinstance(subject.commit(commit(RaiseEpoch(), epoch=0)), Committed)
    assert subject.run(subject.store.epoch(ORG)) == 1
    record = action()
    assert subject.commit(commit(InsertAction(record), epoch=0)) == StaleEpoch(1)
    assert subject.run(subject.store.action(ORG, record.id)) is None
    assert isinstance(subject.commit(commit(InsertAction(record), epoch=1)), Committed)
    assert subject.run(subject.store.epoch(OTHER)) == 0
    assert isinstance(subject.commit(commit(org=OTHER, epoch=0)), Committed)


def test_an_organisation_is_known_by_its_epoch_or_events(subject: Subject) -> None:
    assert isinstance(subject.commit(commit(RaiseEpoch(), org=OTHER, events=0)), Committed)
    assert isinstance(subject.commit(commit()), Committed)
    assert subject.run(subject.store.organisations()) == sorted([ORG, OTHER])
    assert subject.run(subject.store.dirty()) == [ORG]


def test_releases_are_numbered_without_a_gap(subject: Subject) -> None:
    assert subject.run(subject.store.release(ORG)) is None
    assert subject.conflict(commit(InsertRelease(release(2)))) == "version"
    for number in (1, 2):
        assert isinstance(subject.commit(commit(InsertRelease(release(number)))), Committed)
    assert subject.conflict(commit(InsertRelease(release(2)))) == "version"
    assert subject.conflict(commit(InsertRelease(release(3)), InsertRelease(release(3)))) == "version"
    assert subject.run(subject.store.release(ORG)) == release(2)


# --- aggregates -------------------------------------------------------------------------------------------------------


@pytest.mark.attack("G40", part="refusals are counted in the store; who counts them is tested with the services")
def test_aggregates_add_up_and_are_taken_once_at_their_count(subject: Subject) -> None:
    one = Aggregate(ORG, "access.refused", "10.0.0.1", 60, 0)
    for count in (0, 1, 5):
        subject.commit(commit(AddAggregate(replace(one, count=count)), events=0))
    subject.commit(commit(AddAggregate(replace(one, minute=120, count=1)), events=0))
    assert subject.run(subject.store.aggregate(ORG, one.name, one.source, 60)) == 6
    assert subject.run(subject.store.aggregate(ORG, one.name, "else", 60)) is None
    six = replace(one, count=6)
    assert subject.run(subject.store.aggregates(120)) == [six]
    assert subject.conflict(commit(TakeAggregate(one))) == "aggregate"
    assert subject.conflict(commit(TakeAggregate(six), TakeAggregate(six))) == "aggregate"
    assert isinstance(subject.commit(commit(TakeAggregate(six))), Committed)
    assert subject.conflict(commit(TakeAggregate(six))) == "aggregate"
    assert subject.run(subject.store.aggregate(ORG, one.name, one.source, 60)) is None


def test_releases_are_read_by_number_and_from_the_newest_back_with_what_they_were_made_of(subject: Subject) -> None:
    made = [
        replace(release(number), files=b'{"aaf.yaml":"version: %d"}' % number, managed_by=ManagedBy.API)
        for number in (1, 2, 3)
    ]
    for one in made:
        assert isinstance(subject.commit(commit(InsertRelease(one))), Committed)
    read = subject.store
    assert subject.run(read.release(ORG)) == made[2]
    assert subject.run(read.release(ORG, 2)) == made[1]
    assert subject.run(read.release(ORG, 4)) is None
    assert subject.run(read.release(ORG, 0)) is None
    assert subject.run(read.releases(ORG)) == made[::-1]
    assert subject.run(read.releases(ORG, before=3, limit=1)) == [made[1]]
    assert subject.run(read.releases("another")) == []


# --- drafts -----------------------------------------------------------------------------------------------------------


def test_a_draft_is_saved_over_the_version_that_was_read(subject: Subject) -> None:
    first = draft(1)
    assert subject.conflict(commit(PutDraft(draft(2)))) == "version"
    assert isinstance(subject.commit(commit(PutDraft(first))), Committed)
    assert subject.conflict(commit(PutDraft(first))) == "version"
    assert isinstance(subject.commit(commit(PutDraft(draft(2)))), Committed)
    assert subject.run(subject.store.draft(ORG, first.id)) == draft(2)
    assert subject.run(subject.store.drafts(ORG)) == [replace(draft(2), files=b"{}")]
    assert subject.run(subject.store.draft("another", first.id)) is None


def test_a_draft_is_forgotten_only_as_it_was_read(subject: Subject) -> None:
    assert subject.conflict(commit(RemoveDraft(draft(1).id, 0))) == "version"
    assert isinstance(subject.commit(commit(PutDraft(draft(1)))), Committed)
    assert subject.conflict(commit(RemoveDraft(draft(1).id, 2))) == "version"
    assert subject.conflict(commit(PutDraft(draft(2)), RemoveDraft(draft(1).id, 1))) == "version"
    assert isinstance(subject.commit(commit(RemoveDraft(draft(1).id, 1))), Committed)
    assert subject.run(subject.store.drafts(ORG)) == []


# --- the folder -------------------------------------------------------------------------------------------------------


def test_what_was_found_last_in_the_folder_is_what_is_kept(subject: Subject) -> None:
    assert subject.run(subject.store.watch(ORG)) is None
    for one in (watch("a"), watch("b", problems=())):
        assert isinstance(subject.commit(commit(PutWatch(one))), Committed)
        assert subject.run(subject.store.watch(ORG)) == one
    assert subject.run(subject.store.watch("another")) is None
    with pytest.raises(StoreFailed):
        subject.commit(commit(PutWatch(watch("a", org=OTHER))))


def test_a_lease_is_read_by_whoever_doesn_t_hold_it(subject: Subject) -> None:
    read = subject.store
    assert subject.run(read.lease("configuration")) is None
    assert subject.run(read.take_lease("configuration", "one", 5))
    assert not subject.run(read.take_lease("configuration", "two", 5))
    found = subject.run(read.lease("configuration"))
    assert found is not None
    assert found.holder == "one"
    assert 0 < found.ends_at - subject.run(read.now()) <= 5_000_000


# --- history ----------------------------------------------------------------------------------------------------------


def test_what_was_decided_is_read_in_pages_oldest_first_each_with_its_sealed_input(subject: Subject) -> None:
    made = [replace(action(f"0190-{number}"), created_at=number * 10) for number in range(5)]
    for one in made:
        its = (InsertSealed(sealed(one.id, name="input")),) if one is not made[2] else ()
        assert isinstance(subject.commit(commit(InsertAction(one), *its)), Committed)
    page = subject.run(subject.store.decided(ORG, since=10, limit=2))
    assert [one.action for one in page] == made[1:3]
    assert [one.input and one.input.owner for one in page] == [made[1].id, None]
    rest = subject.run(subject.store.decided(ORG, since=10, after=page[-1].action.id))
    assert [one.action for one in rest] == made[3:]
    assert subject.run(subject.store.decided("another")) == []


def test_a_look_back_begins_by_the_time_and_not_by_the_id(subject: Subject) -> None:
    ids = sorted(new_id() for _ in range(5))
    made = dict(zip(ids, (50, 10, 40, 20, 60), strict=True))
    there(subject, *(InsertAction(replace(action(one), created_at=at)) for one, at in made.items()))

    def pages(since: int) -> list[str]:
        found: list[str] = []
        while page := subject.run(subject.store.decided(ORG, since=since, after=found[-1] if found else "", limit=2)):
            found += [one.action.id for one in page]
        return found

    for since in (0, 10, 40, 41, 60, 61):
        assert pages(since) == [one for one in ids if made[one] >= since], since

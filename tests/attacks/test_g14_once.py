"""G14: an approval that is replayed, a permit that is used twice, two workers that race."""

import pytest

from aaf.domain.errors import Code, StateConflict
from aaf.domain.states import State
from aaf.services.permits import consume, issue
from tests.services.test_execute import race
from tests.services.world import World, refused


@pytest.mark.attack("G14", guard="aaf.adapters.expectations:first_conflict")
def test_of_two_executions_at_the_same_moment_one_runs_and_both_are_recorded(world: World) -> None:
    record = world.submit("files.read", {"path": "a.txt"}).record
    world.hands.then("analyse", lambda: world.execute(record))
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        world.execute(record)
    assert world.hands.runs == 1
    assert world.types(record)[-3:] == ["action.executing", "action.succeeded", "execution.refused"]


@pytest.mark.attack("G14")
def test_of_many_racers_on_one_file_one_runs_and_each_loser_is_told(filed: World) -> None:
    twin, record = filed.twin(), filed.write()
    filed.approve(record)
    ends = race(filed, record, [filed, twin, filed, twin])
    codes = [getattr(end, "code", "ran") for end in ends]
    assert codes.count("ran") == 1
    assert filed.hands.runs == 1
    assert filed.types(record).count("action.executing") == 1
    # Each lost attempt is in the audit log: the first of a minute as an event, further ones as an exact count.
    counted = sum(one.count for one in filed.run(filed.store.aggregates(2**60)))
    assert filed.types(record).count("execution.refused") + counted == codes.count(Code.ALREADY_CONSUMED)
    twin.close()


@pytest.mark.attack("G14", guard="aaf.adapters.expectations:first_conflict")
def test_of_two_uses_of_a_permit_at_the_same_moment_one_counts(world: World) -> None:
    record = world.payment()
    permit = world.run(issue(world.core, world.bot, record.id, digest=record.digest, audience="shop")).permit

    def use() -> None:
        world.run(consume(world.core, world.bot, permit.jti, digest=record.digest))

    world.ids.then("id", use)
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        use()
    assert world.types(record).count("action.executing") == 1
    assert world.types(record)[-1] == "permit.refused"


@pytest.mark.attack("G14")
def test_an_approval_is_good_for_one_run(either: World) -> None:
    record = either.write()
    either.approve(record)
    either.execute(record)
    (either.workspace / "a.txt").write_text("old\n")
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        either.execute(record)
    again = either.write()
    assert (again.id != record.id, again.state, either.content()) == (True, State.PENDING_APPROVAL, "old\n")

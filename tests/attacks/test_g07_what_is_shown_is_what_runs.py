"""G07: the approver sees one thing and the tool does another."""

import pytest

from aaf.domain.errors import Code, StateConflict
from aaf.domain.states import State
from aaf.services.permits import consume, issue
from aaf.services.review import show
from tests.services.world import World, refused


@pytest.mark.attack("G07", guard="aaf.domain.digests:same_digest", without="tests.attacks.without:returns_true")
def test_bytes_other_than_those_that_were_approved_do_not_run(either: World) -> None:
    record = either.write("approved\n")
    other = either.write("another\n")
    either.approve(record)
    with refused(Code.DIGEST_MISMATCH, StateConflict):
        either.execute(record, digest=other.digest)
    assert (either.hands.runs, either.content()) == (0, "old\n")


@pytest.mark.attack("G07", guard="aaf.adapters.connectors.files:_compare")
def test_a_file_that_is_no_longer_what_the_approver_saw_is_left_alone(either: World) -> None:
    record = either.write("approved\n")
    either.approve(record)
    either.hands.then("run", lambda: (either.workspace / "a.txt").write_text("somebody's work\n"))
    ran = either.execute(record)
    assert (ran.record.state, ran.record.code) == (State.FAILED, Code.EFFECT_CHANGED)
    assert either.content() == "somebody's work\n"


@pytest.mark.attack("G07")
def test_the_view_the_stored_values_and_the_run_are_one(world: World) -> None:
    record = world.write("exactly this\n")
    view = world.run(show(world.core, world.caller("ann"), record.id)).view
    assert "exactly this" in str(view["params"])
    world.approve(record)
    world.execute(record)
    assert world.content() == "exactly this\n"


@pytest.mark.attack("G07", guard="aaf.domain.digests:same_digest", without="tests.attacks.without:returns_true")
def test_a_permit_is_not_used_for_other_bytes(world: World) -> None:
    record, other = world.payment("20.00"), world.payment("99.00")
    permit = world.run(issue(world.core, world.bot, record.id, digest=record.digest, audience="shop")).permit
    with refused(Code.DIGEST_MISMATCH, StateConflict):
        world.run(consume(world.core, world.bot, permit.jti, digest=other.digest))


@pytest.mark.attack("G07", guard="aaf.domain.digests:same_digest", without="tests.attacks.without:returns_true")
def test_an_answer_to_another_view_does_not_count(world: World) -> None:
    record, other = world.write("one\n"), world.write("two\n")
    with refused(Code.VIEW_CHANGED, StateConflict):
        world.answer(record, view=other.view_digest)
    assert world.record(record).state is State.PENDING_APPROVAL

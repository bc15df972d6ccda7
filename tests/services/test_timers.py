"""What happens without anybody asking."""

from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.principal import Kind
from aaf.domain.states import State
from aaf.services import timers
from aaf.services.access import authenticate
from aaf.services.ledger import checkpoint
from tests.services.world import SECOND, World, edited, refused


def test_every_state_that_has_a_deadline_ends_at_it(either: World) -> None:
    held, allowed, approved = either.write(), either.payment(), either.write("x")
    either.approve(approved)
    either.clock.advance(900)
    assert either.run(timers.sweep(either.core)) == 0
    either.clock.advance(0.000001)
    assert either.run(timers.sweep(either.core)) == 3
    assert [either.record(one).state for one in (held, allowed, approved)] == [
        State.EXPIRED, State.LAPSED, State.LAPSED,
    ]  # fmt: skip
    assert [either.record(one).deadline for one in (held, allowed, approved)] == [None] * 3
    assert either.run(timers.sweep(either.core)) == 0


def test_two_sweepers_close_an_action_once(filed: World) -> None:
    record, twin = filed.write(), filed.twin()
    filed.clock.advance(901)
    filed.ids.then("id", lambda: twin.run(timers.sweep(twin.core)))
    assert filed.run(timers.sweep(filed.core)) == 0
    assert filed.types(record) == ["action.pending_approval", "action.expired"]
    twin.close()


def test_an_approved_action_that_was_to_run_then_is_run_by_the_worker(either: World) -> None:
    record = either.write(run="when_approved")
    later = either.write("later\n")
    assert either.run(timers.start_approved(either.core)) == 0
    either.approve(record)
    either.approve(later)
    payment = either.payment("250.00")
    either.approve(payment, reason="r")
    either.approve(payment, by="ben", reason="r")
    with refused(Code.MISSING_CREDENTIAL):  # now the installation has a ledger of its own, and no actions
        either.run(authenticate(either.core, key=None, agent=None, source="x"))
    assert either.run(timers.start_approved(either.core)) == 1
    assert (either.record(record).state, either.content()) == (State.SUCCEEDED, "new\n")
    assert either.record(later).state is State.APPROVED
    assert either.bodies("action.executing")[0]["actor"] == either.bot.principal.actor


def test_what_the_worker_may_not_run_is_said_in_the_log(world: World) -> None:
    record = world.write(run="when_approved")
    world.approve(record)
    world.configure(edited("aaf.yaml", ("quorum: 1", "quorum: 2")))
    assert world.run(timers.start_approved(world.core)) == 0
    assert world.log.entries == [("worker_refused", {"action": record.id, "code": "requirement_changed"})]
    assert world.record(record).state is State.PENDING_APPROVAL


def test_the_worker_runs_nothing_for_an_agent_whose_keys_are_all_revoked(either: World) -> None:
    record = either.write(run="when_approved")
    either.approve(record)
    either.revoke("bot")
    assert either.run(timers.start_approved(either.core)) == 0
    assert (either.record(record).state, either.hands.runs) == (State.APPROVED, 0)


def test_the_worker_runs_what_one_of_the_agent_s_live_keys_may_submit(world: World) -> None:
    record = world.write(run="when_approved")
    world.approve(record)
    world.revoke("bot")
    world.add("bot", Kind.AGENT, action_types=("files.read",), lifetime=60)
    assert world.run(timers.start_approved(world.core)) == 0
    world.add("bot", Kind.AGENT, action_types=("files.*",), lifetime=60)
    world.clock.advance(60)
    assert world.run(timers.start_approved(world.core)) == 0
    world.add("bot", Kind.AGENT, action_types=("files.*",))
    assert world.run(timers.start_approved(world.core)) == 1


def test_a_round_does_everything_and_again_nothing(either: World) -> None:
    expired, run = either.write(), either.write("x\n", run="when_approved")
    either.clock.advance(600)
    either.approve(run)
    either.clock.advance(400)
    assert either.run(timers.round_of_work(either.core)) >= 3
    assert (either.record(expired).state, either.record(run).state) == (State.EXPIRED, State.SUCCEEDED)
    newest = either.run(either.store.checkpoint(either.org))
    assert newest is not None
    assert newest.size == either.run(either.store.head(either.org)).size
    assert either.run(timers.round_of_work(either.core)) == 0


def test_one_part_that_fails_does_not_stop_the_others(world: World) -> None:
    with refused(Code.MISSING_CREDENTIAL):  # a count to be written
        world.run(authenticate(world.core, key=None, agent=None, source="x"))
    with refused(Code.MISSING_CREDENTIAL):
        world.run(authenticate(world.core, key=None, agent=None, source="x"))
    world.clock.advance(61)

    def fail() -> None:
        raise ConnectorFailed(Code.INTERNAL_ERROR, "It did not work.")

    def crash() -> None:
        raise ZeroDivisionError

    world.ids.then("id", fail)
    world.run(timers.round_of_work(world.core))
    assert world.log.entries == [("worker_failed", {"code": "internal_error", "part": "flush_refusals"})]
    assert world.run(world.store.checkpoint(world.org)) is not None
    world.write()
    world.ids.then("id", crash)
    world.run(timers.round_of_work(world.core))
    assert world.log.entries[1:] == [("worker_crashed", {"cause": "ZeroDivisionError", "part": "flush_refusals"})]
    head = world.run(world.store.head(world.org))
    newest = world.run(world.store.checkpoint(world.org))
    assert newest is not None
    assert newest.size == head.size


def test_one_action_that_cannot_be_closed_keeps_no_other_open(world: World) -> None:
    first, second = world.write(), world.write("x")
    world.clock.advance(901)

    def fail() -> None:
        raise ConnectorFailed(Code.INTERNAL_ERROR, "It did not work.")

    world.ids.then("id", fail)
    assert world.run(timers.sweep(world.core)) == 1
    ((kind, fields),) = world.log.entries
    assert (kind, fields["code"]) == ("sweep_failed", "internal_error")
    assert sorted(world.record(one).state for one in (first, second)) == [State.EXPIRED, State.PENDING_APPROVAL]
    assert world.run(timers.sweep(world.core)) == 1


def test_a_checkpoint_needs_the_lease(filed: World) -> None:
    twin = filed.twin()
    first = filed.run(checkpoint(filed.core, filed.org))
    filed.write()
    assert twin.run(checkpoint(twin.core, twin.org)) == first
    filed.clock.advance(16)
    second = twin.run(checkpoint(twin.core, twin.org))
    assert first is not None
    assert second is not None
    assert (second.size, second.at) == (first.size + 1, filed.clock.at)
    assert second.at - first.at == 16 * SECOND
    twin.close()

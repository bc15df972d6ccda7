"""Reading, cancelling and closing actions."""

import pytest

from aaf.domain.canonical import Json
from aaf.domain.errors import Code, ConnectorFailed, InputRefused, NotFound, NotPermitted, StateConflict, Unavailable
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.services.actions import cancel, listed, resolve, see
from aaf.services.paging import Page
from aaf.services.sealing import unseal
from tests.services.world import World, refused


def unknown(world: World) -> ActionRecord:
    """An action whose end nobody knows."""

    def hang() -> None:
        raise ConnectorFailed(Code.CONNECTOR_TIMEOUT, "It took too long.")

    record = world.submit("files.read", {"path": "a.txt"}).record
    world.hands.then("run", hang)
    return world.execute(record).record


# --- reading ----------------------------------------------------------------------------------------------------------


def test_an_agent_sees_its_own_result_and_people_see_the_action_without_it(either: World) -> None:
    record = either.submit("files.read", {"path": "a.txt"}, run=True).record
    mine = either.run(see(either.core, either.bot, record.id))
    assert isinstance(mine.result, dict)
    assert (mine.result["content"], mine.rejection, mine.faults) == ("old\n", None, ())
    for name in ("ann", "admin"):
        seen = either.run(see(either.core, either.caller(name), record.id))
        assert (seen.record.id, seen.result) == (record.id, None)


@pytest.mark.parametrize("call", [see, cancel])
def test_another_agent_s_action_looks_like_none(world: World, call: object) -> None:
    world.add("bot2", Kind.AGENT)
    record = world.write()
    messages = set()
    for action in (record.id, "0195b3c4-0000-7000-8000-00000000dead"):
        with refused(Code.NOT_FOUND, NotFound) as caught:
            world.run(call(world.core, world.caller("bot2"), action))  # type: ignore[operator]
        messages.add((caught[0].message, caught[0].hint))
    assert len(messages) == 1


def test_people_are_told_that_there_is_no_such_action(world: World) -> None:
    with refused(Code.NOT_FOUND, NotFound):
        world.run(see(world.core, world.admin, "0195b3c4-0000-7000-8000-00000000dead"))


def test_a_key_without_roles_reads_nothing(world: World) -> None:
    world.add("nobody", Kind.SERVICE)
    world.give_roles("nobody")
    for call in (see(world.core, world.caller("nobody"), "x"), listed(world.core, world.caller("nobody"))):
        with refused(Code.PERMISSION_DENIED, NotPermitted):
            world.run(call)


def test_reading_closes_what_is_over(either: World) -> None:
    record = either.write()
    either.clock.advance(901)
    assert either.run(see(either.core, either.bot, record.id)).record.state is State.EXPIRED


def test_a_lapsed_and_an_expired_action_say_which(world: World) -> None:
    held, allowed = world.write(), world.submit("files.read", {"path": "a.txt"}).record
    approved = world.write("x")
    world.approve(approved)
    world.clock.advance(901)
    states = [world.run(see(world.core, world.bot, one.id)).record for one in (held, allowed, approved)]
    assert [(one.state, one.code) for one in states] == [
        (State.EXPIRED, Code.NOT_ANSWERED_IN_TIME),
        (State.LAPSED, Code.UNUSED_IN_TIME),
        (State.LAPSED, Code.UNUSED_IN_TIME),
    ]


@pytest.mark.requirement("R40")
def test_an_agent_lists_its_own_and_people_list_all(either: World) -> None:
    either.add("bot2", Kind.AGENT)
    mine, other = either.write(), either.write("x", by="bot2")
    assert either.run(listed(either.core, either.bot)) == Page([mine], None)
    assert either.run(listed(either.core, either.admin)) == Page([other, mine], None)
    assert either.run(listed(either.core, either.admin, limit=1)) == Page([other], other.id)
    assert either.run(listed(either.core, either.admin, before=other.id)) == Page([mine], None)
    assert either.run(listed(either.core, either.admin, state=State.DENIED)) == Page([], None)


# --- cancelling -------------------------------------------------------------------------------------------------------


def test_a_waiting_an_allowed_and_an_approved_action_can_be_taken_back(either: World) -> None:
    approved = either.write("x")
    either.approve(approved)
    for record in (either.write(), either.payment(), approved):
        moved = either.cancel(record)
        assert (moved.state, moved.code, moved.deadline) == (State.CANCELLED, Code.CANCELLED_BY_REQUESTER, None)
        assert either.types(record)[-1] == "action.cancelled"


def test_what_ran_or_is_over_cannot_be_taken_back(world: World) -> None:
    record = world.submit("files.read", {"path": "a.txt"}, run=True).record
    with refused(Code.ACTION_CLOSED, StateConflict):
        world.cancel(record)
    assert world.types(record)[-1] == "execution.refused"


def test_taking_back_what_moves_at_the_same_moment_looks_again(world: World) -> None:
    record = world.write()
    world.ids.then("id", lambda: world.approve(record))
    assert world.cancel(record).state is State.CANCELLED
    other = world.write("x")
    world.ids.then("id", lambda: world.reject(other))
    with refused(Code.ACTION_CLOSED, StateConflict):
        world.cancel(other)


def test_taking_back_gives_up_after_three_changes(filed: World) -> None:
    record = filed.write()
    bot = filed.bot

    def bump() -> None:
        with filed.sql() as database:
            database.execute("UPDATE action SET version = version + 1 WHERE id = ?", (record.id,))

    filed.ids.always("id", bump)
    with refused(Code.STORE_CONFLICT, Unavailable):
        filed.run(cancel(filed.core, bot, record.id))


def test_people_cannot_take_back_what_an_agent_asked_for(world: World) -> None:
    record = world.write()
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        world.run(cancel(world.core, world.caller("ann"), record.id))


# --- closing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("succeeded", "state"), [(True, State.SUCCEEDED), (False, State.FAILED)])
def test_a_person_closes_what_nobody_knows_the_end_of_with_a_reason(
    either: World, succeeded: bool, state: State
) -> None:
    record = unknown(either)
    closed = either.run(resolve(either.core, either.admin, record.id, succeeded=succeeded, reason="I looked"))
    assert (closed.state, (closed.outcome or {})["source"]) == (state, "person")
    body = either.bodies(f"action.{state}")[-1]
    assert (body["actor"], body["data"]["source"]) == (either.admin.principal.actor, "person")
    assert list(body["commit"]) == ["reason"]
    kept: Json = either.run(unseal(either.core, either.org, record.id, "resolution"))
    assert isinstance(kept, dict)
    assert kept["reason"] == "I looked"
    assert either.run(see(either.core, either.bot, record.id)).result is None


def test_a_run_whose_lease_is_over_can_be_closed_without_a_sweeper(world: World) -> None:
    record = world.submit("files.read", {"path": "a.txt"}).record

    def die() -> None:
        world.clock.advance(61)
        closed = world.run(resolve(world.core, world.admin, record.id, succeeded=False, reason="r"))
        assert closed.state is State.FAILED

    world.hands.then("run", die)
    with refused(Code.OUTCOME_CONFLICT):
        world.execute(record)


@pytest.mark.parametrize("reason", ["", " ", "x" * 1_001])
def test_closing_takes_a_reason(world: World, reason: str) -> None:
    record = unknown(world)
    with refused(Code.REASON_REQUIRED, InputRefused):
        world.run(resolve(world.core, world.admin, record.id, succeeded=True, reason=reason))


def test_an_end_that_is_known_is_not_closed_again(world: World) -> None:
    record = world.write()
    with refused(Code.OUTCOME_CONFLICT, StateConflict):
        world.run(resolve(world.core, world.admin, record.id, succeeded=True, reason="r"))


@pytest.mark.parametrize("name", ["ann", "bot"])
def test_closing_takes_the_right_to_it(world: World, name: str) -> None:
    record = unknown(world)
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        world.run(resolve(world.core, world.caller(name), record.id, succeeded=True, reason="r"))


def test_of_two_who_close_at_the_same_moment_one_is_told(either: World) -> None:
    record = unknown(either)
    admin = either.admin
    either.ids.then("salt", lambda: either.run(resolve(either.core, admin, record.id, succeeded=False, reason="r")))
    with refused(Code.OUTCOME_CONFLICT, StateConflict):
        either.run(resolve(either.core, admin, record.id, succeeded=True, reason="r"))
    assert either.record(record).state is State.FAILED

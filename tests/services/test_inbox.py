import pytest

from aaf.domain.errors import Code, NotFound, NotPermitted
from aaf.services import inbox as module
from aaf.services.inbox import Pulse, Pulses, inbox, pulse, pulse_of
from tests.services.world import World, refused


def test_what_waits_is_listed_soonest_deadline_first_with_its_view(world: World) -> None:
    first = world.write("one\n")
    world.clock.advance(5)
    second = world.write("two\n")
    found = world.run(inbox(world.core, world.caller("ann")))
    assert [one.record.id for one in found.waiting] == [first.id, second.id]
    assert [one.may_review for one in found.waiting] == [None, None]
    assert all(one.view is not None and one.view["headline"] for one in found.waiting)
    assert (found.total, found.more) == (2, False)


def test_there_are_pages_and_an_end_to_what_is_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 4)
    monkeypatch.setattr(module, "_PAGE", 2)
    held = [world.write(f"{number}\n").id for number in range(3)]
    found = world.run(inbox(world.core, world.caller("ann"), start=1, size=1))
    assert ([one.record.id for one in found.waiting], found.total, found.more) == ([held[1]], 3, False)
    world.write("3\n")
    assert world.run(inbox(world.core, world.caller("ann"))).more


def test_only_who_may_see_approvals_sees_them(world: World) -> None:
    record = world.write("one\n")
    agent = world.bot
    for work in (inbox(world.core, agent), pulse(world.core, agent), pulse_of(world.core, agent, record.id)):
        with refused(Code.PERMISSION_DENIED, NotPermitted):
            world.run(work)


def test_who_has_answered_is_told_so(world: World) -> None:
    record = world.payment("200.00")
    assert [one.answered for one in world.run(inbox(world.core, world.caller("ann"))).waiting] == [False]
    before = world.run(pulse_of(world.core, world.caller("ann"), record.id))
    world.approve(record, reason="Seen")
    assert [one.answered for one in world.run(inbox(world.core, world.caller("ann"))).waiting] == [True]
    assert [one.answered for one in world.run(inbox(world.core, world.caller("ben"))).waiting] == [False]
    assert world.run(pulse_of(world.core, world.caller("ann"), record.id)) != before


def test_the_mark_changes_with_the_list_and_not_otherwise(world: World) -> None:
    caller = world.caller("ann")
    empty = world.run(pulse(world.core, caller))
    record = world.write("one\n")
    one = world.run(pulse(world.core, caller))
    world.clock.advance(1)
    assert world.run(pulse(world.core, caller)) == one == Pulse((record.id,), world.run(inbox(world.core, caller)).mark)
    assert one.mark != empty.mark
    before = world.run(pulse_of(world.core, caller, record.id))
    world.approve(record)
    assert world.run(pulse(world.core, caller)) == empty
    assert world.run(pulse_of(world.core, caller, record.id)) != before


def test_there_is_no_mark_of_what_was_never_held(world: World) -> None:
    with refused(Code.NOT_FOUND, NotFound):
        world.run(pulse_of(world.core, world.caller("ann"), "nothing"))


def test_who_asks_for_news_again_reads_nothing_while_the_ledger_stands_still(world: World) -> None:
    record, caller, pulses = world.write("one\n"), world.caller("ann"), Pulses()
    first = world.run(pulses.newest(world.core, caller))
    world.clock.advance(60)
    assert world.run(pulses.newest(world.core, world.caller("ben"))) is first
    assert first == world.run(pulse(world.core, caller))
    world.approve(record)
    world.clock.advance(1)
    assert world.run(pulses.newest(world.core, caller)).total == 0


def test_a_growing_ledger_is_looked_at_once_a_second(world: World) -> None:
    caller, pulses = world.caller("ann"), Pulses()
    first = world.run(pulses.newest(world.core, caller))
    world.write("one\n")
    world.clock.advance(0.9)
    assert world.run(pulses.newest(world.core, caller)) is first
    world.clock.advance(0.1)
    assert world.run(pulses.newest(world.core, caller)).total == 1


def test_a_deadline_that_passes_is_news_at_once(world: World) -> None:
    record, caller, pulses = world.write("one\n"), world.caller("ann"), Pulses()
    assert record.deadline is not None
    assert world.run(pulses.newest(world.core, caller)).total == 1
    world.clock.advance((record.deadline - record.created_at + 1) / 1_000_000)
    assert world.run(pulses.newest(world.core, caller)).total == 0


def test_what_was_read_for_one_person_is_not_told_to_a_program(world: World) -> None:
    pulses = Pulses()
    world.run(pulses.newest(world.core, world.caller("ann")))
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        world.run(pulses.newest(world.core, world.bot))


def test_each_request_has_its_neighbours() -> None:
    waits = Pulse(("a", "b", "c"), "")
    assert [waits.beside(one) for one in "abcd"] == [(None, "b"), ("a", "c"), ("b", None), (None, "a")]
    assert Pulse((), "").beside("a") == (None, None)

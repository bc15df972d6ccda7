"""What a clock that jumped forward does to actions that wait: nothing, until it is confirmed; their use is refused at once."""

from aaf.domain.errors import Code
from aaf.domain.states import State
from aaf.services import timers
from tests.services.world import World, refused


def test_a_jump_of_the_clock_ends_nothing_until_it_is_confirmed(either: World) -> None:
    held, approved = either.write(), either.write("x")
    either.approve(approved)
    either.clock.jump(3600)
    either.run(timers.sweep(either.core))
    assert [either.record(one).state for one in (held, approved)] == [State.PENDING_APPROVAL, State.APPROVED]
    with refused(Code.DEADLINE_PASSED):
        either.execute(approved)
    either.clock.advance(600)
    either.run(timers.sweep(either.core))
    assert [either.record(one).state for one in (held, approved)] == [State.EXPIRED, State.LAPSED]

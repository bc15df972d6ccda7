"""G18: nobody answers, the answer is late, or the sweeper is dead."""

from contextlib import suppress

import pytest

from aaf.domain.errors import AafError
from aaf.domain.states import State
from aaf.services.permits import consume, issue
from tests.services.world import World

GUARDS = ("aaf.services.moving:end_in_time", "aaf.services.moving:in_time")
STAND_INS = ("tests.attacks.without:returns_false", "tests.attacks.without:returns_empty_tuple")


@pytest.mark.attack("G18", guard=GUARDS, without=STAND_INS)
def test_a_late_answer_counts_for_nothing_though_nobody_swept(either: World) -> None:
    record = either.write()
    either.clock.advance(901)
    with suppress(AafError):
        either.approve(record)
    assert either.record(record).state is State.EXPIRED


@pytest.mark.attack("G18", guard=GUARDS, without=STAND_INS)
def test_a_late_use_runs_nothing_though_nobody_swept(either: World) -> None:
    record = either.write()
    either.approve(record)
    either.clock.advance(901)
    with suppress(AafError):
        either.execute(record)
    assert (either.record(record).state, either.hands.runs) == (State.LAPSED, 0)


@pytest.mark.attack("G18", guard=GUARDS, without=STAND_INS)
def test_time_that_runs_out_while_a_run_is_prepared_stops_it(either: World) -> None:
    record = either.write()
    either.approve(record)
    either.hands.then("dry_run", lambda: either.clock.advance(901))
    with suppress(AafError):
        either.execute(record)
    assert (either.record(record).state, either.hands.runs) == (State.LAPSED, 0)


@pytest.mark.attack("G18", guard=("aaf.services.permits:_check", "aaf.adapters.expectations:permit_refusal"))
def test_a_late_permit_runs_nothing(either: World) -> None:
    record = either.payment()
    permit = either.run(issue(either.core, either.bot, record.id, digest=record.digest, audience="shop")).permit
    either.clock.advance(61)
    with suppress(AafError):
        either.run(consume(either.core, either.bot, permit.jti, digest=record.digest))
    assert either.record(record).state is State.ALLOWED

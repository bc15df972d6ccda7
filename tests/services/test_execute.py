"""Running: once, with the bytes that were decided on, and recorded however it ends."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from aaf.adapters.memory import MemoryStore
from aaf.domain.canonical import Json
from aaf.domain.errors import AafError, Code, ConnectorFailed, NotFound, StateConflict, StoreFailed, Unavailable
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.domain.states import Cause, State
from aaf.services import actions, timers
from aaf.services.execute import GRACE, Ran, execute, finish
from tests.services.world import FILES, SECOND, Fixed, World, edited, refused

OTHER = "0" * 64


def approved(world: World, content: str = "new\n") -> ActionRecord:
    record = world.write(content)
    world.approve(record)
    return record


def failing(code: Code) -> Callable[[], None]:
    def fail() -> None:
        raise ConnectorFailed(code, "It did not work.", detail="disk sda1 said EIO")

    return fail


def crash() -> None:
    raise ZeroDivisionError("SEKRIT")


# --- how a run ends ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R36", "R40")
def test_an_approved_action_runs_and_its_end_is_recorded(either: World) -> None:
    record = approved(either)
    ran = either.execute(record)
    assert (ran.record.state, ran.record.outcome) == (State.SUCCEEDED, {"code": "ok", "source": "connector"})
    assert isinstance(ran.result, dict)
    assert ran.result["bytes"] == 4
    assert either.content() == "new\n"
    assert either.types(record) == [
        "action.pending_approval", "action.approved", "action.executing", "action.succeeded",
    ]  # fmt: skip
    (began,), (ended,) = either.bodies("action.executing"), either.bodies("action.succeeded")
    assert began["data"]["lease"] == ended["data"]["lease"] == ran.record.lease
    assert (began["actor"], ended["actor"]) == (either.bot.principal.actor, "system")
    assert (ended["final"], list(ended["commit"]), ended["data"]["source"]) == (True, ["result"], "connector")
    assert either.run(actions.see(either.core, either.bot, record.id)).result == ran.result


def test_a_failure_is_recorded_with_its_code_and_its_cause_goes_to_the_log(either: World) -> None:
    record = approved(either)
    either.hands.then("run", failing(Code.CONNECTOR_FAILED))
    ran = either.execute(record)
    assert (ran.record.state, ran.record.code, ran.result) == (State.FAILED, Code.CONNECTOR_FAILED, None)
    assert "sda1" not in str(ran)
    assert "sda1" not in str(either.bodies("action.failed"))
    assert either.log.entries == [
        ("run_failed", {"action": record.id, "cause": "disk sda1 said EIO", "code": "connector_failed"})
    ]


@pytest.mark.parametrize(
    ("moment", "ends", "code"),
    [
        ("run", failing(Code.CONNECTOR_TIMEOUT), Code.CONNECTOR_TIMEOUT),
        ("run", crash, Code.CONNECTOR_FAILED),
        ("ran", crash, Code.CONNECTOR_FAILED),
    ],
    ids=["timeout", "crash before", "crash after"],
)
def test_an_end_that_nobody_knows_is_unknown_and_is_never_tried_again(
    either: World, moment: str, ends: Callable[[], None], code: Code
) -> None:
    record = approved(either)
    either.hands.then(moment, ends)
    ran = either.execute(record)
    assert (ran.record.state, ran.record.code, ran.result) == (State.UNKNOWN, code, None)
    assert "SEKRIT" not in str(either.log.entries)
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        either.execute(record)
    either.clock.advance(3600)
    either.run(timers.round_of_work(either.core))
    assert (either.record(record).state, either.hands.runs) == (State.UNKNOWN, 1)


@pytest.mark.parametrize("answer", [float("nan"), {"x": object()}, 2**60])
def test_a_result_that_is_no_json_is_an_end_that_nobody_knows(world: World, answer: object) -> None:
    record = approved(world)
    world.hands.answer = lambda _: answer
    assert world.execute(record).record.state is State.UNKNOWN


@pytest.mark.requirement("R02")
@pytest.mark.parametrize("answer", [None, {}, {"bytes": -1, "created": True, "sha256": "0" * 64}, {"leak": "SEKRIT"}])
def test_a_result_that_its_schema_does_not_have_is_withheld(either: World, answer: Json) -> None:
    record = approved(either)
    either.hands.answer = lambda _: answer
    ran = either.execute(record)
    assert (ran.record.state, ran.record.code, ran.result) == (State.FAILED, Code.RESULT_WITHHELD, None)
    assert either.run(either.store.sealed(either.org, record.id, "result")) is None
    assert either.run(actions.see(either.core, either.bot, record.id)).result is None
    (body,) = either.bodies("action.failed")
    assert (body["data"]["code"], "commit" in body) == ("result_withheld", False)
    assert ("result_withheld", {"action": record.id}) in either.log.entries


@pytest.mark.requirement("R02")
def test_a_type_without_an_output_schema_takes_any_result(world: World) -> None:
    text = FILES["actions/files.write.yaml"].decode()
    before, _, after = text.partition("output:")
    world.configure({**FILES, "actions/files.write.yaml": (before + after[after.index("targets:") :]).encode()})
    record = approved(world)
    world.hands.answer = lambda _: {"anything": [1]}
    assert world.execute(record).result == {"anything": [1]}


def test_a_connector_that_is_gone_when_it_should_run_is_a_failure(world: World) -> None:
    record = world.submit("files.read", {"path": "a.txt"}).record
    connectors = world.core.connectors
    assert isinstance(connectors, Fixed)
    world.ids.then("id", connectors.clear)
    ran = world.execute(record)
    assert (ran.record.state, ran.record.code) == (State.FAILED, Code.CONNECTOR_UNAVAILABLE)


# --- who may run what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("digest", [OTHER, "", "é"])
def test_another_digest_is_refused_and_recorded(world: World, digest: str) -> None:
    record = approved(world)
    with refused(Code.DIGEST_MISMATCH, StateConflict):
        world.run(execute(world.core, world.bot, record.id, digest=digest))
    (body,) = world.bodies("execution.refused")
    assert (body["about"], body["data"]) == (record.id, {"code": "digest_mismatch", "state": "approved"})
    assert world.hands.runs == 0


def test_another_s_action_looks_like_none(world: World) -> None:
    world.add("bot2", Kind.AGENT)
    record = approved(world)
    for by in ("bot2", "admin"):
        with world.unrecorded(), refused(Code.NOT_FOUND, NotFound):
            world.execute(record, by=by)


def test_what_waits_or_is_over_does_not_run(world: World) -> None:
    record = world.write()
    with refused(Code.NOT_APPROVED, StateConflict):
        world.execute(record)
    world.reject(record)
    with refused(Code.ACTION_CLOSED, StateConflict):
        world.execute(record)
    assert [body["data"]["code"] for body in world.bodies("execution.refused")] == ["not_approved", "action_closed"]
    assert world.hands.runs == 0


def test_what_the_caller_s_own_tool_runs_is_not_run_here(world: World) -> None:
    with refused(Code.WRONG_EFFECT, StateConflict):
        world.execute(world.payment())


def test_what_is_used_too_late_has_lapsed(either: World) -> None:
    record = approved(either)
    either.clock.advance(900.000001)
    with refused(Code.DEADLINE_PASSED, StateConflict):
        either.execute(record)
    assert either.types(record)[-1] == "action.lapsed"
    with refused(Code.ACTION_CLOSED, StateConflict):
        either.execute(record)
    assert either.hands.runs == 0


def test_what_is_used_at_the_last_moment_runs(world: World) -> None:
    record = approved(world)
    world.clock.advance(900)
    assert world.execute(record).record.state is State.SUCCEEDED


def test_time_that_ran_out_while_it_was_judged_again_is_found_in_the_store(either: World) -> None:
    record = approved(either)
    either.hands.then("dry_run", lambda: either.clock.advance(901))
    with refused(Code.DEADLINE_PASSED, StateConflict):
        either.execute(record)
    assert (either.record(record).state, either.hands.runs) == (State.LAPSED, 0)


# --- once -------------------------------------------------------------------------------------------------------------


def test_a_second_execution_is_refused_and_recorded(either: World) -> None:
    record = approved(either)
    either.execute(record)
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        either.execute(record)
    assert either.hands.runs == 1
    assert either.types(record)[-2:] == ["action.succeeded", "execution.refused"]


def test_of_two_at_the_same_moment_one_runs(either: World) -> None:
    record = approved(either)
    either.hands.then("dry_run", lambda: either.execute(record))
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        either.execute(record)
    assert (either.hands.runs, either.content()) == (1, "new\n")
    assert either.types(record)[-1] == "execution.refused"


def race(world: World, record: ActionRecord, racers: list[World]) -> list[Ran | AafError]:
    """Start every racer at once, each on its own thread and its own connection to the file."""
    start = threading.Barrier(len(racers))
    ends: list[Ran | AafError] = []

    def one(racer: World) -> None:
        bot = racer.bot
        start.wait()
        try:
            ends.append(racer.run(execute(racer.core, bot, record.id, digest=record.digest)))
        except AafError as error:
            ends.append(error)

    threads = [threading.Thread(target=one, args=(racer,)) for racer in racers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_of_many_threads_and_two_processes_exactly_one_runs(filed: World) -> None:
    twin = filed.twin()
    for number in range(5):
        record = approved(filed, f"{number}\n")
        ends = race(filed, record, [filed, twin, filed, twin])
        losers = [end for end in ends if isinstance(end, AafError)]
        assert len(losers) == 3
        assert {end.code for end in losers} <= {Code.ALREADY_CONSUMED, Code.STORE_CONFLICT}
        assert filed.hands.runs == number + 1
        assert filed.types(record).count("action.executing") == 1
        refused_too = [body for body in filed.bodies("execution.refused") if body["about"] == record.id]
        counts = filed.run(filed.store.aggregates(filed.clock.at + 60 * SECOND))
        counted = sum(one.count for one in counts if one.source.endswith(record.id))
        assert len(refused_too) + counted == sum(end.code is Code.ALREADY_CONSUMED for end in losers)
    twin.close()


def test_three_changes_are_too_many_and_nothing_ran(world: World) -> None:
    record = approved(world)
    world.hands.always("dry_run", world.raise_epoch)
    with refused(Code.STORE_CONFLICT, Unavailable):
        world.execute(record)
    assert (world.record(record).state, world.hands.runs) == (State.APPROVED, 0)


def test_an_agent_that_is_revoked_while_it_is_judged_again_runs_nothing(world: World) -> None:
    record = approved(world)
    world.hands.then("dry_run", lambda: world.revoke("bot"))
    with refused(Code.REVOKED_CREDENTIAL):
        world.execute(record)
    assert world.hands.runs == 0


# --- a store that fails -----------------------------------------------------------------------------------------------


def test_a_store_that_is_full_runs_nothing_new_and_records_what_runs(either: World) -> None:
    first, second = approved(either, "1\n"), approved(either, "1\n")
    either.hands.then("run", lambda: setattr(either.disk, "free", 0))
    assert either.execute(first).record.state is State.SUCCEEDED
    (either.workspace / "a.txt").write_text("old\n")
    with refused(Code.STORE_FULL, StoreFailed):
        either.execute(second)
    assert either.hands.runs == 1


def test_a_store_that_fails_after_the_run_leaves_an_end_that_nobody_knows(filed: World) -> None:
    record = approved(filed)
    filed.hands.then("ran", filed.close)
    with pytest.raises(StoreFailed):
        filed.execute(record)
    assert filed.content() == "new\n"
    filed.core = filed.twin().core
    filed.store = filed.core.store
    assert filed.record(record).state is State.EXECUTING
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        filed.execute(record)
    filed.clock.advance(30 + GRACE / SECOND)
    assert filed.run(timers.sweep(filed.core)) == 0
    filed.clock.advance(0.000001)
    assert filed.run(timers.sweep(filed.core)) == 1
    unknown = filed.record(record)
    assert (unknown.state, unknown.code) == (State.UNKNOWN, Code.CONNECTOR_TIMEOUT)
    assert filed.hands.runs == 1


# --- the report of the end --------------------------------------------------------------------------------------------


def test_a_run_that_ends_after_the_sweep_still_closes_what_it_began(either: World) -> None:
    record = approved(either)

    def slow() -> None:
        either.clock.advance(61)
        either.run(timers.sweep(either.core))

    either.hands.then("ran", slow)
    ran = either.execute(record)
    assert (ran.record.state, ran.record.version) == (State.SUCCEEDED, 5)
    assert either.types(record)[-3:] == ["action.executing", "action.unknown", "action.succeeded"]


def test_a_run_that_is_lost_after_the_sweep_stays_unknown(world: World) -> None:
    record = approved(world)

    def lost() -> None:
        world.clock.advance(61)
        world.run(timers.sweep(world.core))
        failing(Code.CONNECTOR_TIMEOUT)()

    world.hands.then("ran", lost)
    assert world.execute(record).record.state is State.UNKNOWN
    assert world.types(record).count("action.unknown") == 1


def test_an_end_that_a_person_recorded_is_not_overwritten_by_a_late_one(world: World) -> None:
    record = approved(world)

    def slow() -> None:
        world.clock.advance(61)
        world.run(actions.resolve(world.core, world.admin, record.id, succeeded=False, reason="it hung"))

    world.hands.then("ran", slow)
    with refused(Code.OUTCOME_CONFLICT, StateConflict):
        world.execute(record)
    assert world.record(record).state is State.FAILED


def test_an_end_that_meets_a_change_each_time_is_given_up(world: World) -> None:
    """Nothing in the product moves an unknown action so often; the count ends it all the same."""
    record = approved(world)
    world.hands.then("ran", failing(Code.CONNECTOR_TIMEOUT))
    unknown = world.execute(record).record
    assert isinstance(world.store, MemoryStore)
    there, place = world.store._tables.actions, (world.org, record.id)

    def bump() -> None:
        there[place] = replace(there[place], version=there[place].version + 1)

    world.ids.always("salt", bump)
    result: Json = {"bytes": 4, "created": False, "sha256": "0" * 64}
    with refused(Code.STORE_CONFLICT, Unavailable):
        world.run(finish(world.core, world.bot, unknown, Cause.RAN, code=Code.OK, source="connector", result=result))


def test_the_time_that_a_run_has_is_the_configuration_s_and_a_grace(world: World) -> None:
    world.configure(edited("aaf.yaml", ("run_timeout: 30s", "run_timeout: 5m")))
    record = world.submit("files.read", {"path": "a.txt"}).record
    seen: list[int | None] = []
    world.hands.then("run", lambda: seen.append(world.record(record).deadline))
    world.execute(record)
    assert seen == [world.clock.at + 300 * SECOND + GRACE]

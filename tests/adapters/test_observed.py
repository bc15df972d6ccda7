"""What is recorded is told once, whoever asked for it, and telling changes nothing."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.memory import MemoryStore
from aaf.adapters.meter import Counting
from aaf.adapters.observed import Observed
from aaf.domain.canonical import Json
from aaf.domain.errors import AafError, Code, StoreFailed
from aaf.domain.metering import Metric
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.ports import (
    Answer,
    Commit,
    Conflict,
    ConflictKind,
    Duplicate,
    InsertAction,
    Reader,
    StaleEpoch,
    Store,
)
from aaf.services.permits import consume, issue, report
from aaf.services.timers import sweep
from tests.services.world import Notes, World, make, refused


@dataclass
class Watched:
    """A world whose core works on an observed store."""

    world: World
    log: Notes
    meter: Counting

    def lines(self, kind: str) -> list[dict[str, Any]]:
        return [fields for its, fields in self.log.entries if its == kind]

    def counted(self, metric: Metric) -> Mapping[tuple[str, ...], float]:
        return self.meter.read().values[metric]


@pytest.fixture(params=["memory", "sqlite"])
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Watched]:
    world = make(tmp_path, memory=request.param == "memory")
    log, meter = world.log, Counting()
    world.core = replace(world.core, store=Observed(world.store, log, meter), meter=meter)
    log.entries.clear()
    yield Watched(world, log, meter)
    world.close()


def test_a_decision_is_one_line_with_who_what_why_and_how_long(watched: Watched) -> None:
    record = watched.world.payment("200.00")
    (line,) = watched.lines("decision")
    assert line.pop("duration_us") >= 0
    assert line == {
        "action": record.id,
        "agent": record.agent,
        "class": "payment",
        "code": str(record.code),
        "names": ["rule:large-payments"],
        "org": record.org,
        "release": 1,
        "risk": "high",
        "state": "pending_approval",
        "type": "pay.send",
        "verdict": "require_approval",
    }
    assert watched.counted(Metric.DECISIONS) == {("require_approval", "payment", "pay.send", str(record.code)): 1}
    assert sum(watched.meter.read().times[Metric.DECISION_SECONDS].counts) == 1


@pytest.mark.attack("G32", part="no value of an action is in a line of the log")
def test_no_value_of_an_action_is_told(watched: Watched) -> None:
    world = watched.world
    world.submit("pay.send", {"to": "Mallory-3141", "amount": "7.77", "pin": "0815-4711"}, context={"why": "birthday"})
    world.approve(world.write("secret content 2718", "hidden-name.txt"), reason="my own words 1618")
    world.reject(world.write("other content", "a.txt"), reason="because 1414")
    told = json.dumps(watched.log.entries)
    for value in ("Mallory", "7.77", "0815", "birthday", "2718", "hidden-name", "1618", "1414", "other content"):
        assert value not in told


def test_an_action_type_that_nobody_declared_is_counted_as_other(watched: Watched) -> None:
    watched.world.submit("invented.by_caller", {})
    watched.world.payment()
    assert {labels[2] for labels in watched.counted(Metric.DECISIONS)} == {"other", "pay.send"}


def test_the_way_of_a_held_action_is_told_step_by_step(watched: Watched) -> None:
    world = watched.world
    record = world.write()
    world.approve(record)
    world.execute(world.record(record))
    assert [kind for kind, _ in watched.log.entries] == [
        "decision",
        "review",
        "action_moved",
        "run_started",
        "run_ended",
    ]
    assert watched.lines("review")[0]["verdict"] == "approve"
    assert [watched.lines(kind)[0]["state"] for kind in ("action_moved", "run_started", "run_ended")] == [
        "approved",
        "executing",
        "succeeded",
    ]
    assert watched.counted(Metric.TRANSITIONS) == {(state,): 1 for state in ("approved", "executing", "succeeded")}
    assert watched.counted(Metric.EXECUTIONS) == {("succeeded", "connector"): 1}
    assert watched.counted(Metric.REVIEWS) == {("approve",): 1}


@pytest.mark.requirement("R44")
def test_runs_of_high_risk_are_counted_with_and_without_an_approval(watched: Watched) -> None:
    world = watched.world
    small = world.payment("20.00")
    permit = world.run(issue(world.core, world.bot, small.id, digest=small.digest, audience="shop"))
    world.run(consume(world.core, world.bot, permit.permit.jti, digest=small.digest))
    large = world.payment("200.00")
    world.approve(large, reason="fine")
    world.approve(large, by="ben", reason="fine")
    permit = world.run(issue(world.core, world.bot, large.id, digest=large.digest, audience="shop"))
    world.run(consume(world.core, world.bot, permit.permit.jti, digest=large.digest))
    world.run(
        report(world.core, world.bot, large.id, lease=permit.permit.jti, succeeded=True, result={"reference": "r"})
    )
    assert watched.counted(Metric.HIGH_RISK_RUNS) == {("no",): 1, ("yes",): 1}
    assert watched.counted(Metric.PERMITS) == {("issued",): 2, ("consumed",): 2}
    assert watched.counted(Metric.EXECUTIONS) == {("succeeded", "caller"): 1}
    assert len(watched.lines("permit_issued")) == 2


def test_a_deadline_that_nobody_met_is_told_too(watched: Watched) -> None:
    record = watched.world.write()
    watched.world.clock.advance(16 * 60 * 1_000_000)
    watched.world.run(sweep(watched.world.core))
    assert watched.lines("action_moved")[0] | {"round": 1} == watched.lines("action_moved")[0]
    assert watched.lines("action_moved")[0]["action"] == record.id
    assert watched.counted(Metric.TRANSITIONS)["expired",] == 1


def test_refusals_keys_and_permits_are_told_with_their_actor(watched: Watched) -> None:
    world = watched.world
    record = world.payment()
    world.raise_epoch()
    with refused(Code.DIGEST_MISMATCH):
        world.run(issue(world.core, world.bot, record.id, digest="0" * 64, audience="shop"))
    assert watched.counted(Metric.PERMITS) == {("refused",): 1}
    (line,) = watched.lines("permit_refused")
    assert (line["about"], line["code"], line["actor"]) == (record.id, "digest_mismatch", world.bot.principal.actor)
    assert watched.lines("key_created")[0]["kind"] == "service"


async def _inserted(watched: Watched, record: ActionRecord) -> None:
    await watched.world.core.store.commit(Commit(record.org, (InsertAction(record),), ()))


def test_a_duration_is_left_out_where_the_clock_was_asked_for_something_else(watched: Watched) -> None:
    world = watched.world
    record = replace(world.payment(), id=world.ids.new(), created_at=1)
    drive(_inserted(watched, record))
    assert watched.lines("decision")[-1]["duration_us"] is None
    assert sum(watched.meter.read().times[Metric.DECISION_SECONDS].counts) == 1


class Broken:
    """A log and a meter that raise."""

    def entry(self, kind: str, fields: Mapping[str, Json]) -> None:
        if kind != "telling_crashed":
            raise RuntimeError("no log today")
        self.said = fields


@pytest.mark.attack("G20", part="a log that can't be written neither opens nor closes the gate")
def test_a_log_that_raises_changes_nothing_about_what_is_recorded(watched: Watched) -> None:
    world, log = watched.world, Broken()
    world.core = replace(world.core, store=Observed(world.store, log, watched.meter))
    assert world.payment().state is State.ALLOWED
    assert world.submit("unknown.thing", {}).record.state is State.DENIED
    assert log.said == {"error": "RuntimeError"}


class Answering(MemoryStore):
    """A store that answers commits as told."""

    def __init__(self, answer: Callable[[], Answer]) -> None:
        super().__init__()
        self._answer = answer

    async def commit(self, commit: Commit) -> Answer:
        return self._answer()


def _raise() -> Answer:
    raise StoreFailed(Code.STORE_FULL, "full")


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (Duplicate(1), "duplicate"),
        (StaleEpoch(1), "stale_epoch"),
        *[(Conflict(kind), f"conflict_{kind.value}") for kind in ConflictKind],
    ],
)
def test_every_answer_of_the_store_but_a_yes_is_counted_by_its_name(answer: Answer, name: str) -> None:
    meter, log = Counting(), Notes()
    store = Observed(Answering(lambda: answer), log, meter)
    assert drive(store.commit(Commit("o", (), ()))) is answer
    assert meter.read().values[Metric.COMMITS_REFUSED] == {(name,): 1}
    assert log.entries == []


def test_a_store_that_fails_is_counted_by_its_code_and_the_failure_stays() -> None:
    meter, log = Counting(), Notes()
    store = Observed(Answering(_raise), log, meter)
    with pytest.raises(AafError) as caught:
        drive(store.commit(Commit("o", (), ())))
    assert caught.value.code is Code.STORE_FULL
    assert meter.read().values[Metric.COMMITS_REFUSED] == {("store_full",): 1}
    assert log.entries == []


def test_nothing_is_told_of_what_was_not_recorded(watched: Watched) -> None:
    world = watched.world
    record = world.write()
    world.approve(record)
    watched.log.entries.clear()
    with refused(Code.ALREADY_DECIDED):
        world.approve(record, by="ben")
    assert [kind for kind, _ in watched.log.entries] == ["approval_review_refused"]


def test_every_method_of_the_port_is_there() -> None:
    wanted = {name for protocol in (Reader, Store) for name in vars(protocol) if not name.startswith("_")}
    inner = MemoryStore()
    outer: Store = Observed(inner, Notes(), Counting())
    for name in wanted - {"now", "commit"}:
        assert getattr(outer, name) == getattr(inner, name)

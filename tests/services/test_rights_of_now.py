"""Rights are those of the commit: what a key could do when a call began counts for nothing once the key is over."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from aaf.adapters.memory import MemoryStore
from aaf.domain.errors import Code, NotAuthenticated, NotPermitted, StateConflict, StoreFailed, Unavailable
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.ports import Answer, Commit
from aaf.services import permits, timers
from aaf.services.access import authenticate
from aaf.services.actions import cancel, resolve
from aaf.services.execute import execute
from aaf.services.ledger import export
from aaf.services.proof import proof_pack
from aaf.services.review import open_value
from tests.services.world import FILES, World, edited, refused

NOT_LATER = edited("actions/files.write.yaml", ("run_when_approved: true\n", ""))
DENY_WRITES = edited(
    "aaf.yaml",
    ("operation: [write, delete]}\n    decision: require_approval", "operation: [write, delete]}\n    decision: deny"),
)


def approved(world: World, content: str = "new\n", **more: Any) -> ActionRecord:
    return world.approve(world.write(content, **more))


def running(world: World) -> tuple[ActionRecord, str]:
    """A payment that the agent's own tool is making, and its lease."""
    record = world.payment()
    issued = world.run(permits.issue(world.core, world.bot, record.id, digest=record.digest, audience="me"))
    world.run(permits.consume(world.core, world.bot, issued.permit.jti, digest=record.digest))
    return record, issued.permit.jti


# --- reviews ----------------------------------------------------------------------------------------------------------


def test_an_approval_ends_with_the_key_that_gave_it(either: World) -> None:
    record = approved(either)
    either.revoke("ann")
    with refused(Code.REQUIREMENT_CHANGED, StateConflict):
        either.execute(record)
    assert either.record(record).state is State.PENDING_APPROVAL
    assert either.hands.runs == 0


def test_an_approval_under_a_revoked_key_is_not_saved_by_another_key_of_the_same_person(world: World) -> None:
    record, old = approved(world), world.keys["ann"]
    world.add("ann")
    world.keys["ann"] = old
    world.revoke("ann")
    with refused(Code.REQUIREMENT_CHANGED, StateConflict):
        world.execute(record)


def test_an_approval_by_somebody_whose_last_key_expired_does_not_count(world: World) -> None:
    world.add("tmp", Kind.USER, "approver", lifetime=10)
    record = world.approve(world.write(), by="tmp")
    world.clock.advance(11)
    with refused(Code.REQUIREMENT_CHANGED, StateConflict):
        world.execute(record)


def test_a_review_under_a_revoked_key_fills_no_quorum(either: World) -> None:
    either.add("cem", Kind.USER, "approver")
    record = either.payment("250.00")
    either.approve(record, reason="r")
    either.revoke("ann")
    assert either.approve(record, by="ben", reason="r").state is State.PENDING_APPROVAL
    assert either.approve(record, by="cem", reason="r").state is State.APPROVED


# --- every commit is made under the rights of its moment --------------------------------------------------------------


def _cancels(world: World) -> Coroutine[Any, Any, object]:
    return cancel(world.core, world.bot, world.write().id)


def _resolves(world: World) -> Coroutine[Any, Any, object]:
    record, _ = running(world)
    world.clock.advance(120)
    world.run(timers.sweep(world.core))
    return resolve(world.core, world.caller("boss"), record.id, succeeded=True, reason="r")


def _reports(world: World) -> Coroutine[Any, Any, object]:
    record, lease = running(world)
    return permits.report(world.core, world.bot, record.id, lease=lease, succeeded=True, result={"reference": "r1"})


def _opens(world: World) -> Coroutine[Any, Any, object]:
    record = world.write("x" * 5_000)
    return open_value(world.core, world.caller("ann"), record.id, 0)


def _proves(world: World) -> Coroutine[Any, Any, object]:
    return proof_pack(world.core, world.bot, world.write().id)


def _exports(world: World) -> Coroutine[Any, Any, object]:
    return export(world.core, world.caller("boss"))


CALLS: list[tuple[Callable[[World], Coroutine[Any, Any, object]], str]] = [
    (_cancels, "bot"),
    (_resolves, "boss"),
    (_reports, "bot"),
    (_opens, "ann"),
    (_proves, "bot"),
    (_exports, "boss"),
]


@pytest.mark.parametrize(("call", "who"), CALLS)
def test_a_key_that_is_revoked_meanwhile_records_nothing(
    world: World, call: Callable[[World], Coroutine[Any, Any, object]], who: str
) -> None:
    world.add("boss", Kind.USER, "admin")
    started = call(world)
    world.revoke(who)
    with world.unrecorded(), refused(Code.REVOKED_CREDENTIAL, NotAuthenticated):
        world.run(started)


@pytest.mark.parametrize(("call", "_who"), CALLS)
def test_what_changed_meanwhile_for_others_hinders_nobody(
    world: World, call: Callable[[World], Coroutine[Any, Any, object]], _who: str
) -> None:
    world.add("boss", Kind.USER, "admin")
    started = call(world)
    world.raise_epoch()
    assert world.run(started) is not None


@pytest.mark.parametrize(("call", "_who"), CALLS)
def test_three_changes_are_too_many(
    world: World, call: Callable[[World], Coroutine[Any, Any, object]], _who: str
) -> None:
    world.add("boss", Kind.USER, "admin")
    started = call(world)
    world.ids.always("id", world.raise_epoch)
    with refused(Code.STORE_CONFLICT, Unavailable):
        world.run(started)


def test_an_old_configuration_denies_nothing_any_more(either: World) -> None:
    record = approved(either)
    either.configure(DENY_WRITES)
    stale = either.bot
    either.configure(FILES)
    assert either.run(execute(either.core, stale, record.id, digest=record.digest)).record.state is State.SUCCEEDED


def test_a_key_that_expired_meanwhile_is_over(world: World) -> None:
    world.add("brief", Kind.AGENT, lifetime=10)
    brief = world.caller("brief")
    world.clock.advance(10)
    with refused(Code.EXPIRED_CREDENTIAL, NotAuthenticated):
        world.run(brief.again(world.core))


def test_a_revoked_key_touches_no_target_once_a_second_has_passed(filed: World) -> None:
    twin = filed.twin()
    key = filed.secrets["bot"]
    filed.run(authenticate(filed.core, key=key, agent=None, source="x", fresh=False))
    twin.revoke("bot")
    filed.run(authenticate(filed.core, key=key, agent=None, source="x", fresh=False))
    filed.clock.advance(1.000001)
    with refused(Code.REVOKED_CREDENTIAL):
        filed.run(authenticate(filed.core, key=key, agent=None, source="x", fresh=False))
    twin.close()


# --- the run ----------------------------------------------------------------------------------------------------------


class Failing:
    """A store in memory that fails to take certain commits."""

    def __init__(self, inner: MemoryStore, kind: str, code: Code, times: int) -> None:
        self._inner, self._kind, self._code, self.left = inner, kind, code, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def commit(self, commit: Commit) -> Answer:
        if self.left and any(event.type == self._kind for event in commit.events):
            self.left -= 1
            raise StoreFailed(self._code, "Not now.")
        return await self._inner.commit(commit)


def failing(world: World, kind: str, code: Code, times: int) -> None:
    store: Any = Failing(world.store, kind, code, times) if isinstance(world.store, MemoryStore) else None
    world.core = replace(world.core, store=store)


def test_run_now_never_says_try_again_after_the_connector_ran(world: World) -> None:
    failing(world, "action.succeeded", Code.STORE_FULL, 9)
    done = world.submit("files.read", {"path": "a.txt"}, run=True)
    assert (done.created, done.record.state, world.hands.runs) == (True, State.EXECUTING, 1)
    assert world.log.entries[-1] == ("run_refused", {"action": done.record.id, "code": "store_full"})


def test_run_now_answers_with_what_was_committed_where_the_store_is_gone(world: World) -> None:
    world.hands.then("analyse", lambda: None, lambda: world.run(world.store.close()))
    done = world.submit("files.read", {"path": "a.txt"}, run=True)
    assert (done.created, done.record.state, world.hands.runs) == (True, State.ALLOWED, 0)


def test_an_end_is_recorded_though_the_store_was_busy(world: World) -> None:
    failing(world, "action.succeeded", Code.STORE_BUSY, 2)
    assert world.submit("files.read", {"path": "a.txt"}, run=True).record.state is State.SUCCEEDED


def test_what_was_to_run_when_approved_and_is_allowed_runs_at_once(world: World) -> None:
    world.configure(
        edited(
            "aaf.yaml",
            (
                "operation: [write, delete]}\n    decision: require_approval",
                "operation: [write, delete]}\n    decision: allow",
            ),
        )
    )
    done = world.submit("files.write", {"path": "a.txt", "content": "x"}, run="when_approved")
    assert (done.record.state, world.content()) == (State.SUCCEEDED, "x")


def test_the_worker_starts_nothing_that_its_entry_no_longer_lets_it(world: World) -> None:
    record = approved(world, run="when_approved")
    world.configure(NOT_LATER)
    assert world.run(timers.start_approved(world.core)) == 0
    with refused(Code.ENTRY_CHANGED):
        world.execute(record)
    again = world.record(record)
    assert (again.state, again.run) == (State.PENDING_APPROVAL, "no")
    world.approve(again)
    world.configure(FILES)
    assert world.run(timers.start_approved(world.core)) == 0
    assert world.hands.runs == 0


@pytest.mark.parametrize("change", [{"type": "files.delete"}, {"server": "another"}])
def test_a_record_that_is_not_what_was_decided_on_is_denied(world: World, change: dict[str, str]) -> None:
    record = approved(world)
    assert isinstance(world.store, MemoryStore)
    there: Any = world.store._tables.actions
    there[world.org, record.id] = replace(there[world.org, record.id], **change)
    with refused(Code.DIGEST_MISMATCH, StateConflict):
        world.execute(record)
    assert (world.record(record).state, world.hands.runs) == (State.DENIED, 0)


def test_nobody_is_asked_again_after_the_deadline(world: World) -> None:
    record = approved(world)
    (world.workspace / "a.txt").write_text("other\n")
    world.hands.then("dry_run", lambda: world.clock.advance(901))
    with refused(Code.DEADLINE_PASSED, StateConflict):
        world.execute(record)
    assert world.record(record).state is State.LAPSED


def test_a_lease_is_counted_from_the_start_of_the_run(world: World) -> None:
    record = approved(world)
    world.hands.then("dry_run", lambda: world.clock.advance(50))
    world.hands.then("run", lambda: world.clock.advance(59))
    world.hands.then("ran", lambda: world.run(timers.sweep(world.core)))
    assert world.execute(record).record.state is State.SUCCEEDED
    assert "action.unknown" not in world.types(record)


# --- what is refused is recorded --------------------------------------------------------------------------------------


def test_a_late_report_that_contradicts_is_recorded(world: World) -> None:
    record, lease = running(world)
    world.run(permits.report(world.core, world.bot, record.id, lease=lease, succeeded=True, result={"reference": "r1"}))
    with refused(Code.OUTCOME_CONFLICT, StateConflict):
        world.run(permits.report(world.core, world.bot, record.id, lease=lease, succeeded=False, result=None))
    said = world.bodies("execution.refused")[-1]["data"]
    assert (said["code"], said["reported"], said["state"]) == ("outcome_conflict", "failed", "succeeded")


def test_a_second_answer_and_the_wrong_way_to_run_are_recorded(world: World) -> None:
    record = world.payment("250.00")
    world.approve(record, reason="r")
    with refused(Code.ALREADY_REVIEWED):
        world.approve(record, reason="r")
    assert world.bodies("approval.review_refused")[-1]["data"]["code"] == "already_reviewed"
    with refused(Code.WRONG_EFFECT):
        world.execute(world.payment())
    assert world.bodies("execution.refused")[-1]["data"]["code"] == "wrong_effect"


def test_who_does_not_review_learns_nothing_of_others_actions(world: World) -> None:
    world.add("spy", Kind.AGENT)
    record = world.write()
    with refused(Code.PERMISSION_DENIED, NotPermitted) as known:
        world.approve(record, by="spy")
    with refused(Code.PERMISSION_DENIED, NotPermitted) as unknown:
        world.approve(replace(record, id=world.ids.new()), by="spy")
    assert (known[0].message, known[0].hint) == (unknown[0].message, unknown[0].hint)
    assert world.types(record)[-1] == "approval.review_refused"


def test_the_first_event_names_the_credential(world: World) -> None:
    world.write()
    assert world.bodies("action.pending_approval")[0]["data"]["credential"] == world.keys["bot"].id


def test_a_service_s_narrow_key_consumes_nothing_else(world: World) -> None:
    world.add("me", Kind.SERVICE, action_types=("files.*",))
    record = world.payment()
    issued = world.run(permits.issue(world.core, world.bot, record.id, digest=record.digest, audience="me"))
    with refused(Code.ACTION_NOT_ALLOWED_FOR_KEY, NotPermitted):
        world.run(permits.consume(world.core, world.caller("me"), issued.permit.jti, digest=record.digest))
    assert world.record(record).state is State.ALLOWED


@pytest.mark.parametrize("reason", ["\u200b", "\u2060 \u00ad", "\u3164", "\u2800", "\u0301"])
def test_a_reason_can_be_seen(world: World, reason: str) -> None:
    with refused(Code.REASON_REQUIRED):
        world.reject(world.write(), reason=reason)


def test_the_same_refusal_again_is_counted_and_no_event(either: World) -> None:
    record = either.write()
    for _ in range(5):
        with refused(Code.NOT_APPROVED):
            either.execute(record)
    assert either.types(record) == ["action.pending_approval", "execution.refused"]
    either.clock.advance(61)
    either.run(timers.round_of_work(either.core))
    (said,) = either.bodies("access.refused")
    assert (said["data"]["code"], said["data"]["further"]) == ("not_approved", 4)

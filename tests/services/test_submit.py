"""Submitting: decided, recorded, answered; nothing else."""

import json
from typing import Any

import pytest

from aaf.domain.action_bytes import context_digest
from aaf.domain.errors import (
    Code,
    ConnectorFailed,
    InputRefused,
    NotAuthenticated,
    NotPermitted,
    StateConflict,
    StoreFailed,
    TooMany,
    Unavailable,
)
from aaf.domain.principal import Kind
from aaf.domain.states import State
from aaf.ports import Commit, StaleEpoch
from aaf.services import actions
from aaf.services.access import revoke_key
from aaf.services.forming import read_submission
from aaf.services.sealing import stored_bytes, unseal_object
from aaf.services.submit import submit
from tests.services.world import FILES, SECOND, Fixed, World, edited, refused

DAY = 24 * 3600


# --- the three answers ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R01", "R45")
def test_an_allowed_action_is_recorded_and_not_run(either: World) -> None:
    done = either.submit("files.read.action.do", {"path": "a.txt"})
    record = done.record
    assert (record.state, record.type, done.created, done.result) == (State.ALLOWED, "files.read", True, None)
    assert record.deadline == either.clock.at + 900 * SECOND
    assert either.hands.runs == 0
    assert either.types(record) == ["action.allowed"]
    (body,) = either.bodies("action.allowed")
    assert (body["action"], body["action_seq"], body["actor"]) == (record.id, 1, either.bot.principal.actor)
    assert body["data"]["digest"] == record.digest
    assert (body["data"]["type"], body["data"]["class"], body["data"]["risk"]) == ("files.read", "read", "low")


@pytest.mark.requirement("R36")
def test_a_held_action_waits_with_a_view_and_an_effect(either: World) -> None:
    record = either.write()
    assert (record.state, record.round, record.code) == (State.PENDING_APPROVAL, 1, Code.RULE)
    assert record.deadline == either.clock.at + 900 * SECOND
    assert record.view_digest
    assert record.effect_digest
    (body,) = either.bodies("action.pending_approval")
    assert body["data"]["view"] == record.view_digest
    assert body["data"]["effect"] == record.effect_digest
    assert body["data"]["requirements"] == [one.to_json() for one in record.requirements]
    assert either.content() == "old\n"


def test_the_shortest_timeout_of_all_requirements_counts(world: World) -> None:
    more = "  - name: also\n    match: {tool: shell}\n    decision: require_approval\n    approval: {approvers: [role:admin], timeout: 1m}\n"
    world.configure(edited("aaf.yaml", ("approvals: {app", more + "\napprovals: {app")))
    record = world.command()
    assert len(record.requirements) == 2
    assert record.deadline == world.clock.at + 60 * SECOND


@pytest.mark.parametrize(
    ("action", "params", "code"),
    [
        ("mail.send", {}, Code.UNKNOWN_ACTION_TYPE),
        ("files.read", {"path": "../up"}, Code.PATH_OUTSIDE_ROOT),
        ("files.read", {"path": "/etc/passwd"}, Code.PATH_OUTSIDE_ROOT),
        ("files.read", {}, Code.SCHEMA_VIOLATION),
        ("files.read", {"path": 1}, Code.SCHEMA_VIOLATION),
        ("files.read", {"path": "a", "mode": "x"}, Code.SCHEMA_VIOLATION),
        ("files.read", {"path": "a\x00"}, Code.TEXT_REFUSED),
        ("files.delete", {"path": "none.txt"}, Code.PATH_NOT_FOUND),
    ],
)
def test_a_denied_action_is_recorded_with_its_code(world: World, action: str, params: Any, code: Code) -> None:
    done = world.submit(action, params)
    assert (done.record.state, done.record.code, done.record.deadline) == (State.DENIED, code, None)
    (body,) = world.bodies("action.denied")
    assert (body["final"], body["data"]["code"]) == (True, code)
    assert world.hands.runs == 0


def test_faults_name_places_and_never_values(world: World) -> None:
    done = world.submit("files.read", {"path": 4711, "mode": "SEKRIT"})
    assert {fault["path"] for fault in done.faults} == {"$.params.path", "$.params.mode"}
    seen = world.run(actions.see(world.core, world.bot, done.record.id))
    assert [dict(fault) for fault in seen.faults] == list(done.faults)
    said = str(done.faults)
    assert "4711" not in said
    assert "SEKRIT" not in said


def test_where_no_rule_speaks_reads_are_denied_and_high_risk_is_held(world: World) -> None:
    world.configure(
        edited(
            "aaf.yaml",
            ("match: {tool: shell, operation: run}", "match: {tool: shell, operation: run, params.command: never}"),
            (
                "match: {tool: files, operation: [read, list]}",
                "match: {tool: files, operation: [read, list], params.path: x}",
            ),
        )
    )
    read = world.submit("files.read", {"path": "a.txt"}).record
    assert (read.state, read.code) == (State.DENIED, Code.NO_RULE)
    command = world.command()
    assert (command.state, command.code) == (State.PENDING_APPROVAL, Code.CLASS_DEFAULT)


def test_an_unknown_type_is_held_where_a_fallback_says_so(world: World) -> None:
    world.configure(edited("aaf.yaml", ("limits:\n", "fallback: {decision: require_approval}\n\nlimits:\n")))
    record = world.submit("mail.send", {"to": "x"}).record
    assert (record.state, record.code, record.entry) == (State.PENDING_APPROVAL, Code.FALLBACK, "")
    assert (record.action_class, record.risk, record.effect) == ("other", "high", "caller")


def test_a_dry_run_that_fails_denies_and_tells_its_cause_to_the_log_only(world: World) -> None:
    def failing() -> None:
        raise ConnectorFailed(Code.DRY_RUN_FAILED, "It would not succeed.", detail="port 5432 is closed")

    world.hands.then("dry_run", failing)
    done = world.submit("files.write", {"path": "a.txt", "content": "x"})
    assert (done.record.state, done.record.code) == (State.DENIED, Code.DRY_RUN_FAILED)
    assert "5432" not in str(done)
    (entry,) = world.log.entries
    assert entry == (
        "dry_run_failed",
        {"action": done.record.id, "cause": "port 5432 is closed", "code": "dry_run_failed"},
    )


@pytest.mark.parametrize("moment", ["analyse", "dry_run"])
def test_a_connector_that_crashes_before_the_decision_is_a_deny(world: World, moment: str) -> None:
    def crashing() -> None:
        raise ZeroDivisionError("SEKRIT")

    world.hands.then(moment, crashing)
    done = world.submit("files.write", {"path": "a.txt", "content": "x"})
    assert (done.record.state, done.record.code) == (State.DENIED, Code.CONNECTOR_FAILED)
    assert "SEKRIT" not in str(world.log.entries) + str(done)


def test_an_analysis_that_refuses_denies_with_its_code(world: World) -> None:
    def failing() -> None:
        raise InputRefused(Code.TOO_DEEP, "Too deep.")

    world.hands.then("analyse", failing)
    record = world.submit("files.read", {"path": "a.txt"}).record
    assert (record.state, record.code) == (State.DENIED, Code.TOO_DEEP)


def test_an_action_that_nothing_runs_is_denied(world: World) -> None:
    connectors = world.core.connectors
    assert isinstance(connectors, Fixed)
    connectors.clear()
    record = world.submit("files.read", {"path": "a.txt"}).record
    assert (record.state, record.code) == (State.DENIED, Code.CONNECTOR_UNAVAILABLE)


def test_a_key_reaches_only_its_own_types(world: World) -> None:
    world.add("reader", Kind.AGENT, action_types=("files.read",))
    world.add("filer", Kind.AGENT, action_types=("files.*",))
    for name, action, code in (
        ("reader", "files.read", Code.RULE),
        ("reader", "files.list", Code.ACTION_NOT_ALLOWED_FOR_KEY),
        ("filer", "files.list", Code.RULE),
        ("filer", "shell.run", Code.ACTION_NOT_ALLOWED_FOR_KEY),
    ):
        params = {"command": "ls"} if action == "shell.run" else {"path": "a.txt" if action == "files.read" else "."}
        assert world.submit(action, params, by=name).record.code == code


def test_an_approver_may_not_submit(world: World) -> None:
    with world.unrecorded(), refused(Code.PERMISSION_DENIED, NotPermitted):
        world.submit("files.read", {"path": "a.txt"}, by="ann")


# --- what is written --------------------------------------------------------------------------------------------------


def test_the_exact_input_is_kept_sealed_and_its_digest_is_in_the_ledger(either: World) -> None:
    record = either.submit("files.read", {"path": "a.txt"}, context={"why": "because"}, server="mcp.example").record
    stored = either.run(unseal_object(either.core, either.org, record.id, "input"))
    asked = stored["input"]
    assert isinstance(asked, dict)
    assert asked["v"] == 1
    assert asked["action"] == {
        "id": record.id,
        "name": "files.read",
        "operation": "read",
        "params": {"encoding": "utf-8", "path": "a.txt"},
        "server": "mcp.example",
        "tool": "files",
    }
    assert (asked["context"], asked["time"], asked["release"]) == ({"why": "because"}, either.clock.at, 1)
    assert asked["agent"] == {"id": record.agent, "name": "bot", "roles": ["agent"]}
    (body,) = either.bodies("action.allowed")
    assert body["data"]["input"] == context_digest(bytes.fromhex(str(stored["salt"])), stored_bytes(asked))
    assert sorted(body["commit"]) == ["context", "params.encoding", "params.path"]
    assert "a.txt" not in json.dumps(body)
    assert str(stored["salt"]) not in json.dumps(body)


def test_each_agent_has_one_data_key(either: World) -> None:
    first, second = either.write("x"), either.write("y")
    either.add("bot2", Kind.AGENT)
    other = either.write("z", by="bot2")
    sealed = [either.run(either.store.sealed(either.org, record.id, "input")) for record in (first, second, other)]
    keys = [one.key_id for one in sealed if one is not None]
    assert keys[0] == keys[1] != keys[2]


# --- idempotency ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R57")
def test_the_same_key_and_body_is_the_same_action_as_it_stands(either: World) -> None:
    first = either.submit("files.write", {"path": "a.txt", "content": "x"}, key="k1")
    either.approve(first.record)
    with either.unrecorded():
        again = either.submit("files.write", {"path": "a.txt", "content": "x"}, key="k1")
    assert (again.record.id, again.created, again.record.state) == (first.record.id, False, State.APPROVED)


@pytest.mark.requirement("R57")
@pytest.mark.parametrize(
    "other",
    [
        {"action": "files.read", "params": {"path": "b.txt"}},
        {"action": "files.list", "params": {"path": "a.txt"}},
        {"action": "files.read", "params": {"path": "a.txt"}, "context": {"x": 1}},
        {"action": "files.read", "params": {"path": "a.txt"}, "run": True},
        {"action": "files.read", "params": {"path": "a.txt"}, "server": "s"},
    ],
)
def test_the_same_key_for_another_body_is_refused(world: World, other: dict[str, Any]) -> None:
    world.submit("files.read", {"path": "a.txt"}, key="k1")
    with world.unrecorded(), refused(Code.IDEMPOTENCY_MISMATCH, StateConflict):
        world.submit(other.pop("action"), other.pop("params"), key="k1", **other)


def test_a_key_that_another_process_revoked_learns_nothing_of_its_earlier_action(filed: World) -> None:
    twin = filed.twin()
    twin.submit("files.read", {"path": "a.txt"}, key="k1")
    bot = twin.bot
    filed.revoke("bot")
    again = read_submission({"action": "files.read", "params": {"path": "a.txt"}})
    with refused(Code.REVOKED_CREDENTIAL, NotAuthenticated):
        twin.run(submit(twin.core, bot, again, idempotency_key="k1"))
    twin.close()


def test_another_agent_s_key_is_another_key(world: World) -> None:
    world.add("bot2", Kind.AGENT)
    first = world.submit("files.read", {"path": "a.txt"}, key="k1").record
    assert world.submit("files.read", {"path": "b.txt"}, key="k1", by="bot2").record.id != first.id


def test_a_key_is_kept_for_a_day_and_while_its_action_is_open(either: World) -> None:
    either.submit("files.read", {"path": "../x"}, key="closed")
    open_ = either.submit("files.read", {"path": "a.txt"}, key="open").record
    either.clock.advance(DAY)
    assert either.submit("files.read", {"path": "a.txt"}, key="open").record.id == open_.id
    assert either.submit("files.read", {"path": "b.txt"}, key="closed").created


@pytest.mark.parametrize("key", ["", "x" * 256, "käse", "a\nb"])
def test_a_malformed_idempotency_key_is_refused(world: World, key: str) -> None:
    with world.unrecorded(), refused(Code.BAD_REQUEST, InputRefused):
        world.submit("files.read", {"path": "a.txt"}, key=key)


def test_two_submissions_with_one_key_at_the_same_moment_are_one_action(either: World) -> None:
    faster: list[str] = []
    either.ids.then("salt", lambda: faster.append(either.submit("files.read", {"path": "a.txt"}, key="k1").record.id))
    slower = either.submit("files.read", {"path": "a.txt"}, key="k1")
    assert (slower.record.id, slower.created) == (faster[0], False)
    assert either.types().count("action.allowed") == 1


def test_a_key_whose_action_is_lost_is_no_licence_to_run_again(filed: World) -> None:
    record = filed.submit("files.read", {"path": "a.txt"}, key="k1").record
    with filed.sql() as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("DELETE FROM action WHERE id = ?", (record.id,))
    with refused(Code.STORE_UNAVAILABLE, Unavailable):
        filed.submit("files.read", {"path": "a.txt"}, key="k1")


# --- limits -----------------------------------------------------------------------------------------------------------


def limited(rate: str, burst: int) -> dict[str, bytes]:
    return edited("aaf.yaml", ("agent: {rate: 120/m, burst: 60}", f"agent: {{rate: {rate}, burst: {burst}}}"))


def test_exactly_as_many_as_the_limit_says_are_recorded(either: World) -> None:
    either.configure(limited("6/m", 3))
    for _ in range(3):
        either.submit("files.read", {"path": "a.txt"})
    for after, wait in ((0, 10), (3.5, 7), (6.4, 1)):
        either.clock.advance(after)
        with refused(Code.RATE_LIMITED, TooMany) as caught:
            either.submit("files.read", {"path": "a.txt"})
        error = caught[0]
        assert isinstance(error, TooMany)
        assert error.retry_after == wait
    either.clock.advance(0.1)
    either.submit("files.read", {"path": "a.txt"})
    with refused(Code.RATE_LIMITED):
        either.submit("files.read", {"path": "a.txt"})
    assert either.types().count("action.allowed") == 4


def test_denied_actions_are_charged_and_other_agents_are_not(world: World) -> None:
    world.configure(limited("6/m", 1))
    world.add("bot2", Kind.AGENT)
    world.submit("no.such", {})
    with refused(Code.RATE_LIMITED):
        world.submit("files.read", {"path": "a.txt"})
    world.submit("files.read", {"path": "a.txt"}, by="bot2")


def test_a_limit_that_is_reached_at_the_same_moment_holds(either: World) -> None:
    either.configure(limited("6/m", 1))
    either.ids.then("salt", lambda: either.submit("files.read", {"path": "a.txt"}))
    with refused(Code.RATE_LIMITED):
        either.submit("files.read", {"path": "a.txt"})
    assert either.types().count("action.allowed") == 1


# --- what changed meanwhile -------------------------------------------------------------------------------------------


def test_an_action_that_met_a_new_configuration_is_judged_by_it(either: World) -> None:
    stricter = edited(
        "aaf.yaml", ("operation: [read, list]}\n    decision: allow", "operation: [read, list]}\n    decision: deny")
    )
    either.ids.then("salt", lambda: either.configure(stricter))
    record = either.submit("files.read", {"path": "a.txt"}).record
    assert (record.state, record.release) == (State.DENIED, 2)
    assert either.types(record) == ["action.denied"]


def test_an_agent_that_is_revoked_meanwhile_records_nothing(world: World) -> None:
    admin = world.admin
    world.ids.then("salt", lambda: world.run(revoke_key(world.core, admin, world.keys["bot"].id)))
    with refused(Code.REVOKED_CREDENTIAL):
        world.submit("files.read", {"path": "a.txt"})
    assert world.types()[-2:] == ["key.revoked", "access.refused"]
    assert world.bodies("access.refused")[0]["data"]["source"] == world.keys["bot"].principal
    assert world.run(world.store.actions(world.org)) == []


@pytest.mark.requirement("R09")
def test_three_conflicts_are_a_refusal_that_recorded_nothing(world: World) -> None:
    world.hands.always("analyse", world.raise_epoch)
    with refused(Code.STORE_CONFLICT, Unavailable):
        world.submit("files.read", {"path": "a.txt"})
    assert world.run(world.store.actions(world.org)) == []


def test_a_store_that_refuses_means_nothing_was_recorded_and_nothing_ran(either: World) -> None:
    either.disk.free = 0
    with either.unrecorded(), refused(Code.STORE_FULL, StoreFailed):
        either.submit("files.read", {"path": "a.txt"}, run=True)
    assert either.hands.runs == 0


def test_the_store_itself_refuses_what_was_judged_under_an_old_epoch(world: World) -> None:
    bot = world.bot
    world.raise_epoch()
    answer = world.run(world.store.commit(Commit(world.org, (), (), bot.known.epoch)))
    assert isinstance(answer, StaleEpoch)


# --- running in the same request --------------------------------------------------------------------------------------


@pytest.mark.requirement("R01")
def test_run_now_runs_what_is_allowed(either: World) -> None:
    done = either.submit("files.read", {"path": "a.txt"}, run=True)
    assert done.record.state is State.SUCCEEDED
    assert isinstance(done.result, dict)
    assert done.result["content"] == "old\n"
    assert either.types(done.record) == ["action.allowed", "action.executing", "action.succeeded"]


def test_run_now_answers_with_the_result_where_another_program_ran_it_meanwhile(either: World) -> None:
    def overtake() -> None:
        (record,) = either.run(either.store.actions(either.org))
        either.execute(record)

    either.hands.then("analyse", lambda: None, overtake)
    done = either.submit("files.read", {"path": "a.txt"}, run=True)
    assert (done.record.state, done.created, either.hands.runs) == (State.SUCCEEDED, True, 1)
    assert isinstance(done.result, dict)
    assert done.result["content"] == "old\n"


def test_run_now_says_in_the_log_where_the_result_of_another_program_can_not_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def erased(*_: object) -> None:
        raise Unavailable(Code.STORE_UNAVAILABLE, "It was erased.")

    def overtake() -> None:
        (record,) = world.run(world.store.actions(world.org))
        world.execute(record)

    monkeypatch.setattr("aaf.services.submit.result_of", erased)
    world.hands.then("analyse", lambda: None, overtake)
    done = world.submit("files.read", {"path": "a.txt"}, run=True)
    assert (done.record.state, done.result) == (State.SUCCEEDED, None)
    assert ("result_unread", {"action": done.record.id, "code": "store_unavailable"}) in world.log.entries


def test_run_now_runs_nothing_that_is_held_denied_or_the_caller_s(world: World) -> None:
    assert (
        world.submit("files.write", {"path": "a.txt", "content": "x"}, run=True).record.state is State.PENDING_APPROVAL
    )
    assert world.submit("files.read", {"path": "../x"}, run=True).record.state is State.DENIED
    assert world.submit("pay.send", {"to": "x", "amount": "1.00"}, run=True).record.state is State.ALLOWED
    assert world.hands.runs == 0


def test_run_now_answers_with_the_action_where_the_second_judgement_says_no(world: World) -> None:
    """The action is recorded, so its caller learns its id and state, whatever came between deciding and running."""
    denying = edited(
        "aaf.yaml", ("operation: [read, list]}\n    decision: allow", "operation: [read, list]}\n    decision: deny")
    )
    world.hands.then("analyse", lambda: None, lambda: world.configure(denying))
    done = world.submit("files.read", {"path": "a.txt"}, run=True)
    assert (done.record.state, done.created) == (State.DENIED, True)
    assert world.hands.runs == 0


def test_when_approved_counts_only_where_the_entry_permits_it(world: World) -> None:
    assert world.write(run="when_approved").run == "when_approved"
    assert world.submit("shell.run", {"command": "ls"}, run="when_approved").record.run == "no"
    assert world.submit("mail.send", {}, run="when_approved").record.run == "no"
    assert world.submit("mail.send", {}, run=True).record.run == "now"


def test_the_default_configuration_of_these_tests_has_every_type() -> None:
    assert {name for name in FILES if name.startswith("actions/")} >= {
        "actions/pay.send.yaml",
        "actions/files.write.yaml",
    }

"""Judged again before it runs: what changed between the decision and the run, and what that means."""

import pytest

from aaf.domain.canonical import parse
from aaf.domain.errors import Code, NotPermitted, StateConflict, Unavailable
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.services import permits
from aaf.services.clearing import clear
from aaf.services.review import open_value, show
from tests.services.world import FILES, PAY, World, diff_lines, edited, refused

DENY_WRITES = edited(
    "aaf.yaml",
    ("operation: [write, delete]}\n    decision: require_approval", "operation: [write, delete]}\n    decision: deny"),
)
ALLOW_WRITES = edited(
    "aaf.yaml",
    ("operation: [write, delete]}\n    decision: require_approval", "operation: [write, delete]}\n    decision: allow"),
)
HOLD_READS = edited(
    "aaf.yaml",
    ("operation: [read, list]}\n    decision: allow", "operation: [read, list]}\n    decision: require_approval"),
)
TWO_PEOPLE = edited("aaf.yaml", ("quorum: 1", "quorum: 2"))
ADMINS_ONLY = edited("aaf.yaml", ("[role:approver, role:admin], quorum: 1", "[role:admin], quorum: 1"))
REASONS = edited("aaf.yaml", ("timeout: 15m, reason_required: false", "timeout: 15m, reason_required: true"))
ANOTHER_ENTRY = edited("actions/files.write.yaml", ("description: Write a whole", "description: Write one whole"))
ANOTHER_DEFAULT = edited(
    "actions/files.write.yaml", ("create: {type: boolean, default: true}", "create: {type: boolean, default: false}")
)
ONE_MORE_DEFAULT = edited(
    "actions/files.write.yaml", ("    create: {type", "    sync: {type: boolean, default: true}\n    create: {type")
)
SHORTER_PATHS = edited("actions/files.write.yaml", ("minLength: 1, maxLength: 4096", "minLength: 1, maxLength: 3"))
NO_WRITES = {
    **edited("aaf.yaml", ("operation: [write, delete]}", "operation: delete}")),
}
del NO_WRITES["actions/files.write.yaml"]


def approved(world: World, content: str = "new\n") -> ActionRecord:
    record = world.write(content)
    world.approve(record)
    return record


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (DENY_WRITES, Code.RULE),
        (NO_WRITES, Code.UNKNOWN_ACTION_TYPE),
        (SHORTER_PATHS, Code.SCHEMA_VIOLATION),
        (ONE_MORE_DEFAULT, Code.SCHEMA_VIOLATION),
    ],
    ids=["rule denies", "type is gone", "schema refuses", "schema would add a value"],
)
def test_what_is_denied_now_is_denied(world: World, files: dict[str, bytes], code: Code) -> None:
    record = approved(world)
    world.configure(files)
    with refused(code, StateConflict):
        world.execute(record)
    denied = world.record(record)
    assert (denied.state, denied.code, denied.release) == (State.DENIED, code, 2)
    assert world.types(record)[-1] == "action.denied"
    assert (world.hands.runs, world.content()) == (0, "old\n")
    with refused(Code.ACTION_CLOSED, StateConflict):
        world.execute(record)


@pytest.mark.parametrize(
    "files", [ALLOW_WRITES, edited("aaf.yaml", ("timeout: 15m", "timeout: 1m"))], ids=["allow", "shorter"]
)
def test_the_reviews_stand_where_nothing_got_stricter(either: World, files: dict[str, bytes]) -> None:
    record = approved(either)
    either.configure(files)
    assert either.execute(record).record.state is State.SUCCEEDED
    assert either.content() == "new\n"


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (TWO_PEOPLE, Code.REQUIREMENT_CHANGED),
        (ADMINS_ONLY, Code.REQUIREMENT_CHANGED),
        (REASONS, Code.REQUIREMENT_CHANGED),
        (ANOTHER_ENTRY, Code.ENTRY_CHANGED),
        (ANOTHER_DEFAULT, Code.ENTRY_CHANGED),
    ],
    ids=["quorum", "approvers", "reasons", "entry", "default"],
)
def test_what_got_stricter_or_changed_goes_back_to_people(either: World, files: dict[str, bytes], code: Code) -> None:
    record = approved(either)
    either.configure(files)
    with refused(code, StateConflict):
        either.execute(record)
    again = either.record(record)
    assert (again.state, again.round, again.release, again.digest) == (State.PENDING_APPROVAL, 2, 2, record.digest)
    assert again.deadline == either.clock.at + 900_000_000
    assert again.requirements != record.requirements or code is Code.ENTRY_CHANGED
    body = either.bodies("action.pending_approval")[-1]
    assert (body["from"], body["data"]["code"], body["data"]["round"]) == ("approved", code, 2)
    assert (body["data"]["view"], body["data"]["release"]) == (again.view_digest, 2)
    assert either.hands.runs == 0


def test_a_review_of_fewer_people_does_where_fewer_are_asked_for_now(world: World) -> None:
    world.configure(edited("aaf.yaml", ("[role:approver, role:admin], quorum: 1", "[role:admin], quorum: 1")))
    record = world.write()
    world.approve(record, by="admin")
    world.configure(FILES)
    assert world.execute(record).record.state is State.SUCCEEDED


def test_reviews_of_an_earlier_round_do_not_count_and_new_ones_do(either: World) -> None:
    record = approved(either)
    either.configure(TWO_PEOPLE)
    with refused(Code.REQUIREMENT_CHANGED):
        either.execute(record)
    again = either.record(record)
    assert either.run(show(either.core, either.caller("ann"), record.id)).reviews == ()
    assert either.approve(again).state is State.PENDING_APPROVAL
    assert either.approve(again, by="ben").state is State.APPROVED
    assert either.execute(record).record.state is State.SUCCEEDED


def test_a_long_value_is_opened_anew_in_a_new_round(world: World) -> None:
    record = world.write("line\n" * 1_000)
    world.run(open_value(world.core, world.caller("ann"), record.id, 0))
    world.approve(record)
    world.configure(ANOTHER_ENTRY)
    with refused(Code.ENTRY_CHANGED):
        world.execute(record)
    with refused(Code.UNOPENED_VALUES):
        world.approve(world.record(record))


def test_an_effect_that_changed_goes_back_to_people_with_the_new_one(either: World) -> None:
    record = approved(either)
    (either.workspace / "a.txt").write_text("changed by others\n")
    with refused(Code.EFFECT_CHANGED, StateConflict):
        either.execute(record)
    again = either.record(record)
    assert (again.state, again.round) == (State.PENDING_APPROVAL, 2)
    assert again.effect_digest != record.effect_digest
    view = either.run(show(either.core, either.caller("ann"), record.id)).view
    assert "-changed by others" in diff_lines(view)
    with refused(Code.VIEW_CHANGED):
        either.approve(record)
    either.approve(again)
    assert either.execute(record).record.state is State.SUCCEEDED


def test_an_effect_is_looked_at_again_even_where_the_answer_is_allow_now(world: World) -> None:
    record = approved(world)
    world.configure(ALLOW_WRITES)
    (world.workspace / "a.txt").write_text("changed by others\n")
    with refused(Code.EFFECT_CHANGED):
        world.execute(record)


def test_a_target_that_is_gone_is_a_deny(world: World) -> None:
    record = world.submit("files.delete", {"path": "a.txt"}).record
    world.approve(record)
    (world.workspace / "a.txt").unlink()
    with refused(Code.PATH_NOT_FOUND, StateConflict):
        world.execute(record)
    assert world.record(record).state is State.DENIED


def test_a_file_that_changes_after_the_last_look_is_found_by_the_run_itself(world: World) -> None:
    record = approved(world)
    world.hands.then("run", lambda: (world.workspace / "a.txt").write_text("changed by others\n"))
    ran = world.execute(record)
    assert (ran.record.state, ran.record.code) == (State.FAILED, Code.EFFECT_CHANGED)
    assert world.content() == "changed by others\n"


def test_a_reviewer_who_lost_the_role_since_does_not_count(either: World) -> None:
    record = approved(either)
    either.give_roles("ann", "viewer")
    with refused(Code.REQUIREMENT_CHANGED, StateConflict):
        either.execute(record)
    assert either.record(record).state is State.PENDING_APPROVAL
    assert either.hands.runs == 0


def test_a_reviewer_who_is_gone_does_not_count(filed: World) -> None:
    record = approved(filed)
    nobody = "0195b3c4-0000-7000-8000-00000000dead"
    with filed.sql() as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("UPDATE principal SET id = ? WHERE name = 'ann'", (nobody,))
        database.execute("UPDATE api_key SET principal = ? WHERE name = 'ann'", (nobody,))
        database.execute("UPDATE ledger SET epoch = epoch + 1")
    with refused(Code.REQUIREMENT_CHANGED, StateConflict):
        filed.execute(record)
    assert filed.hands.runs == 0


def test_an_agent_that_lost_its_role_runs_nothing(world: World) -> None:
    record = approved(world)
    world.give_roles("bot", "viewer")
    with refused(Code.PERMISSION_DENIED):
        world.execute(record)


def test_a_key_without_the_type_runs_nothing_that_another_key_submitted(world: World) -> None:
    record = approved(world)
    world.add("bot", Kind.AGENT, action_types=("files.read",))
    with refused(Code.ACTION_NOT_ALLOWED_FOR_KEY, NotPermitted):
        world.execute(record)
    assert world.hands.runs == 0
    assert (world.record(record).state, world.types(record)[-1]) == (State.APPROVED, "execution.refused")


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (HOLD_READS, Code.REQUIREMENT_CHANGED),
        (edited("actions/files.read.yaml", ("description: Read one", "description: Read a")), Code.ENTRY_CHANGED),
        (
            edited(
                "aaf.yaml",
                ("operation: [read, list]}\n    decision: allow", "operation: [read, list]}\n    decision: deny"),
            ),
            Code.RULE,
        ),
    ],
    ids=["held now", "entry", "denied now"],
)
def test_an_allowed_action_runs_only_if_it_still_is(either: World, files: dict[str, bytes], code: Code) -> None:
    record = either.submit("files.read", {"path": "a.txt"}).record
    either.configure(files)
    with refused(code, StateConflict):
        either.execute(record)
    assert either.record(record).state is State.DENIED
    assert either.hands.runs == 0


def test_an_allowed_action_runs_under_a_new_release_that_says_the_same(world: World) -> None:
    record = world.submit("files.read", {"path": "a.txt"}).record
    world.configure(TWO_PEOPLE)
    assert world.execute(record).record.state is State.SUCCEEDED


def test_what_runs_it_follows_the_entry_that_people_approved(world: World) -> None:
    """An entry that moved from the agent's own tool to a connector is approved anew, and then the connector runs it."""
    world.configure(
        edited(
            "actions/files.write.yaml",
            ("effect: {connector: files}", "effect: caller"),
            ("run_when_approved: true\n", ""),
        )
    )
    record = world.write()
    assert (record.effect, record.effect_digest) == ("caller", None)
    world.approve(record)
    world.configure(
        edited(
            "actions/files.write.yaml", ("risk: high", "risk: critical"), ("class: file_write", "class: config_change")
        )
    )
    with refused(Code.ENTRY_CHANGED):
        world.run(permits.issue(world.core, world.bot, record.id, digest=record.digest, audience="me"))
    again = world.record(record)
    assert (again.effect, again.risk, again.action_class) == ("files", "critical", "config_change")
    body = world.bodies("action.pending_approval")[-1]
    assert (body["data"]["risk"], body["data"]["class"]) == ("critical", "config_change")
    world.approve(again)
    with refused(Code.WRONG_EFFECT):
        world.run(permits.issue(world.core, world.bot, record.id, digest=record.digest, audience="me"))
    assert world.execute(record).record.state is State.SUCCEEDED


def test_an_unknown_type_that_people_approved_runs_only_while_it_is_unknown(world: World) -> None:
    fallback = edited("aaf.yaml", ("limits:\n", "fallback: {decision: require_approval}\n\nlimits:\n"))
    world.configure(fallback)
    record = world.submit("mail.send", {"to": "x"}).record
    world.approve(record)
    first = world.run(permits.issue(world.core, world.bot, record.id, digest=record.digest, audience="me"))
    assert first.permit.digest == record.digest
    mail = PAY.replace("pay.send", "mail.send").replace("[to, amount]", "[to]")
    rule = "  - name: mail\n    match: {tool: mail}\n    decision: require_approval\n\napprovals: {app"
    world.configure(
        {**edited("aaf.yaml", ("\napprovals: {app", rule), files=fallback), "actions/mail.send.yaml": mail.encode()}
    )
    with refused(Code.SCHEMA_VIOLATION, StateConflict):  # the new schema would add a currency
        world.run(permits.issue(world.core, world.bot, record.id, digest=record.digest, audience="me"))


def test_an_unknown_type_stays_approved_by_people_under_the_fallback(world: World) -> None:
    fallback = edited("aaf.yaml", ("limits:\n", "fallback: {decision: require_approval}\n\nlimits:\n"))
    world.configure(fallback)
    record = world.submit("mail.send", {"to": "x"}).record
    world.approve(record)
    world.configure({**fallback, "aaf.yaml": fallback["aaf.yaml"].replace(b"quorum: 1", b"quorum: 2")})
    with refused(Code.REQUIREMENT_CHANGED):
        world.run(permits.issue(world.core, world.bot, record.id, digest=record.digest, audience="me"))
    assert (world.record(record).entry, world.record(record).effect) == ("", "caller")


def test_text_that_is_refused_today_is_denied(world: World) -> None:
    tolerant = edited(
        "actions/shell.run.yaml",
        (
            "command: {type: string, minLength: 1, maxLength: 10000}",
            "command: {type: string, minLength: 1, maxLength: 10000, x-allow-control: true}",
        ),
    )
    world.configure(tolerant)
    record = world.command("printf '\x1b[1m'")
    world.approve(record)
    world.configure(FILES)
    with refused(Code.TEXT_REFUSED, StateConflict):
        world.run(permits.issue(world.core, world.bot, record.id, digest=record.digest, audience="me"))


def test_the_second_judgement_is_of_the_stored_values_and_the_time_of_now(world: World) -> None:
    record = approved(world)
    world.configure(DENY_WRITES)
    world.clock.advance(7)
    with refused(Code.RULE):
        world.execute(record)
    first, second = (
        parse(row.body) for row in world.events(record) if row.type in {"action.pending_approval", "action.denied"}
    )
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert second["ts"] == world.clock.at
    assert second["data"]["input"] != first["data"]["input"]  # type: ignore[index,call-overload]


def test_limits_are_not_charged_again(world: World) -> None:
    world.configure(edited("aaf.yaml", ("agent: {rate: 120/m, burst: 60}", "agent: {rate: 1/h, burst: 1}")))
    record = world.write()
    world.approve(record)
    assert world.execute(record).record.state is State.SUCCEEDED


@pytest.mark.parametrize("files", [DENY_WRITES, TWO_PEOPLE], ids=["deny", "back to people"])
def test_a_second_judgement_of_what_moved_on_meanwhile_records_nothing(world: World, files: dict[str, bytes]) -> None:
    record = approved(world)
    world.configure(files)
    bot, stale = world.bot, world.record(record)
    world.cancel(record)
    with world.unrecorded():
        assert world.run(clear(world.core, bot, stale, now=world.clock.at)) is None


@pytest.mark.parametrize("files", [DENY_WRITES, TWO_PEOPLE], ids=["deny", "back to people"])
def test_who_runs_what_was_cancelled_at_the_same_moment_is_told_so(world: World, files: dict[str, bytes]) -> None:
    record = approved(world)
    world.configure(files)
    world.hands.then("analyse", lambda: world.cancel(record))
    with refused(Code.ACTION_CLOSED, StateConflict):
        world.execute(record)
    assert world.hands.runs == 0


def test_a_second_judgement_that_met_a_new_configuration_is_made_under_it(either: World) -> None:
    record = approved(either)
    either.configure(TWO_PEOPLE)
    either.hands.then("dry_run", lambda: either.configure(FILES))
    assert either.execute(record).record.state is State.SUCCEEDED


def test_values_that_were_erased_cannot_be_judged_again(filed: World) -> None:
    record = approved(filed)
    with filed.sql() as database:
        database.execute("DELETE FROM data_key")
    filed.core.knowledge._known.clear()
    with refused(Code.STORE_UNAVAILABLE, Unavailable):
        filed.execute(record)
    assert filed.hands.runs == 0

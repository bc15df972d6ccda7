"""What people do with a held action, and what is refused to them."""

from typing import Any

import pytest

from aaf.domain.approval import ReviewVerdict
from aaf.domain.canonical import Json
from aaf.domain.errors import AafError, Code, InputRefused, NotFound, NotPermitted, StateConflict, Unavailable
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.ports import Commit, InsertSealed
from aaf.services import actions
from aaf.services.review import Answer, open_value, review, show, waiting
from tests.services.world import SECOND, World, diff_lines, edited, refused

LONG = "line\n" * 1_000
OTHER = "0" * 64


def shown(world: World, record: ActionRecord, by: str = "ann") -> dict[str, Json]:
    return world.run(show(world.core, world.caller(by), record.id)).view


def refusals(world: World, record: ActionRecord) -> list[str]:
    """The codes of the refused reviews of an action."""
    return [body["data"]["code"] for body in world.bodies("approval.review_refused") if body["about"] == record.id]


# --- seeing -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R36")
def test_a_reviewer_sees_type_target_parameters_reasons_and_the_effect(either: World) -> None:
    record = either.write("new\n")
    seen = either.run(show(either.core, either.caller("ann"), record.id))
    view = seen.view
    assert (view["type"], view["action"], view["digest"]) == ("files.write", record.id, record.digest)
    assert view["target"] == [["text", "a.txt", None]]
    text = str(view)
    assert "new" in text
    assert "Writing and deleting files need a person" in text
    assert "+new" in diff_lines(view)
    assert "-old" in diff_lines(view)
    assert (seen.may_review, seen.reviews, seen.opened) == (None, (), frozenset())


def test_approvals_waiting_are_listed_newest_first_and_by_page(world: World) -> None:
    records = [world.write(f"{number}") for number in range(3)]
    world.submit("files.read", {"path": "a.txt"})
    listed = world.run(waiting(world.core, world.caller("ann")))
    assert ([one.id for one in listed.records], listed.next) == ([one.id for one in reversed(records)], None)
    assert world.run(waiting(world.core, world.caller("ann"), before=records[1].id)).records == [records[0]]
    first = world.run(waiting(world.core, world.caller("ann"), limit=2))
    assert (len(first.records), first.next) == (2, records[1].id)


def test_a_page_from_which_something_was_left_out_still_says_where_the_next_begins(either: World) -> None:
    older, over = either.write(), either.payment("200.00")
    either.clock.advance(601)
    first = either.run(waiting(either.core, either.caller("ann"), limit=1))
    assert (first.records, first.next) == ([], over.id)
    assert either.run(waiting(either.core, either.caller("ann"), before=first.next, limit=1)).records == [older]


def test_what_is_over_is_not_listed_and_is_closed_on_the_way(either: World) -> None:
    record = either.write()
    either.clock.advance(901)
    assert either.run(waiting(either.core, either.caller("ann"))).records == []
    assert either.record(record).state is State.EXPIRED


def test_what_is_over_is_shown_as_over(world: World) -> None:
    record = world.write()
    world.clock.advance(901)
    assert world.run(show(world.core, world.caller("ann"), record.id)).record.state is State.EXPIRED


@pytest.mark.parametrize("name", ["bot", "looker"])
def test_who_may_not_see_approvals_sees_none(world: World, name: str) -> None:
    world.add("looker", Kind.USER, "viewer")
    record = world.write()
    for call in (
        waiting(world.core, world.caller(name)),
        show(world.core, world.caller(name), record.id),
        open_value(world.core, world.caller(name), record.id, 0),
    ):
        with refused(Code.PERMISSION_DENIED, NotPermitted):
            world.run(call)


def test_an_action_that_was_never_held_is_no_approval(world: World) -> None:
    record = world.submit("files.read", {"path": "a.txt"}).record
    for action in (record.id, "0195b3c4-0000-7000-8000-00000000dead"):
        with refused(Code.NOT_FOUND, NotFound):
            world.run(show(world.core, world.caller("ann"), action))


def test_a_declared_secret_is_masked_and_nothing_else_is(world: World) -> None:
    record = world.payment(
        "250.00",
    )
    record = world.submit("pay.send", {"to": "shop", "amount": "250.00", "pin": "PIN-4711"}).record
    text = str(shown(world, record))
    assert "PIN-4711" not in text
    assert "(secret)" in text
    assert "250.00" in text
    assert "shop" in text


# --- long values ------------------------------------------------------------------------------------------------------


def test_a_long_value_is_cut_until_it_is_opened_and_opening_is_recorded_once(either: World) -> None:
    record = either.write(LONG)
    assert record.long_values == 1
    assert LONG not in str(shown(either, record))
    for _ in range(2):
        row = either.run(open_value(either.core, either.caller("ann"), record.id, 0))
        assert (row["index"], row["hidden"], row["opened"]) == (0, 0, True)
    (body,) = either.bodies("approval.value_opened")
    assert body["data"] == {"index": 0, "round": 1, "view": record.view_digest}
    assert either.run(show(either.core, either.caller("ann"), record.id)).opened == {0}
    assert either.run(show(either.core, either.caller("ben"), record.id)).opened == frozenset()


def test_a_value_that_is_not_there_cannot_be_opened(world: World) -> None:
    record = world.write(LONG)
    for index in (1, -1):
        with refused(Code.NOT_FOUND, NotFound):
            world.run(open_value(world.core, world.caller("ann"), record.id, index))


def test_approving_needs_every_long_value_opened_and_rejecting_none(either: World) -> None:
    first, second = either.write(LONG), either.write(LONG)
    with refused(Code.UNOPENED_VALUES, StateConflict) as caught:
        either.approve(first)
    assert caught[0].hint.endswith(": 0.")
    assert refusals(either, first) == ["unopened_values"]
    assert either.reject(second).state is State.REJECTED
    either.run(open_value(either.core, either.caller("ben"), first.id, 0))
    with refused(Code.UNOPENED_VALUES):
        either.approve(first, by="ann")
    assert either.approve(first, by="ben").state is State.APPROVED


# --- answering --------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R36")
def test_one_approval_releases_and_is_recorded_with_who_and_what(either: World) -> None:
    record = either.write()
    approved = either.approve(record, reason="looks right")
    assert (approved.state, approved.deadline) == (State.APPROVED, either.clock.at + 900 * SECOND)
    (body,) = either.bodies("action.approved")
    ann = either.caller("ann").principal
    assert body["actor"] == ann.actor
    assert body["data"] == {
        "code": "ok",
        "credential": ann.credential,
        "digest": record.digest,
        "round": 1,
        "verdict": "approve",
        "view": record.view_digest,
    }
    assert list(body["commit"]) == ["reason"]
    assert either.content() == "old\n"


@pytest.mark.requirement("R36")
def test_a_rejection_ends_it_and_the_agent_reads_the_reason(either: World) -> None:
    record = either.write()
    rejected = either.reject(record, reason="wrong file")
    assert (rejected.state, rejected.code) == (State.REJECTED, Code.REJECTED_BY_REVIEWER)
    assert either.run(actions.see(either.core, either.bot, record.id)).rejection == "wrong file"
    (one,) = either.run(show(either.core, either.caller("ben"), record.id)).reviews
    assert (one.reason, one.verdict, one.reviewer) == (
        "wrong file",
        ReviewVerdict.REJECT,
        either.caller("ann").principal.id,
    )
    (body,) = either.bodies("action.rejected")
    assert body["final"] is True
    assert "wrong file" not in str(body)


def test_a_quorum_of_two_takes_two_people(either: World) -> None:
    record = either.payment("250.00")
    assert either.approve(record, reason="known").state is State.PENDING_APPROVAL
    assert either.types(record) == ["action.pending_approval", "approval.reviewed"]
    with refused(Code.ALREADY_REVIEWED, StateConflict):
        either.approve(record, reason="again")
    assert either.approve(record, by="ben", reason="known too").state is State.APPROVED
    reviews = either.run(show(either.core, either.caller("ann"), record.id)).reviews
    assert [one.reason for one in reviews] == ["known", "known too"]


def test_only_approvals_that_count_by_now_are_said_to_be_there(either: World) -> None:
    record, cem = either.payment("250.00"), either.add("cem", Kind.USER, "approver")

    def approved() -> tuple[int, ...]:
        return either.run(show(either.core, either.caller("ben"), record.id)).approved

    assert approved() == (0,)
    either.approve(record, reason="known")
    assert approved() == (1,)
    either.revoke("ann")
    assert approved() == (0,)
    either.approve(record, by=cem.principal.name, reason="known too")
    assert approved() == (1,)
    either.give_roles("cem", "viewer")
    assert approved() == (0,)
    either.reject(record, by="ben")
    assert approved() == (0,)


def test_two_keys_of_one_person_are_one_person(either: World) -> None:
    record = either.payment("250.00")
    either.approve(record, reason="r")
    either.add("ann", Kind.USER)
    with refused(Code.ALREADY_REVIEWED, StateConflict):
        either.approve(record, reason="r")


def test_one_rejection_ends_a_quorum(world: World) -> None:
    record = world.payment("250.00")
    world.approve(record, reason="r")
    assert world.reject(record, by="ben").state is State.REJECTED


def test_every_requirement_of_several_has_to_be_met(world: World) -> None:
    more = "  - name: also\n    match: {tool: shell}\n    decision: require_approval\n    approval: {approvers: [role:admin]}\n"
    world.configure(edited("aaf.yaml", ("approvals: {app", more + "\napprovals: {app")))
    record = world.command()
    assert world.approve(record, by="ann").state is State.PENDING_APPROVAL
    assert world.approve(record, by="admin").state is State.APPROVED


def test_nobody_reviews_what_they_asked_for(either: World) -> None:
    record = either.write(by="admin")
    with refused(Code.OWN_REQUEST, NotPermitted):
        either.approve(record, by="admin")
    with refused(Code.OWN_REQUEST, NotPermitted):
        either.reject(record, by="admin")
    assert refusals(either, record) == ["own_request", "own_request"]
    assert either.run(show(either.core, either.admin, record.id)).may_review is Code.OWN_REQUEST
    assert either.approve(record, by="ann").state is State.APPROVED


def test_who_the_rule_does_not_name_may_not_review(world: World) -> None:
    record = world.payment("250.00")
    with refused(Code.REVIEWER_NOT_ELIGIBLE, NotPermitted) as caught:
        world.approve(record, by="admin", reason="r")
    assert caught[0].hint == "Reviewers of this request: role:approver."
    assert refusals(world, record) == ["reviewer_not_eligible"]


@pytest.mark.parametrize("roles", [("viewer",), ("auditor",)])
def test_who_has_no_right_to_review_may_not(world: World, roles: tuple[str, ...]) -> None:
    world.add("looker", Kind.USER, *roles)
    record = world.write()
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        world.approve(record, by="looker")
    assert refusals(world, record) == ["permission_denied"]


@pytest.mark.parametrize("kind", [Kind.AGENT, Kind.SERVICE])
def test_no_role_makes_an_agent_or_a_service_a_reviewer(world: World, kind: Kind) -> None:
    world.add("robot", kind, "approver")
    record = world.write()
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        world.approve(record, by="robot")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"digest": OTHER}, Code.DIGEST_MISMATCH),
        ({"digest": "é"}, Code.DIGEST_MISMATCH),
        ({"view": OTHER}, Code.VIEW_CHANGED),
    ],
)
def test_an_answer_to_something_else_is_refused(world: World, given: dict[str, str], code: Code) -> None:
    record = world.write()
    with refused(code, StateConflict):
        world.answer(record, **given)  # type: ignore[arg-type]
    assert refusals(world, record) == [code]
    assert world.record(record).state is State.PENDING_APPROVAL


@pytest.mark.parametrize("view", ["", OTHER])
def test_an_answer_without_the_view_is_refused(world: World, view: str) -> None:
    record = world.write()
    given = Answer(record.id, ReviewVerdict.APPROVE, record.digest, view)
    with refused(Code.VIEW_CHANGED, StateConflict):
        world.run(review(world.core, world.caller("ann"), given))


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_rejection_has_a_reason(world: World, reason: str) -> None:
    record = world.write()
    with world.unrecorded(), refused(Code.REASON_REQUIRED, InputRefused):
        world.reject(record, reason=reason)


def test_an_approval_has_a_reason_where_the_rule_asks_for_one(world: World) -> None:
    record = world.payment("250.00")
    with refused(Code.REASON_REQUIRED, InputRefused):
        world.approve(record)
    world.approve(record, reason="r")


def test_a_reason_has_at_most_a_thousand_characters(world: World) -> None:
    record = world.write()
    with refused(Code.VALUE_TOO_LONG, InputRefused):
        world.approve(record, reason="x" * 1_001)
    assert world.approve(record, reason="x" * 1_000).state is State.APPROVED


def test_a_late_answer_is_refused_and_the_request_closed(either: World) -> None:
    record = either.write()
    either.clock.advance(900)
    other = either.write()
    either.clock.advance(0.000001)
    with refused(Code.DEADLINE_PASSED, StateConflict):
        either.approve(record)
    assert either.record(record).state is State.EXPIRED
    assert either.types(record) == ["action.pending_approval", "action.expired", "approval.review_refused"]
    assert either.approve(other).state is State.APPROVED


def test_an_answer_at_the_deadline_counts(world: World) -> None:
    record = world.write()
    world.clock.advance(900)
    assert world.approve(record).state is State.APPROVED


def test_time_that_ran_out_between_the_look_and_the_commit_is_found_in_the_store(either: World) -> None:
    record = either.write()
    either.clock.advance(900)
    either.ids.then("salt", lambda: either.clock.advance(1))
    with refused(Code.DEADLINE_PASSED, StateConflict):
        either.approve(record)
    assert either.record(record).state is State.EXPIRED


@pytest.mark.parametrize("first", ["approve", "reject", "cancel"])
def test_who_comes_after_the_final_answer_is_told(either: World, first: str) -> None:
    record = either.write()
    match first:
        case "approve":
            either.approve(record)
        case "reject":
            either.reject(record)
        case _:
            either.run(actions.cancel(either.core, either.bot, record.id))
    with refused(Code.ALREADY_DECIDED, StateConflict):
        either.reject(record, by="ben")
    assert refusals(either, record) == ["already_decided"]


def test_of_two_final_answers_at_the_same_moment_the_first_counts(either: World) -> None:
    record = either.write()
    either.ids.then("salt", lambda: either.reject(record, by="ben"))
    with refused(Code.ALREADY_DECIDED, StateConflict):
        either.approve(record)
    assert either.record(record).state is State.REJECTED
    assert either.types(record)[:2] == ["action.pending_approval", "action.rejected"]


def test_two_approvals_of_a_quorum_at_the_same_moment_both_count(either: World) -> None:
    record = either.payment("250.00")
    either.ids.then("salt", lambda: either.approve(record, by="ben", reason="r"))
    assert either.approve(record, reason="r").state is State.APPROVED
    assert either.types(record) == ["action.pending_approval", "approval.reviewed", "action.approved"]


def test_a_reviewer_who_is_revoked_meanwhile_does_not_count(world: World) -> None:
    record = world.write()
    ann = world.caller("ann")
    world.ids.then("salt", lambda: world.revoke("ann"))
    with refused(Code.REVOKED_CREDENTIAL):
        world.run(
            review(world.core, ann, Answer(record.id, ReviewVerdict.APPROVE, record.digest, record.view_digest or ""))
        )
    assert world.record(record).state is State.PENDING_APPROVAL


def test_a_reviewer_whose_role_is_taken_meanwhile_does_not_count(either: World) -> None:
    record = either.write()
    either.ids.then("salt", lambda: either.give_roles("ann", "viewer"))
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        either.approve(record)
    assert either.record(record).state is State.PENDING_APPROVAL


def test_a_review_by_somebody_who_lost_the_role_fills_no_quorum(either: World) -> None:
    either.add("cem", Kind.USER, "approver")
    record = either.payment("250.00")
    either.approve(record, reason="r")
    either.give_roles("ann", "viewer")
    assert either.approve(record, by="ben", reason="r").state is State.PENDING_APPROVAL
    assert either.approve(record, by="cem", reason="r").state is State.APPROVED


def test_three_changes_are_too_many(world: World) -> None:
    record = world.write()
    world.ids.always("salt", world.raise_epoch)
    with refused(Code.STORE_CONFLICT, Unavailable):
        world.approve(record)
    world.ids.never()
    assert world.record(record).state is State.PENDING_APPROVAL


@pytest.mark.parametrize("call", ["review", "show", "open"])
def test_an_unknown_action_is_no_approval(world: World, call: str) -> None:
    missing = "0195b3c4-0000-7000-8000-00000000dead"
    made: dict[str, Any] = {
        "review": lambda: review(world.core, world.caller("ann"), Answer(missing, ReviewVerdict.APPROVE, OTHER, OTHER)),
        "show": lambda: show(world.core, world.caller("ann"), missing),
        "open": lambda: open_value(world.core, world.caller("ann"), missing, 0),
    }
    with refused(Code.NOT_FOUND, NotFound):
        world.run(made[call]())


def test_a_view_that_was_erased_cannot_be_approved_by_what_is_shown(filed: World) -> None:
    record = filed.write()
    with filed.sql() as database:
        database.execute("DELETE FROM sealed WHERE name = 'view'")
    with refused(Code.STORE_UNAVAILABLE, Unavailable):
        shown(filed, record)


def test_a_sealed_value_of_another_form_is_not_shown(world: World) -> None:
    record = world.write()
    key = world.run(world.store.data_key_of(world.org, record.agent))
    assert key is not None
    wrong = world.core.vault.seal(key, owner=record.id, name="view", plaintext=b"[]")
    world.run(world.store.commit(Commit(world.org, (InsertSealed(wrong),), ())))
    with refused(Code.STORE_UNAVAILABLE, Unavailable):
        shown(world, record)


def test_a_sealed_value_that_was_moved_or_changed_does_not_open(filed: World) -> None:
    first, second = filed.write("x"), filed.write("y")
    with filed.sql() as database:
        database.execute(
            "UPDATE sealed SET (nonce, ciphertext) = (SELECT nonce, ciphertext FROM sealed WHERE owner = ? AND name = 'view')"
            " WHERE owner = ? AND name = 'view'",
            (second.id, first.id),
        )
    with refused(Code.STORE_UNAVAILABLE, AafError):
        shown(filed, first)

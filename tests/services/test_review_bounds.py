"""What nobody could review isn't held: a length limit denies."""

from typing import Any

import pytest

from aaf.domain.errors import Code, StateConflict
from aaf.domain.states import State
from aaf.services.judging import MAX_ROWS, MAX_SHOWN
from aaf.services.review import show
from tests.services.world import World, edited, refused


@pytest.mark.attack(
    "G11", guard="aaf.services.judging:more_than_can_be_reviewed", without="tests.attacks.without:returns_false"
)
@pytest.mark.parametrize("content", ["x" * MAX_SHOWN, "\u202e" * (MAX_SHOWN // 3)])
def test_more_text_than_anybody_reads_is_denied_not_held(world: World, content: str) -> None:
    record = world.submit("files.write", {"path": "a.txt", "content": content}).record
    assert (record.state, record.code) == (State.DENIED, Code.VALUE_TOO_LONG)


@pytest.mark.attack(
    "G40", guard="aaf.services.judging:more_than_can_be_reviewed", without="tests.attacks.without:returns_false"
)
def test_more_rows_than_anybody_reads_are_denied_not_held(world: World) -> None:
    context: dict[str, Any] = {"lists": [[]] * MAX_ROWS}
    record = world.submit("files.write", {"path": "a.txt", "content": "x"}, context=context).record
    assert (record.state, record.code) == (State.DENIED, Code.VALUE_TOO_LONG)


def test_what_can_be_reviewed_is_held(world: World) -> None:
    context: dict[str, Any] = {"lists": [1] * (MAX_ROWS - 4)}
    assert (
        world.submit("files.write", {"path": "a.txt", "content": "x"}, context=context).record.state
        is State.PENDING_APPROVAL
    )


def test_a_long_text_that_is_allowed_is_not_the_reviewers_business(world: World) -> None:
    files = edited("actions/pay.send.yaml", ("to: {type: string, maxLength: 5000}", "to: {type: string}"))
    world.configure(files)
    record = world.submit("pay.send", {"to": "x" * MAX_SHOWN, "amount": "20.00"}).record
    assert record.state is State.ALLOWED


def test_a_context_that_is_too_long_is_a_deny_with_its_place(world: World) -> None:
    submitted = world.submit("files.read", {"path": "a.txt"}, context={"story": "x" * 70_000})
    assert (submitted.record.state, submitted.record.code) == (State.DENIED, Code.VALUE_TOO_LONG)
    assert [fault["path"] for fault in submitted.faults] == ["$.context"]


def test_an_answer_to_one_round_is_none_to_the_next(world: World) -> None:
    record = world.approve(world.write("new\n"))
    first = record.view_digest
    (world.workspace / "a.txt").write_text("changed\n")
    with refused(Code.EFFECT_CHANGED, StateConflict):
        world.execute(record)
    (world.workspace / "a.txt").write_text("old\n")
    again = world.record(record)
    assert again.view_digest != first
    view: Any = world.run(show(world.core, world.caller("ann"), record.id)).view
    assert view["round"] == 2


@pytest.mark.attack("G12", guard="aaf.services.holding:_shown", without="tests.attacks.permissive:whole_effect")
def test_a_declared_secret_is_not_in_the_diff_either(world: World) -> None:
    files = edited(
        "actions/files.write.yaml", ("targets: [params.path]", "targets: [params.path]\nsecret: [params.content]")
    )
    world.configure(files)
    record = world.submit("files.write", {"path": "a.txt", "content": "PIN-4711\n"}).record
    assert record.state is State.PENDING_APPROVAL
    view: Any = world.run(show(world.core, world.caller("ann"), record.id)).view
    assert "4711" not in str(view)
    assert view["effect"]["diff"] is None

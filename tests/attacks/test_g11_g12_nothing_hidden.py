"""G11, G12: a value too long to show, and masks where an approver has to see."""

import pytest

from aaf.domain.errors import Code, ConfigurationInvalid, StateConflict
from aaf.domain.states import State
from aaf.services.review import open_value, show
from tests.services.world import World, edited, refused


@pytest.mark.attack("G11", guard="aaf.services.review:_check_opened")
def test_a_long_value_is_not_approved_unopened(either: World) -> None:
    record = either.write("harmless\n" * 500 + "rm -rf /\n")
    assert "rm -rf" not in str(either.run(show(either.core, either.caller("ann"), record.id)).view["params"])
    with refused(Code.UNOPENED_VALUES, StateConflict):
        either.approve(record)
    row = either.run(open_value(either.core, either.caller("ann"), record.id, 0))
    assert "rm -rf" in str(row["segments"])
    assert either.approve(record).state is State.APPROVED


@pytest.mark.attack("G11")
def test_a_change_that_nobody_can_be_asked_to_read_is_denied(world: World) -> None:
    record = world.submit("files.write", {"path": "a.txt", "content": "line\n" * 60_000}).record
    assert (record.state, record.code) == (State.DENIED, Code.VALUE_TOO_LONG)


@pytest.mark.attack("G12", guard="aaf.policy.catalogue:_steps", without="tests.attacks.without:returns_empty_tuple")
@pytest.mark.parametrize("path", ["params.to", "params.amount", "params.currency"])
def test_no_target_and_no_amount_can_be_declared_secret(world: World, path: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        world.configure(edited("actions/pay.send.yaml", ("secret: [params.pin]", f"secret: [params.pin, {path}]")))
    assert "an approver must see" in str(caught.value)

"""G16, G17: who approves, and how that is known."""

import pytest

from aaf.domain.errors import Code, InputRefused, NotAuthenticated, NotPermitted
from aaf.domain.principal import Kind
from aaf.domain.states import State
from aaf.services.access import authenticate
from aaf.services.forming import read_submission
from tests.services.world import World, refused

PART = "owners and delegation come later"


@pytest.mark.attack("G16", guard="aaf.domain.approval:review_refusal", part=PART)
def test_nobody_approves_what_they_asked_for(either: World) -> None:
    record = either.write(by="admin")
    with refused(Code.OWN_REQUEST, NotPermitted):
        either.approve(record, by="admin")
    assert either.record(record).state is State.PENDING_APPROVAL
    assert either.types(record)[-1] == "approval.review_refused"


@pytest.mark.attack("G16", part=PART)
def test_one_person_with_two_keys_fills_no_quorum(world: World) -> None:
    record = world.payment("250.00")
    world.approve(record, reason="r")
    world.add("ann", Kind.USER)
    with refused(Code.ALREADY_REVIEWED):
        world.approve(record, reason="r")
    assert world.record(record).state is State.PENDING_APPROVAL


@pytest.mark.attack("G17", guard=("aaf.services.access:require", "aaf.domain.approval:review_refusal"))
@pytest.mark.parametrize("kind", [Kind.AGENT, Kind.SERVICE])
def test_an_agent_with_a_person_s_role_is_no_person(either: World, kind: Kind) -> None:
    either.add("robot", kind, "approver")
    record = either.write()
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        either.approve(record, by="robot")
    assert either.record(record).state is State.PENDING_APPROVAL


@pytest.mark.attack("G17", guard="aaf.services.access:_check_claimed")
def test_a_key_that_claims_to_be_somebody_else_is_nobody(either: World) -> None:
    for name in ("ann", either.keys["ann"].principal):
        with refused(Code.AGENT_MISMATCH, NotAuthenticated):
            either.run(authenticate(either.core, key=either.secrets["bot"], agent=name, source="192.0.2.7"))


@pytest.mark.attack("G17", guard="aaf.services.forming:_FIELDS", without="tests.attacks.permissive:all_of_them")
@pytest.mark.parametrize("field", ["agent", "agent_id", "approver", "approved_by", "org", "roles"])
def test_a_body_cannot_say_who_asks_or_who_approved(field: str) -> None:
    with refused(Code.UNKNOWN_FIELD, InputRefused):
        read_submission({"action": "files.read", "params": {}, field: "ann"})

"""G37: an agent that asserts its own authority."""

import pytest

from aaf.domain.errors import Code, InputRefused, NotAuthenticated
from aaf.domain.principal import Kind
from aaf.domain.states import State
from aaf.services.access import authenticate
from aaf.services.forming import read_submission
from tests.services.world import World, edited, refused


@pytest.mark.attack("G37", guard="aaf.domain.reserved:asserts_authority", without="tests.attacks.without:returns_false")
@pytest.mark.parametrize(
    "key",
    [
        "pre_approved",
        "PRE_APPROVED",
        "approved",
        "approved_by",
        "role",
        "roles",
        "Role_Admin",
        "owner",
        "aaf",
        "aaf.release",
    ],
)
def test_context_that_claims_authority_is_refused(key: str) -> None:
    with refused(Code.RESERVED_CONTEXT_KEY, InputRefused) as caught:
        read_submission({"action": "files.read", "params": {}, "context": {key: True}})
    assert caught[0].path == "$.context"


@pytest.mark.attack("G37", guard="aaf.services.access:_check_claimed")
def test_an_agent_is_who_its_key_says(either: World) -> None:
    either.add("bot2", Kind.AGENT)
    for name in ("bot2", either.keys["bot2"].principal):
        with refused(Code.AGENT_MISMATCH, NotAuthenticated):
            either.run(authenticate(either.core, key=either.secrets["bot"], agent=name, source="192.0.2.7"))


@pytest.mark.attack("G37")
def test_context_does_not_change_what_a_rule_without_it_says(world: World) -> None:
    record = world.submit(
        "files.write", {"path": "a.txt", "content": "x"}, context={"urgent": True, "user": "admin"}
    ).record
    assert record.state is State.PENDING_APPROVAL


@pytest.mark.attack("G37")
def test_the_input_of_a_rule_names_the_key_s_own_agent_and_roles(world: World) -> None:
    rule = "  - name: no-bot\n    match: {tool: files, role: agent}\n    decision: deny\n\napprovals: {app"
    world.configure(edited("aaf.yaml", ("\napprovals: {app", rule)))
    assert world.submit("files.read", {"path": "a.txt"}, context={"agent": "admin"}).record.state is State.DENIED

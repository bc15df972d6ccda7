"""Roles of an organisation's own bind under the release that is active, at every check, and never make an agent a person."""

import pytest

from aaf.domain.errors import Code, InputRefused, NotPermitted, StateConflict
from aaf.domain.principal import ADMIN_ONLY, PEOPLE_ONLY, Kind, Permission
from aaf.domain.states import State
from aaf.services import actions
from aaf.services.access import KeyWanted, create_key, list_keys, require
from tests.services.world import World, edited, refused

TREASURER = "roles: {treasurer: [org:approval:read, org:approval:review, org:action:read], reader: [org:key:read]}\n"
OWN = edited(
    "aaf.yaml",
    ("limits:\n", f"{TREASURER}\nlimits:\n"),
    (
        "operation: [write, delete]}\n    decision: require_approval",
        "operation: [write, delete]}\n    decision: require_approval\n    approval: {approvers: [role:treasurer]}",
    ),
)
# Nobody could approve as treasurer under this one, so its rule asks approvers.
LESS = edited(
    "aaf.yaml",
    ("org:approval:review, org:action:read", "org:action:read"),
    ("[role:treasurer]", "[role:approver]"),
    files=OWN,
)


def test_people_are_given_a_role_of_the_active_release_and_may_what_it_grants(either: World) -> None:
    with refused(Code.WRONG_TYPE, InputRefused) as before:
        either.add("tess", Kind.USER, "treasurer")
    assert "treasurer" not in before[0].hint
    either.configure(OWN)
    tess = either.add("tess", Kind.USER, "treasurer")
    record = either.write()

    assert either.run(actions.see(either.core, tess, record.id)).record.id == record.id
    done = either.approve(record, by="tess")
    assert done.state is State.APPROVED
    assert either.execute(done).record.state is State.SUCCEEDED


def test_an_approver_of_another_role_is_not_eligible(world: World) -> None:
    world.configure(OWN)
    with refused(Code.REVIEWER_NOT_ELIGIBLE, NotPermitted):
        world.approve(world.write(), by="ann")


def test_what_a_role_no_longer_grants_ends_at_once_and_its_reviews_stop_counting(either: World) -> None:
    either.configure(OWN)
    either.add("tess", Kind.USER, "treasurer")
    waiting, approved = either.write("one\n"), either.approve(either.write("two\n"), by="tess")

    either.configure(LESS)

    with refused(Code.PERMISSION_DENIED, NotPermitted):
        either.approve(waiting, by="tess")
    with refused(Code.REQUIREMENT_CHANGED, StateConflict):
        either.execute(approved)
    assert either.hands.runs == 0


def test_a_role_that_is_gone_grants_nothing(world: World) -> None:
    start = world.caller("admin")
    world.configure(OWN)
    world.add("rea", Kind.USER, "reader")
    assert world.run(list_keys(world.core, world.caller("rea")))

    world.configure(edited("aaf.yaml", ("org:key:read", "org:action:read"), files=OWN))

    with refused(Code.PERMISSION_DENIED, NotPermitted):
        world.run(list_keys(world.core, world.caller("rea")))
    with refused(Code.WRONG_TYPE, InputRefused):
        world.run(create_key(world.core, start, KeyWanted("x", Kind.USER, ("no-such",))))


@pytest.mark.attack("G16", part="a role of its own makes no agent a reviewer")
@pytest.mark.parametrize("kind", [Kind.AGENT, Kind.SERVICE])
def test_no_role_gives_an_agent_or_a_service_what_only_people_may(world: World, kind: Kind) -> None:
    every = ", ".join(sorted(PEOPLE_ONLY - ADMIN_ONLY))
    world.configure(edited("aaf.yaml", ("org:approval:read, org:approval:review, org:action:read", every), files=OWN))
    robot = world.add("robot", kind, "agent", "treasurer", "reader")

    for permission in PEOPLE_ONLY:
        assert not robot.principal.may(permission)
        with refused(Code.PERMISSION_DENIED, NotPermitted):
            require(robot, permission)
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        world.approve(world.write(), by="robot")
    # What people and agents share, its role does give it.
    assert robot.principal.may(Permission.ORG_KEY_READ)


def test_a_rule_can_ask_for_a_role_of_its_own(world: World) -> None:
    rule = "  - {name: readers-run-nothing, match: {tool: shell, role: reader}, decision: deny}\n\napprovals:"
    world.configure(edited("aaf.yaml", ("\napprovals:", rule), files=OWN))
    world.add("rob", Kind.AGENT, "agent", "reader")

    assert world.submit("shell.run", {"command": "ls"}, by="rob").record.state is State.DENIED
    assert world.command().state is State.PENDING_APPROVAL

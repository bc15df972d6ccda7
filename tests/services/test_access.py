"""Keys: who is asking, and what ends when a key does."""

import pytest

from aaf.domain.api_key import make_key
from aaf.domain.errors import Code, InputRefused, NotAuthenticated, NotFound, NotPermitted, StateConflict
from aaf.domain.principal import Kind, Permission
from aaf.services.access import (
    KeyWanted,
    authenticate,
    create_key,
    first_key,
    list_keys,
    public_code,
    recovery_key,
    require,
    revoke_key,
)
from aaf.services.core import Caller
from aaf.services.forming import read_submission
from aaf.services.recovery import let_go
from aaf.services.submit import submit
from tests.services.world import SECOND, World, refused

MINUTE = 60


def knock(world: World, key: str | None, *, agent: str | None = None, source: str = "192.0.2.7") -> None:
    world.run(authenticate(world.core, key=key, agent=agent, source=source))


def test_a_new_key_is_its_principal_s_and_is_shown_once(either: World) -> None:
    made = either.run(create_key(either.core, either.admin, KeyWanted("helper", Kind.AGENT)))
    caller = either.run(authenticate(either.core, key=made.secret, agent=None, source="x"))
    assert (caller.principal.id, caller.principal.kind) == (made.principal.id, Kind.AGENT)
    assert caller.principal.roles == {"agent"}
    assert caller.principal.credential == made.record.id
    assert made.secret not in str(either.run(list_keys(either.core, either.admin)))
    assert made.secret.encode() not in b"".join(row.body for row in either.events())


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (None, Code.MISSING_CREDENTIAL),
        ("", Code.MISSING_CREDENTIAL),
        ("aaf_live_nonsense", Code.INVALID_CREDENTIAL),
        (make_key(bytes(32)), Code.INVALID_CREDENTIAL),
    ],
)
def test_no_key_a_misspelt_one_and_an_unknown_one_are_refused(world: World, key: str | None, code: Code) -> None:
    with refused(code, NotAuthenticated):
        knock(world, key)
    (body,) = world.bodies("access.refused", world.core.installation)
    assert (body["data"], body["actor"]) == ({"code": code, "source": "192.0.2.7"}, "anonymous")


def test_every_refusal_of_a_sent_key_reads_the_same(world: World) -> None:
    world.add("other", Kind.AGENT, lifetime=MINUTE)
    world.add("gone", Kind.AGENT)
    world.revoke("gone")
    said = set()
    for key, agent, after, code in (
        (make_key(bytes(32)), None, 0, Code.INVALID_CREDENTIAL),
        (world.secrets["gone"], None, 0, Code.REVOKED_CREDENTIAL),
        (world.secrets["bot"], "other", 0, Code.AGENT_MISMATCH),
        (world.secrets["other"], None, MINUTE, Code.EXPIRED_CREDENTIAL),
    ):
        world.clock.advance(after)
        with refused(code, NotAuthenticated) as caught:
            knock(world, key, agent=agent)
        said.add((caught[0].message, caught[0].hint, public_code(caught[0])))
    assert len(said) == 1
    assert said.pop()[2] is Code.INVALID_CREDENTIAL


def test_that_no_key_was_sent_may_be_said(world: World) -> None:
    with refused(Code.MISSING_CREDENTIAL) as caught:
        knock(world, None)
    assert public_code(caught[0]) is Code.MISSING_CREDENTIAL


def test_a_key_lives_exactly_as_long_as_was_said(world: World) -> None:
    world.add("brief", Kind.AGENT, lifetime=MINUTE)
    world.clock.advance(MINUTE - 0.000001)
    world.caller("brief")
    world.clock.advance(0.000001)
    with refused(Code.EXPIRED_CREDENTIAL):
        world.caller("brief")


def test_an_agent_may_name_itself_by_id_or_name_and_nobody_else(world: World) -> None:
    for name in (world.bot.principal.id, "bot"):
        knock(world, world.secrets["bot"], agent=name)
    for name in (world.caller("ann").principal.id, "ann", "admin", ""):
        with refused(Code.AGENT_MISMATCH, NotAuthenticated):
            knock(world, world.secrets["bot"], agent=name)


def test_a_revoked_key_ends_at_once_in_every_process(filed: World) -> None:
    twin = filed.twin()
    twin.caller("bot")
    filed.revoke("bot")
    for each in (filed, twin):
        with refused(Code.REVOKED_CREDENTIAL, NotAuthenticated):
            each.caller("bot")
    twin.close()


def test_what_was_known_last_is_enough_only_until_the_commit_finds_it_out(filed: World) -> None:
    twin = filed.twin()

    def known_last() -> Caller:
        call = authenticate(twin.core, key=filed.secrets["bot"], agent=None, source="x", fresh=False)
        return twin.run(call)

    read = read_submission({"action": "files.read", "params": {"path": "a.txt"}})
    assert known_last().known is known_last().known
    filed.revoke("bot")
    bot = known_last()
    with refused(Code.REVOKED_CREDENTIAL, NotAuthenticated):
        twin.run(submit(twin.core, bot, read))
    assert filed.types()[-1] == "access.refused"
    assert filed.run(filed.store.actions(filed.org)) == []
    with refused(Code.REVOKED_CREDENTIAL, NotAuthenticated):
        known_last()
    twin.close()


def test_a_key_that_was_never_known_is_looked_up(world: World) -> None:
    call = authenticate(world.core, key=make_key(bytes(32)), agent=None, source="x", fresh=False)
    with refused(Code.INVALID_CREDENTIAL, NotAuthenticated):
        world.run(call)


def test_after_a_recovery_the_first_administrator_gets_another_key(world: World) -> None:
    person = world.keys["admin"].principal
    world.run(let_go(world.core, reason="the backup of Monday"))
    made = world.run(recovery_key(world.core, org=world.org, name="admin"))
    assert made.principal.id == person
    world.secrets["admin"] = made.secret
    assert world.admin.principal.id == person


def test_an_administrator_who_is_made_twice_at_once_after_a_recovery_is_made_once(world: World) -> None:
    make = first_key(world.core, org=world.org, name="second")
    assert world.run(make) is None
    world.ids.then("id", lambda: world.add("other", Kind.USER, "admin"))
    with refused(Code.STORE_CONFLICT, StateConflict):
        world.run(recovery_key(world.core, org=world.org, name="other"))


def test_what_was_authenticated_before_a_revocation_does_nothing_after_it(world: World) -> None:
    bot = world.bot
    world.revoke("bot")
    with refused(Code.REVOKED_CREDENTIAL, NotAuthenticated):
        world.run(bot.again(world.core))


def test_revoking_is_recorded_and_happens_once(either: World) -> None:
    either.revoke("bot")
    (body,) = either.bodies("key.revoked")
    assert body["data"] == {"key": either.keys["bot"].id, "principal": either.keys["bot"].principal}
    assert body["actor"] == either.admin.principal.actor
    with refused(Code.REVOKED_CREDENTIAL, StateConflict):
        either.revoke("bot")


def test_an_unknown_key_cannot_be_revoked(world: World) -> None:
    with refused(Code.NOT_FOUND, NotFound):
        world.run(revoke_key(world.core, world.admin, "0195b3c4-0000-7000-8000-00000000dead"))


@pytest.mark.parametrize("who", ["bot", "ann"])
def test_only_administrators_make_list_and_revoke_keys(world: World, who: str) -> None:
    caller = world.caller(who)
    with world.unrecorded():
        for call in (
            create_key(world.core, caller, KeyWanted("mine", Kind.USER, ("admin",))),
            list_keys(world.core, caller),
            revoke_key(world.core, caller, world.keys["ben"].id),
        ):
            with refused(Code.PERMISSION_DENIED, NotPermitted):
                world.run(call)


def test_require_names_what_it_takes(world: World) -> None:
    with refused(Code.PERMISSION_DENIED, NotPermitted) as caught:
        require(world.bot, Permission.ORG_AUDIT_READ, Permission.ORG_PROOF_READ)
    assert caught[0].hint == "It takes the permission org:audit:read or org:proof:read."


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        (KeyWanted("", Kind.AGENT), "$.name"),
        (KeyWanted("   ", Kind.AGENT), "$.name"),
        (KeyWanted("bot ", Kind.AGENT), "$.name"),
        (KeyWanted("\N{NO-BREAK SPACE}bot", Kind.AGENT), "$.name"),
        (KeyWanted("x" * 121, Kind.AGENT), "$.name"),
        (KeyWanted("a\x1b[2Jb", Kind.AGENT), "$.name"),
        (KeyWanted("x", Kind.USER), "$.roles"),
        (KeyWanted("x", Kind.USER, ("emperor",)), "$.roles"),
        (KeyWanted("x", Kind.AGENT, ("agent", "emperor")), "$.roles"),
        (KeyWanted("x", Kind.AGENT, lifetime=0), "$.lifetime"),
        (KeyWanted("x", Kind.AGENT, lifetime=-1), "$.lifetime"),
        (KeyWanted("x", Kind.AGENT, lifetime=10**13), "$.lifetime"),
    ],
)
def test_a_name_a_role_or_a_lifetime_that_makes_no_sense_makes_no_key(
    world: World, wanted: KeyWanted, path: str
) -> None:
    with world.unrecorded(), refused(Code.WRONG_TYPE, InputRefused) as caught:
        world.run(create_key(world.core, world.admin, wanted))
    assert caught[0].path == path


def test_a_key_is_nobody_s_name(world: World) -> None:
    with world.unrecorded(), refused(Code.SECRET_DETECTED, InputRefused) as caught:
        world.run(create_key(world.core, world.admin, KeyWanted(world.secrets["bot"], Kind.AGENT)))
    assert world.secrets["bot"] not in str(caught[0]) + caught[0].hint


def test_a_second_key_of_the_same_name_is_the_same_principal_s(world: World) -> None:
    first, second = world.bot, world.add("bot", Kind.AGENT)
    assert first.principal.id == second.principal.id
    assert first.principal.credential != second.principal.credential
    assert world.add("ann", Kind.USER, "approver").principal.id == world.keys["ann"].principal
    assert len([key for key, owner in world.run(list_keys(world.core, world.admin)) if owner.name == "bot"]) == 2


def test_another_kind_of_the_same_name_is_somebody_else(world: World) -> None:
    person, agent = world.keys["ann"].principal, world.add("ann", Kind.AGENT).principal.id
    assert person != agent


def test_a_key_cannot_bring_its_principal_other_roles(world: World) -> None:
    with refused(Code.WRONG_TYPE, StateConflict) as caught:
        world.add("ann", Kind.USER, "admin")
    assert "approver" in caught[0].hint


def test_two_first_keys_are_never_made(world: World) -> None:
    assert world.run(first_key(world.core, org=world.org, name="admin")) is None


def test_keys_made_at_the_same_moment_are_made_one_after_another(world: World) -> None:
    admin = world.admin
    world.ids.then("id", lambda: world.add("faster", Kind.AGENT))
    made = world.run(create_key(world.core, admin, KeyWanted("slower", Kind.AGENT)))
    assert made.principal.name == "slower"
    names = [owner.name for _, owner in world.run(list_keys(world.core, world.admin))]
    assert names.count("faster") == names.count("slower") == 1


def test_an_administrator_who_is_revoked_meanwhile_makes_no_key(world: World) -> None:
    world.add("second", Kind.USER, "admin")
    second = world.caller("second")
    world.ids.then("id", lambda: world.revoke("second"))
    with refused(Code.REVOKED_CREDENTIAL, NotAuthenticated):
        world.run(create_key(world.core, second, KeyWanted("backdoor", Kind.USER, ("admin",))))
    assert "backdoor" not in [owner.name for _, owner in world.run(list_keys(world.core, world.admin))]


def test_a_key_that_meets_a_change_three_times_is_not_made(world: World) -> None:
    admin = world.admin
    world.ids.always("id", world.raise_epoch)
    with refused(Code.STORE_CONFLICT, StateConflict):
        world.run(create_key(world.core, admin, KeyWanted("late", Kind.AGENT)))
    assert "late" not in [owner.name for _, owner in world.run(list_keys(world.core, world.admin))]


def test_a_revocation_that_meets_a_change_is_made_all_the_same(world: World) -> None:
    admin = world.admin
    world.ids.then("id", lambda: world.add("faster", Kind.AGENT))
    world.run(revoke_key(world.core, admin, world.keys["bot"].id))
    with refused(Code.REVOKED_CREDENTIAL):
        world.caller("bot")


def test_a_revocation_that_meets_a_change_three_times_says_so(world: World) -> None:
    admin = world.admin
    world.ids.always("id", world.raise_epoch)
    with refused(Code.STORE_CONFLICT, StateConflict):
        world.run(revoke_key(world.core, admin, world.keys["bot"].id))
    world.caller("bot")


def test_keys_are_listed_oldest_first_with_revoked_ones(world: World) -> None:
    world.clock.advance(1)
    world.add("late", Kind.SERVICE)
    world.revoke("bot")
    listed = world.run(list_keys(world.core, world.admin))
    assert listed[-1][1].name == "late"
    assert {key.id for key, _ in listed if key.revoked_at is not None} == {world.keys["bot"].id}
    assert listed[0][0].created_at + SECOND == listed[-1][0].created_at

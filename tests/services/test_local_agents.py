"""Agents that live in the firewall's process: made once, shut out for good, never in place of one that has a key."""

from dataclasses import replace

import pytest

from aaf.domain.errors import Code, ConnectorFailed, InputRefused, NotAuthenticated, Unavailable
from aaf.domain.instants import instant
from aaf.domain.principal import Kind
from aaf.domain.redaction import Values
from aaf.ports import Conflict, ConflictKind
from aaf.services.access import KeyWanted, create_key, revoke_key
from aaf.services.local_agents import ATTEMPTS, LOCAL, enter
from tests.services.world import World, refused


def test_an_agent_is_made_at_its_first_entry_and_is_the_same_at_the_next(either: World) -> None:
    first = either.run(enter(either.core, org=either.org, name="resident"))
    again = either.run(enter(either.core, org=either.org, name="resident"))
    assert first.principal == again.principal
    assert (first.principal.kind, first.principal.roles) == (Kind.AGENT, frozenset({"agent"}))
    keys = either.run(either.core.store.keys(either.org))
    (record,) = [key for key in keys if key.hint == LOCAL]
    assert (record.id, record.principal) == (first.principal.credential, first.principal.id)


def test_an_agent_that_was_made_with_a_key_is_not_entered_without_it(world: World) -> None:
    world.run(create_key(world.core, world.admin, KeyWanted("clerk", Kind.AGENT)))
    with pytest.raises(NotAuthenticated) as caught:
        world.run(enter(world.core, org=world.org, name="clerk"))
    assert caught.value.code is Code.MISSING_CREDENTIAL


def test_a_person_of_the_same_name_is_somebody_else(world: World) -> None:
    world.run(create_key(world.core, world.admin, KeyWanted("sam", Kind.USER, ("admin",))))
    assert world.run(enter(world.core, org=world.org, name="sam")).principal.kind is Kind.AGENT


def test_an_agent_that_was_shut_out_stays_out(world: World) -> None:
    local = world.run(enter(world.core, org=world.org, name="resident"))
    admin = world.run(world.admin.again(world.core))
    world.run(revoke_key(world.core, admin, local.principal.credential))
    with pytest.raises(NotAuthenticated) as caught:
        world.run(enter(world.core, org=world.org, name="resident"))
    assert caught.value.code is Code.REVOKED_CREDENTIAL


def test_who_is_known_enters_also_while_no_secret_can_be_read_and_nobody_new_does(world: World) -> None:
    class Broken:
        def known(self) -> Values:
            raise ConnectorFailed(Code.SECRET_UNAVAILABLE, "The secrets can't be read.")

    world.run(enter(world.core, org=world.org, name="resident"))
    core = replace(world.core, held_secrets=Broken())
    assert world.run(enter(core, org=world.org, name="resident")).principal.name == "resident"
    with refused(Code.SECRET_UNAVAILABLE, Unavailable):
        world.run(enter(core, org=world.org, name="another"))
    with refused(Code.SECRET_UNAVAILABLE, Unavailable):
        world.run(create_key(core, world.admin, KeyWanted("another", Kind.AGENT)))


@pytest.mark.parametrize("name", ["", " ", "a\tb", "x" * 121, "bot "])
def test_an_agent_has_a_name(world: World, name: str) -> None:
    with pytest.raises(InputRefused):
        world.run(enter(world.core, org=world.org, name=name))


def test_of_two_that_enter_at_once_one_makes_the_agent_and_both_are_it(world: World) -> None:
    entered = []
    world.ids.then("id", lambda: entered.append(world.run(enter(world.core, org=world.org, name="resident"))))
    second = world.run(enter(world.core, org=world.org, name="resident"))
    assert [one.principal for one in entered] == [second.principal]


def test_where_nothing_is_made_however_often_it_is_tried_nobody_is_let_in(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def conflict(commit: object) -> Conflict:
        asked.append(commit)
        return Conflict(ConflictKind.NAME)

    monkeypatch.setattr(world.core.store, "commit", conflict)
    with pytest.raises(Unavailable) as caught:
        world.run(enter(world.core, org=world.org, name="resident"))
    assert caught.value.code is Code.STORE_CONFLICT
    assert len(asked) == ATTEMPTS


def test_an_instant_is_told_to_the_microsecond() -> None:
    assert instant(1_700_000_000_000_001) == "2023-11-14T22:13:20.000001Z"

"""Configurations: whole, numbered, once, or not at all."""

import pytest

from aaf.adapters.loading import InPlace
from aaf.domain.errors import Code, ConfigurationInvalid, Unavailable
from aaf.domain.states import State
from aaf.services.core import Knowledge
from aaf.services.releases import activate
from tests.services.world import FILES, World, edited, refused

BROKEN = edited("aaf.yaml", ("decision: allow", "decision: maybe"))


def test_the_same_files_are_the_same_release(either: World) -> None:
    with either.unrecorded():
        again = either.configure(FILES)
    assert (again.new, again.release.number) == (False, 1)


def test_other_files_are_the_next_release_and_an_event(either: World) -> None:
    made = either.configure(edited("aaf.yaml", ("quorum: 1", "quorum: 2")))
    assert (made.new, made.release.number) == (True, 2)
    assert [body["data"]["release"] for body in either.bodies("configuration.activated")] == [1, 2]
    assert either.configure(FILES).release.number == 3


def test_a_broken_folder_leaves_what_is_active_active_and_is_an_event(either: World) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        either.configure(BROKEN)
    assert caught.value.problems[0].line > 1
    (body,) = either.bodies("configuration.refused")
    assert body["data"]["problems"] == len(caught.value.problems)
    assert either.submit("files.read", {"path": "a.txt"}).record.state is State.ALLOWED
    assert either.submit("files.read", {"path": "a.txt"}).record.release == 1


def test_a_release_takes_effect_in_every_process(filed: World) -> None:
    twin = filed.twin()
    assert twin.submit("files.read", {"path": "a.txt"}).record.release == 1
    filed.configure(edited("aaf.yaml", ("quorum: 1", "quorum: 2")))
    assert twin.submit("files.read", {"path": "a.txt"}).record.release == 2
    twin.close()


def test_what_is_activated_at_the_same_moment_is_numbered_one_after_another(either: World) -> None:
    other = edited("aaf.yaml", ("quorum: 1", "quorum: 2"))
    either.ids.then("id", lambda: either.configure(other))
    assert either.configure(edited("aaf.yaml", ("use_within: 15m", "use_within: 5m"))).release.number == 3


def test_three_changes_are_too_many(world: World) -> None:
    numbers = iter(range(1, 10))
    world.ids.always(
        "id", lambda: world.configure(edited("aaf.yaml", ("use_within: 15m", f"use_within: {next(numbers)}m")))
    )
    with refused(Code.STORE_CONFLICT, Unavailable):
        world.configure(edited("aaf.yaml", ("quorum: 1", "quorum: 2")))


def test_warnings_are_told_once_with_the_release(world: World) -> None:
    claimed = (
        "  - name: claimed\n    match: {tool: shell, context.urgent: true}\n    decision: allow\n\napprovals: {app"
    )
    made = world.configure(edited("aaf.yaml", ("\napprovals: {app", claimed)))
    assert [line for line in made.warnings if "context" in line]


def test_without_a_configuration_nothing_is_known(world: World) -> None:
    with refused(Code.EMPTY_POLICY, Unavailable):
        world.run(Knowledge(world.store).of("0195b3c4-0000-7000-8000-00000000dead", fresh=True))


def test_a_first_configuration_that_is_broken_is_no_release(world: World) -> None:
    org = "0195b3c4-0000-7000-8000-0000000000b2"
    call = activate(world.store, world.ids, InPlace(), org=org, files={}, author="system", message="")
    with pytest.raises(ConfigurationInvalid):
        world.run(call)
    assert world.run(world.store.release(org)) is None
    assert world.types(org=org) == ["configuration.refused"]

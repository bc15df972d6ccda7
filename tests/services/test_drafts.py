"""Drafts: saved by version, merged file by file, activated together with their end."""

from collections.abc import Mapping

import pytest

from aaf.domain.canonical import parse
from aaf.domain.errors import (
    Code,
    ConfigurationConflict,
    ConfigurationRefused,
    InputRefused,
    NotFound,
    NotPermitted,
    StateConflict,
)
from aaf.domain.record import Draft
from aaf.services import drafts
from aaf.services.core import Caller
from aaf.services.drafts import MAX_DRAFTS, merged, tag_of
from aaf.services.releases import Activated
from tests.services.configured import OPEN, active, opened, replace, texts
from tests.services.world import World, edited, refused

TWO = ("quorum: 1", "quorum: 2")
SHORT = ("use_within: 14m", "use_within: 5m")
FILES = {"aaf.yaml": texts(TWO)["aaf.yaml"]}


def begin(world: World, files: Mapping[str, str | None] = FILES) -> Draft:
    return world.run(drafts.create(world.core, world.admin, edit=files, message="a draft"))


def activate(world: World, draft: Draft, *, caller: Caller | None = None) -> Activated:
    work = drafts.activate(world.core, caller or world.admin, draft.id, message=None, expected=tag_of(draft))
    return world.run(work)


def rebase(world: World, draft: Draft, resolved: Mapping[str, str | None] | None = None) -> Draft:
    work = drafts.rebase(world.core, world.admin, draft.id, resolved=resolved or {}, expected=tag_of(draft))
    return world.run(work)


A, B, C = b"a", b"b", b"c"


@pytest.mark.parametrize(
    ("base", "own", "theirs", "wanted", "conflict"),
    [
        (A, A, A, A, False),
        (A, B, A, B, False),
        (A, A, B, B, False),
        (A, B, B, B, False),
        (A, B, C, B, True),
        (None, A, None, A, False),
        (None, None, A, A, False),
        (None, A, A, A, False),
        (None, A, B, A, True),
        (A, None, A, None, False),
        (A, A, None, None, False),
        (A, None, None, None, False),
        (A, None, B, None, True),
        (A, B, None, B, True),
    ],
)
def test_of_three_versions_of_a_file_the_side_that_changed_it_counts(
    base: bytes | None, own: bytes | None, theirs: bytes | None, wanted: bytes | None, conflict: bool
) -> None:
    def side(data: bytes | None) -> dict[str, bytes]:
        return {} if data is None else {"f": data}

    done = merged(side(base), side(own), side(theirs))
    assert done.files == side(wanted)
    assert done.conflicts == (("f",) if conflict else ())


def test_activating_a_draft_is_one_commit_that_ends_it(either: World) -> None:
    opened(either)
    draft = begin(either)
    head = either.run(either.store.head(either.org)).size
    done = activate(either, draft)
    assert (done.release.number, done.release.message) == (3, "a draft")
    assert either.run(either.store.head(either.org)).size == head + 1
    assert either.run(drafts.listed(either.core, either.admin)) == []
    assert either.bodies("configuration.activated")[-1]["data"]["draft"] == draft.id


def test_a_draft_that_is_what_is_active_already_ends_with_an_event_and_no_release(either: World) -> None:
    opened(either)
    draft = begin(either, {})
    done = activate(either, draft)
    assert (done.new, done.release.number) == (False, 2)
    assert either.run(drafts.listed(either.core, either.admin)) == []
    (body,) = either.bodies("configuration.draft_discarded")
    assert (body["data"]["draft"], body["actor"]) == (draft.id, either.admin.principal.actor)


def test_a_draft_that_is_activated_by_two_at_once_is_one_release(either: World) -> None:
    opened(either)
    draft = begin(either)
    either.ids.then("id", lambda: activate(either, draft))
    with refused(Code.NOT_FOUND, NotFound):
        activate(either, draft)
    assert active(either).number == 3


def test_a_save_between_the_look_and_the_commit_is_a_conflict(either: World) -> None:
    opened(either)
    draft = begin(either)

    def save(*changes: tuple[str, str]) -> Draft:
        files = texts(*changes)
        return either.run(
            drafts.save(either.core, either.admin, draft.id, files=files, message=None, expected=tag_of(draft))
        )

    either.ids.then("id", lambda: save(SHORT))
    with refused(Code.DRAFT_CONFLICT, StateConflict):
        save(TWO)
    found = either.run(drafts.read(either.core, either.caller("ann"), draft.id))
    assert (found.version, parse(found.files)) == (2, texts(SHORT))


def test_a_draft_saved_between_the_look_and_the_activation_is_not_activated(either: World) -> None:
    opened(either)
    draft = begin(either)
    edit = drafts.edit(either.core, either.admin, draft.id, changes={}, message="later", expected="1")
    either.ids.then("id", lambda: either.run(edit))
    with refused(Code.DRAFT_CONFLICT, ConfigurationConflict):
        activate(either, draft)
    assert active(either).number == 2


@pytest.mark.attack("G34", guard="aaf.services.drafts:_check_base")
def test_a_release_between_the_look_and_the_activation_is_a_conflict(either: World) -> None:
    opened(either)
    draft = begin(either)
    either.ids.then("id", lambda: replace(either, texts(SHORT)))
    with refused(Code.CONFIGURATION_CONFLICT, ConfigurationConflict) as caught:
        activate(either, draft)
    (conflict,) = caught
    assert isinstance(conflict, ConfigurationConflict)
    assert (conflict.changes["old"], conflict.changes["new"]) == (2, 3)
    assert active(either).number == 3


def test_a_key_made_in_between_costs_a_save_nothing(either: World) -> None:
    opened(either)
    either.ids.then("id", lambda: None, either.raise_epoch)
    assert begin(either).version == 1


def test_a_right_taken_away_in_between_counts(either: World) -> None:
    opened(either)
    from aaf.domain.principal import Kind

    either.add("eve", Kind.USER, "admin")
    eve = either.caller("eve")
    either.ids.then("id", lambda: None, lambda: either.give_roles("eve", "auditor"))
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        either.run(drafts.create(either.core, eve, edit={}, message=""))
    assert either.run(drafts.listed(either.core, either.admin)) == []


def test_keys_that_change_without_end_keep_a_draft_from_being_saved(world: World) -> None:
    opened(world)
    world.ids.always("id", world.raise_epoch)
    with refused(Code.DRAFT_CONFLICT, StateConflict):
        begin(world)
    world.ids.never()


def test_rebasing_takes_what_the_other_side_changed(either: World) -> None:
    opened(either)
    draft = begin(either)
    entry = edited(
        "actions/files.write.yaml", ("description: Write a whole", "description: Write one whole"), files=OPEN
    )
    replace(either, {name: data.decode() for name, data in entry.items()})
    rebased = rebase(either, draft)
    assert (rebased.base, rebased.version) == (3, 2)
    wanted = {**{name: data.decode() for name, data in entry.items()}, **FILES}
    assert parse(rebased.files) == wanted
    assert activate(either, rebased).release.number == 4


def test_a_conflict_is_named_nothing_is_saved_and_a_person_resolves_it(either: World) -> None:
    opened(either)
    draft = begin(either)
    replace(either, texts(SHORT))
    with refused(Code.REBASE_CONFLICT, ConfigurationConflict) as caught:
        rebase(either, draft)
    assert "aaf.yaml" in caught[0].message
    assert either.run(drafts.read(either.core, either.admin, draft.id)) == draft
    rebased = rebase(either, draft, {"aaf.yaml": texts(SHORT, TWO)["aaf.yaml"]})
    assert parse(rebased.files) == texts(SHORT, TWO)


def test_a_file_that_is_no_conflict_is_not_written_by_a_rebase(world: World) -> None:
    opened(world)
    draft = begin(world)
    replace(world, texts(SHORT))
    with refused(Code.WRONG_TYPE, InputRefused):
        rebase(world, draft, {"aaf.yaml": "version: 1", "actions/pay.send.yaml": None})
    assert world.run(drafts.read(world.core, world.admin, draft.id)) == draft


def test_drafts_are_bounded_in_number_names_and_credentials(world: World) -> None:
    opened(world)
    for files in ({"../x": "x"}, {"aaf.yaml": "# ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"}):
        with refused(Code.CONFIGURATION_INVALID, ConfigurationRefused):
            begin(world, files)
    for _ in range(MAX_DRAFTS):
        begin(world)
    with refused(Code.DRAFT_CONFLICT, StateConflict):
        begin(world)
    assert len(world.run(drafts.listed(world.core, world.admin))) == MAX_DRAFTS


def test_a_draft_can_be_discarded_while_a_folder_manages_the_configuration_and_no_more(either: World) -> None:
    opened(either)
    draft = begin(either)
    either.configure(edited("aaf.yaml", TWO))
    with refused(Code.MANAGED_BY_FILE, StateConflict):
        rebase(either, draft)
    with refused(Code.MANAGED_BY_FILE, StateConflict):
        activate(either, draft)
    either.run(drafts.discard(either.core, either.admin, draft.id, expected="1"))
    with refused(Code.NOT_FOUND, NotFound):
        either.run(drafts.read(either.core, either.admin, draft.id))
    assert either.bodies("configuration.draft_discarded")[0]["data"]["draft"] == draft.id


def test_a_draft_is_compared_and_compiled_without_being_saved(either: World) -> None:
    opened(either)
    draft = begin(either)
    with either.unrecorded():
        found = either.run(drafts.compared(either.core, either.admin, draft.id))
    assert found.problems == ()
    assert [one.name for one in found.changes.files] == ["aaf.yaml"]
    assert (found.changes.parts or {})["approvals"].changed == ("quorum",)

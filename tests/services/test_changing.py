"""Changing the configuration: on top of what was read, in one commit, or not at all; whatever is refused is an event."""

from dataclasses import replace as altered

import pytest

from aaf.adapters.memory import MemoryStore
from aaf.domain.errors import (
    AafError,
    Code,
    ConfigurationConflict,
    ConfigurationRefused,
    InputRefused,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    StateConflict,
    StoreFailed,
    Unavailable,
)
from aaf.domain.principal import Kind
from aaf.domain.record import ManagedBy, Release
from aaf.domain.redaction import MASK
from aaf.domain.states import State
from aaf.services import changing, drafts, policies
from aaf.services.compiling import MAX_BYTES
from aaf.services.enacting import MAX_MESSAGE, in_force
from aaf.services.releases import SHIPPED, activate, is_shipped, tag
from tests.services.configured import FILES, OPEN, active, kept, opened, replace, roll_back, texts
from tests.services.world import World, refused

TWO = ("quorum: 1", "quorum: 2")
SHORT = ("use_within: 14m", "use_within: 5m")
DENY = ("    decision: allow\n    reason: Reading", "    decision: deny\n    reason: Reading")
SECRET = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"


def reads(world: World) -> tuple[State, int]:
    """How a read is decided, and under which release."""
    record = world.submit("files.read", {"path": "a.txt"}).record
    return record.state, record.release


@pytest.mark.requirement("R38")
def test_a_change_is_one_release_one_epoch_and_one_event(either: World) -> None:
    opened(either)
    epoch, head = either.run(either.store.epoch(either.org)), either.run(either.store.head(either.org)).size
    done = replace(either, texts(DENY), message="  Nobody reads  ")
    assert (done.new, done.release.number, done.release.message) == (True, 3, "Nobody reads")
    assert (done.release.author, done.release.managed_by) == (either.admin.principal.actor, ManagedBy.API)
    assert active(either) == done.release
    assert either.run(either.store.epoch(either.org)) == epoch + 1
    assert either.run(either.store.head(either.org)).size == head + 1
    assert reads(either) == (State.DENIED, 3)


@pytest.mark.requirement("R38")
def test_a_change_is_in_effect_in_every_process(filed: World) -> None:
    opened(filed)
    twin = filed.twin()
    assert reads(twin) == (State.ALLOWED, 2)
    replace(filed, texts(DENY))
    assert reads(twin) == (State.DENIED, 3)
    twin.close()


@pytest.mark.requirement("R38")
def test_who_is_overtaken_between_the_look_and_the_commit_gets_the_conflict(either: World) -> None:
    opened(either)
    either.ids.then("id", lambda: replace(either, texts(TWO)))
    with refused(Code.CONFIGURATION_CONFLICT, ConfigurationConflict) as caught:
        replace(either, texts(SHORT))
    assert kept(either)["aaf.yaml"] == texts(TWO)["aaf.yaml"].encode()
    (conflict,) = caught
    assert isinstance(conflict, ConfigurationConflict)
    assert conflict.etag == tag(active(either))
    assert (conflict.changes["old"], conflict.changes["new"]) == (2, 3)
    assert either.bodies("configuration.refused")[-1]["data"] == {"code": "configuration_conflict", "problems": 0}


def test_a_key_made_in_between_costs_another_look_and_no_conflict(either: World) -> None:
    opened(either)
    either.ids.then("id", either.raise_epoch)
    assert replace(either, texts(TWO)).release.number == 3


def test_a_right_taken_away_in_between_counts(either: World) -> None:
    opened(either)
    either.add("eve", Kind.USER, "admin")
    either.ids.then("id", lambda: either.revoke("eve"))
    with pytest.raises(NotAuthenticated):
        replace(either, texts(TWO), by="eve")
    assert active(either).number == 2


def test_a_role_taken_away_in_between_counts_too(either: World) -> None:
    opened(either)
    either.add("eve", Kind.USER, "admin")
    either.ids.then("id", lambda: either.give_roles("eve", "auditor"))
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        replace(either, texts(TWO), by="eve")
    assert active(either).number == 2


def test_too_many_changes_of_keys_at_once_are_unavailable(world: World) -> None:
    opened(world)
    world.ids.always("id", world.raise_epoch)
    with refused(Code.STORE_CONFLICT, Unavailable):
        replace(world, texts(TWO))
    world.ids.never()
    assert active(world).number == 2


@pytest.mark.parametrize("kind", [Kind.AGENT, Kind.SERVICE])
@pytest.mark.requirement("R38")
def test_no_agent_or_service_changes_it_whatever_its_roles_say(either: World, kind: Kind) -> None:
    opened(either)
    either.add("machine", kind, "admin")
    for _ in range(2):
        with refused(Code.PERMISSION_DENIED, NotPermitted):
            replace(either, texts(TWO), by="machine")
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        either.run(changing.active(either.core, either.caller("machine")))
    (event,) = either.bodies("access.refused")
    assert event["data"]["source"] == either.caller("machine").principal.actor


def test_nothing_is_activated_in_recovery(either: World) -> None:
    opened(either)
    either.run(either.store.set_recovering("a backup came back"))
    with refused(Code.RECOVERING, StoreFailed):
        replace(either, texts(TWO))
    assert active(either).number == 2


def test_what_a_folder_manages_is_left_alone(either: World) -> None:
    with refused(Code.MANAGED_BY_FILE, StateConflict):
        replace(either, texts(TWO))
    assert active(either).number == 1


def test_the_shipped_configuration_gives_way_and_a_message_makes_none_shipped(world: World) -> None:
    shipped = {"aaf.yaml": b"version: 1\n"}
    work = activate(
        world.store, world.ids, world.core.loader, org=world.org, files=shipped, author="system", message=SHIPPED
    )
    assert is_shipped(world.run(work).release)
    done = replace(world, texts(), message=SHIPPED)
    assert (done.new, is_shipped(done.release)) == (True, False)


def test_a_broken_configuration_is_told_whole_and_counted(either: World) -> None:
    opened(either)
    with pytest.raises(ConfigurationRefused) as caught:
        replace(either, texts(("decision: allow", "decision: maybe")))
    assert [problem.file for problem in caught.value.problems] == ["aaf.yaml", "aaf.yaml"]
    assert either.bodies("configuration.refused")[-1]["data"] == {"code": "configuration_invalid", "problems": 2}
    assert reads(either) == (State.ALLOWED, 2)


def test_connectors_that_cannot_be_made_here_are_refused(world: World) -> None:
    opened(world)
    world.core.connectors.clear()  # type: ignore[attr-defined]  # the world's own
    with pytest.raises(ConfigurationRefused) as caught:
        replace(world, texts(TWO))
    assert "connectors.files" in caught.value.problems[0].message
    assert active(world).number == 2


def test_too_many_files_and_bad_names_are_refused_before_anything_is_compiled(world: World) -> None:
    opened(world)
    many = {f"actions/a{number}.yaml": "x" for number in range(501)}
    with pytest.raises(ConfigurationRefused) as caught:
        replace(world, {**many, "../x": "x"})
    assert [problem.file for problem in caught.value.problems] == [".", "../x"]


@pytest.mark.parametrize(
    ("files", "named", "said"),
    [
        ({"actions/A.yaml": "x", "actions/a.yaml": "x"}, "actions/a.yaml", "actions/A.yaml"),
        ({"rules/a.yaml": "x", "Rules/a.yaml": "x"}, "rules/a.yaml", "Rules/a.yaml"),
        ({"x.yaml": "x", "x.yaml/y.yaml": "x"}, "x.yaml/y.yaml", "x.yaml is a file"),
        ({"X.yaml": "x", "x.yaml/y.yaml": "x"}, "x.yaml/y.yaml", "X.yaml is a file"),
        ({"a.yaml": "x" * (MAX_BYTES + 1)}, "a.yaml", "over 1 MiB"),
        ({f"a{number}.yaml": "x" * MAX_BYTES for number in range(17)}, ".", "bytes together"),
    ],
    ids=["case", "case of a folder", "file and folder", "file and folder in case", "large file", "large together"],
)
def test_what_no_disk_or_folder_could_hold_is_refused_in_a_draft_too(
    world: World, files: dict[str, str], named: str, said: str
) -> None:
    opened(world)
    for work in (
        lambda: replace(world, files),
        lambda: world.run(drafts.create(world.core, world.admin, edit=files, message="")),
    ):
        with pytest.raises(ConfigurationRefused) as caught:
            work()
        assert [problem.file for problem in caught.value.problems if said in problem.message] == [named]


def test_the_name_of_a_file_holds_no_credential_and_the_refusal_does_not_repeat_it(world: World) -> None:
    opened(world)
    with pytest.raises(ConfigurationRefused) as caught:
        replace(world, {**texts(), f"actions/{SECRET}.yaml": "x"})
    assert SECRET not in str(caught.value.problems)
    assert [problem.file for problem in caught.value.problems] == [MASK]


def test_a_file_lies_as_deep_as_includes_reach(world: World) -> None:
    opened(world)
    wanted = texts(("version: 1\n", "version: 1\ninclude: [a/b/c/d/-x.yaml]\n"))
    assert replace(world, {**wanted, "a/b/c/d/-x.yaml": "redact: [pin]\n"}).new


def test_a_credential_stands_in_no_file(world: World) -> None:
    opened(world)
    with pytest.raises(ConfigurationRefused) as caught:
        replace(world, texts(("version: 1\n", f"version: 1\n# é {SECRET}\n")))
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (2, 5)
    assert SECRET not in str(problem)


class Holding:
    """A firewall that holds one secret."""

    def known(self) -> object:
        from aaf.domain.redaction import Values

        return Values(["correct horse battery"])


def test_a_secret_that_the_firewall_holds_stands_in_no_file_and_no_message(world: World) -> None:
    opened(world)
    world.core = altered(world.core, held_secrets=Holding())  # type: ignore[arg-type]  # what is asked of it
    with pytest.raises(ConfigurationRefused) as caught:
        replace(world, texts(("version: 1\n", "version: 1\n# correct horse battery\n")))
    assert (caught.value.problems[0].file, caught.value.problems[0].line) == ("aaf.yaml", 0)
    with refused(Code.SECRET_DETECTED, InputRefused):
        replace(world, texts(TWO), message="correct horse battery")


@pytest.mark.parametrize("message", ["x" * (MAX_MESSAGE + 1), "a\tb", "\u202e"])
def test_a_message_is_short_and_printable(world: World, message: str) -> None:
    opened(world)
    with refused(Code.WRONG_TYPE, InputRefused):
        replace(world, texts(TWO), message=message)


def test_without_a_release_there_is_nothing_to_read_or_change(world: World) -> None:
    admin = altered(world.admin, principal=altered(world.admin.principal, org="0195b3c4-0000-7000-8000-0000000000b2"))
    with refused(Code.EMPTY_POLICY, Unavailable):
        world.run(in_force(world.core, admin))


# --- releases ---------------------------------------------------------------------------------------------------------


def test_the_history_is_paged_and_compared(either: World) -> None:
    opened(either)
    replace(either, texts(TWO))
    page = either.run(changing.history(either.core, either.caller("ann"), before=None, limit=2))
    assert ([one.number for one in page.releases], page.next) == ([3, 2], 2)
    rest = either.run(changing.history(either.core, either.caller("ann"), before=2, limit=1))
    assert ([one.number for one in rest.releases], rest.next) == ([1], None)
    changes = either.run(changing.compared(either.core, either.caller("ann"), 1, 3))
    assert {name: names.changed for name, names in (changes.parts or {}).items()} == {
        "approvals": ("quorum",),
        "rules": ("changes", "commands"),
        "settings": ("use_within",),
    }
    with refused(Code.NOT_FOUND, NotFound):
        either.run(changing.compared(either.core, either.caller("ann"), 1, 4))


@pytest.mark.requirement("R38")
def test_going_back_makes_a_release_of_the_old_files(either: World) -> None:
    opened(either)
    replace(either, texts(DENY))
    back = roll_back(either, 2)
    assert (back.release.number, back.release.message) == (4, "Roll back to release 2")
    assert back.release.document == either.run(changing.read(either.core, either.admin, 2)).document
    assert (kept(either), reads(either)) == (OPEN, (State.ALLOWED, 4))
    assert either.bodies("configuration.activated")[-1]["data"]["back_to"] == 2


def test_a_message_of_going_back_is_never_cut(world: World) -> None:
    opened(world)
    replace(world, texts(TWO))
    work = changing.roll_back(world.core, world.admin, number=2, message="x" * MAX_MESSAGE, expected=tag(active(world)))
    with refused(Code.WRONG_TYPE, InputRefused):
        world.run(work)
    assert active(world).number == 3


def test_going_back_to_what_is_active_changes_nothing(world: World) -> None:
    opened(world)
    with world.unrecorded():
        assert roll_back(world, 2).new is False


def without_files(world: World, number: int) -> None:
    """As a version before files were kept left it."""
    assert isinstance(world.store, MemoryStore)
    releases: list[Release] = world.store._tables.releases[world.org]
    releases[number - 1] = altered(releases[number - 1], files=b"{}")


def test_a_release_whose_files_were_not_kept_cannot_be_gone_back_to_or_compared(world: World) -> None:
    opened(world)
    without_files(world, 1)
    with refused(Code.RELEASE_WITHOUT_FILES, StateConflict):
        roll_back(world, 1)
    assert world.bodies("configuration.refused")[-1]["data"]["code"] == "release_without_files"
    for old, new in ((1, 2), (2, 1)):
        with refused(Code.RELEASE_WITHOUT_FILES, StateConflict):
            world.run(changing.compared(world.core, world.admin, old, new))


def test_single_files_of_an_active_release_without_files_cannot_be_patched_but_all_can_be_sent(world: World) -> None:
    opened(world)
    without_files(world, 2)
    patch = changing.patch(world.core, world.admin, edit={}, message="", expected=tag(active(world)))
    with refused(Code.RELEASE_WITHOUT_FILES, StateConflict):
        world.run(patch)
    assert replace(world, texts(TWO)).release.number == 3


def test_going_back_compiles_by_the_rules_of_today(world: World) -> None:
    class Stricter:
        """A loader of a later version, which knows better."""

        async def load(self, files: object, /) -> object:
            from aaf.domain.errors import ConfigurationInvalid, Problem

            raise ConfigurationInvalid((Problem("aaf.yaml", 1, 1, "not any more"),))

    opened(world)
    world.core = altered(world.core, loader=Stricter())  # type: ignore[arg-type]  # it never loads
    with refused(Code.CONFIGURATION_INVALID, ConfigurationRefused):
        roll_back(world, 1)
    assert active(world).number == 2


def test_validating_writes_nothing(either: World) -> None:
    opened(either)
    with either.unrecorded():
        fine = either.run(changing.validate(either.core, either.admin, texts(TWO)))
        broken = either.run(changing.validate(either.core, either.admin, texts(("version: 1", "version: 2"))))
    assert (fine.problems, fine.counts) == ((), {"actions": 6, "limits": 1, "modules": 0, "rules": 5})
    assert (broken.configuration, broken.counts, len(broken.problems)) == (None, None, 1)
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        either.run(changing.validate(either.core, either.caller("ann"), texts()))


def test_a_file_that_is_not_there_is_not_removed(world: World) -> None:
    opened(world)
    work = changing.remove(world.core, world.admin, name="policies/x.rego", message="", expected=tag(active(world)))
    with refused(Code.NOT_FOUND, NotFound):
        world.run(work)


def test_rules_are_found_where_they_stand_and_modules_by_name(world: World) -> None:
    release = opened(world)
    lines = OPEN["aaf.yaml"].decode().splitlines()
    for rule in policies.rules(release):
        assert lines[int(str(rule["line"])) - 1].strip() == f"- name: {rule['name']}"
    without = altered(release, files=b"{}")
    assert {rule["line"] for rule in policies.rules(without)} == {0}
    with refused(Code.NOT_FOUND, NotFound):
        policies.module(release, "none")


def test_every_error_of_a_change_is_one_of_ours(world: World) -> None:
    opened(world)
    for expected in (None, "", "x", "2", "0-00", "99-00", f"{tag(active(world))}0"):
        with pytest.raises(AafError):
            world.run(changing.replace(world.core, world.admin, files=texts(TWO), message="", expected=expected))
    assert active(world).number == 2
    assert FILES["aaf.yaml"] != OPEN["aaf.yaml"]

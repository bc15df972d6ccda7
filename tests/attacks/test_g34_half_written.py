"""G34: the configuration is half written, saved by two at once, or rolled back while actions wait."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from aaf.adapters.watching import QUIET, WatchedFolder
from aaf.domain.errors import AafError
from aaf.domain.states import State
from aaf.ports import Found
from aaf.services.releases import Activated
from aaf.services.watching import Refused, Unchanged, Watcher
from tests.services.test_rejudge import DENY_WRITES
from tests.services.test_watching import process, read
from tests.services.world import FILES, World, edited

DENYING = edited("aaf.yaml", ("decision: allow", "decision: deny"))


class Folder:
    """A folder on the disk, looked at as a server does, whose time passes when told to."""

    def __init__(self, place: Path) -> None:
        self.now = 0.0
        self.place = place
        self.name = str(place)
        self._watched = WatchedFolder(place, clock=lambda: self.now, wall=lambda: 1e12)

    async def look(self) -> Found | None:
        return self._watched.look()

    def forget(self) -> None:
        self._watched.forget()

    def save(self, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            (self.place / name).parent.mkdir(parents=True, exist_ok=True)
            (self.place / name).write_bytes(data)


@pytest.mark.attack("G34", guard="aaf.adapters.watching:QUIET", without="tests.attacks.without:no_time")
def test_a_beginning_that_would_load_is_never_in_force_while_the_rest_is_written(either: World) -> None:
    """Cut before its denials, a configuration may well load: what keeps it from counting is that its writer isn't done."""
    folder = Folder(either.folder / "config")
    folder.save(FILES)
    one = process(either)
    watcher = Watcher(one.desk, folder, either.log, holds=True)
    either.run(watcher.look())
    folder.now += QUIET
    assert isinstance(either.run(watcher.look()), Unchanged)
    whole = FILES["aaf.yaml"] + b"# the end\n"
    beginning = whole[: whole.index(b"\nrules:")] + b"\n"
    for part in (beginning, whole[:-2], whole):
        folder.save({"aaf.yaml": part})
        assert either.run(watcher.look()) is None
        folder.now += QUIET * 0.9
        assert either.run(watcher.look()) is None
        assert read(either) is State.ALLOWED
    folder.now += QUIET
    done = either.run(watcher.look())
    assert isinstance(done, Activated)
    assert done.release.number == 2


@pytest.mark.attack("G34", guard="aaf.services.watching:Watcher.keep")
def test_of_two_servers_that_watch_one_folder_one_imports(either: World) -> None:
    first, second = process(either, "one"), process(either, "two")
    for one in (first, second):
        one.keep()
    done = [one.save(DENYING) for one in (first, second)]
    assert [type(one) for one in done] == [Activated, type(None)]
    with either.unrecorded():
        assert isinstance(first.save(DENYING), Unchanged)


@pytest.mark.attack("G34")
def test_two_that_both_believe_to_hold_the_folder_make_one_release_of_it(either: World) -> None:
    first, second = process(either, "one"), process(either, "two")
    first.watcher.holds = second.watcher.holds = True
    either.ids.then("id", lambda: second.save(DENYING))
    first.save(DENYING)
    assert [body["data"]["release"] for body in either.bodies("configuration.activated")] == [1, 2]


@pytest.mark.attack("G34", guard="aaf.services.rejudge:_compare", without="tests.attacks.permissive:runs_it")
@pytest.mark.parametrize("approved", [False, True], ids=["waiting", "approved"])
def test_what_waits_while_the_folder_is_rolled_back_is_judged_again_before_it_runs(
    either: World, approved: bool
) -> None:
    one = process(either)
    one.keep()
    assert isinstance(one.save(FILES), Unchanged)
    record = either.write("new\n")
    if approved:
        either.approve(record)
    assert isinstance(one.save(DENY_WRITES), Activated)
    with suppress(AafError):
        if not approved:
            either.approve(record)
        either.execute(record)
    assert (either.record(record).state, either.hands.runs) == (State.DENIED, 0)


@pytest.mark.attack("G02", guard="aaf.policy.reading:Section.close")
def test_a_rule_that_would_never_match_is_refused_when_it_is_saved_too(either: World) -> None:
    one = process(either)
    one.keep()
    done = one.save(edited("aaf.yaml", ("    decision: allow\n", "    decision: allow\n    unles: {role: admin}\n")))
    assert isinstance(done, Refused)
    assert {one.file for one in done.invalid.problems} == {"aaf.yaml"}
    assert "unles" in done.invalid.problems[0].message
    assert read(either) is State.ALLOWED

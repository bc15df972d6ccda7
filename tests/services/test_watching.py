"""A folder that is saved while the process runs: activated whole, by one process, or reported and left."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from aaf.adapters.loading import InPlace
from aaf.adapters.secrets.environment import EnvironmentSecrets
from aaf.adapters.secrets.in_order import InOrder
from aaf.domain.errors import Code, ConnectorFailed, NotFound, Problem, StoreFailed
from aaf.domain.principal import Kind
from aaf.domain.record import ManagedBy
from aaf.domain.redaction import MASK, Values
from aaf.domain.states import State
from aaf.policy.configuration import Configuration, source_hash
from aaf.ports import Answer, Commit, Found, InsertRelease
from aaf.services.metering import read_metrics
from aaf.services.releases import Activated, activate, files_of
from aaf.services.standing import Standing, read_standing, standing
from aaf.services.watching import (
    CONFIGURATION,
    HOLD,
    Delayed,
    Desk,
    Refused,
    Unchanged,
    Watcher,
    told_problems,
)
from tests.services.world import FILES, World, edited, refused

DENYING = edited("aaf.yaml", ("decision: allow", "decision: deny"))
BROKEN = edited("aaf.yaml", ("decision: allow", "decision: maybe"))
WORSE = edited("aaf.yaml", ("decision: allow", "decision: perhaps"))
PLACE = "/etc/aaf"


def found(files: Mapping[str, bytes]) -> Found:
    return Found(source_hash(files), files)


GONE = Found("gone", {}, (Problem(".", 0, 0, "there is no such folder", "make it"),))


@dataclass
class Scripted:
    """A folder in which is found what is put into it."""

    name: str = PLACE
    there: Found | None = None
    now: Found | None = None
    forgotten: int = 0

    def put(self, what: Found) -> None:
        self.there = self.now = what

    async def look(self) -> Found | None:
        given, self.now = self.now, None
        return given

    def forget(self) -> None:
        self.forgotten += 1
        self.now = self.there


@dataclass
class Process:
    """One server of a world, with its watch."""

    world: World
    folder: Scripted
    watcher: Watcher
    desk: Desk
    told: list[object] = field(default_factory=list)

    def look(self) -> object:
        return self.world.run(self.watcher.look())

    def keep(self) -> bool:
        self.world.run(self.watcher.keep())
        return self.watcher.holds

    def save(self, files: Mapping[str, bytes]) -> object:
        self.folder.put(found(files))
        return self.look()


def process(world: World, name: str = "one", *, folder: str = PLACE, store: Any = None, loader: Any = None) -> Process:
    there = Scripted(folder)
    desk = Desk(
        store or world.store, world.ids, loader or InPlace(), world.core.held_secrets, world.org, name, 17, folder
    )
    return Process(world, there, Watcher(desk, there, world.log, holds=False), desk)


def stands(world: World) -> Standing:
    made = world.run(standing(world.store, world.org))
    assert made is not None
    return made


def read(world: World) -> State:
    return world.submit("files.read", {"path": "a.txt"}).record.state


@pytest.fixture
def one(either: World) -> Process:
    made = process(either)
    assert made.keep()
    made.folder.put(found(FILES))
    assert isinstance(made.look(), Unchanged)
    return made


@pytest.mark.requirement("R38")
def test_what_is_saved_counts_at_the_next_decision_and_what_is_restored_does_too(one: Process) -> None:
    world = one.world
    assert read(world) is State.ALLOWED
    done = one.save(DENYING)
    assert isinstance(done, Activated)
    assert (done.new, done.release.number, files_of(done.release)) == (True, 2, DENYING)
    assert read(world) is State.DENIED
    again = one.save(FILES)
    assert isinstance(again, Activated)
    assert (again.release.number, again.release.source) == (3, source_hash(FILES))
    assert read(world) is State.ALLOWED
    assert not stands(world).stale


def test_the_same_bytes_activate_nothing(one: Process) -> None:
    with one.world.unrecorded():
        assert one.save(FILES) == Unchanged(stands(one.world).release, mended=False)
        assert one.look() is None


@pytest.mark.requirement("R38")
@pytest.mark.attack("G02")
@pytest.mark.parametrize("files", [BROKEN, {}, {**FILES, "aaf.yaml": FILES["aaf.yaml"][:-200] + b"  {"}])
def test_what_does_not_load_leaves_the_old_version_running_and_is_told(one: Process, files: dict[str, bytes]) -> None:
    done = one.save(files)
    assert isinstance(done, Refused)
    assert done.release == 1
    assert read(one.world) is State.ALLOWED
    told = stands(one.world)
    assert (told.refused, told.stale, told.release.number) == (True, True, 1)
    assert told.watch is not None
    assert told.watch.problems == done.invalid.problems
    assert (told.watch.source, told.watch.folder, told.watch.pid) == (source_hash(files), PLACE, 17)
    (event,) = one.world.bodies("configuration.refused")
    assert event["data"] == {"problems": len(done.invalid.problems), "source": source_hash(files)}


def test_a_refusal_is_recorded_once_for_what_it_is_about_and_by_whom(one: Process) -> None:
    for _ in range(3):
        one.folder.forget()
        one.save(BROKEN)
    other = process(one.world, "two")
    one.world.clock.advance(HOLD + 1)
    assert other.keep()
    assert isinstance(other.save(BROKEN), Refused)
    assert len(one.world.bodies("configuration.refused")) == 1
    other.save(WORSE)
    other.save(FILES)
    other.save(BROKEN)
    assert len(one.world.bodies("configuration.refused")) == 3


def test_a_folder_that_is_as_before_again_is_mended(one: Process) -> None:
    one.save(BROKEN)
    done = one.save(FILES)
    assert isinstance(done, Unchanged)
    assert done.mended
    told = stands(one.world)
    assert (told.refused, told.stale) == (False, False)


@pytest.mark.requirement("R38")
def test_a_folder_that_can_not_be_read_leaves_the_old_version_running_and_is_told_once(one: Process) -> None:
    for _ in range(2):
        one.folder.put(GONE)
        assert isinstance(one.look(), Refused)
    assert read(one.world) is State.ALLOWED
    assert stands(one.world).watch is not None
    assert [body["data"]["problems"] for body in one.world.bodies("configuration.refused")] == [1]
    assert isinstance(one.save(FILES), Unchanged)
    assert not stands(one.world).stale


def test_every_process_tells_the_same(filed: World) -> None:
    first = process(filed)
    first.keep()
    first.save(BROKEN)
    twin = filed.twin()
    told = stands(twin)
    assert (told.refused, told.holder) == (True, "one")
    assert told == stands(filed)
    twin.close()


# --- who imports ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R38")
def test_one_process_imports_and_another_takes_over_when_it_is_gone(one: Process) -> None:
    world, other = one.world, process(one.world, "two")
    assert not other.keep()
    assert other.save(DENYING) is None
    world.clock.advance(HOLD - 1)
    assert not other.keep()
    assert one.keep()
    world.clock.advance(HOLD + 1)
    assert other.keep()
    assert not one.keep()
    assert one.save(BROKEN) is None
    done = other.look()
    assert isinstance(done, Activated)
    assert done.release.number == 2
    told = stands(world)
    assert (told.holder, told.watch and told.watch.process) == ("two", "two")


def test_a_process_that_gave_the_lease_back_is_followed_at_once(one: Process) -> None:
    one.world.run(one.world.store.take_lease(CONFIGURATION, "one", 0))
    other = process(one.world, "two")
    assert other.keep()


def test_a_process_that_watches_another_folder_does_not_take_over(one: Process) -> None:
    other = process(one.world, "two", folder="/srv/aaf")
    one.world.clock.advance(HOLD + 1)
    assert not other.keep()
    assert one.keep()


def test_nobody_imports_while_the_lease_can_not_be_asked_for(one: Process) -> None:
    class Down:
        async def take_lease(self, *_: object) -> bool:
            raise StoreFailed(Code.STORE_UNAVAILABLE, "gone")

    one.watcher._desk = replace(one.desk, store=Down())  # type: ignore[arg-type]
    with pytest.raises(StoreFailed):
        one.keep()
    assert one.save(DENYING) is None
    one.watcher._desk = one.desk
    assert one.keep()
    assert isinstance(one.look(), Activated)


def test_where_nobody_watches_any_more_nothing_is_known_to_be_stale(one: Process) -> None:
    one.world.configure(DENYING)
    assert stands(one.world).stale
    one.world.clock.advance(HOLD + 1)
    told = stands(one.world)
    assert (told.stale, told.holder) == (False, None)


def test_an_organisation_without_a_configuration_has_no_standing(world: World) -> None:
    assert world.run(standing(world.store, "0195b3c4-0000-7000-8000-0000000000c3")) is None


# --- what keeps it waiting --------------------------------------------------------------------------------------------


@pytest.mark.requirement("R38")
def test_in_recovery_nothing_is_imported_until_a_person_releases_it(one: Process) -> None:
    world = one.world
    world.run(world.store.set_recovering("restored"))
    for files in (BROKEN, DENYING):
        with world.unrecorded():
            done = one.save(files)
            assert done is None or (isinstance(done, Delayed) and done.failure.code is Code.RECOVERING)
    assert [kind for kind, _ in world.log.entries if kind == "configuration_not_activated"] == [
        "configuration_not_activated"
    ]
    world.clock.advance(2)
    assert one.look() is None
    world.run(world.store.set_recovering(None))
    world.clock.advance(2)
    assert isinstance(one.look(), Activated)


def waiting(one: Process) -> bool:
    return one.watcher.waits


class Failing:
    """The store of a world, whose commits of releases fail while told to."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.fails: StoreFailed | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._world.store, name)

    async def commit(self, commit: Commit) -> Answer:
        if self.fails is not None and any(isinstance(write, InsertRelease) for write in commit.writes):
            raise self.fails
        return await self._world.store.commit(commit)


@pytest.mark.requirement("R38")
@pytest.mark.attack("G05")
@pytest.mark.parametrize("code", [Code.STORE_FULL, Code.STORE_UNAVAILABLE, Code.STORE_READ_ONLY])
def test_a_store_that_can_not_take_it_leaves_the_old_version_running_and_gets_it_later(
    either: World, code: Code
) -> None:
    store = Failing(either)
    one = process(either, store=store)
    one.keep()
    one.save(FILES)
    store.fails = StoreFailed(code, "The disk is full.", hint="Free some space.")
    done = one.save(DENYING)
    assert isinstance(done, Delayed)
    assert (done.failure.code, done.failure.hint) == (code, "Free some space.")
    assert read(either) is State.ALLOWED
    assert waiting(one)
    assert one.look() is None
    either.clock.advance(2)
    assert one.look() is None, "it is told once"
    store.fails = None
    assert one.look() is None, "it is not tried all the time"
    either.clock.advance(2)
    assert isinstance(one.look(), Activated)
    assert not waiting(one)
    assert read(either) is State.DENIED


@pytest.mark.requirement("R38")
@pytest.mark.attack("G05")
def test_a_disk_that_is_full_leaves_the_old_version_running_and_gets_the_new_one_when_it_is_not(filed: World) -> None:
    one = process(filed)
    one.keep()
    one.save(FILES)
    writing: sqlite3.Connection = filed.store._writer._connection  # type: ignore[attr-defined]
    (pages,) = writing.execute("PRAGMA page_count").fetchone()
    writing.execute(f"PRAGMA max_page_count = {pages:d}")
    large = {**DENYING, "aaf.yaml": DENYING["aaf.yaml"] + b"# " + b"x" * 500_000 + b"\n"}
    done = one.save(large)
    assert isinstance(done, Delayed)
    assert done.failure.code is Code.STORE_FULL
    assert done.failure.hint
    assert stands(filed).release.number == 1
    writing.execute("PRAGMA max_page_count = 4294967294")
    assert read(filed) is State.ALLOWED
    filed.clock.advance(2)
    assert isinstance(one.look(), Activated)
    assert read(filed) is State.DENIED


def test_what_nobody_foresaw_ends_no_watch(either: World) -> None:
    class Crashing:
        crashes = True

        async def load(self, files: Mapping[str, bytes], /) -> Configuration:
            if self.crashes:
                raise RuntimeError("a value that somebody wrote")
            return await InPlace().load(files)

    loader = Crashing()
    one = process(either, loader=loader)
    one.keep()
    assert one.save(DENYING) is None
    either.clock.advance(2)
    assert one.look() is None
    assert [entry for entry in either.log.entries if entry[0] == "watch_crashed"] == [
        ("watch_crashed", {"cause": "RuntimeError"})
    ]
    loader.crashes = False
    either.clock.advance(2)
    assert isinstance(one.look(), Activated)


def test_a_look_that_nobody_foresaw_to_fail_ends_no_watch(one: Process) -> None:
    look = one.folder.look

    async def fail() -> Found | None:
        raise MemoryError

    one.folder.look = fail  # type: ignore[method-assign]
    for _ in range(3):
        assert one.save(DENYING) is None
    assert [kind for kind, _ in one.world.log.entries].count("watch_crashed") == 1
    one.folder.look = look  # type: ignore[method-assign]
    assert isinstance(one.look(), Activated)


@pytest.mark.requirement("R38")
def test_where_the_api_manages_it_the_folder_is_only_the_seed(one: Process) -> None:
    world = one.world
    managed(world, ManagedBy.API, DENYING)
    with world.unrecorded():
        assert one.save(BROKEN) is None
        assert one.save(FILES) is None
    assert not stands(world).stale
    managed(world, ManagedBy.FILE, edited("aaf.yaml", ("quorum: 1", "quorum: 2")))
    world.clock.advance(2)
    done = one.look()
    assert isinstance(done, Activated)
    assert done.release.source == source_hash(FILES)


def test_a_folder_that_counts_again_is_imported_although_nobody_touched_it(one: Process) -> None:
    world = one.world
    managed(world, ManagedBy.API, DENYING)
    one.keep()
    assert one.look() is None
    managed(world, ManagedBy.FILE, edited("aaf.yaml", ("quorum: 1", "quorum: 2")))
    world.clock.advance(2)
    one.keep()
    assert isinstance(one.look(), Activated)
    assert not stands(world).stale
    world.raise_epoch()
    with world.unrecorded():
        one.keep()
        world.clock.advance(2)
        assert one.look() is None


@dataclass
class Meanwhile:
    """Compiling during which something happens, once."""

    happens: Any

    async def load(self, files: Mapping[str, bytes], /) -> Configuration:
        happens, self.happens = self.happens, None
        if happens is not None:
            happens()
        return await InPlace().load(files)


@pytest.mark.requirement("R38")
def test_who_compiled_for_longer_than_its_lease_writes_nothing_over_what_another_imported(either: World) -> None:
    newer = edited("aaf.yaml", ("quorum: 1", "quorum: 2"))
    two = process(either, "two")

    def take_over() -> None:
        either.clock.advance(HOLD + 1)
        assert two.keep()
        assert isinstance(two.save(newer), Activated)

    one = process(either, loader=Meanwhile(take_over))
    assert one.keep()
    done = one.save(DENYING)

    assert isinstance(done, Delayed)
    assert done.failure.code is Code.STORE_CONFLICT
    assert stands(either).release.source == source_hash(newer)


def test_who_compiled_for_longer_than_its_lease_goes_on_where_nobody_took_over(either: World) -> None:
    one = process(either, loader=Meanwhile(lambda: either.clock.advance(HOLD + 1)))
    assert one.keep()
    assert isinstance(one.save(DENYING), Activated)
    assert stands(either).holder == "one"


@pytest.mark.requirement("R38")
def test_what_the_api_changed_while_the_folder_was_compiled_is_not_written_over(either: World) -> None:
    by_hand = edited("aaf.yaml", ("quorum: 1", "quorum: 2"))
    one = process(either, loader=Meanwhile(lambda: managed(either, ManagedBy.API, by_hand)))
    assert one.keep()

    assert isinstance(one.save(DENYING), Delayed)
    assert stands(either).release.source == source_hash(by_hand)
    either.clock.advance(2)
    assert one.look() is None
    assert not one.watcher.waits


def managed(world: World, by: ManagedBy, files: Mapping[str, bytes]) -> None:
    """A release as the API makes it."""
    done = activate(
        world.store, world.ids, InPlace(), org=world.org, files=files, author="user:x", message="by hand", managed_by=by
    )
    assert world.run(done).new


# --- what is told -----------------------------------------------------------------------------------------------------


def test_problems_are_told_without_what_looks_like_a_secret_or_is_one() -> None:
    token = "AKIA" + "QWERTYUIOPASDFGH"
    problems = (
        Problem("aaf.yaml", 2, 1, f"there is no operator `{token}`", "did you mean hunter2hunter2?"),
        Problem("actions/\udcff.yaml", 1, 1, "key aaf_live_something", ""),
    )
    told = told_problems(problems, InOrder(EnvironmentSecrets({"x": "hunter2hunter2"})))
    assert told == (
        Problem("aaf.yaml", 2, 1, f"there is no operator `{MASK}`", f"did you mean {MASK}?"),
        Problem("actions/\\udcff.yaml", 1, 1, f"key {MASK}", ""),
    )


def test_problems_are_not_told_while_the_secrets_can_not_be_read() -> None:
    class Locked:
        def known(self) -> Values:
            raise ConnectorFailed(Code.SECRET_UNAVAILABLE, "no")

    (told,) = told_problems((Problem("aaf.yaml", 2, 1, "a secret", "another"),), Locked())
    assert (told.line, told.column) == (2, 1)
    assert "secret, another" not in str(told)
    assert "can't be told" in told.message


def test_the_metric_says_that_what_is_saved_is_not_what_is_active(one: Process) -> None:
    def stale() -> float:
        reading = one.world.run(read_metrics(one.world.core, None))
        return reading.values["aaf_configuration_stale"][()]  # type: ignore[index]

    assert stale() == 0
    one.save(BROKEN)
    assert stale() == 1
    one.save(DENYING)
    assert stale() == 0


def test_an_organisation_whose_configuration_is_gone_is_told_so(world: World) -> None:
    auditor = world.add("ada", Kind.USER, "auditor")
    assert world.run(read_standing(world.core, auditor)).release.number == 1
    world.store._tables.releases.clear()  # type: ignore[attr-defined]
    with refused(Code.EMPTY_POLICY, NotFound):
        world.run(read_standing(world.core, auditor))


def test_a_visit_keeps_nothing_of_what_it_found(one: Process) -> None:
    before = stands(one.world).watch
    visit = process(one.world, "visitor", folder="/home/agent")
    visit.watcher._desk = replace(visit.desk, lasting=False)
    one.world.run(one.world.store.take_lease(CONFIGURATION, "one", 0))
    visit.watcher.holds = True
    assert isinstance(visit.save(BROKEN), Refused)
    assert isinstance(visit.save(DENYING), Activated)
    assert stands(one.world).watch == before

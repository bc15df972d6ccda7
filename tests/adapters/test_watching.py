"""What is saved in a watched folder is found whole, however it was saved, and never while somebody writes."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from aaf.adapters import loading_asyncio, watching
from aaf.adapters.apart import begin_apart
from aaf.adapters.folder import MAX_BYTES, MAX_FILES, read_folder
from aaf.adapters.loading_asyncio import AT_ONCE, WAITING
from aaf.adapters.loading_asyncio import OnThread as Compiling
from aaf.adapters.watching import AGAIN, QUIET, RESTLESS, YOUNG, WatchedFolder, read_found
from aaf.adapters.watching_asyncio import OnThread
from aaf.domain.errors import Code, ConfigurationInvalid, Unavailable
from aaf.policy.configuration import source_hash
from aaf.ports import Found

OLD = 1_000_000_000
"""Seconds since 1970: long ago."""


class Time:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Watched:
    """A folder with one file, watched; what was there at the beginning has been found."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.time, self.wall = folder, Time(), Time()
        (folder / "actions").mkdir(parents=True)
        self.save("version: 1\n")
        self.watched = WatchedFolder(folder, clock=self.time, wall=self.wall)
        self.wall.now = OLD + 1_000_000.0
        assert self.later() is not None

    def save(self, text: str, name: str = "aaf.yaml") -> None:
        (self.folder / name).write_text(text)
        os.utime(self.folder / name, (OLD, OLD))

    def look(self) -> Found | None:
        return self.watched.look()

    def later(self, seconds: float = QUIET) -> Found | None:
        """Notice what changed, and look again after a while."""
        first = self.look()
        self.time.now += seconds
        return first or self.look()


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    # Times of the inode are the real clock's, which this test doesn't have.
    monkeypatch.setattr(
        watching,
        "_newest",
        lambda signature: max((float(one[4]) / 1e9 for one in signature if len(one) > 4), default=0.0),
    )
    return Watched(tmp_path / "config")


def swapped(watched: Watched) -> None:
    """As editors save."""
    (watched.folder / ".aaf.yaml.swp").write_text("version: 1\nx: 1\n")
    (watched.folder / ".aaf.yaml.swp").replace(watched.folder / "aaf.yaml")


def linked(watched: Watched) -> None:
    """As Kubernetes mounts a ConfigMap: the files are links into a folder behind a link."""
    for name in ("one", "two"):
        (watched.folder / f"..{name}").mkdir()
        (watched.folder / f"..{name}" / "aaf.yaml").write_text(f"version: 1\n# {name}\n")
    (watched.folder / "..data").symlink_to("..one")
    (watched.folder / "aaf.yaml").unlink()
    (watched.folder / "aaf.yaml").symlink_to("..data/aaf.yaml")
    assert watched.later() is not None
    (watched.folder / "..new").symlink_to("..two")
    (watched.folder / "..new").replace(watched.folder / "..data")


@pytest.mark.requirement("R38")
@pytest.mark.parametrize(
    "change",
    [
        lambda watched: watched.save("version: 1\nx: 1\n"),
        lambda watched: watched.save("name: a.b\n", "actions/a.yaml"),
        lambda watched: watched.save("version: 2\n"),
        lambda watched: (watched.folder / "aaf.yaml").unlink(),
        lambda watched: (watched.folder / "aaf.yaml").rename(watched.folder / "other.yaml"),
        swapped,
        linked,
    ],
    ids=["written over", "added", "same length and time", "removed", "renamed", "swapped", "linked"],
)
def test_whatever_way_something_is_saved_it_is_found_once(
    watched: Watched, change: Callable[[Watched], object]
) -> None:
    change(watched)
    found = watched.later()
    assert found is not None
    assert found.files == read_folder(watched.folder)
    assert found.source == source_hash(found.files)
    assert watched.later() is None
    assert watched.later(3600) is None


def test_the_same_bytes_saved_again_are_nothing_new(watched: Watched) -> None:
    watched.save("version: 1\n")
    (watched.folder / "aaf.yaml").touch()
    assert watched.later() is None


def test_bytes_that_were_there_before_are_found_again(watched: Watched) -> None:
    watched.save("version: 1\n# once\n")
    assert watched.later() is not None
    watched.save("version: 1\n")
    found = watched.later()
    assert found is not None
    assert found.files == {"aaf.yaml": b"version: 1\n"}


@pytest.mark.attack("G34", guard="aaf.adapters.watching:QUIET", without="tests.attacks.without:no_time")
def test_nothing_is_found_while_somebody_writes(watched: Watched) -> None:
    for length in range(1, 20):
        watched.save("x" * length)
        assert watched.look() is None
        watched.time.now += 0.2
        assert watched.look() is None
    watched.time.now += 0.1
    found = watched.look()
    assert found is not None
    assert found.files == {"aaf.yaml": b"x" * 19}


@pytest.mark.attack("G34")
def test_what_changes_while_it_is_read_is_not_found(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(folder: Path) -> Found:
        found = read_found(folder)
        watched.save("version: 1\n# after\n")
        monkeypatch.undo()
        return found

    watched.save("version: 1\n# before\n")
    assert watched.look() is None
    watched.time.now += QUIET
    monkeypatch.setattr(watching, "read_found", torn)
    assert watched.look() is None
    monkeypatch.setattr(watching, "_newest", lambda signature: 0.0)
    found = watched.later()
    assert found is not None
    assert found.files == {"aaf.yaml": b"version: 1\n# after\n"}


def test_a_folder_that_never_rests_is_told_as_a_problem_and_found_when_it_does(watched: Watched) -> None:
    told: list[Found] = []
    for count in range(int(RESTLESS / 0.2) + 5):
        watched.save(str(count), "actions/busy.log")
        found = watched.look()
        told += [found] if found else []
        watched.time.now += 0.2
    (restless,) = told
    (problem,) = restless.problems
    assert "without a pause" in problem.message
    (watched.folder / "actions" / "busy.log").unlink()
    assert watched.later() is not None


@pytest.mark.parametrize("large", [False, True])
def test_a_young_or_small_folder_is_read_again_because_times_may_hide_a_change(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr(watching, "SMALL", 0)
    watched.wall.now = OLD + YOUNG - 0.5
    watched.save("version: 1\n# one\n")
    assert watched.later() is not None
    monkeypatch.setattr(watching, "_signature", lambda *_: watched.watched._seen)
    watched.save("version: 1\n# two\n")
    assert watched.look() is None
    watched.time.now += AGAIN
    found = watched.look()
    assert found is not None
    assert found.files["aaf.yaml"].endswith(b"two\n")
    watched.wall.now += YOUNG
    watched.time.now += AGAIN
    assert watched.look() is None
    watched.save("version: 1\n# six\n")
    watched.time.now += AGAIN
    assert (watched.look() is None) is large, "a large old folder is read when its times say so"


def vanish(folder: Path) -> None:
    folder.rename(folder.with_name("gone"))


def crowd(folder: Path) -> None:
    for number in range(MAX_FILES + 1):
        (folder / "actions" / f"a{number}.yaml").touch()


def swell(folder: Path) -> None:
    (folder / "aaf.yaml").write_bytes(b"#" * (MAX_BYTES + 1))


def misname(folder: Path) -> None:
    (folder / os.fsdecode(b"\xff.yaml")).touch()


@pytest.mark.requirement("R38")
@pytest.mark.parametrize(
    ("spoil", "message", "hint"),
    [
        (vanish, "there is no such folder", "name the folder"),
        (crowd, "more than 500 files", "leave only configuration"),
        (swell, "over 1 MiB", "split it"),
        (misname, "no plain text", "rename it"),
    ],
)
def test_a_folder_that_can_not_be_read_is_found_as_its_problem(
    watched: Watched, spoil: Callable[[Path], None], message: str, hint: str
) -> None:
    spoil(watched.folder)
    found = watched.later()
    assert found is not None
    assert found.files == {}
    (problem,) = found.problems
    assert message in problem.message
    assert hint in problem.hint
    assert watched.later() is None


@pytest.mark.requirement("R38")
def test_what_the_system_refuses_is_found_as_its_problem_until_it_allows_it(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(watching, "read_folder", refuse)
    watched.save("version: 1\n# two\n")
    found = watched.later()
    assert found is not None
    (problem,) = found.problems
    assert "Permission denied" in problem.message
    assert "permissions" in problem.hint
    monkeypatch.undo()
    assert watched.later(AGAIN) is not None, "although no time of a file changed"


def test_a_link_to_nothing_is_no_file_until_it_leads_somewhere(watched: Watched) -> None:
    (watched.folder / "actions" / "a.yaml").symlink_to(watched.folder / ".later")
    assert watched.later() is None
    (watched.folder / ".later").write_text("name: a.b\n")
    found = watched.later()
    assert found is not None
    assert set(found.files) == {"aaf.yaml", "actions/a.yaml"}


def test_what_agents_write_beneath_the_folder_neither_counts_nor_keeps_anything_waiting(watched: Watched) -> None:
    (watched.folder / "workspace").mkdir()
    watched.save("version: 1\n# two\n")
    assert watched.look() is None
    (watched.folder / "workspace" / "aaf.yaml").write_text("an agent's")
    watched.time.now += QUIET
    found = watched.look()
    assert found is not None
    assert set(found.files) == {"aaf.yaml"}


def test_a_folder_in_which_files_were_found_is_watched_too(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    (watched.folder / "teams").mkdir()

    def including(folder: Path) -> dict[str, bytes]:
        found = read_folder(folder)
        if b"teams" in found["aaf.yaml"]:
            found |= {f"teams/{path.name}": path.read_bytes() for path in (folder / "teams").iterdir()}
        return found

    monkeypatch.setattr(watching, "read_folder", including)
    monkeypatch.setattr(watching, "SMALL", 0)
    watched.save("rules: []\n", "teams/one.yaml")
    assert watched.later() is None, "it isn't named yet"
    watched.save("version: 1\ninclude: [teams]\n")
    assert watched.later() is None, "whether that is being written isn't known yet"
    watched.save("rules: [] # more\n", "teams/one.yaml")
    assert watched.look() is None
    watched.time.now += QUIET
    found = watched.look()
    assert found is not None
    assert found.files["teams/one.yaml"] == b"rules: [] # more\n"
    watched.save("version: 1\n")
    found = watched.later()
    assert found is not None
    assert set(found.files) == {"aaf.yaml"}
    watched.save("rules: [] # less\n", "teams/one.yaml")
    assert watched.later() is None


def test_a_folder_has_a_name_that_can_be_kept_whatever_its_bytes(tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"a\xff")
    assert WatchedFolder(odd).name == f"{tmp_path}/a\\xff"


def test_what_is_forgotten_is_found_again(watched: Watched) -> None:
    watched.watched.forget()
    assert watched.later() is not None


class Stuck(WatchedFolder):
    """A folder on a disk that answers when told to; on whose thread it was asked is noted."""

    def __init__(self, watched: Watched) -> None:
        super().__init__(watched.folder, clock=watched.time, wall=watched.wall)
        self.answers = threading.Event()
        self.answers.set()
        self.threads: list[threading.Thread] = []

    def look(self) -> Found | None:
        self.threads.append(threading.current_thread())
        self.answers.wait()
        return super().look()


def test_a_server_looks_on_a_thread_that_its_end_does_not_wait_for(watched: Watched) -> None:
    stuck = Stuck(watched)

    async def look() -> None:
        folder = OnThread(stuck)
        assert folder.name == str(watched.folder)
        assert await folder.look() is None
        watched.time.now += QUIET
        assert await folder.look() is not None
        folder.forget()
        assert await folder.look() is None
        watched.time.now += QUIET
        assert await folder.look() is not None

    asyncio.run(look())
    assert all(thread.daemon and thread is not threading.main_thread() for thread in stuck.threads)


@pytest.mark.requirement("R38")
def test_a_folder_that_does_not_answer_is_told_once_and_found_when_it_does(watched: Watched) -> None:
    stuck = Stuck(watched)

    async def look() -> None:
        folder = OnThread(stuck, longest=0.0)
        stuck.answers.clear()
        late = await folder.look()
        assert late is not None
        (problem,) = late.problems
        assert "doesn't answer" in problem.message
        assert await folder.look() is None
        assert len(stuck.threads) == 1, "one look at a time"
        stuck.answers.set()
        stuck.threads[0].join()
        await asyncio.sleep(0)
        folder._longest = 60.0
        assert await folder.look() is None
        assert await folder.look() is None
        watched.time.now += QUIET
        found = await folder.look()
        assert found is not None
        assert found.files

    asyncio.run(look())


def test_what_fails_on_a_thread_fails_where_it_is_waited_for_and_what_nobody_waits_for_goes_on_unheard() -> None:
    ended, goes_on = threading.Event(), threading.Event()

    def fail() -> None:
        raise MemoryError

    def late() -> None:
        goes_on.wait()
        ended.set()

    async def work() -> None:
        with pytest.raises(MemoryError):
            await begin_apart(fail, name="x")
        given_up = begin_apart(late, name="y")
        given_up.cancel()
        goes_on.set()
        await asyncio.to_thread(ended.wait)
        goes_on.clear()
        ended.clear()
        begin_apart(late, name="z")

    asyncio.run(work())
    goes_on.set()
    assert ended.wait(60)


def test_a_server_compiles_on_a_thread_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"aaf.yaml": b"version: 1\n"}
    assert asyncio.run(Compiling().load(files)).rules == ()
    ends = threading.Event()
    monkeypatch.setattr(loading_asyncio, "compiled", lambda _: ends.wait())
    with pytest.raises(ConfigurationInvalid, match="compiling took more than 0 seconds"):
        asyncio.run(Compiling(0.0).load(files))
    ends.set()


@pytest.mark.attack("G40", part="compilations that somebody asks for without end run two at a time")
def test_few_compile_at_once_a_late_one_keeps_its_place_and_who_finds_no_place_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    goes_on, full = threading.Event(), asyncio.Event()
    running, most, loops = list[object](), list[int](), list[asyncio.AbstractEventLoop]()

    def compiling(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
        running.append(files)
        most.append(len(running))
        if len(running) == AT_ONCE:
            loops[0].call_soon_threadsafe(full.set)
        assert goes_on.wait(60)
        running.pop()
        return files

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        loader = Compiling(60.0)
        begun = [asyncio.ensure_future(loader.load({})) for _ in range(AT_ONCE + WAITING)]
        await full.wait()
        with pytest.raises(Unavailable) as caught:
            await loader.load({})
        assert caught.value.code is Code.TOO_MANY_CONNECTIONS
        begun[0].cancel()  # its client went: the thread goes on, and so does the place that it takes
        await asyncio.sleep(0)
        goes_on.set()
        done = await asyncio.gather(*begun, return_exceptions=True)
        assert [isinstance(one, asyncio.CancelledError) for one in done] == [True, *[False] * (len(begun) - 1)]
        await loader.load({})

    monkeypatch.setattr(loading_asyncio, "compiled", compiling)
    asyncio.run(work())
    assert max(most) == AT_ONCE


def test_who_waits_too_long_for_a_turn_is_told_so_and_not_that_its_files_are_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ends = threading.Event()

    async def work() -> None:
        loader = Compiling(0.0)
        for _ in range(AT_ONCE):
            with pytest.raises(ConfigurationInvalid):
                await loader.load({})
        with pytest.raises(Unavailable):
            await loader.load({})
        assert loader._waiting == 0

    monkeypatch.setattr(loading_asyncio, "compiled", lambda _: ends.wait())
    asyncio.run(work())
    ends.set()


def test_a_thread_that_can_not_be_started_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError

    async def work() -> None:
        loader = Compiling()
        with monkeypatch.context() as without:
            without.setattr(loading_asyncio, "begin_apart", refuse)
            for _ in range(AT_ONCE + 1):
                with pytest.raises(RuntimeError):
                    await loader.load({})
        assert (await loader.load({"aaf.yaml": b"version: 1\n"})).rules == ()

    asyncio.run(work())

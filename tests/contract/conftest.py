"""Every store behind one fixture: the same tests judge all of them."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from aaf.adapters.clock import FixedClock
from aaf.adapters.driving import drive
from aaf.adapters.memory import MemoryStore
from aaf.adapters.sqlite.file import Options
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.waiting import Blocking
from aaf.adapters.waiting_asyncio import OnLoop
from aaf.domain.errors import StoreFailed
from aaf.ports import Answer, Commit, Conflict, Store

T = TypeVar("T")


@dataclass
class Disk:
    """A disk that says how much is free."""

    free: int = 1 << 40

    def __call__(self, path: Path) -> int:
        return self.free


class Runs(Protocol):
    """How a store's coroutines are driven."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T: ...

    def together(self, store: Store, commits: Sequence[Commit]) -> list[Answer | StoreFailed]: ...


class InThreads:
    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return drive(coroutine)

    def together(self, store: Store, commits: Sequence[Commit]) -> list[Answer | StoreFailed]:
        """One thread each, started at once."""
        start = threading.Barrier(len(commits))
        answers: dict[int, Answer | StoreFailed] = {}

        def one(place: int) -> None:
            start.wait()
            try:
                answers[place] = drive(store.commit(commits[place]))
            except StoreFailed as error:
                answers[place] = error

        threads = [threading.Thread(target=one, args=(place,)) for place in range(len(commits))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [answers[place] for place in range(len(commits))]


class OnOneLoop:
    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def together(self, store: Store, commits: Sequence[Commit]) -> list[Answer | StoreFailed]:
        """One task each."""

        async def one(commit: Commit) -> Answer | StoreFailed:
            try:
                return await store.commit(commit)
            except StoreFailed as error:
                return error

        async def every() -> list[Answer | StoreFailed]:
            return await asyncio.gather(*(one(commit) for commit in commits))

        return self._runner.run(every())


@dataclass
class Subject:
    """A store, its clock and disk, and how to drive it."""

    store: Store
    clock: FixedClock
    disk: Disk
    runs: Runs
    attributes: dict[str, object] = field(default_factory=dict)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runs.run(coroutine)

    def commit(self, commit: Commit) -> Answer:
        return self.run(self.store.commit(commit))

    def conflict(self, commit: Commit) -> str:
        """The kind of the conflict that `commit` must end in, leaving its ledger as it was."""
        before = self.run(self.store.head(commit.org))
        answer = self.commit(commit)
        assert isinstance(answer, Conflict), answer
        assert self.run(self.store.head(commit.org)) == before
        return answer.kind.value

    def together(self, commits: Sequence[Commit]) -> list[Answer | StoreFailed]:
        return self.runs.together(self.store, commits)


@pytest.fixture(params=["memory", "sqlite in threads", "sqlite on a loop"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    clock, disk = FixedClock(), Disk()
    options = Options(free=disk, reserve=1000)
    path = tmp_path / "aaf.db"
    match request.param:
        case "memory":
            memory = MemoryStore(clock, low=lambda: disk.free < options.reserve)
            yield Subject(memory, clock, disk, InThreads())
        case "sqlite in threads":
            sqlite = SqliteStore.open(path, waiting=Blocking(), clock=clock, options=options)
            yield Subject(sqlite, clock, disk, InThreads())
            drive(sqlite.close())
        case _:
            with asyncio.Runner() as runner:
                looped = SqliteStore.open(path, waiting=OnLoop(), clock=clock, options=options)
                yield Subject(looped, clock, disk, OnOneLoop(runner))
                runner.run(looped.close())

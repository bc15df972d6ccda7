"""Whatever is reserved, run, ended and forgotten in whatever order: the running sums on disk are the plain sums in memory."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aaf.adapters.clock import FixedClock
from aaf.adapters.driving import drive
from aaf.adapters.memory import MemoryStore
from aaf.adapters.sqlite.file import Options
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.waiting import Blocking
from aaf.domain.record import ActionRecord
from aaf.domain.spending import KEPT, SCALE
from aaf.domain.states import State
from aaf.ports import Commit, Committed, InsertAction, ReserveSpend, Store, UpdateAction
from tests.contract.material import ORG, action, event

NAMES, SUBJECTS = ("a", "b"), ("EUR x", "EUR y")
WINDOWS = (1, 5 * SCALE, 60 * SCALE, 3600 * SCALE, 30 * 86_400 * SCALE)
PAUSES = (0.0, 0.000001, 1.0, 30.0, 3600.0, 86_400.0, KEPT / SCALE)
NEXT: dict[State, tuple[State, ...]] = {
    State.ALLOWED: (State.EXECUTING, State.LAPSED, State.CANCELLED, State.DENIED),
    State.EXECUTING: (State.SUCCEEDED, State.FAILED, State.UNKNOWN),
    State.UNKNOWN: (State.FAILED, State.SUCCEEDED),
}


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("seed", range(6))
def test_running_sums_are_plain_sums(tmp_path: Path, seed: int) -> None:
    chance, clock = random.Random(seed), FixedClock()
    options = Options(free=lambda _: 1 << 40)
    sqlite = SqliteStore.open(tmp_path / "aaf.db", waiting=Blocking(), clock=clock, options=options)
    stores: tuple[Store, Store] = (sqlite, MemoryStore(clock))
    open_: list[ActionRecord] = []

    def both(ask: Callable[[Store], object]) -> object:
        said = [ask(store) for store in stores]
        assert said[0] == said[1]
        return said[0]

    def commit(*writes: InsertAction | UpdateAction | ReserveSpend) -> bool:
        one = Commit(ORG, writes, (event(),))
        return isinstance(both(lambda store: drive(store.commit(one))), Committed)

    for _ in range(250):
        match chance.randrange(4):
            case 0 | 1:
                record = replace(action(state=State.ALLOWED), spends=True)
                places = chance.sample([(name, who) for name in NAMES for who in SUBJECTS], chance.randint(1, 3))
                wanted = [
                    ReserveSpend(record.id, *place, chance.randrange(40), chance.choice((None, 100)), chance.choice(WINDOWS))
                    for place in places
                ]  # fmt: skip
                if commit(InsertAction(record), *wanted):
                    open_.append(record)
            case 2 if open_:
                record = open_.pop(chance.randrange(len(open_)))
                said = {"source": chance.choice(("connector", "caller", "person"))}
                record = replace(
                    record, version=record.version + 1, state=chance.choice(NEXT[record.state]), outcome={**said}
                )
                assert commit(UpdateAction(record))
                open_ += [record] if record.state in NEXT else []
            case _:
                clock.advance(chance.choice(PAUSES[: 4 if chance.random() < 0.8 else None]))
        now = drive(stores[0].now())
        for window in WINDOWS:
            both(lambda store, since=now - window: [  # type: ignore[misc]
                drive(store.spent(ORG, name, who, since=since)) for name in NAMES for who in SUBJECTS
            ])  # fmt: skip
            both(lambda store, since=now - window: drive(store.spent_by(ORG, "a", since=since)))  # type: ignore[misc]
    drive(sqlite.close())

"""Stored tree nodes answer as all the leaves do, also where two levels of them are complete."""

import random
from pathlib import Path

from aaf.adapters.driving import drive
from aaf.adapters.sqlite.file import Options
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.sqlite.tree import TILE
from aaf.adapters.waiting import Blocking
from aaf.domain.merkle import leaf_hash, subtree_of
from aaf.ports import Commit
from tests.contract.material import ORG, checkpoint, event

SIZE = TILE * TILE + TILE + 3


def test_two_levels_of_stored_nodes_answer_as_the_leaves_do(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "aaf.db", waiting=Blocking(), options=Options())
    events = [event(body=b"%d" % number) for number in range(SIZE)]
    oracle = subtree_of([leaf_hash(one.body) for one in events])
    for first in range(0, SIZE, 4000):
        drive(store.commit(Commit(ORG, (), tuple(events[first : first + 4000]))))
        kept = min(first + 4000, SIZE)
        if first % 16_000 == 0:  # each adds what has become complete since the one before
            assert drive(store.put_checkpoint(checkpoint(kept, oracle(0, kept))))
    chance = random.Random(65_536)
    aligned = [(0, TILE * TILE), (TILE, 2 * TILE), (TILE * TILE, TILE * TILE + TILE), (0, SIZE), (512, 1024)]
    anywhere = [sorted(chance.sample(range(SIZE), 2)) for _ in range(20)]
    for start, end in (*aligned, *anywhere):
        assert drive(store.subtree(ORG, start, end)) == oracle(start, end)
    drive(store.close())

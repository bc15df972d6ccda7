"""Four processes with four threads each on one file: one order of events, each right used once, each limit exact."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.waiting import Blocking
from aaf.domain.merkle import leaf_hash, tree_root
from aaf.domain.record import PermitState
from aaf.ports import Commit, InsertAction, InsertPermit
from tests.contract.hammer import SHARED, THREADS, jti
from tests.contract.material import ORG, OTHER, action, event, permit
from tests.contract.test_ledger import chained

PROCESSES = 4
ROUNDS = 12


def hammer(path: Path) -> list[dict[str, Any]]:
    """Run the processes at once and return what each says it won."""
    command = [sys.executable, "-m", "tests.contract.hammer", str(path), str(ROUNDS)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0] * PROCESSES
    return [json.loads(line) for line in said]


@pytest.mark.requirement("R26")
@pytest.mark.attack("G14")
def test_processes_on_one_file_agree(tmp_path: Path) -> None:
    path = tmp_path / "aaf.db"
    store = SqliteStore.open(path, waiting=Blocking())
    permits = [InsertPermit(permit(SHARED, jti=jti(number), org=ORG)) for number in range(ROUNDS)]
    for number, one in enumerate(permits):  # an action has one live permit, so each gets an action of its own
        other = permit(f"{SHARED[:-2]}{number:02x}", jti=one.permit.jti)
        drive(store.commit(Commit(ORG, (InsertPermit(other),), (event(),))))
    drive(store.commit(Commit(ORG, (InsertAction(action(SHARED)),), (event(SHARED),))))

    said = hammer(path)

    tally: Counter[str] = Counter()
    consumed: list[str] = []
    for each in said:
        tally += Counter(each["tally"])
        consumed += each["consumed"]
    assert sorted(consumed) == [jti(number) for number in range(ROUNDS)]
    for number in range(ROUNDS):
        kept = drive(store.permit(jti(number)))
        assert kept is not None
        assert kept.state is PermitState.CONSUMED
    assert tally["charged"] == 10
    assert tally["over"] == PROCESSES * THREADS * ROUNDS - 10
    assert tally["inserted"] == PROCESSES * THREADS * ROUNDS
    shared = drive(store.action(ORG, SHARED))
    assert shared is not None
    assert shared.version == 1 + tally["moved"]
    moves = [json.loads(row.body) for row in drive(store.events_of(ORG, SHARED))][1:]
    assert moves == [{"n": version} for version in range(2, shared.version + 1)]
    rows = drive(store.events(ORG, limit=100_000))
    assert len(rows) == ROUNDS + 1 + tally["moved"] + ROUNDS + tally["inserted"]
    head = drive(store.head(ORG))
    assert (head.size, head.chain) == (len(rows), chained(ORG, rows))
    assert head.root == tree_root([leaf_hash(row.body) for row in rows])
    assert drive(store.head(OTHER)).size == 10
    drive(store.close())

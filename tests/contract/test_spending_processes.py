"""Four processes race for one ceiling, and one is killed on the way: never above it, and never a unit lost."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.waiting import Blocking
from aaf.domain.states import State
from tests.contract.material import ORG
from tests.contract.spender import AMOUNT, CEILING, NAME, SUBJECT, THREADS

PROCESSES = 4
FITS = CEILING // AMOUNT


def begun(path: Path, tries: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.contract.spender", str(path), str(tries)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def counted(store: SqliteStore, state: State) -> int:
    return drive(store.count(ORG, state)) * AMOUNT


@pytest.mark.requirement("R20")
@pytest.mark.requirement("R26")
def test_racing_processes_spend_exactly_the_ceiling(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "aaf.db", waiting=Blocking())
    running = [begun(tmp_path / "aaf.db", 40) for _ in range(PROCESSES)]
    highest = 0
    while any(process.poll() is None for process in running):
        highest = max(highest, drive(store.spent(ORG, NAME, SUBJECT, since=0)).total)
    said = Counter(line for process in running for line in process.communicate(timeout=120)[0].split())
    assert [process.returncode for process in running] == [0] * PROCESSES
    spent = drive(store.spent(ORG, NAME, SUBJECT, since=0))
    assert highest <= CEILING
    assert said["reserved"] - said["released"] == FITS
    assert spent.total == FITS * AMOUNT
    assert spent.committed == said["committed"] * AMOUNT
    assert (counted(store, State.ALLOWED), counted(store, State.EXECUTING)) == (spent.reserved, spent.committed)
    drive(store.close())


@pytest.mark.requirement("R20")
@pytest.mark.requirement("R26")
def test_a_killed_process_leaves_the_count_exact(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "aaf.db", waiting=Blocking())
    process = begun(tmp_path / "aaf.db", 10_000)
    assert process.stdout is not None
    told = Counter(process.stdout.readline().strip() for _ in range(12))
    process.kill()
    told += Counter(process.communicate(timeout=60)[0].split())
    spent = drive(store.spent(ORG, NAME, SUBJECT, since=0))
    assert (counted(store, State.ALLOWED), counted(store, State.EXECUTING)) == (spent.reserved, spent.committed)
    assert 0 < spent.total <= CEILING
    # What was said to be durable is there; of each thread, at most one more than it could say.
    assert spent.committed >= told["committed"] * AMOUNT
    assert 0 <= spent.total - (told["reserved"] - told["released"]) * AMOUNT + THREADS * AMOUNT <= 2 * THREADS * AMOUNT
    again = begun(tmp_path / "aaf.db", 60)
    again.communicate(timeout=120)
    assert again.returncode == 0
    assert drive(store.spent(ORG, NAME, SUBJECT, since=0)).total == FITS * AMOUNT
    drive(store.close())

"""G20: the store is full, locked, closed or in recovery: nothing is decided and nothing runs."""

import sqlite3

import pytest

from aaf.adapters.memory import MemoryStore
from aaf.domain.errors import AafError, StoreFailed
from aaf.domain.states import State
from aaf.services.execute import execute
from aaf.services.permits import issue
from tests.services.world import World

ADMIT = ("aaf.adapters.memory:MemoryStore._admit", "aaf.adapters.sqlite.transaction:Transaction._admit")


@pytest.mark.attack("G20", guard=ADMIT)
def test_a_full_store_decides_nothing_and_runs_nothing(either: World) -> None:
    record, payment = either.submit("files.read", {"path": "a.txt"}).record, either.payment()
    either.disk.free = 0
    with either.unrecorded():
        for call in (
            lambda: either.submit("files.read", {"path": "a.txt"}, run=True),
            lambda: either.execute(record),
            lambda: either.run(issue(either.core, either.bot, payment.id, digest=payment.digest, audience="shop")),
        ):
            with pytest.raises(StoreFailed):
                call()
    assert either.hands.runs == 0


@pytest.mark.attack("G20", guard=ADMIT)
def test_a_store_in_recovery_decides_nothing_and_runs_nothing(either: World) -> None:
    record = either.submit("files.read", {"path": "a.txt"}).record
    either.run(either.store.set_recovering("an older copy"))
    with either.unrecorded():
        for call in (lambda: either.submit("files.read", {"path": "a.txt"}, run=True), lambda: either.execute(record)):
            with pytest.raises(StoreFailed):
                call()
    assert either.hands.runs == 0


@pytest.mark.attack("G20")
def test_a_store_that_is_gone_decides_nothing_and_runs_nothing(either: World) -> None:
    record, bot = either.submit("files.read", {"path": "a.txt"}).record, either.bot
    either.hands.then("analyse", either.close)
    with pytest.raises(AafError):
        either.run(execute(either.core, bot, record.id, digest=record.digest))
    assert either.hands.runs == 0
    if isinstance(either.store, MemoryStore):
        either.store._closed = False
    else:
        either.store = either.twin().store
    assert either.record(record).state is State.ALLOWED


@pytest.mark.attack("G20")
def test_a_database_that_nobody_can_write_decides_nothing_and_runs_nothing(filed: World) -> None:
    """A table that refuses every insert stands for a file that can't be written; root may write any file."""
    with filed.sql() as database:
        database.execute(
            "CREATE TRIGGER no_more BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
        )
    with filed.unrecorded(), pytest.raises(StoreFailed):
        filed.submit("files.read", {"path": "a.txt"}, run=True)
    assert filed.hands.runs == 0


@pytest.mark.attack("G20")
def test_an_event_that_is_not_written_leaves_no_state_behind(filed: World) -> None:
    record = filed.submit("files.read", {"path": "a.txt"}).record
    with filed.sql() as database:
        database.execute(
            "CREATE TRIGGER no_more BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"
        )
    with pytest.raises(StoreFailed):
        filed.execute(record)
    assert filed.hands.runs == 0
    with sqlite3.connect(filed.database) as database:
        assert database.execute("SELECT state FROM action WHERE id = ?", (record.id,)).fetchone() == ("allowed",)
    database.close()

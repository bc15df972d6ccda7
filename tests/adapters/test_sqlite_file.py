"""Opening a database file: where it may lie, whose it is, who may read it, and what is said where it can't be used."""

import json
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from aaf.adapters.driving import drive
from aaf.adapters.sqlite import queries
from aaf.adapters.sqlite.file import APPLICATION_ID, NETWORK, Options, file_system, file_system_in, free_bytes
from aaf.adapters.sqlite.queries import INSERT_ACTION
from aaf.adapters.sqlite.rows import action_row
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.waiting import Blocking
from aaf.domain.errors import Code, StoreFailed
from aaf.domain.record import ManagedBy, Spent
from aaf.domain.states import State
from aaf.ports import Commit, Committed, InsertAction, ReserveSpend, UpdateAction
from tests.adapters.gate import Gate
from tests.contract.material import ORG, OTHER, action, commit, event

MIGRATIONS = sorted(Path(str(resources.files("aaf.adapters.sqlite") / "migrations")).glob("*.sql"))


def opened(path: Path, options: Options | None = None) -> SqliteStore:
    return SqliteStore.open(path, waiting=Blocking(), options=options or Options())


def refusal(path: Path, options: Options | None = None) -> StoreFailed:
    with pytest.raises(StoreFailed) as refused:
        opened(path, options)
    return refused.value


def test_a_new_file_and_its_folder_are_their_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "aaf.db"
    store = opened(path)
    drive(store.commit(commit()))
    assert path.parent.stat().st_mode & 0o777 == 0o700
    for name in ("aaf.db", "aaf.db-wal", "aaf.db-shm"):
        assert (path.parent / name).stat().st_mode & 0o777 == 0o600
    drive(store.close())
    assert [one.name for one in path.parent.iterdir()] == ["aaf.db"]


def test_what_was_written_is_there_after_the_file_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "aaf.db"
    first = opened(path)
    name = drive(first.installation())
    drive(first.commit(commit(events=3)))
    drive(first.set_recovering("restored"))
    head = drive(first.head(ORG))
    first.close_now()
    second = opened(path)
    assert drive(second.head(ORG)) == head
    assert drive(second.installation()) == name
    assert drive(second.recovering()) == "restored"
    drive(second.close())


def test_what_an_earlier_version_wrote_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "aaf.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(MIGRATIONS[0].read_text())
        connection.execute("INSERT INTO installation (one, id, mark) VALUES (1, ?, 1)", (OTHER,))
        connection.execute("INSERT INTO configuration VALUES (?, 1, x'7b7d', 'source', 'system', 'read', 5)", (ORG,))
        connection.execute("PRAGMA user_version = 1")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.close()
    store = opened(path)
    release = drive(store.release(ORG))
    assert drive(store.installation()) == OTHER
    assert release is not None
    assert (release.number, release.files, release.managed_by) == (1, b"{}", ManagedBy.FILE)
    drive(store.close())


@pytest.mark.requirement("R20")
def test_an_action_that_an_earlier_version_left_open_runs_on_and_ceilings_count_from_now(tmp_path: Path) -> None:
    path, waiting = tmp_path / "aaf.db", action(state=State.ALLOWED)
    *columns, rest = action_row(waiting)
    earlier = {key: value for key, value in json.loads(rest).items() if key != "spends"}
    with sqlite3.connect(path) as connection:
        connection.executescript(MIGRATIONS[0].read_text())
        connection.execute("INSERT INTO installation (one, id, mark) VALUES (1, ?, 1)", (OTHER,))
        connection.execute(INSERT_ACTION, (*columns, json.dumps(earlier)))
        connection.execute("INSERT INTO rate_limit VALUES (?, 'agent', ?, 5)", (ORG, waiting.agent))
        connection.execute("PRAGMA user_version = 1")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.close()
    store = opened(path)
    found = drive(store.action(ORG, waiting.id))
    assert found == waiting
    runs = replace(waiting, version=2, state=State.EXECUTING)
    assert isinstance(drive(store.commit(commit(UpdateAction(runs)))), Committed)
    assert drive(store.spent(ORG, "payments", "EUR agent=x", since=0)) == Spent()
    new = replace(action(state=State.ALLOWED), spends=True)
    reserve = ReserveSpend(new.id, "payments", "EUR agent=x", 70, 100, 3_600_000_000)
    assert isinstance(drive(store.commit(commit(InsertAction(new), reserve))), Committed)
    assert drive(store.spent(ORG, "payments", "EUR agent=x", since=0)) == Spent(70, 0)
    assert drive(store.limit(ORG, "agent", waiting.agent)) == 5
    drive(store.close())


@pytest.mark.requirement("R20")
def test_an_older_process_writes_nothing_into_what_a_newer_one_has_migrated(tmp_path: Path) -> None:
    path = tmp_path / "aaf.db"
    store = opened(path)
    assert isinstance(drive(store.commit(commit())), Committed)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    for admission in (True, False):
        with pytest.raises(StoreFailed) as refused:
            drive(store.commit(replace(commit(), admission=admission)))
        assert refused.value.code is Code.STORE_NEWER
        assert "schema 99" in refused.value.message
    assert drive(store.head(ORG)).size == 1
    drive(store.close())


def test_a_newer_schema_is_refused_with_both_numbers(tmp_path: Path) -> None:
    path = tmp_path / "aaf.db"
    drive(opened(path).close())
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    before = path.read_bytes()
    error = refusal(path)
    assert error.code is Code.STORE_NEWER
    assert "schema 9" in error.message
    assert f"up to {len(MIGRATIONS)}" in error.message
    assert path.read_bytes() == before


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = path.read_bytes()
    assert refusal(path).code is Code.STORE_UNAVAILABLE
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"not a database at all, but long enough to look like one" * 40, b"SQLite format 3\x00" + b"\xff" * 5000],
)
def test_a_file_that_is_no_database_is_named_as_such(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "aaf.db"
    path.write_bytes(content)
    error = refusal(path)
    assert error.code is Code.STORE_UNAVAILABLE
    assert error.hint
    assert path.read_bytes() == content


@pytest.mark.attack(
    "G20",
    guard="aaf.adapters.sqlite.file:NETWORK",
    without="tests.attacks.without:empty_like",
    part="the doors answer 503 and run nothing",
)
@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"])
def test_network_file_systems_are_refused_before_anything_is_made(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "data" / "aaf.db"
    error = refusal(path, Options(kind=lambda path: kind))
    assert error.code is Code.STORE_ON_NETWORK
    assert kind in error.message
    assert not path.parent.exists()


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
30 22 0:44 / /srv rw,relatime shared:7 - nfs4 server:/export rw,vers=4.2
31 30 254:1 / /srv/local\\040disk rw - xfs /dev/vdb rw
32 22 0:45 / /home rw - fuse.sshfs me@there: rw
33 22 254:2 / /home rw - btrfs /dev/vdc rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/aaf.db", "ext4"),
        ("/srv/aaf.db", "nfs4"),
        ("/srvices/aaf.db", "ext4"),
        ("/srv/local disk/aaf.db", "xfs"),
        ("/home/me/aaf.db", "btrfs"),
    ],
)
def test_the_deepest_and_last_mount_holds_a_path(path: str, kind: str) -> None:
    assert file_system_in(MOUNTS, path) == kind


def test_this_machines_own_disk_is_known_or_not_asked(tmp_path: Path) -> None:
    assert file_system(tmp_path / "aaf.db") not in NETWORK
    assert free_bytes(tmp_path / "aaf.db") > 0


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from aaf.adapters.driving import drive
from aaf.adapters.sqlite import queries
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.sqlite.file import Options
from aaf.adapters.waiting import Blocking
from aaf.domain.errors import StoreFailed
SqliteStore.open(Path(sys.argv[2]), waiting=Blocking()).close_now()
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    SqliteStore.open(Path(sys.argv[1]), waiting=Blocking())
except StoreFailed as error:
    print(error.code)
"""


def unprivileged(path: Path, warm: Path) -> str:
    """What opening `path` says to a user without the right to write; `warm` is used to import everything before."""
    command = [sys.executable, "-c", UNPRIVILEGED, str(path), str(warm)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.attack("G20", part="the doors answer 503 and run nothing")
def test_a_file_or_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)  # so that another user gets as far as our own folder
    path = tmp_path / "data" / "aaf.db"
    drive(opened(path).close())
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert unprivileged(path, tmp_path / "warm.db") == "store_read_only"
        assert unprivileged(path.parent / "new.db", tmp_path / "warm2.db") == "store_read_only"
        assert unprivileged(path.parent / "folder" / "new.db", tmp_path / "warm3.db") == "store_read_only"
    finally:
        path.parent.chmod(0o700)


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).code is Code.STORE_UNAVAILABLE
    (tmp_path / "file").write_text("x")
    assert refusal(tmp_path / "file" / "aaf.db").code is Code.STORE_READ_ONLY


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "aaf.db"
    stores: list[SqliteStore] = []
    threads = [threading.Thread(target=lambda: stores.append(opened(path))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({drive(store.installation()) for store in stores}) == 1
    for store in stores:
        assert isinstance(drive(store.commit(commit())), Committed)
    assert drive(stores[0].head(ORG)).size == 6
    for store in stores:
        drive(store.close())


def test_a_lock_held_by_another_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "aaf.db"
    store = opened(path, Options(busy_timeout=20))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailed) as refused:
        drive(store.commit(commit()))
    assert refused.value.code is Code.STORE_LOCKED
    other.execute("ROLLBACK")
    other.close()
    assert isinstance(drive(store.commit(commit())), Committed)
    drive(store.close())


@pytest.mark.attack("G20", part="the doors answer 503 and run nothing")
def test_a_full_disk_is_named_and_leaves_no_half_commit(tmp_path: Path) -> None:
    store = opened(tmp_path / "aaf.db", Options(max_pages=80))
    size = 0
    failure: StoreFailed | None = None
    while failure is None:
        try:
            answer = drive(store.commit(Commit(ORG, (), (event(body=b"x" * 20_000), event()))))
        except StoreFailed as error:
            failure = error
        else:
            assert isinstance(answer, Committed)
            size = answer.seq
    assert failure.code is Code.STORE_FULL
    assert 2 < size == drive(store.head(ORG)).size == len(drive(store.events(ORG)))
    assert isinstance(drive(store.commit(commit())), Committed)
    drive(store.close())


@pytest.mark.attack(
    "G40",
    guard="aaf.adapters.sqlite.writer:Writer._without_admissions",
    without="tests.contract.without:all_failed",
    part="rate limits and doors have tests of their own",
)
def test_where_new_work_fills_the_disk_outcomes_in_its_batch_still_go(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "aaf.db"
    store = SqliteStore.open(path, waiting=Blocking(), clock=gate, options=Options(max_pages=80))
    big = [Commit(ORG, (), tuple(event(body=b"x" * 60_000) for _ in range(4)), admission=True) for _ in range(4)]
    answers: list[object] = []

    def one(it: Commit) -> None:
        try:
            answers.append(drive(store.commit(it)))
        except StoreFailed as error:
            answers.append(error.code)

    gate.shut()
    first = threading.Thread(target=one, args=(commit(),))
    first.start()
    gate.reached()  # the writer has this one in hand, so the others make one batch behind it
    threads = [threading.Thread(target=one, args=(it,)) for it in (*big, commit())]
    for thread in threads:
        thread.start()
    while store._writer._queue.qsize() < len(threads):
        pass
    gate.open()
    for thread in (first, *threads):
        thread.join()
    assert answers.count(Code.STORE_FULL) == 4
    assert sum(isinstance(answer, Committed) for answer in answers) == 2
    drive(store.close())


FORKING = """
import os, sys
from pathlib import Path
from aaf.adapters.driving import drive
from aaf.adapters.sqlite import queries
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.waiting import Blocking
from aaf.domain.errors import StoreFailed
from tests.adapters.gate import Gate
from tests.contract.material import ORG, commit
store = SqliteStore.open(Path(sys.argv[1]), waiting=Blocking())
drive(store.commit(commit()))
child = os.fork()
if child == 0:
    for call in (store.commit(commit()), store.now(), store.head(ORG), store.subtree(ORG, 0, 1), store.close()):
        try:
            drive(call)
        except StoreFailed as error:
            print(error.code, flush=True)
    os._exit(0)
os.waitpid(child, 0)
drive(store.commit(commit()))
print(drive(store.head(ORG)).size)
drive(store.close())
"""


def test_a_store_refuses_in_a_forked_child(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKING, str(tmp_path / "aaf.db")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["store_forked"] * 5 + ["2"]


def test_opening_and_committing_needs_no_event_loop(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from aaf.adapters.driving import drive
from aaf.adapters.sqlite import queries
from aaf.adapters.sqlite.store import SqliteStore
from aaf.adapters.waiting import Blocking
from aaf.ports import Commit
store = SqliteStore.open(Path(sys.argv[1]), waiting=Blocking())
drive(store.commit(Commit("01890000-0000-7000-8000-0000000000aa", (), ())))
drive(store.close())
print([name for name in ("asyncio", "concurrent", "pydantic", "yaml") if name in sys.modules])
"""
    command = [sys.executable, "-c", program, str(tmp_path / "aaf.db")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("rest", ["{", "[]", "{}", '{"reasons": 1}', "null"])
def test_a_row_that_can_not_be_read_is_a_failure_of_the_store_and_not_of_its_neighbours(
    tmp_path: Path, rest: str
) -> None:
    path = tmp_path / "aaf.db"
    store = opened(path)
    bad, good = action(), action()
    drive(store.commit(commit(InsertAction(bad), InsertAction(good))))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE action SET rest = ? WHERE id = ?", (rest, bad.id))
    database.close()
    with pytest.raises(StoreFailed) as failed:
        drive(store.action(bad.org, bad.id))
    assert failed.value.code is Code.INTERNAL_ERROR
    assert drive(store.action(good.org, good.id)) == good
    drive(store.close())


def test_a_look_back_reads_nothing_that_is_older(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        for script in MIGRATIONS:
            connection.executescript(script.read_text(encoding="utf-8"))
        names = {"org": "o", "since": 5, "after": "", "limit": 50}
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {queries.DECIDED}", names)]
    searched = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert len(searched) == 3
    assert "(org=? AND id>?)" in searched[0]
    assert any("COVERING INDEX action_made (org=? AND created_at>?)" in step for step in searched)
    assert not any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in plan)

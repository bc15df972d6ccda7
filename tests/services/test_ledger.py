"""The ledger as operators and outsiders see it, and what is found when somebody changed the file."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from aaf.domain.chain import chain_next, genesis
from aaf.domain.errors import Code, InputRefused, NotPermitted
from aaf.domain.merkle import Frontier, leaf_hash, verify_consistency
from aaf.domain.record import CheckpointRow
from aaf.services import ledger
from tests.services.world import World, refused


def page(world: World, **asked: Any) -> list[int]:
    return [row.seq for row in world.run(ledger.page(world.core, world.admin, **asked))]


def exported(world: World, by: str = "admin") -> bytes:
    async def read() -> bytes:
        return b"".join([part async for part in await ledger.export(world.core, world.caller(by))])

    return world.run(read())


def some(world: World, events: int = 6) -> None:
    for _ in range(events):
        world.submit("files.read", {"path": "a.txt"})


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R13", "R40")
def test_events_are_listed_by_place_action_type_and_family(either: World) -> None:
    record = either.write()
    either.approve(record)
    either.execute(record)
    size = either.run(either.store.head(either.org)).size
    assert page(either) == list(range(1, size + 1))
    assert page(either, after=2, limit=2) == [3, 4]
    assert page(either, kind="key.") == page(either, kind="key.created") == [2, 3, 4, 5]
    assert page(either, action=record.id) == list(range(size - 3, size + 1))
    assert page(either, action=record.id, after=size - 1) == [size]
    assert page(either, action=record.id, kind="action.approved") == [size - 2]
    assert page(either, action=record.id, limit=1) == [size - 3]
    assert page(either, kind="no.such") == []


@pytest.mark.requirement("R13", "R40")
def test_each_entry_says_who_what_and_when_with_commitments_for_values(either: World) -> None:
    record = either.write("SEKRIT")
    either.approve(record)
    rows = either.run(ledger.page(either.core, either.caller("ann"), action=record.id))
    first, second = (json.loads(row.body) for row in rows)
    assert (first["actor"], first["ts"], first["data"]["type"]) == (
        either.bot.principal.actor,
        either.clock.at,
        "files.write",
    )
    assert (first["data"]["class"], first["data"]["risk"]) == ("file_write", "high")
    assert set(first["commit"]) == {"params.content", "params.create", "params.overwrite", "params.path"}
    assert second["actor"] == either.caller("ann").principal.actor
    assert "SEKRIT" not in str(rows)


def test_pages_go_on_beyond_a_thousand_events(world: World) -> None:
    for _ in range(1_010):
        world.run(world.store.commit(world.occasion()))
    size = world.run(world.store.head(world.org)).size
    assert page(world, kind="configuration.activated", limit=10) == [1]
    assert len(page(world, limit=1_000)) == 1_000
    assert page(world, after=1_000, limit=1_000) == list(range(1_001, size + 1))
    assert world.run(ledger.check(world.core, world.admin)).bad is None
    assert exported(world).count(b"\n") == size + 2


@pytest.mark.parametrize("asked", [{"limit": 0}, {"limit": 1_001}, {"after": -1}])
def test_a_page_has_bounds(world: World, asked: dict[str, int]) -> None:
    with refused(Code.WRONG_TYPE, InputRefused):
        page(world, **asked)


def test_who_may_not_read_the_ledger_reads_none_of_it(world: World) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: ledger.page(world.core, world.bot),
        lambda: ledger.check(world.core, world.bot),
        lambda: ledger.export(world.core, world.bot),
        lambda: ledger.export(world.core, world.caller("ann")),
    ]
    for call in calls:
        with world.unrecorded(), refused(Code.PERMISSION_DENIED, NotPermitted):
            world.run(call())


# --- checkpoints ------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R26")
def test_a_checkpoint_is_of_the_head_and_is_made_once(either: World) -> None:
    first = either.run(ledger.newest_checkpoint(either.core, either.bot))
    head = either.run(either.store.head(either.org))
    assert first is not None
    assert (first.size, first.root) == (head.size, head.root)
    assert first.note.startswith(f"{either.core.origin(either.org)}\n{head.size}\n")
    assert either.run(ledger.newest_checkpoint(either.core, either.admin)) == first
    some(either, 1)
    assert either.run(ledger.checkpoint_dirty(either.core)) >= 1
    assert either.run(ledger.checkpoint_dirty(either.core)) == 0


def test_of_two_who_sign_one_head_the_first_is_kept(world: World) -> None:
    class Slow:
        public_key = world.core.log_signer.public_key

        def sign(self, data: bytes) -> bytes:
            first.append(world.run(ledger.checkpoint(world.core, world.org)))
            return world.core.log_signer.sign(data)

    first: list[CheckpointRow | None] = []
    second = world.run(ledger.checkpoint(replace(world.core, log_signer=Slow()), world.org))
    assert [second] == first
    assert len(world.run(world.store.checkpoints(world.org))) == 1


def unsigned(world: World) -> int:
    newest = world.run(world.store.checkpoint(world.org))
    return world.run(world.store.head(world.org)).size - (newest.size if newest else 0)


def test_a_process_that_ends_signs_even_where_another_has_just_ended(either: World) -> None:
    for process in ("first", "second", "third"):
        some(either, 1)
        either.run(ledger.last_checkpoint(replace(either.core, process=process)))
        assert unsigned(either) == 0


def test_a_process_that_ends_leaves_signing_to_one_that_signs_and_that_one_looks_again(either: World) -> None:
    class Slow:
        public_key = either.core.log_signer.public_key

        def sign(self, data: bytes) -> bytes:
            if not ended:
                ended.append("second")
                some(either, 1)
                either.run(ledger.last_checkpoint(replace(either.core, process="second")))
            return either.core.log_signer.sign(data)

    ended: list[str] = []
    some(either, 1)
    either.run(ledger.last_checkpoint(replace(either.core, process="first", log_signer=Slow())))
    assert ended == ["second"]
    assert unsigned(either) == 0


def test_a_process_that_ends_signs_no_more_than_a_few_times_while_others_write(world: World) -> None:
    class Busy:
        public_key = world.core.log_signer.public_key

        def sign(self, data: bytes) -> bytes:
            signed.append(data)
            some(world, 1)
            return world.core.log_signer.sign(data)

    signed: list[bytes] = []
    some(world, 1)
    world.run(ledger.last_checkpoint(replace(world.core, log_signer=Busy())))
    assert unsigned(world) > 0
    assert len(signed) <= 2 * ledger.ATTEMPTS


def test_an_empty_ledger_has_no_checkpoint(world: World) -> None:
    assert world.run(ledger.checkpoint(world.core, "0195b3c4-0000-7000-8000-00000000dead")) is None


@pytest.mark.requirement("R26")
def test_a_later_tree_is_proven_to_continue_an_earlier_one(either: World) -> None:
    some(either, 3)
    old = either.run(ledger.newest_checkpoint(either.core, either.admin))
    some(either, 4)
    new = either.run(ledger.newest_checkpoint(either.core, either.admin))
    assert old is not None
    assert new is not None
    proof = either.run(ledger.consistency(either.core, either.bot, old=old.size, new=new.size))
    assert verify_consistency(old=old.size, new=new.size, old_root=old.root, new_root=new.root, path=proof) is None
    for sizes in ((0, 1), (2, 1), (1, new.size + 1)):
        with refused(Code.WRONG_TYPE, InputRefused):
            either.run(ledger.consistency(either.core, either.bot, old=sizes[0], new=sizes[1]))


# --- export -----------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R26", "R40")
def test_an_export_verifies_offline_and_is_recorded_in_itself(either: World) -> None:
    record = either.write()
    either.approve(record)
    either.execute(record)
    data = exported(either)
    done = either.verify(data, "--canonical")
    assert (done.returncode, done.stderr) == (0, "")
    assert b'"type":"ledger.exported"' in data.splitlines()[-1]


def test_an_export_of_a_file_that_lost_its_end_stops_and_is_found(filed: World) -> None:
    some(filed)
    filed.run(ledger.checkpoint(filed.core, filed.org))
    size = filed.run(filed.store.head(filed.org)).size
    with filed.sql() as database:
        database.execute("DELETE FROM event WHERE seq > ?", (size - 2,))
        database.execute("UPDATE ledger SET size = ? WHERE org = ?", (size, filed.org))
    data = b"".join(filed.run(collect(filed)))
    assert filed.verify(data).returncode == 1


async def collect(world: World) -> list[bytes]:
    return [part async for part in ledger._lines(world.core, world.org)]


# --- a file that somebody changed -------------------------------------------------------------------------------------


def body_of(world: World, seq: int) -> bytes:
    return world.events()[seq - 1].body


def rechained(world: World, bodies: list[bytes]) -> None:
    """Write the ledger anew with other bodies and everything that can be recomputed without the key."""
    chain, tree = genesis(world.org), Frontier()
    with world.sql() as database:
        for seq, body in enumerate(bodies, start=1):
            chain = chain_next(world.org, seq, chain, leaf_hash(body))
            tree.append(leaf_hash(body))
            database.execute(
                "UPDATE event SET body = ?, chain = ? WHERE org = ? AND seq = ?", (body, chain, world.org, seq)
            )
        database.execute("DELETE FROM event WHERE org = ? AND seq > ?", (world.org, len(bodies)))
        database.execute(
            "UPDATE ledger SET size = ?, chain = ?, frontier = ? WHERE org = ?",
            (len(bodies), chain, tree.to_bytes(), world.org),
        )


def test_a_good_ledger_checks_good(either: World) -> None:
    some(either)
    either.run(ledger.checkpoint(either.core, either.org))
    some(either, 1)
    report = either.run(ledger.check(either.core, either.admin))
    head = either.run(either.store.head(either.org))
    assert (report.size, report.root, report.checkpoint, report.bad, report.why) == (
        head.size,
        head.root,
        head.size - 1,
        None,
        "",
    )


TAMPERED: dict[str, tuple[str, tuple[int, str]]] = {
    "a body is changed": (
        "UPDATE event SET body = CAST(replace(body, 'allowed', 'denied!') AS BLOB) WHERE seq = 7",
        (7, "changed"),
    ),
    "a chain value is changed": ("UPDATE event SET chain = zeroblob(32) WHERE seq = 7", (7, "changed")),
    "two are swapped": (
        "UPDATE event SET body = (SELECT e.body FROM event e WHERE e.org = event.org AND e.seq = 15 - event.seq) WHERE seq IN (7, 8)",
        (7, "changed"),
    ),
    "one is doubled over the next": (
        "UPDATE event SET body = (SELECT e.body FROM event e WHERE e.org = event.org AND e.seq = 7) WHERE seq = 8",
        (8, "changed"),
    ),
    "one is dropped": ("DELETE FROM event WHERE seq = 7", (7, "missing")),
    "the end is dropped": ("DELETE FROM event WHERE seq > 9", (10, "missing")),
    "all are dropped": ("DELETE FROM event", (1, "missing")),
    "one is added after the end": (
        "INSERT INTO event SELECT org, seq + 1, 'added', type, action, body, chain FROM event ORDER BY seq DESC LIMIT 1",
        (12, "added"),
    ),
    "the head's chain is changed": ("UPDATE ledger SET chain = zeroblob(32)", (11, "not what the head says")),
    "the head's tree is changed": (
        "UPDATE ledger SET frontier = zeroblob(length(frontier))",
        (11, "not what the head says"),
    ),
    "a checkpoint's root is changed": (
        "UPDATE checkpoint SET root = zeroblob(32)",
        (8, "not what its checkpoint says"),
    ),
    "a checkpoint's note is changed": (
        "UPDATE checkpoint SET note = replace(note, '/org/', '/0rg/')",
        (8, "not what its checkpoint says"),
    ),
}


@pytest.mark.requirement("R26")
@pytest.mark.parametrize("name", TAMPERED)
def test_each_change_of_the_file_is_found_and_its_place_named(filed: World, name: str) -> None:
    some(filed, 3)
    filed.run(ledger.checkpoint(filed.core, filed.org))
    some(filed, 3)
    admin = filed.admin
    assert filed.run(filed.store.head(filed.org)).size == 11
    change, found = TAMPERED[name]
    with filed.sql() as database:
        database.execute(change)
    report = filed.run(ledger.check(filed.core, admin))
    assert (report.bad, report.why) == found


@pytest.mark.requirement("R26")
def test_a_ledger_that_was_written_anew_is_found_by_its_checkpoint(filed: World) -> None:
    some(filed, 3)
    filed.run(ledger.checkpoint(filed.core, filed.org))
    bodies = [row.body for row in filed.events()]
    rechained(filed, [*bodies[:6], bodies[6].replace(b"allowed", b"denied!"), *bodies[7:]])
    report = filed.run(ledger.check_org(filed.store, filed.org))
    assert (report.bad, report.why) == (8, "not what its checkpoint says")


@pytest.mark.requirement("R26")
def test_a_ledger_that_was_cut_with_its_head_is_found_by_its_checkpoint(filed: World) -> None:
    some(filed, 3)
    filed.run(ledger.checkpoint(filed.core, filed.org))
    rechained(filed, [row.body for row in filed.events()][:6])
    report = filed.run(ledger.check_org(filed.store, filed.org))
    assert (report.size, report.checkpoint, report.bad, report.why) == (6, 8, 7, "cut off")


def test_events_that_are_recorded_while_it_is_checked_are_no_finding(world: World) -> None:
    some(world)
    head = world.store.head
    calls = [lambda: some(world, 1)]

    async def late_head(org: str) -> Any:
        found = await head(org)
        if calls:
            calls.pop()()
        return found

    world.store.head = late_head  # type: ignore[method-assign]
    assert world.run(ledger.check_org(world.store, world.org)).bad is None

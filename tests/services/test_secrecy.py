"""What people and agents sent stands nowhere in the clear: planted words are looked for in every event, every row and every byte."""

import json
from typing import Any

import pytest

from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.record import ActionRecord
from aaf.services import actions, timers
from aaf.services.ledger import export
from aaf.services.permits import consume, issue, report
from aaf.services.review import open_value, show
from tests.services.world import World, edited, refused

PLANTED = ("KANARI", "4711-0815")
"""A word and a number that no schema, name or code has."""


def word(number: int) -> str:
    return f"KANARI{number} 4711-0815"


def every_way(world: World) -> list[ActionRecord]:
    """Every way in which somebody's words come in, each with words of its own."""
    context = {"note": word(1), word(2): [word(3)]}
    done = world.write(word(4) + "\n", f"{word(5)}.txt", context=context)
    world.approve(done, reason=word(6))
    world.execute(done)
    long = world.write(word(7) * 400)
    world.run(open_value(world.core, world.caller("ann"), long.id, 0))
    world.run(show(world.core, world.caller("ann"), long.id))
    world.reject(long, reason=word(8))
    records = [
        done,
        long,
        world.submit("files.read", {"path": word(9), "mode": word(10), word(11): 1}).record,
        world.submit("files.read", {"path": f"../{word(12)}"}).record,
        world.submit("files.read", {"path": f"{word(13)}\x00"}).record,
        world.submit("mail.send", {"to": word(14), word(15): {}}, context=context).record,
        world.submit("files.delete", {"path": word(16)}).record,
        world.submit("files.read", {"path": "a.txt"}, context={"x": word(17)}, key=f"k {word(18)}").record,
    ]
    with refused(Code.IDEMPOTENCY_MISMATCH):
        world.submit("files.read", {"path": word(19)}, key=f"k {word(18)}")
    paid = world.submit(
        "pay.send", {"to": word(20), "amount": "20.00", "pin": word(21)}, context={"x": word(22)}
    ).record
    permit = world.run(issue(world.core, world.bot, paid.id, digest=paid.digest, audience="shop")).permit
    world.run(consume(world.core, world.bot, permit.jti, digest=paid.digest))
    world.run(report(world.core, world.bot, paid.id, lease=permit.jti, succeeded=True, result={"reference": word(23)}))
    held = world.submit("pay.send", {"to": word(24), "amount": "250.00", "pin": word(25)}).record
    world.approve(held, reason=word(26))
    hung = world.submit("files.read", {"path": "a.txt"}, context={"x": word(27)}).record

    def hang() -> None:
        raise ConnectorFailed(Code.CONNECTOR_TIMEOUT, "It took too long.", detail=word(28))

    world.hands.then("run", hang)
    world.execute(hung)
    world.run(actions.resolve(world.core, world.admin, hung.id, succeeded=False, reason=word(29)))
    again = world.write(word(30))
    world.approve(again, reason=word(31))
    world.configure(edited("aaf.yaml", ("quorum: 1", "quorum: 2")))
    with refused(Code.REQUIREMENT_CHANGED):
        world.execute(again)
    world.clock.advance(1_000)
    world.run(timers.round_of_work(world.core))
    return [*records, paid, held, hung, again]


def without_word(text: str) -> None:
    for planted in PLANTED:
        assert planted not in text


@pytest.mark.requirement("R13", "R24")
def test_no_event_holds_a_word_that_somebody_sent(either: World) -> None:
    every_way(either)
    for org in (either.org, either.core.installation):
        for row in either.events(org=org):
            without_word(row.body.decode())
    assert len(either.events()) > 30


@pytest.mark.requirement("R24")
def test_no_record_holds_a_word_that_somebody_sent(either: World) -> None:
    for record in every_way(either):
        now = either.record(record)
        without_word(json.dumps([now.to_doc(), now.type, now.match_key]))
        for round_ in range(1, now.round + 1):
            without_word(str(either.run(either.store.reviews(either.org, now.id, round_))))


@pytest.mark.requirement("R24")
def test_no_byte_of_the_files_holds_a_word_that_somebody_sent(filed: World) -> None:
    every_way(filed)
    with filed.sql() as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows: list[Any] = [database.execute(f"SELECT * FROM {name}").fetchall() for name in names]  # noqa: S608 - names of our own tables
    allowed = f"k {word(18)}"  # the idempotency key is a name that its caller chose, kept to find it again
    without_word(repr(rows).replace(allowed, ""))
    for path in filed.folder.glob("aaf.db*"):
        found = path.read_bytes().replace(allowed.encode(), b"")
        for planted in PLANTED:
            assert planted.encode() not in found, path.name


@pytest.mark.requirement("R09")
def test_no_log_line_holds_a_value_and_causes_are_only_there(world: World) -> None:
    every_way(world)
    said = [fields for kind, fields in world.log.entries if kind == "run_failed"]
    assert [fields["cause"] for fields in said] == [word(28)]
    without_word(str([fields for kind, fields in world.log.entries if kind != "run_failed"]))


def test_an_export_holds_no_word_that_somebody_sent(world: World) -> None:
    every_way(world)

    async def read() -> bytes:
        return b"".join([part async for part in await export(world.core, world.admin)])

    without_word(world.run(read()).decode())


def test_the_same_word_is_never_sealed_to_the_same_bytes(filed: World) -> None:
    first, second = filed.write("same\n"), filed.write("same\n")
    stored = [filed.run(filed.store.sealed(filed.org, one.id, "input")) for one in (first, second)]
    assert stored[0] is not None
    assert stored[1] is not None
    assert stored[0].ciphertext != stored[1].ciphertext
    commits = [body["commit"]["params.content"] for body in filed.bodies("action.pending_approval")]
    assert commits[0] != commits[1]

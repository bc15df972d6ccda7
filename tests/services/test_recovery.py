"""An older database is noticed, refused, and let go by a person only."""

from dataclasses import replace

import pytest

from aaf.domain.errors import Code, ConnectorFailed, InputRefused, StoreFailed, Unavailable
from aaf.domain.record import ActionRecord
from aaf.domain.redaction import Values
from aaf.domain.states import State
from aaf.ports import Commit, RevokeKey
from aaf.services.ledger import checkpoint
from aaf.services.permits import consume, issue, report
from aaf.services.recovery import enter_if_older, let_go
from tests.services.world import World, edited, refused


def remember(world: World) -> None:
    """Sign the head, which the installation remembers outside the database."""
    world.run(checkpoint(world.core, world.org))


def test_a_database_that_is_what_it_was_is_not_in_recovery(filed: World) -> None:
    remember(filed)
    again = filed.restore(filed.backup())
    assert again.run(again.store.recovering()) is None
    assert again.write().state is State.PENDING_APPROVAL
    again.close()
    filed.store, filed.core = (again := filed.twin()).store, again.core


def test_an_older_database_accepts_nothing_new(filed: World) -> None:
    record = filed.write()
    filed.approve(record)
    older = filed.backup()
    filed.execute(record)
    remember(filed)
    back = filed.restore(older)
    assert back.record(record).state is State.APPROVED
    (back.workspace / "a.txt").write_text("old\n")
    for call in (
        lambda: back.submit("files.read", {"path": "a.txt"}, run=True),
        lambda: back.execute(record),
        lambda: back.run(issue(back.core, back.bot, back.payment().id, digest="0" * 64, audience="x")),
    ):
        with refused(Code.RECOVERING, StoreFailed):
            call()
    assert back.hands.runs == 1
    assert "events" in (back.run(back.store.recovering()) or "")
    filed.store, filed.core = back.store, back.core


def test_recovery_survives_a_restart(filed: World) -> None:
    older = filed.backup()
    filed.write()
    remember(filed)
    back = filed.restore(older)
    back.close()
    again = filed.twin()
    (filed.folder / "checkpoints.json").unlink()
    assert again.run(enter_if_older(again.store, again.core.anchors, again.core.ids))
    with refused(Code.RECOVERING, StoreFailed):
        again.write()
    filed.store, filed.core = again.store, again.core


def test_a_database_with_another_past_is_noticed(filed: World) -> None:
    older = filed.backup()
    filed.write("one future\n")
    remember(filed)
    kept = (filed.folder / "checkpoints.json").read_bytes()
    back = filed.restore(older)
    back.run(back.store.set_recovering(None))
    for _ in range(3):
        back.write("another future\n")
    (filed.folder / "checkpoints.json").write_bytes(kept)
    why = back.run(enter_if_older(back.store, back.core.anchors, back.core.ids))
    assert why is not None
    assert "not those that were signed" in why
    filed.store, filed.core = back.store, back.core


def test_a_permit_that_the_older_database_thinks_unused_is_not_used_again(filed: World) -> None:
    record = filed.payment()
    permit = filed.run(issue(filed.core, filed.bot, record.id, digest=record.digest, audience="x")).permit
    older = filed.backup()
    filed.run(consume(filed.core, filed.bot, permit.jti, digest=record.digest))
    remember(filed)
    back = filed.restore(older)
    with refused(Code.RECOVERING, StoreFailed):
        back.run(consume(back.core, back.bot, permit.jti, digest=record.digest))
    filed.store, filed.core = back.store, back.core


def test_in_recovery_nobody_answers_and_outcomes_are_still_recorded(either: World) -> None:
    record, running = either.write(), either.payment()
    permit = either.run(issue(either.core, either.bot, running.id, digest=running.digest, audience="x")).permit
    either.run(consume(either.core, either.bot, permit.jti, digest=running.digest))
    either.run(either.store.set_recovering("test"))
    for answer in (either.approve, either.reject):
        with refused(Code.RECOVERING, StoreFailed):
            answer(record)
    assert either.record(record).state is State.PENDING_APPROVAL
    ran = either.run(report(either.core, either.bot, running.id, lease=permit.jti, succeeded=False, result=None))
    assert ran.record.state is State.FAILED


@pytest.mark.parametrize("text", ["", "{", '{"x": {"size": -1, "root": ""}}'])
def test_a_memory_of_checkpoints_that_can_not_be_read_is_recovery_until_it_is_let_go(filed: World, text: str) -> None:
    remember(filed)
    (filed.folder / "checkpoints.json").write_text(text)
    store, anchors, ids = filed.store, filed.core.anchors, filed.core.ids
    assert "can't be read" in (filed.run(enter_if_older(store, anchors, ids)) or "")
    filed.run(let_go(filed.core, reason="a bad disk"))
    assert filed.run(enter_if_older(store, anchors, ids)) is None
    remember(filed)
    assert [size for _, size, _ in anchors.kept()]


def test_a_store_that_was_let_go_is_not_in_recovery_at_the_next_start(filed: World) -> None:
    older = filed.backup()
    filed.write()
    remember(filed)
    back = filed.restore(older)
    back.run(let_go(back.core, reason="the backup of Monday"))
    assert back.run(enter_if_older(back.store, back.core.anchors, back.core.ids)) is None
    filed.store, filed.core = back.store, back.core


def test_letting_go_revokes_every_key_and_closes_what_is_open(either: World) -> None:
    allowed, approved, held = either.payment(), either.write(), either.write("x")
    either.approve(approved)
    running = either.payment()
    permit = either.run(issue(either.core, either.bot, running.id, digest=running.digest, audience="x")).permit
    either.run(consume(either.core, either.bot, permit.jti, digest=running.digest))
    either.run(either.store.set_recovering("test"))
    assert either.run(let_go(either.core, reason="the backup of Monday")) == 3
    states = [either.record(one).state for one in (allowed, approved, held, running)]
    assert states == [State.LAPSED, State.LAPSED, State.PENDING_APPROVAL, State.UNKNOWN]
    for name in ("admin", "bot", "ann"):
        with refused(Code.REVOKED_CREDENTIAL):
            either.caller(name)
    (body,) = either.bodies("ledger.restored")
    assert body["data"] == {"closed": 3, "revoked": 4}
    assert either.run(either.store.recovering()) is None


@pytest.mark.parametrize("reason", ["", " ", "\u200b", "x" * 1_001])
def test_letting_go_takes_a_reason(world: World, reason: str) -> None:
    world.run(world.store.set_recovering("test"))
    with refused(Code.REASON_REQUIRED, InputRefused):
        world.run(let_go(world.core, reason=reason))
    assert world.run(world.store.recovering()) == "test"


def test_more_open_actions_than_one_page_are_all_closed(world: World) -> None:
    world.configure(edited("aaf.yaml", ("agent: {rate: 120/m, burst: 60}", "agent: {rate: 120/m, burst: 1000}")))
    for _ in range(203):
        world.payment()
    assert world.run(let_go(world.core, reason="r")) == 203
    assert world.run(world.store.actions(world.org, state=State.ALLOWED)) == []


def bump(world: World, record: ActionRecord) -> None:
    with world.sql() as database:
        database.execute("UPDATE action SET version = version + 1 WHERE id = ?", (record.id,))


def test_an_action_that_moves_while_it_is_closed_is_closed_when_it_is_looked_at_again(filed: World) -> None:
    record = filed.payment()
    filed.ids.then("id", lambda: bump(filed, record))
    assert filed.run(let_go(filed.core, reason="r")) == 1
    assert filed.record(record).state is State.LAPSED


def test_a_store_whose_work_can_not_be_closed_stays_in_recovery(filed: World) -> None:
    record = filed.payment()
    filed.run(filed.store.set_recovering("test"))
    filed.ids.always("id", lambda: bump(filed, record))
    with refused(Code.STORE_CONFLICT, Unavailable):
        filed.run(let_go(filed.core, reason="r"))
    assert filed.run(filed.store.recovering()) == "test"


def test_where_the_reason_can_not_be_searched_for_secrets_nothing_is_let_go(filed: World) -> None:
    class Broken:
        def known(self) -> Values:
            raise ConnectorFailed(Code.SECRET_UNAVAILABLE, "The secrets can't be read.")

    filed.run(filed.store.set_recovering("because"))
    keys = filed.run(filed.store.keys(filed.org))
    with refused(Code.SECRET_UNAVAILABLE, Unavailable):
        filed.run(let_go(replace(filed.core, held_secrets=Broken()), reason="restored"))
    assert filed.run(filed.store.recovering()) == "because"
    assert filed.run(filed.store.keys(filed.org)) == keys


def test_a_store_whose_keys_change_all_the_time_stays_in_recovery(either: World) -> None:
    either.run(either.store.set_recovering("test"))
    names = iter(["ann", "ben", "bot", "admin"])

    def revoke() -> None:
        keys = (RevokeKey(either.keys[next(names)].id),)
        either.run(either.store.commit(Commit(either.org, keys, ())))

    either.ids.always("id", revoke)
    with refused(Code.STORE_CONFLICT, Unavailable):
        either.run(let_go(either.core, reason="r"))
    assert either.run(either.store.recovering()) == "test"


def test_a_revocation_that_meets_another_is_made_again(either: World) -> None:
    keys = (RevokeKey(either.keys["ann"].id),)
    either.ids.then("id", lambda: either.run(either.store.commit(Commit(either.org, keys, ()))))
    either.run(let_go(either.core, reason="r"))
    (body,) = either.bodies("ledger.restored")
    assert body["data"] == {"closed": 0, "revoked": 3}

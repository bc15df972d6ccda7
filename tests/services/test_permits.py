"""Permits: one digest, one use, one minute, by the store's clock."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from aaf.adapters.keys import FileSigner
from aaf.domain.canonical import Json
from aaf.domain.errors import Code, InputRefused, NotFound, NotPermitted, StateConflict, StoreFailed, Unavailable
from aaf.domain.permit import parse_token
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord, PermitState
from aaf.domain.states import State
from aaf.services import actions, timers
from aaf.services.execute import GRACE, Ran
from aaf.services.permits import Consumed, Issued, consume, issue, report
from tests.services.world import SECOND, World, edited, refused

OTHER = "0" * 64
DENY = edited(
    "aaf.yaml",
    ('params.amount: {lte: "100.00"}}\n    decision: allow', 'params.amount: {lte: "100.00"}}\n    decision: deny'),
)


def issued(world: World, record: ActionRecord, audience: str = "shop.example", digest: str | None = None) -> Issued:
    return world.run(issue(world.core, world.bot, record.id, digest=digest or record.digest, audience=audience))


def consumed(world: World, permit: Issued, by: str = "bot", digest: str | None = None) -> Consumed:
    return world.run(consume(world.core, world.caller(by), permit.permit.jti, digest=digest or permit.permit.digest))


def told(
    world: World, record: ActionRecord, lease: str, *, by: str = "bot", succeeded: bool = True, result: Json = None
) -> Ran:
    given: Json = {"reference": "r1"} if result is None and succeeded else result
    return world.run(report(world.core, world.caller(by), record.id, lease=lease, succeeded=succeeded, result=given))


def refusals(world: World) -> list[str]:
    return [body["data"]["code"] for body in world.bodies("permit.refused")]


# --- the whole way ----------------------------------------------------------------------------------------------------


def test_issue_consume_report(either: World) -> None:
    record = either.payment(context={"why": "lunch"})
    permit = issued(either, record)
    assert either.record(record).state is State.ALLOWED
    used = consumed(either, permit)
    assert (used.record.state, used.params) == (State.EXECUTING, {"amount": "20.00", "currency": "EUR", "to": "shop"})
    ran = told(either, record, permit.permit.jti)
    assert (ran.record.state, ran.record.outcome) == (State.SUCCEEDED, {"code": "ok", "source": "caller"})
    assert either.types(record) == ["action.allowed", "permit.issued", "action.executing", "action.succeeded"]
    assert either.bodies("action.succeeded")[0]["actor"] == either.bot.principal.actor
    assert either.run(actions.see(either.core, either.bot, record.id)).result == {"reference": "r1"}


def test_the_token_is_signed_and_says_what_the_permit_does(world: World) -> None:
    record = world.payment()
    permit = issued(world, record)
    token = parse_token(permit.token)
    signer = world.core.permit_signer
    assert isinstance(signer, FileSigner)
    Ed25519PublicKey.from_public_bytes(signer.public_key).verify(token.signature, token.signing_input)
    claims = token.claims
    assert (claims.aud, claims.sub, claims.jti, claims.digest) == (
        "shop.example",
        record.agent,
        permit.permit.jti,
        record.digest,
    )
    assert claims.iss == world.core.origin(world.org)
    assert (claims.exp - claims.iat, claims.iat) == (60, world.clock.at // SECOND)


def test_a_permit_ends_with_the_time_to_use_the_action(world: World) -> None:
    record = world.payment()
    world.clock.advance(870.5)
    permit = issued(world, record).permit
    assert permit.expires_at == record.deadline


def test_a_result_reported_as_bad_or_of_another_form_is_a_failure(either: World) -> None:
    cases: tuple[tuple[Json, bool, Code], ...] = (
        (None, False, Code.CONNECTOR_FAILED),
        ({"ref": "SEKRIT"}, True, Code.RESULT_WITHHELD),
    )
    for result, succeeded, code in cases:
        record = either.payment()
        permit = issued(either, record)
        consumed(either, permit)
        ran = told(either, record, permit.permit.jti, succeeded=succeeded, result=result)
        assert (ran.record.state, ran.record.code, ran.result) == (State.FAILED, code, None)


# --- issuing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("audience", ["", "x" * 257, "a\nb"])
def test_an_audience_is_short_and_printable(world: World, audience: str) -> None:
    record = world.payment()
    with world.unrecorded(), refused(Code.WRONG_TYPE, InputRefused):
        issued(world, record, audience)


def test_no_permit_for_other_bytes_for_a_connector_s_action_or_for_what_waits(world: World) -> None:
    record = world.payment()
    with refused(Code.DIGEST_MISMATCH, StateConflict):
        issued(world, record, digest=OTHER)
    with refused(Code.WRONG_EFFECT, StateConflict):
        issued(world, world.submit("files.read", {"path": "a.txt"}).record)
    with refused(Code.NOT_APPROVED, StateConflict):
        issued(world, world.command())
    assert refusals(world) == ["digest_mismatch", "wrong_effect", "not_approved"]


def test_no_permit_for_another_s_action_or_for_people(world: World) -> None:
    world.add("bot2", Kind.AGENT)
    record = world.payment()
    with refused(Code.NOT_FOUND, NotFound):
        world.run(issue(world.core, world.caller("bot2"), record.id, digest=record.digest, audience="x"))
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        world.run(issue(world.core, world.caller("ann"), record.id, digest=record.digest, audience="x"))


def test_no_permit_when_the_time_is_over(either: World) -> None:
    record = either.payment()
    either.clock.advance(900.000001)
    with refused(Code.DEADLINE_PASSED, StateConflict):
        issued(either, record)
    assert either.record(record).state is State.LAPSED


def test_time_that_runs_out_while_a_permit_is_made_is_found_in_the_store(either: World) -> None:
    record = either.payment()
    either.ids.then("id", lambda: either.clock.advance(901))
    with refused(Code.DEADLINE_PASSED, StateConflict):
        issued(either, record)


def test_no_permit_for_what_policy_denies_now(world: World) -> None:
    record = world.payment()
    world.configure(DENY)
    with refused(Code.RULE, StateConflict):
        issued(world, record)
    assert world.record(record).state is State.DENIED


def test_a_permit_that_met_a_change_is_judged_again(world: World) -> None:
    record = world.payment()
    world.ids.then("id", lambda: world.configure(DENY))
    with refused(Code.RULE, StateConflict):
        issued(world, record)
    assert "permit.issued" not in world.types()


def test_what_is_cancelled_while_it_is_judged_again_gets_no_permit(world: World) -> None:
    record = world.payment()
    world.configure(DENY)
    world.ids.then("id", lambda: world.cancel(record))
    with refused(Code.ACTION_CLOSED, StateConflict):
        issued(world, record)


def test_three_changes_are_too_many_for_a_permit(world: World) -> None:
    record = world.payment()
    world.ids.always("id", world.raise_epoch)
    with refused(Code.STORE_CONFLICT, Unavailable):
        issued(world, record)


def test_no_permit_is_issued_that_can_t_be_recorded(either: World) -> None:
    record = either.payment()
    either.disk.free = 0
    with either.unrecorded(), refused(Code.STORE_FULL, StoreFailed):
        issued(either, record)


# --- consuming --------------------------------------------------------------------------------------------------------


def test_a_permit_is_used_once(either: World) -> None:
    permit = issued(either, either.payment())
    consumed(either, permit)
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        consumed(either, permit)
    assert refusals(either) == ["already_consumed"]
    assert either.types().count("action.executing") == 1


def test_of_two_uses_at_the_same_moment_one_counts(either: World) -> None:
    permit = issued(either, either.payment())
    either.ids.then("id", lambda: consumed(either, permit))
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        consumed(either, permit)
    assert either.types().count("action.executing") == 1


def test_a_second_permit_makes_the_first_void(either: World) -> None:
    record = either.payment()
    first, second = issued(either, record), issued(either, record)
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        consumed(either, first)
    stored = either.run(either.store.permit(first.permit.jti))
    assert stored is not None
    assert stored.state is PermitState.VOID
    assert consumed(either, second).record.state is State.EXECUTING


def test_a_permit_is_good_for_a_minute_and_no_longer(either: World) -> None:
    first, second = issued(either, either.payment()), issued(either, either.payment())
    either.clock.advance(60)
    assert consumed(either, first).record.state is State.EXECUTING
    either.clock.advance(0.000001)
    with refused(Code.EXPIRED_PERMIT, StateConflict):
        consumed(either, second)
    assert refusals(either) == ["expired_permit"]


def test_a_permit_that_expires_at_the_moment_of_use_is_found_by_the_store(either: World) -> None:
    permit = issued(either, either.payment())
    either.ids.then("id", lambda: either.clock.advance(61))
    with refused(Code.EXPIRED_PERMIT, StateConflict):
        consumed(either, permit)
    assert refusals(either) == ["expired_permit"]


def test_a_clock_that_is_set_back_makes_no_permit_younger(either: World) -> None:
    permit = issued(either, either.payment())
    either.clock.advance(61)
    either.submit("files.read", {"path": "a.txt"})
    either.clock.jump(-3600)
    with refused(Code.EXPIRED_PERMIT, StateConflict):
        consumed(either, permit)


@pytest.mark.parametrize("digest", [OTHER, "", "é"])
def test_a_permit_is_for_its_bytes_only(world: World, digest: str) -> None:
    permit = issued(world, world.payment())
    with refused(Code.DIGEST_MISMATCH, StateConflict):
        world.run(consume(world.core, world.bot, permit.permit.jti, digest=digest))
    assert refusals(world) == ["digest_mismatch"]


def test_another_agent_s_permit_looks_like_none(world: World) -> None:
    world.add("bot2", Kind.AGENT)
    world.add("shop.example", Kind.AGENT)  # an agent of the audience's name is not the tool server
    permit = issued(world, world.payment())
    for by in ("bot2", "shop.example", "admin"):
        with world.unrecorded(), refused(Code.UNKNOWN_PERMIT, NotFound):
            consumed(world, permit, by=by)
    with refused(Code.UNKNOWN_PERMIT, NotFound):
        world.run(consume(world.core, world.bot, "0195b3c4-0000-7000-8000-00000000dead", digest=OTHER))


def test_the_tool_server_of_the_audience_may_consume_and_report(either: World) -> None:
    for name in ("shop.example", "other.example"):
        either.add(name, Kind.SERVICE)
    record = either.payment()
    permit = issued(either, record)
    with refused(Code.UNKNOWN_PERMIT, NotFound):
        consumed(either, permit, by="other.example")
    assert consumed(either, permit, by="shop.example").params["to"] == "shop"
    with refused(Code.UNKNOWN_PERMIT, NotFound):
        told(either, record, permit.permit.jti, by="other.example")
    assert told(either, record, permit.permit.jti, by="shop.example").record.state is State.SUCCEEDED
    (body,) = either.bodies("action.executing")
    assert body["actor"] == either.caller("shop.example").principal.actor


def test_what_policy_denies_now_is_not_consumed(either: World) -> None:
    record = either.payment()
    permit = issued(either, record)
    either.configure(DENY)
    with refused(Code.RULE, StateConflict):
        consumed(either, permit)
    assert either.types(record)[-1] == "action.denied"
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        consumed(either, permit)


def test_what_policy_denies_at_the_moment_of_use_is_not_consumed(either: World) -> None:
    permit = issued(either, either.payment())
    either.ids.then("id", lambda: either.configure(DENY))
    with refused(Code.RULE, StateConflict):
        consumed(either, permit)
    assert "action.executing" not in either.types()


def test_a_permit_of_what_was_cancelled_is_void(world: World) -> None:
    record = world.payment()
    permit = issued(world, record)
    world.cancel(record)
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        consumed(world, permit)


def test_what_is_cancelled_at_the_moment_of_use_is_void(world: World) -> None:
    record = world.payment()
    permit = issued(world, record)
    world.configure(DENY)
    world.ids.then("id", lambda: world.cancel(record))
    with refused(Code.ALREADY_CONSUMED, StateConflict):
        consumed(world, permit)


def test_three_changes_are_too_many_for_a_use(world: World) -> None:
    permit = issued(world, world.payment())
    world.ids.always("id", world.raise_epoch)
    with refused(Code.STORE_CONFLICT, Unavailable):
        consumed(world, permit)


def test_a_tool_server_runs_nothing_for_an_agent_that_lost_its_keys_or_its_role(either: World) -> None:
    either.add("shop.example", Kind.SERVICE)
    permit = issued(either, either.payment())
    either.give_roles("bot", "viewer")
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        consumed(either, permit, by="shop.example")
    either.give_roles("bot", "agent")
    either.revoke("bot")
    with refused(Code.UNKNOWN_PERMIT, NotFound):
        consumed(either, permit, by="shop.example")
    assert "action.executing" not in either.types()


def test_a_permit_without_its_action_is_no_permit(filed: World) -> None:
    record = filed.payment()
    permit = issued(filed, record)
    with filed.sql() as database:
        database.execute("PRAGMA foreign_keys = OFF")
        database.execute("DELETE FROM action WHERE id = ?", (record.id,))
    with refused(Code.UNKNOWN_PERMIT, NotFound):
        consumed(filed, permit)


# --- reporting --------------------------------------------------------------------------------------------------------


def test_a_report_needs_the_lease(world: World) -> None:
    record = world.payment()
    permit = issued(world, record)
    with refused(Code.NOT_FOUND, NotFound):
        told(world, record, permit.permit.jti)
    consumed(world, permit)
    for lease in (OTHER, "", "é", issued(world, world.payment()).permit.jti):
        with refused(Code.NOT_FOUND, NotFound):
            told(world, record, lease)
    assert world.record(record).state is State.EXECUTING


def test_the_lease_of_a_connector_s_run_reports_nothing(world: World) -> None:
    record = world.submit("files.read", {"path": "a.txt"}).record
    leases: list[Any] = []
    world.hands.then("run", lambda: leases.append(world.record(record).lease))
    world.hands.then("ran", lambda: 1 / 0)
    world.execute(record)
    with refused(Code.UNKNOWN_PERMIT, NotFound):
        told(world, record, leases[0])


def test_of_a_failed_run_nothing_is_kept_and_nothing_answered(either: World) -> None:
    record = either.payment()
    permit = issued(either, record)
    consumed(either, permit)
    ran = told(either, record, permit.permit.jti, succeeded=False, result={"reference": "r1"})
    assert (ran.record.state, ran.result) == (State.FAILED, None)


def test_an_end_is_reported_once(either: World) -> None:
    record = either.payment()
    permit = issued(either, record)
    consumed(either, permit)
    told(either, record, permit.permit.jti)
    with refused(Code.OUTCOME_CONFLICT, StateConflict):
        told(either, record, permit.permit.jti, succeeded=False)
    assert either.record(record).state is State.SUCCEEDED


def test_of_two_reports_at_the_same_moment_one_counts(either: World) -> None:
    record = either.payment()
    permit = issued(either, record)
    consumed(either, permit)
    either.ids.then("salt", lambda: told(either, record, permit.permit.jti, succeeded=False))
    with refused(Code.OUTCOME_CONFLICT, StateConflict):
        told(either, record, permit.permit.jti)
    assert either.record(record).state is State.FAILED


def test_no_report_in_time_is_unknown_and_a_late_one_closes_it(either: World) -> None:
    record = either.payment()
    permit = issued(either, record)
    consumed(either, permit)
    either.clock.advance(30 + GRACE / SECOND + 1)
    either.run(timers.sweep(either.core))
    assert either.record(record).state is State.UNKNOWN
    for lease in (OTHER, issued(either, either.payment()).permit.jti):
        with refused(Code.NOT_FOUND, NotFound):
            told(either, record, lease)
    assert told(either, record, permit.permit.jti).record.state is State.SUCCEEDED

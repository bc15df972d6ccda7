"""Rates and ceilings on the whole way of an action: counted once, exact, and never slipped under."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConnectorFailed, NotPermitted, StoreFailed, TooMany, Unavailable
from aaf.domain.finding import Analysis
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord, Spent
from aaf.domain.states import State
from aaf.policy.limits import Limit
from aaf.services.actions import resolve
from aaf.services.limiting import RateUse, SpendUse, limits_in_use
from aaf.services.permits import consume, issue, report
from aaf.services.recovery import let_go
from aaf.services.telling import tell
from aaf.services.timers import sweep
from tests.services.world import FILES, MAIN, Fixed, World, edited, refused

SHORT = "limits:\n  agent: {rate: 120/m, burst: 60}\n"
FREE = "limits:\n  agent: {rate: 1000/s, burst: 1000}\n"
PAYMENTS = "{name: payments, per: agent, match: {tool: pay}, ceiling: '100.00', currency: EUR, window: 1h, over: deny}"
HELD = PAYMENTS.replace("over: deny", "over: require_approval, approval: {approvers: [role:approver], quorum: 1}")


def limited(*, rates: str = "", spend: str = "", main: str = MAIN) -> dict[str, bytes]:
    """The configuration with one rate or one ceiling."""
    assert SHORT in main
    lines = FREE
    lines += f"  rates:\n    - {rates}\n" if rates else ""
    lines += f"  spend:\n    - {spend}\n" if spend else ""
    return {**FILES, "aaf.yaml": main.replace(SHORT, lines).encode()}


def pay(world: World, amount: str = "40.00", **more: Any) -> ActionRecord:
    """An action of the agent's own tool: allowed up to 100.00."""
    return world.submit("pay.send", {"to": "shop", "amount": amount}, **more).record


def spent(world: World, name: str = "payments", who: str = "bot") -> Spent:
    place = f"EUR agent={world.caller(who).principal.id}"
    return world.run(world.store.spent(world.org, name, place, since=world.clock.at - 3_600_000_000))


def runs(world: World, record: ActionRecord, *, by: str = "bot") -> str:
    """The agent's own tool begins; returns the lease."""
    caller = world.caller(by)
    issued = world.run(issue(world.core, caller, record.id, digest=record.digest, audience="shop"))
    world.run(consume(world.core, caller, issued.permit.jti, digest=record.digest))
    return issued.permit.jti


# --- rates ------------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("per", "other_agent", "other_action"),
    [("agent", True, False), ("action", False, True), ("organisation", False, False), ("[agent, action]", True, True)],
)
def test_a_rate_counts_apart_what_it_says(either: World, per: str, other_agent: bool, other_action: bool) -> None:
    either.configure(limited(rates=f"{{name: few, per: {per}, rate: 1/h}}"))
    either.add("bot2", Kind.AGENT)
    pay(either)
    with refused(Code.RATE_LIMITED, TooMany) as caught:
        pay(either)
    assert isinstance(caught[0], TooMany)
    assert caught[0].retry_after == 3600
    for free, again in (
        (other_agent, lambda: pay(either, by="bot2")),
        (other_action, lambda: either.submit("files.read", {"path": "a.txt"})),
    ):
        if free:
            again()
        else:
            with refused(Code.RATE_LIMITED):
                again()


@pytest.mark.requirement("R20")
def test_a_rate_per_user_counts_what_people_submit(world: World) -> None:
    world.configure(limited(rates="{name: few, per: user, rate: 1/d}"))
    for _ in range(3):
        pay(world)
    pay(world, by="admin")
    with refused(Code.RATE_LIMITED):
        pay(world, by="admin")


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(("unit", "seconds"), [("m", 60), ("h", 3600), ("d", 86_400)])
def test_a_rate_gives_one_back_each_interval(world: World, unit: str, seconds: int) -> None:
    world.configure(limited(rates=f"{{name: few, per: agent, rate: 2/{unit}, burst: 2}}"))
    pay(world)
    pay(world)
    world.clock.advance(seconds / 2 - 1)
    with refused(Code.RATE_LIMITED):
        pay(world)
    world.clock.advance(1)
    pay(world)
    with refused(Code.RATE_LIMITED):
        pay(world)


def test_a_rate_is_about_what_it_matches(world: World) -> None:
    world.configure(limited(rates="{name: few, per: agent, match: {tool: files, operation: [read, list]}, rate: 1/h}"))
    for _ in range(3):
        pay(world)
        world.write()
    world.submit("files.read", {"path": "a.txt"})
    with refused(Code.RATE_LIMITED):
        world.submit("files.list", {"path": "."})


def test_names_that_nobody_declared_are_counted_as_one(world: World) -> None:
    world.configure(limited(rates="{name: few, per: [agent, action], rate: 2/h, burst: 2}"))
    world.submit("made.up", {})
    world.submit("made.up_too", {})
    with refused(Code.RATE_LIMITED):
        world.submit("something.else", {})
    limit = world.bot.known.configuration.limits[1]
    ((subject, _),) = world.run(world.store.limits(world.org, limit.key, since=0))
    assert subject.endswith(" agent=" + world.bot.principal.id)
    assert subject.startswith("action=undeclared ")


@pytest.mark.requirement("R20")
def test_over_a_judged_rate_the_answer_is_no_and_says_when_to_come_back(either: World) -> None:
    either.configure(limited(rates="{name: few, per: agent, match: {tool: pay}, rate: 6/h, burst: 2, enforce: policy}"))
    assert [pay(either).state for _ in range(2)] == [State.ALLOWED] * 2
    either.clock.advance(60)
    record = pay(either)
    assert (record.state, record.code) == (State.DENIED, Code.RATE_LIMITED)
    assert record.reasons[0] | {"reason": ""} == {
        "code": "rate_limited", "name": "few", "reason": "", "retry_after": 540, "source": "limit",
    }  # fmt: skip
    told = tell(either.bot, record)
    assert (told["retry_after"], told["code"]) == (540, "rate_limited")
    assert "`retry_after`" in str(told["next"])
    assert either.bodies("action.denied")[-1]["data"]["reasons"][0]["retry_after"] == 540
    either.clock.advance(540)
    assert pay(either).state is State.ALLOWED


def test_what_is_over_a_judged_rate_does_not_use_it_up(world: World) -> None:
    world.configure(limited(rates="{name: few, per: agent, match: {tool: pay}, rate: 6/h, enforce: policy}"))
    pay(world)
    for _ in range(5):
        assert pay(world).state is State.DENIED
    world.clock.advance(600)
    assert pay(world).state is State.ALLOWED


def test_over_a_judged_rate_people_can_be_asked(world: World) -> None:
    rate = "{name: few, per: agent, match: {tool: pay}, rate: 1/h, enforce: policy, over: require_approval}"
    world.configure(limited(rates=rate))
    assert pay(world).state is State.ALLOWED
    record = pay(world)
    assert (record.state, record.code, record.requirements[0].approvers) == (
        State.PENDING_APPROVAL,
        Code.RATE_LIMITED,
        ("role:approver", "role:admin"),
    )
    assert tell(world.bot, record)["retry_after"] is None
    world.approve(record)
    runs(world, record)


def test_a_rate_that_only_informs_decides_nothing_by_itself(world: World) -> None:
    rate = "{name: few, per: agent, match: {tool: pay}, rate: 1/h, enforce: policy, over: inform}"
    world.configure(limited(rates=rate))
    assert {pay(world).state for _ in range(3)} == {State.ALLOWED}


@pytest.mark.requirement("R20")
def test_rules_ask_what_is_left(world: World) -> None:
    rate = "{name: few, per: agent, match: {tool: pay}, rate: 4/h, burst: 4, enforce: policy, over: inform}"
    main = MAIN.replace(
        "rules:\n",
        "rules:\n"
        "  - name: slow-down\n"
        "    match: {tool: pay, counters.few.remaining: {lt: 3}}\n"
        "    decision: require_approval\n"
        "  - name: stop\n"
        "    match: {counters.few.exceeded: true}\n"
        "    decision: deny\n"
        "  - name: not-for-others\n"
        "    match: {tool: files, not: {counters.few.exceeded: true}}\n"
        "    decision: deny\n",
    )
    world.configure(limited(rates=rate, main=main))
    states = [pay(world).state for _ in range(6)]
    assert states == [State.ALLOWED] * 2 + [State.PENDING_APPROVAL] * 2 + [State.DENIED] * 2
    assert world.submit("files.read", {"path": "a.txt"}).record.state is State.ALLOWED


@pytest.mark.requirement("R20")
def test_rules_ask_what_is_left_of_a_ceiling(world: World) -> None:
    main = MAIN.replace(
        "rules:\n",
        "rules:\n"
        "  - name: nearly-gone\n"
        "    match: {counters.payments.remaining: {lte: '60.00'}}\n"
        "    decision: require_approval\n",
    )
    world.configure(limited(spend=PAYMENTS, main=main))
    assert [pay(world, "30.00").state for _ in range(3)] == [State.ALLOWED] * 2 + [State.PENDING_APPROVAL]


def test_the_function_of_modules_is_about_every_judged_rate_of_the_agent(world: World) -> None:
    module = (
        "package aaf.policies\n\nimport rego.v1\n\n"
        'decision := {"action": "deny", "reason": "slow down"} if rate_limit_exceeded(input.agent_id)\n\n'
        'decision := {"action": "deny", "reason": "left"} if input.counters.few.remaining == 7\n'
    )
    rate = "{name: few, per: [agent, action], match: {tool: pay}, rate: 2/h, burst: 2, enforce: policy, over: inform}"
    world.configure({**limited(rates=rate), "policies/slow.rego": module.encode()})
    assert [pay(world).state for _ in range(3)] == [State.ALLOWED, State.ALLOWED, State.DENIED]
    assert pay(world).code == Code.MODULE


def test_a_flood_over_a_named_rate_is_counted_in_one_event(world: World) -> None:
    world.configure(limited(rates="{name: few, per: organisation, rate: 1/h}"))
    pay(world)
    for _ in range(5):
        with refused(Code.RATE_LIMITED):
            pay(world)
    assert world.types().count("limit.exceeded") == 1


def test_a_rate_that_was_changed_begins_anew(world: World) -> None:
    world.configure(limited(rates="{name: few, per: agent, rate: 1/d}"))
    pay(world)
    world.configure(limited(rates="{name: few, per: agent, rate: 1/m}"))
    pay(world)
    with refused(Code.RATE_LIMITED) as caught:
        pay(world)
    assert isinstance(caught[0], TooMany)
    assert caught[0].retry_after == 60


def test_the_short_form_that_was_changed_begins_anew_too(world: World) -> None:
    slow = MAIN.replace("rate: 120/m, burst: 60", "rate: 1/d, burst: 3")
    world.configure({**FILES, "aaf.yaml": slow.encode()})
    for _ in range(3):
        pay(world)
    with refused(Code.RATE_LIMITED):
        pay(world)
    world.configure(FILES)
    assert pay(world).state is State.ALLOWED


# --- ceilings ---------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R20")
def test_what_goes_over_a_ceiling_is_denied_and_reserves_nothing(either: World) -> None:
    either.configure(limited(spend=PAYMENTS))
    assert [pay(either).state for _ in range(2)] == [State.ALLOWED] * 2
    assert spent(either) == Spent(80_000_000, 0)
    record = pay(either, "20.01")
    assert (record.state, record.code, record.spends) == (State.DENIED, Code.SPEND_EXCEEDED, False)
    assert pay(either, "20.00").state is State.ALLOWED
    assert spent(either) == Spent(100_000_000, 0)
    either.add("bot2", Kind.AGENT)
    assert pay(either, by="bot2").state is State.ALLOWED


@pytest.mark.requirement("R20")
def test_the_answer_says_when_enough_has_left_the_window(world: World) -> None:
    world.configure(limited(spend=PAYMENTS))
    for amount in ("30.00", "50.00"):
        runs(world, pay(world, amount))
        world.clock.advance(600)
    first = pay(world, "40.00")
    second = pay(world, "60.00")
    assert [tell(world.bot, record)["retry_after"] for record in (first, second)] == [2400, 3000]
    world.clock.advance(2400)
    assert pay(world, "40.00").state is State.ALLOWED
    assert tell(world.bot, pay(world, "100.00"))["retry_after"] is None  # what is only reserved says nothing
    over = replace(world.record(first), reasons=(*first.reasons, {"code": "rule", "name": "x"}))
    assert tell(world.bot, over)["retry_after"] is None


def test_what_no_window_can_ever_hold_has_no_time_to_come_back(world: World) -> None:
    world.configure(limited(spend=PAYMENTS.replace("100.00", "10.00")))
    runs(world, pay(world, "5.00"))
    assert tell(world.bot, pay(world, "10.01"))["retry_after"] is None


@pytest.mark.requirement("R20")
def test_over_a_ceiling_people_can_be_asked_and_what_they_approve_counts(either: World) -> None:
    either.configure(limited(spend=HELD))
    pay(either, "90.00")
    record = pay(either, "20.00")
    assert (record.state, record.code) == (State.PENDING_APPROVAL, Code.SPEND_EXCEEDED)
    assert spent(either) == Spent(110_000_000, 0)
    either.approve(record)
    runs(either, record)
    assert spent(either) == Spent(90_000_000, 20_000_000)
    either.clock.advance(60)
    other = pay(either, "20.00")
    either.reject(other)
    assert spent(either).reserved == 90_000_000


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("way", ["cancelled", "rejected", "expired", "lapsed", "denied again"])
def test_whatever_ends_an_action_before_it_runs_releases_its_reservation(either: World, way: str) -> None:
    either.configure(limited(spend=HELD.replace("100.00", "500.00")))
    pending = way in {"rejected", "expired"}
    record = pay(either, "200.00" if pending else "40.00")
    assert record.state is (State.PENDING_APPROVAL if pending else State.ALLOWED)
    assert spent(either).reserved == (200_000_000 if pending else 40_000_000)
    match way:
        case "cancelled":
            either.cancel(record)
        case "rejected":
            either.reject(record)
        case "expired" | "lapsed":
            either.clock.advance(901)
            assert either.run(sweep(either.core)) == 1
        case _:
            denied = MAIN.replace('lte: "100.00"}}\n    decision: allow', 'lte: "100.00"}}\n    decision: deny')
            either.configure(limited(spend=HELD.replace("100.00", "500.00"), main=denied))
            with refused(Code.RULE):
                runs(either, record)
    assert either.record(record).state not in {State.ALLOWED, State.PENDING_APPROVAL}
    place = f"EUR agent={record.agent}"
    assert either.run(either.store.spent(either.org, "payments", place, since=0)) == Spent()


@pytest.mark.requirement("R20")
def test_what_recovery_closes_counts_as_spent_because_it_may_have_run(either: World) -> None:
    either.configure(limited(spend=HELD))
    allowed, approved = pay(either, "60.00"), either.approve(pay(either, "60.00"))
    assert (allowed.state, approved.state) == (State.ALLOWED, State.APPROVED)
    either.clock.advance(60)
    either.run(let_go(either.core, reason="restored the backup of Sunday"))
    assert {either.record(one).state for one in (allowed, approved)} == {State.LAPSED}
    place = f"EUR agent={allowed.agent}"
    since = either.clock.at - 3_600_000_000
    assert either.run(either.store.spent(either.org, "payments", place, since=since)) == Spent(0, 120_000_000)
    assert either.run(either.store.spent(either.org, "payments", place, since=either.clock.at)) == Spent()


@pytest.mark.requirement("R20")
def test_what_is_overdue_blocks_nobody_where_no_worker_lives(either: World) -> None:
    either.configure(limited(spend=PAYMENTS))
    unused = [pay(either, "60.00"), pay(either, "40.00")]
    either.clock.advance(900)
    assert pay(either, "60.00").state is State.DENIED  # to the second of its deadline it may still run
    either.clock.advance(1)
    assert pay(either, "60.00").state is State.ALLOWED
    assert {either.record(one).state for one in unused} == {State.LAPSED}
    assert spent(either) == Spent(60_000_000, 0)


@pytest.mark.requirement("R20")
def test_what_is_overdue_is_looked_for_only_where_it_stands_in_the_way(world: World) -> None:
    world.configure(limited(spend=PAYMENTS))
    unused = pay(world, "60.00")
    world.clock.advance(901)
    pay(world, "40.00")
    assert world.record(unused).state is State.ALLOWED


@pytest.mark.requirement("R20")
def test_a_clock_that_jumps_ahead_frees_nothing_until_it_is_believed(either: World) -> None:
    either.configure(limited(spend=PAYMENTS))
    runs(either, pay(either, "60.00"))
    either.clock.jump(400 * 86_400)
    for _ in range(2):
        refused_ = pay(either, "60.00")
        assert (refused_.state, refused_.code) == (State.DENIED, Code.SPEND_EXCEEDED)
        assert tell(either.bot, refused_)["retry_after"] is None
        assert pay(either, "20.00").state is State.ALLOWED
        either.clock.advance(299)
    either.clock.advance(3)
    assert pay(either, "60.00").state is State.ALLOWED


@pytest.mark.requirement("R20")
def test_a_clock_that_comes_back_has_freed_nothing(either: World) -> None:
    either.configure(limited(spend=PAYMENTS))
    runs(either, pay(either, "60.00"))
    either.clock.jump(3 * 3600)
    either.clock.jump(-3 * 3600)
    assert pay(either, "60.00").state is State.DENIED
    assert pay(either, "40.00").state is State.ALLOWED


@pytest.mark.requirement("R20")
def test_what_runs_stays_counted_until_somebody_trustworthy_says_that_it_failed(either: World) -> None:
    either.configure(limited(spend=PAYMENTS))
    record = pay(either, "60.00")
    lease = runs(either, record)
    assert spent(either) == Spent(0, 60_000_000)
    either.run(report(either.core, either.bot, record.id, lease=lease, succeeded=False, result=None))
    assert either.record(record).state is State.FAILED
    assert spent(either) == Spent(0, 60_000_000)  # the agent's own word frees nothing
    assert pay(either, "60.00").state is State.DENIED


@pytest.mark.requirement("R20")
def test_an_unknown_end_stays_counted_and_a_person_can_free_it(either: World) -> None:
    either.configure(limited(spend=PAYMENTS))
    record = pay(either, "60.00")
    runs(either, record)
    either.clock.advance(120)
    either.run(sweep(either.core))
    assert either.record(record).state is State.UNKNOWN
    assert spent(either) == Spent(0, 60_000_000)
    either.run(resolve(either.core, either.admin, record.id, succeeded=False, reason="never arrived"))
    assert spent(either) == Spent()


@pytest.mark.requirement("R20")
def test_who_ran_it_themselves_frees_nothing_by_saying_that_it_failed(either: World) -> None:
    either.configure(limited(spend=PAYMENTS))
    record = pay(either, "60.00", by="admin")
    runs(either, record, by="admin")
    either.clock.advance(120)
    either.run(sweep(either.core))
    closed = either.run(resolve(either.core, either.admin, record.id, succeeded=False, reason="never arrived"))
    assert (closed.state, spent(either, who="admin")) == (State.FAILED, Spent(0, 60_000_000))
    assert tell(either.admin, closed)["outcome"] == {"code": "connector_failed", "source": "person"}
    assert pay(either, "60.00", by="admin").state is State.DENIED


class Bank:
    """A connector that pays, or doesn't; `failure` is why."""

    name = "files"

    def __init__(self, failure: Code | None, result: Json = None) -> None:
        self._failure, self._result = failure, result

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        return Analysis()

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:
        raise AssertionError

    async def run(self, *, operation: str, params: Mapping[str, Json], expected: Effect | None) -> Json:
        if self._failure is not None:
            raise ConnectorFailed(self._failure, "It did not work.")
        return self._result


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("bank", "state", "left"),
    [
        (Bank(None, {"reference": "1"}), State.SUCCEEDED, 60_000_000),
        (Bank(Code.CONNECTOR_FAILED), State.FAILED, 0),
        (Bank(Code.CONNECTOR_TIMEOUT), State.UNKNOWN, 60_000_000),
        (Bank(Code.RESULT_TOO_LARGE), State.FAILED, 60_000_000),
        (Bank(None, {"strange": 1}), State.FAILED, 60_000_000),
    ],
)
def test_a_failure_of_the_connector_frees_what_was_not_spent(world: World, bank: Bank, state: State, left: int) -> None:
    connected = edited("actions/pay.send.yaml", ("effect: caller", "effect: {connector: files}"))
    world.configure({**limited(spend=PAYMENTS), "actions/pay.send.yaml": connected["actions/pay.send.yaml"]})
    world.core = replace(world.core, connectors=Fixed({"files": bank}))
    record = pay(world, "60.00", run="now")
    assert record.state is state
    assert spent(world) == Spent(0, left)


@pytest.mark.requirement("R20")
def test_limits_are_not_charged_again_before_the_run(either: World) -> None:
    either.configure(limited(spend=PAYMENTS))
    record = pay(either, "100.00")
    runs(either, record)
    assert spent(either) == Spent(0, 100_000_000)


def test_what_was_over_a_ceiling_is_held_to_it_when_it_is_judged_again(world: World) -> None:
    world.configure(limited(spend=HELD))
    pay(world, "90.00")
    record = world.approve(pay(world, "20.00"))
    assert record.state is State.APPROVED
    world.configure(limited(spend=PAYMENTS))
    with refused(Code.SPEND_EXCEEDED):
        runs(world, record)
    assert world.record(record).state is State.DENIED
    assert spent(world) == Spent(90_000_000, 0)


@pytest.mark.requirement("R20")
def test_of_two_at_the_same_moment_one_is_denied(either: World) -> None:
    either.configure(limited(spend=PAYMENTS))
    either.ids.then("salt", lambda: pay(either, "60.00"))
    record = pay(either, "60.00")
    assert (record.state, record.code) == (State.DENIED, Code.SPEND_EXCEEDED)
    assert spent(either) == Spent(60_000_000, 0)


PARAMS: Mapping[str, tuple[Mapping[str, Json], bool]] = {
    "plain": ({"amount": "1.50"}, True),
    "six decimals": ({"amount": "0.000001"}, True),
    "nothing": ({"amount": "0"}, True),
    "the other currency": ({"amount": "1.50", "currency": "USD"}, False),
    "no currency": ({"amount": "1.50", "currency": ""}, False),
    "small letters": ({"amount": "1.50", "currency": "eur"}, False),
    "negative": ({"amount": "-1.50"}, False),
    "signed": ({"amount": "+1.50"}, False),
    "seven decimals": ({"amount": "0.0000001"}, False),
    "huge": ({"amount": "1000000000"}, False),
    "an exponent": ({"amount": "1e2"}, False),
    "no number": ({"amount": "NaN"}, False),
    "infinite": ({"amount": "Infinity"}, False),
    "a leading zero": ({"amount": "010"}, False),
    "a comma": ({"amount": "1,50"}, False),
    "other digits": ({"amount": "\u0661\u0660"}, False),
    "a line end": ({"amount": "1.50\n"}, False),
    "a space": ({"amount": " 1.50"}, False),
    "empty": ({"amount": ""}, False),
    "missing": ({}, False),
}


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", PARAMS)
def test_an_amount_that_is_not_exact_never_slips_under_a_ceiling(world: World, name: str) -> None:
    loose = edited(
        "actions/pay.send.yaml",
        ('amount: {type: string, pattern: "^[0-9]+[.][0-9]{2}$"}', "amount: {type: string, maxLength: 64}"),
        ("required: [to, amount]", "required: [to]"),
    )
    main = MAIN.replace('match: {tool: pay, params.amount: {lte: "100.00"}}', "match: {tool: pay}").replace(
        '  - name: large-payments\n    match: {tool: pay, params.amount: {gt: "100.00"}}\n'
        "    decision: require_approval\n    reason: Large payments need two people\n"
        "    approval: {approvers: [role:approver], quorum: 2, timeout: 10m, reason_required: true}\n",
        "",
    )
    params, fits = PARAMS[name]
    asked = {"to": "shop", **params}
    world.configure({**loose, "aaf.yaml": limited(main=main)["aaf.yaml"]})
    before = world.submit("pay.send", asked).record
    world.configure({**loose, "aaf.yaml": limited(spend=PAYMENTS, main=main)["aaf.yaml"]})
    record = world.submit("pay.send", asked).record
    if fits:
        assert (record.state, before.state) == (State.ALLOWED, State.ALLOWED)
        return
    assert record.state is State.DENIED
    if before.state is State.ALLOWED:
        assert (record.code, record.reasons[0]["source"]) == (Code.AMOUNT_UNKNOWN, "limit")
    assert world.run(world.store.spent_by(world.org, "payments", since=0)) == []


def test_each_currency_has_its_own_ceiling(world: World) -> None:
    both = PAYMENTS.replace("ceiling: '100.00', currency: EUR", "ceilings: {EUR: '50.00', USD: '30.00'}")
    world.configure(limited(spend=both))

    def paid(amount: str, currency: str) -> State:
        return world.submit("pay.send", {"to": "x", "amount": amount, "currency": currency}).record.state

    assert [paid("50.00", "EUR"), paid("30.00", "USD"), paid("1.00", "EUR"), paid("1.00", "USD")] == [
        State.ALLOWED, State.ALLOWED, State.DENIED, State.DENIED,
    ]  # fmt: skip
    assert paid("1.00", "GBP") is State.DENIED


def test_what_the_schema_refuses_is_denied_for_that_and_spends_nothing(world: World) -> None:
    world.configure(limited(spend=PAYMENTS))
    record = world.submit("pay.send", {"to": "shop", "amount": 5}).record
    assert (record.code, len(record.reasons)) == (Code.SCHEMA_VIOLATION, 1)
    assert spent(world) == Spent()


def test_what_another_voice_denies_reserves_nothing(world: World) -> None:
    denied = MAIN.replace('lte: "100.00"}}\n    decision: allow', 'lte: "100.00"}}\n    decision: deny')
    world.configure(limited(spend=PAYMENTS, main=denied))
    assert pay(world).state is State.DENIED
    assert spent(world) == Spent()


class Deaf:
    """A store that can't say what is counted."""

    def __init__(self, store: Any, *reads: str) -> None:
        self._store, self._reads = store, reads

    def __getattr__(self, name: str) -> Any:
        if name in self._reads:
            return self._fails
        return getattr(self._store, name)

    async def _fails(self, *args: object, **kwargs: object) -> None:
        raise StoreFailed(Code.STORE_UNAVAILABLE, "The store does not answer.")


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("read", ["limit", "spent"])
def test_a_store_that_cannot_say_what_is_counted_refuses_the_action(world: World, read: str) -> None:
    rate = "{name: few, per: agent, rate: 9/h, burst: 9, enforce: policy}"
    world.configure(limited(rates=rate, spend=PAYMENTS))
    whole = world.core
    world.core = replace(whole, store=Deaf(whole.store, read))
    with world.unrecorded(), refused(Code.STORE_UNAVAILABLE, Unavailable):
        pay(world)
    world.core = whole
    assert pay(world).state is State.ALLOWED


# --- what is in use ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R20")
def test_people_see_what_is_used_of_each_limit(either: World) -> None:
    rate = "{name: few, per: agent, match: {tool: pay}, rate: 6/h, burst: 4, enforce: policy}"
    either.configure(limited(rates=rate, spend=PAYMENTS))
    runs(either, pay(either, "30.00"))
    ran_at = either.clock.at
    either.clock.advance(60)
    pay(either, "20.00")
    short, few, payments = either.run(limits_in_use(either.core, either.caller("ann")))
    who = f"agent={either.bot.principal.id}"
    assert isinstance(short.limit, Limit)
    assert (short.limit.rate, [use.remaining for use in short.uses if isinstance(use, RateUse)]) == ("1000/s", [999])
    assert few.uses == (RateUse(who, 2, ran_at + 600_000_000),)
    assert payments.uses == (SpendUse(who, "EUR", Spent(20_000_000, 30_000_000), ran_at + 3_600_000_000),)
    either.clock.advance(540)
    few = either.run(limits_in_use(either.core, either.caller("ann")))[1]
    assert few.uses == (RateUse(who, 3, ran_at + 1_200_000_000),)


def test_an_agent_does_not_see_the_limits(world: World) -> None:
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        world.run(limits_in_use(world.core, world.bot))


@pytest.mark.requirement("R20")
def test_what_is_counted_for_users_or_for_all_leaves_agents_alone(world: World) -> None:
    rate = "{name: few, per: user, match: {tool: pay}, rate: 1/h, enforce: policy}"
    world.configure(limited(rates=rate, spend=PAYMENTS.replace("per: agent", "per: user")))
    assert {pay(world, "60.00").state for _ in range(3)} == {State.ALLOWED}
    assert pay(world, "60.00", by="admin").state is State.ALLOWED
    assert pay(world, "60.00", by="admin").state is State.DENIED
    shared = "{name: few, per: organisation, match: {tool: pay}, rate: 1/h, enforce: policy}"
    world.configure(limited(rates=shared))
    assert [pay(world).state for _ in range(2)] == [State.ALLOWED, State.DENIED]


@pytest.mark.requirement("R20")
def test_a_type_that_nobody_declared_never_slips_under_a_ceiling(world: World) -> None:
    main = MAIN.replace("rules:\n", "fallback: {decision: require_approval}\n\nrules:\n")
    world.configure(limited(spend=PAYMENTS, main=main))
    record = world.submit("pay.undeclared", {"amount": "1.00", "currency": "EUR"}).record
    assert (record.state, record.code) == (State.DENIED, Code.AMOUNT_UNKNOWN)

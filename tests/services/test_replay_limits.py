"""A dry run holds a candidate's limits to what was counted, and says where nothing was; a deployment's variables stay out of reach."""

from dataclasses import replace

import pytest

from aaf.adapters.memory import MemoryStore
from aaf.domain.errors import Code
from aaf.domain.principal import ROLES, Kind, Permission
from aaf.domain.states import State
from aaf.policy.replaying import Undecidable
from aaf.services.replay import Against
from tests.services.test_limiting import HELD, PAYMENTS, limited, pay
from tests.services.test_modules import having
from tests.services.test_replay import compared, flips, undecided
from tests.services.world import MAIN, World, edited

HOLDING = limited(spend=HELD)
OPEN = limited()
DENYING = limited(spend=PAYMENTS)
ONE_A_MINUTE = "{name: pays, per: agent, match: {tool: pay}, rate: 1/m, burst: 1, enforce: policy, over: %s}"


def asking(test: str, *, spend: str = "", rates: str = "") -> dict[str, bytes]:
    """A rule of its own about payments."""
    rule = f"rules:\n  - {{name: by-count, match: {{tool: pay, {test}}}, decision: deny}}\n"
    return limited(spend=spend, rates=rates, main=MAIN.replace("rules:\n", rule, 1))


@pytest.mark.requirement("R63")
def test_a_limit_votes_on_what_it_had_counted(world: World) -> None:
    world.configure(HOLDING)
    # 40, 80, and 120 of 100.
    assert [pay(world).state for _ in range(3)] == [State.ALLOWED, State.ALLOWED, State.PENDING_APPROVAL]
    ((flip, group),) = compared(world, DENYING).tally.groups.items()
    assert (flip.before, flip.after, group.count) == ("require_approval", "deny", 1)
    for said in (flip.was, flip.now):
        assert [(one.source, one.name, one.code) for one in said or ()] == [("limit", "payments", "spend_exceeded")]
    assert flips(compared(world, DENYING, against=Against.RECORDED).tally) == {("require_approval", "deny"): 1}
    assert compared(world, HOLDING).tally.same == 3


@pytest.mark.requirement("R63")
def test_a_limit_that_is_taken_away_frees_what_it_denied(world: World) -> None:
    world.configure(DENYING)
    assert [pay(world).state for _ in range(3)] == [State.ALLOWED, State.ALLOWED, State.DENIED]
    for against in Against:
        assert flips(compared(world, OPEN, against=against).tally) == {("deny", "allow"): 1}
        assert compared(world, DENYING, against=against).tally.same == 3


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    "candidate",
    [
        limited(spend=PAYMENTS.replace("payments", "others", 1)),
        limited(spend=PAYMENTS.replace("100.00", "90.00")),
        limited(spend=PAYMENTS.replace("1h", "2h")),
        limited(spend=PAYMENTS.replace("{tool: pay}", "{class: payment}")),
        limited(rates=ONE_A_MINUTE % "deny"),
        asking("counters.pays.exceeded: true", rates=ONE_A_MINUTE % "inform"),
    ],
)
def test_a_limit_that_counted_nothing_for_it_is_not_decidable_and_never_no_change(
    world: World, candidate: dict[str, bytes]
) -> None:
    world.configure(HOLDING)
    pay(world)
    tally = compared(world, candidate, types=("pay.*",)).tally
    assert (tally.compared, undecided(tally)) == (0, {Undecidable.LIMIT: 1})


@pytest.mark.requirement("R63")
def test_a_limit_that_nobody_asks_or_that_is_about_others_hinders_nothing(world: World) -> None:
    pay(world)
    for candidate in (
        limited(rates=ONE_A_MINUTE % "inform"),
        limited(rates=(ONE_A_MINUTE % "deny").replace("tool: pay", "tool: files")),
        limited(rates=(ONE_A_MINUTE % "deny").replace("enforce: policy, over: deny", "enforce: door")),
    ):
        tally = compared(world, candidate).tally
        assert (tally.same, undecided(tally)) == (1, {})


@pytest.mark.requirement("R63")
def test_what_is_denied_anyway_is_decided_whatever_a_limit_would_have_counted(world: World) -> None:
    pay(world)
    denying = asking('params.to: "shop"', spend=PAYMENTS)
    assert flips(compared(world, denying).tally) == {("allow", "deny"): 1}
    # A deny for want of any rule isn't such a one: a rule that asks for the limit may have spoken.
    main = MAIN.replace("match: {tool: pay, ", "match: {tool: pay, counters.pays.remaining: {gte: 1}, ")
    closed = main.replace("use_within:", "defaults: {payment: deny}\nuse_within:")
    tally = compared(world, limited(rates=ONE_A_MINUTE % "inform", main=closed)).tally
    assert undecided(tally) == {Undecidable.LIMIT: 1}


@pytest.mark.requirement("R63")
def test_rules_ask_for_what_was_counted(world: World) -> None:
    world.configure(HOLDING)
    pay(world), pay(world), pay(world)
    by_flag = asking("counters.payments.exceeded: true", spend=HELD)
    assert flips(compared(world, by_flag).tally) == {("require_approval", "deny"): 1}
    by_rest = asking('counters.payments.remaining: {lte: "60.00"}', spend=HELD)
    assert flips(compared(world, by_rest).tally) == {("allow", "deny"): 1, ("require_approval", "deny"): 1}


@pytest.mark.requirement("R63")
def test_a_module_that_asks_for_what_was_not_counted_is_not_decidable(world: World) -> None:
    pay(world)
    rate = limited(rates=ONE_A_MINUTE % "inform")
    counting = 'decision := "deny" if input.counters.pays.exceeded\n'
    assert undecided(compared(world, having(counting, rate)).tally) == {Undecidable.LIMIT: 1}
    by_rate = 'decision := "deny" if rate_limit_exceeded(input.agent_id)\n'
    assert undecided(compared(world, having(by_rate, rate)).tally) == {Undecidable.LIMIT: 1}
    whole = 'decision := "deny" if { some key; input[key] == "evil" }\n'
    assert undecided(compared(world, having(whole, rate)).tally) == {Undecidable.LIMIT: 1}
    lacking = 'decision := "deny" if not input.counters.pays.remaining\n'
    assert undecided(compared(world, having(lacking, rate)).tally) == {Undecidable.LIMIT: 1}
    silent = 'decision := "deny" if input.params.to == "evil"\n'
    assert compared(world, having(silent, rate)).tally.same == 1
    world.configure(rate)
    pay(world), pay(world)
    tally = compared(world, having(counting, rate)).tally
    assert (undecided(tally), flips(tally)) == ({Undecidable.LIMIT: 1}, {("allow", "deny"): 1})


def test_a_rate_of_another_name_is_not_the_one_that_was_over(world: World) -> None:
    world.configure(limited(rates=ONE_A_MINUTE % "inform"))
    pay(world), pay(world)
    asks = 'decision := "deny" if rate_limit_exceeded(input.agent_id)\n'
    same = having(asks, limited(rates=ONE_A_MINUTE % "inform"))
    assert flips(compared(world, same).tally) == {("allow", "deny"): 1}
    assert flips(compared(world, limited(rates=ONE_A_MINUTE % "deny")).tally) == {("allow", "deny"): 1}


def test_what_the_schema_refused_was_never_counted_as_spent(world: World) -> None:
    world.configure(DENYING)
    world.submit("pay.send", {"amount": "10.00", "currency": "EUR"})
    optional = {
        **DENYING,
        "actions/pay.send.yaml": DENYING["actions/pay.send.yaml"].replace(b"[to, amount]", b"[amount]"),
    }
    assert optional["actions/pay.send.yaml"] != DENYING["actions/pay.send.yaml"]
    assert undecided(compared(world, optional).tally) == {Undecidable.LIMIT: 1}
    assert compared(world, DENYING).tally.same == 1


def test_another_declared_amount_would_have_been_counted_otherwise(world: World) -> None:
    world.configure(DENYING)
    pay(world)
    kind = DENYING["actions/pay.send.yaml"].replace(b"value: params.amount", b"value: params.to")
    assert kind != DENYING["actions/pay.send.yaml"]
    assert undecided(compared(world, {**DENYING, "actions/pay.send.yaml": kind}).tally) == {Undecidable.LIMIT: 1}


def test_the_release_of_the_time_says_what_was_counted(world: World) -> None:
    world.configure(DENYING)
    pay(world), pay(world), pay(world)
    world.configure(limited(spend=PAYMENTS.replace("100.00", "50.00")))
    assert undecided(compared(world, OPEN).tally) == {Undecidable.LIMIT: 3}  # the active release can't be told
    assert compared(world, DENYING, against=Against.RECORDED).tally.same == 3
    assert isinstance(world.store, MemoryStore)
    kept = world.store._tables.releases
    for releases in kept.values():
        releases[1] = replace(releases[1], document=b"{}")
    assert undecided(compared(world, DENYING, against=Against.RECORDED).tally) == {Undecidable.LIMIT: 3}


# --- variables of the deployment --------------------------------------------------------------------------------------

FREE_SHELL = edited("aaf.yaml", ("decision: require_approval\n    reason: Shell", "decision: allow\n    reason: Shell"))


@pytest.mark.requirement("R63", "R42")
def test_no_candidate_is_shown_to_free_a_command_that_reads_a_variable(world: World) -> None:
    assert world.command("echo $PORT").code == Code.DEPLOYMENT_VARIABLE
    world.command("uptime")
    for against in Against:
        tally = compared(world, FREE_SHELL, against=against).tally
        assert flips(tally) == {("require_approval", "allow"): 1}
        assert (tally.compared, tally.same) == (2, 1)


def test_who_may_not_see_a_sealed_value_is_not_told_whether_it_names_a_variable(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ROLES, "explainer", frozenset({Permission.ORG_DECISION_EXPLAIN}))
    world.add("eve", Kind.USER, "explainer")
    context = {"password": "hunter2hunter2"}
    assert world.submit("shell.run", {"command": "echo $PORT"}, context=context).record.state is State.DENIED
    world.submit("term.type", {"text": "echo $PORT"}, context=context)
    assert undecided(compared(world, who="eve").tally) == {Undecidable.SEALED: 2}
    assert compared(world).tally.same == 2

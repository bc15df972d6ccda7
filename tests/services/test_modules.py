"""Policy modules beside rules: what they say counts, what keeps them from speaking is a deny, and rates decide once."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from aaf.adapters.rego.engine import Engine, Patience
from aaf.adapters.rego.waiting import Blocking
from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConfigurationInvalid, StateConflict, TooMany
from aaf.domain.finding import Analysis, Charge
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.policy.rego.answers import Answer, Undefined
from aaf.ports import PolicyEngine
from aaf.services.core import NO_ENGINE
from aaf.services.permits import issue
from aaf.services.review import show
from tests.services.world import FILES, SECOND, Fixed, World, edited, refused

POLICY = "policies/own.rego"
RUNAWAY = (
    'decision := {"action": "deny"} if {\n  input.params.to == "slow"\n  some i in numbers.range(1, 20000)\n'
    "  some j in numbers.range(1, 20000)\n  i * j == -1\n}\n"
)
DENY_EVIL = 'decision := {"action": "deny", "reason": "Not to this one"} if input.params.to == "evil"\n'
FAILS_ON_EVIL = (
    'decision := {"action": "deny", "reason": "Not to this one"} if {\n'
    '  input.tool == "pay"\n  json.unmarshal(input.params.to) == 1\n}\n'
)
BY_RATE = 'decision := {"action": "deny", "reason": "Rate limit exceeded"} if rate_limit_exceeded(input.agent_id)\n'


def having(rules: str, files: Mapping[str, bytes] = FILES, name: str = POLICY) -> dict[str, bytes]:
    """The configuration with one module more."""
    return {**files, name: f"package aaf.policies\nimport rego.v1\n{rules}".encode()}


def limited(enforce: str, rate: str = "2/m", burst: int = 2) -> dict[str, bytes]:
    return edited("aaf.yaml", ("{rate: 120/m, burst: 60}", f"{{rate: {rate}, burst: {burst}, enforce: {enforce}}}"))


@contextmanager
def asking(world: World, engine: PolicyEngine) -> Iterator[None]:
    """Another engine for a while."""
    before, world.core = world.core, replace(world.core, engine=engine)
    yield
    world.run(engine.close())
    world.core = before


def failures(world: World) -> list[dict[str, Json]]:
    return [fields for kind, fields in world.log.entries if kind == "policy_failed"]


def pay(world: World, to: str = "shop") -> ActionRecord:
    return world.submit("pay.send", {"to": to, "amount": "20.00"}).record


@pytest.mark.requirement("R18")
def test_a_module_denies_what_a_rule_allows_and_says_why(either: World) -> None:
    either.configure(having(DENY_EVIL))
    assert pay(either).state is State.ALLOWED
    record = pay(either, "evil")
    assert (record.state, record.code) == (State.DENIED, Code.MODULE)
    assert record.reasons == ({"code": "module", "name": POLICY, "reason": "Not to this one", "source": "module"},)
    assert either.bodies("action.denied")[-1]["data"]["reasons"] == [
        {"code": "module", "name": POLICY, "source": "module"}
    ]


def test_where_no_module_applies_no_worker_is_started(world: World) -> None:
    assert world.submit("files.read", {"path": "a.txt"}).record.state is State.ALLOWED
    engine = world.core.engine
    assert isinstance(engine, Engine)
    assert [seat.process for seat in engine._seats] == [None]


@pytest.mark.parametrize(("stated", "risk"), [("critical", "critical"), ("low", "high")])
def test_a_module_raises_the_risk_and_never_lowers_it(world: World, stated: str, risk: str) -> None:
    hold = f'decision := {{"action": "require_approval", "risk_level": "{stated}"}} if input.tool == "pay"\n'
    world.configure(having(hold))
    record = pay(world)
    assert (record.state, record.risk) == (State.PENDING_APPROVAL, risk)
    assert world.bodies("action.pending_approval")[-1]["data"]["risk"] == risk
    view = world.run(show(world.core, world.caller("ann"), record.id)).view
    assert risk in str(view["risk"])


def test_a_hold_of_a_module_asks_whom_it_names_and_is_judged_again_like_any_other(world: World) -> None:
    hold = (
        'decision := {"action": "require_approval", "approval_config": {"approvers": ["role:approver"], "quorum": 2}} if '
        'input.params.to == "far"\n'
    )
    world.configure(having(hold))
    record = pay(world, "far")
    assert [requirement.quorum for requirement in record.requirements] == [2]
    world.approve(record)
    assert world.approve(record, by="ben").state is State.APPROVED
    world.configure(having(hold + 'decision := {"action": "deny"} if input.params.to == "far"\n'))
    with refused(Code.POLICY_CONFLICT, StateConflict):
        world.run(issue(world.core, world.bot, record.id, digest=record.digest, audience="shop"))
    assert world.record(record).state is State.DENIED


def test_a_module_that_fails_denies_and_the_log_says_where_without_a_value(either: World) -> None:
    either.configure(having(FAILS_ON_EVIL))
    assert pay(either, "2").state is State.ALLOWED
    record = pay(either, "evil-value")
    assert (record.state, record.code) == (State.DENIED, Code.POLICY_ERROR)
    assert record.reasons[0]["name"] == POLICY
    (entry,) = failures(either)
    assert (entry["module"], entry["line"], entry["action"]) == (POLICY, 5, record.id)
    assert "evil-value" not in str(either.log.entries)
    assert "evil-value" not in str(record.reasons)


@pytest.mark.parametrize(
    ("engine", "code", "cause"),
    [
        (lambda: NO_ENGINE, Code.POLICY_ENGINE_UNAVAILABLE, "not installed"),
        (
            lambda: Engine(Blocking(1), workers=1, patience=Patience(answer=0.2, start=60.0)),
            Code.POLICY_TIMEOUT,
            "no answer in 0.2 s",
        ),
    ],
    ids=["absent", "too slow"],
)
def test_an_engine_that_does_not_answer_denies(either: World, engine: Any, code: Code, cause: str) -> None:
    either.configure(having(RUNAWAY))
    with asking(either, engine()):
        record = pay(either, "slow")
    assert (record.state, record.code) == (State.DENIED, code)
    assert failures(either)[0]["cause"] == cause


class Odd:
    """An engine that breaks its promise."""

    def __init__(self, answers: int | None) -> None:
        self.answers = answers

    async def evaluate(self, *_: object) -> tuple[Answer, ...]:
        if self.answers is None:
            raise ZeroDivisionError
        return (Undefined(),) * self.answers

    async def close(self) -> None:
        """Nothing."""


@pytest.mark.parametrize("answers", [None, 0, 2])
def test_an_engine_that_breaks_its_promise_denies(world: World, answers: int | None) -> None:
    world.configure(having(DENY_EVIL))
    with asking(world, Odd(answers)):
        record = pay(world)
    assert (record.state, record.code) == (State.DENIED, Code.POLICY_ERROR)
    assert failures(world)[0]["cause"] in {"ValueError", "ZeroDivisionError"}


def test_what_a_guard_denies_is_not_shown_to_modules(world: World) -> None:
    world.configure(having(DENY_EVIL))
    with asking(world, Odd(None)):
        record = world.submit("pay.send", {"to": 1, "amount": "20.00"}).record
    assert (record.state, record.code) == (State.DENIED, Code.SCHEMA_VIOLATION)
    assert not failures(world)


def test_what_was_allowed_is_denied_where_its_module_fails_when_it_runs(world: World) -> None:
    world.configure(having(DENY_EVIL))
    record = pay(world)
    with asking(world, NO_ENGINE), refused(Code.POLICY_ENGINE_UNAVAILABLE, StateConflict):
        world.run(issue(world.core, world.bot, record.id, digest=record.digest, audience="shop"))
    assert world.record(record).state is State.DENIED


# --- rates ---


def test_over_a_rate_that_the_door_enforces_nothing_is_recorded(world: World) -> None:
    world.configure(limited("door"))
    pay(world)
    pay(world)
    before = len(world.run(world.store.actions(world.org)))
    with pytest.raises(TooMany):
        pay(world)
    assert len(world.run(world.store.actions(world.org))) == before


@pytest.mark.requirement("R18")
def test_over_a_rate_that_policy_enforces_the_module_decides(either: World) -> None:
    either.configure(having(BY_RATE, limited("policy")))
    assert [pay(either).state for _ in range(4)] == [State.ALLOWED, State.ALLOWED, State.DENIED, State.DENIED]
    either.clock.at += 31 * SECOND
    assert [pay(either).state for _ in range(2)] == [State.ALLOWED, State.DENIED]


def test_what_is_over_a_rate_that_policy_enforces_is_allowed_where_no_module_minds(world: World) -> None:
    world.configure(limited("policy"))
    assert {pay(world).state for _ in range(5)} == {State.ALLOWED}


def test_a_rate_is_not_looked_at_again_before_the_run(world: World) -> None:
    world.configure(having(BY_RATE, limited("policy")))
    first = pay(world)
    pay(world)
    assert pay(world).state is State.DENIED
    issued = world.run(issue(world.core, world.bot, first.id, digest=first.digest, audience="shop"))
    assert issued.permit.action == first.id


def test_without_a_rate_the_function_has_no_fact_and_is_refused_before_it_denies_everything(world: World) -> None:
    none = edited("aaf.yaml", ("limits:\n  agent: {rate: 120/m, burst: 60}\n", ""))
    with pytest.raises(ConfigurationInvalid, match="there is none"):
        world.configure(having(BY_RATE, none))
    assert pay(world).state is State.ALLOWED


def test_one_agent_that_breaks_workers_is_set_aside_and_others_are_answered(world: World) -> None:
    breaks = 'decision := {"action": "deny"} if {\n  input.params.to == "evil"\n  strings.count("aaa", "") > 0\n}\n'
    world.configure(having(breaks))
    world.add("other", Kind.AGENT)
    engine = Engine(Blocking(1), workers=1, patience=Patience(answer=20.0, start=60.0, losses=2, forget=1e6))
    with asking(world, engine):
        assert [pay(world, "evil").code for _ in range(3)] == [
            Code.POLICY_ENGINE_CRASHED,
            Code.POLICY_ENGINE_CRASHED,
            Code.POLICY_ENGINE_UNAVAILABLE,
        ]
        assert pay(world).code == Code.POLICY_ENGINE_UNAVAILABLE
        submitted = world.submit("pay.send", {"to": "shop", "amount": "20.00"}, by="other")
        assert submitted.record.state is State.ALLOWED


class Charging:
    """The connector for files with a rate for its target."""

    name = "files"

    def __init__(self, inner: Any, *charges: Charge) -> None:
        self.inner, self.charges = inner, charges

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        found: Analysis = self.inner.analyse(operation=operation, params=params)
        return replace(found, charges=self.charges)

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:
        effect: Effect = await self.inner.dry_run(operation=operation, params=params)
        return effect

    async def run(self, *, operation: str, params: Mapping[str, Json], expected: Effect | None) -> Json:
        result: Json = await self.inner.run(operation=operation, params=params, expected=expected)
        return result


def charging(world: World, *charges: Charge) -> None:
    world.core = replace(world.core, connectors=Fixed({"files": Charging(world.hands, *charges)}))


def read(world: World, path: str = "a.txt", **more: Any) -> ActionRecord:
    return world.submit("files.read", {"path": path}, **more).record


def test_over_the_rate_of_its_target_an_action_is_denied_and_says_so(either: World) -> None:
    charging(either, Charge("disk", "one", 10 * SECOND, 2))
    assert [read(either).state for _ in range(3)] == [State.ALLOWED, State.ALLOWED, State.DENIED]
    record = read(either)
    assert (record.code, record.reasons[0]["source"], record.reasons[0]["name"]) == (Code.RATE_LIMITED, "limit", "disk")
    either.clock.at += 10 * SECOND
    assert [read(either).state for _ in range(2)] == [State.ALLOWED, State.DENIED]


def test_what_is_denied_uses_up_no_rate_of_its_target(world: World) -> None:
    charging(world, Charge("disk", "one", 10 * SECOND, 1))
    for _ in range(5):
        assert read(world, "../a.txt").state is State.DENIED
    assert read(world).state is State.ALLOWED


def test_the_rate_of_a_target_is_not_charged_again_before_the_run(world: World) -> None:
    charging(world, Charge("disk", "one", 3600 * SECOND, 1))
    assert read(world, run=True).state is State.SUCCEEDED
    assert read(world).state is State.DENIED


def test_one_rate_used_up_denies_and_charges_no_other(world: World) -> None:
    first, second = Charge("disk", "one", 3600 * SECOND, 1), Charge("disk", "two", 3600 * SECOND, 1)
    charging(world, first)
    read(world)
    charging(world, first, second)
    assert read(world).state is State.DENIED
    charging(world, second)
    assert read(world).state is State.ALLOWED


def test_two_who_race_for_the_last_unit_of_a_rate_get_one(either: World) -> None:
    charging(either, Charge("disk", "one", 3600 * SECOND, 1))
    other: list[ActionRecord] = []
    either.ids.then("salt", lambda: other.append(read(either)))
    assert {read(either).state, other[0].state} == {State.ALLOWED, State.DENIED}

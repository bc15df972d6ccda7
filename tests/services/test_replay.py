"""A dry run over history: what would flip, what can't be decided, and that nothing happens."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from aaf.adapters.connectors.files import FilesConnector
from aaf.adapters.folder import read_folder, shipped
from aaf.adapters.loading import InPlace
from aaf.adapters.memory import MemoryStore
from aaf.domain.decision import Verdict
from aaf.domain.errors import AafError, Code, InputRefused, NotAuthenticated, NotFound, NotPermitted, PolicyFailed
from aaf.domain.principal import ROLES, Kind, Permission
from aaf.domain.record import ActionRecord, Draft, Sealed
from aaf.domain.states import State
from aaf.policy.replaying import Approval, Tally, Undecidable
from aaf.ports import Commit, PutDraft
from aaf.services.core import NO_ENGINE
from aaf.services.judging import MAX_ROWS
from aaf.services.releases import files_bytes
from aaf.services.replay import PAGE, Against, Outcome, Progress, Wanted, replay
from aaf.services.replay_candidate import Files, OfDraft, OfRelease
from aaf.services.sealing import STORED_DEPTH
from tests.services.test_modules import DENY_EVIL, FAILS_ON_EVIL, having
from tests.services.test_quoting import TOKEN
from tests.services.world import FILES, SECOND, Fixed, World, edited, refused

CROWD = "pwd=aaaaaaaaa" * 3_000
ALLOW, HOLD, DENY = Verdict.ALLOW, Verdict.REQUIRE_APPROVAL, Verdict.DENY
NO_READS = edited("aaf.yaml", ("decision: allow\n    reason: Reading", "decision: deny\n    reason: Reading"))
FREE_WRITES = edited(
    "aaf.yaml", ("decision: require_approval\n    reason: Writing", "decision: allow\n    reason: Writing")
)


def compared(world: World, files: Mapping[str, bytes] | None = None, *, who: str = "admin", **more: Any) -> Outcome:
    """The end of a dry run; nothing of the ledger changes meanwhile."""
    wanted = more.pop("wanted", None) or Wanted(Files(FILES if files is None else files), **more)

    async def work() -> Outcome:
        core = replace(world.core, loader=InPlace())
        steps = [step async for step in await replay(core, world.caller(who), wanted)]
        assert all(isinstance(step, Progress) for step in steps[:-1])
        assert isinstance(steps[-1], Outcome)
        return steps[-1]

    with world.unrecorded():
        return world.run(work())


def flips(tally: Tally) -> dict[tuple[str, str], int]:
    return {(str(before), str(after)): count for (before, after, _), count in tally.flips.items()}


def undecided(tally: Tally) -> dict[Undecidable, int]:
    return {why: group.count for why, group in tally.undecided.items()}


def read(world: World) -> ActionRecord:
    return world.submit("files.read", {"path": "a.txt"}).record


@pytest.mark.requirement("R63")
def test_a_changed_rule_is_every_decision_that_it_flips(either: World) -> None:
    reads = [read(either) for _ in range(4)]
    either.write()
    tally = compared(either, NO_READS, examples=2).tally
    assert (tally.compared, tally.same, flips(tally)) == (5, 1, {("allow", "deny"): 4})
    ((flip, group),) = tally.groups.items()
    assert (flip.type, [one.name for one in flip.was or ()], [one.name for one in flip.now or ()]) == (
        "files.read", ["reads"], ["reads"],
    )  # fmt: skip
    assert (group.count, group.examples) == (4, [one.id for one in reads[:2]])


@pytest.mark.requirement("R63")
def test_the_same_configuration_flips_nothing(either: World) -> None:
    approved = either.approve(either.write())
    either.execute(approved)
    read(either), either.command(), either.payment(), either.payment("500.00")
    either.submit("files.read", {"path": "../a.txt"})
    either.submit("files.read", {"way": "a.txt"})
    either.submit("nobody.knows", {"x": 1})
    either.submit("pay.send", {"to": "x", "amount": "10.00", "pin": "4321"}, context={"why": "x"})
    for against in Against:
        tally = compared(either, against=against).tally
        assert (tally.compared, tally.same, undecided(tally)) == (9, 9, {}), against


@pytest.mark.requirement("R63")
def test_against_what_was_recorded_a_hold_stays_a_hold_whatever_became_of_it(either: World) -> None:
    either.execute(either.approve(either.write("one\n")))
    either.reject(either.write("two\n"))
    either.cancel(either.write("three\n"))
    tally = compared(either, FREE_WRITES, against=Against.RECORDED).tally
    assert flips(tally) == {("require_approval", "allow"): 3}


def test_what_was_judged_again_is_compared_with_its_first_decision(world: World) -> None:
    allowed, held, asked_again = read(world), world.approve(world.write()), world.approve(world.write("b\n", "b.txt"))
    (world.workspace / "b.txt").write_text("there\n")
    with refused(Code.EFFECT_CHANGED):
        world.execute(asked_again)
    both = edited(
        "aaf.yaml", ("decision: require_approval\n    reason: Writing", "decision: deny\n    reason: Writing")
    )
    both = {
        **both,
        "aaf.yaml": both["aaf.yaml"].replace(
            b"decision: allow\n    reason: Reading", b"decision: deny\n    reason: Reading"
        ),
    }
    world.configure(both)
    for record in (allowed, held):
        with refused(Code.RULE):
            world.execute(record)
    assert [world.record(one).state for one in (allowed, held)] == [State.DENIED, State.DENIED]
    tally = compared(world, FILES, against=Against.RECORDED).tally
    assert (tally.compared, tally.same) == (3, 3)
    tally = compared(world, both, against=Against.RECORDED).tally
    assert flips(tally) == {("allow", "deny"): 1, ("require_approval", "deny"): 2}
    assert all(flip.was is None for flip in tally.groups)


def test_what_a_rule_denied_at_first_may_be_held_now(world: World) -> None:
    world.configure(NO_READS)
    read(world)
    held = edited(
        "aaf.yaml", ("decision: allow\n    reason: Reading", "decision: require_approval\n    reason: Reading")
    )
    assert flips(compared(world, held).tally) == {("deny", "require_approval"): 1}


def test_a_requirement_that_gets_weaker_or_stricter_is_a_change(world: World) -> None:
    world.payment("500.00")
    for change, how in (
        (("quorum: 2", "quorum: 1"), Approval.WEAKER),
        (("quorum: 2", "quorum: 3"), Approval.STRICTER),
        (("role:approver], quorum: 2", "role:admin], quorum: 2"), Approval.OTHER),
        (("quorum: 2, timeout: 10m", "quorum: 2, timeout: 5m"), Approval.SAME),
    ):
        tally = compared(world, edited("aaf.yaml", change)).tally
        assert tally.flips == ({} if how is Approval.SAME else {(HOLD, HOLD, how): 1}), how


# --- what can't be decided --------------------------------------------------------------------------------------------


def _input_of(world: World, record: ActionRecord) -> Sealed:
    found = world.run(world.store.sealed(world.org, record.id, "input"))
    assert found is not None
    return found


def _put(world: World, record: ActionRecord, sealed: Sealed | None) -> None:
    """Change what is sealed beneath the store, as a later erasure or damage would."""
    assert isinstance(world.store, MemoryStore)
    kept = world.store._tables.sealed
    if sealed is None:
        del kept[world.org, record.id, "input"]
    else:
        kept[world.org, record.id, "input"] = sealed


def _resealed(world: World, record: ActionRecord, change: Any) -> Sealed:
    """The recorded values with something else in them."""
    sealed = _input_of(world, record)
    key = world.run(world.store.data_key(world.org, sealed.key_id))
    assert key is not None
    stored = json.loads(world.core.vault.unseal(key, sealed))
    change(stored)
    return world.core.vault.seal(key, owner=record.id, name="input", plaintext=json.dumps(stored).encode())


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    ("why", "damage"),
    [
        (Undecidable.ERASED, lambda world, record: _put(world, record, None)),
        (
            Undecidable.UNREADABLE,
            lambda world, record: _put(world, record, replace(_input_of(world, record), ciphertext=b"x" * 40)),
        ),
        (
            Undecidable.OTHER_VERSION,
            lambda world, record: _put(world, record, _resealed(world, record, lambda one: one["input"].update(v=2))),
        ),
        (
            Undecidable.UNREADABLE,
            lambda world, record: _put(
                world, record, _resealed(world, record, lambda one: one["input"]["action"].update(id="other"))
            ),
        ),
        (
            Undecidable.UNREADABLE,
            lambda world, record: _put(world, record, _resealed(world, record, lambda one: one.pop("secret"))),
        ),
        (
            Undecidable.UNREADABLE,
            lambda world, record: _put(
                world, record, _resealed(world, record, lambda one: one["input"].update(risk="none"))
            ),
        ),
    ],
)
def test_what_cant_be_opened_is_not_decidable_and_never_no_change(world: World, why: Undecidable, damage: Any) -> None:
    first, _ = read(world), read(world)
    damage(world, first)
    tally = compared(world, NO_READS).tally
    assert (tally.compared, undecided(tally), flips(tally)) == (1, {why: 1}, {("allow", "deny"): 1})
    assert tally.undecided[why].examples == [first.id]


@pytest.mark.requirement("R63")
def test_what_was_erased_with_its_key_is_not_decidable(world: World) -> None:
    read(world), read(world)
    assert isinstance(world.store, MemoryStore)
    world.store._tables.data_keys.clear()
    tally = compared(world, NO_READS).tally
    assert (tally.compared, undecided(tally)) == (0, {Undecidable.ERASED: 2})


@pytest.fixture
def explainer(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The world with somebody who may have decisions explained and secrets not."""
    monkeypatch.setitem(ROLES, "explainer", frozenset({Permission.ORG_DECISION_EXPLAIN}))
    world.add("eve", Kind.USER, "explainer")
    return world


ABOUT_PIN = edited("actions/pay.send.yaml", ("secret: [params.pin]\n", ""))
BY_PIN = {
    **ABOUT_PIN,
    "aaf.yaml": FILES["aaf.yaml"].replace(
        b"rules:\n",
        b'rules:\n  - {name: by-pin, match: {tool: pay, params.pin: {starts_with: "1"}}, decision: deny}\n',
        1,
    ),
}


@pytest.mark.requirement("R63")
def test_a_decision_that_looks_at_a_sealed_value_is_decided_only_for_who_may_see_it(explainer: World) -> None:
    world = explainer
    world.submit("pay.send", {"to": "x", "amount": "10.00", "pin": "1234"})
    world.submit("pay.send", {"to": "x", "amount": "10.00"})
    world.configure(ABOUT_PIN)
    world.submit("pay.send", {"to": "x", "amount": "10.00", "pin": "1234"})
    seen = compared(world, BY_PIN).tally
    # Where there is no pin, the rule can't know, so it denies.
    assert (seen.compared, flips(seen)) == (3, {("allow", "deny"): 3})
    unseen = compared(world, BY_PIN, who="eve").tally
    assert undecided(unseen) == {Undecidable.SEALED: 1}
    # The third wasn't declared secret when it was recorded.
    assert (unseen.compared, flips(unseen)) == (2, {("allow", "deny"): 2})


@pytest.mark.requirement("R63")
@pytest.mark.attack("G32", guard="aaf.policy.replaying:without", without="tests.services.without_replay:as_given")
def test_no_candidate_asks_after_a_credential_letter_by_letter(explainer: World) -> None:
    world = explainer
    world.submit("pay.send", {"to": TOKEN, "amount": "10.00"})
    guess = f"  - {{name: guess, match: {{tool: pay, params.to: {{starts_with: {TOKEN[:6]}}}}}, decision: deny}}\n"
    guessing = edited("aaf.yaml", ("rules:\n", f"rules:\n{guess}"))
    assert flips(compared(world, guessing).tally) == {("allow", "deny"): 1}
    assert undecided(compared(world, guessing, who="eve").tally) == {Undecidable.SEALED: 1}


def test_a_sealed_value_that_nobody_looks_at_hinders_nothing(explainer: World) -> None:
    explainer.submit("pay.send", {"to": "x", "amount": "10.00", "pin": "1234"})
    lower = edited("aaf.yaml", ('lte: "100.00"', 'lte: "5.00"'), ('gt: "100.00"', 'gt: "5.00"'))
    tally = compared(explainer, lower, who="eve").tally
    assert (undecided(tally), flips(tally)) == ({}, {("allow", "require_approval"): 1})


def test_modules_schemas_and_connectors_see_no_sealed_value(explainer: World) -> None:
    world = explainer
    world.submit("pay.send", {"to": "x", "amount": "10.00", "pin": "1234"})
    for candidate in (having(DENY_EVIL), edited("actions/pay.send.yaml", ("maxLength: 64", "maxLength: 3"))):
        assert undecided(compared(world, candidate, who="eve").tally) == {Undecidable.SEALED: 1}
        assert undecided(compared(world, candidate).tally) == {}
    hiding = edited("aaf.yaml", ("limits:", "redact: [content]\nlimits:"))
    world.configure(hiding)
    world.write("secret plans\n")
    tally = compared(world, hiding, who="eve", types=("files.*",)).tally
    assert undecided(tally) == {Undecidable.SEALED: 1}


def test_a_sealed_context_is_no_context_to_look_at(explainer: World) -> None:
    world = explainer
    world.submit("pay.send", {"to": "x", "amount": "10.00"}, context={"password": "hunter2hunter2"})
    asking = edited(
        "aaf.yaml", ("rules:\n", "rules:\n  - {name: claim, match: {tool: pay, context.password: x}, decision: deny}\n")
    )
    assert undecided(compared(world, asking, who="eve").tally) == {Undecidable.SEALED: 1}
    assert undecided(compared(world, who="eve").tally) == {}


def test_a_long_hold_with_sealed_values_is_not_decidable(explainer: World) -> None:
    world = explainer
    world.submit("pay.send", {"to": "x" * 4500, "amount": "500.00", "pin": "1234"})
    assert undecided(compared(world, who="eve").tally) == {Undecidable.SEALED: 1}
    assert compared(world).tally.same == 1


# --- policy modules ---------------------------------------------------------------------------------------------------


@pytest.mark.requirement("R63")
def test_a_module_of_the_candidate_is_asked(world: World) -> None:
    world.submit("pay.send", {"to": "evil", "amount": "10.00"})
    world.payment()
    tally = compared(world, having(DENY_EVIL)).tally
    assert flips(tally) == {("allow", "deny"): 1}
    world.configure(having(DENY_EVIL))
    assert compared(world, having(DENY_EVIL)).tally.same == 2
    assert compared(world, FILES).tally.flips == {(DENY, ALLOW, Approval.SAME): 1}


@pytest.mark.requirement("R63")
def test_a_module_that_fails_is_a_flip_to_deny_with_its_code(world: World) -> None:
    world.payment()
    tally = compared(world, having(FAILS_ON_EVIL)).tally
    ((flip, _),) = tally.groups.items()
    assert (flip.after, [one.code for one in flip.now or ()]) == (DENY, ["policy_error"])


def test_an_engine_that_cant_be_asked_decides_nothing(world: World) -> None:
    world.payment()
    world.core = replace(world.core, engine=NO_ENGINE)
    tally = compared(world, having(DENY_EVIL)).tally
    assert (tally.compared, undecided(tally)) == (0, {Undecidable.ENGINE: 1})


class Broken:
    """An engine that breaks in a way nobody foresaw, or fails as one of a running module does."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure
        self.askers: list[str] = []

    async def evaluate(self, *asked: Any) -> Any:
        self.askers.append(asked[4])
        raise self.failure

    async def close(self) -> None:
        """Nothing was started."""


@pytest.mark.parametrize(
    ("failure", "code"),
    [(RuntimeError("x"), "policy_error"), (PolicyFailed(Code.POLICY_TIMEOUT, "x"), "policy_timeout")],
)
def test_whatever_else_keeps_modules_from_an_answer_is_a_deny(world: World, failure: Exception, code: str) -> None:
    world.payment()
    engine = Broken(failure)
    world.core = replace(world.core, engine=engine)
    ((flip, _),) = compared(world, having(DENY_EVIL)).tally.groups.items()
    assert [one.code for one in flip.now or ()] == [code]
    assert engine.askers == ["dry run"]  # no agent is set aside for what a dry run breaks


SHORT = "limits:\n  agent: {rate: 120/m, burst: 60}\n"
RATE = "{name: few, per: agent, match: {tool: pay}, rate: 1/h, enforce: policy, OVER}"
CEILING = "{name: paid, per: agent, match: {tool: pay}, ceiling: '30.00', currency: EUR, window: 1h, OVER}"


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(("kind", "limit"), [("rates", RATE), ("spend", CEILING)])
def test_a_limit_says_what_it_says_in_the_candidate_to_what_was_counted(world: World, kind: str, limit: str) -> None:
    def having_limit(over: str) -> dict[str, bytes]:
        return edited("aaf.yaml", (SHORT, f"limits:\n  {kind}:\n    - {limit.replace('OVER', f'over: {over}')}\n"))

    for over, verdict, others in (
        ("require_approval", "require_approval", {"deny": "deny"}),
        ("deny", "deny", {"require_approval": "require_approval"}),
    ):
        world.configure(having_limit(over))
        world.payment("20.00"), world.payment("20.00")
        for against in Against:
            wanted = Wanted(Files(having_limit(over)), since=world.clock.at, against=against)
            tally = compared(world, wanted=wanted).tally
            assert (tally.compared, tally.same) == (2, 2)
        for other, becomes in others.items():
            wanted = Wanted(Files(having_limit(other)), since=world.clock.at)
            assert flips(compared(world, wanted=wanted).tally) == {(verdict, becomes): 1}
        assert flips(compared(world, wanted=Wanted(Files(FILES), since=world.clock.at)).tally) == {
            (verdict, "allow"): 1
        }
        world.clock.advance(7200)


def test_a_rate_that_a_module_asks_for_is_the_recorded_one(world: World) -> None:
    limited = edited("aaf.yaml", ("{rate: 120/m, burst: 60}", "{rate: 1/m, burst: 1, enforce: policy}"))
    by_rate = having(
        'decision := {"action": "deny", "reason": "Rate limit exceeded"} if rate_limit_exceeded(input.agent_id)\n',
        limited,
    )
    world.configure(limited)
    world.payment(), world.payment()
    assert flips(compared(world, by_rate).tally) == {("allow", "deny"): 1}


# --- catalogue and connectors -----------------------------------------------------------------------------------------


def test_another_schema_class_or_risk_is_asked_anew(world: World) -> None:
    world.payment(), world.payment("500.00"), world.submit("pay.send", {"to": "x"})
    shorter = edited(
        "actions/pay.send.yaml", ("to: {type: string, maxLength: 5000}", "to: {type: string, maxLength: 2}")
    )
    tally = compared(world, shorter).tally
    assert flips(tally) == {("allow", "deny"): 1, ("require_approval", "deny"): 1}
    assert {one.code for flip in tally.groups for one in flip.now or ()} == {"schema_violation"}
    riskier = edited("actions/pay.send.yaml", ("risk: high", "risk: critical"))
    by_risk = {
        **riskier,
        "aaf.yaml": FILES["aaf.yaml"].replace(
            b"rules:\n", b"rules:\n  - {name: critical, match: {risk: critical}, decision: deny}\n", 1
        ),
    }
    assert flips(compared(world, by_risk).tally) == {("allow", "deny"): 1, ("require_approval", "deny"): 1}


def test_a_new_default_is_filled_in_and_text_is_checked_again(world: World) -> None:
    world.submit("pay.send", {"to": "a", "amount": "10.00"})
    added = edited(
        "actions/pay.send.yaml",
        ("pin: {type: string", "urgent: {type: boolean, default: true}\n    pin: {type: string"),
    )
    urgent = {
        **added,
        "aaf.yaml": FILES["aaf.yaml"].replace(
            b"rules:\n", b"rules:\n  - {name: urgent, match: {tool: pay, params.urgent: true}, decision: deny}\n", 1
        ),
    }
    assert flips(compared(world, urgent).tally) == {("allow", "deny"): 1}
    loose = edited(
        "actions/pay.send.yaml", ("to: {type: string, maxLength: 5000}", "to: {type: string, x-allow-control: true}")
    )
    world.configure(loose)
    world.submit("pay.send", {"to": "a\x07b", "amount": "10.00"})
    ((flip, _),) = compared(world, FILES, types=("pay.send",)).tally.groups.items()
    assert [one.code for one in flip.now or ()] == ["text_refused"]


def test_an_action_type_that_goes_or_comes_is_a_change(world: World) -> None:
    world.payment()
    world.submit("nobody.knows", {"x": 1})
    without = {name: data for name, data in FILES.items() if name != "actions/pay.send.yaml"}
    main = without["aaf.yaml"].decode()
    without["aaf.yaml"] = (main[: main.index("  - name: small")] + main[main.index("approvals:") :]).encode()
    tally = compared(world, without).tally
    ((flip, _),) = tally.groups.items()
    assert (tally.same, flip.after, [one.code for one in flip.now or ()]) == (1, DENY, ["unknown_action_type"])


def test_a_context_that_was_too_long_stays_so(world: World) -> None:
    world.submit("pay.send", {"to": "x", "amount": "10.00"}, context={"story": "x" * 70_000})
    world.submit("nobody.knows", {}, context={"story": "x" * 70_000})
    held = edited("actions/pay.send.yaml", ("risk: high", "risk: low"))
    fallback = {**held, "aaf.yaml": held["aaf.yaml"] + b"fallback: {decision: require_approval}\n"}
    assert compared(world, fallback).tally.same == 2


@pytest.mark.requirement("R63")
def test_findings_are_looked_for_again_under_the_candidates_settings(world: World) -> None:
    read(world)
    world.core = replace(world.core, connectors=AsConfigured(world))
    guarded = edited("aaf.yaml", ("protect: []", "protect: ['a.txt']"))
    ((flip, _),) = compared(world, guarded).tally.groups.items()
    assert (flip.after, [(one.source, one.code) for one in flip.now or ()]) == (DENY, [("guard", "path_protected")])


class AsConfigured(Fixed):
    """The connector for files under the settings that are asked for."""

    def __init__(self, world: World) -> None:
        super().__init__({})
        self.root = world.workspace

    def get(self, name: str, settings: Any, timeout: int, secrets: tuple[str, ...] = (), /) -> Any:
        return FilesConnector(self.root, protect=settings[name]["protect"])


class Asked(Fixed):
    """Connectors that note under which settings they were asked for, and know no other place than one."""

    def __init__(self, world: World) -> None:
        super().__init__({"files": world.hands})
        self.roots: list[object] = []

    def get(self, name: str, settings: Any, timeout: int, secrets: tuple[str, ...] = (), /) -> Any:
        self.roots.append(settings["files"]["root"])
        return super().get(name, settings, timeout, secrets)


def test_no_connector_is_made_at_another_place(world: World) -> None:
    read(world)
    asked = Asked(world)
    world.core = replace(world.core, connectors=asked)
    assert compared(world, edited("aaf.yaml", ("root: ./workspace", "root: ./elsewhere"))).tally.same == 1
    assert set(asked.roots) == {"./workspace"}
    world.configure({**_without_files(), "actions/pay.send.yaml": FILES["actions/pay.send.yaml"]})
    assert undecided(compared(world, FILES).tally) == {Undecidable.CONNECTOR: 1}


def _without_files() -> dict[str, bytes]:
    """A configuration that knows no connector."""
    return {"aaf.yaml": b"version: 1\n"}


def test_a_connector_without_a_place_is_asked_for_as_it_is_configured(world: World) -> None:
    shop = read_folder(shipped("shop"))
    http = "  http: {allow: [{host: example.com, methods: [GET], credential: {secret: shop_key, as: bearer}}]}\n"
    files = edited("aaf.yaml", ("connectors:\n", f"connectors:\n{http}"))
    world.configure({**files, "actions/http.get.yaml": shop["actions/http.get.yaml"]})
    record = world.submit("http.get", {"url": "https://example.com/"}).record
    assert "connector_unavailable" in {reason["code"] for reason in record.reasons}
    files = {**files, "actions/http.get.yaml": shop["actions/http.get.yaml"]}
    assert compared(world, files).tally.same == 1


def test_a_connector_that_isnt_there_denies(world: World) -> None:
    read(world)
    connectors = world.core.connectors
    assert isinstance(connectors, Fixed)
    connectors.clear()
    ((flip, _),) = compared(world, against=Against.RECORDED).tally.groups.items()
    assert [one.code for one in flip.now or ()] == ["connector_unavailable"]


@pytest.mark.parametrize(
    ("failure", "code"),
    [(RuntimeError("x"), "connector_failed"), (AafError(Code.PATH_NOT_PLAIN, "x"), "path_not_plain")],
)
def test_an_analysis_that_fails_denies(world: World, failure: Exception, code: str) -> None:
    read(world)

    def fail() -> None:
        raise failure

    world.hands.always("analyse", fail)
    tally = compared(world, against=Against.RECORDED).tally
    ((flip, _),) = tally.groups.items()
    assert [one.code for one in flip.now or ()] == [code]


# --- what only the moment knew ----------------------------------------------------------------------------------------


def test_the_scope_of_a_key_stays_as_it_was(world: World) -> None:
    world.add("narrow", Kind.AGENT, action_types=("pay.*",))
    record = world.submit("files.read", {"path": "a.txt"}, by="narrow").record
    assert record.code == Code.ACTION_NOT_ALLOWED_FOR_KEY
    assert compared(world).tally.same == 1


def test_a_dry_run_that_failed_then_fails_as_long_as_it_is_a_hold(world: World) -> None:
    (world.workspace / "loop").symlink_to("/etc")
    record = world.submit("files.write", {"path": "loop/x", "content": "x"}).record
    assert record.state is State.DENIED
    assert compared(world).tally.same == 1
    assert flips(compared(world, FREE_WRITES).tally) == {("deny", "allow"): 1}


def test_what_nobody_could_review_is_denied_and_not_held(world: World) -> None:
    rows: dict[str, Any] = {"lists": [1] * (MAX_ROWS + 1)}
    world.submit("files.write", {"path": "a.txt", "content": "x"}, context=rows)
    world.submit("files.read", {"path": "a.txt"}, context=rows)
    held = edited(
        "aaf.yaml", ("decision: allow\n    reason: Reading", "decision: require_approval\n    reason: Reading")
    )
    tally = compared(world, held).tally
    assert (tally.same, flips(tally)) == (1, {("allow", "deny"): 1})


def test_secrets_that_were_found_raise_the_risk_as_far_as_they_did(world: World) -> None:
    riskless = edited("actions/pay.send.yaml", ("risk: high", "risk: low"))
    world.configure(riskless)
    world.submit("pay.send", {"to": TOKEN, "amount": "10.00"})
    world.payment()
    by_risk = b"rules:\n  - {name: risky, match: {risk: {gte: medium}, tool: pay}, decision: deny}\n"
    for files in (
        riskless,
        edited("actions/pay.send.yaml", ("risk: high", "risk: low"), ("class: payment", "class: other")),
    ):
        candidate = {**files, "aaf.yaml": FILES["aaf.yaml"].replace(b"rules:\n", by_risk, 1)}
        assert flips(compared(world, candidate).tally) == {("allow", "deny"): 1}


def test_more_credentials_than_are_looked_at_are_denied_where_they_would_be_held(world: World) -> None:
    world.submit("pay.send", {"to": "x", "amount": "10.00"}, context={"story": CROWD})
    lower = edited("aaf.yaml", ('lte: "100.00"', 'lte: "5.00"'), ('gt: "100.00"', 'gt: "5.00"'))
    tally = compared(world, lower).tally
    assert {str(flip.after) for flip in tally.groups} == {"deny"}


# --- which actions, which candidate, and who may ask ------------------------------------------------------------------


def test_only_what_was_asked_for_is_looked_at(world: World) -> None:
    world.add("other", Kind.AGENT)
    read(world)
    world.clock.at += 10 * SECOND
    read(world), world.payment()
    world.submit("files.read", {"path": "a.txt"}, by="other")
    since = world.clock.at - 5 * SECOND
    assert compared(world).tally.compared == 4
    assert compared(world, since=since).tally.compared == 3
    assert compared(world, until=since).tally.compared == 1
    assert compared(world, agent="other").tally.compared == 1
    assert compared(world, agent=world.caller("bot").principal.id).tally.compared == 3
    assert compared(world, types=("pay.*",)).tally.compared == 1
    assert compared(world, types=("files.read",)).tally.compared == 3
    cut = compared(world, limit=2)
    assert (cut.complete, cut.tally.compared) == (False, 2)
    assert compared(world, limit=4).complete
    with refused(Code.NOT_FOUND, NotFound):
        compared(world, agent="nobody")


def test_several_pages_are_read(either: World) -> None:
    either.configure(edited("aaf.yaml", ("{rate: 120/m, burst: 60}", "{rate: 600/m, burst: 600}")))
    for _ in range(PAGE):
        read(either)
    assert compared(either, NO_READS).tally.compared == PAGE
    read(either)
    assert compared(either, NO_READS).tally.compared == PAGE + 1


def test_progress_tells_how_far_it_is(world: World) -> None:
    for _ in range(12):
        read(world)
        world.clock.at += SECOND

    async def work() -> list[Any]:
        return [step async for step in await replay(world.core, world.admin, Wanted(Files(FILES)))]

    *steps, _ = world.run(work())
    told = [step.to_json() for step in steps]
    assert [one["looked_at"] for one in told] == [0, 5, 10]
    assert [one["done"] for one in told] == [0, 416, 833]


@pytest.mark.requirement("R63")
def test_a_draft_and_an_earlier_release_are_candidates_too(world: World) -> None:
    read(world)
    world.configure(NO_READS)
    outcome = compared(world, wanted=Wanted(OfRelease(1)))
    assert (flips(outcome.tally), outcome.to_json()["candidate"]) == ({("deny", "allow"): 1}, "release:1")
    draft = Draft(world.org, world.ids.new(), 1, 2, files_bytes(FILES), "", "x", world.clock.at)
    world.run(world.store.commit(Commit(world.org, (PutDraft(draft),), world.occasion().events)))
    outcome = compared(world, wanted=Wanted(OfDraft(draft.id)))
    assert (flips(outcome.tally), outcome.to_json()["candidate"]) == ({("deny", "allow"): 1}, f"draft:{draft.id}")
    for candidate in (OfRelease(9), OfDraft("nothing")):
        with refused(Code.NOT_FOUND, NotFound):
            compared(world, wanted=Wanted(candidate))


def test_a_draft_or_release_is_only_for_who_may_read_configurations(explainer: World) -> None:
    for candidate in (OfRelease(1), OfDraft("nothing")):
        with refused(Code.PERMISSION_DENIED, NotPermitted):
            compared(explainer, who="eve", wanted=Wanted(candidate))


def test_a_candidate_with_problems_is_refused_with_their_places(world: World) -> None:
    with refused(Code.CONFIGURATION_INVALID, InputRefused) as caught:
        compared(world, edited("aaf.yaml", ("decision: allow", "decision: maybe")))
    assert "aaf.yaml:6:15: `decision` can't be `maybe`" in caught[0].message
    assert caught[0].path == "$.candidate"


@pytest.mark.requirement("R63")
@pytest.mark.parametrize("who", ["bot", "ann"])
def test_who_may_not_have_decisions_explained_learns_nothing(world: World, who: str) -> None:
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        compared(world, who=who)


def test_a_key_that_is_revoked_meanwhile_ends_it(world: World) -> None:
    world.add("second", Kind.USER, "admin")
    read(world)

    async def work() -> None:
        steps = await replay(world.core, world.caller("second"), Wanted(Files(FILES)))
        world.revoke("second")
        async for _ in steps:
            raise AssertionError("something was told")

    with refused(Code.REVOKED_CREDENTIAL, NotAuthenticated):
        world.run(work())


@pytest.mark.parametrize("more", [{"examples": 21}, {"examples": -1}, {"limit": 0}])
def test_a_bound_that_makes_no_sense_is_refused(world: World, more: dict[str, Any]) -> None:
    with refused(Code.WRONG_TYPE, InputRefused):
        compared(world, **more)


def test_one_action_that_breaks_the_judging_is_not_decidable_and_the_others_are_compared(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = read(world), read(world)
    whole = "aaf.services.replay.prepared"
    real = __import__("aaf.services.replay", fromlist=["prepared"]).prepared

    def breaking(core: Any, *rest: Any) -> Any:
        if rest[-1].row.action.id == first.id:
            raise RuntimeError("x")
        return real(core, *rest)

    monkeypatch.setattr(whole, breaking)
    tally = compared(world).tally
    assert (tally.compared, undecided(tally)) == (1, {Undecidable.UNREADABLE: 1})
    assert ("replay_failed", {"action": first.id, "cause": "RuntimeError"}) in world.log.entries


def test_nothing_of_an_actions_values_is_in_the_answer(world: World) -> None:
    world.submit("pay.send", {"to": "marker-value", "amount": "10.00"}, context={"goal": "marker-value"})
    lower = edited("aaf.yaml", ('lte: "100.00"', 'lte: "5.00"'), ('gt: "100.00"', 'gt: "5.00"'))
    assert "marker" not in json.dumps(compared(world, lower).to_json())


def test_values_are_as_deep_as_they_are_stored(world: World) -> None:
    deep: Any = "x"
    for _ in range(STORED_DEPTH - 16):
        deep = [deep]
    world.submit("pay.send", {"to": "x", "amount": "10.00"}, context={"deep": deep})
    assert compared(world).tally.same == 1

"""Suggested rules: they cover their evidence, read as files, replay to what they claim, and cover nothing that was refused."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aaf.adapters.loading import compiled
from aaf.domain.decision import Source, Verdict
from aaf.domain.errors import Code, NotFound, NotPermitted
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.domain.states import State
from aaf.policy import suggesting as policy_suggesting
from aaf.policy.configuration import Configuration
from aaf.policy.decision_input import Input
from aaf.policy.judge import Policy
from aaf.policy.operands.answers import Absent
from aaf.policy.replaying import fits
from aaf.policy.suggesting import SAME, UNSAID, Example, Fate, fate, propose
from aaf.services import suggesting
from aaf.services.replay import Progress
from aaf.services.sealing import unseal_object
from aaf.services.suggesting import Sought, Suggestion, suggest
from tests.services.test_quoting import TOKEN
from tests.services.world import FILES, SECOND, World, edited, make, refused

OPEN_RATE = edited("aaf.yaml", ("{rate: 120/m, burst: 60}", "{rate: 6000/m, burst: 6000}"))
EVIDENCE = (Fate.ALLOWED, Fate.APPROVED)


def suggested(world: World, agent: str = "bot", *, who: str = "admin", **more: Any) -> Suggestion:
    """The end of a look back; nothing of the ledger changes meanwhile."""

    async def work() -> Suggestion:
        steps = [step async for step in await suggest(world.core, world.caller(who), Sought(agent, **more))]
        assert all(isinstance(step, Progress) for step in steps[:-1])
        assert isinstance(steps[-1], Suggestion)
        return steps[-1]

    with world.unrecorded():
        found = world.run(work())
    holds(world, found)
    return found


def loaded(world: World, found: Suggestion) -> Configuration:
    """The suggestion as the whole of the rules, by the loader and the active action types."""
    rest = [line for line in world_files(world)["aaf.yaml"].decode().split("\n\n") if not line.startswith("rules:")]
    rest = [part for part in rest if not part.startswith("  - name")]
    main = "\n\n".join(rest) + "\n" + found.text
    assert main.isascii()
    configuration = compiled({**world_files(world), "aaf.yaml": main.encode()})
    assert [rule.name for rule in configuration.rules] == [one.rule.name for one in found.rules]
    return configuration


def world_files(world: World) -> dict[str, bytes]:
    release = world.run(world.store.release(world.org))
    assert release is not None
    return {name: text.encode() for name, text in json.loads(release.files).items()}


def history(world: World) -> Iterator[tuple[ActionRecord, Input]]:
    """Every recorded action with the input that it was judged on."""
    for row in world.run(world.store.decided(world.org, limit=10_000)):
        stored: Any = world.run(unseal_object(world.core, world.org, row.action.id, "input"))
        yield row.action, Input.from_json(stored["input"])


def spoken(policy: Policy, asked: Input) -> list[str]:
    """Which rules speak about an action, whatever they say."""
    votes = policy.judge(asked).votes
    return [vote.name for vote in votes if vote.source is Source.RULE and vote.code is Code.RULE]


def holds(world: World, found: Suggestion) -> None:
    """What every suggestion promises, looked up in the recorded inputs themselves."""
    configuration = loaded(world, found)
    covered: dict[str, int] = {one.rule.name: 0 for one in found.rules}
    others: dict[str, int] = {one.rule.name: 0 for one in found.rules}
    uncovered = 0
    sought, agent = found.sought, _agent(world, found)
    mine = [
        (record, asked)
        for record, asked in history(world)
        if record.agent == agent
        and sought.since <= record.created_at <= found.until
        and fits(record.type, sought.types)
    ]
    alone = {one.rule.name: Policy(configuration.catalogue, [one.rule]) for one in found.rules}
    for record, asked in mine:
        names = [name for name, policy in alone.items() if spoken(policy, asked)]
        if fate(record) is Fate.REFUSED:
            assert not names, (record.type, asked.params, found.text)
        for name in names:
            if fate(record) in EVIDENCE:
                covered[name] += 1
            else:
                others[name] += 1
        uncovered += fate(record) in EVIDENCE and not names
    assert uncovered <= sum(one.count for one in found.left_out)
    for one in found.rules:
        told = sum(one.others.values())
        assert covered[one.rule.name] + others[one.rule.name] == one.covers + told, found.text


def _agent(world: World, found: Suggestion) -> str:
    return next(
        one.id
        for one in world.run(world.store.principals(world.org))
        if one.name == found.agent and one.kind is Kind.AGENT
    )


def matches(found: Suggestion) -> list[str]:
    return [one.text for one in found.rules]


@pytest.mark.requirement("R63")
def test_what_never_varied_is_constant_and_what_was_never_there_stays_away(either: World) -> None:
    either.payment(), either.payment()
    found = suggested(either)
    (one,) = found.rules
    assert (one.covers, dict(one.others), found.evidence, found.others) == (2, {}, 2, 0)
    assert one.text == (
        "- name: bot-pay-send-1\n"
        "  match:\n"
        '    agent: "bot"\n'
        '    tool: "pay"\n'
        '    operation: "send"\n'
        '    params.amount: {eq: "20.00"}\n'
        '    params.currency: {eq: "EUR"}\n'
        "    params.pin: {exists: false}\n"
        '    params.to: {eq: "shop"}\n'
        "  decision: allow\n"
        '  reason: "As recorded"\n'
    )
    assert found.verdicts == {Verdict.ALLOW: 2}


@pytest.mark.requirement("R63")
def test_approved_writes_beneath_one_folder_are_that_folder_and_nothing_beside_it(either: World) -> None:
    (either.workspace / "notes").mkdir()
    for number in range(9):
        either.approve(either.write(path=f"notes/{number}.txt"))
    either.write(path="notes/waits.txt")
    either.submit("files.write", {"path": "notes/../../up.txt", "content": "x"})
    found = suggested(either, types=("files.*",))
    (one,) = found.rules
    assert 'params.path: {under: "notes"}' in one.text
    assert (one.covers, dict(one.others), one.unlimited) == (9, {State.PENDING_APPROVAL: 1}, ("params.content",))
    assert "1 pending_approval" in found.text
    assert found.verdicts == {Verdict.ALLOW: 10, Verdict.DENY: 1}


@pytest.mark.requirement("R63")
def test_payments_that_people_approved_keep_their_hold_unless_asked(either: World) -> None:
    either.payment("20.00"), either.payment("50.00")
    for amount in ("300.00", "500.00"):
        record = either.payment(amount)
        either.approve(either.approve(record, reason="fine"), by="ben", reason="fine")
    allow, hold = suggested(either).rules
    assert 'amount: {gte: "20.00", lte: "50.00", currency: "EUR"}' in allow.text
    assert 'amount: {gte: "300.00", lte: "500.00", currency: "EUR"}' in hold.text
    assert hold.rule.requirement is not None
    assert (hold.rule.requirement.quorum, hold.rule.requirement.timeout, hold.rule.requirement.reason_required) == (
        2, 600, True,
    )  # fmt: skip
    (every,) = suggested(either, payments=True).rules
    assert (every.covers, every.rule.decision) == (4, Verdict.ALLOW)
    assert 'lte: "500.00"' in every.text


def test_payments_that_cant_be_told_apart_from_held_ones_are_held_too(world: World) -> None:
    either = edited("aaf.yaml", ('lte: "100.00"', 'lte: "5000.00"'), ("operation: [read, list]", "operation: [read]"))
    record = world.payment("500.00")
    world.approve(world.approve(record, reason="fine"), by="ben", reason="fine")
    world.configure({**either, "aaf.yaml": either["aaf.yaml"].replace(b'gt: "100.00"', b'gt: "5000.00"')})
    world.payment("500.00"), world.payment("400.00"), world.payment("600.00")
    found = suggested(world, types=("pay.*",))
    allow, hold = found.rules
    assert (allow.covers, hold.covers) == (2, 2)
    assert found.verdicts == {Verdict.ALLOW: 2, Verdict.REQUIRE_APPROVAL: 2}


@pytest.mark.requirement("R63")
def test_a_rule_that_would_cover_what_was_rejected_is_narrowed(either: World) -> None:
    (either.workspace / "notes").mkdir()
    for number in range(10):
        either.approve(either.write(path=f"notes/{number}.txt"))
    either.reject(either.write(path="notes/secret.txt"))
    (one,) = suggested(either, types=("files.*",)).rules
    assert 'params.path: {in: ["notes/0.txt"' in one.text
    assert one.covers == 10


@pytest.mark.requirement("R63")
def test_what_looks_the_same_as_something_refused_is_left_out_and_said(either: World) -> None:
    either.approve(either.write("one\n")), either.reject(either.write("one\n"))
    either.approve(either.write("one\n", path="b.txt"))
    found = suggested(either)
    (one,) = found.rules
    assert (one.covers, [(left.type, left.count, left.why) for left in found.left_out]) == (
        1,
        [("files.write", 1, SAME)],
    )
    assert f"# Left out: 1 of files.write, because {SAME}." in found.text


def test_what_differs_only_where_no_rule_can_look_is_left_out_and_said(world: World) -> None:
    world.approve(world.write("one\n")), world.reject(world.write("two\n"))
    found = suggested(world)
    assert (found.rules, [left.why for left in found.left_out]) == ((), [SAME])
    assert found.text.endswith("rules: []\n")


def test_what_the_action_type_no_longer_takes_is_left_out_and_said(world: World) -> None:
    world.configure({**OPEN_RATE, **_notes("other")})
    world.submit("notes.add", {"topic": "x"})
    files = _notes("other")
    narrower = files["actions/notes.add.yaml"].replace(b"topic: {type: string}", b"topic: {type: string, enum: [y, z]}")
    world.configure({**OPEN_RATE, **files, "actions/notes.add.yaml": narrower})
    assert [(left.count, left.why) for left in suggested(world).left_out] == [(1, UNSAID)]


def test_a_list_whose_combinations_would_cover_something_refused_is_parted(world: World) -> None:
    world.configure({**OPEN_RATE, **_notes("other")})
    for topic, text in (("a", "x"), ("b", "y"), ("c", "z")):
        world.submit("notes.add", {"topic": topic, "text": text})
    world.configure({**OPEN_RATE, **_notes("other", "  - {name: no, match: {tool: notes}, decision: deny}\n")})
    world.submit("notes.add", {"topic": "a", "text": "y"})
    found = suggested(world)
    assert [one.covers for one in found.rules] == [1, 1, 1]
    assert not found.left_out


def _notes(klass: str, rules: str = "  - {name: notes, match: {tool: notes}, decision: allow}\n") -> dict[str, bytes]:
    action = f"""\
name: notes.add
class: {klass}
risk: low
effect: caller
input:
  type: object
  additionalProperties: false
  properties:
    topic: {{type: string}}
    text: {{type: string}}
    urgent: {{type: boolean}}
    tags: {{type: array, items: {{type: string}}}}
    more: {{type: object, additionalProperties: false, properties: {{size: {{type: integer}}, note: {{type: string}}}}}}
"""
    main = OPEN_RATE["aaf.yaml"].decode().replace("rules:\n", f"rules:\n{rules}", 1)
    return {"aaf.yaml": main.encode(), "actions/notes.add.yaml": action.encode()}


def test_too_many_parts_are_left_out_and_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policy_suggesting, "MAX_RULES", 2)
    world.configure({**OPEN_RATE, **_notes("other")})
    for topic, text in (("a", "x"), ("b", "y"), ("c", "z")):
        world.submit("notes.add", {"topic": topic, "text": text})
    world.configure({**OPEN_RATE, **_notes("other", "  - {name: no, match: {tool: notes}, decision: deny}\n")})
    world.submit("notes.add", {"topic": "a", "text": "y"})
    found = suggested(world)
    assert sum(left.count for left in found.left_out) + sum(one.covers for one in found.rules) == 3
    assert found.left_out[0].why == "it would take more than 2 rules"


@pytest.mark.requirement("R63")
def test_a_rule_is_split_by_a_field_where_that_is_narrower(world: World) -> None:
    world.configure({**OPEN_RATE, **_notes("other")})
    for number in range(4):
        world.submit("notes.add", {"topic": "work", "text": "standup", "more": {"size": 3}})
        world.submit("notes.add", {"topic": "home", "text": f"any thing {number}", "urgent": True, "tags": ["a"]})
        world.submit("notes.add", {"topic": "home", "text": f"other thing {number}", "urgent": True, "tags": ["a"]})
        world.submit("notes.add", {"topic": "home", "text": f"third thing {number}", "urgent": True, "tags": ["a"]})
    work, home = suggested(world).rules
    assert 'params.text: {eq: "standup"}' in work.text
    assert "params.more.size: {eq: 3}" in work.text
    assert "params.more.note: {exists: false}" in work.text
    assert "params.urgent: {exists: false}" in work.text
    assert "params.more: {exists: false}" in home.text
    assert "params.more.size" not in home.text
    assert home.unlimited == ("params.tags", "params.text")


def test_servers_are_named_and_none_is_not_any(world: World) -> None:
    world.configure({**OPEN_RATE, **_notes("other")})
    for server in ("b", "a", None):
        world.submit("notes.add", {"topic": "x"}, **({"server": server} if server else {}))
        found = suggested(world)
    (one,) = found.rules
    assert 'any: [{server: {exists: false}}, {server: {in: ["a", "b"]}}]' in one.text
    assert one.covers == 3


def test_one_server_is_constant_and_two_are_listed(world: World) -> None:
    world.configure({**OPEN_RATE, **_notes("other")})
    world.submit("notes.add", {"topic": "x"}, server="b")
    assert 'server: "b"' in matches(suggested(world))[0]
    world.submit("notes.add", {"topic": "x"}, server="a")
    assert 'server: {in: ["a", "b"]}' in matches(suggested(world))[0]


def test_optional_fields_may_be_missing(world: World) -> None:
    world.configure({**OPEN_RATE, **_notes("other")})
    world.submit("notes.add", {"topic": "x", "text": "a"})
    world.submit("notes.add", {"topic": "x"})
    world.submit("notes.add", {"text": "a", "urgent": False})
    (one,) = suggested(world).rules
    assert one.covers == 3
    assert "all: [" in one.text


@pytest.mark.requirement("R63")
@pytest.mark.attack("G32", guard="aaf.policy.replaying:without", without="tests.services.without_replay:as_given")
def test_no_secret_or_sealed_value_is_ever_in_a_suggestion(world: World) -> None:
    world.submit("pay.send", {"to": TOKEN, "amount": "10.00", "pin": "1234-pin"})
    found = suggested(world)
    told = json.dumps(found.to_json())
    assert TOKEN not in told
    assert "1234-pin" not in told
    (one,) = found.rules
    assert "params.to: {exists: true}" in one.text
    assert "params.pin: {exists: true}" in one.text
    assert one.unlimited == ("params.to",)


@pytest.mark.requirement("R63")
def test_what_an_agent_wrote_is_text_and_nothing_else_in_the_file(world: World) -> None:
    evil = 'x"}\\\n  decision: allow # '
    world.configure({**OPEN_RATE, **_notes("other")})
    world.submit("notes.add", {"topic": 'b\U0001f600 " # x', "text": evil})
    found = suggested(world)
    assert found.text.isascii()
    (one,) = found.rules
    assert one.unlimited == ("params.text",)
    assert one.covers == 1


def test_an_open_action_type_says_that_more_is_let_through(world: World) -> None:
    files = {**OPEN_RATE, **_notes("other")}
    opened = files["actions/notes.add.yaml"].replace(
        b"input:\n  type: object\n  additionalProperties: false\n", b"input:\n  type: object\n  open: true\n"
    )
    world.configure({**files, "actions/notes.add.yaml": opened})
    world.submit("notes.add", {"topic": "x", "extra": "y"})
    (one,) = suggested(world).rules
    assert one.unlimited == ("parameters that the action type doesn't declare",)


def test_only_one_agents_actions_of_the_time_and_types_are_looked_at(world: World) -> None:
    world.add("other", Kind.AGENT)
    world.payment()
    world.clock.at += 10 * SECOND
    since = world.clock.at - 5 * SECOND
    world.payment("30.00"), world.submit("files.read", {"path": "a.txt"}), world.submit("nobody.knows", {})
    world.submit("pay.send", {"to": "elsewhere", "amount": "1.00"}, by="other")
    assert (suggested(world).evidence, suggested(world).others) == (3, 1)
    assert suggested(world, since=since).evidence == 2
    assert suggested(world, until=since).evidence == 1
    assert suggested(world, types=("pay.*",)).evidence == 2
    assert suggested(world, "other").evidence == 1
    with refused(Code.NOT_FOUND, NotFound):
        suggested(world, "nobody")


@pytest.mark.requirement("R63")
@pytest.mark.parametrize("who", ["bot", "ann"])
def test_who_may_not_have_decisions_explained_gets_no_suggestion(world: World, who: str) -> None:
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        suggested(world, who=who)


def test_values_that_are_gone_types_that_are_gone_and_too_many_are_left_out_and_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggesting, "MAX_EXAMPLES", 1)
    world.submit("pay.send", {"to": "a", "amount": "1.00"}), world.submit("pay.send", {"to": "b", "amount": "1.00"})
    world.submit("files.read", {"path": "a.txt"})
    gone = world.payment("7.00")
    without = {name: data for name, data in FILES.items() if name != "actions/files.read.yaml"}
    world.configure(
        {**without, "aaf.yaml": FILES["aaf.yaml"].replace(b"operation: [read, list]", b"operation: [list]")}
    )
    tables: Any = world.store
    tables._tables.sealed[world.org, gone.id, "input"] = replace(
        tables._tables.sealed[world.org, gone.id, "input"], ciphertext=b"x" * 20
    )
    found = _unchecked(world)
    assert {(left.type, left.count, left.why.partition(";")[0]) for left in found.left_out} == {
        ("pay.send", 1, "there are more than 1 different ones"),
        ("pay.send", 1, "the recorded values are gone or can't be read"),
        ("files.read", 1, "the catalogue has no such action type now"),
    }
    assert [one.covers for one in found.rules] == [1]


def _unchecked(world: World) -> Suggestion:
    async def work() -> Suggestion:
        *_, last = [step async for step in await suggest(world.core, world.admin, Sought("bot"))]
        assert isinstance(last, Suggestion)
        return last

    return world.run(work())


def test_a_flood_of_refused_actions_is_no_way_to_a_rule(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggesting, "MAX_EXAMPLES", 1)
    monkeypatch.setattr(suggesting, "MAX_REFUSED", 2)
    world.payment("1.00"), world.payment("1.00")
    for number in range(4):
        world.submit("pay.send", {"to": f"x{number}"})
    world.payment("1.00")
    found = _unchecked(world)
    assert (found.rules, found.evidence, found.others) == ((), 3, 4)
    assert [(left.count, left.why.partition(";")[0]) for left in found.left_out] == [
        (3, "there are more than 2 different refused ones")
    ]


def test_an_agent_is_meant_where_a_person_has_its_name(world: World) -> None:
    world.add("twin", Kind.USER, "viewer")
    world.add("twin", Kind.AGENT)
    world.submit("pay.send", {"to": "a", "amount": "1.00"}, by="twin")
    assert suggested(world, "twin").evidence == 1


def test_a_long_history_is_read_page_by_page_and_long_texts_take_no_room(world: World) -> None:
    world.configure({**OPEN_RATE, **_notes("other")})
    for number in range(51):
        world.submit("notes.add", {"topic": "x", "text": f"{number}" + "y" * 5_000})
    (one,) = suggested(world).rules
    assert (one.covers, one.unlimited) == (51, ("params.text",))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"state": State.DENIED, "reasons": ({"code": "rate_limited", "name": "x", "source": "limit"},)}, Fate.PASSING),
        ({"state": State.DENIED, "reasons": ({"code": "x", "name": "key_scope", "source": "guard"},)}, Fate.PASSING),
        (
            {"state": State.DENIED, "reasons": ({"code": "policy_timeout", "name": "x", "source": "module"},)},
            Fate.PASSING,
        ),
        ({"state": State.DENIED, "reasons": ({"code": "x", "name": "schema", "source": "guard"},)}, Fate.REFUSED),
        ({"state": State.DENIED, "reasons": ()}, Fate.REFUSED),
        ({"state": State.REJECTED}, Fate.REFUSED),
        ({"state": State.APPROVED, "round": 1}, Fate.APPROVED),
        ({"state": State.LAPSED, "round": 1}, Fate.APPROVED),
        ({"state": State.LAPSED}, Fate.ALLOWED),
        ({"state": State.FAILED}, Fate.ALLOWED),
        ({"state": State.EXPIRED, "round": 1}, Fate.NEITHER),
        ({"state": State.CANCELLED}, Fate.NEITHER),
    ],
)
def test_what_became_of_an_action_says_whether_it_is_evidence(
    world: World, changed: Mapping[str, Any], what: Fate
) -> None:
    assert fate(replace(world.payment(), **changed)) is what


SUBMISSION = st.fixed_dictionaries(
    {},
    optional={
        "topic": st.sampled_from(["a", "b", "notes/a/1", "notes/a/2", "notes/b/1", "\u202e", "x" * 300])
        | st.text(max_size=3),
        "text": st.sampled_from([f"notes/{number}" for number in range(12)] + ["1.5", "-2", "30"]),
        "urgent": st.booleans(),
        "tags": st.lists(st.sampled_from("ab"), max_size=2),
        "more": st.fixed_dictionaries({}, optional={"size": st.integers(-3, 12), "note": st.sampled_from("xyz")}),
    },
)
WAYS = ("allow", "deny", "approve", "reject", "wait")


@pytest.mark.requirement("R63")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(SUBMISSION, st.sampled_from(WAYS)), min_size=1, max_size=25),
    st.sampled_from(["other", "payment"]),
    st.booleans(),
)
def test_any_history_is_covered_as_claimed_and_nothing_refused_is(
    history_: list[tuple[dict[str, Any], str]], klass: str, payments: bool
) -> None:
    with TemporaryDirectory() as name:
        world = make(Path(name), memory=True, files={**OPEN_RATE, **_notes(klass)})
        decisions = {"allow": "allow", "deny": "deny"}
        for params, way in sorted(history_, key=lambda one: WAYS.index(one[1])):
            rule = f"  - {{name: r, match: {{tool: notes}}, decision: {decisions.get(way, 'require_approval')}}}\n"
            world.configure({**OPEN_RATE, **_notes(klass, rule)})
            record = world.submit("notes.add", params).record
            if record.state is State.PENDING_APPROVAL and way == "approve":
                world.approve(record)
            elif record.state is State.PENDING_APPROVAL and way == "reject":
                world.reject(record)
        found = suggested(world, payments=payments)
        told = sum(one.covers for one in found.rules if one.rule.decision is Verdict.ALLOW or not payments)
        assert found.evidence <= told + sum(left.count for left in found.left_out)
        world.close()


def test_a_rule_that_would_miss_its_own_evidence_is_not_suggested(world: World) -> None:
    world.payment()
    ((_, asked),) = history(world)
    catalogue = world.admin.known.configuration.catalogue
    entry = catalogue["pay.send"]
    leaves: dict[str, Any] = {path: asked.params.get(path, Absent.MISSING) for path in entry.input.paths()}
    example = Example(replace(asked, agent_name="renamed"), leaves)
    example.fates[Fate.ALLOWED] = 1
    *_, proposal = propose(catalogue, "bot", entry, [example], payments=False)
    assert proposal is not None
    assert (proposal.rules, [left.why for left in proposal.left_out]) == ((), [SAME])

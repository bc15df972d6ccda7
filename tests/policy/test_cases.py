"""Case files: what may stand in them, what is said of the rest, and how an outcome is compared."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.decision import Requirement
from aaf.domain.instants import instant
from aaf.policy.cases import NOON, Case, Expected, Outcome, differences
from aaf.policy.cases_reading import MAX_CASES, read_cases
from aaf.policy.catalogue import Risk
from aaf.policy.positioned import Faults, TooManyFaults

ONE = "cases:\n  - name: one\n    given: {action: files.read}\n    expect: {decision: allow}\n"


def cases(text: str) -> tuple[Case, ...]:
    faults = Faults("c.yaml")
    found = read_cases(text.encode(), faults)
    assert [str(problem) for problem in faults.problems] == []
    return found


def told(text: str) -> list[str]:
    faults = Faults("c.yaml")
    read_cases(text.encode(), faults)
    return [str(problem) for problem in faults.problems]


def test_a_case_says_everything_that_may_be_said() -> None:
    (case,) = cases(
        """cases:
  - name: all of it
    given:
      tool: pay
      operation: send
      params: {amount: "5.00", deep: {list: [1, two]}}
      context: {ticket: T-1}
      server: bank
      agent: {name: bob, id: bob-1, roles: [admin, agent]}
      session: {labels: [untrusted]}
      time: 2026-03-01T08:30:00+01:00
      findings: [secret_detected]
      risk: critical
      counters: {agent_rate_exceeded: 1}
    expect:
      decision: require_approval
      code: rule
      reasons: [large, policies/pay.rego]
      risk: critical
      approvers: [role:admin]
      quorum: 2
"""
    )
    asked = case.given
    assert (case.name, case.file, case.line) == ("all of it", "c.yaml", 2)
    assert asked.body == {
        "tool": "pay",
        "operation": "send",
        "params": {"amount": "5.00", "deep": {"list": [1, "two"]}},
        "context": {"ticket": "T-1"},
        "server": "bank",
    }
    assert (asked.agent, asked.agent_id, sorted(asked.roles)) == ("bob", "bob-1", ["admin", "agent"])
    assert ([*asked.labels], asked.findings, asked.risk) == (["untrusted"], ("secret_detected",), Risk.CRITICAL)
    assert (instant(asked.time), asked.counters) == ("2026-03-01T07:30:00.000000Z", {"agent_rate_exceeded": 1})
    assert case.expected == Expected(
        "require_approval",
        "rule",
        frozenset({"large", "policies/pay.rego"}),
        "critical",
        frozenset({"role:admin"}),
        2,
    )


def test_a_case_that_says_little_is_judged_on_a_fixed_day_by_a_plain_agent() -> None:
    (case,) = cases(ONE)
    assert (case.given.time, instant(NOON)) == (NOON, "2026-01-05T12:00:00.000000Z")
    assert (case.given.agent, [*case.given.roles], case.given.risk) == ("agent", ["agent"], Risk.LOW)
    assert case.expected == Expected("allow")


def test_what_a_file_and_a_case_have_in_common_is_laid_beneath_each_variation() -> None:
    first, second, third = cases(
        """given: {agent: {name: bob}, params: {currency: EUR}}
cases:
  - name: refunds
    given: {action: pay.send, params: {amount: "5"}}
    expect: {decision: allow, risk: low}
    each:
      - {name: small}
      - {given: {params: {amount: "9"}}, expect: {decision: deny}}
      - {given: {tool: pay, operation: refund, params: null, agent: {roles: [admin]}}}
"""
    )
    assert [one.name for one in (first, second, third)] == ["refunds (small)", "refunds (2)", "refunds (3)"]
    assert first.given.body == {"action": "pay.send", "params": {"currency": "EUR", "amount": "5"}}
    assert second.given.body["params"] == {"currency": "EUR", "amount": "9"}
    assert (second.expected.decision, second.expected.risk) == ("deny", "low")
    assert third.given.body == {"tool": "pay", "operation": "refund", "params": None}
    assert (third.given.agent, [*third.given.roles]) == ("bob", ["admin"])


def test_a_variation_that_names_its_action_whole_takes_back_the_halves() -> None:
    (case,) = cases(
        "cases:\n  - name: a\n    given: {tool: pay, operation: send}\n    expect: {decision: deny}\n"
        "    each:\n      - given: {action: files.read}\n"
    )
    assert case.given.body == {"action": "files.read"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cases: []\n", "c.yaml:1:1: the file has no case (add one, or remove the file)"),
        ("given: {}\n", "c.yaml:1:1: a case file lacks `cases` (add `cases:`)"),
        ("[]\n", "c.yaml:1:1: a case file must be a mapping"),
        ("cases: [5]\n", "c.yaml:1:9: a case must be a mapping"),
        (ONE.replace("cases", "case"), "c.yaml:1:1: a case file has no key `case` (did you mean `cases`?)"),
        (ONE.replace("expect", "expects"), "c.yaml:4:5: case one has no key `expects` (did you mean `expect`?)"),
        (ONE.replace("    expect: {decision: allow}\n", ""), "c.yaml:2:5: case one lacks `expect`"),
        (ONE.replace("    given: {action: files.read}\n", ""), "c.yaml:2:5: case one lacks `given`"),
        (ONE.replace("name: one", "name: 5"), "c.yaml:2:11: `name` must be a string (quote it)"),
        (ONE.replace("action: f", "actoin: f"), "c.yaml:3:13: given has no key `actoin` (did you mean `action`?)"),
        (ONE.replace("action: files.read", "tool: files"), "c.yaml:3:12: `given` names an action once"),
        (ONE.replace("read}", "read, tool: files}"), "c.yaml:3:12: `given` names an action once"),
        (ONE.replace("read}", "read, time: noon}"), "c.yaml:3:39: `time` is no instant"),
        (ONE.replace("read}", "read, time: 2026-01-05T12:00:00}"), "c.yaml:3:39: `time` is no instant"),
        (ONE.replace("read}", "read, risk: huge}"), "c.yaml:3:39: `risk` can't be `huge`"),
        (ONE.replace("read}", "read, counters: {a: -1}}"), "c.yaml:3:47: a counter is a whole number"),
        (ONE.replace("read}", "read, counters: {a: true}}"), "c.yaml:3:47: a counter is a whole number"),
        (ONE.replace("read}", "read, findings: [path_odd]}"), "there is no finding `path_odd` (did you mean `path_"),
        (ONE.replace("read}", "read, agent: bob}"), "c.yaml:3:40: agent must be a mapping"),
        (
            ONE.replace("read}", "read, agent: {role: a}}"),
            "c.yaml:3:41: agent has no key `role` (did you mean `roles`?)",
        ),
        (ONE.replace("read}", "read, session: {label: a}}"), "session has no key `label` (did you mean `labels`?)"),
        (ONE.replace("allow", "allowed"), "c.yaml:4:24: `decision` can't be `allowed` (did you mean `allow`?)"),
        (ONE.replace("allow}", "allow, code: rul}"), "c.yaml:4:37: there is no code `rul` (did you mean `rule`?)"),
        (ONE.replace("allow}", "allow, quorum: 2}"), "c.yaml:4:31: `quorum` goes with require_approval only"),
        (
            ONE.replace("allow}", "allow, reason: [a]}"),
            "c.yaml:4:31: expect has no key `reason` (did you mean `reasons`?)",
        ),
        (ONE.replace("allow}", "allow, risk: 3}"), "c.yaml:4:37: `risk` can't be `3`"),
        (ONE.replace("allow", "require_approval, quorum: 0"), "`quorum` must be a whole number from 1 to 20"),
        (ONE + "    each: []\n", "c.yaml:5:11: `each` lists nothing"),
        (ONE + "    each: {}\n", "c.yaml:5:11: `each` must be a list of variations"),
        (ONE + "    each: [{gvien: {}}]\n", "variation 1 of case one has no key `gvien` (did you mean `given`?)"),
        (ONE + ONE.partition("\n")[2], "c.yaml:5:5: a second case is named `one` (the first is at line 2)"),
        ("cases: *a\n", "aliases are not allowed"),
        ("cases: [\n", "not YAML"),
        ("", "the file is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    assert any(said in one for one in told(text)), told(text)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    broken = ONE.replace("allow", "maybe") + ONE.partition("\n")[2].replace("one", "two").replace("given", "gvien")
    assert len(told(broken)) == 3


def test_a_file_has_no_more_cases_than_anybody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aaf.policy.cases_reading.MAX_CASES", 2)
    assert MAX_CASES > 2
    three = "".join(ONE.partition("\n")[2].replace("one", name) for name in ("one", "two", "three"))
    assert any("at most 2 cases" in one for one in told("cases:\n" + three))


HELD = Outcome(
    "require_approval",
    "rule",
    {"large": "Large", "refunds": ""},
    "high",
    (Requirement(("role:approver",), 1), Requirement(("role:admin",), 2)),
)


@pytest.mark.parametrize(
    "expected",
    [
        Expected("require_approval"),
        Expected("require_approval", "rule", frozenset({"refunds", "large"}), "high"),
        Expected("require_approval", approvers=frozenset({"role:admin"}), quorum=2),
        Expected("require_approval", quorum=1),
    ],
)
def test_an_outcome_is_what_was_expected(expected: Expected) -> None:
    assert differences(expected, HELD) == ()


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (Expected("allow"), ["decision: allow/require_approval"]),
        (Expected("require_approval", code="no_rule"), ["code: no_rule/rule"]),
        (Expected("require_approval", reasons=frozenset({"large"})), ["reasons: large/large, refunds"]),
        (Expected("require_approval", reasons=frozenset()), ["reasons: none/large, refunds"]),
        (Expected("require_approval", risk="low"), ["risk: low/high"]),
        (
            Expected("require_approval", approvers=frozenset({"role:admin"}), quorum=1),
            ["approvers: role:admin/role:approver and role:admin", "quorum: 1/1 and 2"],
        ),
        (
            Expected("require_approval", approvers=frozenset({"role:none"})),
            ["approvers: role:none/role:approver and role:admin"],
        ),
        (Expected("require_approval", quorum=3), ["quorum: 3/1 and 2"]),
    ],
)
def test_an_outcome_that_is_another_is_told_apart(expected: Expected, told: list[str]) -> None:
    assert [f"{one.what}: {one.expected}/{one.was}" for one in differences(expected, HELD)] == told


def test_an_outcome_that_asks_nobody_lacks_approvers() -> None:
    wanted = Expected("require_approval", approvers=frozenset({"role:admin"}), quorum=1, risk="low")
    found = differences(wanted, replace(HELD, decision="deny", requirements=(), risk=""))
    assert [(one.what, one.was) for one in found] == [
        ("decision", "deny"),
        ("risk", "none"),
        ("approvers", "none"),
        ("quorum", "none"),
    ]


_KEYS = st.sampled_from(
    ["cases", "given", "expect", "each", "name", "params", "decision", "time", "agent", "risk", "x"]
)
_LEAVES = st.sampled_from(
    ["allow", "files.read", "low", "2026-01-05T12:00:00Z", "a", 5, -1, True, None, 1.5, "\u202e", ""]
)
_TREES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=12
)


@given(st.one_of(_TREES.map(json.dumps), st.text(max_size=60), st.binary(max_size=60)))
def test_whatever_a_file_holds_is_read_or_told(document: str | bytes) -> None:
    faults = Faults("c.yaml", room=50)
    try:
        found = read_cases(document if isinstance(document, bytes) else document.encode(errors="replace"), faults)
    except TooManyFaults:
        return
    assert found or faults.problems


def test_a_file_of_ten_megabytes_is_refused_unread() -> None:
    faults = Faults("c.yaml")
    assert read_cases(b"a" * 10_000_000, faults) == ()
    assert "larger than 1048576 bytes" in str(faults.problems[0])

"""A rule that can never match is refused at load, and an allow is never of everything by a condition that says nothing."""

import pytest

from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import load
from tests.policy.samples import with_rules

SHELL_RUN = b"""name: shell.run
class: shell_command
risk: critical
effect: caller
input:
  type: object
  additionalProperties: false
  properties:
    command: {type: string}
    either: {anyOf: [{type: string}, {type: 'null'}]}
    neither: {oneOf: [{type: string}, {type: integer}]}
    listed: {enum: [a, null]}
    mixed: {enum: [1, a]}
    narrowed: {type: [string, 'null'], enum: [a]}
    nothing: {const: null}
    fixed: {const: a}
    named: {$ref: '#/$defs/name'}
  $defs: {name: {type: [string, 'null']}}
"""

NOTHING = "is a mapping that is not empty (such as {tool: files})"
EMPTY: dict[str, tuple[str, str]] = {
    "any of nothing": ("{any: [{}]}", f"4:27: an item of `any` {NOTHING}"),
    "any of nothing and something": ("{any: [{}, {tool: files}]}", f"4:27: an item of `any` {NOTHING}"),
    "any of something and nothing": ("{any: [{tool: files}, {}]}", f"4:42: an item of `any` {NOTHING}"),
    "all of nothing": ("{all: [{}]}", f"4:27: an item of `all` {NOTHING}"),
    "all beside something": ("{tool: files, all: [{}]}", f"4:40: an item of `all` {NOTHING}"),
    "nothing deeper down": ("{any: [{all: [{}]}]}", f"4:34: an item of `all` {NOTHING}"),
    "nothing under not": ("{not: {any: [{}]}}", f"4:33: an item of `any` {NOTHING}"),
    "a word": ("{any: [files]}", f"4:27: an item of `any` {NOTHING}"),
    "a list": ("{all: [[{tool: files}]]}", f"4:27: an item of `all` {NOTHING}"),
    "an empty any": ("{any: []}", "4:26: `any` takes a list of mappings that is not empty (such as {tool: files})"),
    "an empty all": ("{all: []}", "4:26: `all` takes a list of mappings that is not empty (such as {tool: files})"),
    "an empty not": ("{not: {}}", "4:26: `not` takes a mapping that is not empty (such as {tool: files})"),
}

NEVER_NULL = "is never null (write {exists: false} for what was not sent)"
NO_SUCH_RISK = "asks for a risk that no action here has (what it can match has at least the risk"
ABOVE = "and analysis only raises that)"
DEAD: dict[str, tuple[str, str]] = {
    "a label of a kind": (
        "{tool: files, labels.source: web}",
        "34: there is no field `labels.source` (did you mean `labels`?)",
    ),
    "a finding that nobody makes": (
        "{findings: path_outside_rot}",
        "31: there is no finding `path_outside_rot` (did you mean `path_outside_root`?)",
    ),
    "one of several findings": (
        "{findings: [path_protected, path_not_plane]}",
        "31: there is no finding `path_not_plane` (did you mean `path_not_plain`?)",
    ),
    "a finding contained": (
        "{findings: {contains: path_protect}}",
        "42: there is no finding `path_protect` (did you mean `path_protected`?)",
    ),
    "a finding that isn't there": (
        "{tool: files, findings: {not_in: [path_protect]}}",
        "53: there is no finding `path_protect` (did you mean `path_protected`?)",
    ),
    "a claim of approval": (
        "{context.pre_approved: true}",
        "21: `context.pre_approved` is never there: the context may not claim authority (use `role`, or leave it out)",
    ),
    "a claim of approval in capitals": (
        "{context.Approved_By.name: x}",
        "21: `context.Approved_By.name` is never there: the context may not claim authority (use `role`, or leave it out)",
    ),
    "a claim of ownership under not": (
        "{not: {context.owner: x}}",
        "27: `context.owner` is never there: the context may not claim authority (use `role`, or leave it out)",
    ),
    "a claim of a role": (
        "{context.roles: admin}",
        "21: `context.roles` is never there: the context may not claim authority (use `role`, or leave it out)",
    ),
    "a claim about the firewall": (
        "{context.aaf: x}",
        "21: `context.aaf` is never there: the context may not claim authority (use `role`, or leave it out)",
    ),
    "a risk above the highest": ("{risk: {gt: critical}}", f"20: rule r {NO_SUCH_RISK} low, {ABOVE}"),
    "a risk below the lowest": ("{risk: {lt: low}}", f"20: rule r {NO_SUCH_RISK} low, {ABOVE}"),
    "a risk below a tool's": ("{tool: shell, risk: [low]}", f"20: rule r {NO_SUCH_RISK} critical, {ABOVE}"),
    "a risk below the two that are left": (
        "{operation: [write, send], risk: {lte: medium}}",
        f"20: rule r {NO_SUCH_RISK} high, {ABOVE}",
    ),
    "a risk below a class's": ("{class: payment, risk: medium}", f"20: rule r {NO_SUCH_RISK} high, {ABOVE}"),
    "between two neighbours": ("{risk: {gt: low, lt: medium}}", f"20: rule r {NO_SUCH_RISK} low, {ABOVE}"),
    "not any risk": ("{not: {risk: {gte: low}}}", f"20: rule r {NO_SUCH_RISK} low, {ABOVE}"),
    "a dead alternative": (
        "{any: [{tool: files}, {tool: shell, risk: low}]}",
        f"42: rule r {NO_SUCH_RISK} critical, {ABOVE}",
    ),
    "an alternative that the outside rules out": (
        "{risk: low, any: [{tool: files}, {risk: high}]}",
        f"53: rule r {NO_SUCH_RISK} low, {ABOVE}",
    ),
    "a tool that isn't there": (
        "{tool: {exists: false}}",
        "20: rule r can't match any action type here (look at its tool and operation)",
    ),
    "null for a string": ("{params.path: null}", f"34: `params.path`: {NEVER_NULL}"),
    "null among strings": ("{params.command: [a, null]}", f"37: `params.command`: {NEVER_NULL}"),
    "null for a number": ("{params.count: {eq: null}}", f"40: `params.count`: {NEVER_NULL}"),
    "null for a flag": ("{params.create: {ne: null}}", f"41: `params.create`: {NEVER_NULL}"),
    "null for what an enum narrows": ("{params.narrowed: null}", f"38: `params.narrowed`: {NEVER_NULL}"),
    "null for a constant": ("{params.fixed: null}", f"35: `params.fixed`: {NEVER_NULL}"),
    "null for one of two types": ("{params.neither: null}", f"37: `params.neither`: {NEVER_NULL}"),
    "null for an enum": ("{params.encoding: null}", f"38: `params.encoding`: {NEVER_NULL}"),
    "null for an agent": ("{agent: {not_in: [null]}}", f"37: `agent`: {NEVER_NULL}"),
    "null for a tool": ("{tool: null}", f"27: `tool`: {NEVER_NULL}"),
    "null for a role": ("{role: null}", "27: `role`: `in` takes a string here (quote it)"),
    "null for a risk": ("{risk: null}", "27: `risk`: `null` is no risk (known are: critical, high, low, medium)"),
    "a flag where an enum has 1": ("{params.mixed: true}", "35: `params.mixed` is never `true` (known are: 1, a)"),
}

ALIVE = [
    "{findings: {contains: path_protected}}",
    "{findings: {exists: true}}",
    "{context.ticket: null}",
    "{context.meta.owner: x}",
    "{context.pre: approved}",
    "{server: null}",
    "{params.mode: null}",
    "{params.either: null}",
    "{params.listed: null}",
    "{params.nothing: null}",
    "{params.named: {ne: null}}",
    "{params.mixed: 1}",
    "{tool: shell, risk: critical}",
    "{tool: shell, risk: {gte: low}}",
    "{tool: shell, not: {risk: {lt: critical}}}",
    "{risk: {lte: low}}",
    "{operation: [read, send], risk: medium}",
    "{any: [{risk: low, tool: files}, {risk: critical}]}",
    "{all: [{risk: {gte: medium}}, {risk: {lte: medium}}]}",
    "{class: payment, risk: {gte: critical}}",
    "{tool: {exists: true}}",
    "{agent: {exists: true}}",
]


def _files(match: str, decision: str) -> dict[str, bytes]:
    rules = with_rules(f"- {{name: r, match: {match}, decision: {decision}}}\n")
    return rules | {"actions/shell.run.yaml": SHELL_RUN}


def _problems(match: str, decision: str) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(_files(match, decision))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.attack("G02")
@pytest.mark.parametrize("decision", ["allow", "deny", "require_approval"])
@pytest.mark.parametrize(("match", "expected"), EMPTY.values(), ids=EMPTY)
def test_a_combination_of_nothing_is_refused(match: str, expected: str, decision: str) -> None:
    assert [problem.removeprefix("aaf.yaml:") for problem in _problems(match, decision)] == [expected]


@pytest.mark.attack("G02")
@pytest.mark.parametrize(("match", "expected"), DEAD.values(), ids=DEAD)
def test_a_rule_that_can_never_match_is_refused(match: str, expected: str) -> None:
    assert [problem.removeprefix("aaf.yaml:4:") for problem in _problems(match, "deny")] == [expected]


@pytest.mark.parametrize("match", ALIVE)
def test_a_rule_that_can_match_is_loaded(match: str) -> None:
    assert load(_files(match, "deny")).warnings == ()


def test_the_list_of_fields_in_a_hint_leaves_out_what_is_of_later() -> None:
    (problem,) = _problems("{zzzz: x}", "deny")

    assert "known are: agent, all, amount, any, class, findings, labels, not, operation, " in problem
    assert "session" not in problem

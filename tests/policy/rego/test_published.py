"""Modules that may be published, and that the engine then evaluates as they read."""

from typing import Any

import pytest

from aaf.policy.rego.answers import Undefined, Value
from aaf.policy.rego.document import document
from aaf.policy.rego.module import Module
from tests.policy.rego.engine import evaluate
from tests.policy.rego.loading import V1, loaded, problems, published
from tests.policy.samples import an_input

SILENT: Any = object()

FINE = [
    ("a word", 'decision := "deny" if input.tool == "files"', "deny"),
    ("an object", 'decision := {"action": "deny", "reason": "no"} if input.tool', {"action": "deny", "reason": "no"}),
    ("not reached", 'decision := "deny" if input.tool == "x"', SILENT),
    ("a set", 'decisions contains {"action": "deny"} if input.tool', [{"action": "deny"}]),
    ("an empty set", 'decisions contains "deny" if input.tool == "x"', []),
    ("a set in v0", 'decisions["deny"] { input.tool }', ["deny"]),
    ("a variable of a set", "decisions contains d if { d := {\"action\": \"allow\"}; input.tool }", [{"action": "allow"}]),
    ("else", 'decision := "allow" if input.tool == "x" else := "deny" if input.tool == "files"', "deny"),
    ("else without a body", 'decision := "allow" if input.tool == "x" else := "deny"', "deny"),
    ("a body without braces", 'decision := "deny" if input.tool', "deny"),
    ("no body", 'decision := "deny"', "deny"),
    ("bodies one after another in v0", 'ok { input.tool == "x" } { input.tool == "files" }\ndecision = "deny" { ok }', "deny"),
    ("a computed word", 'decision := {"action": w} if { w := lower("DENY") }', {"action": "deny"}),
    ("a word from a function", 'decision := lower("DENY")', "deny"),
    ("a number for a key", 'x := {1: 2}\ndecision := "deny" if x[1] == 2', "deny"),
    ("a number for a key of a decision", 'decision := {"action": "deny"} if {1: 2}[1] == 2', {"action": "deny"}),
    ("what is taken apart and partly left", 'decision := "deny" if { [_, a] := [1, 2]; a == 2 }', "deny"),
    ("a computed object", 'decision := object.union({"action": "deny"}, {"risk_level": "low"})', {"action": "deny", "risk_level": "low"}),
    ("a computed key", 'decision := {k: "deny"} if { k := "action" }', {"action": "deny"}),
    ("a reason by a variable", 'decision := {"action": "deny", "reason": r} if { r := "no" }', {"action": "deny", "reason": "no"}),
    ("helpers", 'ok if input.tool == "files"\ndecision := "allow" if ok', "allow"),
    ("a helper's default", 'default ok := false\nok if input.tool == "x"\ndecision := "deny" if not ok', "deny"),
    ("a function", 'f(a) := b if { b := a + 1 }\ndecision := "deny" if f(1) == 2', "deny"),
    ("a function with patterns", 'f([a, _], {"k": b}) := a + b\ndecision := "deny" if f([1, 2], {"k": 2}) == 3', "deny"),
    ("a function's default", 'default f(_) := 1\nf(a) := 2 if a == 5\ndecision := "deny" if f(1) == 1', "deny"),
    ("unification", 'decision := "deny" if { [a, b] = ["x", input.tool]; b == "files"; a = "x" }', "deny"),
    ("unification the other way", 'decision := "deny" if { input.tool = t; t == "files" }', "deny"),
    ("unification in any order", 'decision := "deny" if { b == "files"; b = input.tool }', "deny"),
    ("an object taken apart", 'decision := "deny" if { {"path": p} = {"path": input.params.path}; p == "notes.txt" }', "deny"),
    ("some", 'decision := "deny" if { some i; input.agent.roles[i] == "agent"; i == 0 }', "deny"),
    ("some in", 'decision := "deny" if { some r in input.agent.roles; r == "agent" }', "deny"),
    ("some with a key", 'decision := "deny" if { some i, r in input.agent.roles; r == "agent"; i == 0 }', "deny"),
    ("some with a pattern", 'decision := "deny" if { some [a, _] in [["x", 1]]; a == "x" }', "deny"),
    ("every", 'decision := "deny" if { every r in input.agent.roles { r == "agent" } }', "deny"),
    ("every with a key", 'decision := "deny" if { every i, r in input.agent.roles { r == "agent"; i < 5 } }', "deny"),
    ("in", 'decision := "deny" if input.tool in ["files", "x"]', "deny"),
    ("in with a key", 'decision := "deny" if 0, "agent" in input.agent.roles', "deny"),
    ("not in", 'decision := "deny" if not input.tool in ["x"]', "deny"),
    ("not", 'decision := "deny" if not input.context.ticket', "deny"),
    ("not with a list counted", 'decision := "deny" if not count([r | r := input.agent.roles[i]; i > 5]) > 0', "deny"),
    ("a wildcard", 'decision := "deny" if input.agent.roles[_] == "agent"', "deny"),
    ("comprehensions", 'decision := "deny" if { count({r | some r in input.agent.roles}) == 1; {k: v | some k, v in {"a": 1}} == {"a": 1} }', "deny"),
    ("a comprehension of bound ones", 'decision := "deny" if { x := 1; [y | y := x] == [1] }', "deny"),
    ("a partial object", 'x[k] := v if { some k, v in {"a": 1} }\ndecision := "deny" if x.a == 1', "deny"),
    ("a path of rules", 'a.b.c := 1\na.b.d := 2\ndecision := "deny" if a.b.c < a.b.d', "deny"),
    ("a path by a value", 'a.b.c := 1\ndecision := "deny" if a.b[_] == 1', "deny"),
    ("its own package", 'x := 1\ndecision := "deny" if data.aaf.policies.x == 1', "deny"),
    ("an import of a field", 'import input.params as p\ndecision := "deny" if p.path == "notes.txt"', "deny"),
    ("walk", 'decision := "deny" if { walk(input.params, [path, value]); value == "notes.txt"; path == ["path"] }', "deny"),
    ("time", 'decision := "deny" if time.weekday(input.time) == "Tuesday"', "deny"),
    ("a regular expression", 'decision := "deny" if regex.match(`^notes\\.`, input.params.path)', "deny"),
    ("arithmetic and sets", 'decision := "deny" if { 2 * 3 - 1 == 5; {1} | {2} == {1, 2}; -1 < 0; {} == {} }', "deny"),
    ("null and dots", 'decision := "deny" if { null == null; input["tool"] == "files"; input.params[`path`] }', "deny"),
    ("a call's result taken apart", 'decision := "deny" if split(input.params.path, ".")[1] == "txt"', "deny"),
    ("an iteration over a call", 'decision := "deny" if split(input.params.path, ".")[i] == "txt"', "deny"),
    ("any parameter", 'decision := "deny" if input.params[_] == "notes.txt"', "deny"),
    ("any parameter by name", 'decision := "deny" if { some k; input.params[k] == "notes.txt" }', "deny"),
    ("the whole input", 'decision := "deny" if count(input) > 5', "deny"),
    ("findings", 'decision := "deny" if count(input.findings) == 0', "deny"),
    ("an element of a list", 'decision := "deny" if input.agent.roles[0] == "agent"', "deny"),
    ("the nested form", 'decision := "deny" if input.action.params.path == "notes.txt"', "deny"),
    ("pre-approved", 'decision := "deny" if not input.context.pre_approved', "deny"),
]  # fmt: skip


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(("text", "value"), [row[1:] for row in FINE], ids=[row[0] for row in FINE])
def test_it_may_be_published_and_means_what_it_reads_like(text: str, value: object) -> None:
    module = published(V1 + text)
    answer = evaluate(module, document(an_input(), None))
    assert answer == (Undefined() if value is SILENT else Value(value))  # type: ignore[arg-type]


DEFAULTS = [
    ('default decision := "deny"', "deny"),
    ("default decision = `deny`", "deny"),
    ('default decision := {"action": "deny",\n  "reason": "}", # }\n  "risk_level": "low"}', {"action": "deny", "reason": "}", "risk_level": "low"}),
    ('default decision := {"action": "require_approval", "approval_config": {"approvers": ["role:admin"], "quorum": 1}}', {"action": "require_approval", "approval_config": {"approvers": ["role:admin"], "quorum": 1}}),
    ('default decision := {"action": "deny", "reason": "über ✓"}', {"action": "deny", "reason": "über ✓"}),
]  # fmt: skip


@pytest.mark.parametrize(("default", "value"), DEFAULTS)
@pytest.mark.parametrize("after", [False, True])
def test_a_default_is_cut_out_and_every_line_stays(default: str, value: object, after: bool) -> None:
    rule = 'decision := {"action": "allow"} if input.tool == "é"'
    text = f"{V1}{rule}\n{default}\n" if after else f"{V1}{default} {rule}\n"
    module = published(text)
    assert module.default == value
    assert "default" not in module.text
    assert module.text.count("\n") == text.count("\n")
    assert evaluate(module, document(an_input(), None)) == Undefined()
    assert evaluate(module, {"tool": "é"}) == Value({"action": "allow"})


def test_a_default_alone_is_a_module() -> None:
    module = published('package aaf.policies\ndefault decision := "deny"\n')
    assert (module.default, module.text.strip()) == ("deny", "package aaf.policies")
    assert evaluate(module, document(an_input(), None)) == Undefined()


def test_other_defaults_stay_where_they_are() -> None:
    module = published(f'{V1}default ok := false\ndefault decision := "deny"\ndecision := "allow" if ok\n')
    assert "default ok := false" in module.text
    assert module.default == "deny"


def test_reasons_are_the_modules_own_texts() -> None:
    module = published(
        f'{V1}default decision := {{"action": "deny", "reason": "By default"}}\ndecision := {{"action": "allow", "reason": "Small"}} if input.tool'
    )
    assert {"By default", "Small"} <= set(module.strings)


def test_a_release_stores_its_modules() -> None:
    from aaf.domain.canonical import canonical, parse
    from aaf.policy.configuration import Configuration

    found = loaded({"m.rego": f'{V1}default decision := "deny"\ndecision := "allow" if input.tool\n'})
    stored = parse(canonical(found.to_stored()))
    assert isinstance(stored, dict)
    again = Configuration.from_stored(stored)
    assert again.modules == found.modules
    assert all(isinstance(one, Module) for one in again.modules_for("files.read"))


def test_a_release_from_before_there_were_modules_has_none() -> None:
    from aaf.policy.configuration import Configuration

    stored = {name: value for name, value in loaded({}).to_stored().items() if name != "modules"}
    assert Configuration.from_stored(stored).modules == ()


WARNED = [
    ("an allow by a claim", 'decision := "allow" if input.context.ticket', 2, 1, "`input.context.ticket`"),
    ("a hold by a claim", 'decision := {"action": "require_approval"} if input.context.ticket', 2, 1, "claim"),
    ("all of the context", 'decision := "allow" if count(input.context) > 3', 2, 1, "`input.context`"),
    ("any field of it", 'decision := "allow" if input.context[_] == 3', 2, 1, "`input.context`"),
    ("through a helper", 'ok if input.context.ticket\nfine if ok\ndecision := "allow" if fine', 4, 1, "`input.context.ticket`"),
    ("through an import", 'import input.context as c\ndecision := "allow" if c.ticket', 3, 1, "`input.context.ticket`"),
    ("a computed decision", "decision := {\"action\": w} if { w := input.context.wish }", 2, 1, "claim"),
    ("an unknown parameter", 'decision := "deny" if input.params.pth == "a"', 2, 36, "`input.params.pth`"),
    ("an unknown tool", 'decision := "deny" if input.tool == "flies"', 2, 23, "`flies`"),
    ("an unknown operation", 'decision := "deny" if "raed" == input.operation', 2, 33, "`raed`"),
    ("unknown operations", 'decision := "deny" if input.action.operation in {"raed", "wriet"}', 2, 23, "`raed`, `wriet`"),
    ("an unknown name", 'decision := "deny" if input.action.name == "files.raed"', 2, 23, "`files.raed`"),
    ("many loops", 'decision := "deny" if { some a in input.findings; some b in input.findings; input.agent.roles[_] == a; input.agent.roles[_] == b }', 2, 23, "lists or more"),
]  # fmt: skip


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(
    ("text", "line", "column", "message"), [row[1:] for row in WARNED], ids=[row[0] for row in WARNED]
)
def test_it_is_published_with_a_warning(text: str, line: int, column: int, message: str) -> None:
    found = loaded({"m.rego": V1 + text})
    (warning,) = found.warnings
    assert warning.startswith(f"policies/m.rego:{line}:{column}: ")
    assert message in warning
    assert found.modules[0].warnings == found.warnings


@pytest.mark.parametrize(
    "text",
    [
        'decision := "deny" if input.context.ticket',
        'decision := {"action": "deny"} if input.context.ticket',
        'decision := "allow" if not input.context.pre_approved',
        'decision := "allow" if input.operation in ["read", "raed"]',
        'decision := "allow" if input.operation in ["read", lower("X")]',
        'decision := "allow" if input.operation in [x | x := "a"]',
        'decision := "allow" if input.params[lower("x")] == "a"',
    ],
)
def test_it_is_published_without_one(text: str) -> None:
    assert loaded({"m.rego": V1 + text}).warnings == ()


PARAMS = [
    ("files", "input.params.path", ""),
    ("files", "input.params.create", ""),
    ("files", "input.action.params.path", ""),
    ("files.read", "input.params.create", "no action type of files.read has `input.params.create`"),
    ("files", "input.params.pth", "no action type of files has `input.params.pth`"),
    ("files", "input.params.path.x", "no action type of files has `input.params.path.x`"),
    ("pay", "input.params.meta.note", ""),
    ("pay", "input.params.meta[_]", ""),
    ("pay", "input.params.meta[_].x", ""),
    ("pay", "input.params.cc[0]", ""),
    ("pay", "input.params.meta.nte", "no action type of pay has `input.params.meta.nte`"),
    ("pay", "input.params.token", "`input.params.token` is declared secret"),
    ("pay", "input.params", ""),
]


@pytest.mark.requirement("R18")
@pytest.mark.attack(
    "G03", guard="aaf.policy.rego.reading:look_up", without="tests.attacks.without_rego:finds_every_field"
)
@pytest.mark.parametrize(("tool", "field", "message"), [row for row in PARAMS if row[2]])
def test_a_parameter_that_no_declared_tool_has_is_refused(tool: str, field: str, message: str) -> None:
    assert _of_tool(tool, field) == [message]


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(("tool", "field"), [row[:2] for row in PARAMS if not row[2]])
def test_a_parameter_of_a_declared_tool_may_be_asked_for(tool: str, field: str) -> None:
    assert _of_tool(tool, field) == []


def _of_tool(tool: str, field: str) -> list[str]:
    text = f'# METADATA\n# custom: {{tools: [{tool}]}}\n{V1}decision := "deny" if {field}\n'
    return [problem.message for problem in problems(text)]

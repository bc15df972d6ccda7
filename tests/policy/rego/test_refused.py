"""Modules that may not be published: each with the place, the words and the hint of its problem."""

import pytest

from tests.policy.rego.loading import V1, problems

DENY = 'decision := {"action": "deny"} if input.risk == "high"\n'

REFUSED = [
    # unbound variables
    ("a misspelt input", 'decision := "deny" if inputt.risk == "high"', 2, 23, "variable `inputt` is unbound", "did you mean `input`?"),
    ("a variable in a comparison", 'decision := "deny" if x == 1', 2, 23, "variable `x`", "`x := …`, or `some x in …`"),
    ("a variable of the value", 'decision := {"action": "deny", "reason": why} if input.tool', 2, 42, "variable `why`", ""),
    ("a variable within not", 'decision := "deny" if not input.findings[i] == "x"', 2, 42, "variable `i`", ""),
    ("an argument of a function", 'decision := "deny" if startswith(x, "a")', 2, 34, "variable `x`", ""),
    ("two that wait for each other", 'decision := "deny" if { a = b; b = a }', 2, 25, "variable `a`", ""),
    ("a member of another list", 'decision := "deny" if { some x in xs }', 2, 35, "variable `xs`", ""),
    ("the body of every", 'decision := "deny" if { every x in input.findings { x == y } }', 2, 58, "variable `y`", ""),
    ("a comprehension's term", 'decision := "deny" if count([y | input.findings[_]]) == 1', 2, 30, "variable `y`", ""),
    ("a comprehension's body", 'decision := "deny" if count([1 | y == 1]) == 1', 2, 34, "variable `y`", ""),
    ("an else", 'decision := "deny" if input.tool == "a" else := "allow" if y', 2, 60, "variable `y`", ""),
    ("the value of an else", 'decision := "deny" if input.tool == "a" else := y if input.agent_id', 2, 49, "variable `y`", ""),
    ("a key of an object", 'x[k] := 1 if input.tool\ndecision := "deny" if x.a', 2, 3, "variable `k`", ""),
    ("a function's result", 'f(a) := b if a == 1\ndecision := "deny" if f(1)', 2, 9, "variable `b`", ""),
    ("a function's default argument", 'f([b], {"k": c}) := 1 if b == d\ndecision := "deny" if f([1], {"k": 2})', 2, 31, "variable `d`", ""),
    ("a wildcard as a value", 'decision := "deny" if f(_)\nf(x) if x == 1', 2, 25, "variable `_`", "name it"),
    ("itself", 'decision := "deny" if { x := x + 1; x == 2 }', 2, 30, "variable `x`", ""),
    ("used before it is assigned", 'decision := "deny" if { x == 1; x := input.time }', 2, 25, "before it gets its value", "move"),
    ("the name of a rule", 'x := 1\ndecision := "deny" if { x := 2; x == 2 }', 3, 25, "already the name of a rule", ""),
    ("within not, all of a list", 'decision := "deny" if not input.findings[_] == "x"', 2, 27, "within `not`", "count"),
    ("within not, as an argument", 'decision := "deny" if not upper(input.findings[_]) == "X"', 2, 33, "within `not`", "count"),
    ("a member that nobody asks for", "x contains y if input.tool\ndecision := \"deny\" if x.a", 2, 12, "variable `y`", "`y := …`"),
    ("a member that is asked for otherwise", "x contains y if input.tool\ndecision := \"deny\" if { z := 1; x[z] }", 2, 12, "variable `y`", "`y := …`"),
    ("a part of what is taken apart", 'decision := "deny" if { [_, a] := [1, a]; a == 1 }', 2, 39, "`a` is unbound", ""),
    # functions
    ("an unknown function", 'decision := "deny" if startwith(input.tool, "a")', 2, 23, "no function `startwith`", "`startswith`"),
    ("an unknown function in a path", 'decision := "deny" if strings.nosuch(input.tool)', 2, 23, "no function `strings.nosuch`", ""),
    ("too many arguments", 'decision := "deny" if { upper(input.tool, x) }', 2, 25, "takes 1 arguments, here are 2", "x := …"),
    ("too few arguments", 'decision := "deny" if { startswith(input.tool) }', 2, 25, "takes 2 arguments, here are 1", ""),
    ("arguments of an own function", 'f(a) if a == 1\ndecision := "deny" if f(1, 2)', 3, 23, "takes 1 arguments, here are 2", ""),
    ("http.send", 'decision := "deny" if http.send({"url": "http://a"})', 2, 23, "`http.send` may not be called", "`input`"),
    ("time.now_ns", 'decision := "deny" if time.now_ns() > 0', 2, 23, "`time.now_ns` may not be called", "`input.time`"),
    ("rand.intn", 'decision := "deny" if rand.intn("a", 2) > 0', 2, 23, "`rand.intn` may not be called", ""),
    ("opa.runtime", 'decision := "deny" if opa.runtime().env', 2, 23, "`opa.runtime` may not be called", ""),
    ("print", 'decision := "deny" if print("a")', 2, 23, "`print` may not be called", ""),
    ("trace", 'decision := "deny" if trace("a")', 2, 23, "`trace` may not be called", ""),
    ("uuid.rfc4122", 'decision := "deny" if uuid.rfc4122("a") == "b"', 2, 23, "`uuid.rfc4122` may not be called", ""),
    ("a rule called", 'x := 1\ndecision := "deny" if x(1)', 3, 23, "`x` is no function", ""),
    ("a function not called", 'f(a) if a == 1\ndecision := "deny" if f', 3, 23, "`f` is a function", "f(…)"),
    ("input called", 'decision := "deny" if input.tool(1)', 2, 23, "no function", ""),
    # fields
    ("an unknown field", 'decision := "deny" if input.tol == "a"', 2, 29, "no `input.tol`", "did you mean `tool`?"),
    ("an unknown nested field", 'decision := "deny" if input.agent.nmae == "a"', 2, 35, "no `input.agent.nmae`", "`name`"),
    ("a field in brackets", 'decision := "deny" if input["agent"]["nmae"] == "a"', 2, 38, "no `input.agent.nmae`", "`name`"),
    ("a field of a text", 'decision := "deny" if input.tool.x == "a"', 2, 34, "no `input.tool.x`", "no object"),
    ("a field of an enumeration", 'decision := "deny" if input.risk.level == "a"', 2, 34, "no `input.risk.level`", "no object"),
    ("a field that comes later", 'decision := "deny" if input.session.labels', 2, 29, "no `input.session.labels`", "nothing sets it"),
    ("a nested one that comes later", 'decision := "deny" if input.agent.owner == "a"', 2, 35, "no `input.agent.owner`", "nothing sets it"),
    ("authority in the context", 'decision := "allow" if input.context.roles[_] == "admin"', 2, 38, "no `input.context.roles", "authority"),
    ("through an import", 'import input.agent as who\ndecision := "deny" if who.nmae', 3, 27, "no `input.agent.nmae`", "`name`"),
    # what a module can see
    ("data", 'decision := "deny" if data.users[input.agent_id]', 2, 23, "nothing that a module can see", "libraries"),
    ("all of data", 'decision := "deny" if data', 2, 23, "`data` is nothing that a module can see", ""),
    ("another package", 'decision := "deny" if data.aaf.other.x', 2, 23, "nothing that a module can see", ""),
    ("its whole package", 'decision := "deny" if data.aaf.policies', 2, 23, "nothing that a module can see", ""),
    ("a rule of its own by a value", 'decision := "deny" if data.aaf.policies[input.tool]', 2, 23, "depends on a value", ""),
    ("a rule that isn't there", 'x := 1\ndecision := "deny" if data.aaf.policies.y', 3, 23, "has no rule `y`", ""),
    ("a library that isn't there", 'decision := "deny" if data.aaf.lib.hosts.ok', 2, 23, "no library for `data.aaf.lib.hosts.ok`", ""),
    ("an import of data", 'import data.users\ndecision := "deny" if users', 2, 8, "only libraries and fields", "data.aaf.lib"),
    ("an import of all of input", 'import input\ndecision := "deny" if input.tool', 2, 8, "only libraries and fields", ""),
    ("an import of something else", 'import foo.bar\ndecision := "deny" if bar', 2, 8, "", ""),
    ("an unknown import", 'import rego.v2\ndecision := "deny" if input.tool', 2, 8, "", ""),
    # recursion
    ("a rule that is itself", 'x if x\ndecision := "deny" if x', 2, 6, "`x` leads back to itself", "recursive"),
    ("two rules", 'x if y\ny if x\ndecision := "deny" if x', 3, 6, "leads back to itself", ""),
    ("a function that calls itself", 'f(n) := f(n - 1) if n > 0\ndecision := "deny" if f(3)', 2, 9, "`f` leads back to itself", ""),
    ("through the package", 'x if data.aaf.policies.x\ndecision := "deny" if x', 2, 6, "`x` leads back to itself", ""),
    # with
    ("with", 'x if input.tool\ndecision := "deny" if x with input.tool as "a"', 3, 25, "`with` may not be used", "tests"),
    # decisions
    ("no decision", "x := 1", 1, 1, "decides nothing", "decision :="),
    ("allow instead", 'allow if input.risk == "low"', 2, 1, "nobody asks for `allow`", "from `allow`"),
    ("both", 'decision := "deny" if input.tool\ndecisions contains "deny" if input.tool', 2, 1, "not by both", "`decisions`"),
    ("a decision that is a set", 'decision contains "deny" if input.tool', 2, 1, "`decision` is one value", "`decisions`"),
    ("a decision that is a function", 'decision(x) := "deny" if x', 2, 1, "`decision` is one value", ""),
    ("a decision in parts", 'decision.action := "deny" if input.tool', 2, 1, "`decision` is one value", ""),
    ("decisions that are one value", 'decisions := ["deny"] if input.tool', 2, 1, "`decisions` is a set", "contains"),
    ("decisions by key", 'decisions["deny"] if input.tool', 2, 1, "`decisions` is a set", "contains"),
    ("no value", "decision if input.tool", 2, 1, "only true", ""),
    ("an else without a value", 'decision := "deny" if input.tool else if input.agent_id', 2, 1, "only true", ""),
    ("an unknown word", 'decision := "denied" if input.tool', 2, 13, "can't be `denied`", "did you mean `deny`?"),
    ("an unknown word in an object", 'decision := {"action": "alow"} if input.tool', 2, 24, "can't be `alow`", "`allow`"),
    ("an unknown word after else", 'decision := "deny" if input.tool else := "alow"', 2, 42, "can't be `alow`", "`allow`"),
    ("an unknown word by a variable", 'decision := d if { d := {"action": "alow"} }', 2, 36, "can't be `alow`", "`allow`"),
    ("an unknown word in a set", 'decisions contains {"action": "alow"} if input.tool', 2, 31, "can't be `alow`", "`allow`"),
    ("a number", "decision := 1 if input.tool", 2, 13, "a decision can't be `1`", ""),
    ("a list", 'decision := ["deny"] if input.tool', 2, 13, "a decision can't be", ""),
    ("a list that is computed", "decision := [input.tool] if input.tool", 2, 13, "a list or set is no decision", ""),
    ("a set", 'decision := {"deny"} if input.tool', 2, 13, "a list or set is no decision", ""),
    ("a number for a key", 'decision := {"action": "deny", 1: "x"} if input.tool', 2, 32, "a key of a decision is a string", ""),
    ("no word at all", 'decision := {"reason": "x"} if input.tool', 2, 13, "here is none of them", ""),
    ("two words", 'decision := {"action": "deny", "result": "allow"} if input.tool', 2, 13, "`action` and `result`", ""),
    ("two words, one computed", 'decision := {"action": "deny", "result": input.tool}', 2, 13, "`action` and `result`", ""),
    ("a misspelt key", 'decision := {"action": "deny", "raeson": "x"} if input.tool', 2, 32, "no key `raeson`", "`reason`"),
    ("a misspelt key, computed", 'decision := {"action": "deny", "rsk": input.tool} if input.tool', 2, 13, "no key `rsk`", ""),
    ("a key twice", 'decision := {"action": "deny", "action": "allow"} if input.tool', 2, 32, "second time", ""),
    ("a key twice, computed", 'decision := {"action": input.tool, "action": "allow"} if input.tool', 2, 36, "second time", ""),
    ("a reason with a value", 'decision := {"action": "deny", "reason": sprintf("%s", [input.tool])}', 2, 42, "plain string", "in the clear"),
    ("a reason that is no text", 'decision := {"action": "deny", "reason": 1}', 2, 42, "`reason` must be a string", ""),
    ("an unknown risk", 'decision := {"action": "deny", "risk_level": "hihg"}', 2, 46, "can't be `hihg`", "`high`"),
    ("an unknown key of approval_config", 'decision := {"action": "require_approval", "approval_config": {"aprovers": ["role:approver"]}}', 2, 64, "no key `aprovers`", "`approvers`"),
    ("one beside a computed one", 'decision := {"action": "require_approval", "approval_config": {"quorum": input.time, "tmeout": "1h"}}', 2, 86, "no key `tmeout`", "`timeout`"),
    ("approvers that nobody is", 'decision := {"action": "require_approval", "approval_config": {"approvers": ["role:aprover"]}}', 2, 78, "names nobody", ""),
    ("approval_config of a deny", 'decision := {"action": "deny", "approval_config": {"quorum": 2}}', 2, 32, "goes with require_approval only", ""),
    ("approval_config that is a text", 'decision := {"action": "require_approval", "approval_config": "x"}', 2, 63, "must be a mapping", ""),
    ("a quorum twice", 'decision := {"action": "require_approval", "approval_config": {"quorum": 2, "min_approvals": 3}}', 2, 77, "says again", ""),
    ("hours that are none", 'decision := {"action": "require_approval", "approval_config": {"timeout_hours": 0}}', 2, 81, "from 1 to 720", ""),
    # what the engine does otherwise than it reads
    ("two bodies with a value", 'decision = "deny" { input.tool == "a" } { input.tool == "b" }', 2, 41, "one body", "again"),
    ("a minus before a variable", 'decision := "deny" if { x := 1; -x < 0 }', 2, 33, "before a number only", "0 - …"),
    ("a minus in a head", 'decision := "deny" if x < 0\nx := -y if y := 1', 3, 6, "before a number only", "0 - …"),
    ("an assignment to nothing", 'decision := "deny" if { 1 := input.time }', 2, 25, "assigns to nothing", ""),
    ("an assignment to a member", 'decision := "deny" if { x := [1]; x[0] := 1 }', 2, 35, "assigns to nothing", ""),
    ("a name alone", 'decision := "deny" if a.b\na.b', 3, 1, "", ""),
    # defaults
    ("two defaults", f'default decision := "deny"\ndefault decision := "allow"\n{DENY}', 3, 1, "one default", "line 2"),
    ("a default that is computed", f"default decision := input.tool\n{DENY}", 2, 21, "must be constant", ""),
    ("a default with a set in it", f"default decision := {{1, 2}}\n{DENY}", 2, 21, "must be constant", ""),
    ("a default with a number for a key", f'default decision := {{1: "deny"}}\n{DENY}', 2, 21, "must be constant", ""),
    ("a default of decisions", 'default decisions := []\ndecisions contains "deny" if input.tool', 2, 1, "can't have a default", ""),
    ("a default of a part", f'default decision.action := "deny"\n{DENY}', 2, 1, "can't have a default", ""),
    ("a default that is no decision", f"default decision := false\n{DENY}", 2, 21, "can't be `False`", ""),
    ("a default with an unknown word", f'default decision := {{"action": "dney"}}\n{DENY}', 2, 32, "can't be `dney`", "`deny`"),
    ("a computed default of another rule", f"default x := input.tool\n{DENY}", 2, 14, "must be constant", ""),
]  # fmt: skip


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_it_is_refused_with_its_place_and_what_to_write(
    text: str, line: int, column: int, message: str, hint: str
) -> None:
    found = problems(V1 + text)
    assert found
    problem = found[0]
    assert (problem.file, problem.line, problem.column) == ("policies/m.rego", line, column), problem
    assert message in problem.message
    assert hint in problem.hint

"""The package and the comment block `# METADATA`."""

import pytest

from aaf.policy.rego.module import Dialect
from tests.policy.rego.loading import problems, published

RULE = 'decision := "deny" if input.tool == "files"\n'


def _block(*lines: str, rule: str = RULE, package: str = "aaf.policies") -> str:
    block = "".join(f"# {line}\n" for line in ("METADATA", *lines))
    return f"{block}package {package}\n{rule}"


def test_all_of_it_is_read() -> None:
    lines = ["title: Files", "description: About files", "scope: package", "custom:"]
    lines += ["  tools: [files, pay.send]", "  guard: true", "  dialect: v1"]
    module = published(_block(*lines, package="aaf.policies.files"))
    assert (module.package, module.tools, module.guard) == ("aaf.policies.files", ("files", "pay.send"), True)
    assert (module.dialect, module.library) == (Dialect.V1, False)


def test_comments_around_the_block_are_comments() -> None:
    text = f"# A licence\n\n# METADATA\n# title: x\n\n# and more: [\npackage aaf.policies\n# about the rule\n{RULE}"
    assert published(text).tools == ()


def test_a_mark_in_a_string_is_no_mark() -> None:
    assert problems(f"package aaf.policies\nx := `\n# METADATA\n# nothing: here\n`\n{RULE}") == ()


REFUSED = [
    ("no package", RULE, 1, 1, "begins with its package"),
    ("nothing at all", "", 1, 1, "begins with its package"),
    ("a package in quotes", f'package aaf["policies"]\n{RULE}', 1, 1, "begins with its package"),
    ("another package", f"package app.rules\n{RULE}", 1, 9, "`app.rules` is never asked"),
    ("one that begins alike", f"package aaf.policiesx\n{RULE}", 1, 9, "never asked"),
    ("the libraries' own", f"package aaf.lib\n{RULE}", 1, 9, "never asked"),
    ("a word of the language", f"package aaf.policies.default\n{RULE}", 1, 9, "`default` is a word of the language"),
    ("an unknown key", _block("tilte: x"), 2, 3, "no key `tilte`"),
    ("an unknown custom key", _block("custom:", "  tool: files"), 3, 5, "no key `tool`"),
    ("tools in the wrong place", _block("tools: [files]"), 2, 3, "no key `tools`"),
    ("another scope", _block("scope: rule"), 2, 10, "can only be package"),
    ("no tools", _block("custom: {tools: []}"), 2, 19, "names nothing"),
    ("an unknown tool", _block("custom: {tools: [files, flies]}"), 2, 27, "no tool or action type `flies`"),
    ("a guard that is a word", _block('custom: {guard: "yes"}'), 2, 19, "true or false"),
    ("an unknown dialect", _block("custom: {dialect: v2}"), 2, 21, "can't be `v2`"),
    ("no YAML", _block("custom: {"), 2, 1, "not YAML"),
    ("nothing in it", _block(), 0, 0, "empty"),
    ("a second block", _block("title: x") + "# METADATA\n# title: y\n", 5, 1, "once, before the package"),
    ("a block after the package", f"package aaf.policies\n# METADATA\n# title: y\n{RULE}", 2, 1, "once, before the package"),
    ("a library with tools", _block("custom: {tools: [files]}", package="aaf.lib.x", rule="x := 1\n"), 2, 11, "a library has no tools"),
    ("a library that guards", _block("custom: {guard: true}", package="aaf.lib.x", rule="x := 1\n"), 2, 11, "a library has no tools"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "column", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_it_is_refused_with_its_place(text: str, line: int, column: int, message: str) -> None:
    problem = problems(text)[0]
    assert message in problem.message
    assert problem.file == "policies/m.rego"
    if "YAML" not in message:
        assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ('package aaf.policies\ndecision := "deny" if input.tool', Dialect.V1),
        ('package aaf.policies\nimport rego.v1\ndecision := "deny" if input.tool', Dialect.V1),
        ('package aaf.policies\ndecision = "deny" { input.tool }', Dialect.V0),
        ('package aaf.policies\ndecision = "deny" { input.tool in ["a"] }', Dialect.V0),
        ('package aaf.policies\nimport future.keywords.in\ndecision = "deny" { input.tool in ["a"] }', Dialect.V0),
        ('package aaf.policies\nimport future.keywords\ndecision = "deny" { every x in ["a"] { x == "a" } }', Dialect.V0),
        ('package aaf.policies # a comment\ndecision = "deny" { contains(input.tool, "a") }', Dialect.V0),
        ('# METADATA\n# custom: {dialect: v0}\npackage aaf.policies\ndecision = "deny"', Dialect.V0),
    ],
)  # fmt: skip
def test_the_dialect_is_declared_or_found_out(text: str, dialect: Dialect) -> None:
    assert published(text).dialect is dialect


def test_a_mistake_in_v1_never_becomes_an_unconditional_rule_in_v0() -> None:
    found = problems('package aaf.policies\ndecision := "allow" if input.tool == \n')
    assert found
    assert "not Rego" in found[0].message


@pytest.mark.parametrize("declared", ["v0", "v1"])
def test_a_declared_dialect_is_the_only_one_that_is_tried(declared: str) -> None:
    text = (
        'decision = "deny" { input.tool }' if declared == "v1" else 'import rego.v1\ndecision = "deny" { input.tool }'
    )
    (problem,) = problems(f"# METADATA\n# custom: {{dialect: {declared}}}\npackage aaf.policies\n{text}\n")
    assert f"read as {declared}" == problem.hint


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ('package aaf.policies; decision = "deny" { input.tol }', 23),
        ('package aaf.policies decision = "deny" { input.tol }', 48),
        ('package aaf.policies\ndecision = "deny" { input.tol }', 27),
    ],
)
def test_what_is_supplied_moves_no_place(text: str, column: int) -> None:
    problem = problems(text)[0]
    assert problem.column in {column, 21, 1}


def test_a_file_outside_of_the_folder_and_a_missing_engine_are_problems() -> None:
    from aaf.domain.errors import ConfigurationInvalid
    from aaf.policy.configuration import load
    from tests.policy.samples import with_main

    text = f"package aaf.policies\n{RULE}".encode()
    with pytest.raises(ConfigurationInvalid) as caught:
        load({**with_main("version: 1\n"), "policies/a.rego": text, "b.rego": text})
    first, second = caught.value.problems
    assert (first.file, first.hint) == ("b.rego", "move it to policies/b.rego")
    assert (second.file, second.hint) == ("policies/a.rego", "install agent-action-firewall[rego]")

"""Reading modules: a tree, or a refusal with its place; in a process of its own that nothing in a text can keep busy for long."""

import os
import signal
from collections.abc import Iterator

import pytest

from aaf.adapters.rego.parser import WorkerParser
from aaf.policy.rego.module import Dialect
from aaf.policy.rego.parsing import ModuleRefused

GOOD = 'package aaf.policies\nimport rego.v1\ndecision := "allow" if input.x\n'
OLD = 'package aaf.policies\ndecision = "allow" { input.x }\n'


@pytest.fixture
def parser() -> Iterator[WorkerParser]:
    with WorkerParser(start=60.0, read=20.0) as made:
        yield made


def test_a_module_becomes_its_tree(parser: WorkerParser) -> None:
    tree = parser.parse("policies/a.rego", GOOD, Dialect.V1)
    assert "decision" in str(tree)
    assert parser.parse("policies/a.rego", GOOD, Dialect.V1) == tree


def test_the_dialect_is_the_one_that_was_asked_for(parser: WorkerParser) -> None:
    assert parser.parse("policies/a.rego", OLD, Dialect.V0)
    with pytest.raises(ModuleRefused):
        parser.parse("policies/a.rego", OLD, Dialect.V1)
    assert parser.parse("policies/a.rego", GOOD, Dialect.V1)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("package a\n\nx := {", (3, 7)),
        ("package a\nx := 'one'\n", (2, 6)),
        ("x := 1\n", (1, 1)),
        ("", (1, 1)),
        ("package a\nx := 1 if {\n input.a ==\n}\n", (4, 1)),
    ],
)
def test_what_is_no_module_is_refused_with_its_place(parser: WorkerParser, text: str, place: tuple[int, int]) -> None:
    with pytest.raises(ModuleRefused) as caught:
        parser.parse("policies/a.rego", text, Dialect.V1)
    assert (caught.value.line, caught.value.column) == place
    assert caught.value.message
    assert "\n" not in caught.value.message
    assert parser.parse("policies/a.rego", GOOD, Dialect.V1)


def test_ten_megabytes_are_refused(parser: WorkerParser) -> None:
    with pytest.raises(ModuleRefused):
        parser.parse("policies/a.rego", "package a\n" + "x := 1\n" * 1_500_000, Dialect.V1)
    assert parser.parse("policies/a.rego", GOOD, Dialect.V1)


@pytest.mark.parametrize("depth", [40, 20_000])
def test_a_text_that_takes_for_ever_to_read_is_refused_and_the_next_is_read(depth: int) -> None:
    with WorkerParser(start=60.0, read=0.3) as parser:
        assert parser.parse("policies/a.rego", GOOD, Dialect.V1)
        with pytest.raises(ModuleRefused):
            parser.parse("policies/a.rego", "package a\nx := " + "[" * depth + "]" * depth, Dialect.V1)
        assert parser.parse("policies/a.rego", GOOD, Dialect.V1)


def test_a_reader_that_breaks_off_refuses_the_module_and_reads_the_next(parser: WorkerParser) -> None:
    assert parser.parse("policies/a.rego", GOOD, Dialect.V1)
    assert parser._process is not None
    os.kill(parser._process.pid, signal.SIGKILL)
    with pytest.raises(ModuleRefused):
        parser.parse("policies/a.rego", GOOD, Dialect.V1)
    assert parser.parse("policies/a.rego", GOOD, Dialect.V1)


def test_without_an_engine_every_module_is_refused(parser: WorkerParser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleRefused) as caught:
        parser.parse("policies/a.rego", GOOD, Dialect.V1)
    assert "not installed" in caught.value.message

"""Text that no engine is given."""

import pytest

from aaf.policy.positioned import Faults
from aaf.policy.rego.source import MAX_BYTES, MAX_CHAIN, MAX_DEPTH, read_source
from tests.policy.rego.engine import InProcess
from tests.policy.rego.loading import V1, problems

DEEP = MAX_DEPTH + 1

REFUSED = [
    ("too large", b"#" * (MAX_BYTES + 1), 0, 0, "larger than"),
    ("not UTF-8", b"package a\nx\xff", 2, 2, "not UTF-8"),
    ("NUL", b"package a\nx\0", 2, 2, "U+0000"),
    ("escape", b"package a\n\x1b[2J", 2, 1, "U+001B"),
    ("a carriage return alone", b"package a\rx", 1, 10, "U+000D"),
    ("a byte order mark", b"\xef\xbb\xbfpackage a", 1, 1, "U+FEFF"),
    ("right to left", "package a # \u202e".encode(), 1, 13, "U+202E"),
    ("zero width", "package a # \u200b".encode(), 1, 13, "U+200B"),
    ("a soft hyphen", "package a # \xad".encode(), 1, 13, "U+00AD"),
    ("a tag", "package a # \U000e0041".encode(), 1, 13, "U+E0041"),
    ("a long line", b"package a\n#" + b"x" * 1000, 2, 1001, "more than 1000"),
    ("a string without an end", b'package a\nx := "a\n"', 2, 6, "doesn't end"),
    ("a raw string without an end", b"package a\nx := `a\n", 2, 6, "doesn't end"),
    ("brackets too deep", b"package a\nx := " + b"[" * DEEP + b"]" * DEEP, 2, 6 + MAX_DEPTH, "nested deeper"),
    ("a bracket too many", b"package a\nx := [1]]", 2, 9, "`]` closes nothing"),
    ("the wrong bracket", b"package a\nx := [1}", 2, 8, "`}` closes nothing"),
    ("a bracket never closed", b"package a\nx := [1", 2, 6, "never closed"),
    ("a long sum", b"package a\nx := 1" + b"+1" * MAX_CHAIN, 2, 53, "too long for one expression"),
    ("a long path", b"package a\nx := a" + b".b" * MAX_CHAIN, 2, 53, "too long for one expression"),
    ("many brackets after each other", b"package a\nx := a" + b"[0]" * MAX_CHAIN, 2, 76, "too long for one expression"),
    ("many signs", b"package a\nx := " + b"-" * MAX_CHAIN, 2, 29, "too long for one expression"),
    (
        "many deep brackets",
        b"package a\n" + (b"x := " + b"[" * 12 + b"]" * 12 + b"\n") * 100,
        66,
        12,
        "too many nested",
    ),
]


@pytest.mark.parametrize(
    ("data", "line", "column", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_it_is_refused_before_any_engine_sees_it(data: bytes, line: int, column: int, message: str) -> None:
    faults = Faults("policies/m.rego")
    assert read_source(data, faults) is None
    (problem,) = faults.problems
    assert (problem.line, problem.column) == (line, column), problem
    assert message in problem.message
    assert problem.hint


def test_brackets_in_strings_and_comments_do_not_count() -> None:
    text = 'package a\nx := "[[[[[[[[[[[[[[\\"[" # [[[[[[[[[[[[[[\ny := `[[[[[[[[[[\n[[[[[[`\r\n'
    source = read_source(text.encode(), Faults("m"))
    assert source is not None
    assert "[" not in source.bare
    assert (len(source.bare), source.bare.count("\n")) == (len(text), text.count("\n"))
    assert source.place(text.index("y")) == (3, 1)


def test_what_is_within_the_bounds_is_read_by_the_engine_at_once() -> None:
    deep = "[" * (MAX_DEPTH - 1) + "1" + "]" * (MAX_DEPTH - 1)
    sums = "+".join(["1"] * (MAX_CHAIN - 1))
    text = f'{V1}x := {deep}\ny := {sums}\ndecision := "deny" if x == y\n'
    assert problems(text) == ()


def test_an_engine_is_never_given_what_is_out_of_bounds() -> None:
    from aaf.policy.rego.reading import Surroundings, read_modules
    from tests.policy.rego.loading import loaded

    parser = InProcess()
    faults = Faults("aaf.yaml")
    around = Surroundings(loaded({}).catalogue)
    texts = {f"policies/{number}.rego": row[1] for number, row in enumerate(REFUSED)}
    assert read_modules(texts, parser, around, faults) == ()
    assert parser.read == []
    assert len(faults.problems) == len(REFUSED)

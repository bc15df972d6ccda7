"""Errors: stable codes, a safe sentence, and every problem of a configuration with its place."""

import pytest

from aaf.domain.errors import (
    AafError,
    Code,
    ConfigurationInvalid,
    ConnectorFailed,
    InputRefused,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Problem,
    StateConflict,
    StoreFailed,
    TooMany,
    Unavailable,
)


def test_codes_are_lower_case_words_in_alphabetical_order() -> None:
    assert [code.name for code in Code] == sorted(code.name for code in Code)
    assert all(code.value == code.name.lower() for code in Code)


@pytest.mark.parametrize(
    "kind",
    [InputRefused, NotAuthenticated, NotPermitted, NotFound, StateConflict, Unavailable, StoreFailed, ConnectorFailed],
)
def test_an_error_keeps_its_parts_and_says_only_the_message(kind: type[AafError]) -> None:
    error = kind(Code.WRONG_TYPE, "The type is wrong.", hint="Send text.", detail="for the log", path="$.params.to")

    assert (error.code, error.message, error.hint) == (Code.WRONG_TYPE, "The type is wrong.", "Send text.")
    assert (error.detail, error.path) == ("for the log", "$.params.to")
    assert str(error) == "The type is wrong."


def test_a_store_that_fails_is_unavailable() -> None:
    assert issubclass(StoreFailed, Unavailable)


def test_too_many_says_when_to_come_back() -> None:
    error = TooMany(Code.RATE_LIMITED, "Too many.", retry_after=7, hint="Wait.")

    assert (error.retry_after, error.hint) == (7, "Wait.")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("aaf.yaml", 3, 5, "wrong", "right"), "aaf.yaml:3:5: wrong (right)"),
        (Problem("aaf.yaml", 3, 5, "wrong"), "aaf.yaml:3:5: wrong"),
        (Problem("aaf.yaml", 0, 0, "missing", "add it"), "aaf.yaml: missing (add it)"),
    ],
)
def test_a_problem_reads_as_a_compiler_would_say_it(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_an_invalid_configuration_says_all_its_problems() -> None:
    problems = (Problem("a", 1, 1, "one"), Problem("b", 2, 2, "two"))
    error = ConfigurationInvalid(problems)

    assert error.problems == problems
    assert error.message == "a:1:1: one\nb:2:2: two"
    assert error.code is Code.CONFIGURATION_INVALID

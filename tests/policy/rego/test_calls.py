"""Calls of AAF's own functions are checked before a module is published."""

import pytest

from tests.policy.rego.loading import V1, problems, published

FINE = [
    'aaf.host_matches(input.context.url, "*.example.com")',
    "aaf.is_private_address(input.context.url)",
    "is_private_ip(input.context.url)",
    "is_private_network(input.context.url)",
    'aaf.cidr_contains("10.0.0.0/8", input.context.address)',
    'aaf.path_beneath(input.context.path, "/srv")',
    'aaf.amount_greater(input.context.amount, "100.00")',
    'aaf.amount_compare("1.5", 2) < 0',
    'aaf.within_hours(input.time, "Europe/Berlin", ["monday"], "09:00", "17:00")',
    'aaf.within_hours(input.time, "UTC", {"monday", "friday"}, "09:00", "17:00")',
    'aaf.host_matches(lower(input.context.url), concat(".", ["*", "example.com"]))',
]


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("call", FINE)
def test_these_may_be_published(call: str) -> None:
    for rule in (f'{V1}decision := "deny" if {call}\n', f'{V1}decision := "deny" if not {call}\n'):
        assert published(rule).output == "decision"


@pytest.mark.attack("G02", guard="aaf.policy.rego.checks:_ours", part=True)
@pytest.mark.parametrize(
    ("lines", "name", "line"),
    [
        (
            'import data.aaf.lib.x as aaf\ndecision := "deny" if aaf.cidr_contains("10.0.0.0/8", input.context.a)',
            "aaf",
            2,
        ),
        (
            'import data.aaf.lib.x as is_private_ip\ndecision := "deny" if is_private_ip.cidr_contains("", "")',
            "is_private_ip",
            2,
        ),
        ('aaf := {"cidr_contains": 1}\ndecision := "deny" if aaf.cidr_contains == 1', "aaf", 2),
        ('aaf.of := 1\ndecision := "deny" if aaf.of == 1', "aaf", 2),
        ('decision := "deny" if {\n aaf := {"a": 1}\n aaf.a == 1\n}', "aaf", 3),
        ('decision := "deny" if {\n some is_private_ip in [1]\n is_private_ip == 1\n}', "is_private_ip", 3),
        ('f(aaf) := aaf\ndecision := "deny" if f(true)', "aaf", 2),
        ('rate_limit_exceeded := 1\ndecision := "deny" if rate_limit_exceeded == 1', "rate_limit_exceeded", 2),
    ],
)
def test_nothing_else_has_the_name_of_a_function_of_the_firewall(lines: str, name: str, line: int) -> None:
    library = "package aaf.lib.x\ncidr_contains(network, address) := false if network != address\n"
    found = problems({"m.rego": f"{V1}{lines}\n", "x.rego": library})
    assert (found[0].line, found[0].message) == (line, f"`{name}` is the name of functions of the firewall")


@pytest.mark.attack("G02", guard="aaf.policy.rego.calls:check_calls", part=True)
@pytest.mark.parametrize(
    ("call", "column", "message", "hint"),
    [
        ('aaf.host_matches(input.context.url, "*")', 59, "can't take this argument", "`*.example.com`"),
        ('aaf.host_matches(input.time, "a.b")', 40, "`input.time` is a number", "a URL, a host or an address"),
        ('aaf.cidr_contains("10.0.0.1/8", "10.0.0.1")', 41, "can't take this argument", "10.0.0.0/8"),
        ('aaf.path_beneath(input.context.path, "../x")', 60, "can't take this argument", "without . and .."),
        ('aaf.amount_greater(input.context.amount, 1.5)', 64, "can't take this argument", "in quotes"),
        ('aaf.within_hours(input.time, "utc", ["monday"], "09:00", "17:00")', 52, "can't take this argument", "Europe/Berlin"),
        ('aaf.within_hours(input.time, "UTC", ["mon"], "09:00", "17:00")', 59, "can't take this argument", "monday"),
        ('aaf.within_hours(input.tool, "UTC", ["monday"], "09:00", "17:00")', 40, "`input.tool` is a string", "input.time"),
        ('aaf.within_hours(input.time, "UTC", input.tool, "09:00", "17:00")', 59, "`input.tool` is a string", "list of days"),
        ('aaf.within_hours(input.time, "UTC", ["monday"], "9", "17:00")', 71, "can't take this argument", "09:00"),
    ],
)  # fmt: skip
def test_these_may_not_and_the_hint_says_what_to_write(call: str, column: int, message: str, hint: str) -> None:
    (problem,) = problems(f'{V1}decision := "deny" if {call}\n')
    assert (problem.line, problem.column) == (2, column)
    assert message in problem.message
    assert hint.strip("`") in problem.hint or hint in problem.hint


@pytest.mark.parametrize(
    ("call", "message", "hint"),
    [
        ('aaf.host_matchs("a", "b.c")', "there is no function `aaf.host_matchs`", "did you mean `aaf.host_matches`?"),
        ('aaf.nothing("a")', "there is no function `aaf.nothing`", ""),
        ('aaf.host_matches("a")', "takes 2 arguments, here are 1", ""),
    ],
)  # fmt: skip
def test_what_there_is_not_is_refused_with_what_was_perhaps_meant(call: str, message: str, hint: str) -> None:
    (problem,) = problems(f'{V1}decision := "deny" if {call}\n')
    assert (problem.line, problem.column) == (2, 23)
    assert message in problem.message
    assert hint in problem.hint


def test_a_function_of_ones_own_may_not_have_the_name_of_one() -> None:
    (problem,) = problems(f'{V1}is_private_ip(x) if x == "a"\ndecision := "deny" if is_private_ip("a")\n')
    assert "is a built-in function" in problem.message

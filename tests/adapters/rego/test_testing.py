"""Tests of modules in a worker: results, prints, facts, lines; and that a test that runs wild ends itself and nothing else."""

import pytest

from aaf.adapters.rego import process as processes
from aaf.adapters.rego import worker
from aaf.adapters.rego.parser import WorkerParser
from aaf.adapters.rego.testing import RESTARTS, Bench, Reached, RuleResult, run_module
from aaf.policy.positioned import Faults
from aaf.policy.rego.module import Dialect
from aaf.policy.rego.testing import Script, ScriptTests, read_tests

UNDER = """package aaf.policies

import data.aaf.lib.money

default decision := "deny"

decision := "allow" if {
	input.tool == "pay"
	to_number(input.params.amount) < money.limit(input.params.currency)
}

limited if rate_limit_exceeded(input.agent_id)

dangerous if time.now_ns() > 0
"""
LIBRARY = """package aaf.lib.money

limit(currency) := 100 if currency == "EUR"

limit(currency) := 90 if currency != "EUR"
"""
HEAD = "package aaf.policies.pay_test\n\nimport data.aaf.policies.decision\n\n"
SMALL = '{"tool": "pay", "agent_id": "a", "params": {"amount": "5", "currency": "EUR"}}'
MODULES = (
    Script("policies/money.rego", Dialect.V1, "aaf.lib.money", LIBRARY, library=True),
    Script("policies/other.rego", Dialect.V1, "aaf.policies", 'package aaf.policies\n\ndecision := "other"\n'),
    Script("policies/pay.rego", Dialect.V1, "aaf.policies", UNDER),
)
PATIENT = 60.0


def module_of(*lines: str) -> ScriptTests:
    faults = Faults("")
    with WorkerParser(start=PATIENT, read=PATIENT) as parser:
        text = HEAD + "\n".join(lines) + "\n"
        (found,) = read_tests({"t/pay_test.rego": text.encode()}, MODULES, parser, faults)
    assert faults.problems == []
    return found


def ran(*lines: str, reached: Reached | None = None) -> dict[str, RuleResult]:
    module = module_of(*lines)
    done = run_module(module, MODULES, reached or Reached(), module.tests)
    return {one.test: one for one in done}


def test_a_test_is_true_or_something_else() -> None:
    found = ran(
        f'test_small if decision == "allow" with input as {SMALL}',
        'test_other if decision == "deny" with input as {"tool": "other"}',
        'test_wrong if decision == "deny" with input as ' + SMALL,
        "test_false := false",
        'test_text := "true"',
    )
    assert {name: one.said for name, one in found.items()} == {
        "test_small": "true",
        "test_other": "true",
        "test_wrong": '"<undefined>"',
        "test_false": "false",
        "test_text": '"true"',
    }
    assert [one.line for one in found.values()] == [5, 6, 7, 8, 9]
    assert not any(one.error for one in found.values())


def test_what_is_printed_is_told_within_bounds() -> None:
    found = ran('test_it if print("amount", 5)', "test_many if every n in numbers.range(1, 300) { print(n) }")
    assert found["test_it"].printed == ("t/pay_test.rego:5: amount 5",)
    assert len(found["test_many"].printed) == worker.MAX_PRINTED


def test_functions_of_the_firewall_know_the_facts_of_the_tests() -> None:
    found = ran(
        'facts := {"rate_limit_exceeded": {"hasty": true, "calm": false}}',
        'test_over if data.aaf.policies.limited with input as {"agent_id": "hasty"}',
        'test_calm if not data.aaf.policies.limited with input as {"agent_id": "calm"}',
        'test_unknown if data.aaf.policies.limited with input as {"agent_id": "nobody"}',
    )
    assert (found["test_over"].said, found["test_calm"].said) == ("true", "true")
    assert "policies/pay.rego:12: " in found["test_unknown"].error


def test_functions_that_policies_may_call_tests_can_too() -> None:
    found = ran(
        'test_host if aaf.host_matches("https://a.example.com/", "*.example.com")',
        'test_hours if aaf.within_hours(0, "Europe/Berlin", ["thursday"], "01:00", "01:01")',
        'test_wrong if not aaf.cidr_contains("10.0.0.0/8", "not an address")',
    )
    assert (found["test_host"].said, found["test_hours"].said) == ("true", "true")
    assert "this is not a URL" in found["test_wrong"].error


def test_facts_of_another_form_are_none() -> None:
    found = ran("facts := 5", 'test_it if data.aaf.policies.limited with input as {"agent_id": "a"}')
    assert found["test_it"].error


def test_what_policies_may_not_call_tests_can_not_either() -> None:
    assert ran("test_now if data.aaf.policies.dangerous with input as {}")["test_now"].error


def test_an_error_has_its_place_and_the_next_test_is_run() -> None:
    found = ran('test_error if to_number("x") == 2', "test_next := true")
    assert found["test_error"].error == "t/pay_test.rego:5: could not parse string as number"
    assert found["test_next"].said == "true"


def test_a_test_that_runs_wild_ends_itself_and_nothing_else() -> None:
    module = module_of(
        "count_up(n) := count_up(n + 1)",
        "test_endless if count([1 | some i in numbers.range(1, 20000); some j in numbers.range(1, 20000); i * j == 7]) > 0",
        "test_recursion if count_up(1) > 0",
        "test_next := true",
    )
    bench = Bench(
        [*(one for one in MODULES if one.library), MODULES[2], module.module], "", Reached(), load=PATIENT, answer=0.5
    )
    try:
        endless, recursion, after = (bench.ask(module.rule(name)) for name, _ in module.tests)
    finally:
        bench.close()
    assert endless.error == "there is no answer within 0.5 s"
    assert recursion.error
    assert (after.said, after.error) == ("true", "")


def test_after_many_broken_workers_the_rest_is_not_run() -> None:
    bench = Bench(
        [Script("m", Dialect.V1, "m", 'package m\nr := strings.count("aaa", "")')], "", Reached(), load=PATIENT
    )
    said = [bench.ask("data.m.r").error for _ in range(RESTARTS + 1)]
    bench.close()
    assert said[-1] == f"not run: tests before it broke {RESTARTS} workers"
    assert all(one.startswith("the worker ended") for one in said[:-1])


def test_lines_that_were_reached_are_told_from_those_that_were_not() -> None:
    reached = Reached()
    ran(f'test_small if decision == "allow" with input as {SMALL}', reached=reached)
    assert reached.lines["policies/pay.rego"] == {5, 7, 8, 9, 12, 14}
    assert reached.covered["policies/pay.rego"] >= {5, 7, 8, 9}
    assert not reached.covered["policies/pay.rego"] & {12, 14}
    assert reached.lines["policies/money.rego"] == {3, 5}
    assert reached.covered["policies/money.rego"] == {3} | (reached.covered["policies/money.rego"] & {5})
    assert "policies/other.rego" not in reached.lines


def test_a_module_is_asked_about_a_document_with_the_facts_of_the_firewall() -> None:
    reached = Reached()
    bench = Bench([MODULES[0], MODULES[2]], "", reached, load=PATIENT)
    allowed = bench.ask("data.aaf.policies.decision", SMALL.encode())
    over = bench.ask("data.aaf.policies.limited", SMALL.encode(), b'{"rate": {"a": true}}')
    bench.close()
    assert (allowed.said, over.said) == ('"allow"', "true")
    assert 12 in reached.covered["policies/pay.rego"]


def test_a_rule_that_is_not_there_and_a_module_that_does_not_load_are_errors() -> None:
    bench = Bench([MODULES[0], MODULES[2]], "", Reached(), load=PATIENT)
    assert bench.ask("data.aaf.policies.nothing").error == "not a valid rule path"
    bench.close()
    broken = Bench([Script("m", Dialect.V1, "m", "package m\nr := := 1")], "", Reached(), load=PATIENT)
    assert broken.ask("data.m.r").error.startswith("the module and its tests can't be loaded: m:2: ")
    broken.close()


def test_without_an_engine_every_test_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking() -> None:
        raise processes.EngineLackingError("the Rego engine is not installed")

    monkeypatch.setattr(processes, "_folder", lacking)
    bench = Bench(MODULES[:1], "", Reached())
    assert bench.ask("data.aaf.lib.money.limit").error == "the Rego engine is not installed"

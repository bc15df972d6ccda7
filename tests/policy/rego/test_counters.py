"""Modules ask for limits that are judged, and for what limits have."""

import pytest

from aaf.domain.errors import ConfigurationInvalid
from tests.policy.rego.loading import V1, loaded

MAIN = """version: 1
limits:
  rates:
    - {name: few, per: agent, rate: 1/h, enforce: policy}
    - {name: door, per: agent, rate: 1/h}
  spend:
    - {name: cap-1, per: organisation, match: {tool: pay}, ceiling: "5.00", currency: EUR, window: 1d}
"""


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    "asked",
    [
        "input.counters.few.exceeded",
        "input.counters.few.remaining < 3",
        'input.counters["cap-1"].remaining == "0.00"',
        "some name; input.counters[name].exceeded",
        "count(input.counters) > 0",
    ],
)
def test_a_module_may_ask_what_is_there(asked: str) -> None:
    module = f'{V1}decision := {{"action": "deny"}} if {{ {asked} }}\n'
    assert [one.name for one in loaded({"m.rego": module}, MAIN).modules] == ["policies/m.rego"]


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("asked", "column", "said"),
    [
        ("input.counters.fee.exceeded", 52, "there is no limit that is judged `fee` (did you mean `few`?)"),
        ("input.counters.door.exceeded", 52, "there is no limit that is judged `door` (known are: cap-1, few)"),
        ("input.counters.few.exceded", 56, "there is no counter of a limit `exceded` (did you mean `exceeded`?)"),
    ],
)
def test_a_module_may_not_ask_what_is_never_there(asked: str, column: int, said: str) -> None:
    module = f'{V1}decision := {{"action": "deny"}} if {{ {asked} }}\n'
    with pytest.raises(ConfigurationInvalid) as caught:
        loaded({"m.rego": module}, MAIN)
    (problem,) = caught.value.problems
    assert (problem.line, str(problem)) == (2, f"policies/m.rego:2:{column}: {said}")


def test_where_the_limits_could_not_be_read_their_names_are_not_checked() -> None:
    module = f'{V1}decision := {{"action": "deny"}} if input.counters.few.exceeded\n'
    with pytest.raises(ConfigurationInvalid) as caught:
        loaded({"m.rego": module}, MAIN.replace("1/h", "often"))
    assert {problem.file for problem in caught.value.problems} == {"aaf.yaml"}


@pytest.mark.requirement("R20")
@pytest.mark.parametrize(
    ("limits", "problem", "warned"),
    [
        ("rates: [{name: few, per: agent, rate: 1/h, enforce: policy}]", False, False),
        ("rates: [{name: few, per: agent, rate: 1/h}]", False, True),
        ("rates: [{name: few, per: organisation, rate: 1/h, enforce: policy}]", True, False),
    ],
)
def test_the_function_is_about_the_rates_of_agents_that_are_judged(limits: str, problem: bool, warned: bool) -> None:
    module = f'{V1}decision := {{"action": "deny"}} if rate_limit_exceeded(input.agent_id)\n'
    main = f"version: 1\nlimits: {{{limits}}}\n"
    if problem:
        with pytest.raises(ConfigurationInvalid, match="there is none"):
            loaded({"m.rego": module}, main)
        return
    assert any("never true" in one for one in loaded({"m.rego": module}, main).warnings) is warned

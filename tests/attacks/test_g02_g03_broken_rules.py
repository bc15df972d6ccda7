"""G02, G03: rules that would silently never match."""

import pytest

from aaf.domain.errors import ConfigurationInvalid
from aaf.domain.states import State
from tests.services.world import World, edited

MISSPELT_KEY = edited(
    "aaf.yaml",
    (
        "    reason: Shell commands need a person\n",
        "    reason: Shell commands need a person\n    unles: {role: admin}\n",
    ),
)
NO_SUCH_PARAMETER = edited(
    "aaf.yaml", ("{tool: shell, operation: run}", "{tool: shell, operation: run, params.comand: {contains: rm}}")
)


@pytest.mark.attack("G02", guard="aaf.policy.reading:Section.close")
def test_a_rule_with_a_key_that_nobody_reads_is_not_loaded_and_the_old_rules_stay(either: World) -> None:
    before = either.run(either.store.release(either.org))
    with pytest.raises(ConfigurationInvalid) as caught:
        either.configure(MISSPELT_KEY)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line > 1, problem.column > 1) == ("aaf.yaml", True, True)
    assert "unles" in problem.message
    assert either.run(either.store.release(either.org)) == before
    assert either.command().state is State.PENDING_APPROVAL


@pytest.mark.attack("G03", guard="aaf.policy.rules:Check.parameter")
def test_a_rule_on_a_parameter_that_no_type_has_is_not_loaded(either: World) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        either.configure(NO_SUCH_PARAMETER)
    (problem,) = caught.value.problems
    assert "params.comand" in problem.message
    assert "shell.run" in problem.message
    assert "params.command" in problem.hint

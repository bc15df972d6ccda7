"""G04: a rule that would deny, and can't be evaluated: the answer is no, and it is said where."""

import pytest

from aaf.domain.errors import Code
from aaf.domain.states import State
from tests.services.test_modules import FAILS_ON_EVIL, POLICY, having, pay
from tests.services.world import World

CONTRADICTS = (
    'decision := {"action": "deny"} if contains(input.params.to, "evil")\n'
    'decision := {"action": "allow"} if startswith(input.params.to, "evil")\n'
)


@pytest.mark.attack("G04", guard="aaf.services.judging:failed_policy", without="tests.attacks.permissive:no_objection")
@pytest.mark.parametrize(
    ("rules", "code", "line"),
    [(FAILS_ON_EVIL, Code.POLICY_ERROR, 5), (CONTRADICTS, Code.POLICY_CONFLICT, 4)],
    ids=["a function raises", "rules contradict each other"],
)
def test_an_error_in_a_deny_rule_of_a_module_denies_and_the_log_says_where(
    either: World, rules: str, code: Code, line: int
) -> None:
    either.configure(having(rules))
    assert pay(either, "2").state is State.ALLOWED
    record = pay(either, "evil")
    assert (record.state, record.code) == (State.DENIED, code)
    assert [reason["name"] for reason in record.reasons] == [POLICY]
    (entry,) = [fields for kind, fields in either.log.entries if kind == "policy_failed"]
    assert (entry["module"], entry["line"], entry["code"]) == (POLICY, line, str(code))

"""The three examples that the product's users begin with: two run as written, the first is refused until its variable is bound."""

from pathlib import Path

import pytest

import aaf
from aaf.adapters.folder import read_folder
from aaf.domain.decision import Decision, Source, Verdict
from aaf.domain.errors import Code
from aaf.policy.catalogue import ActionClass
from aaf.policy.configuration import Configuration, load
from aaf.policy.decision_input import Input
from aaf.policy.rego.answers import spoken
from aaf.policy.rego.document import document
from tests.policy.rego.engine import InProcess, evaluate
from tests.policy.rego.loading import problems
from tests.policy.samples import SOMEBODY, an_input

SHIPPED = Path(aaf.__file__).parent / "shipped" / "rego"

FIRST = """package aaf.policies
default decision = {"action": "deny", "reason": "No matching allow rule"}
# Explicitly allow specific operations
decision = {"action": "allow"} {
input.tool == "http_proxy"
input.operation == "GET"
allowed_domains[input.params.url]
}
allowed_domains[url] {
startswith(url, "https://api.trusted.com/")
}
"""
SECOND = """decision = {
"action": "require_approval",
"risk_level": "high",
"reason": "Write operations require approval"
} {
input.operation in ["POST", "PUT", "DELETE"]
not input.context.pre_approved
}
"""
THIRD = """decision = {
"action": "deny",
"reason": "Rate limit exceeded"
} {
rate_limit_exceeded(input.agent_id)
}
"""


def _shipped(**policies: str) -> Configuration:
    files = read_folder(SHIPPED)
    if policies:
        files = {name: data for name, data in files.items() if not name.startswith("policies/")}
    return load(
        {**files, **{f"policies/{name}.rego": text.encode() for name, text in policies.items()}}, parser=InProcess()
    )


def _call(operation: str, url: str = "https://api.trusted.com/v1", **changes: object) -> Input:
    klass = ActionClass.READ if operation == "get" else ActionClass.EXTERNAL_API_CALL
    return an_input(f"http_proxy.{operation}", klass=klass, params={"url": url}, **changes)


def _judged(configuration: Configuration, asked: Input, *, limited: bool = False) -> Decision:
    facts = {SOMEBODY: limited}
    seen = document(asked, configuration.catalogue.get(asked.name))
    answers = [(one, evaluate(one, seen, (), facts)) for one in configuration.modules_for(asked.name)]
    return configuration.policy.judge(asked, (), spoken(answers, configuration.approvals))


@pytest.mark.requirement("R18")
@pytest.mark.attack(
    "G02", guard="aaf.policy.rego.variables:Variables.unsafe", without="tests.attacks.without_rego:nothing_unbound"
)
def test_the_first_is_refused_with_its_line_its_variable_and_what_to_write() -> None:
    found = problems(FIRST)
    assert len(found) == 1
    problem = found[0]
    assert (problem.file, problem.line, problem.column) == ("policies/m.rego", 10, 12)
    assert "`url` is unbound" in problem.message
    assert "`url := input.params.url`" in problem.hint


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(
    ("operation", "url", "verdict"),
    [
        ("get", "https://api.trusted.com/v1", Verdict.ALLOW),
        ("get", "https://api.trusted.com.evil.tld/", Verdict.DENY),
        ("post", "https://api.trusted.com/v1", Verdict.DENY),
    ],
)
def test_the_first_as_its_problem_says_to_write_it(operation: str, url: str, verdict: Verdict) -> None:
    corrected = FIRST.replace("startswith(url", "url := input.params.url\nstartswith(url")
    decision = _judged(_shipped(first=corrected), _call(operation, url))
    assert decision.verdict is verdict
    if verdict is Verdict.DENY:
        assert (decision.votes[0].source, decision.votes[0].reason) == (Source.DEFAULT, "No matching allow rule")


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R19")
@pytest.mark.parametrize("operation", ["post", "put", "delete"])
def test_the_second_as_written_holds_writes_with_its_risk_and_reason(operation: str) -> None:
    decision = _judged(_shipped(second=f"package aaf.policies\n{SECOND}"), _call(operation))
    (vote,) = decision.votes
    assert (vote.verdict, vote.source, vote.code) == (Verdict.REQUIRE_APPROVAL, Source.MODULE, Code.MODULE)
    assert (vote.name, vote.risk, vote.reason) == (
        "policies/second.rego",
        "high",
        "Write operations require approval",
    )
    assert decision.requirements == (_shipped().approvals,)


@pytest.mark.requirement("R18")
@pytest.mark.attack(
    "G37", guard="aaf.policy.rego.document:document", without="tests.attacks.without_rego:believes_the_agent"
)
def test_the_second_does_not_believe_an_agent_that_says_it_is_approved() -> None:
    asked = _call("post", context={"pre_approved": True})
    decision = _judged(_shipped(second=f"package aaf.policies\n{SECOND}"), asked)
    # By the module, and not by what holds for the class where nobody speaks.
    assert (decision.verdict, decision.code) == (Verdict.REQUIRE_APPROVAL, Code.MODULE)


@pytest.mark.requirement("R18")
@pytest.mark.requirement("R20")
@pytest.mark.parametrize("limited", [True, False])
def test_the_third_as_written_denies_beyond_the_rate(limited: bool) -> None:
    decision = _judged(_shipped(third=f"package aaf.policies\n{THIRD}"), _call("get"), limited=limited)
    assert decision.verdict is Verdict.DENY
    assert decision.votes[0].reason == ("Rate limit exceeded" if limited else _SILENCE)


_SILENCE = "No rule speaks about this action. Add a rule to aaf.yaml."


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(
    ("operation", "limited", "verdict"),
    [
        ("get", False, Verdict.ALLOW),
        ("get", True, Verdict.DENY),
        ("post", False, Verdict.REQUIRE_APPROVAL),
        ("post", True, Verdict.DENY),
    ],
)
def test_the_three_that_are_shipped_decide_together(operation: str, limited: bool, verdict: Verdict) -> None:
    shipped = _shipped()
    assert shipped.warnings == ()
    assert Configuration.from_stored(shipped.to_stored()).to_stored() == shipped.to_stored()
    assert _judged(shipped, _call(operation), limited=limited).verdict is verdict


@pytest.mark.requirement("R18")
def test_the_shipped_ones_are_those_above() -> None:
    def words(name: str) -> list[str]:
        text = (SHIPPED / "policies" / f"{name}.rego").read_text()
        return text[text.index("package") :].split()

    corrected = FIRST.replace("startswith(url", "url := input.params.url\nstartswith(url")
    assert words("trusted-api") == corrected.split()
    assert words("write-operations") == f"package aaf.policies\n{SECOND}".split()
    assert words("rate-limit") == f"package aaf.policies\n{THIRD}".split()

"""What reads as if it decided something, and would never hold, or be ignored without a word."""

import pytest

from aaf.domain.canonical import Json
from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import Configuration, load
from aaf.policy.rego.parsing import Failure
from aaf.policy.rego.samples import MAX_LEVELS, _value, sample
from aaf.policy.schemas import Schema
from tests.policy.rego.engine import InProcess
from tests.policy.rego.loading import V1, loaded, problems, published
from tests.policy.samples import with_main

DENY = 'decision := {"action": "deny"} if '
RATED = "version: 1\nlimits: {agent: {rate: 60/m, burst: 30, enforce: policy}}\n"

MISSPELT = [
    (DENY + 'input["toool"] == "pay"', "there is no `input.toool`"),
    (DENY + 'object.get(input, "toool", "") == "pay"', "there is no `input.toool`"),
    (DENY + 'object.get(input.action, ["class", "x"], "") == "pay"', "there is no `input.action.class.x`"),
    (DENY + '{ x := input; x.toool == "pay" }', "there is no `input.toool`"),
    (DENY + '{ x := input; y := x.action; y.toool == "pay" }', "there is no `input.action.toool`"),
    (DENY + '{ x = input.action; x.toool == "pay" }', "there is no `input.action.toool`"),
    ("asked := input\n" + DENY + 'asked.toool == "pay"', "there is no `input.toool`"),
    ("a := b.action\nb := input\n" + DENY + 'a.toool == "pay"', "there is no `input.action.toool`"),
    ("import input.action as act\n" + DENY + '{ x := act; x.toool == "pay" }', "there is no `input.action.toool`"),
    (DENY + '{ x := input.params; x.token == "pay" }', "`input.params.token` is declared secret"),
    (DENY + 'input.tool[0] == "p"', "there is no `input.tool.…`"),
    (DENY + "input.tool == 5", "`input.tool` is a string, which never equals a number"),
    (DENY + "input.params.amount > 100", "`input.params.amount` is a string"),
    (DENY + 'input.action.params.count == "3"', "`input.action.params.count` is a number"),
    (DENY + '"x" != input.time', "`input.time` is a number"),
    (DENY + 'input.context.pre_approved == "yes"', "`input.context.pre_approved` is a true or false"),
    (DENY + "{\n  input.time < 5\n  -1 < input.time\n}", "this compares the result of a comparison"),
    ("count(x) := 0\n" + DENY + "count(input.findings) == 0", "`count` is a built-in function"),
]


@pytest.mark.requirement("R18")
@pytest.mark.parametrize(("rules", "message"), MISSPELT)
def test_a_condition_that_never_means_what_it_says_is_refused(rules: str, message: str) -> None:
    assert message in " ".join(problem.message for problem in problems(V1 + rules))


WARNED = [
    (DENY + '{ some k; input[k] == "pay" }', "which fields of `input.…` are read here"),
    (DENY + '{ k := "toool"; input[k] == "pay" }', "which fields of `input.…` are read here"),
    ('f(x) if x.toool == "pay"\n' + DENY + "f(input)", "which fields of `input` are read here"),
    (DENY + '"toool" in object.keys(input.action)', "which fields of `input.action` are read here"),
    (DENY + '{ x := input; f := x; "a" in object.keys(f) }', "which fields of `input` are read here"),
    (DENY + '{ object.get(input, input.tool, "") == "pay" }', "which fields of `input` are read here"),
    (DENY + 'input.action["class"] == "raed"', "no action type has `raed` as `input.action.class`"),
    (DENY + 'input.risk != "hgih"', "no action type has `hgih` as `input.risk`"),
]


@pytest.mark.parametrize(("rules", "warning"), WARNED)
def test_what_cannot_be_checked_is_worth_a_warning(rules: str, warning: str) -> None:
    assert warning in " ".join(published(V1 + rules).warnings)


FINE = [
    DENY + '{ x := input; x.tool == "pay" }',
    DENY + '{ x := input.action; x.tool == "pay" }\n' + DENY + '{ x := input.agent; x.name == "a" }',
    DENY + "{ y := [x | x := input.tool]; z := [x | x := 5]; y == z }",
    'who := input.agent.name if input.tool == "pay"\nelse := "nobody"\n' + DENY + 'who == "nobody"',
    DENY + 'object.get(input.context, "ticket", 0) == 1',
    DENY + 'object.get(input.params.meta, ["note"], "") == "x"',
    DENY + "{ input.params.meta == null }",
    DENY + "{ input.params != 3 }",
    DENY + "(input.time > 5) == true",
    DENY + "{ [x, y] := [1, 2]; x + y == input.time }",
]


@pytest.mark.parametrize("rules", FINE)
def test_what_is_fine_stays_fine(rules: str) -> None:
    assert published(V1 + rules).warnings == ()


@pytest.mark.requirement("R18")
def test_the_rate_needs_a_limit_that_policy_enforces() -> None:
    module = {"m.rego": V1 + DENY + "rate_limit_exceeded(input.agent_id)"}
    (problem,) = problems(module)
    assert (problem.line, problem.column) == (2, len(DENY) + 1)
    assert "there is none" in problem.message
    assert "enforce: policy" in problem.hint
    assert loaded(module, RATED).warnings == ()
    assert "never true" in loaded(module, RATED.replace("policy", "door")).warnings[0]


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("asked", ["input.agent.name", '"bob"', "input.params.to", "5"])
def test_the_rate_is_only_known_of_the_agent_that_acts(asked: str) -> None:
    module = {"m.rego": V1 + DENY + f"rate_limit_exceeded({asked})"}
    with pytest.raises(Exception, match="knows the acting agent only"):
        loaded(module, RATED)


@pytest.mark.parametrize("asked", ["input.agent_id", "input.agent.id", "x"])
def test_the_rate_may_be_asked_about_the_agent_under_any_name(asked: str) -> None:
    module = {"m.rego": f"{V1}f(x) if rate_limit_exceeded({asked})\n{DENY}f(input.agent_id)"}
    assert loaded(module, RATED).warnings == ()


IGNORED = [
    "# metadata\n",
    "##METADATA\n",
    "# METADATA:\n",
    "# custom:\n#   tools: [pay]\n",
    "# METADATA\n# title: a\n\n# custom: {guard: true}\n",
    "# METADATA\n# title: a\n\n# tools: [pay]\n",
]


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("head", IGNORED)
def test_metadata_that_nobody_would_read_is_refused(head: str) -> None:
    assert problems(head + V1 + DENY + 'input.tool == "pay"')


@pytest.mark.parametrize("head", ["# The metadata: nothing\n", "# METADATA\n# title: a\n\n# what it is for\n"])
def test_other_comments_are_free(head: str) -> None:
    assert not problems(head + V1 + DENY + 'input.tool == "pay"\n# tools: none\n')


def test_a_sample_has_a_value_for_each_declared_parameter() -> None:
    catalogue = loaded({}).catalogue
    module = published(f'# METADATA\n# custom: {{tools: [pay]}}\n{V1}{DENY}input.params.to == "x"')
    assert b'"params":{"to":"1","cc":[],"amount":"1","currency":"1","count":1,' in sample(module, catalogue.values())
    assert b'"name":"sample.action"' in sample(module, ())


def test_a_sample_follows_references_and_ends() -> None:
    deep: Json = {"type": "object", "properties": {}}
    for _ in range(MAX_LEVELS + 2):
        deep = {"type": ["object", "null"], "properties": {"in": deep}}
    schema = Schema(
        {"type": "object", "properties": {"d": {"$ref": "#/$defs/d"}, "c": {"const": 4}, "x": {}}, "$defs": {"d": deep}}
    )
    value = _value(schema.document, schema.document, MAX_LEVELS)
    assert isinstance(value, dict)
    assert (value["c"], value["x"]) == (4, None)


class Trying(InProcess):
    """A parser that says what became of trying modules out."""

    def __init__(self, *failures: Failure) -> None:
        super().__init__()
        self.failures = failures

    def try_out(self, *_: object) -> tuple[Failure, ...]:
        return self.failures


def _tried(*failures: Failure) -> Configuration:
    files = {**with_main("version: 1\n"), "policies/m.rego": f'{V1}{DENY}input.tool == "pay"'.encode()}
    return load(files, parser=Trying(*failures))


def test_what_fails_with_a_sample_is_a_warning_of_its_module() -> None:
    (warning,) = _tried(Failure("policies/m.rego", 2, "it fails", fatal=False)).warnings
    assert warning == "policies/m.rego:2: it fails"


@pytest.mark.parametrize("name", ["policies/m.rego", ""])
def test_what_could_never_be_asked_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        _tried(Failure(name, 0, "it ends the worker", fatal=True))
    (problem,) = caught.value.problems
    assert (problem.file, problem.message) == ("policies/m.rego", "it ends the worker")

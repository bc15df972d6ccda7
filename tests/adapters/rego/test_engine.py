"""What modules are asked and what comes back: each alone with the libraries, and a failure for everything that is no answer."""

import pytest

from aaf.adapters.rego.engine import Engine
from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.policy.rego.answers import Answer, Undefined, Value
from aaf.policy.rego.module import Dialect, Module
from tests.adapters.rego.material import GOOD, ask, failing, module, process_of, silent, still_works

LIBRARY = module("high(x) if x > 10\n", "policies/lib.rego", package="aaf.lib.amounts", library=True)


@pytest.mark.parametrize(
    ("rules", "answer"),
    [
        ('decision := "deny" if input.no', Undefined()),
        ("other := 1", Undefined()),
        ("decision := null", Value(None)),
        ("decision := false", Value(value=False)),
        ('decision := "<undefined>"', Value("<undefined>")),
        ("decision := {}", Value({})),
        ('decision := {"action": "deny", "risk_level": "high"}', Value({"action": "deny", "risk_level": "high"})),
        ('decision := "å\\u0000\\U0001F600"'.replace("\\U0001F600", "😀"), Value("å\x00😀")),
        ("decision := [1, 1.5, -0.25]", Value([1, 1.5, -0.25])),
    ],
)
def test_what_a_module_says_is_told_apart_from_its_silence(engine: Engine, rules: str, answer: Answer) -> None:
    assert ask(engine, module(rules)) == (answer,)


def test_a_set_of_decisions_is_a_list(engine: Engine) -> None:
    one = module('decisions contains "deny" if input.x\ndecisions contains "allow"', output="decisions")
    assert ask(engine, one, document={"x": True}) == (Value(["allow", "deny"]),)
    assert ask(engine, module('decisions contains "deny" if input.x', output="decisions")) == (Value([]),)


def test_modules_of_one_package_share_no_rules_and_see_every_library(engine: Engine) -> None:
    first = module('decision := "deny" if data.aaf.lib.amounts.high(input.x)\nmine := 1', "policies/a.rego")
    second = module('decision := "allow" if not data.aaf.policies.mine', "policies/b.rego")
    among = (first, LIBRARY, second)
    assert ask(engine, first, second, among=among, document={"x": 11}) == (Value("deny"), Value("allow"))
    assert ask(engine, second, first, among=among, document={"x": 1}) == (Value("allow"), Undefined())


def test_both_dialects_run_side_by_side(engine: Engine) -> None:
    old = module('decision = "deny" { input.x }', "policies/old.rego", dialect=Dialect.V0)
    new = module('decision := "deny" if input.x', "policies/new.rego")
    assert ask(engine, old, new, document={"x": True}) == (Value("deny"), Value("deny"))


@pytest.mark.parametrize(
    "document",
    [{"t": True}, {"t": None}, {"t": 0.1}, {"t": 2**53 - 1}, {"t": "\x00\ud7ff😀"}, {"t": {"a": [[], {}, ""]}}],
)
def test_a_document_arrives_as_it_was(engine: Engine, document: Json) -> None:
    assert ask(engine, module("decision := input"), document=document) == (Value(document),)


def test_one_document_leaves_nothing_for_the_next(engine: Engine) -> None:
    both = module("decision := input.a if input.a\ndecision := input.b if input.b")
    with failing(Code.POLICY_CONFLICT):
        ask(engine, both, document={"a": 1, "b": 2})
    assert ask(engine, both, document={"b": 2}) == (Value(2),)
    assert silent(engine, both)


def test_functions_know_the_facts_of_this_question_and_nothing_else(engine: Engine) -> None:
    limited = module('decision := "deny" if rate_limit_exceeded(input.agent_id)')
    document: Json = {"agent_id": "a"}
    assert ask(engine, limited, document=document, facts={"rate": {"a": True}}) == (Value("deny"),)
    assert ask(engine, limited, document=document, facts={"rate": {"a": False}}) == (Undefined(),)
    lacking: tuple[Json, ...] = ({}, {"rate": {}}, {"rate": {"b": False}})
    for facts in lacking:
        with failing(Code.POLICY_ERROR) as caught:
            ask(engine, limited, document=document, facts=facts)
        assert (caught[0].module, caught[0].line) == ("policies/a.rego", 3)
    with failing(Code.POLICY_ERROR):
        ask(engine, limited, document={"agent_id": ["a"]}, facts={"rate": {"a": False}})


@pytest.mark.parametrize(
    ("rules", "code", "line"),
    [
        ('decision := "allow"\ndecision := "deny"', Code.POLICY_CONFLICT, 4),
        ("f(x) := 1\nf(x) := 2\ndecision := f(1)", Code.POLICY_CONFLICT, 5),
        ("decision := nobody_wrote_this(1)", Code.POLICY_ERROR, 3),
        ("decision := 1 / 0", Code.POLICY_ERROR, 3),
        ('decision := regex.match("(", "a")', Code.POLICY_ERROR, 3),
        ("decision := 1 if nothing > 1", Code.POLICY_ERROR, 3),
        ("a := b\nb := a\ndecision := a", Code.POLICY_ERROR, 3),
        ("decision := {", Code.POLICY_ERROR, 3),
        ("decision := time.now_ns()", Code.POLICY_ERROR, 3),
        ("decision := opa.runtime()", Code.POLICY_ERROR, 3),
        ('decision := rand.intn("a", 5)', Code.POLICY_ERROR, 3),
        ('decision := uuid.rfc4122("a")', Code.POLICY_ERROR, 3),
        ('decision := http.send({"method": "get", "url": "http://127.0.0.1"})', Code.POLICY_ERROR, 3),
        ('decision := net.lookup_ip_addr("localhost")', Code.POLICY_ERROR, 3),
        ("decision := 12345678901234567890", Code.POLICY_ERROR, 0),
        ("decision := data.aaf_answer.value", Code.POLICY_ERROR, 2),
    ],
)
def test_a_module_that_fails_is_named_with_its_line(engine: Engine, rules: str, code: Code, line: int) -> None:
    with failing(code) as caught:
        ask(engine, module(rules))
    assert caught[0].line == line
    assert caught[0].module in {"policies/a.rego", "aaf_answer"}
    before = process_of(engine)
    assert still_works(engine)
    assert process_of(engine) is before, "an error of a module costs no worker"


def test_one_failing_module_of_several_is_the_one_that_is_named(engine: Engine) -> None:
    broken = module("decision := 1 / input.x", "policies/b.rego")
    with failing(Code.POLICY_ERROR) as caught:
        ask(engine, *GOOD, broken, document={"x": 0})
    assert caught[0].module == "policies/b.rego"
    assert ask(engine, *GOOD, broken, document={"x": 1}) == (Undefined(), Value(1))


def test_a_module_that_does_not_load_fails_alone(engine: Engine) -> None:
    broken = module("decision :=", "policies/broken.rego")
    among = (*GOOD, broken)
    assert ask(engine, *GOOD, among=among, document={"good": True}) == (Value("allow"),)
    with failing(Code.POLICY_ERROR) as caught:
        ask(engine, broken, among=among)
    assert caught[0].module == "policies/broken.rego"


@pytest.mark.parametrize(
    "one",
    [LIBRARY, module('value := ["allow"]', package="aaf_answer"), module("x := 1", package="aaf_answer.more")],
    ids=["library", "its own package", "beneath it"],
)
def test_a_module_that_may_not_be_asked_is_not_asked(engine: Engine, one: Module) -> None:
    with failing(Code.POLICY_ERROR):
        ask(engine, one)


def test_printing_is_neither_kept_nor_a_failure(engine: Engine) -> None:
    loud = module('decision := "allow" if print("x")')
    assert [ask(engine, loud) for _ in range(3)] == [(Value("allow"),)] * 3


def test_releases_are_kept_and_the_oldest_goes(engine: Engine) -> None:
    kept = [(module(f"decision := {number}"),) for number in range(7)]
    for _ in range(2):
        assert [ask(engine, *one) for one in kept] == [(Value(number),) for number in range(7)]
    assert len(engine._free[-1].sets) == 4
    before = process_of(engine)
    equal = (module("decision := 6"),)
    assert ask(engine, *equal) == (Value(6),)
    assert (len(engine._free[-1].sets), process_of(engine)) == (4, before)

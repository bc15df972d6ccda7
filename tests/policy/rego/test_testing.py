"""Test modules: which module they are about, what they may name, and that a test of nothing is refused."""

import pytest

from aaf.domain.canonical import Json
from aaf.policy.positioned import Faults
from aaf.policy.rego.module import Dialect
from aaf.policy.rego.parsing import ModuleRefused
from aaf.policy.rego.testing import Script, ScriptTests, read_tests, whole
from tests.policy.rego.engine import InProcess
from tests.policy.rego.loading import loaded

PAY = """package aaf.policies

default decision := "deny"

decision := "allow" if small

small if to_number(input.params.amount) < 100
"""
LIBRARY = 'package aaf.lib.money\n\nlimit(currency) := 100 if currency == "EUR"\n'
USING = """package aaf.policies.using

import data.aaf.lib.money

decision := "deny" if to_number(input.params.amount) > money.limit(input.params.currency)
"""
OLD = 'package aaf.policies\n\ndecision = "deny" { input.tool == "pay" }\n'
MODULES = {"pay.rego": PAY, "money.rego": LIBRARY, "using.rego": USING, "old.rego": OLD}
HEAD = "package aaf.policies.pay_test\n\nimport data.aaf.policies.decision\n\n"


def scripts() -> tuple[Script, ...]:
    files = {f"policies/{name}": text.encode() for name, text in MODULES.items()}
    return whole(loaded(MODULES).modules, files)


def read(text: str, name: str = "t/pay_test.rego") -> tuple[tuple[ScriptTests, ...], list[str]]:
    faults = Faults("")
    found = read_tests({name: text.encode()}, scripts(), InProcess(), faults)
    return found, [str(problem) for problem in faults.problems]


def told(text: str, name: str = "t/pay_test.rego") -> list[str]:
    found, problems = read(text, name)
    assert found == ()
    return problems


def test_a_module_is_tested_whole_with_its_default_and_its_imports() -> None:
    by_name = {one.name: one for one in scripts()}
    assert by_name["policies/pay.rego"].text == PAY
    assert by_name["policies/money.rego"].library
    old = by_name["policies/old.rego"]
    assert (old.dialect, old.text.count("\n")) == (Dialect.V0, OLD.count("\n"))
    assert "import future.keywords.if" in old.text.splitlines()[0]


def test_tests_are_the_rules_that_begin_so_each_once_with_its_line() -> None:
    (module,), problems = read(
        HEAD
        + "facts := {}\n"
        + 'test_small if decision == "allow" with input as {"params": {"amount": "5"}}\n'
        + "test_small if false\n"
        + "helper := 1\n"
        + 'test_large if decision == "deny" with input as {"params": {"amount": "500"}}\n'
        + "test_function(x) := x\n"
    )
    assert problems == []
    assert (module.under, module.tests) == ("policies/pay.rego", (("test_small", 6), ("test_large", 9)))
    assert module.rule("test_small") == "data.aaf.policies.pay_test.test_small"
    assert module.facts == "data.aaf.policies.pay_test.facts"


def test_a_module_of_tests_may_be_in_any_package_and_in_the_old_dialect() -> None:
    (module,), problems = read('package checks\n\ntest_it { data.aaf.policies.decision == "deny" with input as {} }\n')
    assert problems == []
    assert (module.module.package, module.module.dialect, module.facts) == ("checks", Dialect.V0, "")


def test_a_library_is_seen_and_other_modules_are_not() -> None:
    (module,), problems = read(
        'package m_test\n\nimport data.aaf.lib.money as m\n\ntest_it if m.limit("EUR") == 100\n', "t/money_test.rego"
    )
    assert (module.under, problems) == ("policies/money.rego", [])
    said = told(HEAD + 'test_it if data.aaf.policies.using.decision == "deny"\n')
    assert said == ["t/pay_test.rego:5:12: `policies/pay.rego` has no rule `using` (known are: decision, small)"]


def test_what_with_makes_may_be_anything_that_no_module_has() -> None:
    _, problems = read(HEAD + 'test_it if data.rates.EUR == 2 with data.rates as {"EUR": 2}\n')
    assert problems == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "test_it if not data.aaf.policies.decison",
            "`policies/pay.rego` has no rule `decison` (did you mean `decision`?)",
        ),
        ("test_it if not data.aaf.policy.decision", "`data.aaf.policy.decision` is nothing that these tests see"),
        ("test_it if not data.rates.EUR", "`data.rates.EUR` is nothing that these tests see"),
        (
            'test_it if decision == "allow" with data.aaf.policies.smal as true',
            "`policies/pay.rego` has no rule `smal` (did you mean `small`?)",
        ),
        (
            "test_it if not data.aaf.policies.small with input as reqest",
            "nothing gives the variable `reqest` a value",
        ),
        ("test_it if not data.aaf.policies.small == wanted", "nothing gives the variable `wanted` a value"),
        ("test_it if not data.aaf.policies", "this names a whole package, and every rule of it would be evaluated"),
        ("import data.aaf.policies\ntest_it if policies.decision", "this names a whole package"),
        ("import data.aaf.policies.decison as said\ntest_it if not said", "has no rule `decison`"),
        ("testing := true", "no rule of this file begins with test_"),
        ("test_it if {", "is never closed"),
        ("test_it := := 1", "not Rego"),
    ],
)
def test_a_test_that_could_never_fail_or_be_read_is_refused(line: str, said: str) -> None:
    assert any(said in one for one in told(f"{HEAD}{line}\n")), told(f"{HEAD}{line}\n")


def test_a_variable_that_the_rule_gives_a_value_may_be_given_to_with() -> None:
    _, problems = read(
        HEAD + 'test_it if {\n\tsome amount in ["1", "2"]\n\tasked := {"params": {"amount": amount}}\n'
        "\tdata.aaf.policies.small with input as asked\n}\n"
    )
    assert problems == []


@pytest.mark.parametrize("name", ["t/pay.rego", "t/payment_test.rego", "t/test_pay.rego"])
def test_a_file_that_is_about_no_module_is_refused(name: str) -> None:
    (said,) = told(HEAD + "test_it := true\n", name)
    assert "there is no module that these tests are about" in said
    assert "pay_test" in said


def test_a_file_without_a_package_or_of_another_encoding_is_refused() -> None:
    assert "begins with its package" in told("test_it := true\n")[0]
    assert "nothing" not in told("\x00")[0]


def test_a_file_with_too_many_tests_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aaf.policy.rego.testing.MAX_TESTS", 1)
    (said,) = told(HEAD + "test_a := true\ntest_b := true\n")
    assert "at most 1 tests" in said


def test_a_tree_that_can_not_be_walked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aaf.policy.rego.testing.bounded", lambda _: False)
    assert "t/pay_test.rego: this has a form that can't be checked (write it more simply)" in told(
        HEAD + "test_a := 1\n"
    )


def test_what_is_wrong_with_one_file_does_not_hide_the_others() -> None:
    faults = Faults("")
    texts = {"t/a_test.rego": b"", "t/pay_test.rego": b'package p\n\nimport input.tool\n\ntest_it if tool == "pay"\n'}
    found = read_tests(texts, scripts(), InProcess(), faults)
    assert [one.file for one in found] == ["t/pay_test.rego"]
    assert len(faults.problems) == 1


def test_an_imported_rule_may_be_replaced() -> None:
    _, problems = read(
        "package p\n\nimport data.aaf.policies.small\n\n"
        'test_it if data.aaf.policies.decision == "allow" with small as true\n'
    )
    assert problems == []


class Failing(InProcess):
    """A parser that doesn't read a module a second time, or gives a tree of another form."""

    def __init__(self, tree: object) -> None:
        super().__init__()
        self._tree = tree

    def parse(self, name: str, text: str, dialect: Dialect, /) -> Json:
        if name != "policies/pay.rego":
            return super().parse(name, text, dialect)
        if self._tree is None:
            raise ModuleRefused(3, 1, "there is no answer")
        return {"ast": 5}


@pytest.mark.parametrize(("tree", "said"), [(None, "policies/pay.rego:3:1: there is no answer"), (5, "has a form")])
def test_a_module_that_can_not_be_read_again_is_a_problem(tree: object, said: str) -> None:
    faults = Faults("")
    read_tests({"t/pay_test.rego": f"{HEAD}test_it := true\n".encode()}, scripts(), Failing(tree), faults)
    assert any(said in str(one) for one in faults.problems)


def test_a_test_that_is_too_entangled_to_be_checked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    modules, faults = scripts(), Faults("")
    monkeypatch.setattr("aaf.policy.rego.variables.MAX_WORK", 0)
    read_tests({"t/pay_test.rego": f"{HEAD}test_a if 1 == 1\n".encode()}, modules, InProcess(), faults)
    (said,) = map(str, faults.problems)
    assert "this has a form that can't be checked" in said


def test_a_module_whose_file_is_another_by_now_is_left_out() -> None:
    modules = loaded(MODULES).modules
    assert whole(modules, {one.name: b"\x00" for one in modules}) == ()

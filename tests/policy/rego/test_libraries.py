"""Shared code: libraries are imported by name, decide nothing, and are checked like everything else."""

import pytest

from aaf.policy.rego.answers import Value
from aaf.policy.rego.document import document
from tests.policy.rego.engine import evaluate
from tests.policy.rego.loading import loaded, problems
from tests.policy.samples import an_input

HOSTS = """package aaf.lib.hosts
trusted(path) if startswith(path, "notes")
limit := 5
names.short contains "a"
"""
USER = """package aaf.policies
import data.aaf.lib.hosts
import data.aaf.lib.hosts.limit
import data.aaf.lib as shared
decision := "allow" if {
	hosts.trusted(input.params.path)
	data.aaf.lib.hosts.trusted("notes")
	shared.hosts.limit == limit
	hosts.names.short["a"]
}
"""


def test_a_module_uses_a_library_by_its_import_and_by_its_full_name() -> None:
    found = loaded({"hosts.rego": HOSTS, "user.rego": USER})
    library, module = found.modules
    assert (library.library, library.output, module.library) == (True, "", False)
    assert found.modules_for("files.read") == (module,)
    assert found.modules_for("nothing.known") == (module,)
    assert evaluate(module, document(an_input(), None), [library]) == Value("allow")


LIB = "package aaf.lib.x\nf(a) := 1 if a == 1\ny := 2\n"
POLICY = "package aaf.policies\nimport data.aaf.lib.x\n"
REFUSED = [
    ("a library that decides", {"m.rego": 'package aaf.lib.x\ndecision := "deny"'}, 2, "a library may not decide"),
    ("a library with a default of its own", {"m.rego": 'package aaf.lib.x\ndefault decision := "deny"\ny := 1'}, 2, "can't have a default"),
    ("two files of one library", {"l.rego": LIB, "m.rego": LIB}, 1, "policies/l.rego has this package already"),
    ("a function that isn't there", {"l.rego": LIB, "m.rego": POLICY + 'decision := "deny" if x.g(1)'}, 3, "no function `g`"),
    ("the wrong number of arguments", {"l.rego": LIB, "m.rego": POLICY + 'decision := "deny" if x.f(1, 2)'}, 3, "takes 1 arguments"),
    ("a rule that isn't there", {"l.rego": LIB, "m.rego": POLICY + 'decision := "deny" if x.z'}, 3, "has no rule `z`"),
    ("a rule that is called", {"l.rego": LIB, "m.rego": POLICY + 'decision := "deny" if x.y(1)'}, 3, "`y` is no function"),
    ("a rule by a value", {"l.rego": LIB, "m.rego": POLICY + 'decision := "deny" if x[input.tool]'}, 3, "depends on a value"),
    ("all of a library", {"l.rego": LIB, "m.rego": POLICY + 'decision := "deny" if x'}, 3, "no library for `data.aaf.lib.x`"),
    ("another library", {"l.rego": LIB, "m.rego": 'package aaf.policies\ndecision := "deny" if data.aaf.lib.xx.y'}, 2, "no library"),
    ("an unused import", {"m.rego": 'package aaf.policies\nimport data.aaf.lib.nothing\ndecision := "deny" if input.tool'}, 2, "no library"),
    ("a circle through libraries", {"l.rego": "package aaf.lib.a\nimport data.aaf.lib.b\nx if b.y", "m.rego": "package aaf.lib.b\nimport data.aaf.lib.a\ny if a.x"}, 3, "leads back to itself"),
]  # fmt: skip


@pytest.mark.parametrize(("modules", "line", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_it_is_refused_with_its_place(modules: dict[str, str], line: int, message: str) -> None:
    found = problems(modules)
    assert found
    assert message in found[-1].message
    assert (found[-1].file, found[-1].line) in {("policies/m.rego", line), ("policies/l.rego", line)}


def test_a_library_that_cannot_be_read_adds_no_false_alarm_about_its_users() -> None:
    (problem,) = problems({"hosts.rego": "package aaf.lib.hosts\nx := (", "user.rego": USER})
    assert problem.file == "policies/hosts.rego"


def test_what_several_modules_have_is_not_shared() -> None:
    one = 'package aaf.policies\nok if input.tool == "files"\ndecision := "allow" if ok\n'
    (problem,) = problems(
        {"a.rego": one, "b.rego": 'package aaf.policies\ndecision := "allow" if data.aaf.policies.ok\n'}
    )
    assert (problem.file, problem.message) == ("policies/b.rego", "`policies/b.rego` has no rule `ok`")

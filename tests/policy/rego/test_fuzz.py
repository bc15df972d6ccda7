"""Broken modules: whatever is written, the check ends with a module or with problems that have a place."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aaf.policy.positioned import Faults
from aaf.policy.rego.reading import Surroundings, read_modules
from tests.policy.rego.engine import InProcess
from tests.policy.rego.loading import V1, loaded
from tests.policy.rego.test_published import FINE
from tests.policy.rego.test_refused import REFUSED
from tests.policy.rego.test_seed_policies import FIRST, SECOND, THIRD
from tests.policy.rego.test_strange_trees import TEXT

_TOKENS = re.compile(r'"[^"\n]*"|\w+|\s+|.', re.DOTALL)
SEEDS = [FIRST, f"package aaf.policies\n{SECOND}", f"package aaf.policies\n{THIRD}", TEXT]
SEEDS += [f"{V1}{row[1]}" for row in (*FINE, *REFUSED)]
WORDS = sorted({token for text in SEEDS for token in _TOKENS.findall(text)})
AROUND = Surroundings(loaded({}).catalogue)


@st.composite
def _broken(draw: st.DrawFn) -> str:
    tokens = _TOKENS.findall(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens)))
        length = draw(st.integers(0, 3))
        tokens[at : at + length] = draw(st.lists(st.sampled_from(WORDS), max_size=2))
    return "".join(tokens)


def _check(data: bytes) -> None:
    faults = Faults("aaf.yaml")
    modules = read_modules({"policies/m.rego": data}, InProcess(), AROUND, faults)
    assert bool(faults.problems) != bool(modules)
    lines = data.count(b"\n") + 1
    for problem in faults.problems:
        assert problem.file == "policies/m.rego"
        assert 0 <= problem.line <= lines
        assert problem.column >= (problem.line > 0)
        assert problem.message


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_broken())
def test_a_broken_module_is_a_module_or_problems(text: str) -> None:
    _check(text.encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.booleans())
def test_any_bytes_are_a_module_or_problems(data: bytes, packaged: bool) -> None:
    _check(V1.encode() + data if packaged else data)

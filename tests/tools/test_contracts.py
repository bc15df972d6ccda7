import pytest

from tests.tools.conftest import Copy, Run

PLANTED = [
    pytest.param("domain", "import os", "aaf.domain.planted imports os", id="the operating system in domain"),
    pytest.param("domain", "import yaml", "aaf.domain.planted imports yaml", id="a third party in domain"),
    pytest.param("policy", "import time", "aaf.policy.planted imports time", id="the clock in policy"),
    pytest.param("services", "import asyncio", "aaf.services.planted -> asyncio", id="an event loop in services"),
    pytest.param(
        "services", "import aaf.adapters", "aaf.services.planted -> aaf.adapters", id="an adapter in services"
    ),
    pytest.param(
        "entrypoints", "import aaf.adapters", "aaf.entrypoints.planted -> aaf.adapters", id="an adapter in a door"
    ),
    pytest.param("domain", "import aaf.services", "aaf.domain.planted -> aaf.services", id="upwards"),
    pytest.param("services", "import aaf_verify", "aaf.services.planted -> aaf_verify", id="the verifier in a service"),
]


LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
FOLDERS = ("adapters", "analysis", "domain", "entrypoints", "policy", "services")
FILES = ("__main__", "bootstrap", "embedded", "main", "ports", "settings")


def _lint(planted: dict[str, str], copy: Copy, run: Run) -> tuple[int, str]:
    house = {f"src/aaf/{folder}/__init__.py": "" for folder in FOLDERS} | {f"src/aaf/{name}.py": "" for name in FILES}
    root = copy({**house, **planted})
    done = run(root, "-c", LINT)
    return done.returncode, done.stdout + done.stderr


def test_an_empty_house_is_clean(copy: Copy, run: Run) -> None:
    code, output = _lint({}, copy, run)
    assert code == 0, output


@pytest.mark.parametrize(("folder", "line", "said"), PLANTED)
def test_a_planted_import_is_refused(folder: str, line: str, said: str, copy: Copy, run: Run) -> None:
    code, output = _lint({f"src/aaf/{folder}/planted.py": f"{line}\n"}, copy, run)
    assert (code, said in output) == (1, True), output


def test_two_doors_that_know_each_other_are_refused(copy: Copy, run: Run) -> None:
    doors = {"src/aaf/entrypoints/api.py": "import aaf.entrypoints.cli\n", "src/aaf/entrypoints/cli.py": ""}
    code, output = _lint(doors, copy, run)
    assert (code, "entrypoints.api" in output) == (1, True), output


@pytest.mark.parametrize(("importer", "imported", "kept"), [("api", "refusing", True), ("refusing", "api", False)])
def test_doors_know_what_they_share_and_it_knows_none_of_them(
    importer: str, imported: str, kept: bool, copy: Copy, run: Run
) -> None:
    house = {f"src/aaf/entrypoints/{importer}.py": f"import aaf.entrypoints.{imported}\n"}
    code, output = _lint({**house, f"src/aaf/entrypoints/{imported}.py": ""}, copy, run)
    assert (code == 0) is kept, output


def test_the_terminal_may_start_the_verifier(copy: Copy, run: Run) -> None:
    code, output = _lint({"src/aaf/entrypoints/cli/__init__.py": "import aaf_verify\n"}, copy, run)
    assert code == 0, output


def test_a_module_outside_the_house_is_refused(copy: Copy, run: Run) -> None:
    code, output = _lint({"src/aaf/helpers.py": ""}, copy, run)
    assert (code, "helpers" in output) == (1, True), output

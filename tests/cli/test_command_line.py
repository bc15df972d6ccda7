import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from aaf.entrypoints.cli.app import COMMANDS
from tests.cli.conftest import run

SOURCE = Path(import_module("aaf.entrypoints.cli").__path__[0])
HEAVY = ("fastapi", "httpx2", "rich", "sqlite3", "uvicorn")


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom aaf.entrypoints.cli.app import app\n"
        "try:\n    app(['--help'], prog_name='aaf')\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stderr.strip() == "[]"
    assert all(re.search(rf"^  {name} ", ran.stdout, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_in_the_list_is_the_commands_own(name: str) -> None:
    ended = run(name, "--help")
    assert ended.status == 0
    assert COMMANDS[name] in re.sub(r"\s+", " ", ended.out)


def test_usage_that_is_wrong_ends_with_2() -> None:
    for arguments in (("nothing",), ("approvals", "nothing"), ("proof",), ("serve", "--port", "70000")):
        ended = run(*arguments)
        assert ended.status == 2, arguments
        assert "Traceback" not in ended.err


def test_the_version_is_printed() -> None:
    ended = run("--version")
    assert re.fullmatch(r"aaf \d+\.\d+\.\d+\n", ended.out)


def test_an_unforeseen_error_is_a_sentence_unless_asked_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a secret of somebody")

    monkeypatch.setattr("aaf.entrypoints.cli.proof.credential", broken)
    arguments = ("proof", "x", "-o", "y")
    ended = run(*arguments)
    assert ended.status == 2
    assert ended.err.startswith("internal_error: ")
    assert "secret" not in ended.err
    with pytest.raises(ZeroDivisionError):
        run("--traceback", *arguments)


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aaf.entrypoints.cli.proof.credential", interrupted)
    assert run("proof", "x", "-o", "y").status == 130


@pytest.mark.parametrize("command", ["serve", "doctor", "recover"])
def test_a_misspelt_variable_is_an_error(command: str) -> None:
    ended = run(command, AAF_DATTA="/x")
    assert ended.status == 2
    assert "AAF_DATA" in ended.err


def test_no_colour_where_no_terminal_is() -> None:
    assert "\x1b" not in run("actions", "list").err

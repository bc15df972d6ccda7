import json
import os
import stat
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aaf.adapters.driving import drive
from aaf.bootstrap import build, sealed_secrets
from aaf.entrypoints.cli.app import app
from aaf.entrypoints.cli.demonstration.stage import Stage
from aaf.settings import Settings
from tests.cli.conftest import Ended, run
from tests.cli.test_prompts import at_a_terminal

VALUE = "correct horse battery"


def piped(text: str | bytes, *arguments: str) -> Ended:
    result = CliRunner().invoke(app, arguments, input=text, prog_name="aaf")
    return Ended(result.exit_code, result.stdout, result.stderr)


def kept(data: Path, handle: str = "shop_key") -> str:
    return drive(sealed_secrets(Settings(data=data), create=False).get(handle))


@pytest.mark.requirement("R06")
def test_a_secret_that_is_piped_is_kept_before_the_first_start_and_listed_by_its_handle(folder: Path) -> None:
    data = folder / "data"
    ended = piped(f"{VALUE}\n", "secrets", "set", "shop_key", "--data", str(data))
    assert (ended.status, ended.out) == (0, "")
    assert "Kept shop_key." in ended.err
    assert stat.S_IMODE((data / "secrets.json").stat().st_mode) == 0o600
    again = piped(f"{VALUE}2\r\n", "secrets", "set", "shop_key", "--data", str(data))
    assert "Replaced shop_key." in again.err
    assert run("secrets", "list", "--data", str(data)).out == "shop_key\n"
    assert json.loads(run("secrets", "list", "--data", str(data), "--json").out) == ["shop_key"]
    drive(drive(build(Settings(data=data, root=folder / "work"), asynchronous=False)).close())
    assert kept(data) == f"{VALUE}2"
    assert VALUE not in again.out + again.err + ended.err


def test_a_secret_that_is_removed_is_gone(folder: Path) -> None:
    data = str(folder / "data")
    piped(VALUE, "secrets", "set", "shop_key", "--data", data)
    assert run("secrets", "remove", "shop_key", "--data", data).status == 0
    assert run("secrets", "list", "--data", data).out == ""
    ended = run("secrets", "remove", "shop_key", "--data", data)
    assert (ended.status, ended.err.partition(":")[0]) == (1, "not_found")


@pytest.mark.parametrize(
    ("handle", "text", "code"),
    [
        ("Shop-Key", VALUE, "wrong_type"),
        ("shop_key", "", "wrong_type"),
        ("shop_key", "short", "wrong_type"),
        ("shop_key", "two lines\nof secrets", "wrong_type"),
        ("shop_key", b"\xff\xfe is no text", "not_text"),
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(folder: Path, handle: str, text: str | bytes, code: str) -> None:
    ended = piped(text, "secrets", "set", handle, "--data", str(folder / "data"))
    assert ended.status == 2
    assert ended.err.startswith(f"{code}: ")
    assert "two lines" not in ended.err
    assert not (folder / "data" / "secrets.json").exists()


@pytest.mark.parametrize("command", [("list",), ("remove", "shop_key")])
def test_a_folder_without_an_installation_is_left_alone(folder: Path, command: tuple[str, ...]) -> None:
    ended = run("secrets", *command, "--data", str(folder / "nothing"))
    assert ended.status == 2
    assert ended.err.startswith("store_unavailable: ")
    assert list(folder.iterdir()) == []


@pytest.mark.requirement("R07")
@pytest.mark.parametrize("again", [VALUE, "something else"])
def test_at_a_terminal_it_is_typed_twice_and_not_echoed(folder: Path, again: str) -> None:
    data = folder / "data"
    with at_a_terminal(sys.executable, "-m", "aaf", "secrets", "set", "shop_key", "--data", str(data)) as person:
        person.sees("Secret: ")
        person.types(f"{VALUE}\n")
        person.sees("Again: ")
        person.types(f"{again}\n")
        same = again == VALUE
        assert person.ended() == (0 if same else 1)
    assert VALUE not in person.seen
    assert again not in person.seen
    assert (data / "secrets.json").exists() is same
    assert ("not_the_same" in person.seen) is not same


def test_a_variable_with_a_secret_is_no_setting(folder: Path) -> None:
    assert Settings.read({**os.environ, "AAF_SECRET_SHOP_KEY": VALUE}) == Settings.read(os.environ)


def test_doctor_is_red_about_an_exemption_and_about_secrets_that_others_can_read(folder: Path) -> None:
    from aaf.entrypoints.cli.demonstration.shop import shop

    with shop() as opened:
        stage = Stage(folder, opened)
        stage.set_out()
        stage.keep_secret()
        (stage.data / "secrets.json").chmod(0o644)
        ended = run("doctor", "--data", str(stage.data), "--config", str(stage.configuration))
    assert ended.status == 1
    assert f"FAIL egress: may call http://127.0.0.1:{opened.port} at 127.0.0.1" in ended.out
    assert "fix: Take it out of egress.unsafe_allow." in ended.out
    assert "FAIL secrets file: " in ended.out

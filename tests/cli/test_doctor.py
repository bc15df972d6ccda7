import json
from pathlib import Path

import pytest

from aaf.bootstrap import build, drive
from aaf.settings import Settings
from tests.cli.conftest import run


@pytest.fixture
def data(folder: Path) -> Path:
    """An installation that was started once."""
    settings = Settings(data=folder / "data", root=folder / "workspace")
    drive(drive(build(settings, asynchronous=False)).close())
    (folder / "data").chmod(0o700)
    return folder / "data"


def test_a_good_installation_passes_and_says_what_is_no_fault(data: Path) -> None:
    ended = run("doctor", "--data", str(data))
    assert ended.status == 0, ended.out
    lines = ended.out.splitlines()
    assert any(line.startswith("ok   ledger: ") for line in lines)
    assert any(line.startswith("note mode: advisory") for line in lines)


@pytest.mark.parametrize(("name", "mode"), [("keys/log.key", 0o644), ("aaf.db", 0o640), (".", 0o755)])
def test_what_others_can_read_fails_with_its_fix(data: Path, name: str, mode: int) -> None:
    (data / name).chmod(mode)
    ended = run("doctor", "--data", str(data), "--json")
    assert ended.status == 1
    failed = [one for one in json.loads(ended.out) if one["ok"] is False]
    assert f"chmod {0o700 if name == '.' else 0o600:o} {data / name}" in [one["fix"] for one in failed]


def test_a_folder_that_holds_nothing_fails_and_nothing_is_made(folder: Path) -> None:
    ended = run("doctor", "--data", str(folder / "nothing"))
    assert ended.status == 1
    assert "FAIL data folder: " in ended.out
    assert list(folder.iterdir()) == []


def test_a_broken_configuration_fails_with_its_place(data: Path, folder: Path) -> None:
    config = folder / "config"
    config.mkdir()
    (config / "aaf.yaml").write_text("version: 1\nextra: 1\n")
    ended = run("doctor", "--data", str(data), "--config", str(config))
    assert ended.status == 1
    assert f"{config}/aaf.yaml:2:" in ended.out


def test_a_configuration_that_is_not_what_is_active_is_said_to_be_none(data: Path, folder: Path) -> None:
    assert "not what is active" not in run("doctor", "--data", str(data)).out
    config = folder / "config"
    config.mkdir()
    (config / "aaf.yaml").write_text("version: 1\n")
    drive(drive(build(Settings(data=data, config=config, root=folder / "workspace"), asynchronous=False)).close())
    without = run("doctor", "--data", str(data)).out
    assert "release 2, read at start" in without
    assert "safe (not what is active): " in " ".join(without.split())
    assert "not what is active" not in run("doctor", "--data", str(data), "--config", str(config)).out


def test_recovering_what_needs_none_is_refused_and_changes_nothing(data: Path) -> None:
    ended = run("recover", "--data", str(data), "--yes", "--reason", "I want to.")
    assert ended.status == 1
    assert ended.err.startswith("not_recovering: ")


def test_recovering_takes_a_reason_and_a_folder(data: Path, folder: Path) -> None:
    assert run("recover", "--data", str(data), "--yes").err.startswith("reason_required: ")
    assert run("recover", "--data", str(folder / "nothing")).err.startswith("not_found: ")
    assert not (folder / "nothing").exists()


def test_a_restored_database_is_released_by_a_person_only(data: Path, folder: Path) -> None:
    settings = Settings(data=data, root=folder / "workspace")
    installation = drive(build(settings, asynchronous=False))
    drive(installation.core.store.set_recovering("A backup was restored."))
    drive(installation.close())
    asked = run("recover", "--data", str(data))
    assert asked.status == 2
    assert "A backup was restored." in asked.err
    assert "nobody_to_ask: " in asked.err
    released = run("recover", "--data", str(data), "--yes", "--reason", "Restored the backup of Sunday.")
    assert released.status == 0, released.err
    again = drive(build(settings, asynchronous=False))
    assert again.recovering is None
    drive(again.close())

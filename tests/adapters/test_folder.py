"""A configuration folder as names and bytes."""

from pathlib import Path

import pytest

from aaf.adapters.folder import MAX_BYTES, MAX_FILES, read_folder, shipped
from aaf.bootstrap.placing import placing
from aaf.domain.errors import ConfigurationInvalid


def test_files_come_by_their_names_and_hidden_ones_stay_out(tmp_path: Path) -> None:
    (tmp_path / "actions").mkdir()
    for name in ("aaf.yaml", "actions/a.yaml", ".aaf.yaml.swp", "actions/.b.yaml", "note.txt"):
        (tmp_path / name).write_text(name)
    assert read_folder(tmp_path) == {name: name.encode() for name in ("aaf.yaml", "note.txt", "actions/a.yaml")}


@pytest.mark.parametrize("name", ["safe", "demo"])
def test_what_is_shipped_is_there(name: str) -> None:
    assert "aaf.yaml" in read_folder(shipped(name))


def test_a_folder_that_can_not_be_read_is_a_problem_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="no such folder"):
        read_folder(tmp_path / "none")
    (tmp_path / "aaf.yaml").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(ConfigurationInvalid, match="over 1 MiB"):
        read_folder(tmp_path)


@pytest.mark.parametrize("relative", [True, False])
def test_a_problem_of_a_whole_file_is_placed_once_beneath_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("conf") if relative else tmp_path / "conf"
    with pytest.raises(ConfigurationInvalid) as missing, placing(folder):
        read_folder(folder)
    folder.mkdir()
    (folder / "aaf.yaml").write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(ConfigurationInvalid) as large, placing(folder):
        read_folder(folder)
    assert [caught.value.problems[0].file for caught in (missing, large)] == ["conf", "conf/aaf.yaml"]


def test_too_many_files_are_a_problem(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.yaml").touch()
    with pytest.raises(ConfigurationInvalid, match="more than"):
        read_folder(tmp_path)

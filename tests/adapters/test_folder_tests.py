"""Where test files are looked for, and what is said of those that can't be read."""

from pathlib import Path

import pytest

from aaf.adapters import folder_tests
from aaf.adapters.folder import MAX_BYTES
from aaf.adapters.folder_tests import configuration_of, files_of_tests, read_test
from aaf.domain.errors import ConfigurationInvalid


def put(path: Path, text: str = "cases: []\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def files_at(place: Path, suffix: str = ".yaml") -> list[str]:
    return [one.name for one in files_of_tests(place, suffix)]


def test_a_configuration_has_its_tests_in_one_place_and_a_plain_folder_in_itself(tmp_path: Path) -> None:
    put(tmp_path / "aaf.yaml")
    assert files_at(tmp_path) == []
    put(tmp_path / "tests" / "policies" / "b.yaml")
    put(tmp_path / "tests" / "policies" / "a.yaml")
    put(tmp_path / "tests" / "policies" / ".hidden.yaml")
    put(tmp_path / "tests" / "policies" / "m_test.rego")
    (tmp_path / "tests" / "policies" / "folder.yaml").mkdir()
    assert files_at(tmp_path) == ["a.yaml", "b.yaml"]
    assert files_at(tmp_path, ".rego") == ["m_test.rego"]
    assert files_at(tmp_path / "tests" / "policies") == ["a.yaml", "b.yaml"]
    assert files_at(tmp_path / "tests" / "policies" / "a.yaml") == ["a.yaml"]
    assert files_at(tmp_path / "tests" / "policies" / "a.yaml", ".rego") == []


def test_tests_are_about_the_nearest_configuration_above_them(tmp_path: Path) -> None:
    put(tmp_path / "aaf.yaml")
    deep = put(tmp_path / "tests" / "policies" / "a.yaml")
    assert configuration_of(deep) == tmp_path
    assert configuration_of(tmp_path) == tmp_path
    assert configuration_of(put(tmp_path / "a" / "b" / "c" / "d" / "e.yaml")) is None


def test_what_can_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationInvalid) as gone:
        files_of_tests(tmp_path / "gone", ".yaml")
    assert "there is no such file or folder" in gone.value.message
    with pytest.raises(ConfigurationInvalid) as unread:
        read_test(tmp_path / "gone.yaml")
    assert "can't be read: No such file" in unread.value.message
    with pytest.raises(ConfigurationInvalid) as large:
        read_test(put(tmp_path / "large.yaml", "#" * (MAX_BYTES + 1)))
    assert "over 1 MiB" in large.value.message
    monkeypatch.setattr(folder_tests, "MAX_FILES", 0)
    with pytest.raises(ConfigurationInvalid) as many:
        files_of_tests(tmp_path, ".yaml")
    assert "more than 0 files" in many.value.message

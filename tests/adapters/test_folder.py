"""A configuration folder as names and bytes."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aaf.adapters import folder as folder_adapter
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


def test_files_that_are_too_large_together_are_a_problem(tmp_path: Path) -> None:
    for number in range(17):
        (tmp_path / f"{number}.yaml").write_bytes(b"x" * MAX_BYTES)
    with pytest.raises(ConfigurationInvalid, match="the files are larger than 16777216 bytes together"):
        read_folder(tmp_path)


def _write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_only_the_folders_that_an_include_names_are_read_and_no_others(tmp_path: Path) -> None:
    _write(
        tmp_path,
        aaf="version: 1\ninclude: [rules/a.yaml]\n",
        rules__a="include: [teams/x/*.yaml]\n",
        rules__unused="",
        teams__x__b="",
        teams__c="",
        workspace__written_by_an_agent="rules: []",
    )
    (tmp_path / "rules" / "README.md").touch()

    assert sorted(read_folder(tmp_path)) == ["aaf.yaml", "rules/a.yaml", "rules/unused.yaml", "teams/x/b.yaml"]


@pytest.mark.parametrize("name", ["aaf.yaml", "actions/a.yaml", "rules/a.yaml"])
def test_a_link_to_a_place_outside_of_the_folder_is_a_problem(tmp_path: Path, name: str) -> None:
    folder = _write(tmp_path / "conf", aaf="version: 1\ninclude: [rules/a.yaml]\n", rules__a="", actions__a="")
    secret = tmp_path / "secret.yaml"
    secret.write_text("version: 1\ninclude: [rules/a.yaml]\n")
    (folder / name).unlink()
    (folder / name).symlink_to(secret)

    with pytest.raises(ConfigurationInvalid, match=f"{name}: this is a link to a place outside of the folder"):
        read_folder(folder)


def test_a_folder_of_links_into_itself_is_read_as_a_mounted_one_is(tmp_path: Path) -> None:
    _write(tmp_path / "..2026", aaf="version: 1\n")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "aaf.yaml").symlink_to("..data/aaf.yaml")

    assert read_folder(tmp_path) == {"aaf.yaml": b"version: 1\n"}


def test_a_linked_folder_outside_is_a_problem(tmp_path: Path) -> None:
    folder = _write(tmp_path / "conf", aaf="version: 1\ninclude: [rules/*.yaml]\n")
    _write(tmp_path / "else", a="")
    (folder / "rules").symlink_to(tmp_path / "else")

    with pytest.raises(ConfigurationInvalid, match="a link to a place outside"):
        read_folder(folder)


def saving(*saves: Callable[[], object]) -> Callable[..., Any]:
    """Somebody who saves while files are read: the opening of a file to read it is followed by the next of these."""
    left = list(saves)

    def opened(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        file = _OPEN(path, mode, *rest, **more)
        if mode == "rb" and left:
            data = file.read()
            left.pop(0)()
            file.close()
            return io.BytesIO(data)
        return file

    return opened


_OPEN = Path.open


@pytest.mark.attack("G34", guard="aaf.adapters.folder:_same", without="tests.adapters.test_folder:at_once")
def test_a_save_in_the_middle_of_reading_is_never_taken_for_a_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _write(tmp_path, aaf="version: 1\ninclude: [a.yaml]\n", a="rules: [old]\n")
    monkeypatch.setattr(folder_adapter, "_PAUSE", 0)
    # The first file is read as it was, the second as it is after the save.
    monkeypatch.setattr(Path, "open", saving(lambda: _write(folder, aaf="version: 1\n", a="rules: [new]\n")))

    assert read_folder(folder) == {"aaf.yaml": b"version: 1\n", "a.yaml": b"rules: [new]\n"}


def at_once(found: object, before: object) -> bool:
    """A guard that takes the first reading."""
    return found is not None or before is not None


def test_a_file_that_goes_away_while_it_is_read_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _write(tmp_path, aaf="version: 1\n", b="x: 1\n")
    monkeypatch.setattr(folder_adapter, "_PAUSE", 0)
    monkeypatch.setattr(Path, "open", saving((folder / "b.yaml").unlink))

    assert read_folder(folder) == {"aaf.yaml": b"version: 1\n"}


def test_a_folder_that_never_stops_changing_is_a_problem_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _write(tmp_path, aaf="0")
    monkeypatch.setattr(folder_adapter, "_PAUSE", 0)
    saves = [lambda number=number: _write(folder, aaf=f"{number}") for number in range(1, 100)]
    monkeypatch.setattr(Path, "open", saving(*saves))

    with pytest.raises(ConfigurationInvalid, match="the files change while they are read"):
        read_folder(folder)


def test_a_problem_that_goes_away_between_two_readings_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _write(tmp_path, a="")
    large = folder / "large.yaml"
    large.write_bytes(b"x" * (MAX_BYTES + 1))
    monkeypatch.setattr(folder_adapter, "_PAUSE", 0)
    monkeypatch.setattr(Path, "open", saving(lambda: large.write_bytes(b"")))

    assert sorted(read_folder(folder)) == ["a.yaml", "large.yaml"]


def test_a_file_that_grows_while_it_is_read_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _write(tmp_path, aaf="")
    monkeypatch.setattr(folder_adapter, "_PAUSE", 0)
    monkeypatch.setattr(Path, "open", lambda *_: io.BytesIO(b"x" * (MAX_BYTES + 1)))

    with pytest.raises(ConfigurationInvalid, match="over 1 MiB"):
        read_folder(folder)


@pytest.mark.parametrize("what", ["open", "iterdir"])
def test_what_may_not_be_read_is_a_problem_with_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    folder = _write(tmp_path, aaf="")
    monkeypatch.setattr(Path, what, refuse)

    with pytest.raises(ConfigurationInvalid, match=r"can't be read: Permission denied \(check its permissions\)"):
        read_folder(folder)


def test_a_folder_that_goes_away_while_it_is_listed_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _write(tmp_path, aaf="version: 1\n")
    gone = iter([True])
    listed = Path.iterdir

    def once(path: Path) -> Iterator[Path]:
        if next(gone, False):
            raise FileNotFoundError(2, "No such file")
        return listed(path)

    monkeypatch.setattr(folder_adapter, "_PAUSE", 0)
    monkeypatch.setattr(Path, "iterdir", once)

    assert read_folder(folder) == {"aaf.yaml": b"version: 1\n"}

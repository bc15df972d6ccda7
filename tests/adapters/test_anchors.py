"""The last checkpoint, remembered outside the database."""

import stat
from pathlib import Path

import pytest

from aaf.adapters.anchors import FileAnchors, NoAnchors
from aaf.domain.errors import StoreFailed


def test_the_furthest_checkpoint_of_each_organisation_is_kept(tmp_path: Path) -> None:
    anchors = FileAnchors(tmp_path / "checkpoints.json")
    for org, size in (("a", 3), ("b", 1), ("a", 5), ("a", 4)):
        anchors.keep(org, size, bytes([size]) * 32)
    assert anchors.kept() == [("a", 5, b"\x05" * 32), ("b", 1, b"\x01" * 32)]
    assert stat.S_IMODE((tmp_path / "checkpoints.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"a": 1}',
        '{"a": {"size": "x", "root": ""}}',
        '{"a": {"size": 1, "root": "zz"}}',
        '{"a": {"size": 1, "root": "00"}}',
        f'{{"a": {{"size": 0, "root": "{"00" * 32}"}}}}',
        "é",
    ],
)
def test_a_file_that_can_not_be_read_is_a_failure_and_is_not_written_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "checkpoints.json"
    path.write_text(text)
    with pytest.raises(StoreFailed, match="which checkpoints were signed before"):
        FileAnchors(path).kept()
    FileAnchors(path).keep("a", 1, bytes(32))
    assert path.read_text() == text


def test_what_is_forgotten_is_put_aside(tmp_path: Path) -> None:
    anchors = FileAnchors(tmp_path / "checkpoints.json")
    anchors.forget()
    anchors.keep("a", 1, bytes(32))
    anchors.forget()
    assert anchors.kept() == []
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoints.json.before"]
    NoAnchors().forget()


def test_a_folder_that_is_gone_is_no_reason_to_fail(tmp_path: Path) -> None:
    FileAnchors(tmp_path / "none" / "checkpoints.json").keep("a", 1, bytes(32))
    NoAnchors().keep("a", 1, bytes(32))
    assert NoAnchors().kept() == []

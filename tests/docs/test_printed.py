"""What a page shows as printed is what is printed: its commands are run, in the order of the page, on the demo's own data."""

import shlex
import shutil
from pathlib import Path

import pytest

from aaf.adapters.folder import shipped
from aaf.entrypoints.cli.demonstration.shop import Shop
from aaf.entrypoints.cli.demonstration.stage import PORT, Stage
from tests.cli.conftest import run
from tests.docs.blocks import DOCS, blocks


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a demonstration, with the shipped example in Rego beside it."""
    (tmp_path / "demo").mkdir()
    Stage(tmp_path / "demo", Shop(int(PORT), "unused")).set_out()
    shutil.copytree(shipped("rego"), tmp_path / "demo" / "rego")
    monkeypatch.chdir(tmp_path / "demo")
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path / "demo"


@pytest.mark.parametrize("name", ["policy-tests.md", "packs.md"])
def test_what_a_page_shows_is_what_is_printed(stage: Path, name: str) -> None:
    shown = 0
    for block in blocks(DOCS / name):
        if block.file:
            (stage / block.file).write_text(block.text, encoding="utf-8")
        if block.language != "console":
            continue
        for part in block.text.split("$ aaf ")[1:]:
            command, _, printed = part.partition("\n")
            done = run(*shlex.split(command))
            lines = "\n".join(line.rstrip() for line in done.out.splitlines()) + "\n"
            assert lines == printed, f"{block.place}: aaf {command}"
            shown += 1
    assert shown >= 3

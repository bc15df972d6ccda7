"""The page of attacks says where each is made, and the threat model names nothing that isn't there."""

import re
from pathlib import Path

import pytest

from tools.lists import read_list
from tools.proofs import PAGE, ROOT, marked, proofs, section, written

MODEL = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")


def test_the_page_says_where_each_attack_is_made() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert page == written(page, section(proofs())), "python -m tools.proofs --write"


def test_marks_are_read_from_decorators_and_not_from_texts(tmp_path: Path) -> None:
    text = (
        "import pytest\n"
        "TEXT = '@pytest.mark.attack(\"G99\")'\n"
        '@pytest.mark.attack("G01", guard="a:b")\n'
        '@pytest.mark.attack("G02", part="half")\n'
        "def test_it(): pass\n"
    )
    assert sorted(marked(text)) == [("G01", True), ("G02", False)]
    (tmp_path / "tests" / "x").mkdir(parents=True)
    (tmp_path / "tests" / "x" / "test_y.py").write_text(text)
    assert "- `G01`: **`tests/x/test_y.py`**\n- `G02`: `tests/x/test_y.py`\n" in section(proofs(tmp_path))


def test_a_page_without_a_place_for_the_list_is_refused() -> None:
    with pytest.raises(ValueError, match="substring"):
        written("# Attacks\n", section({}))


def test_the_threat_model_names_attacks_files_and_commands_that_are_there() -> None:
    rows, _ = read_list("G")
    assert set(re.findall(r"\bG\d\d\b", MODEL)) <= set(rows)
    for name in re.findall(r"`(tests/[\w/.-]+)`", MODEL):
        assert (ROOT / name).exists(), name
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", MODEL)) <= targets
    commands = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in re.findall(r"`(aaf [a-z]+(?: [a-z]+)?)", MODEL):
        assert f"### {name}\n" in commands, name


@pytest.mark.parametrize(
    "id_", sorted(set(re.findall(r"\bG\d\d\b", MODEL.partition("## What is claimed")[2].partition("## ")[0])))
)
def test_what_the_threat_model_claims_is_claimed(id_: str) -> None:
    rows, _ = read_list("G")
    assert rows[id_].is_claimed

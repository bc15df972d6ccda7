"""`aaf config`: what is in force is seen, changed after a look, and gone back from; nobody's change is written over unseen."""

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from aaf.adapters.folder import read_folder
from aaf.entrypoints.cli.configuration import reading
from aaf.entrypoints.cli.terminal.stopping import Stopped
from tests.cli.conftest import Ended, Scene
from tests.cli.managed import managed
from tests.cli.test_prompts import Person, at_a_terminal

TYPE = """\
name: note.take
class: other
risk: low
input: {type: object, additionalProperties: false, properties: {text: {type: string, maxLength: 100}}}
effect: caller
"""
MAIN = "# Kept by hand\nversion: 1\nrules:\n  - name: notes\n    match: {tool: note}\n    decision: allow\n    reason: Harmless\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A server that was started without a folder, so that the API manages its configuration."""
    with managed(tmp_path_factory.mktemp("house")) as scene:
        yield scene


def written(folder: Path, main: str = MAIN) -> Path:
    (folder / "actions").mkdir(parents=True)
    (folder / "aaf.yaml").write_text(main)
    (folder / "actions" / "note.yaml").write_text(TYPE)
    return folder


def applied(house: Scene, folder: Path, main: str = MAIN, *more: str) -> Ended:
    return house.aaf("config", "apply", str(written(folder, main)), "--yes", *more, who="admin")


def release(house: Scene) -> int:
    return int(json.loads(house.aaf("config", "show", "--json", who="admin").out)["release"])


def variant(word: str) -> str:
    return MAIN.replace("Harmless", word)


def test_a_folder_is_applied_after_it_was_validated_and_shown(house: Scene, tmp_path: Path) -> None:
    done = applied(house, tmp_path / "a", variant("Applied"), "--message", "By hand")
    assert done.status == 0, done.err
    assert "+ rules: notes" in done.out or "~ rules: notes" in done.out
    assert f"Active: release {release(house)}: 1 rules, 1 action types, 0 policy modules" in done.out
    shown = house.aaf("config", "show")
    assert "message     By hand" in shown.out
    assert house.aaf("config", "show", "aaf.yaml").out == variant("Applied")
    again = applied(house, tmp_path / "b", variant("Applied"))
    assert (again.status, "Nothing differs." in again.err) == (0, True)


def test_a_dry_run_changes_nothing(house: Scene, tmp_path: Path) -> None:
    before = release(house)
    done = applied(house, tmp_path / "a", variant("Dry"), "--dry-run")
    assert (done.status, release(house)) == (0, before)
    assert "+    reason: Dry" in done.out
    as_json = applied(house, tmp_path / "b", variant("Dry"), "--dry-run", "--json")
    assert json.loads(as_json.out)["valid"] is True


@pytest.mark.requirement("R38")
def test_problems_are_told_with_their_places_and_the_answer_is_no(house: Scene, tmp_path: Path) -> None:
    before = release(house)
    done = applied(house, tmp_path / "a", MAIN.replace("allow", "alow"))
    assert done.status == 1
    assert "aaf.yaml:6:15: `decision` can't be `alow` (did you mean `allow`?)" in done.out
    assert done.err.startswith("configuration_invalid: ")
    assert release(house) == before
    as_json = applied(house, tmp_path / "b", MAIN.replace("allow", "alow"), "--json")
    assert (as_json.status, json.loads(as_json.out)["problems"][0]["line"]) == (1, 6)


@pytest.mark.requirement("R38")
def test_what_somebody_else_changed_meanwhile_is_shown_and_not_written_over(house: Scene, tmp_path: Path) -> None:
    applied(house, tmp_path / "a", variant("First"))
    base = release(house)
    applied(house, tmp_path / "b", variant("Theirs"))
    done = applied(house, tmp_path / "c", variant("Mine"), "--base", str(base))
    assert (done.status, release(house)) == (1, base + 1)
    assert "configuration_conflict: " in done.err
    assert "+    reason: Theirs" in done.err
    assert house.aaf("config", "show", "aaf.yaml").out == variant("Theirs")


def test_releases_are_listed_compared_and_gone_back_to(house: Scene, tmp_path: Path) -> None:
    applied(house, tmp_path / "a", variant("Old"))
    old = release(house)
    applied(house, tmp_path / "b", variant("New"), "--message", "New reason")
    listed = house.aaf("config", "history", "--limit", "2")
    assert listed.out.splitlines()[1].endswith("New reason")
    assert [one["release"] for one in json.loads(house.aaf("config", "history", "--limit", "2", "--json").out)] == [
        old + 1,
        old,
    ]
    compared = house.aaf("config", "diff", str(old), str(old + 1))
    assert "~ rules: notes" in compared.out
    assert "-    reason: Old" in compared.out
    assert house.aaf("config", "diff", str(old), str(old)).err == "Nothing differs.\n"
    back = house.aaf("config", "rollback", str(old), "--yes", "--message", "Sorry", who="admin")
    assert (back.status, release(house)) == (0, old + 2)
    assert house.aaf("config", "show", "aaf.yaml").out == variant("Old")
    missing = house.aaf("config", "rollback", "9999", "--yes", who="admin")
    assert (missing.status, missing.err.startswith("not_found: ")) == (1, True)


def test_an_exported_folder_is_what_was_applied(house: Scene, tmp_path: Path) -> None:
    applied(house, tmp_path / "a", variant("Exported"))
    out = tmp_path / "out"
    assert house.aaf("config", "export", str(out)).status == 0
    assert read_folder(out) == read_folder(tmp_path / "a")
    again = house.aaf("config", "export", str(out))
    assert (again.status, again.err.startswith("file_unusable: ")) == (2, True)


def test_a_draft_goes_its_way(house: Scene, tmp_path: Path) -> None:
    applied(house, tmp_path / "a", variant("Base"))
    made = house.aaf(
        "config", "drafts", "new", str(written(tmp_path / "b", variant("Drafted"))), "--message", "Try", who="admin"
    )
    assert made.out.endswith(f"version 1 on release {release(house)}\n"), made.err
    id_ = made.out.split()[1].removesuffix(":")
    assert "Try" in house.aaf("config", "drafts", "list").out
    assert "+    reason: Drafted" in house.aaf("config", "drafts", "diff", id_, who="admin").out
    saved = house.aaf("config", "drafts", "save", id_, str(written(tmp_path / "c", variant("Saved"))), who="admin")
    assert "version 2" in saved.out
    applied(house, tmp_path / "d", variant("Overtaken"))
    late = house.aaf("config", "drafts", "activate", id_, "--yes", who="admin")
    assert (late.status, "configuration_conflict: " in late.err) == (1, True)
    conflict = house.aaf("config", "drafts", "rebase", id_, who="admin")
    assert (conflict.status, "rebase_conflict: " in conflict.err) == (1, True)
    rebased = house.aaf("config", "drafts", "rebase", id_, "--resolved", str(tmp_path / "c"), who="admin")
    assert "version 3" in rebased.out, rebased.err
    done = house.aaf("config", "drafts", "activate", id_, "--yes", who="admin")
    assert (done.status, house.aaf("config", "show", "aaf.yaml").out) == (0, variant("Saved"))
    assert json.loads(house.aaf("config", "drafts", "list", "--json").out) == []


def test_a_draft_is_discarded(house: Scene) -> None:
    made = house.aaf("config", "drafts", "new", "--json", who="admin")
    id_ = json.loads(made.out)["id"]
    assert house.aaf("config", "drafts", "discard", id_[-8:], "--yes", who="admin").out == f"{id_} is discarded\n"


@pytest.mark.parametrize(
    "command", [("apply", "DIR"), ("rollback", "1"), ("drafts", "activate", "DRAFT"), ("drafts", "discard", "DRAFT")]
)
def test_without_a_person_a_change_takes_yes(house: Scene, tmp_path: Path, command: tuple[str, ...]) -> None:
    draft = json.loads(house.aaf("config", "drafts", "new", "--json", who="admin").out)["id"]
    places = {"DIR": str(written(tmp_path / "a", variant("Asked"))), "DRAFT": draft}
    done = house.aaf("config", *(places.get(part, part) for part in command), who="admin")
    assert (done.status, done.err.partition(":")[0].splitlines()[-1].rpartition(" ")[2]) == (2, "nobody_to_ask")
    house.aaf("config", "drafts", "discard", draft, "--yes", who="admin")


def test_an_agent_sees_nothing_of_it_and_an_approver_changes_nothing(house: Scene, tmp_path: Path) -> None:
    assert house.aaf("config", "show", who="builder").err.startswith("permission_denied: ")
    done = house.aaf("config", "apply", str(written(tmp_path / "a", variant("No"))), "--yes")
    assert (done.status, done.err.startswith("permission_denied: ")) == (1, True)


def test_a_folder_that_manages_is_named_as_the_place_to_change(scene: Scene, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    assert scene.aaf("config", "export", str(copied)).status == 0
    main = copied / "aaf.yaml"
    main.write_text(main.read_text() + "\n# changed\n")
    done = scene.aaf("config", "apply", str(copied), "--yes", who="admin")
    assert done.status == 1
    assert "managed_by_file: " in done.err
    assert "aaf serve --config" in done.err


# --- at a terminal ----------------------------------------------------------------------------------------------------


def editor(folder: Path, *edits: tuple[str, str]) -> str:
    """A program that replaces a text in the file, another one each time."""
    program = folder / "editor.py"
    program.write_text(
        "import pathlib, sys\n"
        f"left = pathlib.Path({str(folder / 'left')!r})\n"
        f"edits = {list(edits)!r}\n"
        "number = int(left.read_text()) if left.exists() else 0\n"
        "left.write_text(str(number + 1))\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "path.write_text(path.read_text().replace(*edits[number]))\n"
    )
    return f"{sys.executable} {program}"


def at_work(house: Scene, *arguments: str, **environment: str) -> AbstractContextManager[Person]:
    return at_a_terminal(
        sys.executable,
        "-m",
        "aaf",
        "config",
        *arguments,
        AAF_URL=house.stage.url,
        AAF_API_KEY=house.keys["admin"],
        **environment,
    )


def test_an_edit_is_validated_shown_and_asked_about(house: Scene, tmp_path: Path) -> None:
    applied(house, tmp_path / "a", variant("Edited"))
    program = editor(tmp_path, ("allow", "alow"), ("alow", "deny"))
    with at_work(house, "edit", EDITOR=program, TMPDIR=str(tmp_path)) as person:
        person.sees("Edit again? [y/N]")
        assert "did you mean `allow`?" in person.seen
        person.types("y\n")
        person.sees("Activate this? [y/N]")
        assert "+    decision: deny" in person.seen
        person.types("y\n")
        assert person.ended() == 0, person.seen
    assert house.aaf("config", "show", "aaf.yaml").out == variant("Edited").replace("allow", "deny")
    assert not list(tmp_path.glob("aaf-*"))


def test_what_was_typed_stays_in_a_file_where_it_is_not_activated(house: Scene, tmp_path: Path) -> None:
    applied(house, tmp_path / "a", variant("Stays"))
    before = release(house)
    with at_work(house, "edit", EDITOR=editor(tmp_path, ("Stays", "Typed")), TMPDIR=str(tmp_path)) as person:
        person.sees("Activate this? [y/N]")
        person.types("n\n")
        assert person.ended() == 1
    assert "Nothing was changed." in person.seen
    (kept,) = tmp_path.glob("aaf-*/aaf.yaml")
    assert kept.read_text() == variant("Typed")
    assert release(house) == before


def test_an_edit_needs_a_person(house: Scene) -> None:
    done = house.aaf("config", "edit", who="admin")
    assert (done.status, done.err.startswith("nobody_to_ask: ")) == (2, True)


@pytest.mark.parametrize("named", ["no-such-editor-here", "'unbalanced", " "])
def test_an_editor_that_is_not_there_is_told_before_anything_is_asked(house: Scene, tmp_path: Path, named: str) -> None:
    with at_work(house, "edit", EDITOR=named, TMPDIR=str(tmp_path)) as person:
        assert person.ended() == 2
    assert "no_editor" in person.seen
    assert not list(tmp_path.glob("aaf-*"))


@pytest.mark.parametrize("file", ["", "..", "actions/.."])
def test_what_is_no_name_of_a_file_is_not_edited(house: Scene, tmp_path: Path, file: str) -> None:
    with at_work(house, "edit", file, EDITOR="true", TMPDIR=str(tmp_path)) as person:
        assert person.ended() == 2
    assert "not_found" in person.seen
    assert not list(tmp_path.glob("aaf-*"))


def test_an_editor_that_changes_nothing_changes_no_end_of_a_line(house: Scene, tmp_path: Path) -> None:
    folder = written(tmp_path / "a", variant("Returns"))
    (folder / "aaf.yaml").write_bytes(variant("Returns").replace("\n", "\r\n").encode())
    assert house.aaf("config", "apply", str(folder), "--yes", who="admin").status == 0
    before = release(house)
    with at_work(house, "edit", EDITOR="true", TMPDIR=str(tmp_path)) as person:
        assert person.ended() == 0, person.seen
    assert "Nothing differs." in person.seen
    assert release(house) == before


@pytest.mark.parametrize(
    "names",
    [
        ["../x.yaml"],
        ["/etc/x.yaml"],
        ["a//x.yaml"],
        ["a/../../x.yaml"],
        [".ssh/x.yaml"],
        ["a\\..\\x.yaml"],
        ["a\nb.yaml"],
        ["a\u202eb.yaml"],
        ["a/b/c/d/e/f.yaml"],
        ["x" * 256],
        ["actions/A.yaml", "actions/a.yaml"],
        ["actions/\u00e9.yaml", "actions/e\u0301.yaml"],
    ],
)
def test_a_server_that_names_bad_files_is_not_followed(
    tmp_path: Path, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "firewall", lambda *_: nullcontext(Answering(dict.fromkeys(names, "x"))))
    with pytest.raises(Stopped):
        reading.export(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_names_that_only_a_folder_gives_are_exported_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"aaf.yaml": "x", "actions/send é.yaml": "y", "a/b/c/d/-e.yaml": "\ufeffz\r\n"}
    monkeypatch.setattr(reading, "firewall", lambda *_: nullcontext(Answering(files)))
    reading.export(tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files} == {
        name: text.encode() for name, text in files.items()
    }


class Answering:
    """A server whose release has these files."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def get(self, _: str) -> dict[str, object]:
        return {"files": self.files, "release": 1}

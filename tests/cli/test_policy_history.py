"""`aaf policy diff` and `aaf policy suggest` on what `aaf demo` leaves behind; the pages show what is printed here."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

import pytest

from aaf.adapters.folder import read_folder
from aaf.adapters.loading import compiled
from aaf.domain.canonical import Json
from aaf.entrypoints.cli import policy_diff
from aaf.entrypoints.cli.demonstration.shop import shop
from aaf.entrypoints.cli.demonstration.stage import Stage, server
from aaf.entrypoints.cli.demonstration.story import Story
from aaf.entrypoints.cli.policy_diff import FailOn, fails
from aaf.entrypoints.cli.terminal import following
from aaf.entrypoints.cli.terminal.stopping import Stopped
from tests.cli.conftest import Scene, run

DOCS = Path(__file__).parents[2] / "docs"
_CHANGING = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"127\.0\.0\.1:[0-9]+", "127.0.0.1:PORT"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME"),
)
"""What is another thing each time."""
EDITS = (
    (
        "    match: {tool: files, operation: [write, delete]}\n    decision: require_approval\n",
        "    match: {tool: files, operation: [write, delete]}\n    decision: allow\n",
    ),
    (
        "    match: {tool: shell, operation: run}\n    decision: require_approval\n",
        "    match: {tool: shell, operation: run}\n    decision: deny\n",
    ),
)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The server of the demonstration after its story, with a changed copy of its folder beside it."""
    with ExitStack() as open_:
        stage = Stage(tmp_path_factory.mktemp("played"), open_.enter_context(shop()))
        stage.set_out()
        stage.keep_secret()
        running = open_.enter_context(server(stage))
        Story(running, interactive=False).play()
        keys = {name: running.key(name).read_text(encoding="ascii").strip() for name in ("admin", "ada", "builder")}
        candidate = stage.folder / "next"
        shutil.copytree(stage.configuration, candidate)
        main = (candidate / "aaf.yaml").read_text(encoding="utf-8")
        for old, new in EDITS:
            assert old in main
            main = main.replace(old, new)
        (candidate / "aaf.yaml").write_text(main, encoding="utf-8")
        yield Scene(running, keys)


def plain(text: str) -> str:
    for pattern, word in _CHANGING:
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def shown(page: str, command: str) -> str:
    """What a page says that a command prints, beginning with its prompt."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = re.search(rf"^```console\n\$ {re.escape(command)}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found is not None, command
    return plain(found[1])


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    ("more", "status"),
    [((), 0), (("--fail-on", "new-allow"), 1)],
)
def test_the_page_shows_what_a_dry_run_over_the_demo_prints(played: Scene, more: tuple[str, ...], status: int) -> None:
    done = played.aaf("policy", "diff", "--candidate", str(played.stage.folder / "next"), *more, who="admin")
    assert done.status == status
    assert plain(done.out + done.err) == shown("dry-run.md", " ".join(("aaf policy diff --candidate demo/next", *more)))


@pytest.mark.requirement("R63")
def test_the_page_shows_what_is_suggested_for_the_demos_agent(played: Scene) -> None:
    done = played.aaf("policy", "suggest", "--agent", "builder", who="admin")
    assert done.status == 0
    assert plain(done.out + done.err) == shown("suggest.md", "aaf policy suggest --agent builder")


@pytest.mark.requirement("R63")
def test_the_suggestion_loads_and_replays_to_what_it_claims(played: Scene, tmp_path: Path) -> None:
    told = json.loads(played.aaf("policy", "suggest", "--agent", "builder", "--json", who="admin").out)
    shutil.copytree(played.stage.configuration, tmp_path / "own")
    main = (tmp_path / "own" / "aaf.yaml").read_text(encoding="utf-8")
    begin, end = main.index("rules:\n"), main.index("approvals:")
    (tmp_path / "own" / "aaf.yaml").write_text(main[:begin] + told["yaml"] + "\n" + main[end:], encoding="utf-8")
    assert len(compiled(read_folder(tmp_path / "own")).rules) == len(told["rules"])
    done = played.aaf("policy", "diff", "--candidate", str(tmp_path / "own"), "--json", who="admin")
    result = json.loads(done.out)
    assert result["compared"] == sum(told["verdicts"].values())
    now = {(flip["before"], flip["after"]): flip["count"] for flip in result["flips"]}
    # Held before, allowed now: what people approved, and what still waits and looks the same.
    assert now[("require_approval", "allow")] == 2
    assert ("deny", "allow") not in now


def test_json_is_the_servers_own_answer(played: Scene) -> None:
    done = played.aaf(
        "policy", "diff", "--candidate", "release:1", "--limit", "2", "--examples", "0", "--json", who="admin"
    )
    result = json.loads(done.out)
    assert (done.status, result["compared"], result["same"], result["complete"]) == (0, 2, 2, False)
    shown_ = played.aaf("policy", "diff", "--candidate", "release:1", "--limit", "2", who="admin")
    assert "It ended at --limit; there are more." in shown_.out


def test_an_approver_may_not(played: Scene) -> None:
    for command in (("diff", "--candidate", "release:1"), ("suggest", "--agent", "builder")):
        done = played.aaf("policy", *command, who="ada")
        assert (done.status, done.err.partition(":")[0]) == (1, "permission_denied")


@pytest.mark.parametrize(
    ("candidate", "code"),
    [
        ("release:x", "wrong_type"),
        ("draft:0195b3c4-0000-7000-8000-0000000000a1", "not_found"),
        ("release:99", "not_found"),
        ("/nowhere/at/all", "configuration_invalid"),
    ],
)
def test_a_candidate_that_is_none_is_told(played: Scene, candidate: str, code: str) -> None:
    done = played.aaf("policy", "diff", "--candidate", candidate, who="admin")
    assert (done.status, done.err.partition(":")[0]) == (1 if code == "not_found" else 2, code)


def test_a_folder_with_problems_or_other_bytes_than_text_is_told(played: Scene, tmp_path: Path) -> None:
    (tmp_path / "aaf.yaml").write_text("version: 1\nrules:\n  - {name: x}\n", encoding="utf-8")
    done = played.aaf("policy", "diff", "--candidate", str(tmp_path), who="admin")
    assert (done.status, done.err.partition(":")[0]) == (2, "configuration_invalid")
    assert "aaf.yaml:3:5" in done.err
    (tmp_path / "aaf.yaml").write_bytes(b"\xff")
    done = played.aaf("policy", "diff", "--candidate", str(tmp_path), who="admin")
    assert (done.status, done.err) == (
        2, "not_text: aaf.yaml is no text in UTF-8.\nWhat to do: Save it as UTF-8.\n",
    )  # fmt: skip


def _result(*flips: tuple[str, str, str], undecided: int = 0, complete: bool = True) -> dict[str, Json]:
    return {
        "complete": complete,
        "flips": [{"after": after, "approval": how, "before": before, "count": 1} for before, after, how in flips],
        "not_decidable": [{"count": undecided, "examples": [], "reason": "sealed"}] if undecided else [],
    }


ALLOWED = ("deny", "allow", "same")
HELD = ("allow", "require_approval", "same")
DENIED = ("allow", "deny", "same")
WEAKER, STRICTER = (
    ("require_approval", "require_approval", "weaker"),
    ("require_approval", "require_approval", "stricter"),
)


@pytest.mark.requirement("R63")
@pytest.mark.parametrize(
    ("result", "failing"),
    [
        (_result(), set()),
        (_result(ALLOWED), {FailOn.ANY, FailOn.NEW_ALLOW}),
        (_result(HELD), {FailOn.ANY, FailOn.NEW_HOLD}),
        (_result(DENIED), {FailOn.ANY, FailOn.NEW_DENY}),
        (_result(WEAKER), {FailOn.ANY, FailOn.WEAKER_APPROVAL}),
        (_result(STRICTER), {FailOn.ANY}),
        (_result(("require_approval", "require_approval", "other")), {FailOn.ANY, FailOn.WEAKER_APPROVAL}),
    ],
)
def test_a_kind_of_change_fails_on_that_kind(result: dict[str, Json], failing: set[FailOn]) -> None:
    assert {one for one in FailOn if fails(result, one, allow_undecidable=False)} == failing


@pytest.mark.requirement("R63")
@pytest.mark.parametrize("result", [_result(undecided=1), _result(complete=False)])
def test_what_cant_be_decided_fails_too_unless_it_may_stay_so(result: dict[str, Json]) -> None:
    assert {one for one in FailOn if fails(result, one, allow_undecidable=False)} == {
        FailOn.ANY, FailOn.NEW_ALLOW, FailOn.WEAKER_APPROVAL,
    }  # fmt: skip
    assert not any(fails(result, one, allow_undecidable=True) for one in FailOn)


def test_what_is_printed_says_what_it_doesnt_know_and_keeps_hostile_names_inert(
    capsys: pytest.CaptureFixture[str],
) -> None:
    group: dict[str, Json] = {
        "after": "require_approval",
        "approval": "weaker",
        "before": "require_approval",
        "count": 2,
        "examples": [],
        "now": [{"code": "rule_unknown", "name": "r", "source": "rule"}],
        "type": "evil\x1b[31m",
        "was": None,
    }
    policy_diff._tell(
        {
            **_result(WEAKER, undecided=3),
            "against": "recorded",
            "compared": 2,
            "groups": [group, {**group, "approval": "other"}],
            "release": 4,
            "same": 0,
            "ungrouped": 1,
        }
    )
    said = capsys.readouterr().out
    assert "with what was decided then (release 4)" in said
    assert "3 not decidable: it depends on values that are sealed for this key" in said
    assert "hold -> weaker hold" in said
    assert "hold -> other hold" in said
    assert "was: not known any more" in said
    assert "now: rule r (rule_unknown)" in said
    assert "and 1 in further groups" in said
    assert "\x1b" not in said


class Pieces:
    """A client whose answer is what a test says."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    def stream(self, _path: str, _kind: str, _body: Mapping[str, Json]) -> Any:
        return nullcontext(iter(self.pieces))


def followed(*pieces: bytes) -> Any:
    client: Any = Pieces(*pieces)
    return following.followed(client, "/x", {}, doing="x")


def test_lines_may_come_in_any_pieces() -> None:
    assert followed(b'{"progress": {"done": 1, "looked_at": 2}}\n{"res', b'ult": {"a": 1}}', b"\n") == {"a": 1}


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ((b'{"result": {}}',), "incomplete"),
        ((), "incomplete"),
        ((b"nonsense\n",), "unexpected_answer"),
        ((b"[]\n",), "unexpected_answer"),
        ((b'{"problem": {"code": "store_busy", "detail": "Busy.", "hint": "Wait."}}\n',), "store_busy"),
        ((b"x" * 200,), "unexpected_answer"),
    ],
)
def test_an_answer_that_isnt_whole_is_none(
    pieces: tuple[bytes, ...], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_LINE", 100)
    with pytest.raises(Stopped) as caught:
        followed(*pieces)
    assert caught.value.code == code


def test_without_a_key_nothing_is_asked() -> None:
    assert run("policy", "suggest", "--agent", "x").err.startswith("missing_credential")

"""What an agent writes reaches the terminal inert, whichever command prints it."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from aaf.domain.canonical import Json
from aaf.domain.rendering import render, rows
from aaf.entrypoints.cli.terminal import card, output
from aaf.entrypoints.cli.terminal.stopping import Stopped
from tests.cli.conftest import Scene, run

HOSTILE = {
    "an escape sequence": "ls \x1b[2J\x1b[31mred\x1b]0;title\x07",
    "bytes of eight bits": "ls \x9b31m",
    "a carriage return": "rm -rf / #\rls -l",
    "right to left": "ls \u202egnp.exe",
    "an invisible letter": "l\u200bs",
    "markup": "ls [bold red]risk low[/] [link=http://x]y[/link] :smile:",
    "a question of ours": "ls\n\nApprove this? [y/N] y\nrisk low",
    "delete": "ls \x7f\x7f\x7f",
}
ALLOWED_CONTROLS = {"\n"}


def _inert(text: str) -> bool:
    return all(one.isprintable() or one in ALLOWED_CONTROLS for one in text)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_command_prints_an_agents_text_raw(scene: Scene, name: str) -> None:
    hostile = HOSTILE[name]
    action = scene.asks("shell.run", {"command": hostile}, {"goal": hostile, hostile[-12:]: 1})
    identity = str(action["id"])
    ended = [scene.aaf("actions", "list"), scene.aaf("actions", "show", identity, who="builder")]
    ended += [
        scene.aaf("actions", "show", identity, "--json", who="builder"),
        scene.aaf("audit", "list", "--action", identity),
    ]
    if action["status"] == "pending_approval":
        ended += [
            scene.aaf("approvals", "list"),
            scene.aaf("approvals", "show", identity),
            scene.aaf("approvals", "show", identity, "--json"),
            scene.aaf("approvals", "approve", identity),
        ]
    for one in ended:
        assert _inert(one.out), one.out
        assert _inert(one.err), one.err


def test_markup_in_data_is_printed_and_not_interpreted(scene: Scene) -> None:
    shown = scene.aaf("approvals", "show", scene.holds(HOSTILE["markup"]))
    assert f"|   {HOSTILE['markup']}" in shown.out


def test_a_name_of_a_key_is_shown_inert(scene: Scene) -> None:
    scene.aaf("keys", "create", "[red]\u0430dmin", "--kind", "agent", who="admin")
    listed = scene.aaf("keys", "list", who="admin")
    assert "[red]\\u{430}dmin" in listed.out


def test_every_line_of_a_value_begins_with_a_mark_also_where_the_terminal_breaks_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "ls" + " " * 12 + "x" * 60 + "\nApprove this? [y/N] y\n" + "字" * 50
    screen = Console(file=io.StringIO(), width=40, force_terminal=True, soft_wrap=True, color_system=None)
    monkeypatch.setattr(card, "console", lambda: screen)
    (row,) = rows(text, path="params.command")
    shown: list[Json] = [[str(one.kind), one.text, None if one.flag is None else str(one.flag)] for one in row.segments]
    lines = list(card.value_lines({"segments": shown}))
    assert len(lines) > 5
    assert all(line.plain.startswith((card.MARK + card.VALUE, card.CONTINUED + card.VALUE)) for line in lines)
    assert all(line.cell_len <= 40 for line in lines)
    assert "".join(line.plain[4:] for line in lines) == "".join(one.text for one in render(text))


def test_a_value_can_not_pass_for_the_name_of_another_parameter(scene: Scene) -> None:
    shown = scene.aaf("approvals", "show", scene.holds("ls\nparams.approved  boolean\ntrue"))
    names = [line for line in shown.out.splitlines() if line.startswith("| params.")]
    assert names == ["| params.command  text, 32 characters"]


def test_a_segment_that_is_not_inert_is_rendered_again() -> None:
    assert card.segments([["text", "a\x1b[0m\u202e", None]]).plain == "a\\u{1b}[0m\\u{202e}"
    assert card.segments([["text", "\uff52m -rf", None]]).plain == "\\u{ff52}m -rf"


@pytest.mark.parametrize("segments", [None, "text", [["text"]], [[1, 2, 3]]])
def test_what_is_no_segment_ends_the_command(segments: Json) -> None:
    with pytest.raises(Stopped) as ended:
        card.segments(segments)
    assert ended.value.code == "unexpected_answer"


def test_an_instant_that_is_none_ends_the_command() -> None:
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert output.instant("2026-01-31T12:00:00.123456Z") == "2026-01-31 12:00:00Z"
    assert output.left("2026-02-02T12:00:00.000000Z", now) == "2 days"
    for stamp in ("soon", "2026-01-31", "2026-01-31T12:00:00"):
        with pytest.raises(Stopped) as ended:
            output.left(stamp, now)
        assert ended.value.code == "unexpected_answer"


@pytest.mark.parametrize("stamp", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_an_instant_that_no_calendar_has_ends_the_command(stamp: str) -> None:
    with pytest.raises(Stopped) as ended:
        output.instant(stamp)
    assert ended.value.code == "unexpected_answer"
    with pytest.raises(Stopped) as ended:
        output.microseconds(10**30)
    assert ended.value.code == "unexpected_answer"


def test_a_refusal_of_a_server_is_printed_inert(capsys: pytest.CaptureFixture[str]) -> None:
    output.refusal(Stopped("co\x1bde", "one\x1b[2J\ntwo\u202e", hint="do\x07"))
    assert capsys.readouterr().err == "co\\u{1b}de: one\\u{1b}[2J\ntwo\\u{202e}\nWhat to do: do\\u{7}\n"


def test_the_words_of_a_configuration_never_reach_the_terminal_raw(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "aaf.yaml").write_text('version: 1\n"\\e]0;owned\\a\\e[2J\\u202e": 1\n', encoding="utf-8")
    done = run("doctor", "--data", str(tmp_path / "none"), "--config", str(config))
    assert done.status == 1
    assert not set("\x1b\x07\u202e") & set(done.out)
    assert "aaf.yaml:2:1" in done.out

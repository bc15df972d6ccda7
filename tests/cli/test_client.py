import json
from pathlib import Path

import pytest

from tests.cli.conftest import KEY, Scene, run

ID = "00000000-0000-7000-8000-000000000000"
COMMANDS = [
    ("actions", "list"),
    ("actions", "show", ID[:6]),
    ("actions", "cancel", ID),
    ("actions", "resolve", ID, "--failed", "--reason", "x"),
    ("approvals", "list"),
    ("approvals", "show", ID),
    ("approvals", "approve", ID[:6], "--yes", "--digest", "0"),
    ("approvals", "reject", ID, "--reason", "x"),
    ("keys", "list"),
    ("keys", "create", "x", "--kind", "agent"),
    ("keys", "revoke", ID),
    ("audit", "list"),
    ("audit", "verify"),
    ("audit", "export", "-o", "/nowhere/ledger.aaf"),
    ("audit", "key"),
    ("audit", "checkpoint"),
    ("proof", ID, "-o", "/nowhere/proof.zip"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_server_another_key_and_no_key_end_a_command_with_what_to_do(scene: Scene, command: tuple[str, ...]) -> None:
    stopped = run(*command, AAF_URL="http://127.0.0.1:1", AAF_API_KEY=KEY)
    wrong = run(*command, AAF_URL=scene.stage.url, AAF_API_KEY=KEY)
    missing = run(*command, AAF_URL=scene.stage.url)
    assert (stopped.status, wrong.status, missing.status) == (2, 1, 2)
    for ended, code, told in (
        (stopped, "unreachable", ("http://127.0.0.1:1", "`aaf serve`", "AAF_URL")),
        (wrong, "invalid_credential", (scene.stage.url, "AAF_API_KEY", "`aaf keys create`")),
        (missing, "missing_credential", ("AAF_API_KEY", "first start", "`aaf keys create`")),
    ):
        sentence, to_do = ended.err.splitlines()
        assert sentence.startswith(f"{code}: ")
        assert to_do.startswith("What to do: ")
        assert all(one in ended.err for one in told)
        assert KEY not in ended.out + ended.err


def test_a_refusal_of_a_value_names_the_value(scene: Scene) -> None:
    ended = scene.aaf("keys", "create", "x" * 9_999, "--kind", "agent", who="admin")
    assert ended.status == 2
    assert "($.name)" in ended.err.splitlines()[0]


@pytest.mark.parametrize("kind", ["key", "Key.", "key.created.", "key.\udcff", "k." + "x" * 70_000], ids=range(5))
def test_a_type_that_no_event_can_have_is_refused_with_what_to_write(kind: str) -> None:
    ended = run("audit", "list", "--type", kind)
    assert ended.err.startswith("wrong_type: ")
    assert "What to do: " in ended.err
    assert "pattern" not in ended.err


def test_a_key_that_no_header_can_hold_is_refused(scene: Scene) -> None:
    ended = run("actions", "list", AAF_URL=scene.stage.url, AAF_API_KEY="aaf\r\nX: y")
    assert ended.status == 2
    assert ended.err.startswith("invalid_credential: ")


def test_a_key_is_no_argument_of_any_command(scene: Scene) -> None:
    ended = run("actions", "list", "--key", scene.keys["ada"], AAF_URL=scene.stage.url)
    assert ended.status == 2
    assert scene.keys["ada"] not in ended.err


def test_a_proxy_of_the_environment_is_not_used(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert scene.aaf("actions", "list").status == 0


def test_certificates_that_are_none_are_refused(tmp_path: Path) -> None:
    for name in ("missing.pem", "empty.pem"):
        (tmp_path / "empty.pem").write_text("nothing")
        ended = run("actions", "list", "--url", "https://127.0.0.1:1", "--ca", str(tmp_path / name), AAF_API_KEY=KEY)
        assert ended.err.startswith("bad_certificates: ")


def test_json_is_ascii(scene: Scene) -> None:
    scene.asks("files.read", {"path": "notes/ä\u2028.txt"})
    printed = scene.aaf("actions", "list", "--json").out
    assert printed.isascii()
    json.loads(printed)

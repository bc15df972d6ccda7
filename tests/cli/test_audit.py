import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Scene


@pytest.mark.requirement("R13")
@pytest.mark.requirement("R40")
def test_requests_approvals_denials_and_executions_are_listed_with_who_and_when(scene: Scene) -> None:
    action = scene.holds("whoami")
    scene.aaf("approvals", "reject", action, "--reason", "No.")
    listed = scene.aaf("audit", "list", "--action", action)
    lines = listed.out.splitlines()
    assert [line.split()[3] for line in lines[1:]] == ["action.pending_approval", "action.rejected"]
    assert [line.split()[4].partition(":")[0] for line in lines[1:]] == ["agent", "user"]
    assert "whoami" not in listed.out
    assert "No." not in listed.out


@pytest.mark.requirement("R40")
def test_events_are_listed_by_type_and_over_pages(scene: Scene) -> None:
    keys = json.loads(scene.aaf("audit", "list", "--type", "key.", "--json").out)
    assert {one["body"]["type"] for one in keys} <= {"key.created", "key.revoked"}
    everything = json.loads(scene.aaf("audit", "list", "--limit", "100000", "--json").out)
    assert [one["seq"] for one in everything] == list(range(1, len(everything) + 1))


def test_the_server_checks_its_ledger(scene: Scene) -> None:
    ended = scene.aaf("audit", "verify")
    assert ended.status == 0
    assert " entries fit; " in ended.out
    assert json.loads(scene.aaf("audit", "verify", "--json").out)["ok"] is True


@pytest.mark.requirement("R40")
def test_an_export_and_a_pack_verify_offline_and_a_changed_one_does_not(scene: Scene, tmp_path: Path) -> None:
    key, ledger, pack = tmp_path / "ledger.vkey", tmp_path / "ledger.aaf", tmp_path / "proof.zip"
    key.write_text(scene.aaf("audit", "key").out)
    old = tmp_path / "old.checkpoint"
    old.write_text(scene.aaf("audit", "checkpoint").out)
    action = scene.asks("files.read", {"path": "notes/today.txt"})
    assert scene.aaf("audit", "export", "-o", str(ledger), who="admin").status == 0
    assert scene.aaf("proof", str(action["id"]), "-o", str(pack), who="builder").status == 0
    assert (ledger.stat().st_mode & 0o777, pack.stat().st_mode & 0o777) == (0o600, 0o600)
    # The verifier prints from a process of its own here, so that its exit status is seen as a shell sees it.
    command = [sys.executable, "-m", "aaf", "verify"]
    for arguments, wanted in (
        ([ledger, "--key", key, "--since", old, "--canonical"], 0),
        ([pack, "--key", key], 0),
        ([pack, "--key", key, "--require-end"], 1),
        ([pack, "--key", key, "--org", "0" * 8], 2),
        ([tmp_path / "nothing", "--key", key], 2),
    ):
        assert subprocess.run([*command, *map(str, arguments)], capture_output=True, check=False).returncode == wanted
    changed = ledger.read_bytes().replace(b'"from":"submitted"', b'"from":"approved" ', 1)
    ledger.write_bytes(changed)
    assert subprocess.run([*command, str(ledger), "--key", str(key)], capture_output=True, check=False).returncode == 1


def test_a_part_of_an_actions_id_is_enough_to_list_and_to_prove(scene: Scene, tmp_path: Path) -> None:
    action = scene.holds("uptime")
    short = scene.aaf("actions", "list").out.splitlines()[1].split()[0]
    assert action.endswith(short)
    listed = json.loads(scene.aaf("audit", "list", "--action", short, "--json").out)
    assert [one["body"]["action"] for one in listed] == [action]
    assert scene.aaf("proof", short, "-o", str(tmp_path / "proof.zip"), who="builder").status == 0
    for part, code in (("zzzz", "not_found"), ("0", "not_unique"), (f"{action[:-4]}/../", "not_found")):
        for ended in (
            scene.aaf("audit", "list", "--action", part),
            scene.aaf("proof", part, "-o", str(tmp_path / "none"), who="builder"),
        ):
            assert ended.err.startswith(f"{code}: ")
    assert not (tmp_path / "none").exists()


def test_a_file_that_is_there_is_never_written_over(scene: Scene, tmp_path: Path) -> None:
    target = tmp_path / "ledger.aaf"
    target.write_text("mine")
    ended = scene.aaf("audit", "export", "-o", str(target), who="admin")
    assert ended.status == 2
    assert ended.err.startswith("file_unusable: ")
    assert target.read_text() == "mine"


def test_an_export_goes_to_a_pipe_too(scene: Scene) -> None:
    ended = scene.aaf("audit", "export", who="admin")
    header, *lines = ended.out.splitlines()
    assert json.loads(header)["size"] == len(lines)


def test_a_pack_of_nothing_leaves_no_file(scene: Scene, tmp_path: Path) -> None:
    target = tmp_path / "proof.zip"
    ended = scene.aaf("proof", "00000000-0000-7000-8000-000000000000", "-o", str(target))
    assert ended.status == 1
    assert ended.err.startswith("not_found: ")
    assert not target.exists()

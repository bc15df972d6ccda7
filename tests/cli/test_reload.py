"""Real servers, a folder that is saved while they answer: the small form of the drill `make reload`, and what the terminal and the command say."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.conftest import run
from tests.drills.reload import ACTION, BLOCKED, BROKEN, MAIN, Drill, Server, save, serving, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"aaf.yaml": MAIN, "actions/note.take.yaml": ACTION}.items():
        (tmp_path / "config" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "config" / name).write_text(text)
    return tmp_path


def made(server: Server, admin: str) -> Server:
    code, key = server.ask("POST", "/v1/api-keys", admin, {"name": server.name, "kind": "agent"})
    assert code == 201
    server.key = key["key"]
    return server


@contextmanager
def loaded(*servers: Server) -> Iterator[None]:
    for server in servers:
        server.load()
    try:
        yield
    finally:
        for server in servers:
            server.rest()


@pytest.mark.requirement("R38")
def test_two_servers_under_load_change_and_change_back_and_no_request_fails(folder: Path) -> None:
    with serving(folder, "first", watches=True) as first, serving(folder, "second", watches=False) as second:
        admin = (folder / "admin.key").read_text().strip()
        drill = Drill(folder, [made(first, admin), made(second, admin)], admin)
        with loaded(first, second):
            for server in drill.servers:
                until(lambda s=server: len(s.answers) > 5, "the load runs")  # type: ignore[misc]
            drill.switch(BLOCKED, before="allowed", after="denied", how="renamed over")
            drill.switch(MAIN, before="denied", after="allowed", how="written over")
            drill.broken()
        drill.check_failures()
        # How long it took is what the drill measures; a test on a busy machine asks what was answered.
        assert [one for one in drill.misses if " after the " not in one] == []


def test_the_terminal_says_what_became_of_each_save_and_the_command_asks_any_server(folder: Path) -> None:
    def said() -> list[str]:
        lines = (folder / "first.log").read_text().splitlines()
        return [line for line in lines if not line.startswith("{")]

    with serving(folder, "first", watches=True) as first, serving(folder, "second", watches=True) as second:
        key = (folder / "admin.key").read_text().strip()
        asks = {"AAF_URL": f"http://127.0.0.1:{second.port}", "AAF_API_KEY": key}
        until(lambda: json.loads(run("config", "status", "--json", **asks).out)["lease"] is not None, "it watches")
        ended = run("config", "status", **asks)
        assert ended.status == 0
        assert f"{folder}/config, by process {first.process.pid}" in ended.out
        save(folder, BROKEN, how="written over")
        until(lambda: run("config", "status", **asks).status == 1, "it is told")
        ended = run("config", "status", **asks)
        assert "release 1 stays active" in ended.out
        assert "aaf.yaml:7:5: " in ended.out
        until(lambda: any("config/aaf.yaml:7:5: " in line for line in said()), "the terminal says it")
        assert sum("has problems" in line for line in said()) == 1
        save(folder, BLOCKED, how="renamed over")
        until(lambda: any(line.startswith("Release 2 is active") for line in said()), "the terminal says it")
        ended = run("config", "status", **asks)
        assert (ended.status, "release 2, since " in ended.out) == (0, True)
        assert "second" not in "".join(said())


def test_a_key_in_a_file_is_told_to_nobody(folder: Path) -> None:
    key = "aaf_live_" + "x" * 36
    with serving(folder, "first", watches=True) as first:
        admin = (folder / "admin.key").read_text().strip()
        save(folder, f"{MAIN}{key}: 1\n", how="written over")
        drill = Drill(folder, [first], admin)
        until(lambda: drill.status(first)["refused"] is not None, "it is told")
        assert key not in json.dumps(drill.status(first))
    assert key not in (folder / "first.log").read_text()
    kept = b"".join(path.read_bytes() for path in (folder / "data").glob("aaf.db*"))
    assert b"configuration.refused" in kept
    assert b"aaf_live_xxx" not in kept

"""A real server that was started without a folder, so that its configuration is changed over the API."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from aaf.entrypoints.cli.demonstration.shop import shop
from aaf.entrypoints.cli.demonstration.stage import PATIENCE, Stage, _address, _environment
from aaf.entrypoints.cli.terminal.client import Client
from aaf.entrypoints.cli.terminal.reading import text
from tests.cli.conftest import Scene


@contextmanager
def serving(stage: Stage) -> Iterator[Stage]:
    """Start it, and end it as an operator would."""
    command = [sys.executable, "-m", "aaf", "serve", "--port", "0", "--data", str(stage.data)]
    command += ["--root", str(stage.workspace), "--write-key", str(stage.key("admin"))]
    log = stage.folder / "server.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=_environment()) as process,
    ):
        try:
            yield replace(stage, url=_address(process, log))
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0, log.read_text()


@contextmanager
def managed(folder: Path) -> Iterator[Scene]:
    """The server with an administrator, the approver `ada` and the agent `builder`."""
    with shop() as selling:
        stage = Stage(folder, selling)
        stage.workspace.mkdir()
        with serving(stage) as running:
            keys = {"admin": running.key("admin").read_text(encoding="ascii").strip()}
            with Client(running.url, keys["admin"]) as client:
                for name, kind, roles in (("builder", "agent", []), ("ada", "user", ["approver"])):
                    made = client.post("/v1/api-keys", {"name": name, "kind": kind, "roles": [*roles]})
                    keys[name] = text(made, "key")
            yield Scene(running, keys)

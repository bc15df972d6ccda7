"""A real server in a process of its own, three keys, and the command line against it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.app import app
from aaf.entrypoints.cli.demonstration.shop import shop
from aaf.entrypoints.cli.demonstration.stage import Stage, server
from aaf.entrypoints.cli.terminal.client import Client
from aaf.entrypoints.cli.terminal.reading import text

KEY = "aaf_live_" + "x" * 36
"""Has the form of a key, and is none."""


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


def run(*arguments: str, **environment: str) -> Ended:
    """Run the command in this process, with no other variables than these."""
    cleared: dict[str, str | None] = {"AAF_API_KEY": None, "AAF_URL": None, **environment}
    result = CliRunner().invoke(app, arguments, env=cleared, prog_name="aaf")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


@dataclass(frozen=True)
class Scene:
    stage: Stage
    keys: dict[str, str]

    def aaf(self, *arguments: str, who: str = "ada") -> Ended:
        return run(*arguments, AAF_URL=self.stage.url, AAF_API_KEY=self.keys[who])

    def client(self, who: str = "builder") -> Client:
        return Client(self.stage.url, self.keys[who])

    def asks(self, name: str, params: dict[str, Json], context: dict[str, Json] | None = None) -> dict[str, Json]:
        with self.client() as client:
            return client.post("/v1/actions", {"action": name, "params": params, "context": context or {}})

    def holds(self, command: str, context: dict[str, Json] | None = None) -> str:
        """A held action; its id."""
        action = self.asks("shell.run", {"command": command}, context)
        assert action["status"] == "pending_approval", action
        return text(action, "id")

    def digest(self, action: str) -> str:
        with self.client("ada") as client:
            return text(client.get(f"/v1/approvals/{action}"), "digest")


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with ExitStack() as open_:
        stage = Stage(tmp_path_factory.mktemp("scene"), open_.enter_context(shop()))
        stage.set_out()
        running = open_.enter_context(server(stage))
        admin = running.key("admin").read_text(encoding="ascii").strip()
        keys = {"admin": admin}
        with Client(running.url, admin) as client:
            for name, kind, roles in (
                ("builder", "agent", []),
                ("ada", "user", ["approver"]),
                ("eve", "user", ["viewer"]),
            ):
                made = client.post("/v1/api-keys", {"name": name, "kind": kind, "roles": list(roles)})
                keys[name] = text(made, "key")
        yield Scene(running, keys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path

"""A server in a process of its own, on a free port, with a fresh database, a workspace and something outside it; and its end."""

import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from aaf.entrypoints.cli.demonstration.shop import Shop
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

READY = b"AAF listens on "
PATIENCE = 30
"""Seconds that a server has to start, and to end."""
INSIDE = "notes/today.txt"
BEFORE = "Monday: write the report\nTuesday: pay the invoice\n"
OUTSIDE = "salaries.txt"
KEPT = "not for agents\n"
LINK = "notes/shortcut.txt"
SECRET = "shop_key"  # noqa: S105 - a handle
PORT = "18700"
"""The port that the shipped configuration names, in place of which the shop's own is written."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where everything of one demonstration lies, and where its server listens."""

    folder: Path
    shop: Shop
    url: str = ""

    @property
    def workspace(self) -> Path:
        """The only folder that the agent may reach."""
        return self.folder / "workspace"

    @property
    def configuration(self) -> Path:
        """The folder that the server is started with."""
        return self.folder / "configuration"

    @property
    def data(self) -> Path:
        """The server's own folder."""
        return self.folder / "data"

    def key(self, name: str) -> Path:
        """The file of somebody's key."""
        return self.folder / f"{name}.key"

    def set_out(self) -> None:
        """Put the files there; a link in the workspace points out of it, and the configuration names the shop's port."""
        target = self.workspace / INSIDE
        target.parent.mkdir(parents=True)
        target.write_text(BEFORE, encoding="utf-8")
        (self.folder / OUTSIDE).write_text(KEPT, encoding="utf-8")
        (self.workspace / LINK).symlink_to(Path("..") / ".." / OUTSIDE)
        actions = self.configuration / "actions"
        actions.mkdir(parents=True)
        shipped = Path(str(files("aaf") / "shipped"))
        for name in ("demo", "shop"):
            for entry in (shipped / name / "actions").iterdir():
                (actions / entry.name).write_bytes(entry.read_bytes())
        tests = self.configuration / "tests" / "policies"
        tests.mkdir(parents=True)
        for case in (shipped / "shop" / "tests" / "policies").iterdir():
            text = case.read_text(encoding="utf-8").replace(PORT, str(self.shop.port))
            (tests / case.name).write_text(text, encoding="utf-8")
        main = (shipped / "shop" / "aaf.yaml").read_text(encoding="utf-8")
        (self.configuration / "aaf.yaml").write_text(main.replace(PORT, str(self.shop.port)), encoding="utf-8")

    def keep_secret(self) -> None:
        """Keep the shop's key sealed, as an operator does; it goes through a pipe, and the agent never gets it.

        Raises:
            Stopped: it can't be kept.
        """
        command = [sys.executable, "-m", "aaf", "secrets", "set", SECRET, "--data", str(self.data)]
        ran = subprocess.run(  # noqa: S603 - our own program
            command, input=self.shop.key.encode(), env=_environment(), capture_output=True, check=False
        )
        if ran.returncode != 0:
            raise Stopped("server_failed", f"The shop's key was not kept.\n{ran.stderr.decode()}", status=Status.NO)


@contextmanager
def server(stage: Stage) -> Iterator[Stage]:
    """Start the server, give the stage with its address, and end it with a signal, as an operator would.

    Raises:
        Stopped: it doesn't start, or doesn't end well.
    """
    command = [sys.executable, "-m", "aaf", "serve", "--host", "127.0.0.1", "--port", "0"]
    command += ["--data", str(stage.data), "--root", str(stage.workspace)]
    command += ["--config", str(stage.configuration), "--write-key", str(stage.key("admin"))]
    log = stage.folder / "server.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=_environment()) as process,  # noqa: S603 - our own program
    ):
        try:
            yield replace(stage, url=_address(process, log))
        finally:
            process.terminate()
            try:
                status = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                status = -1
    if status != 0:
        raise Stopped("server_failed", f"The server ended with status {status}.\n{_tail(log)}", status=Status.NO)


def _environment() -> dict[str, str]:
    """This process's environment without what would change the story."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AAF_")}


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the ready line."""
    said = b""
    with selectors.DefaultSelector() as selector:
        if process.stdout is not None:
            selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(PATIENCE):
            piece = os.read(process.stdout.fileno(), 4096) if process.stdout is not None else b""
            said += piece
            if READY in said and said.endswith(b"\n"):
                return said.rpartition(READY)[2].decode().strip()
            if not piece:
                break
    raise Stopped("server_failed", f"The server did not start.\n{_tail(log)}", status=Status.NO)


def _tail(log: Path) -> str:
    """The end of the server's log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])

"""A real server in a process of its own and a real Chromium before it. `make browser` runs this folder; `make test` leaves it out."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from aaf.adapters.folder import shipped
from aaf.domain.canonical import Json
from aaf.entrypoints.cli.terminal.client import Client
from aaf.entrypoints.cli.terminal.reading import text

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
READY = "AAF listens on "
CONFIGURATION = """\
version: 1
rules:
  - name: changes-need-a-person
    match: {tool: files, operation: [write, delete]}
    decision: require_approval
    reason: Writing and deleting files need a person
  - name: commands-need-a-person
    match: {tool: shell, operation: run}
    decision: require_approval
    reason: Shell commands need a person
approvals: {approvers: [role:approver, role:admin], quorum: 1, timeout: 15m, reason_required: false}
use_within: 15m
run_timeout: 30s
limits:
  agent: {rate: 600/m, burst: 200}
connectors:
  files: {root: ./workspace, max_bytes: 1048576, protect: []}
"""
SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
PATIENCE = 15_000
"""Milliseconds that a page has to become what a test waits for."""


def chromium() -> str:
    """Where the system's browser is."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.exit(f"This machine has none of {', '.join(NAMES)}; install the package chromium.", returncode=1)
    return found


def _is_fault(message: ConsoleMessage) -> bool:
    """Whether the browser complains; that a page was refused or not reached is no fault of the page."""
    return message.type == "error" and not message.text.startswith("Failed to load resource:")


@dataclass(frozen=True)
class Site:
    """The running server, and everybody's key."""

    workspace: Path
    url: str
    keys: dict[str, str]
    chromium: Browser

    def asks(self, name: str, params: dict[str, Json], context: dict[str, Json] | None = None) -> str:
        """A held action's id."""
        with Client(self.url, self.keys["builder"]) as client:
            action = client.post("/v1/actions", {"action": name, "params": params, "context": context or {}})
        assert action["status"] == "pending_approval", action
        return text(action, "id")

    def state(self, action: str) -> str:
        with Client(self.url, self.keys["ada"]) as client:
            return text(client.get(f"/v1/actions/{action}"), "status")

    def openings(self, action: str) -> list[int]:
        with Client(self.url, self.keys["ada"]) as client:
            return cast("list[int]", client.get(f"/v1/approvals/{action}")["opened"])

    def answer(self, action: str, verdict: str) -> None:
        """Somebody else's answer, from elsewhere."""
        with Client(self.url, self.keys["admin"]) as client:
            seen = client.get(f"/v1/approvals/{action}")
            body: dict[str, Json] = {"verdict": verdict, "reason": "From elsewhere"}
            body |= {"digest": seen["digest"], "view_digest": seen["view_digest"]}
            client.post(f"/v1/approvals/{action}/reviews", body)

    @contextmanager
    def context(
        self, *, width: int = 1280, dark: bool = False, script: bool = True, who: str | None = "ada"
    ) -> Iterator[tuple[BrowserContext, Page]]:
        """A fresh browser window; whatever the page's policy refuses fails the test."""
        made = self.chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        made.set_default_timeout(PATIENCE)
        page = made.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if _is_fault(message) else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        try:
            if who is not None:
                self.sign_in(page, who)
            yield made, page
        finally:
            made.close()
        assert said == []

    def at(self, page: Page, path: str) -> str:
        """The whole address of a page of the session that `page` shows."""
        beneath = re.match(re.escape(self.url) + r"(/s/[0-9a-f]{32})/", page.url)
        return f"{self.url}{beneath[1] if beneath else ''}{path}"

    def sign_in(self, page: Page, who: str) -> None:
        page.goto(f"{self.url}/sign-in")
        page.get_by_label("Your API key").fill(self.keys[who])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Waiting for an answer").wait_for()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE)
        # Without its sandbox: in a container it has none, and it only sees pages of our own.
        found = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def site(tmp_path: Path, browser: Browser) -> Iterator[Site]:
    (tmp_path / "workspace" / "notes").mkdir(parents=True)
    (tmp_path / "workspace" / "notes" / "today.txt").write_text("Monday: write the report\nTuesday: pay the invoice\n")
    shutil.copytree(shipped("demo") / "actions", tmp_path / "config" / "actions")
    for one in (tmp_path / "config" / "actions").iterdir():
        if not one.name.startswith(("files.", "shell.")):
            one.unlink()
    (tmp_path / "config" / "aaf.yaml").write_text(CONFIGURATION)
    with _serving(tmp_path) as url:
        admin = (tmp_path / "admin.key").read_text(encoding="ascii").strip()
        keys = {"admin": admin}
        with Client(url, admin) as client:
            for name, kind, roles in (("builder", "agent", []), ("ada", "user", ["approver"])):
                made = client.post("/v1/api-keys", {"name": name, "kind": kind, "roles": list(roles)})
                keys[name] = text(made, "key")
        yield Site(tmp_path / "workspace", url, keys, browser)


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """A server on a free port, until a signal; its address."""
    command = [sys.executable, "-m", "aaf", "serve", "--port", "0", "--data", "data", "--config", "config"]
    command += ["--root", "workspace", "--write-key", "admin.key"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AAF_")}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, cwd=folder, env=environment, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            line = next((line for line in process.stdout if line.startswith(READY)), None)
            assert line is not None, (folder / "log").read_text()
            yield line.removeprefix(READY).strip()
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0

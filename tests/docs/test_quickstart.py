"""docs/quickstart.md as printed: every file is saved, every command is run, in an empty folder and nothing else of ours around it."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.test_prompts import Person

PAGE = (Path(__file__).parents[2] / "docs" / "quickstart.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^<!-- (file|terminal): (\S.*?) -->\n```\w+\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
FILES = {name: text for kind, name, text in BLOCKS if kind == "file"}
COMMANDS = {name: text for kind, name, text in BLOCKS if kind == "terminal"}
ASKED = "now a person is asked"
KEY = re.compile(r"aaf_live_\w+")


@dataclass(frozen=True)
class Empty:
    """A folder with nothing in it, and terminals in it."""

    folder: Path

    def saves(self, *names: str) -> None:
        for name in names:
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(FILES[name], encoding="utf-8")

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AAF_", "PYTHON", "AGENT_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
        return {**kept, "PATH": path, "TERM": "xterm", "COLUMNS": "120", "LINES": "200", **more}

    @contextmanager
    def terminal(self, commands: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
        """Commands in a shell; what they print can be read."""
        with subprocess.Popen(
            ["sh", "-ec", commands],
            cwd=self.folder,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGTERM)

    def run(self, commands: str, **variables: str) -> str:
        with self.terminal(commands, **variables) as process:
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        return out

    @contextmanager
    def person(self, commands: str, **variables: str) -> Iterator[Person]:
        """Commands in a shell on a terminal of their own, with somebody at it."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            ["sh", "-ec", commands],
            cwd=self.folder,
            env=self.environment(**variables),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            try:
                yield Person(ours, process)
            finally:
                process.kill()
        os.close(ours)


@pytest.fixture
def empty(tmp_path: Path) -> Empty:
    return Empty(tmp_path)


def until(process: "subprocess.Popen[str]", text: str) -> list[str]:
    """The lines that it prints, to the one that begins with `text`."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(text):
            return lines
    raise AssertionError("\n".join(lines))


def rest(process: "subprocess.Popen[str]") -> list[str]:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.splitlines()


def test_every_block_is_a_step_that_is_tried_here() -> None:
    assert len(re.findall(r"^```\w+$", PAGE, re.MULTILINE)) == len(BLOCKS) + 1  # the installation
    assert len(FILES) + len(COMMANDS) == len(BLOCKS)


@pytest.mark.requirement("R01")
def test_an_agent_in_its_own_process_and_a_person_in_a_second_terminal(empty: Empty) -> None:
    empty.saves("agent.py", "approve.py")
    with empty.terminal(COMMANDS["agent"]) as agent:
        allowed, denied, _ = until(agent, ASKED)
        assert allowed == "allowed, and done: []"
        assert denied.startswith("denied: The path leads outside")
        key = empty.run(COMMANDS["first key"]).strip()
        with empty.person(COMMANDS["person"]) as person:
            person.sees("Key: ")
            person.types(f"{key}\n")
            person.sees("Approve? [y/N] ")
            person.types("y\n")
            assert person.ended() == 0
        assert "The agent order-bot asks for files.write on hello.txt" in person.seen
        assert key not in person.seen
        assert rest(agent) == ["approved, and written"]
    assert (empty.folder / "workspace" / "hello.txt").read_text() == "hello\n"
    assert (empty.folder / "aaf.db").stat().st_mode & 0o777 == 0o700
    empty.run("aaf doctor --data aaf.db")


def test_a_function_of_ones_own(empty: Empty) -> None:
    empty.saves("rules/actions/email.send.yaml", "rules/aaf.yaml", "mailer.py")
    sent, denied = empty.run(COMMANDS["mailer"]).splitlines()
    assert sent == "sending to ann@example.org"
    assert denied.startswith("denied: ")


@pytest.mark.requirement("R57")
def test_a_server_with_an_agent_and_a_person(empty: Empty) -> None:
    empty.saves("client.py")
    with empty.terminal(COMMANDS["server"], AAF_PORT="0") as server:
        said = until(server, "AAF listens on ")
        url = said[-1].removeprefix("AAF listens on ")
        (admin,) = KEY.findall("\n".join(said))
        (agent_key,) = KEY.findall(
            empty.run(COMMANDS["keys"].replace("PASTE-THE-ADMINISTRATORS-KEY", admin), AAF_URL=url)
        )
        client = COMMANDS["client"].replace("PASTE-THE-AGENTS-KEY", agent_key)
        with empty.terminal(client, AAF_URL=url) as agent:
            allowed, denied, _ = until(agent, ASKED)
            assert allowed == "allowed, and done: []"
            assert denied.startswith("denied: The path leads outside")
            listing, approving = COMMANDS["approve"].splitlines()
            variables = {"AAF_URL": url, "AAF_API_KEY": admin}
            listed = _waiting(empty, listing, variables)
            with empty.person(approving.replace("ID", listed), **variables) as person:
                person.sees("characters of the digest: ")
                digest = re.findall(r"digest.{0,20}?([0-9a-f]{64})", person.seen)[0]
                person.types(f"{digest[:4]}\n")
                assert person.ended() == 0
            assert rest(agent) == ["approved, and written"]
    assert (empty.folder / "workspace" / "hello.txt").read_text() == "hello\n"


def _waiting(empty: Empty, listing: str, variables: dict[str, str]) -> str:
    """The id as it is listed, once the agent's action is."""
    while True:
        found = re.search(r"^\W*([0-9a-f-]{6,})\W.*files\.write", empty.run(listing, **variables), re.MULTILINE)
        if found:
            return found[1]

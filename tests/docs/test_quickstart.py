"""docs/quickstart.md as printed: every file is saved where it says, every command is run in the folder and terminal that it says.

Only the installation is not tried: an environment stands in its place that has to be activated as printed before `aaf` is found.
"""

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


BIN = Path(sys.executable).parent
"""Where the commands of this project are; no terminal finds them before the environment is activated."""


@dataclass(frozen=True)
class Place:
    """The reader's folder, with the environment that the installation made in `quickstart`, and terminals that begin here."""

    folder: Path

    def saves(self, folder: str, *names: str) -> None:
        for name in names:
            (self.folder / folder / name).write_text(FILES[name], encoding="utf-8")

    def printed(self, *names: str, **put_in: str) -> str:
        """Commands of one terminal, with what the reader puts in."""
        text = "".join(COMMANDS[name] for name in names).replace("PATH/TO", str(self.folder))
        for placeholder, value in put_in.items():
            text = text.replace(placeholder.replace("_", "-"), value)
        return text

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AAF_", "PYTHON", "AGENT_"))}
        found = [one for one in kept.get("PATH", "").split(os.pathsep) if not (Path(one) / "aaf").exists()]
        return {**kept, "PATH": os.pathsep.join(found), "TERM": "xterm", "COLUMNS": "120", "LINES": "200", **more}

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
def place(tmp_path: Path) -> Place:
    activate = tmp_path / "quickstart" / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f"PATH='{BIN}':$PATH\nexport PATH\n", encoding="utf-8")
    return Place(tmp_path)


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
def test_an_agent_in_its_own_process_and_a_person_in_a_second_terminal(place: Place) -> None:
    place.saves("quickstart", "agent.py", "approve.py")
    with place.terminal(place.printed("another", "agent")) as agent:
        allowed, denied, _ = until(agent, ASKED)
        assert allowed == "allowed, and done: []"
        assert denied.startswith("denied: The path leads outside")
        key = place.run(place.printed("another", "first key")).strip()
        with place.person(place.printed("another", "person")) as person:
            person.sees("Key: ")
            person.types(f"{key}\n")
            person.sees("Approve? ")
            person.types("y\n")
            assert person.ended() == 0
        assert "The agent order-bot asks for files.write on hello.txt" in person.seen
        assert key not in person.seen
        assert rest(agent) == ["approved, and written"]
    folder = place.folder / "quickstart"
    assert (folder / "workspace" / "hello.txt").read_text() == "hello\n"
    assert (folder / "aaf.db").stat().st_mode & 0o777 == 0o700
    checked = place.run(place.printed("another") + "aaf doctor --data aaf.db")
    ledgers = re.findall(r"(\d+) events, (\d+) signed", checked)
    assert ledgers
    assert all(events == signed for events, signed in ledgers)
    _the_server_is_added_later(place, key)


def _the_server_is_added_later(place: Place, key: str) -> None:
    """On the files of the first part, with the key that was made there."""
    (command,) = re.findall(r"`(aaf serve --data [^`]+)`", PAGE)
    with place.terminal(place.printed("another") + command, AAF_PORT="0") as server:
        said = until(server, "AAF listens on ")
        assert KEY.findall("\n".join(said)) == []
        url = said[-1].removeprefix("AAF listens on ")
        listed = place.run(place.printed("another") + "aaf keys list", AAF_URL=url, AAF_API_KEY=key)
    assert "order-bot" in listed


def test_a_person_who_finds_nothing_is_told_so_and_a_rejection_is_asked_for_its_reason(place: Place) -> None:
    place.saves("quickstart", "agent.py", "approve.py")
    with place.terminal(place.printed("another", "agent")) as agent:
        until(agent, ASKED)
        key = place.run(place.printed("another", "first key")).strip()
        with place.person(place.printed("another", "person")) as person:
            person.sees("Key: ")
            person.types(f"{key}\n")
            person.sees("Approve? ")
            person.types("n\n")
            person.sees("Why not? ")
            person.types("\n")
            person.sees("Why not? ")
            person.types("Not today.\n")
            assert person.ended() == 0
        assert rest(agent) == ["rejected: Not today."]
    with place.person(place.printed("another", "person")) as person:
        person.sees("Key: ")
        person.types(f"{key}\n")
        assert person.ended() == 0
    assert "Nothing waits." in person.seen


def test_a_function_of_ones_own(place: Place) -> None:
    place.run(place.printed("another", "folders"))
    place.saves("quickstart", "rules/actions/email.send.yaml", "rules/aaf.yaml", "mailer.py")
    sent, denied = place.run(place.printed("another", "mailer")).splitlines()
    assert sent == "sending to ann@example.org"
    assert denied.startswith("denied: ")


@pytest.mark.requirement("R57")
def test_a_server_with_an_agent_and_a_person(place: Place) -> None:
    with place.terminal(place.printed("another", "server"), AAF_PORT="0") as server:
        said = until(server, "AAF listens on ")
        url = said[-1].removeprefix("AAF listens on ")
        (admin,) = KEY.findall("\n".join(said))
        place.saves("server", "client.py")
        keys = place.printed("beside the server", "keys", PASTE_THE_ADMINISTRATORS_KEY=admin)
        (agent_key,) = KEY.findall(place.run(keys, AAF_URL=url))
        client = place.printed("beside the server", "client", PASTE_THE_AGENTS_KEY=agent_key)
        with place.terminal(client, AAF_URL=url) as agent:
            allowed, denied, _ = until(agent, ASKED)
            assert allowed == "allowed, and done: []"
            assert denied.startswith("denied: The path leads outside")
            second = keys.removesuffix(COMMANDS["keys"].splitlines(keepends=True)[-1])  # goes on with the key in it
            listing, approving = COMMANDS["approve"].splitlines()
            listed = _waiting(place, second + listing, url)
            with place.person(second + approving.replace("ID", listed), AAF_URL=url) as person:
                person.sees("characters of the digest: ")
                digest = re.findall(r"digest.{0,20}?([0-9a-f]{64})", person.seen)[0]
                person.types(f"{digest[:4]}\n")
                assert person.ended() == 0
            assert rest(agent) == ["approved, and written"]
    assert (place.folder / "server" / "workspace" / "hello.txt").read_text() == "hello\n"
    assert (place.folder / "server" / ".aaf" / "aaf.db").is_file()


def _waiting(place: Place, listing: str, url: str) -> str:
    """The id as it is listed, once the agent's action is."""
    while True:
        found = re.search(r"^\W*([0-9a-f-]{6,})\W.*files\.write", place.run(listing, AAF_URL=url), re.MULTILINE)
        if found:
            return found[1]

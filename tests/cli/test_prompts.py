"""What is asked of a person, at a terminal that is one."""

import os
import pty
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from aaf.entrypoints.cli.terminal.prompts import CAREFUL
from tests.cli.conftest import Scene

DEADLINE = 30


class Person:
    """Somebody at a terminal, with a program in it."""

    def __init__(self, screen: int, process: "subprocess.Popen[bytes]") -> None:
        self.screen = screen
        self.process = process
        self.seen = ""

    def types(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def sees(self, *texts: str) -> str:
        """Read on until one of `texts` is on the screen; which one."""
        start = len(self.seen)
        with selectors.DefaultSelector() as selector:
            selector.register(self.screen, selectors.EVENT_READ)
            while True:
                found = [text for text in texts if text in self.seen[start:]]
                if found:
                    return found[0]
                assert selector.select(DEADLINE), self.seen
                piece = self._read()
                assert piece, self.seen
                self.seen += piece

    def ended(self) -> int:
        """Read to the end; the exit status."""
        while piece := self._read():
            self.seen += piece
        return self.process.wait(DEADLINE)

    def _read(self) -> str:
        try:
            return os.read(self.screen, 65536).decode(errors="replace")
        except OSError:
            return ""


@contextmanager
def at_a_terminal(*command: str, before: str = "", **environment: str) -> Iterator[Person]:
    """Start a program on a terminal where `before` was typed already."""
    ours, theirs = pty.openpty()
    os.write(ours, before.encode())
    variables = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "200", **environment}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=variables) as process:
        os.close(theirs)
        try:
            yield Person(ours, process)
        finally:
            process.kill()
    os.close(ours)


def approving(scene: Scene, action: str, *, before: str = "") -> AbstractContextManager[Person]:
    return at_a_terminal(
        sys.executable, "-m", "aaf", "approvals", "approve", action,
        before=before, AAF_URL=scene.stage.url, AAF_API_KEY=scene.keys["ada"],
    )  # fmt: skip


def test_an_answer_typed_before_the_question_is_thrown_away(scene: Scene) -> None:
    action = scene.holds("ls")
    digest = scene.digest(action)
    with approving(scene, action, before=f"{digest[:4]}\n") as person:
        person.sees("characters of the digest: ")
        assert "pending_approval" in scene.aaf("actions", "show", action).out
        person.types("no\n")
        assert person.ended() == 1
    assert "not_approved" in person.seen
    assert "run the command again" in " ".join(person.seen.split())
    assert "pending_approval" in scene.aaf("actions", "show", action).out


@pytest.mark.requirement("R36")
def test_what_is_of_high_risk_takes_the_digests_first_characters(scene: Scene) -> None:
    action = scene.holds("ls")
    with approving(scene, action) as person:
        person.sees("characters of the digest: ")
        assert "Risk critical. " in person.seen
        person.types(scene.digest(action)[:4] + "\n")
        assert person.ended() == 0
    assert "approved" in scene.aaf("actions", "show", action).out


def test_yes_is_not_enough_at_high_risk(scene: Scene) -> None:
    action = scene.holds("ls")
    with approving(scene, action) as person:
        person.sees("characters of the digest: ")
        person.types("y\n")
        assert person.ended() == 1
    assert "pending_approval" in scene.aaf("actions", "show", action).out


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("YES", 0), ("", 1), ("n", 1), ("yeah", 1), ("\x04", 1)])
def test_at_low_risk_only_a_clear_yes_is_one(answer: str, status: int) -> None:
    program = (
        "import sys\nfrom aaf.entrypoints.cli.terminal.prompts import confirm, Stopped\n"
        "try:\n    confirm(risk='low', digest='abcd')\nexcept Stopped as stopped:\n    sys.exit(int(stopped.status))\n"
    )
    with at_a_terminal(sys.executable, "-c", program) as person:
        person.sees("[y/N]")
        person.types(answer if answer == "\x04" else f"{answer}\n")
        assert person.ended() == status


def test_the_careful_risks_are_the_two_highest() -> None:
    assert {"high", "critical"} == CAREFUL


def test_a_rejection_without_a_reason_asks_for_one_after_showing_what_it_is(scene: Scene) -> None:
    action = scene.holds("shutdown now")
    with at_a_terminal(
        sys.executable,
        "-m",
        "aaf",
        "approvals",
        "reject",
        action,
        AAF_URL=scene.stage.url,
        AAF_API_KEY=scene.keys["ada"],
    ) as person:
        person.sees("The agent is told: ")
        assert "shutdown now" in person.seen
        person.types("Not now.\n")
        assert person.ended() == 0
    assert "Not now." in scene.aaf("actions", "show", action, who="builder").out


def test_what_is_longer_than_the_screen_is_shown_page_by_page(scene: Scene) -> None:
    action = scene.asks("files.write", {"path": "notes/today.txt", "content": "line\n" * 100})
    identity = str(action["id"])
    with at_a_terminal(
        sys.executable, "-m", "aaf", "approvals", "approve", identity,
        LINES="40", AAF_URL=scene.stage.url, AAF_API_KEY=scene.keys["ada"],
    ) as person:  # fmt: skip
        person.sees("Enter for more")
        assert "of the digest: " not in person.seen
        person.types("\n")
        while person.sees("Enter for more", "of the digest: ") == "Enter for more":
            person.types("\n")
        person.types("no\n")
        assert person.ended() == 1


def test_a_key_is_typed_unseen(scene: Scene) -> None:
    environment = {"AAF_URL": scene.stage.url, "AAF_API_KEY": ""}
    with at_a_terminal(sys.executable, "-m", "aaf", "actions", "list", **environment) as person:
        person.sees("API key (not shown)")
        person.types(scene.keys["ada"] + "\n")
        assert person.ended() == 0
    assert scene.keys["ada"] not in person.seen

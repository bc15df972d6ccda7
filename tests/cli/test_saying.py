"""What a running server says of its folder, inert, and without ever being kept waiting by its terminal."""

import threading
from pathlib import Path

import pytest

from aaf.domain.errors import Code, ConfigurationInvalid, Problem, StoreFailed
from aaf.domain.record import Release
from aaf.entrypoints.cli.saying import MOST, Saying, say_imported
from aaf.services.releases import Activated
from aaf.services.watching import Delayed, Imported, Refused, Unchanged
from tests.cli.conftest import KEY

RELEASE = Release("org", 4, b"{}", "ab" * 32, "system", "saved in the folder", 0)
HOSTILE = "no `\x1b[2J\u202ekey`"


@pytest.mark.parametrize(
    ("done", "lines"),
    [
        (Activated(RELEASE, new=True), ["Release 4 is active: saved in the folder."]),
        (Activated(RELEASE, new=True, warnings=("x \x1b[0m",)), ["Release 4", "warning: x "]),
        (
            Activated(RELEASE, new=True, warnings=(f"rules/a.yaml:2:3: odd {KEY}",)),
            ["Release 4", "warning: /etc/aaf/rules/a.yaml:2:3: odd "],
        ),
        (Activated(RELEASE, new=False), []),
        (Unchanged(RELEASE, mended=True), ["The folder is as release 4 again, which is active."]),
        (Unchanged(RELEASE, mended=False), []),
        (
            Refused(ConfigurationInvalid((Problem("aaf.yaml", 2, 3, HOSTILE, KEY),)), 3),
            ["The configuration folder has problems; release 3 stays active.", "/etc/aaf/aaf.yaml:2:3: no "],
        ),
        (
            Delayed(StoreFailed(Code.STORE_FULL, "The disk is full.", hint="Free some space.")),
            ["The folder is not active yet: The disk is full. Free some space."],
        ),
    ],
)
def test_each_thing_is_said_in_lines_that_do_nothing(
    done: Imported | Delayed, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    say_imported(done, Path("/etc/aaf"))
    said = capsys.readouterr().err
    assert [line.startswith(begin) for line, begin in zip(said.splitlines(), lines, strict=True)] == [True] * len(lines)
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert KEY not in said


def test_a_terminal_that_takes_nothing_keeps_nobody_waiting_and_one_that_is_gone_ends_nothing() -> None:
    saying, stuck, done = Saying(), threading.Event(), threading.Event()

    def fail() -> None:
        raise BrokenPipeError

    def stick() -> None:
        stuck.wait()

    saying.say(fail)
    saying.say(stick)
    for _ in range(2 * MOST):
        saying.say(fail)
    stuck.set()
    while not done.is_set():
        saying.say(done.set)
        done.wait(0.01)

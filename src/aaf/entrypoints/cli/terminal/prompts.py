"""Ask the person at the terminal.

An answer counts only if it was typed after its question stood there: what was typed before is thrown away, and the question is printed
only once the keyboard has been still for a moment.
"""

import select
import sys
import termios

from rich.text import Text

from aaf.entrypoints.cli.terminal.output import console, on_terminal
from aaf.entrypoints.cli.terminal.stopping import Status, Stopped

STILL = 0.5
"""Seconds without a line before a question is asked."""
SHORT_DIGEST = 4
CAREFUL = frozenset({"high", "critical"})
"""Risks at which yes is not enough: the digest's first characters are typed."""


def _forget_typed() -> None:
    """Throw away what was typed before, until nothing more comes."""
    while True:
        waiting, _, _ = select.select([sys.stdin], [], [], STILL)
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
        if not waiting:
            return


def _asked(question: Text) -> str:
    """One line in answer to a question."""
    _forget_typed()
    console(error=True).print(question, end="")
    line = sys.stdin.readline()
    if not line:
        raise Stopped("nobody_to_ask", "The terminal was closed.", status=Status.NO)
    return line.strip()


def confirm(*, risk: str, digest: str) -> None:
    """Ask whether to approve what was just shown.

    Raises:
        Stopped: the answer is anything but a clear yes, or nobody is there.
    """
    if not on_terminal():
        raise Stopped(
            "nobody_to_ask",
            "Approving asks a person at a terminal.",
            hint="In a script, name what you approve: --yes --digest DIGEST.",
        )
    wanted = digest[:SHORT_DIGEST] if risk in CAREFUL else "y"
    if risk in CAREFUL:
        question = Text.assemble(
            (f"Risk {risk}. ", "bold red"), f"To approve, type the first {SHORT_DIGEST} characters of the digest: "
        )
    else:
        question = Text("Approve this? [y/N] ", style="bold")
    if _asked(question).lower() not in ({wanted} if risk in CAREFUL else {"y", "yes"}):
        raise Stopped(
            "not_approved",
            "Nothing was sent.",
            hint=f"The action still waits. To approve it, run the command again and {'type the characters' if risk in CAREFUL else 'answer y'}.",
            status=Status.NO,
        )


def reason() -> str:
    """Ask why; the agent is told.

    Raises:
        Stopped: nobody is there.
    """
    if not on_terminal():
        raise Stopped("reason_required", "A rejection needs a reason.", hint="Give it with --reason TEXT.")
    return _asked(Text("Why? The agent is told: ", style="bold"))


def more(shown: int, total: int) -> None:
    """Wait for Enter before the next page."""
    _asked(Text(f"-- {shown} of {total} lines; Enter for more -- ", style="reverse"))


def choose(*, digest: str) -> str:
    """Ask for approve or reject of what was just shown, until one is clear; approving takes the digest's first characters.

    Raises:
        Stopped: nobody is there, or the input ended.
    """
    if not on_terminal():
        raise Stopped("nobody_to_ask", "This asks a person at a terminal.", hint="Leave out --interactive.")
    question = Text(
        f"Type the first {SHORT_DIGEST} characters of the digest to approve, or n to reject: ", style="bold"
    )
    while True:
        answer = _asked(question).lower()
        if answer == digest[:SHORT_DIGEST]:
            return "approve"
        if answer in {"n", "no"}:
            return "reject"


def agree(word: str) -> None:
    """Ask for a word, to do what can't be undone.

    Raises:
        Stopped: it was not typed, or nobody is there.
    """
    if not on_terminal():
        raise Stopped("nobody_to_ask", "This asks a person at a terminal.", hint="In a script, give --yes.")
    if _asked(Text(f"Type `{word}` to go on: ", style="bold")) != word:
        raise Stopped("stopped", "Nothing was changed.", status=Status.NO)


def proceed(question: str) -> None:
    """Ask for a clear yes to what was just shown.

    Raises:
        Stopped: the answer is anything else, or nobody is there.
    """
    if not on_terminal():
        raise Stopped("nobody_to_ask", "This asks a person at a terminal.", hint="In a script, give --yes.")
    if not agreed(question):
        raise Stopped("stopped", "Nothing was changed.", status=Status.NO)


def agreed(question: str) -> bool:
    """Ask a person who is there; whether the answer is a clear yes."""
    return _asked(Text(f"{question} [y/N] ", style="bold")).lower() in {"y", "yes"}


def unseen(question: str) -> str:
    """Ask for something that must not be seen; what is typed is not echoed."""
    before = termios.tcgetattr(sys.stdin)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, silent)
    try:
        return _asked(Text(question))
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSAFLUSH, before)
        console(error=True).print()

"""The examples run as they are, in an empty folder."""

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, folder: Path, *arguments: str, typed: str = "") -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_named_on_the_page_and_run_here() -> None:
    page = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for file in EXAMPLES.glob("*.py"):
        assert f"]({file.name})" in page
        assert f'"{file.name}"' in Path(__file__).read_text(encoding="utf-8")


def test_the_loop_tells_its_model_why_not(tmp_path: Path) -> None:
    told = run("tool_loop.py", tmp_path).splitlines()[1::2]
    assert "today.txt" in told[0]
    assert "Monday" in told[1]
    assert told[2].startswith("  -> path_outside_root: ")
    assert told[3].startswith("  -> A person has to approve this")
    assert told[4].startswith("  -> unknown_action_type: ")


def test_a_large_payment_waits_and_is_not_made(tmp_path: Path) -> None:
    small, paid, large = run("guarded_tools.py", tmp_path).splitlines()
    assert (small, paid) == ("paying 12.50 to DE02120300000000202051", "paid")
    assert large.startswith("not paid: ")


def test_the_inbox_shows_what_waits_and_takes_an_answer(tmp_path: Path) -> None:
    run("tool_loop.py", tmp_path)
    key = run("inbox.py", tmp_path, "--first-key").strip()
    shown = run("inbox.py", tmp_path, typed=f"{key}\nr\nNot today\n")
    assert "The agent assistant asks for files.write on today.txt" in shown
    assert shown.endswith("rejected\n")
    assert key not in shown

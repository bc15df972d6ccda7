"""What a program that embeds us and says nothing about logging prints: what an operator should look at, and nothing while all is well."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys, threading
from pathlib import Path
from aaf import Firewall
from aaf_client.errors import ActionFailed

data, root = map(Path, sys.argv[1:])
root.mkdir()
with Firewall.open(data, agent="bot", root=root) as firewall:
    (root / "a.txt").write_text("x")
    firewall.perform_action("files.read", {"path": "a.txt"})
    firewall.submit_action("files.read", {"path": "../a.txt"})
    print("well", file=sys.stderr)
    action = firewall.submit_action("files.read", {"path": "a.txt"})
    (root / "a.txt").unlink()
    try:
        firewall.execute(action)
    except ActionFailed:
        print([one.name for one in threading.enumerate() if "log" in one.name])
"""


def test_warnings_reach_standard_error_as_lines_of_the_log_without_a_thread_and_whatever_a_server_is_told(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(tmp_path / "aaf.db"), str(tmp_path / "root")],
        env={**os.environ, "AAF_LOG": "off"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    before, _, after = done.stderr.partition("well\n")
    assert (done.returncode, before, done.stdout) == (0, "", "[]\n"), done.stderr
    line = json.loads(after)
    assert (line["event"], line["severity"]) == ("run_failed", "warning")

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.requirement("R32")
@pytest.mark.requirement("R36")
def test_the_demonstration_goes_the_whole_way_and_ends_by_itself(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "aaf", "demo", "--keep", str(folder / "demo")],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    steps = re.split(r"^(?=\d+\. )", ran.stdout, flags=re.MULTILINE)
    assert len(steps) == 12
    for step, expected in zip(
        steps[1:],
        (
            ("files.read path=notes/today.txt  ->  allowed", "succeeded"),
            ("->  pending_approval", "| +Wednesday: call the bank", "->  approved", "->  succeeded"),
            ("shell.run command=rm -rf /var/backups  ->  pending_approval", "->  rejected", "is told"),
            ("->  denied  path_outside_root", "->  denied  path_not_plain"),
            ("->  409 already_consumed", "->  409 digest_mismatch", "->  pending_approval"),
            ("/orders/17  ->  allowed", "->  succeeded", '"you_sent": "Bearer [redacted]"'),
            (
                "169.254.169.254/latest/meta-data",
                "->  denied  egress_address_refused",
                "->  failed  egress_address_refused",
            ),
            (
                "payments.post",
                "->  pending_approval",
                "| POST /payments",
                '"amount":"12.50"',
                "authorization: [redacted]",
                "->  approved",
                "->  succeeded",
                "->  409 already_consumed",
            ),
            (
                "write.zip  ->  exit 0",
                "read.zip  ->  exit 0",
                "changed.zip  ->  exit 0",
                "is open as of checkpoint",
                "payment.zip  ->  exit 0",
                "metadata.zip  ->  exit 0",
            ),
            ("command-changed.zip  ->  exit 1", "command-forged.zip  ->  exit 1", "FALSE"),
            ("ledger.aaf  ->  exit 0",),
        ),
        strict=True,
    ):
        assert all(one in step for one in expected), step
    assert "\x1b" not in ran.stdout
    assert max(len(line) for line in "".join(steps[1:]).splitlines()) <= 100
    kept = folder / "demo"
    assert (kept / "workspace" / "notes" / "today.txt").read_text().endswith("Wednesday: call the bank\n")
    assert kept.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in kept.glob("*.key")} == {0o600}
    assert not re.search("shop_[A-Za-z0-9_-]{32}", ran.stdout)


def test_a_folder_that_is_there_is_not_used(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "aaf", "demo", "--keep", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("file_unusable: ")


def test_without_a_terminal_it_is_not_interactive() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "aaf", "demo", "--interactive"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 2
    assert ran.stderr.startswith("nobody_to_ask: ")

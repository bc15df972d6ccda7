"""Feed one target or all; exit 1 where something was found."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from random import SystemRandom

from tools.fuzz.configuration import Folders
from tools.fuzz.harness import Target, run, save
from tools.fuzz.modules import Modules
from tools.fuzz.urls import Urls

FOLDER = Path("build/fuzz")
COUNT = 50_000
TARGETS: dict[str, Callable[[], Target]] = {"configuration": Folders, "rego": Modules, "urls": Urls}


def main() -> int:
    """Print what came of each."""
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__)
    parser.add_argument("--only", choices=sorted(TARGETS), action="append", help="feed only this target")
    parser.add_argument("--count", type=int, default=COUNT, help=f"inputs for each target (default {COUNT:,})")
    parser.add_argument("--seed", type=int, help="make the inputs of an earlier run again")
    parser.add_argument(
        "--example", metavar="TEXT", help="print the first input of each outcome that has TEXT in its name"
    )
    given = parser.parse_args()
    seed = SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    found = 0
    for name in given.only or TARGETS:
        report = run(TARGETS[name](), count=given.count, seed=seed, show=sys.stderr.isatty())
        print(report.text(), flush=True)
        for outcome, data in report.examples.items():
            if given.example and given.example in outcome:
                print(f"  {outcome}: {data!r}")
        for path in save(report, FOLDER):
            print(f"  saved {path}")
        found += len(report.findings)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

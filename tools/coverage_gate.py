"""Holds the floors of branch coverage: what is true and what is permitted in full, the use cases nearly so.

Reads the data that `make test` wrote. A folder under a floor is named with its lines; a folder that was not measured fails too.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOORS = {"src/aaf/domain/": 100.0, "src/aaf/policy/": 100.0, "src/aaf/services/": 95.0}


SHOWN = 12


def _few(places: list[object]) -> str:
    more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
    return ", ".join(str(place) for place in places[:SHOWN]) + more if places else "none"


def main() -> int:
    """Print one line for all folders; return 0 where each holds its floor."""
    target = ROOT / "build" / "coverage.json"
    command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(target)]
    if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
        print("coverage: there is no data; run make test")
        return 1
    files = json.loads(target.read_text(encoding="utf-8"))["files"]
    shares: list[str] = []
    failed = False
    for folder, floor in FLOORS.items():
        inside = {name: file for name, file in files.items() if name.startswith(folder)}
        summaries = [file["summary"] for file in inside.values()]
        total = sum(each["num_statements"] + each["num_branches"] for each in summaries)
        covered = sum(each["covered_lines"] + each["covered_branches"] for each in summaries)
        share = 100.0 * covered / total if total else 0.0
        shares.append(f"{folder.rstrip('/').rpartition('/')[2]} {share:.1f} % (floor {floor:g} %)")
        # Counts, not rounded shares: one missing branch of ten thousand is under 100 %.
        if covered < total * floor / 100.0 or not total:
            failed = True
            for name, file in sorted(inside.items()):
                if file["missing_lines"] or file["missing_branches"]:
                    lines, branches = file["missing_lines"], file["missing_branches"]
                    print(f"coverage: {name}: lines {_few(lines)}; branches {_few(branches)}")
    print(f"coverage: {', '.join(shares)}{' - under the floor' if failed else ''}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

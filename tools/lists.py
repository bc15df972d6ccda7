"""Reads the two lists of ids, docs/requirements.md and docs/attacks.md, and collects the tests that carry them.

A list is one table. Its first cell is the id, its last the claim: `claimed`, `part: what is missing`, or `open`.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import marks_plugin

ROOT = Path(__file__).resolve().parent.parent

LEAST = {"R": 79, "G": 40}
"""The lists only grow: so many ids there were, and each of them stays."""

FILES = {"R": "docs/requirements.md", "G": "docs/attacks.md"}

_ROW = re.compile(r"^\|\s*([RG]\d{2,3})\s*\|(.*)\|\s*$")
_CLAIM = re.compile(r"^(claimed|open|part: \S.*)$")


@dataclass(frozen=True, slots=True)
class Row:
    """One id, its sentence, and its claim."""

    id: str
    text: str
    claim: str

    @property
    def is_claimed(self) -> bool:
        """Say whether a test must prove it, whole or in part."""
        return self.claim != "open"


@dataclass(frozen=True, slots=True)
class Carrier:
    """One collected test with the ids that it carries and how it ended, where it was run."""

    nodeid: str
    requirements: tuple[str, ...]
    attacks: tuple[Mapping[str, Any], ...]
    end: str


@dataclass(frozen=True, slots=True)
class Collected:
    """What one run of pytest gave: its exit code, its output, the tests, and marks that are malformed."""

    exit_code: int
    output: str
    tests: tuple[Carrier, ...]
    problems: tuple[str, ...]


def read_list(kind: str, root: Path = ROOT) -> tuple[dict[str, Row], list[str]]:
    """Read the list of `kind` (R or G) below `root`; the second value says in sentences what is wrong with it."""
    name = FILES[kind]
    rows: dict[str, Row] = {}
    problems: list[str] = []
    for number, line in enumerate((root / name).read_text(encoding="utf-8").splitlines(), start=1):
        match = _ROW.match(line)
        if match is None or not match[1].startswith(kind):
            continue
        cells = [cell.strip() for cell in match[2].split("|")]
        row = Row(id=match[1], text=cells[0], claim=cells[-1])
        if row.id in rows:
            problems.append(f"{name}:{number}: {row.id} is there twice")
        if len(cells) == 1 or not _CLAIM.match(row.claim):
            problems.append(f"{name}:{number}: {row.id} ends in {row.claim!r}, not in claimed, part: …, or open")
        rows[row.id] = row
    last = max(LEAST[kind], *(int(id_[1:]) for id_ in rows)) if rows else LEAST[kind]
    problems += [
        f"{name}: {kind}{number:02} is missing; an id is never deleted"
        for number in range(1, last + 1)
        if f"{kind}{number:02}" not in rows
    ]
    return rows, problems


def run_pytest(
    arguments: Sequence[str],
    *,
    root: Path = ROOT,
    only: Sequence[str] | None = None,
    variables: Mapping[str, str] | None = None,
    timeout: float | None = None,
) -> Collected:
    """Run pytest below `root` with the plugin; `only` names the tests to keep, `timeout` is in seconds.

    A run that outlasts the timeout has exit code 124 and no tests.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        environment = {**os.environ, **(variables or {}), marks_plugin.REPORT_VARIABLE: str(report)}
        # A run inside a run must not take over the options of the outer one.
        for inherited in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"):
            environment.pop(inherited, None)
        if only is not None:
            chosen = Path(folder) / "only.json"
            chosen.write_text(json.dumps(list(only)), encoding="utf-8")
            environment[marks_plugin.ONLY_VARIABLE] = str(chosen)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "tools.marks_plugin",
            "-p",
            "no:cacheprovider",
            "-q",
            *arguments,
        ]
        try:
            done = subprocess.run(
                command, cwd=root, env=environment, capture_output=True, text=True, check=False, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            return Collected(exit_code=124, output=f"no end after {timeout} s", tests=(), problems=())
        output = done.stdout + done.stderr
        if not report.exists():
            return Collected(exit_code=done.returncode or 1, output=output, tests=(), problems=())
        found = json.loads(report.read_text(encoding="utf-8"))
    tests = tuple(
        Carrier(
            nodeid=entry["nodeid"],
            requirements=tuple(entry["requirements"]),
            attacks=tuple(entry["attacks"]),
            end=entry["end"],
        )
        for entry in found["tests"]
    )
    return Collected(exit_code=done.returncode, output=output, tests=tests, problems=tuple(found["problems"]))

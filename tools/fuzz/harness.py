"""Runs a target: makes inputs from a seed, counts outcomes, keeps what should not have happened."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Protocol

MOST_FINDINGS = 10
"""After which a target is given up."""
TRIES = 2_000
"""Attempts at making one finding smaller."""
_WIDTH = 30
_ROWS = 40


class Wrong(Exception):
    """An input did what none may."""


class Target(Protocol):
    """Something that is fed."""

    name: str

    def make(self, random: Random) -> bytes:
        """Another input."""

    def check(self, data: bytes) -> str:
        """Feed it, and return in a word what came of it.

        Raises:
            Wrong: something that may not.
        """

    def after(self) -> None:
        """Look once more at the end.

        Raises:
            Wrong: all of it together did what it may not.
        """


@dataclass(slots=True)
class Report:
    """What came of a run."""

    name: str
    seed: int
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    findings: list[tuple[str, bytes]] = field(default_factory=list)
    examples: dict[str, bytes] = field(default_factory=dict)
    """The first input that came to each outcome."""

    def text(self) -> str:
        """As printed."""
        total = sum(self.outcomes.values())
        rows = [f"  {count:>9,}  {name}" for name, count in self.outcomes.most_common(_ROWS)]
        rest = [count for _, count in self.outcomes.most_common()[_ROWS:]]
        if rest:
            rows.append(f"  {sum(rest):>9,}  in {len(rest)} other ways")
        head = (
            f"{self.name}: {total:,} inputs, seed {self.seed}, {self.seconds:.0f} s, "
            f"slowest {self.slowest * 1_000:.0f} ms, {len(self.findings)} findings"
        )
        return "\n".join([head, *rows, *(f"  FINDING {why}" for why, _ in self.findings)])


def run(target: Target, *, count: int, seed: int, show: bool = False) -> Report:
    """Feed `target` with `count` inputs."""
    report = Report(target.name, seed)
    random = Random(seed)  # noqa: S311 - the point is that it can be repeated
    began = perf_counter()
    for number in range(count):
        data = target.make(random)
        before = perf_counter()
        why = _fed(target, data, report)
        report.slowest = max(report.slowest, perf_counter() - before)
        if why is not None:
            report.outcomes["FINDING"] += 1
            report.findings.append((why, smaller(data, lambda each: _wrong(target, each) is not None)))
            if len(report.findings) >= MOST_FINDINGS:
                break
        if show and (number % 200 == 0 or number + 1 == count):
            _progress(target.name, number + 1, count, perf_counter() - began)
    try:
        target.after()
    except Wrong as wrong:
        report.findings.append((str(wrong), b""))
    report.seconds = perf_counter() - began
    return report


def _fed(target: Target, data: bytes, report: Report) -> str | None:
    """Count what came of it; what was wrong is returned."""
    try:
        outcome = target.check(data)
        report.outcomes[outcome] += 1
        report.examples.setdefault(outcome, data)
    except Wrong as wrong:
        return str(wrong)
    except Exception as error:  # noqa: BLE001 - whatever leaves a gate besides its own refusal is a finding
        return f"{type(error).__name__}: {error}"[:200]
    return None


def _wrong(target: Target, data: bytes) -> str | None:
    return _fed(target, data, Report(target.name, 0))


def smaller(data: bytes, fails: Callable[[bytes], bool], tries: int = TRIES) -> bytes:
    """Take pieces out while it still fails, halves first (Zeller and Hildebrandt's ddmin, without complements)."""
    piece = len(data) // 2
    while piece and tries:
        start = 0
        while start < len(data) and tries:
            tries -= 1
            shorter = data[:start] + data[start + piece :]
            if fails(shorter):
                data = shorter
            else:
                start += piece
        piece //= 2
    return data


def save(report: Report, folder: Path) -> list[Path]:
    """Write each finding to a file of its own; return them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, (why, data) in enumerate(report.findings):
        path = folder / f"{report.name}-{report.seed}-{number}"
        path.with_suffix(".bin").write_bytes(data)
        path.with_suffix(".txt").write_text(f"{why}\nseed {report.seed}\n{data!r}\n", encoding="utf-8")
        written.append(path.with_suffix(".txt"))
    return written


def _progress(name: str, done: int, count: int, seconds: float) -> None:
    """One line, written over itself."""
    filled = done * _WIDTH // count
    left = seconds / done * (count - done)
    end = "\n" if done == count else ""
    bar = "#" * filled + "." * (_WIDTH - filled)
    sys.stderr.write(f"\r{name:<6} [{bar}] {done:>9,} of {count:,}, {left:4.0f} s left {end}")
    sys.stderr.flush()

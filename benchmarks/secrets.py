"""How many megabytes a second are looked through for credentials: log lines one by one, and source code as one text.

The baseline is the same forms with the standard library's `re`, one after the other, on a part of the same lines.
"""

import re
import sysconfig
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter

from aaf.analysis.secret_forms import FORMS
from aaf.analysis.secrets import recognised
from benchmarks.result import Figure

LINES = 10_000
ROUNDS = 7
LEAST = 10.0
"""Megabytes a second."""


def _log() -> list[str]:
    """Lines as a server writes them, without a credential."""
    random = Random(11)
    return [
        f"2026-11-21T07:{number % 60:02}:00Z INFO request id={random.getrandbits(64):016x} path=/v1/items/{number} "
        f'user=ann took {random.randrange(90)}ms bytes={random.randrange(9000)} status=200 msg="fetched rows"'
        for number in range(LINES)
    ]


def _source() -> str:
    """The standard library's own modules."""
    folder = Path(sysconfig.get_path("stdlib"))
    return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.glob("*.py")))


def _rate(size: int, work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return size / (perf_counter() - began) / 1e6


def measure() -> list[Figure]:
    """Rounds of all three in turn, after one that isn't counted."""
    lines, source = _log(), _source()
    few = lines[: LINES // 20]
    bare = [re.compile(form.pattern.encode()) for form in FORMS]
    size, part, whole = sum(map(len, lines)), sum(map(len, few)), len(source.encode())
    rates: dict[str, list[float]] = {"lines": [], "source": [], "bare": []}
    for _ in range(1 + ROUNDS):
        rates["lines"].append(_rate(size, lambda: [recognised(line) for line in lines]))
        rates["source"].append(_rate(whole, lambda: recognised(source)))
        rates["bare"].append(_rate(part, lambda: [one.search(line.encode()) for line in few for one in bare]))
    of_lines, of_source, of_bare = (median(rates[name][1:]) for name in ("lines", "source", "bare"))
    return [
        Figure(
            f"secrets, log lines one by one, {len(FORMS)} forms",
            of_lines,
            "MB/s",
            baseline=of_bare,
            ratio=of_lines / of_bare,
            budget=f">= {LEAST:g} MB/s",
            met=of_lines >= LEAST,
        ),
        Figure(
            "secrets, source code as one text", of_source, "MB/s", budget=f">= {LEAST:g} MB/s", met=of_source >= LEAST
        ),
    ]

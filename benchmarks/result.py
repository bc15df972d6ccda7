"""One measured figure beside its baseline and its budget."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

OUTPUT = Path("build/bench.json")


@dataclass(frozen=True, slots=True)
class Figure:
    """`baseline` is the bare measure of the same run, `ratio` is value / baseline; `met` is None where there is no budget."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    budget: str = ""
    met: bool | None = None


def at_most(name: str, values: list[float], unit: str, limit: float) -> Figure:
    """A figure whose median may be at most `limit`."""
    value = median(values)
    return Figure(name, value, unit, budget=f"<= {limit:g} {unit}", met=value <= limit)


def share(name: str, pairs: list[tuple[float, float]], unit: str, least: float) -> Figure:
    """A rate of which the median ratio to its baseline has to be at least `least`; `pairs` are (value, baseline) of each round."""
    ratio = median(value / baseline for value, baseline in pairs)
    return Figure(
        name,
        median(value for value, _ in pairs),
        unit,
        baseline=median(baseline for _, baseline in pairs),
        ratio=ratio,
        budget=f"ratio >= {least:g}",
        met=ratio >= least,
    )


def table(figures: Iterable[Figure]) -> str:
    """The figures as a text table."""
    head = ("what", "value", "unit", "baseline", "ratio", "budget", "met")
    rows = [
        (
            one.name,
            f"{one.value:,.1f}",
            one.unit,
            "" if one.baseline is None else f"{one.baseline:,.1f}",
            "" if one.ratio is None else f"{one.ratio:.2f}",
            one.budget,
            {True: "yes", False: "NO", None: ""}[one.met],
        )
        for one in figures
    ]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    right = {1, 3, 4}
    lines = [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [head, tuple("-" * width for width in widths), *rows]
    ]
    return "\n".join(line.rstrip() for line in lines)


def write(figures: Iterable[Figure], path: Path = OUTPUT) -> None:
    """Write them as a JSON list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n", encoding="utf-8")

"""One durable decision of an agent's own firewall in process: how long it takes, and against a bare append to the same ledger."""

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter_ns

from aaf.domain.canonical import Json
from aaf.domain.events import EventType, occurrence
from aaf.embedded import Embedded, Firewall
from aaf.ports import Commit
from aaf.settings import Settings
from benchmarks.core import configured
from benchmarks.result import Figure

ROUNDS = 9
CALLS = 150
MOST = 4.0
"""Times a bare append, which is mostly the wait for the disk."""
LIMIT = 5_000.0
"""Microseconds."""


def measure() -> list[Figure]:
    """Decisions and appends alternate, one after another in one thread."""
    with tempfile.TemporaryDirectory() as name:
        data, config = Path(name) / "data", configured(Path(name) / "config")
        with (
            Firewall.open(data, agent="bench", config=config) as firewall,
            Embedded.open(Settings(data=data)) as product,
        ):
            core, org = product.core, product.app.org
            fill: dict[str, Json] = {"agent": firewall.agent_id, "digest": "0" * 64, "fill": "x" * 640}

            def decide() -> None:
                action = firewall.submit_action("notes.add", {"topic": "today", "text": "x" * 200})
                if action.status != "allowed":
                    raise RuntimeError(action.status)

            def append() -> None:
                event = occurrence(
                    event_id=core.ids.new(), org=org, at=1, actor="system", kind=EventType.PROOF_EXPORTED, data=fill
                )
                product.run(core.store.commit(Commit(org, (), (event,))))

            decide()
            append()
            ours: list[float] = []
            theirs: list[float] = []
            pairs = []
            for _ in range(ROUNDS):
                one: list[float] = []
                other: list[float] = []
                for _ in range(CALLS):
                    for once, times in ((decide, one), (append, other)):
                        before = perf_counter_ns()
                        once()
                        times.append((perf_counter_ns() - before) / 1_000)
                pairs.append((median(one), median(other)))
                ours += one
                theirs += other
    ours.sort()
    ratio = median(a / b for a, b in pairs)
    return [
        Figure(
            "embedded decision, durable, against a bare append, p50",
            median(ours),
            "us",
            baseline=median(theirs),
            ratio=ratio,
            budget=f"ratio <= {MOST:g}",
            met=ratio <= MOST,
        ),
        Figure("embedded decision, durable, p99", ours[int(len(ours) * 0.99)], "us"),
    ]

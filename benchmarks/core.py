"""Whole durable decisions of the embedded core against the ledger's own append rate, in the same run, with 1, 8 and 64 callers."""

import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from aaf.domain.canonical import Json
from aaf.domain.events import EventType, occurrence
from aaf.domain.principal import Kind
from aaf.embedded import Embedded
from aaf.ports import Commit
from aaf.services.access import KeyWanted, authenticate, create_key
from aaf.services.core import Caller
from aaf.services.forming import Submission
from aaf.services.submit import submit
from aaf.settings import Settings
from benchmarks.result import Figure, share

CALLERS = (1, 8, 64)
SECONDS = 1.5
ROUNDS = 5
LEAST = 0.3
CONFIGURATION = """\
version: 1
rules:
  - name: small-notes
    match: {tool: notes, operation: [add], params.topic: {ne: secret}}
    decision: allow
"""
ACTION = """\
name: notes.add
class: other
risk: low
effect: caller
input:
  type: object
  additionalProperties: false
  required: [topic, text]
  properties:
    topic: {type: string, maxLength: 100}
    text: {type: string, maxLength: 1000}
"""


def _rate(callers: int, once: Callable[[], None]) -> float:
    """Calls a second of `callers` threads that each call `once` again and again for `SECONDS`."""
    counts = [0] * callers
    start = threading.Barrier(callers + 1)
    end = 0.0

    def loop(number: int) -> None:
        start.wait()
        while perf_counter() < end:
            once()
            counts[number] += 1

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(callers)]
    for thread in threads:
        thread.start()
    began = perf_counter()
    end = began + SECONDS
    start.wait()
    for thread in threads:
        thread.join()
    return sum(counts) / (perf_counter() - began)


def configured(folder: Path) -> Path:
    """A configuration folder with one action type that is allowed."""
    (folder / "actions").mkdir(parents=True)
    (folder / "aaf.yaml").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "actions" / "notes.yaml").write_text(ACTION, encoding="utf-8")
    return folder


def measure() -> list[Figure]:
    """One figure for each number of callers; rounds of decisions and appends alternate."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = Settings(data=folder / "data", config=configured(folder / "config"))
        with Embedded.open(settings) as product:
            caller = _agent(product)
            return [_measure(product, caller, callers) for callers in CALLERS]


def _agent(product: Embedded) -> Caller:
    """An agent with a key of its own."""
    first = product.app.first_key
    if first is None:
        raise RuntimeError("the database of the benchmark is not new")
    core, run = product.core, product.run
    admin = run(authenticate(core, key=first.secret, agent=None, source="benchmark"))
    made = run(create_key(core, admin, KeyWanted("agent", Kind.AGENT)))
    return run(authenticate(core, key=made.secret, agent=None, source="benchmark"))


def _measure(product: Embedded, caller: Caller, callers: int) -> Figure:
    """Decisions beside appends of events of about the same size."""
    core, run, org = product.core, product.run, product.app.org
    wanted = Submission("notes.add", {"topic": "today", "text": "x" * 200}, {"task": "benchmark"})
    data: dict[str, Json] = {"agent": caller.principal.id, "digest": "0" * 64, "fill": "x" * 640, "input": "0" * 64}

    def decide() -> None:
        run(submit(core, caller, wanted))

    def append() -> None:
        event = occurrence(
            event_id=core.ids.new(), org=org, at=1, actor="system", kind=EventType.PROOF_EXPORTED, data=data
        )
        run(core.store.commit(Commit(org, (), (event,))))

    pairs = [(_rate(callers, decide), _rate(callers, append)) for _ in range(ROUNDS)]
    return share(f"durable embedded decisions, {callers} callers, against bare appends", pairs, "/s", LEAST)

"""How long a dry run over 100,000 recorded actions takes: rules alone, and with a policy module in Rego.

The store is a real one: every action is formed, judged, sealed and committed by the code that a submission over HTTP goes through.
"""

import tempfile
import threading
from pathlib import Path
from time import perf_counter

from aaf.domain.principal import Kind
from aaf.embedded import Embedded
from aaf.services.access import KeyWanted, authenticate, create_key
from aaf.services.core import Caller
from aaf.services.forming import Submission
from aaf.services.replay import Outcome, Wanted, replay
from aaf.services.replay_candidate import Files
from aaf.services.submit import submit
from aaf.settings import Settings
from benchmarks.result import Figure, at_most

ACTIONS = 100_000
MODULES = 10_000
"""Actions in the part with a module; the figure is for 100,000."""
FILLERS = 32
BUDGET = 60.0
BREATH = 20.0
"""Milliseconds."""
MAIN = """\
version: 1
rules:
  - {name: small, match: {tool: pay, params.amount: {lte: "%s"}}, decision: allow}
  - {name: large, match: {tool: pay, params.amount: {gt: "%s"}}, decision: deny}
  - {name: notes, match: {tool: notes, params.topic: {ne: secret}}, decision: allow}
"""
PAY = """\
name: pay.send
class: payment
risk: high
input:
  type: object
  additionalProperties: false
  required: [to, amount]
  properties:
    to: {type: string, maxLength: 100}
    amount: {type: string, maxLength: 20}
    note: {type: string, maxLength: 1000}
    pin: {type: string, maxLength: 20}
secret: [params.pin]
effect: caller
"""
NOTES = """\
name: notes.add
class: other
risk: low
input:
  type: object
  additionalProperties: false
  required: [topic, text]
  properties:
    topic: {type: string, maxLength: 100}
    text: {type: string, maxLength: 1000}
effect: caller
"""
MODULE = """\
package aaf.policies

decision := {"action": "deny", "reason": "no"} if {
    input.tool == "pay"
    startswith(input.params.to, "shop-13")
}
"""


def _files(limit: str, *, module: bool = False) -> dict[str, bytes]:
    files = {"aaf.yaml": (MAIN % (limit, limit)).encode(), "actions/pay.yaml": PAY.encode()}
    files["actions/notes.yaml"] = NOTES.encode()
    return files | ({"policies/shops.rego": MODULE.encode()} if module else {})


def _submission(number: int) -> Submission:
    """One of the actions: payments of many amounts, notes of some length."""
    if number % 3:
        params = {"to": f"shop-{number % 97}", "amount": f"{number % 900}.50", "note": "n" * 80, "pin": "1234"}
        return Submission("pay.send", dict(params), {"task": "benchmark", "step": str(number % 11)})
    return Submission("notes.add", {"topic": f"day-{number % 30}", "text": "t" * 200}, {"task": "benchmark"})


def _fill(product: Embedded, agent: Caller, actions: int) -> None:
    """Submit so many actions; several callers share each commit, as those of a server do."""
    numbers, lock = iter(range(actions)), threading.Lock()

    def fill() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            product.run(submit(product.core, agent, _submission(number)))

    threads = [threading.Thread(target=fill) for _ in range(FILLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _callers(product: Embedded) -> tuple[Caller, Caller]:
    """An agent, and the administrator."""
    first = product.app.first_key
    if first is None:
        raise RuntimeError("the database of the benchmark is not new")
    core, run = product.core, product.run
    admin = run(authenticate(core, key=first.secret, agent=None, source="benchmark"))
    made = run(create_key(core, admin, KeyWanted("agent", Kind.AGENT)))
    return run(authenticate(core, key=made.secret, agent=None, source="benchmark")), admin


async def _compared(product: Embedded, caller: Caller, wanted: Wanted) -> tuple[Outcome, float]:
    """The outcome, and the longest time in seconds between two breaths."""
    steps = await replay(product.core, caller, wanted)
    longest, last = 0.0, perf_counter()
    async for step in steps:
        now = perf_counter()
        longest, last = max(longest, now - last), now
        if isinstance(step, Outcome):
            return step, longest
    raise RuntimeError("a dry run ended without an outcome")


def measure(actions: int = ACTIONS, modules: int = MODULES) -> list[Figure]:
    """Seconds for 100,000 actions, with rules and with a module, and the longest time in which nothing else could run."""
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "config"
        for file, data in _files("300.00").items():
            (config / file).parent.mkdir(parents=True, exist_ok=True)
            (config / file).write_bytes(data)
        with Embedded.open(Settings(data=Path(name) / "data", config=config)) as product:
            agent, admin = _callers(product)
            _fill(product, agent, actions)
            caller = product.run(admin.again(product.core))
            began = perf_counter()
            outcome, longest = product.run(_compared(product, caller, Wanted(Files(_files("200.00")))))
            rules = (perf_counter() - began) * ACTIONS / actions
            _expect(outcome, actions)
            began = perf_counter()
            wanted = Wanted(Files(_files("200.00", module=True)), limit=modules)
            outcome, _ = product.run(_compared(product, caller, wanted))
            asked = (perf_counter() - began) * ACTIONS / modules
            _expect(outcome, modules)
    return [
        at_most("dry run over 100,000 recorded actions, rules", [rules], "s", BUDGET),
        at_most("longest time of it without a breath", [longest * 1_000], "ms", BREATH),
        Figure("dry run over 100,000 recorded actions, with a module in Rego", asked, "s"),
    ]


def _expect(outcome: Outcome, actions: int) -> None:
    """Nothing was left out, and something flips.

    Raises:
        RuntimeError: otherwise.
    """
    tally = outcome.tally
    if tally.compared != actions or tally.undecided or not tally.flips:
        raise RuntimeError(f"compared {tally.compared} of {actions}, {tally.undecided}, {tally.flips}")

"""A whole decision by policy modules, from the input to the combined verdict, against raw evaluation of prepared input in the same worker.

Raw is one exchange with the same worker process about the same module: the question's bytes are prepared, the answer's are not read. The bare
evaluation in this process, without a worker, stands beside it: the difference is what isolation costs.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter_ns

import regorus  # type: ignore[import-untyped]

from aaf.adapters.driving import drive
from aaf.adapters.rego import worker
from aaf.adapters.rego.conversation import question
from aaf.adapters.rego.engine import Engine, Patience
from aaf.adapters.rego.parser import WorkerParser
from aaf.adapters.rego.waiting import Blocking
from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.configuration import Configuration, load
from aaf.policy.decision_input import Input
from aaf.policy.rego.answers import spoken
from aaf.policy.rego.document import encoded
from benchmarks.result import Figure

RULES = (5, 50, 500)
ROUNDS = 7
CALLS = 300
MOST = 1.2
"""Times the raw evaluation, at 50 rules; a smaller module is dominated by what surrounds it."""
NAME = "pay.send"
CATALOGUE = {
    "aaf.yaml": b"version: 1\n",
    "actions/pay.yaml": b"""\
name: pay.send
class: payment
risk: low
effect: caller
input:
  type: object
  additionalProperties: false
  properties:
    to: {type: string}
    amount: {type: number}
    note: {type: string}
""",
}
RULE = """\
decision := {{"action": "deny", "reason": "account {0}"}} if {{
	input.params.to == "account{0}"
	input.params.amount > {0}
	not startswith(input.params.note, "ok")
}}

"""


def _configured(rules: int) -> Configuration:
    """One module with `rules` rules, of which the last matches."""
    text = "package aaf.policies\n\nimport rego.v1\n\n" + "".join(RULE.format(number) for number in range(rules))
    with WorkerParser() as parser:
        return load({**CATALOGUE, "policies/pay.rego": text.encode()}, parser=parser)


def _median(once: Callable[[], object]) -> float:
    """Microseconds of one call."""
    single = []
    for _ in range(CALLS):
        before = perf_counter_ns()
        once()
        single.append(perf_counter_ns() - before)
    return median(single) / 1_000


def measure() -> list[Figure]:
    """Median times for each number of rules; rounds of all three alternate."""
    return [figure for rules in RULES for figure in _measure(rules)]


def _raw(engine: Engine, wait: Blocking, document: bytes) -> Callable[[], object]:
    """One exchange with the worker that `engine` has just used, about its only module."""
    seat = engine._seats[0]  # noqa: SLF001 - the same worker is what the budget compares with
    process, number = seat.process, seat.sets[0][1]
    if process is None:
        raise RuntimeError("the worker has ended")
    body = question(number, [0], document, b"{}")

    def once() -> object:
        return drive(
            wait.exchange(process.socket, seat.conversation, seat.conversation.ask(worker.EVALUATE, body), 1.0)
        )

    return once


def _measure(rules: int) -> list[Figure]:
    configuration = _configured(rules)
    modules, entry = configuration.modules, configuration.catalogue[NAME]
    asked = Input(
        name=NAME,
        params={"to": f"account{rules - 1}", "amount": 10_000, "note": "rent"},
        agent_id="a",
        agent_name="a",
        org="o",
        klass=ActionClass.PAYMENT,
        risk=Risk.LOW,
        time=0,
        release=1,
    )
    wait = Blocking(1)
    engine = Engine(wait, workers=1, patience=Patience(answer=2.0))
    here = regorus.Engine()
    here.add_policy(modules[0].name, modules[0].text)
    document = encoded(asked, entry)
    text = document.decode()

    def bare() -> object:
        here.set_input_json(text)
        return here.eval_query_as_json("data.aaf.policies.decision")

    def whole() -> None:
        applying = configuration.modules_for(NAME)
        answers = drive(engine.evaluate(modules, applying, encoded(asked, entry), b"{}"))
        decision = configuration.policy.judge(asked, (), spoken(tuple(zip(applying, answers, strict=True))))
        if decision.verdict != "deny" or decision.code == "no_rule":
            raise RuntimeError(decision)

    try:
        whole()
        raw = _raw(engine, wait, document)
        rounds = [(_median(whole), _median(raw), _median(bare)) for _ in range(ROUNDS)]
    finally:
        drive(engine.close())
    ratio = median(a / b for a, b, _ in rounds)
    budget = rules == RULES[1]
    return [
        Figure(
            f"Rego decision, {rules} rules, against raw evaluation in the same worker, p50",
            median(a for a, _, _ in rounds),
            "us",
            baseline=median(b for _, b, _ in rounds),
            ratio=ratio,
            budget=f"ratio <= {MOST:g}" if budget else "",
            met=ratio <= MOST if budget else None,
        ),
        Figure(f"Rego evaluation in this process, {rules} rules, p50", median(c for _, _, c in rounds), "us"),
    ]

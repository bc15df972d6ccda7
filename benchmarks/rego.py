"""A whole decision by policy modules, from the input to the combined verdict through the worker, against the bare evaluation of the same module."""

import json
from collections.abc import Callable
from statistics import median
from time import perf_counter_ns

import regorus  # type: ignore[import-untyped]

from aaf.adapters.driving import drive
from aaf.adapters.rego import worker
from aaf.adapters.rego.conversation import loading
from aaf.adapters.rego.engine import Engine
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
MOST = 3.0
"""Times the bare evaluation, at 50 rules and more; a small module is dominated by the way to the worker and back."""
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
    """Median times for each number of rules; rounds of both alternate."""
    return [_measure(rules) for rules in RULES]


def _measure(rules: int) -> Figure:
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
    engine = Engine(Blocking(1), workers=1)
    bare = worker.Set(regorus.Engine, json.loads(loading(1, modules)), dict)
    document = json.loads(encoded(asked, entry))

    def whole() -> None:
        applying = configuration.modules_for(NAME)
        answers = drive(engine.evaluate(modules, applying, encoded(asked, entry), b"{}"))
        decision = configuration.policy.judge(asked, (), spoken(tuple(zip(applying, answers, strict=True))))
        if decision.verdict != "deny" or decision.code == "no_rule":
            raise RuntimeError(decision)

    try:
        whole()
        pairs = [(_median(whole), _median(lambda: bare.ask(0, document))) for _ in range(ROUNDS)]
    finally:
        drive(engine.close())
    ratio = median(a / b for a, b in pairs)
    budget = rules >= RULES[1]
    return Figure(
        f"Rego decision, {rules} rules, against bare evaluation, p50",
        median(a for a, _ in pairs),
        "us",
        baseline=median(b for _, b in pairs),
        ratio=ratio,
        budget=f"ratio <= {MOST:g}" if budget else "",
        met=ratio <= MOST if budget else None,
    )

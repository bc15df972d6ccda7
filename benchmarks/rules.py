"""How long a rules decision takes, and whether that depends on the number of rules."""

from time import perf_counter_ns

from aaf.policy.catalogue import ActionClass, Risk
from aaf.policy.configuration import Configuration, load
from aaf.policy.decision_input import Input
from benchmarks.result import Figure, at_most

CANDIDATES = 20
BUDGETS = {1: 5.0, 100: 5.0, 1_000: 10.0, 10_000: 10.0}
ROUNDS = 7
CALLS = 3_000


ACTION = """\
name: t{tool}.pay
class: payment
risk: low
effect: caller
input:
  type: object
  additionalProperties: false
  properties:
    to: {{type: string}}
    amount: {{type: string}}
    note: {{type: string}}
"""
RULE = "- {{name: r{rule}, match: {{tool: t{tool}, params.to: a{last}, params.amount: {{gt: '9'}}}}, decision: deny}}\n"
"""Short, because 10,000 of them have to fit the 1 MiB that one file may have."""


def configuration(rules: int) -> Configuration:
    """`rules` rules over as many tools as it takes for at most 20 candidates each."""
    tools = max(1, rules // CANDIDATES)
    files = {f"actions/tool{tool}.yaml": ACTION.format(tool=tool).encode() for tool in range(tools)}
    listed = "".join(RULE.format(rule=rule, tool=rule % tools, last=rule // tools) for rule in range(rules))
    files["aaf.yaml"] = f"version: 1\nrules:\n{listed}".encode()
    return load(files)


def measure() -> list[Figure]:
    """The median decision time in microseconds for each number of rules."""
    asked = Input(
        name="t0.pay",
        params={"to": "a0", "amount": "250.00", "note": "n"},
        agent_id="a",
        agent_name="a",
        org="o",
        klass=ActionClass.PAYMENT,
        risk=Risk.LOW,
        time=0,
        release=1,
    )
    policies = {rules: configuration(rules).policy for rules in BUDGETS}
    times: dict[int, list[float]] = {rules: [] for rules in BUDGETS}
    for _ in range(ROUNDS):
        for rules, policy in policies.items():
            judge = policy.judge
            single = []
            for _ in range(CALLS):
                before = perf_counter_ns()
                judge(asked)
                single.append(perf_counter_ns() - before)
            single.sort()
            times[rules].append(single[len(single) // 2] / 1_000)
    return [
        at_most(f"rules decision, {rules:,} rules, p50", times[rules], "us", limit) for rules, limit in BUDGETS.items()
    ]

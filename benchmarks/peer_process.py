"""One peer's decision, measured in the peers' own environment: reads a job a line on standard input, answers one JSON line each.

Nothing of the product is imported here. Every peer is given the same rules and the same request: deny where tool, recipient and an amount above
nine match, allow otherwise; the request matches the last rule, so that nobody gains by stopping at the first.
"""

import json
import logging
import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

CANDIDATES = 20
"""Rules for one tool, as in `benchmarks.rules`."""
LONGEST = 0.4
"""Seconds of one job, so that a slow peer doesn't hold up the others."""
MODEL = """
[request_definition]
r = tool, to, amount

[policy_definition]
p = tool, to, most, eft

[policy_effect]
e = !some(where (p.eft == deny))

[matchers]
m = r.tool == p.tool && r.to == p.to && r.amount > p.most
"""


def _rules(count: int) -> list[tuple[str, str]]:
    """Tool and recipient of each rule."""
    tools = max(1, count // CANDIDATES)
    return [(f"t{rule % tools}", f"a{rule // tools}") for rule in range(count)]


def _asked(count: int) -> tuple[str, str]:
    """Tool and recipient of the last rule."""
    return _rules(count)[-1]


def cedar(count: int) -> Callable[[], bool]:
    """Cedar through cedarpy: policies parsed once; whether it denies."""
    import cedarpy  # type: ignore[import-not-found, unused-ignore] # noqa: PLC0415 - each peer is asked for by name

    texts = ["permit(principal, action, resource);"]
    texts += [
        f'forbid(principal, action == Action::"{tool}.pay", resource) '
        f'when {{ context.to == "{to}" && context.amount > 9 }};'
        for tool, to in _rules(count)
    ]
    policies = cedarpy.PolicySet.from_str("\n".join(texts))
    entities = cedarpy.Entities.from_json_str("[]")
    tool, to = _asked(count)
    request = {
        "principal": 'Agent::"a"',
        "action": f'Action::"{tool}.pay"',
        "resource": f'Tool::"{tool}"',
        "context": {"to": to, "amount": 250, "note": "n"},
    }
    return lambda: not cedarpy.is_authorized(request, policies, entities).allowed


def casbin(count: int) -> Callable[[], bool]:
    """PyCasbin; whether it denies."""
    import casbin as pycasbin  # type: ignore[import-not-found, unused-ignore] # noqa: PLC0415 - as above

    model = pycasbin.Enforcer.new_model(text=MODEL)
    enforcer = pycasbin.Enforcer(model)
    enforcer.add_policies([[tool, to, 9, "deny"] for tool, to in _rules(count)])
    tool, to = _asked(count)
    return lambda: not enforcer.enforce(tool, to, 250)


def toolkit(count: int) -> Callable[[], bool]:
    """The policy engine of Microsoft's agent-governance-toolkit; whether it denies."""
    from agentmesh.governance.policy import (  # type: ignore[import-not-found, unused-ignore] # noqa: PLC0415 - as above
        Policy,
        PolicyEngine,
        PolicyRule,
    )

    rules = [
        PolicyRule(
            name=f"r{number}",
            condition=f"tool == '{tool}' and params.to == '{to}' and params.amount > 9",
            action="deny",
        )
        for number, (tool, to) in enumerate(_rules(count))
    ]
    engine = PolicyEngine()
    engine.load_policy(Policy(name="bench", agents=["*"], rules=rules, default_action="allow"))
    tool, to = _asked(count)
    context = {"tool": tool, "params": {"to": to, "amount": 250, "note": "n"}}
    return lambda: engine.evaluate("did:mesh:a", context).action == "deny"


PEERS: dict[str, Callable[[int], Callable[[], bool]]] = {
    "agent-governance-toolkit": toolkit,
    "casbin": casbin,
    "cedarpy": cedar,
}


def _median(decide: Callable[[], bool], calls: int) -> float:
    """Microseconds of one decision: the median of `calls`, or of what fits the time."""
    single: list[int] = []
    end = perf_counter_ns() + int(LONGEST * 1e9)
    while len(single) < calls and (perf_counter_ns() < end or len(single) < 3):
        before = perf_counter_ns()
        decide()
        single.append(perf_counter_ns() - before)
    single.sort()
    return single[len(single) // 2] / 1_000


def main() -> None:
    """Answer jobs until the input ends."""
    logging.disable(logging.CRITICAL)
    ready: dict[tuple[str, int], Callable[[], bool]] = {}
    for line in sys.stdin:
        job: dict[str, Any] = json.loads(line)
        place = (job["peer"], job["rules"])
        decide = ready.get(place)
        if decide is None:
            decide = ready[place] = PEERS[job["peer"]](job["rules"])
            if not decide():
                raise SystemExit(f"{job['peer']} does not deny what the rules deny")
        print(json.dumps({"us": _median(decide, job["calls"])}), flush=True)


if __name__ == "__main__":
    main()

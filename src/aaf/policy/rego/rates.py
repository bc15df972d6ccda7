"""Calls of `rate_limit_exceeded`: whether there is a rate that it could be about, and whether it asks about the agent that acts.

Without a rate, or about anybody else, it has no fact and each decision that reaches it is a deny; where the door turns away what is over the
rate, it is never true.
"""

from collections.abc import Callable
from enum import StrEnum, unique

from aaf.policy.rego.aliases import Aliases, aliases_of_rules
from aaf.policy.rego.references import Complaints, Unit
from aaf.policy.rego.syntax import CONSTANTS, Place, Tree, begins, expression, variable

NAME = "rate_limit_exceeded"
_AGENT = (("agent_id",), ("agent", "id"))


@unique
class Rate(StrEnum):
    """What the configuration says about how often an agent may submit."""

    UNKNOWN = "unknown"
    NONE = "none"
    DOOR = "door"
    POLICY = "policy"


def check_rates(unit: Unit, rate: Rate, complaints: Complaints, warn: Callable[[Place, str], None]) -> None:
    """Check every call in a module."""
    shared = aliases_of_rules(unit.imports, (rule.tree for rule in unit.rules))
    for rule in unit.rules:
        nodes = rule.bodies()
        for node in nodes:
            kind, body = expression(node)
            if kind == "Call" and variable(body["fcn"]) == NAME and len(body["params"]) == 1:
                if rate is Rate.NONE:
                    hint = "write into aaf.yaml `limits: {agent: {rate: 60/m, burst: 30, enforce: policy}}`"
                    complaints.add(begins(node), f"`{NAME}` is about a limit, and there is none", hint)
                elif rate is Rate.DOOR:
                    warn(begins(node), f"`{NAME}` is never true, for the door enforces the limit (enforce: policy)")
                _check_argument(body["params"][0], shared.within(nodes), complaints)


def _check_argument(node: Tree, names: Aliases, complaints: Complaints) -> None:
    path = names.path(node)
    if expression(node)[0] in CONSTANTS or (path is not None and path not in _AGENT):
        complaints.add(begins(node), f"`{NAME}` knows the acting agent only", "write `input.agent_id`")

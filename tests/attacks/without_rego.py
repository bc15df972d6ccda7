"""Stand-ins in the shapes of the checks of policy modules: each finds nothing wrong, or believes what the agent says."""

from typing import Any

from aaf.analysis.hosts import Host
from aaf.domain.canonical import Json


def believes_the_agent(asked: Any, entry: Any) -> dict[str, Json]:
    """A document that holds the agent's claims as they came."""
    return {
        "agent_id": asked.agent_id,
        "context": dict(asked.context),
        "operation": asked.operation.upper(),
        "params": dict(asked.params),
        "tool": asked.tool,
    }


def nothing_unbound(*args: object, **kwargs: object) -> dict[str, tuple[int, int]]:
    """A look for unbound variables that finds none."""
    return {}


def takes_any_output(node: Any, defaults: Any, faults: Any, **kwargs: Any) -> Any:
    """A reader that takes whatever it gets for an allow."""
    from aaf.domain.decision import Verdict
    from aaf.policy.rego.outputs import Output

    return Output(Verdict.ALLOW)


def all_of_it(params: Any, hidden: object) -> dict[str, Json]:
    """A copy that hides nothing."""
    return dict(params)


def finds_every_field(path: Any, entries: object) -> tuple[Any, int, str]:
    """A look for a field that always finds it."""
    from aaf.policy.rego.fields import Field

    return Field.FINE, len(path), ""


def any_host(value: object) -> Host:
    """Take whatever is given for a name, as a function that guesses would."""
    return Host(str(value), is_literal=False)

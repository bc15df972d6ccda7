"""The decision input: everything that a decision was made on, and nothing else.

It is stored sealed with the decision and digested, so that replay, explain and a re-check see the same. Version 1; a change is a new
version. What was sent is in it as it was sent (docs/adr/0012), connectors' secrets as handles only, and nothing in it is computed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.catalogue import ActionClass, Risk

INPUT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Input:
    """Everything that a decision was made on, version 1. `time` in microseconds; `klass` and `risk` as analysis raised them.

    `name` is the action type's short name. A leaf of `params` or `context` may be `Absent.ERASED` in a replay; such an input has no JSON.
    """

    name: str
    params: Mapping[str, Any]
    agent_id: str
    agent_name: str
    org: str
    klass: ActionClass
    risk: Risk
    time: int
    release: int
    roles: frozenset[str] = frozenset()
    server: str | None = None
    action_id: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    findings: frozenset[str] = frozenset()
    counters: Mapping[str, int | str] = field(default_factory=dict)

    @property
    def tool(self) -> str:
        """What stands before the last dot of the name."""
        return self.name.rpartition(".")[0]

    @property
    def operation(self) -> str:
        """What stands after the last dot of the name."""
        return self.name.rpartition(".")[2]

    def to_json(self) -> dict[str, Json]:
        """What is stored sealed and digested as `context_digest`."""
        return {
            "action": {
                "id": self.action_id,
                "name": self.name,
                "operation": self.operation,
                "params": dict(self.params),
                "server": self.server,
                "tool": self.tool,
            },
            "agent": {"id": self.agent_id, "name": self.agent_name, "roles": [*sorted(self.roles)]},
            "class": self.klass,
            "context": dict(self.context),
            "counters": dict(self.counters),
            "findings": [*sorted(self.findings)],
            "labels": [*sorted(self.labels)],
            "org": self.org,
            "release": self.release,
            "risk": self.risk,
            "time": self.time,
            "v": INPUT_VERSION,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Input":
        """What `to_json` stored.

        Raises:
            ValueError: it is of another version.
        """
        if stored["v"] != INPUT_VERSION:
            msg = f"decision input of version {stored['v']}, this program reads {INPUT_VERSION}"
            raise ValueError(msg)
        action, agent = stored["action"], stored["agent"]
        return cls(
            name=action["name"],
            params=action["params"],
            agent_id=agent["id"],
            agent_name=agent["name"],
            org=stored["org"],
            klass=ActionClass(stored["class"]),
            risk=Risk(stored["risk"]),
            time=stored["time"],
            release=stored["release"],
            roles=frozenset(agent["roles"]),
            server=action["server"],
            action_id=action["id"],
            context=stored["context"],
            labels=frozenset(stored["labels"]),
            findings=frozenset(stored["findings"]),
            counters=stored["counters"],
        )

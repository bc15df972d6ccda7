"""What an action would do, as a dry run found it: shown to the approver, digested, and compared again before the run.

Everything in it takes part in the digest, so it holds nothing that differs between two looks at the same target: no time, no
counter of the looker. It promises what was there when it was made, not that it still is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from aaf.domain.canonical import Json

_MEMBERS = frozenset({"diff", "facts", "kind", "summary", "target"})


@dataclass(frozen=True, slots=True)
class Effect:
    """`kind` is the operation, `summary` one sentence for people, `facts` what is bound, `diff` the whole change or None."""

    kind: str
    target: str
    summary: str
    facts: Mapping[str, Json]
    diff: str | None = None

    def to_json(self) -> dict[str, Json]:
        """As stored, digested and shown."""
        return {
            "diff": self.diff,
            "facts": dict(self.facts),
            "kind": self.kind,
            "summary": self.summary,
            "target": self.target,
        }

    @classmethod
    def from_json(cls, value: Json) -> "Effect":
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        if isinstance(value, dict) and value.keys() != _MEMBERS:
            raise ValueError("not an effect")
        match value:
            case {
                "diff": str() | None as diff,
                "facts": dict() as facts,
                "kind": str() as kind,
                "summary": str() as summary,
                "target": str() as target,
            }:
                return cls(kind, target, summary, facts, diff)
            case _:
                raise ValueError("not an effect")

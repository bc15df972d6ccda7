"""What holds for a class of actions where nobody has said anything: the high-risk ones need a person, the rest is denied.

What is written replaces a default; nothing but reads may be allowed by one. The defaults of a rule set that is a guard are votes of their own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from aaf.domain.canonical import Json
from aaf.domain.decision import Requirement, Source, Verdict, Vote
from aaf.domain.errors import Code
from aaf.policy.catalogue import ActionClass
from aaf.policy.positioned import Node
from aaf.policy.reading import Section, choose, did_you_mean

HIGH_RISK: Mapping[ActionClass, Verdict] = MappingProxyType(
    {klass: Verdict.REQUIRE_APPROVAL for klass in ActionClass if klass not in (ActionClass.OTHER, ActionClass.READ)}
)
"""The defaults of a document that says nothing of them. Reads and `other` have none, which is a deny that says where to add a rule."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A file of rules that is a guard: where none of its own `rules` speaks, its default for the class is a vote like theirs."""

    name: str
    defaults: Mapping[ActionClass, Verdict]
    rules: frozenset[str]

    def vote(self, klass: ActionClass, spoken: Iterable[Vote], requirement: Requirement | None) -> Vote | None:
        """Its vote on an action of this class, given the votes of all rules; None where one of its own is among them."""
        verdict = self.defaults.get(klass)
        if verdict is None or any(vote.name in self.rules for vote in spoken):
            return None
        reason = f"The default of the class {klass} in the rule set {self.name}."
        return Vote(verdict, Source.RULE, Code.CLASS_DEFAULT, self.name, reason, requirement)

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        defaults: dict[str, Json] = {klass.value: verdict for klass, verdict in self.defaults.items()}
        return {"defaults": defaults, "name": self.name, "rules": [*sorted(self.rules)]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "RuleSet":
        """What `to_json` stored."""
        defaults = {ActionClass(klass): Verdict(verdict) for klass, verdict in stored["defaults"].items()}
        return cls(stored["name"], defaults, frozenset(stored["rules"]))


def read_defaults(section: Section | None) -> dict[ActionClass, Verdict]:
    """Read `defaults` of the document: those of `HIGH_RISK`, and over them what is written."""
    found = dict(HIGH_RISK)
    if section is None:
        return found
    for klass, verdict, node in _written(section):
        if verdict is Verdict.ALLOW and klass is not ActionClass.READ:
            section.faults.at(
                node, f"the default of {klass} can't be allow", "only reads may be allowed by default; write a rule"
            )
        found[klass] = verdict
    return found


def read_rule_set(name: str, section: Section | None, rules: Iterable[str]) -> RuleSet:
    """Read `defaults` of a rule set that is a guard."""
    found: dict[ActionClass, Verdict] = {}
    for klass, verdict, node in _written(section) if section else ():
        if verdict is Verdict.ALLOW and section is not None:
            section.faults.at(node, "the default of a guard can't be allow", "a guard only tightens; write a rule")
        found[klass] = verdict
    return RuleSet(name, found, frozenset(rules))


def _written(section: Section) -> Iterable[tuple[ActionClass, Verdict, Node]]:
    known = [klass.value for klass in ActionClass]
    for name, node in section.rest():
        if name not in known:
            section.faults.at_key(node, f"there is no action class `{name}`", did_you_mean(name, known))
            continue
        yield ActionClass(name), choose(node, Verdict, Verdict.DENY, f"the default of {name}", section.faults), node

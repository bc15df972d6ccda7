"""How an explanation is told: votes in their pools, rules test by test, modules, changes.

What the catalogue declares secret, what stands beneath a sensitive name and every credential that is found by its value stay masked, whoever
asks. Values are told as they are otherwise; whoever prints them makes them inert.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aaf.domain.canonical import Json
from aaf.domain.decision import Decision, Source, Vote
from aaf.domain.errors import Code, PolicyFailed
from aaf.domain.redaction import MASK, Fields, touches
from aaf.policy.catalogue import Entry
from aaf.policy.counterfactual import Change
from aaf.policy.decision_input import Input
from aaf.policy.operands.answers import Absent
from aaf.policy.rego.answers import Answer, Undefined
from aaf.policy.rego.module import Module
from aaf.policy.rules import Rule
from aaf.policy.tracing import Leaf, Saw, Traced, trace
from aaf.services.core import Core
from aaf.services.quoting import without_secrets
from aaf.services.varying import Varied


@dataclass(frozen=True, slots=True)
class Shown:
    """Tells the parts of one explanation. `secret` are the paths that were hidden when the action was recorded."""

    core: Core
    names: Fields
    entry: Entry | None
    secret: tuple[str, ...]

    def votes(
        self, pool: Iterable[Vote], defaults: Iterable[Vote], guards: Iterable[Vote], decision: Decision
    ) -> list[Json]:
        """Every vote with its pool, whether it counted and whether it decided; defaults count only where nobody has spoken."""
        pool = tuple(pool)
        listed = [("explicit", vote, True) for vote in pool]
        listed += [("default", vote, not pool) for vote in defaults]
        listed += [("guard", vote, True) for vote in guards]
        return [
            {
                "code": vote.code,
                "counted": counted,
                "deciding": counted and vote in decision.votes,
                "name": vote.name,
                "pool": where,
                "reason": vote.reason,
                "source": vote.source,
                "unknown": vote.unknown,
                "verdict": vote.verdict,
            }
            for where, vote, counted in listed
        ]

    def rule(self, rule: Rule, asked: Input, pool: Iterable[Vote]) -> dict[str, Json]:
        """One rule: whether it spoke, and its condition as a tree."""
        return {
            "condition": self._traced(trace(rule.match, asked, self.entry)),
            "decision": rule.decision,
            "name": rule.name,
            "reason": rule.reason,
            "said": _said(rule, pool),
        }

    def _traced(self, traced: Traced) -> dict[str, Json]:
        if isinstance(traced, Leaf):
            probe = traced.probe
            return {
                "field": probe.field,
                "holds": traced.said,
                "negated": traced.negated,
                "op": probe.op,
                "operand": without_secrets(self.core, probe.value),
                "saw": traced.saw,
                "value": self.value(probe.field, traced.value) if traced.saw is not Saw.INAPPLICABLE else None,
            }
        parts: list[Json] = [self._traced(part) for part in traced.parts]
        return {"all" if traced.every else "any": parts, "holds": traced.said}

    def value(self, field: str, value: Any) -> Json:  # noqa: ANN401 - what an input holds
        """A field's value as it may be shown; None where there is none."""
        if isinstance(value, Absent) or value is None:
            return None
        if isinstance(value, frozenset):
            return [*sorted(value)]
        if self._hidden(field):
            return MASK
        always = self.entry.always_shown if self.entry else ()
        return without_secrets(self.core, self.names.redacted(value, at=field, but=always))

    def _hidden(self, field: str) -> bool:
        """Whether nothing of a field is shown, by what was declared or by its name."""
        if any(touches(field, path) for path in (*self.secret, *(self.entry.secret if self.entry else ()))):
            return True
        always = self.entry.always_shown if self.entry else ()
        named = any(step in self.names for step in field.split(".")[1:])
        return named and not any(touches(field, path) for path in always)

    def module(self, digest: str, module: Module, answer: Answer | PolicyFailed | None) -> dict[str, Json]:
        """One module: what it answered, in its own form, or why there is no answer."""
        told: dict[str, Json] = {"answer": None, "hash": digest, "name": module.name, "package": module.package}
        match answer:
            case None:
                return {**told, "code": None, "line": None, "said": "not_asked"}
            case PolicyFailed():
                return {**told, "code": answer.code, "line": answer.line or None, "said": "failed"}
            case Undefined():
                return {**told, "code": None, "line": None, "said": "silent"}
            case _:
                value = without_secrets(self.core, self.names.redacted(answer.value))
                said = "silent" if module.output == "decisions" and answer.value == [] else "spoke"
                return {**told, "answer": value, "code": None, "line": None, "said": said}

    def varied(self, varied: Varied) -> dict[str, Json]:
        """The changes that were found, how many were tried, and why there is none."""
        found: list[Json] = [
            {"fields": [self._change(change) for change in one.made], "verdict": one.verdict} for one in varied.found
        ]
        return {"changes": found, "tried": varied.tried, "why": varied.why}

    def _change(self, change: Change) -> dict[str, Json]:
        words = MASK if self._hidden(change.field) and change.words not in _PLAIN else change.words
        return {
            "field": change.field,
            "value": self.value(change.field, change.value),
            "words": str(without_secrets(self.core, words)),
        }


_PLAIN = frozenset({"given", "left out"})
"""Words that tell no value."""


def _said(rule: Rule, pool: Iterable[Vote]) -> str:
    """Whether a rule spoke, as the matcher that decides has it."""
    for vote in pool:
        if vote.source is Source.RULE and vote.name == rule.name:
            return "failed" if vote.code is Code.POLICY_ERROR else "unknown" if vote.unknown else "spoke"
    return "silent"

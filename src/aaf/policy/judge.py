"""The policy judges a decision input: the votes of the matching rules and of the modules, combined.

Rules are compiled per action type, once, so a decision asks only those that could match and its cost doesn't grow
with the number of rules. Whatever fails while a rule is evaluated is a deny that names the rule. Nothing here reads a clock or a store.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from aaf.domain.decision import Decision, Requirement, Source, Verdict, Vote, combine
from aaf.domain.errors import Code
from aaf.policy.catalogue import ActionClass, Catalogue
from aaf.policy.conditions import Probe
from aaf.policy.decision_input import Input
from aaf.policy.document.classes import RuleSet
from aaf.policy.index import Matcher, Voices, build
from aaf.policy.operators import Op
from aaf.policy.rego.answers import NOTHING, Spoken
from aaf.policy.rules import Rule


class Policy:
    """The rules of one release, compiled for its catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        rules: Iterable[Rule],
        *,
        defaults: Mapping[ActionClass, Verdict] | None = None,
        requirement: Requirement | None = None,
        fallback: Requirement | None = None,
        guards: Iterable[RuleSet] = (),
        file: str = "aaf.yaml",
    ) -> None:
        """Compile.

        `requirement` is what a class default that holds asks for; `fallback` what an unknown action type needs, None denies it; `guards` are
        the rule sets whose defaults are votes; `file` is named where no rule speaks.
        """
        self._rule_sets = tuple(guards)
        self._requirement = requirement
        self._catalogue = catalogue
        self._candidates = [(number, rule, _voices(rule)) for number, rule in enumerate(rules)]
        # Most decisions are one rule's: they are combined once, here.
        self._alone = {rule.name: combine(pool=(voices[0],)) for _, rule, voices in self._candidates}
        self._defaults = {
            klass: (
                Vote(
                    verdict,
                    Source.DEFAULT,
                    Code.CLASS_DEFAULT,
                    klass,
                    f"The default of the class {klass}.",
                    requirement,
                ),
            )
            for klass, verdict in (defaults or {}).items()
        }
        silence = f"No rule speaks about this action. Add a rule to {file}."
        self._silence = (Vote(Verdict.DENY, Source.DEFAULT, Code.NO_RULE, "no_rule", silence),)
        if fallback is None:
            stranger = "This action type is not in the catalogue."
            self._stranger = Vote(
                Verdict.DENY, Source.DEFAULT, Code.UNKNOWN_ACTION_TYPE, "unknown_action_type", stranger
            )
        else:
            stranger = "This action type is not in the catalogue; unknown ones need approval."
            self._stranger = Vote(
                Verdict.REQUIRE_APPROVAL, Source.DEFAULT, Code.FALLBACK, "fallback", stranger, fallback
            )
        self._by_name = self._index()
        self._matchers: dict[tuple[str, ActionClass], Matcher] = {}
        self._strangers = build(self._candidates, None, None)

    def prepare(self) -> None:
        """Compile every action type now rather than when it is first met, so that nothing can fail later."""
        for name, entry in self._catalogue.items():
            self.matcher(name, entry.klass)

    def matcher(self, name: str, klass: ActionClass) -> Matcher:
        """The rules that could match this action type as this class, compiled when first met."""
        found = self._matchers.get((name, klass))
        if found is None:
            found = build(self._by_name[name], self._catalogue[name], klass)
            self._matchers[name, klass] = found
        return found

    def judge(self, asked: Input, guards: Iterable[Vote] = (), spoken: Spoken = NOTHING) -> Decision:
        """The decision on `asked`; `guards` are the votes of guards, limits and hooks, `spoken` what policy modules said."""
        if asked.name not in self._by_name:
            said = self._with_defaults(asked, self._strangers.votes(asked))
            return combine(pool=[self._stranger, *said, *spoken.pool], guards=guards)
        pool = self._with_defaults(asked, self.matcher(asked.name, asked.klass).votes(asked))
        guards = tuple(guards)
        if spoken is not NOTHING:
            defaults = (*self._defaults.get(asked.klass, ()), *spoken.defaults) or self._silence
            return combine(pool=(*pool, *spoken.pool), defaults=defaults, guards=guards)
        if len(pool) == 1 and not guards:
            alone = self._alone.get(pool[0].name)
            if alone is not None and alone.votes[0] is pool[0]:
                return alone
        return combine(pool=pool, defaults=self._defaults.get(asked.klass, self._silence), guards=guards)

    def _with_defaults(self, asked: Input, said: Sequence[Vote]) -> Sequence[Vote]:
        """What the rules said, and the defaults of those rule sets that are guards and none of whose rules is among them."""
        if not self._rule_sets:
            return said
        more = (one.vote(asked.klass, said, self._requirement) for one in self._rule_sets)
        return (*said, *(vote for vote in more if vote is not None))

    def pools(self, asked: Input, spoken: Spoken = NOTHING) -> tuple[tuple[Vote, ...], tuple[Vote, ...]]:
        """The explicit votes on `asked`, and the defaults, which count only where there are none; what `judge` combines, for who explains it."""
        if asked.name not in self._by_name:
            said = self._with_defaults(asked, self._strangers.votes(asked))
            return (self._stranger, *said, *spoken.pool), ()
        pool = self._with_defaults(asked, self.matcher(asked.name, asked.klass).votes(asked))
        return (*pool, *spoken.pool), (*self._defaults.get(asked.klass, ()), *spoken.defaults) or self._silence

    def rules_for(self, name: str) -> tuple[Rule, ...]:
        """The rules that could match an action type, as far as their own words about tool and operation say."""
        found = self._by_name.get(name)
        if found is None:
            tool, _, operation = name.rpartition(".")
            found = [one for one in self._candidates if _may_name(one[1], tool, operation)]
        return tuple(rule for _, rule, _ in found)

    def matching(self, asked: Input) -> list[Vote]:
        """The votes of every rule that matches `asked`, also of those that another overruled."""
        if asked.name not in self._by_name:
            return self._strangers.votes(asked)
        return self.matcher(asked.name, asked.klass).votes(asked)

    def _index(self) -> dict[str, list[tuple[int, Rule, Voices]]]:
        """For each action type the rules whose own words about tool and operation don't rule it out."""
        by_tool: dict[str, list[str]] = {}
        for name, entry in self._catalogue.items():
            by_tool.setdefault(entry.tool, []).append(name)
        found: dict[str, list[tuple[int, Rule, Voices]]] = {name: [] for name in self._catalogue}
        for candidate in self._candidates:
            tools, operations = _named(candidate[1], "tool"), _named(candidate[1], "operation")
            names = found if tools is None else [name for tool in sorted(tools) for name in by_tool.get(tool, ())]
            for name in names:
                if operations is None or self._catalogue[name].operation in operations:
                    found[name].append(candidate)
        return found


def _voices(rule: Rule) -> Voices:
    sure = Vote(rule.decision, Source.RULE, Code.RULE, rule.name, rule.reason, rule.requirement)
    if rule.decision is Verdict.ALLOW:
        return sure, None
    return sure, replace(sure, code=Code.RULE_UNKNOWN, unknown=True)


def _may_name(rule: Rule, tool: str, operation: str) -> bool:
    tools, operations = _named(rule, "tool"), _named(rule, "operation")
    return (tools is None or tool in tools) and (operations is None or operation in operations)


def _named(rule: Rule, name: str) -> set[str] | None:
    """The values that a rule's own list demands of a field; None where it demands none so plainly."""
    for part in rule.match.parts:
        if isinstance(part, Probe) and part.field == name and part.op is Op.IN and isinstance(part.value, list):
            return {str(value) for value in part.value}
    return None

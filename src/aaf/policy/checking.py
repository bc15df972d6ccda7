"""Whether a rule could ever match: each test is held against the action types that are left where it stands.

A rule that can never match is never silent: a tool, operation, role, finding or value that doesn't exist, a parameter that no action
type has there, a risk below every floor are problems. What could become true without another file, as a class that analysis raises, is warned of.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TypeAlias

from aaf.domain.canonical import Json
from aaf.domain.decision import Verdict
from aaf.domain.errors import Code
from aaf.domain.principal import ROLES
from aaf.policy.catalogue import Catalogue, Entry, Risk
from aaf.policy.conditions import FIELDS, AllOf, AnyOf, Condition, Not, Probe, probes
from aaf.policy.contradictions import Contradictions
from aaf.policy.operands.answers import Answer, Misfit, opposite
from aaf.policy.operators import Op, exactly, fault, question, shown
from aaf.policy.positioned import Faults
from aaf.policy.reading import did_you_mean
from aaf.policy.relations import Kinds
from aaf.policy.schemas import Kind

FINDINGS = frozenset(
    {
        Code.LONE_SURROGATE,
        Code.MISSING_FIELD,
        Code.PATH_NOT_PLAIN,
        Code.PATH_OUTSIDE_ROOT,
        Code.PATH_PROTECTED,
        Code.SECRET_DETECTED,
        Code.SECRET_QUOTED,
        Code.UNKNOWN_ACTION_TYPE,
        Code.UNKNOWN_FIELD,
        Code.VALUE_TOO_LONG,
        Code.WRONG_TYPE,
    }
)
"""What the connectors find in parameters, and nothing else does yet: a rule about another finding would wait for ever.

`tests/policy/test_findings.py` holds the set to what the connectors give.
"""

_BY_TYPE = frozenset({"tool", "operation"})
_STATIC = _BY_TYPE | {"class"}
_WITH_RISK = _STATIC | {"risk"}
_NULLABLE = frozenset({"server"})
_EQUALITY = (Op.EQ, Op.NE, Op.IN, Op.NOT_IN)
_CLAIMED = {
    "context": "context is what the caller claims",
    "server": "the server is what the caller claims, until a gateway sets it",
}
_NEVER_NULL = Misfit("is never null", "write {exists: false} for what was not sent")
_ONE = {"findings": "finding", "role": "role"}
_SHOWN = 3

_Candidate: TypeAlias = tuple[Entry, tuple[Risk, ...]]
"""An action type, and the risks that an action of it may still have: never one below its floor, and none where the rule left none."""

_FROM = {floor: tuple(risk for risk in Risk if risk.level >= floor.level) for floor in Risk}

_Screen: TypeAlias = Callable[[Entry, Risk], Answer]


def screen(condition: Condition, fields: Iterable[str], *, positive: bool = True) -> _Screen:
    """What the action type and the risk alone say of a condition, looking at these fields only; None where that isn't enough."""
    match condition:
        case Probe():
            return _screened(condition, fields, positive=positive)
        case Not(part):
            return screen(part, fields, positive=not positive)
    every = isinstance(condition, AllOf) is positive
    parts = [screen(part, fields, positive=positive) for part in condition.parts]

    def answer(entry: Entry, risk: Risk) -> Answer:
        said = [part(entry, risk) for part in parts]
        if (not every) in said:
            return not every
        return None if None in said else every

    return answer


def _screened(test: Probe, fields: Iterable[str], *, positive: bool) -> _Screen:
    if test.field not in fields or fault(FIELDS[test.field][0], test.op, test.value) is not None:
        return lambda _entry, _risk: None
    if test.op is Op.EXISTS:
        there = bool(test.value) is positive
        return lambda _entry, _risk: there
    asked = question(FIELDS[test.field][0], test.op, test.value)
    asked = asked if positive else opposite(asked)
    match test.field:
        case "risk":
            return lambda _entry, risk: asked(risk)
        case "class":
            return lambda entry, _risk: asked(entry.klass)
        case name:
            return lambda entry, _risk: asked(getattr(entry, name))


def _operands(test: Probe) -> list[Json]:
    return test.value if isinstance(test.value, list) else [test.value]


@dataclass(frozen=True, slots=True)
class Check:
    """Checks one rule's condition against the action types that each part of it can match."""

    catalogue: Catalogue
    kinds: Kinds
    faults: Faults
    warnings: Faults
    what: str
    decision: Verdict
    roles: frozenset[str] = frozenset(ROLES)

    def rule(self, match: AllOf) -> None:
        """Check everything that a rule asks."""
        before = len(self.faults.problems)
        self.condition(match, [(entry, _FROM[entry.risk]) for entry in self._named(match)])
        if len(self.faults.problems) == before:
            # Of tests that make no sense by themselves nothing can be said together.
            Contradictions(self.kinds, self.faults, self.what).find(match)

    def _named(self, match: AllOf) -> Iterable[Entry]:
        """The action types of the tools that the rule demands plainly; all of them where it names none that exists."""
        for part in match.parts:
            if isinstance(part, Probe) and part.field == "tool" and part.op is Op.IN:
                tools = dict.fromkeys(tool for tool in _operands(part) if isinstance(tool, str))
                named = [entry for tool in tools for entry in self.kinds.by_tool.get(tool, ())]
                return sorted(named, key=lambda entry: entry.name) or self.catalogue.values()
        return self.catalogue.values()

    def condition(self, condition: Condition, candidates: list[_Candidate], *, positive: bool = True) -> None:
        """Walk down; a conjunction narrows what its parts can match."""
        match condition:
            case Probe():
                self._test(condition, [entry for entry, risks in candidates if risks])
            case Not(part):
                self.condition(part, candidates, positive=not positive)
            case _:
                if isinstance(condition, AllOf) is positive:
                    candidates = self._narrowed(condition, candidates, positive=positive)
                for part in condition.parts:
                    self.condition(part, candidates, positive=positive)

    def _narrowed(self, condition: AllOf | AnyOf, candidates: list[_Candidate], *, positive: bool) -> list[_Candidate]:
        by_type = screen(condition, _BY_TYPE, positive=positive)
        named = [(entry, risks) for entry, risks in candidates if by_type(entry, entry.risk) is not False]
        if candidates and not named:
            if not self._names_nothing(condition):
                self.faults.add(
                    condition.place, f"{self.what} can't match any action type here", "look at its tool and operation"
                )
            return candidates
        static = screen(condition, _STATIC, positive=positive)
        left = [(entry, risks) for entry, risks in named if static(entry, entry.risk) is not False]
        if named and not left:
            self.warnings.add(
                condition.place, f"{self.what} matches no action type of today's catalogue", "no entry has this class"
            )
        return self._risky(condition, left, positive=positive)

    def _risky(self, condition: AllOf | AnyOf, candidates: list[_Candidate], *, positive: bool) -> list[_Candidate]:
        """The candidates, each with the risks that the condition leaves it."""
        if not any(test.field == "risk" for test in probes(condition)):
            return candidates
        asked = screen(condition, _WITH_RISK, positive=positive)
        left = [
            (entry, tuple(risk for risk in risks if asked(entry, risk) is not False)) for entry, risks in candidates
        ]
        if candidates and not any(risks for _, risks in left):
            floor = min((entry.risk for entry, _ in candidates), key=lambda risk: risk.level)
            hint = f"what it can match has at least the risk {floor}, and analysis only raises that"
            self.faults.add(condition.place, f"{self.what} asks for a risk that no action here has", hint)
            return candidates
        return left

    def _names_nothing(self, condition: Condition) -> bool:
        """Whether a test in it names a tool or an operation that doesn't exist, which is a problem of its own."""
        return any(test.field in _BY_TYPE and self._unknown(test) for test in probes(condition))

    def _unknown(self, test: Probe) -> list[str]:
        """The values that a test names and that its field never has, where those come from a closed set."""
        known = self._known(test.field)
        by_name = test.op in _EQUALITY or (test.op is Op.CONTAINS and FIELDS[test.field][0] is Kind.TEXTS)
        if known is None or not by_name:
            return []
        return [shown(value) for value in _operands(test) if not isinstance(value, str) or value not in known]

    def _known(self, field: str) -> AbstractSet[str] | None:
        """The closed set that a field's values come from."""
        match field:
            case "findings":
                return FINDINGS
            case "operation":
                return self.kinds.operations
            case "role":
                return self.roles
            case "tool":
                return self.kinds.by_tool.keys()
        return None

    def _test(self, test: Probe, entries: list[Entry]) -> None:
        source, dot, _ = test.field.partition(".")
        if source == "params":
            self.parameter(test, entries)
            return
        if test.field == "amount" and not any(entry.amount for entry in entries):
            what = f"no action type that {self.what} can match declares an amount"
            self.faults.add(
                test.key, what, "add amount: {value: …, currency: …} to its entry, or compare the parameter"
            )
            return
        kind = Kind.ANY if dot else FIELDS[test.field][0]
        wrong = fault(kind, test.op, test.value)
        if wrong is None and kind is Kind.TEXT and test.field not in _NULLABLE and _asks_null(test):
            wrong = _NEVER_NULL
        if wrong is not None:
            self.faults.add(test.place_of(wrong), f"`{test.field}`: {wrong.message}", wrong.hint)
            return
        for stranger in [] if dot else self._unknown(test):
            what = (
                f"no action type has the {test.field}" if test.field in _BY_TYPE else f"there is no {_ONE[test.field]}"
            )
            hint = did_you_mean(stranger, self._known(test.field) or ())
            self.faults.add(test.place, f"{what} `{stranger}`", hint)
        if test.field == "labels":
            self.warnings.add(
                test.key,
                f"{self.what} asks for `labels`, which nothing sets yet",
                "it sees none until sessions have labels",
            )
        if source in _CLAIMED and self.decision is Verdict.ALLOW:
            self.warnings.add(test.key, f"{self.what} allows because of `{test.field}`", _CLAIMED[source])

    def parameter(self, test: Probe, entries: list[Entry]) -> None:
        """A test on a parameter: some action type has it, the operator fits each that does, and its value is one that it can have."""
        path = test.field.removeprefix("params.")
        having = [(entry, kind) for entry in entries if (kind := entry.kind(path)) is not None]
        if not having:
            names = ", ".join(entry.name for entry in entries[:_SHOWN]) + (", …" if len(entries) > _SHOWN else "")
            hint = did_you_mean(test.field, (f"params.{known}" for entry in entries for known in entry.input.paths()))
            self.faults.add(
                test.key,
                f"`{test.field}` is no parameter of {names or 'any action type'} that {self.what} can match",
                hint,
            )
            return
        for entry, kind in having:
            wrong = fault(kind, test.op, test.value)
            if wrong is not None:
                self.faults.add(test.place_of(wrong), f"`{test.field}` of {entry.name}: {wrong.message}", wrong.hint)
                return
        if _asks_null(test) and not any(entry.input.nullable(path) for entry, _ in having):
            self.faults.add(test.place, f"`{test.field}`: {_NEVER_NULL[0]}", _NEVER_NULL[1])
            return
        options = [entry.input.options(path) for entry, _ in having]
        if all(options) and test.op in _EQUALITY:
            self._listed(test, [value for listed in options for value in listed or ()])

    def _listed(self, test: Probe, options: list[Json]) -> None:
        known = {exactly(value) for value in options if not isinstance(value, dict | list)}
        for value in _operands(test):
            if exactly(value) not in known:
                hint = did_you_mean(shown(value), map(shown, options))
                self.faults.add(test.place, f"`{test.field}` is never `{shown(value)}`", hint)


def _asks_null(test: Probe) -> bool:
    return test.op in _EQUALITY and None in _operands(test)

"""Reads `limits` of a configuration, and says everything that is wrong with it before it ever counts.

A limit that could never count anything, a ceiling for actions whose amount nobody declared and a rule that asks for a limit that isn't there are problems.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aaf.domain.decision import DEFAULT_REQUIREMENT, Requirement
from aaf.domain.principal import ROLES
from aaf.domain.spending import MAX_WINDOW, is_currency, micros
from aaf.policy.catalogue import ActionClass, Catalogue
from aaf.policy.conditions import Condition, Probe, probes
from aaf.policy.limits import AGENT, EVERYTHING, SECOND, Enforce, Limit, Over, Per, Scope, SpendLimit
from aaf.policy.operands.answers import Misfit
from aaf.policy.operators import Op, fault
from aaf.policy.positioned import Faults, Node
from aaf.policy.reading import Section, choose, did_you_mean
from aaf.policy.rules import Roles, Rule, read_requirement
from aaf.policy.schemas import Kind

_RATE = re.compile(r"([1-9][0-9]{0,6})/([smhd])")
_WINDOW = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86_400 * SECOND}
_NAME = re.compile(r"[a-z][a-z0-9-]{0,63}")
_MAX_BURST = 100_000
_SHOWN = 3
MAX_LIMITS = 50
"""Rates and ceilings that one configuration may have: each that is about an action is counted in its append."""

COUNTERS = "counters."
MEMBERS = ("exceeded", "remaining")
"""What a rule may ask of a limit: `counters.<name>.exceeded` and `counters.<name>.remaining`."""


@dataclass(slots=True)
class Limits:
    """What `limits` says."""

    rates: list[Limit] = field(default_factory=list)
    spend: list[SpendLimit] = field(default_factory=list)

    def names(self) -> dict[str, Limit | SpendLimit]:
        """By name."""
        every: list[Limit | SpendLimit] = [*self.rates, *self.spend]
        return {limit.name: limit for limit in every}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads limits against a catalogue, which is None where a part of it could not be read."""

    faults: Faults
    catalogue: Catalogue | None
    approvals: Requirement
    roles: Roles
    places: dict[str, Node] = field(default_factory=dict)

    def rate(self, section: Section) -> Limit | None:
        """One item of `rates`."""
        name = self._name(section)
        interval, burst = self.interval(section), section.whole("burst", 1, least=1, most=_MAX_BURST)
        enforce = section.choice("enforce", Enforce, Enforce.DOOR)
        over, requirement = self._over(section, tuple(Over), judged=enforce is Enforce.POLICY)
        per, scope = self._per(section), self._scope(section)
        section.close()
        if not name or interval is None:
            return None
        return Limit(name, interval, burst, enforce, per, scope, over, requirement, section.text("rate"))

    def spend(self, section: Section) -> SpendLimit | None:
        """One item of `spend`."""
        name = self._name(section)
        ceilings, window = self._ceilings(section), self._window(section)
        over, requirement = self._over(section, (Over.DENY, Over.REQUIRE_APPROVAL), judged=True)
        if section.take("match", required=True) is None:
            scope = EVERYTHING
        else:
            scope = self._scope(section)
            self._amounts(section, scope)
        per = self._per(section)
        section.close()
        return SpendLimit(name, ceilings, window, per, scope, over, requirement) if name and ceilings else None

    def interval(self, section: Section) -> int | None:
        """`rate` as microseconds a unit, rounded up: never more than was written."""
        rate, node = section.text("rate", required=True), section.take("rate")
        parts = _RATE.fullmatch(rate)
        if node is not None and rate and parts is None:
            hint = "write it like 60/m; units are s, m, h, d"
            self.faults.at(node, "`rate` must be a number per unit of time", hint)
        return -(-_UNITS[parts[2]] // int(parts[1])) if parts else None

    def _name(self, section: Section) -> str:
        name, node = section.text("name", required=True), section.take("name")
        if node is None or not name:
            return ""
        section.what = f"limit {name}"
        if not _NAME.fullmatch(name):
            hint = "such as refunds-per-day"
            self.faults.at(node, "a limit's name is lower case letters, digits and hyphens, a letter first", hint)
        elif name == AGENT:
            self.faults.at(node, "`agent` is the limit of the short form", "choose another name")
        elif name in self.places:
            first = self.places[name]
            self.faults.at(node, f"a second limit is named `{name}`", f"the first is at {first.line}:{first.column}")
        self.places.setdefault(name, node)
        return name

    def _per(self, section: Section) -> tuple[Per, ...]:
        node = section.take("per", required=True)
        if node is None:
            return ()
        found: dict[Per, Node] = {}
        for item in node.value if isinstance(node.value, list) else [node]:
            one = choose(item, Per, Per.ORGANISATION, "an item of `per`", self.faults)
            if one in found:
                self.faults.at(item, f"`{one}` stands twice in `per`", "leave it out")
            found[one] = item
        if not found:
            hint = f"name some of: {', '.join(sorted(Per))}"
            self.faults.at(node, "`per` names nothing", hint)
        if Per.ORGANISATION in found and len(found) > 1:
            hint = "an organisation's agents, users and actions are counted apart without it"
            self.faults.at(found[Per.ORGANISATION], "`organisation` stands alone in `per`", hint)
        return tuple(sorted(found))

    def _over(self, section: Section, known: tuple[Over, ...], *, judged: bool) -> tuple[Over, Requirement | None]:
        """What happens over the limit; only what is judged can be denied or held."""
        node, over = section.take("over"), Over.DENY
        if not judged:
            if node is not None:
                self.faults.at_key(node, "`over` goes with enforce: policy only", "the door refuses what is over")
            over = Over.INFORM
        elif node is not None and node.value not in set(known):
            choose(node, Over, Over.DENY, "`over`", self.faults)
            if node.value in set(Over):
                self.faults.at(node, f"`over` of a ceiling can't be {node.value}", "write deny or require_approval")
        elif node is not None:
            over = Over(str(node.value))
        approval = section.section("approval", f"approval of {section.what}")
        if over is Over.REQUIRE_APPROVAL:
            return over, read_requirement(approval, self.approvals, self.roles) if approval else self.approvals
        if approval is not None:
            hint = "leave it out, or write over: require_approval"
            self.faults.at_key(approval.node, "`approval` goes with over: require_approval only", hint)
        return over, None

    def _window(self, section: Section) -> int:
        text, node = section.text("window", required=True), section.take("window")
        parts = _WINDOW.fullmatch(text)
        window = int(parts[1]) * _UNITS[parts[2]] if parts else 0
        if node is not None and not 0 < window <= MAX_WINDOW:
            self.faults.at(node, "`window` must be a span of at most 30 days", "write it like 15m, 2h or 1d")
        return window

    def _ceilings(self, section: Section) -> dict[str, int]:
        """`ceiling` with `currency`, or `ceilings` with one for each currency."""
        several = section.section("ceilings", f"ceilings of {section.what}")
        if several is None:
            ceiling, currency = section.take("ceiling", required=True), section.take("currency", required=True)
            if ceiling is None or currency is None:
                return {}
            if not is_currency(currency.value):
                self.faults.at(currency, "a currency is three capital letters of ISO 4217", "such as EUR")
                return {}
            amount = self._ceiling(ceiling)
            return {} if amount is None else {str(currency.value): amount}
        found: dict[str, int] = {}
        for key in ("ceiling", "currency"):
            alone = section.take(key)
            if alone is not None:
                self.faults.at_key(alone, f"`{key}` doesn't go with `ceilings`", "write every currency in `ceilings`")
        for name, node in several.rest():
            amount = self._ceiling(node)
            if not is_currency(name):
                self.faults.at_key(node, "a currency is three capital letters of ISO 4217", "such as EUR")
            elif amount is not None:
                found[name] = amount
        if not found and isinstance(several.node.value, dict) and not several.node.value:
            self.faults.at(several.node, "`ceilings` names no currency", 'such as {EUR: "500.00"}')
        return found

    def _ceiling(self, node: Node) -> int | None:
        amount = micros(node.value)
        if amount is None:
            hint = 'such as "500.00": at most six decimals, below 1000000000'
            self.faults.at(node, "a ceiling is a decimal number in quotes", hint)
        return amount

    def _scope(self, section: Section) -> Scope:
        node = section.take("match")
        if node is None:
            return EVERYTHING
        before = len(self.faults.problems)
        match = Section(node, f"`match` of {section.what}", self.faults)
        tools, operations, classes = (self._words(match, key) for key in ("tool", "operation", "class"))
        match.close(explain=_only_static)
        scope = Scope(*(tuple(dict.fromkeys(words)) for words in (tools, operations, classes)))
        if scope == EVERYTHING and len(self.faults.problems) == before:
            self.faults.at(node, "`match` names nothing", "write a tool, an operation or a class, or leave `match` out")
        if self.catalogue is None or len(self.faults.problems) > before:
            return scope
        self._known(tools, {entry.tool for entry in self.catalogue.values()}, "no action type has the tool")
        self._known(
            operations, {entry.operation for entry in self.catalogue.values()}, "no action type has the operation"
        )
        self._known(classes, set(ActionClass), "there is no action class")
        if len(self.faults.problems) == before and not self._matched(scope):
            self.faults.at(node, f"{section.what} can't match any action type", "look at its tool, operation and class")
        return scope

    def _words(self, match: Section, key: str) -> dict[str, Node]:
        """A string or a list of strings, each with its place."""
        node = match.take(key)
        if node is not None and isinstance(node.value, str):
            return {node.value: node}
        if node is not None and node.value == []:
            self.faults.at(node, f"`{key}` names nothing", "leave it out, or say which")
        return dict(match.texts(key)) if node is not None else {}

    def _known(self, words: Mapping[str, Node], known: Iterable[str], what: str) -> None:
        names = set(known)
        for word, node in words.items():
            if word not in names:
                self.faults.at(node, f"{what} `{word}`", did_you_mean(word, names))

    def _matched(self, scope: Scope) -> list[str]:
        entries = self.catalogue.values() if self.catalogue else ()
        return [one.name for one in entries if scope.covers(one.tool, one.operation, one.klass)]

    def _amounts(self, section: Section, scope: Scope) -> None:
        """A ceiling needs the amount of everything that it is about."""
        node, entries = section.take("match"), self.catalogue or Catalogue(())
        without = [name for name in self._matched(scope) if entries[name].amount is None]
        if without and node is not None:
            named = ", ".join(without[:_SHOWN]) + (", …" if len(without) > _SHOWN else "")
            hint = "declare it there, amount: {value: params.amount, currency: params.currency}, or match less"
            self.faults.at(node, f"{section.what} needs an amount, and {named} declares none", hint)


def _only_static(key: str) -> str | None:
    return (
        None
        if key not in ("all", "any", "not") and "." not in key
        else "a limit matches tool, operation and class only"
    )


def read_limits(
    section: Section | None,
    catalogue: Catalogue | None = None,
    approvals: Requirement = DEFAULT_REQUIREMENT,
    roles: Roles = ROLES,
) -> Limits:
    """Read `limits`; without a catalogue, because a part of it is broken, what limits are about is not checked."""
    found = Limits()
    if section is None:
        return found
    reader = _Reader(section.faults, catalogue, approvals, roles)
    short = section.section(AGENT, "limits of agents")
    if short is not None:
        interval, burst = reader.interval(short), short.whole("burst", 1, least=1, most=_MAX_BURST)
        enforce = short.choice("enforce", Enforce, Enforce.DOOR)
        short.close()
        if interval is not None:
            found.rates.append(Limit(AGENT, interval, burst, enforce, rate=short.text("rate")))
    rates, spend = section.nodes("rates", "rates"), section.nodes("spend", "ceilings")
    for extra in [*rates, *spend][MAX_LIMITS:]:
        section.faults.at(extra, f"a configuration has at most {MAX_LIMITS} limits", "make one of several")
        break
    for node in rates[:MAX_LIMITS]:
        rate = reader.rate(Section(node, "a rate", section.faults))
        found.rates += [rate] if rate else []
    for node in spend[:MAX_LIMITS]:
        ceiling = reader.spend(Section(node, "a ceiling", section.faults))
        found.spend += [ceiling] if ceiling else []
    section.close()
    return found


def check_rules(rules: Iterable[Rule], limits: Limits, faults: Faults) -> None:
    """Every counter that a rule asks for belongs to a limit that is judged."""
    for rule in rules:
        check_counters(rule.match, limits, faults)


def check_counters(condition: Condition, limits: Limits, faults: Faults) -> None:
    """The same of one condition."""
    known = limits.names()
    for test in probes(condition):
        if not test.field.startswith(COUNTERS):
            continue
        name, _, member = test.field.removeprefix(COUNTERS).partition(".")
        limit = known.get(name)
        if limit is None:
            faults.add(test.key, f"there is no limit `{name}`", did_you_mean(name, known))
        elif member not in MEMBERS:
            faults.add(test.key, f"a limit has no counter `{member}`", did_you_mean(member, MEMBERS))
        elif isinstance(limit, Limit) and limit.enforce is Enforce.DOOR:
            hint = "write enforce: policy to have it judged"
            faults.add(test.key, f"the door enforces the limit `{name}`, so no rule sees it", hint)
        elif (wrong := _misfit(test, limit)) is not None:
            faults.add(test.place, f"`{test.field}`: {wrong.message}", wrong.hint)


def _misfit(test: Probe, limit: Limit | SpendLimit) -> Misfit | None:
    """Why an operator makes no sense on a counter, and a hint; every one has a value."""
    if test.op is Op.EXISTS:
        return Misfit("is always there", "ask for `exceeded` or `remaining`")
    if test.field.endswith(".exceeded"):
        return fault(Kind.FLAG, test.op, test.value)
    kind = Kind.NUMBER if isinstance(limit, Limit) else Kind.TEXT
    if kind is Kind.TEXT and test.op not in {Op.GT, Op.GTE, Op.LT, Op.LTE}:
        return Misfit(f"`{test.op}` doesn't fit an amount of money", "what fits: gt, gte, lt, lte")
    return fault(kind, test.op, test.value)

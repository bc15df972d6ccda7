"""Rules as people write them, and everything that can be wrong with one before it ever runs.

All conditions of a rule are ANDed, a list is OR, every matching rule speaks, and order never matters. A field, operator, tool or role
that doesn't exist is a problem at load. Whether a rule could match anything at all is for `checking` to say.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias

from aaf.domain.canonical import Json
from aaf.domain.decision import DEFAULT_REQUIREMENT, Requirement, Verdict
from aaf.domain.principal import ROLES, Permission
from aaf.domain.reserved import asserts_authority
from aaf.policy import conditions
from aaf.policy.catalogue import Catalogue
from aaf.policy.checking import Check
from aaf.policy.conditions import FIELDS, AllOf, AnyOf, Condition, Not, Probe
from aaf.policy.operators import Op
from aaf.policy.positioned import Faults, Node
from aaf.policy.reading import Section, did_you_mean
from aaf.policy.relations import Kinds, shadowed

MAX_QUORUM = 20
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_USER = re.compile(r"user:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Roles: TypeAlias = Mapping[str, frozenset[Permission]]
_COMBINATORS = ("all", "any", "not")
_LATER = ("provenance", "session")
"""Fields that nothing sets yet: a rule about one would never match."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `requirement` is set where the decision is require_approval."""

    name: str
    match: AllOf
    decision: Verdict
    reason: str
    requirement: Requirement | None = None

    def to_json(self) -> dict[str, Json]:
        """As stored."""
        return {
            "decision": self.decision,
            "match": [conditions.to_json(part) for part in self.match.parts],
            "name": self.name,
            "reason": self.reason,
            "requirement": self.requirement.to_json() if self.requirement else None,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Rule":
        """What `to_json` stored."""
        requirement = requirement_from_json(stored["requirement"]) if stored["requirement"] else None
        parts = tuple(conditions.from_json(part) for part in stored["match"])
        return cls(stored["name"], AllOf(parts), Verdict(stored["decision"]), stored["reason"], requirement)


def requirement_from_json(stored: Mapping[str, Any]) -> Requirement:
    """What `Requirement.to_json` stored."""
    return Requirement(tuple(stored["approvers"]), stored["quorum"], stored["timeout"], stored["reason_required"])


def read_rules(
    nodes: Iterable[Node],
    catalogue: Catalogue,
    defaults: Requirement,
    faults: Faults,
    warnings: Faults,
    roles: Roles = ROLES,
) -> tuple[Rule, ...]:
    """Read and check the items of `rules`; `roles` are all that exist."""
    rules: list[Rule] = []
    kinds = Kinds(catalogue)
    places: dict[str, Node] = {}
    for node in nodes:
        section = Section(node, "a rule", faults)
        rule = _read_rule(section, catalogue, kinds, defaults, warnings, roles)
        if (named := section.take("name")) is not None:
            if rule.name in places:
                first = places[rule.name]
                faults.at(
                    named, f"a second rule is named `{rule.name}`", f"the first is at {first.line}:{first.column}"
                )
            places.setdefault(rule.name, named)
        rules.append(rule)
    if not faults.problems:
        for weaker, stricter in shadowed(rules, catalogue).items():
            node = places[weaker]
            what = f"rule {weaker} never counts: whenever it speaks, the stricter rule {stricter} speaks too"
            warnings.at(node, what, f"leave it out, or narrow {stricter}")
    return tuple(rules)


def _read_rule(
    section: Section, catalogue: Catalogue, kinds: Kinds, defaults: Requirement, warnings: Faults, roles: Roles
) -> Rule:
    faults = section.faults
    name = section.text("name", required=True)
    named = section.take("name")
    if named is not None and name and not _NAME.fullmatch(name):
        faults.at(named, "a rule's name is lower case letters, digits and hyphens", "such as large-refunds")
    section.what = f"rule {name}" if name else section.what
    decision = section.choice("decision", Verdict, Verdict.DENY, required=True)
    reason = section.text("reason")
    requirement = None
    approval = section.section("approval", f"approval of {section.what}")
    if decision is Verdict.REQUIRE_APPROVAL:
        requirement = read_requirement(approval, defaults, roles) if approval else defaults
    elif approval is not None:
        faults.at_key(
            approval.node, "`approval` goes with require_approval only", "leave it out, or change the decision"
        )
    match = AllOf(())
    given = section.take("match", required=True)
    if given is not None:
        before = len(faults.problems)
        match = _read_match(given, faults, catalogue)
        if len(faults.problems) == before:
            # Of a condition that could be read only in part, the checks would say more than is wrong.
            Check(catalogue, kinds, faults, warnings, section.what, decision, frozenset(roles)).rule(match)
            if not match.parts and decision is Verdict.ALLOW:
                faults.at(given, "an allow needs a condition", "say at least which tool or class")
    section.close()
    return Rule(name, match, decision, reason, requirement)


def read_requirement(
    section: Section, defaults: Requirement = DEFAULT_REQUIREMENT, roles: Roles = ROLES
) -> Requirement:
    """An approval requirement; what it doesn't say is as in `defaults`, and `roles` are all that exist."""
    faults = section.faults
    approvers = section.texts("approvers", defaults.approvers)
    if not approvers:
        faults.at(section.node, "`approvers` names nobody", "write approvers: [role:approver]")
    for approver, node in approvers:
        _check_approver(approver, node, faults, roles)
    quorum = section.whole("quorum", defaults.quorum, least=1, most=MAX_QUORUM)
    people = {approver for approver, _ in approvers}
    if approvers and quorum > len(people) and all(approver.startswith("user:") for approver in people):
        faults.at(
            section.node, f"a quorum of {quorum} can't be met by {len(people)} users", "name more approvers, or a role"
        )
    on_timeout = section.take("on_timeout")
    if on_timeout is not None and on_timeout.value != "deny":
        faults.at(
            on_timeout, "`on_timeout` can only be deny in this version", "escalation isn't supported yet; write deny"
        )
    wanted = replace(
        defaults,
        approvers=tuple(approver for approver, _ in approvers),
        quorum=quorum,
        timeout=section.seconds("timeout", defaults.timeout),
        reason_required=section.flag("reason_required", default=defaults.reason_required),
    )
    section.close()
    return wanted


def _check_approver(approver: str, node: Node, faults: Faults, roles: Roles) -> None:
    reviewing = [f"role:{role}" for role, granted in roles.items() if Permission.ORG_APPROVAL_REVIEW in granted]
    if approver not in reviewing and not _USER.fullmatch(approver):
        hint = did_you_mean(approver, reviewing) if approver.startswith("role:") else "write role:<name> or user:<id>"
        if approver.removeprefix("role:") in roles:
            hint = f"that role lacks {Permission.ORG_APPROVAL_REVIEW}"
        faults.at(node, f"`{approver}` names nobody who can approve", hint)


def _read_match(node: Node, faults: Faults, catalogue: Catalogue) -> AllOf:
    """A mapping of fields and combinators, all of which must hold."""
    if not isinstance(node.value, dict):
        faults.at(node, "`match` must be a mapping", "write it as {tool: files, operation: [read]}")
        return AllOf((), (node.line, node.column))
    parts: list[Condition] = []
    for key, value in node.value.items():
        if key in _COMBINATORS:
            parts.extend(_read_combination(key, value, faults, catalogue))
        elif _is_field(key, value, faults, catalogue):
            parts.extend(_read_tests(key, value, faults))
    return AllOf(tuple(parts), (node.line, node.column))


def _read_combination(key: str, node: Node, faults: Faults, catalogue: Catalogue) -> list[Condition]:
    """What stands under all, any or not; what is empty there would be true of everything."""
    if key == "not" and isinstance(node.value, dict) and node.value:
        return [Not(_read_match(node, faults, catalogue))]
    if key != "not" and isinstance(node.value, list) and node.value:
        parts: list[AllOf] = []
        for item in node.value:
            if isinstance(item.value, dict) and item.value:
                parts.append(_read_match(item, faults, catalogue))
            else:
                faults.at(item, f"an item of `{key}` is a mapping that is not empty", "such as {tool: files}")
        return [AllOf(tuple(parts), node.key) if key == "all" else AnyOf(tuple(parts), node.key)]
    wanted = "a mapping" if key == "not" else "a list of mappings"
    faults.at(node, f"`{key}` takes {wanted} that is not empty", "such as {tool: files}")
    return []


def _is_field(key: str, node: Node, faults: Faults, catalogue: Catalogue) -> bool:
    head, _, rest = key.partition(".")
    if head in _LATER:
        faults.at_key(node, f"the field `{key}` isn't supported yet", "leave the condition out")
        return False
    if head == "context" and asserts_authority(rest.partition(".")[0]):
        faults.at_key(
            node, f"`{key}` is never there: the context may not claim authority", "use `role`, or leave it out"
        )
        return False
    if key in FIELDS or (head in ("params", "context", "counters") and rest):
        return True
    if any(entry.input.kind(key) is not None for entry in catalogue.values()):
        hint = f"did you mean `params.{key}`?"
    else:
        paths = (f"params.{path}" for entry in catalogue.values() for path in entry.input.paths())
        hint = did_you_mean(key, chain(FIELDS, _COMBINATORS, paths))
    faults.at_key(node, f"there is no field `{key}`", hint)
    return False


def _read_tests(name: str, node: Node, faults: Faults) -> list[Probe]:
    """A scalar is a list of one, a list is OR, and the operators of a mapping are ANDed."""
    place = (node.line, node.column)
    if not isinstance(node.value, dict):
        if name in _EXAMPLES:
            faults.at(node, f"`{name}` takes a mapping of operators", f"such as {_EXAMPLES[name]}")
            return []
        listed = node.plain() if isinstance(node.value, list) else [node.plain()]
        return [Probe(name, Op.IN, listed, node.key, place)]
    if not node.value:
        faults.at(node, f"`{name}` has no operator", f"such as {_EXAMPLES.get(name, '{eq: value}')}")
    tests, currency = node.value, None
    if name == "amount" and tests:
        tests = {key: one for key, one in tests.items() if key != "currency"}
        currency = node.value.get("currency")
        if currency is None or not tests:
            lacks = "`currency`" if currency is None else "a comparison"
            faults.at(node, f"`amount` lacks {lacks}", f"such as {_EXAMPLES[name]}")
            return []
    found: list[Probe] = []
    for op, operand in tests.items():
        if op in set(Op):
            given = operand
            if currency is not None:
                given = replace(operand, value={"currency": currency, "value": operand})
            nested = given if isinstance(given.value, dict | list) else None
            found.append(Probe(name, Op(op), given.plain(), node.key, (operand.line, operand.column), nested))
        else:
            faults.at_key(operand, f"there is no operator `{op}`", did_you_mean(op, [known.value for known in Op]))
    return found


_EXAMPLES = {
    "amount": '{gt: "100.00", currency: EUR}',
    "time": '{within: {days: [mon-fri], hours: "09:00-17:00", zone: UTC}}',
}

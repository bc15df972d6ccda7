"""The rules of a module that decide: their form, what is literal in them, and what an allow or a hold rests on.

A module decides by the rule `decision`, one value, or by the set `decisions`; a library does neither. What is computed can't be seen here and
is held to the same form when it is given (`answers`).
"""

from collections.abc import Iterable, Iterator, Mapping

from aaf.domain.decision import Requirement, Verdict
from aaf.policy.positioned import Faults, Node
from aaf.policy.rego.fields import PRE_APPROVED
from aaf.policy.rego.outputs import CONFIG_KEYS, VERDICT_KEYS, read_output
from aaf.policy.rego.references import Complaints, Links, Reference, Rule, RuleName, Unit
from aaf.policy.rego.syntax import (
    CONSTANTS,
    NotConstant,
    Place,
    Tree,
    begins,
    constant,
    expression,
    literals,
    variable,
)

DECISION = "decision"
DECISIONS = "decisions"
_KEYS = frozenset({*VERDICT_KEYS, "approval_config", "reason", "risk_level"})
_LOOK_ALIKE = ("allow", "deny", "result", "action", "require_approval", "violation")


def output_of(unit: Unit, complaints: Complaints, *, has_default: bool) -> tuple[str, list[Rule]]:
    """The rule to ask, `decision` or `decisions`, and its rules that have the right form; empty for a library."""
    deciding = [rule for rule in unit.rules if rule.path[0] in (DECISION, DECISIONS)]
    if unit.library:
        for rule in deciding:
            complaints.add(rule.place, "a library may not decide", "name the rule otherwise, or put it into a policy")
        return "", []
    fine = [rule for rule in deciding if _has_form(rule, complaints)]
    names = {rule.path[0] for rule in deciding} | ({DECISION} if has_default else set())
    if not names:
        _say_what_decides(unit, complaints)
    elif len(names) > 1:
        hint = "keep one of them; several decisions at once go into `decisions`"
        complaints.add(deciding[0].place, "a module decides by `decision` or by `decisions`, not by both", hint)
    return next(iter(sorted(names)), DECISION), fine


def _say_what_decides(unit: Unit, complaints: Complaints) -> None:
    """Nothing decides; say so, at a rule that was perhaps meant to."""
    for rule in unit.rules:
        if rule.path[0] in _LOOK_ALIKE:
            hint = f'write `decision := {{"action": "allow"}} if …` from `{rule.path[0]}`'
            complaints.add(rule.place, f"nobody asks for `{rule.path[0]}`, and the module has no `decision`", hint)
            return
    complaints.add((1, 1), "the module decides nothing", 'write a rule `decision := {"action": "deny"} if …`')


def _has_form(rule: Rule, complaints: Complaints) -> bool:
    kind, head = expression(rule.tree["head"])
    bare = variable(head["refr"]) is not None
    if rule.path[0] == DECISION and (kind != "Compr" or not bare):
        hint = "write `decision := {…} if …`; a set of decisions is named `decisions`"
        complaints.add(rule.place, "`decision` is one value", hint)
        return False
    if rule.path[0] == DECISIONS and (kind != "Set" or not bare or head["key"] is None):
        complaints.add(rule.place, "`decisions` is a set", "write `decisions contains {…} if …`")
        return False
    return True


def literal_verdicts(rule: Rule, requirement: Requirement, complaints: Complaints) -> list[Verdict | None]:
    """Check the literal values of a deciding rule; the verdict of each value, None where it is computed."""
    kind, head = expression(rule.tree["head"])
    bodies = rule.tree["bodies"]
    found: list[Verdict | None] = []
    if kind == "Set":
        return [_value(head["key"], bodies, requirement, complaints)]
    if head.get("assign") is None:
        complaints.add(rule.place, "a decision without a value is only true", 'write `decision := {"action": …} if …`')
    else:
        found.append(_value(head["assign"]["value"], bodies, requirement, complaints))
    for body in bodies:
        if body["assign"] is not None:
            found.append(_value(body["assign"]["value"], [body], requirement, complaints))
        elif body["is_else"]:
            complaints.add(rule.place, "an `else` without a value is only true", 'write `else := {"action": …}`')
    return found


def _value(node: Tree, bodies: Iterable[Tree], requirement: Requirement, complaints: Complaints) -> Verdict | None:
    """One value: the literal itself, or what the body assigns to the variable that it is."""
    name = variable(node)
    if name is not None:
        for kind, body, _ in (literal for one in bodies for literal in literals(one["query"])):
            inner, assigned = expression(body["expr"]) if kind == "Expr" else ("", {})
            if inner == "AssignExpr" and variable(assigned["lhs"]) == name and variable(assigned["rhs"]) is None:
                return _value(assigned["rhs"], (), requirement, complaints)
        return None
    kind, body = expression(node)
    if kind not in CONSTANTS and kind not in ("Object", "Array", "Set"):
        return None
    try:
        known, present = _partly(node, _KEYS, complaints) if kind == "Object" else (constant(node), frozenset[str]())
    except NotConstant:
        if kind != "Object":
            complaints.add(
                begins(node), "a list or set is no decision", "several decisions go into the set `decisions`"
            )
        return None
    faults = Faults("")
    output = read_output(known, requirement, faults, present=present)
    for problem in faults.problems:
        complaints.add((problem.line, problem.column), problem.message, problem.hint)
    return None if present.intersection(VERDICT_KEYS) else output.verdict


def _partly(node: Tree, keys: frozenset[str], complaints: Complaints) -> tuple[Node, frozenset[str]]:
    """The constant fields of an object, and the names of the others that are among `keys`.

    Raises:
        NotConstant: a key is computed.
    """
    _, body = expression(node)
    fields: dict[str, Node] = {}
    present: set[str] = set()
    for _, key, value in body["fields"]:
        stated = constant(key)
        place = (stated.line, stated.column)
        if not isinstance(stated.value, str):
            complaints.add(place, "a key of a decision is a string", "quote it")
            continue
        if stated.value in fields or stated.value in present:
            complaints.add(place, f"the key `{stated.value}` stands here a second time", "leave one of them out")
            continue
        try:
            fields[stated.value] = constant(value, place)
        except NotConstant:
            if stated.value == "reason" and expression(value)[0] != "Var":
                hint = "say what was wrong, not with which value: reasons are shown and kept in the clear"
                complaints.add(begins(value), "`reason` must be a plain string", hint)
            if stated.value == "approval_config" and expression(value)[0] == "Object":
                fields[stated.value] = _partly(value, CONFIG_KEYS, complaints)[0]
            else:
                # Known by its name only; what it is will be looked at when it is given.
                present.add(stated.value)
    line, column = begins(node)
    for key in sorted(present - keys):
        # Nobody reads it, so the reader is to say so.
        fields[key] = Node(None, line, column, (line, column))
    return Node(fields, line, column, (line, column)), frozenset(present & keys)


def claims(
    unit: Unit, rules: Iterable[Rule], by_rule: Mapping[RuleName, list[Reference]], links: Links
) -> Iterator[tuple[Place, str]]:
    """Where an allow or a hold depends on what the caller says of itself: the place, and the field of the context."""
    for rule in rules:
        seen: set[RuleName] = set()
        queue = [one for one in by_rule.get((unit.name, rule.path), ()) if one.rule is rule]
        while queue:
            reference = queue.pop()
            if reference.root == "input" and reference.path[:1] == ("context",):
                field = reference.path[1] if len(reference.path) > 1 else None
                if field != PRE_APPROVED:
                    yield rule.place, ".".join(("input", "context", *([field] if field else ())))
                    break
            for target in links.targets(reference):
                if target not in seen:
                    seen.add(target)
                    queue += by_rule.get(target, ())

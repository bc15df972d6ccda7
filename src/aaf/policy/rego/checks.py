"""Checks of the rules of one module that need nothing else: variables, `not`, `with`, shadowing, loops.

Each refuses what the engine takes without a word and then does differently from what it reads like. Loops over loops are no fault, but worth
a second look: their cost multiplies, and the engine's deadline makes a deny of it.
"""

from collections.abc import Callable, Iterable

from aaf.domain.canonical import Json
from aaf.policy.reading import did_you_mean
from aaf.policy.rego.builtins import BUILTINS, OWN, REFUSED
from aaf.policy.rego.outputs import MAX_REASON
from aaf.policy.rego.references import Complaints, Rule, Unit
from aaf.policy.rego.syntax import (
    Place,
    Tree,
    begins,
    everything,
    expression,
    in_query,
    literals,
    parts,
    place,
    steps,
    variable,
)
from aaf.policy.rego.syntax import place as begins_at
from aaf.policy.rego.variables import WILDCARD, Variables, declared, local, queries

MANY_LOOPS = 3
"""Loops of one body that are worth a warning."""

_ORDERS = frozenset({"Ge", "Gt", "Le", "Lt"})
_OURS = frozenset(name.partition(".")[0] for name in OWN) | {"rate_limit_exceeded"}
"""How the names of AAF's own functions begin: what else is named so would be called instead of them."""


def check_rules(unit: Unit, complaints: Complaints, warn: Callable[[Place, str], None]) -> None:
    """Check every rule of a module."""
    variables = Variables(unit.text, unit.known)
    _check_names(unit, complaints)
    for rule in unit.rules:
        kind, head = expression(rule.tree["head"])
        if kind == "Set" and head["key"] is None:
            complaints.add(rule.place, "a name alone is no rule", "give it a value or a body")
        plain = [body for body in rule.tree["bodies"] if not body["is_else"]]
        if kind != "Set" and head["assign"] is not None and len(plain) > 1:
            hint = "write the whole rule again for each body; the engine takes true for the value of the second"
            complaints.add(begins_at(plain[1]), "a rule with a value has one body", hint)
        for name, where in variables.unsafe(rule.tree).items():
            message = f"the variable `{name}` is unbound: nothing in this rule gives it a value"
            complaints.add(where, message, _how_to_bind(unit, rule, name))
        for node in rule.bodies():
            kind, body = expression(node)
            if kind == "UnaryExpr":
                complaints.add(begins(node), "`-` stands before a number only", "write `0 - …`")
            elif kind == "BoolExpr" and body["op"] in _ORDERS and _compares(body):
                hint = "write two; one that begins with `-` or `[` goes on with the line before"
                complaints.add(begins(node), "this compares the result of a comparison", hint)
        for query in queries(rule.tree):
            _check_query(query, complaints, warn)


def _check_names(unit: Unit, complaints: Complaints) -> None:
    """No name hides what another one means: a function of the language, one of the firewall, a rule or an import."""
    known = unit.known
    for name in _OURS & unit.imports.keys():
        complaints.add(unit.imports[name][1], *_ours(name))
    for rule in unit.rules:
        if rule.arity is not None and ".".join(rule.path) in {**BUILTINS, **REFUSED}:
            complaints.add(rule.place, f"`{'.'.join(rule.path)}` is a built-in function", "choose another name")
        elif rule.path[0] in _OURS:
            complaints.add(rule.place, *_ours(rule.path[0]))
        for name, where in declared(rule.tree, unit.text).items():
            if name in _OURS:
                complaints.add(where, *_ours(name))
            elif name in known:
                complaints.add(where, f"`{name}` is already the name of a rule or an import", "choose another name")


def _ours(name: str) -> tuple[str, str]:
    return f"`{name}` is the name of functions of the firewall", "choose another name"


def _compares(body: Tree) -> bool:
    """Whether one side of a comparison is a comparison."""
    return "BoolExpr" in (expression(body["lhs"])[0], expression(body["rhs"])[0])


def _how_to_bind(unit: Unit, rule: Rule, name: str) -> str:
    """What to write instead of an unbound variable."""
    if name == WILDCARD:
        return "name it, and give it a value"
    kind, head = expression(rule.tree["head"])
    if kind == "Set" and variable(head["key"]) == name:
        return f"bind it in the rule first, such as `{name} := {_asked(unit, rule.path[0])}`"
    near = did_you_mean(name, unit.known)
    return near if near.startswith("did you mean") else f"bind it first: `{name} := …`, or `some {name} in …`"


def _asked(unit: Unit, name: str) -> str:
    """With what others look a set up: what an unbound member of it was perhaps meant to be."""
    for rule in unit.rules:
        for node in rule.bodies():
            kind, body = expression(node)
            if kind == "RefBrack" and variable(body["refr"]) == name and variable(steps(body["index"])[0]) == "input":
                walked = steps(body["index"])[1]
                return ".".join(("input", *(step or "…" for step, _, _ in walked)))
    return "…"


def _check_query(query: Tree, complaints: Complaints, warn: Callable[[Place, str], None]) -> None:
    """Check one body, without the bodies in it."""
    loops = 0
    assigned: dict[str, Place] = {}
    for kind, body, statement in literals(query):
        for replaced in statement.get("with_mods") or ():
            hint = "a policy judges the input as it is; `with` is for tests"
            complaints.add(place(replaced), "`with` may not be used", hint)
        loops += kind in ("SomeIn", "Every")
        for part in parts(kind, body):
            for node in local(part):
                looping = _goes_through(node)
                loops += looping
                if looping and kind == "NotExpr":
                    hint = "count what there is instead: `count([1 | …]) == 0`, or negate a rule of its own"
                    complaints.add(begins(node), "within `not` nothing can be gone through", hint)
                _note_assignment(node, assigned, complaints)
    if loops > MANY_LOOPS:
        warn(place(query), f"this body goes through {loops} lists or more, the cost of which multiplies")
    if assigned:
        for node in in_query(query):
            name = variable(node)
            where = begins(node)
            if name in assigned and where < assigned[name]:
                complaints.add(where, *_too_early(name))


def _too_early(name: str) -> tuple[str, str]:
    hint = "move the assignment up, or choose another name; the engine keeps to the order here"
    return f"`{name}` is used before it gets its value", hint


def _goes_through(node: Tree) -> bool:
    """Whether a reference goes through all of something."""
    kind, body = expression(node)
    return kind == "RefBrack" and variable(body["index"]) == WILDCARD


def _note_assignment(node: Tree, assigned: dict[str, Place], complaints: Complaints) -> None:
    kind, body = expression(node)
    if kind != "AssignExpr" or body["op"] != "ColEq":
        return
    names = {name: begins(inner) for inner in everything(body["lhs"]) if (name := variable(inner)) is not None}
    if not names or expression(body["lhs"])[0] not in ("Array", "Object", "Var"):
        complaints.add(begins(node), "`:=` assigns to nothing here", "write a variable on its left, or == to compare")
    for name, where in names.items():
        if name != WILDCARD:
            assigned.setdefault(name, where)
    for inner in everything(body["rhs"]):
        if variable(inner) in names.keys() - {WILDCARD}:
            complaints.add(begins(inner), *_too_early(str(variable(inner))))


def strings(unit: Unit) -> Iterable[str]:
    """Every text of a module that is short enough to be a reason."""
    for rule in unit.rules:
        for node in rule.bodies():
            kind, body = expression(node)
            if kind in ("String", "RawString") and 0 < len(body["value"]) <= MAX_REASON:
                yield body["value"]


def strings_of(value: Json) -> Iterable[str]:
    """The texts directly in a decision."""
    return [text for text in value.values() if isinstance(text, str) and text] if isinstance(value, dict) else []

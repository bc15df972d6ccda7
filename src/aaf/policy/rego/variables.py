"""Unsafe variables: a variable that nothing in its body binds has no value, and the rule silently never applies.

The engine notices only when it reaches such a rule, which may be never. What binds here: `:=`, `=` with a side that is known, `some … in`,
`every`, arguments of functions, and a variable in the brackets of a reference. A body is a set of literals, their order doesn't matter.
Within `not` nothing binds, and `_` is refused there: the engine takes it for "one of them isn't", other engines for "none of them is".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from aaf.policy.rego.syntax import (
    COMPREHENSIONS,
    Place,
    Text,
    Tree,
    begins,
    children,
    expression,
    literals,
    parts,
    place,
    variable,
)

MAX_WORK = 300_000
"""Steps that looking for the variables of one module may take."""

WILDCARD = "_"
_PATTERNS = frozenset({"Array", "Object", "Var"})


class TooMuchWork(Exception):
    """The bodies of this module are too entangled to be checked."""


@dataclass(slots=True)
class Found:
    """What an expression needs and doesn't have, and what it binds."""

    missing: dict[str, Place] = field(default_factory=dict)
    gives: set[str] = field(default_factory=set)

    def take(self, other: "Found") -> None:
        """Both together; what one part binds, the other part has."""
        for name, where in other.missing.items():
            self.missing.setdefault(name, where)
        self.gives |= other.gives

    def settled(self) -> "Found":
        """What is missing although all parts are there."""
        return Found({name: where for name, where in self.missing.items() if name not in self.gives}, self.gives)


class Variables:
    """Looks for unsafe variables in the bodies of one module; `known` are the names of rules and imports, `input` and `data`."""

    def __init__(self, text: Text, known: Iterable[str]) -> None:
        """Begin with no work done."""
        self._text = text
        self._known = frozenset(known)
        self._work = 0

    def unsafe(self, rule: Tree) -> dict[str, Place]:
        """The unsafe variables of a rule, each where it is first met.

        Raises:
            TooMuchWork: the bound of work is reached.
        """
        head_kind, head = expression(rule["head"])
        arguments = self._pattern_all(head["args"], frozenset()) if head_kind == "Func" else Found()
        bound = frozenset(arguments.gives)
        found = dict(arguments.missing)
        for number, body in enumerate(rule["bodies"] or [None]):
            left, after = self._body(body["query"], bound) if body else ({}, bound)
            heads = [*_head(head_kind, head, own=not (body and body["is_else"]))]
            heads += [body["assign"]["value"]] if body and body["assign"] else []
            for expr in heads if number == 0 or body["assign"] or not body["is_else"] else []:
                # A name that the body already lacks is said there.
                left = {**self._expression(expr, after).settled().missing, **left}
            found.update({name: where for name, where in left.items() if name not in found})
        return found

    def _body(self, query: Tree, outer: frozenset[str]) -> tuple[dict[str, Place], frozenset[str]]:
        """What a body lacks, and what is bound after it, with what it lacks among it."""
        bound = set(outer)
        todo = list(literals(query))
        waiting: list[tuple[tuple[str, Tree, Tree], Found]] = []
        progress = True
        while todo and progress:
            waiting = []
            for literal in todo:
                found = self._literal(literal[0], literal[1], frozenset(bound))
                if found.missing:
                    waiting.append((literal, found))
                else:
                    bound |= found.gives
            progress = len(waiting) < len(todo)
            todo = [literal for literal, _ in waiting]
        missing: dict[str, Place] = {}
        for _, found in waiting:
            for name, where in found.missing.items():
                missing[name] = min(where, missing.get(name, where))
        # Variables that only wait for an unsafe one are no fault of their own.
        given = {name for _, found in waiting for name in found.gives}
        roots = {name: where for name, where in missing.items() if name not in given} or missing
        return roots, frozenset(bound | given | missing.keys())

    def _literal(self, kind: str, body: Tree, bound: frozenset[str]) -> Found:
        self._count()
        if kind == "SomeVars":
            return Found()
        if kind == "SomeIn":
            found = self._expression(body["collection"], bound)
            for part in (body["key"], body["value"]):
                if part is not None:
                    found.take(self._pattern(part, bound))
            return found.settled()
        if kind == "Every":
            found = self._expression(body["domain"], bound).settled()
            inner = {self._text.within(span) for span in (body["key"], body["value"]) if span is not None}
            found.take(Found(self._body(body["query"], bound | inner)[0]))
            return Found(found.missing)
        found = self._expression(body["expr"], bound)
        if kind == "NotExpr":
            # What the expression would bind has to come from elsewhere.
            for part in local(body["expr"]):
                self._indices(part, bound, found)
            return Found(found.missing)
        return found.settled()

    def _indices(self, part: Tree, bound: frozenset[str], found: Found) -> None:
        """Within `not`: a variable in brackets needs a value already."""
        kind, body = expression(part)
        name = variable(body["index"]) if kind == "RefBrack" else None
        if name is not None and name != WILDCARD and self._lacks(name, bound):
            found.missing.setdefault(name, begins(body["index"]))

    def _expression(self, node: Tree, bound: frozenset[str]) -> Found:
        self._count()
        kind, body = expression(node)
        if kind == "Var":
            name = str(body["value"])
            return Found({name: place(body)}) if self._lacks(name, bound) else Found()
        if kind in COMPREHENSIONS:
            left, after = self._body(body["query"], bound)
            found = Found(left)
            for child in children(node):
                found.take(Found(self._expression(child, after).settled().missing))
            return found
        if kind == "AssignExpr":
            return self._assignment(body, bound)
        found = Found()
        if kind == "RefBrack":
            found.take(self._expression(body["refr"], bound))
            if variable(body["index"]) != WILDCARD:
                found.take(self._pattern(body["index"], bound))
            return found
        if kind == "Call" and variable(body["fcn"]) == "walk" and len(body["params"]) == 2:  # noqa: PLR2004 - what, and where to
            found.take(self._expression(body["params"][0], bound))
            found.take(self._pattern(body["params"][1], bound))
            return found
        for child in children(node):
            found.take(self._expression(child, bound))
        return found

    def _assignment(self, body: Tree, bound: frozenset[str]) -> Found:
        right = self._expression(body["rhs"], bound)
        if body["op"] == "ColEq":
            # What it assigns is no value for its own right side.
            left = self._pattern(body["lhs"], bound)
            right = right.settled()
            left.gives -= right.missing.keys()
            right.take(left)
            return right
        left = self._expression(body["lhs"], bound)
        if not right.settled().missing:
            right.take(self._pattern(body["lhs"], bound))
            return right.settled()
        if not left.settled().missing:
            left.take(self._pattern(body["rhs"], bound))
            return left.settled()
        left.take(right)
        return left.settled()

    def _pattern(self, node: Tree, bound: frozenset[str]) -> Found:
        """An expression whose variables get their values here."""
        kind, body = expression(node)
        if kind == "Var":
            name = str(body["value"])
            return Found(gives={name} if name != WILDCARD and self._lacks(name, bound) else set())
        if kind == "Array":
            return self._pattern_all(body["items"], bound)
        if kind == "Object":
            found = self._pattern_all([value for _, _, value in body["fields"]], bound)
            for _, key, _ in body["fields"]:
                found.take(self._expression(key, bound))
            return found
        return self._expression(node, bound)

    def _pattern_all(self, nodes: Iterable[Tree], bound: frozenset[str]) -> Found:
        found = Found()
        for node in nodes:
            found.take(self._pattern(node, bound))
        return found

    def _lacks(self, name: str, bound: frozenset[str]) -> bool:
        return name not in bound and name not in self._known

    def _count(self) -> None:
        self._work += 1
        if self._work > MAX_WORK:
            raise TooMuchWork


def _head(kind: str, head: Tree, *, own: bool) -> Iterator[Tree]:
    """The expressions of a head that need the body's variables; `own` says whether its value goes with this body."""
    if kind == "Set":
        yield from [head["key"]] if head["key"] is not None else []
    elif own and head["assign"] is not None:
        yield head["assign"]["value"]
    node = head["refr"]
    step, body = expression(node)
    while step in ("RefDot", "RefBrack"):
        if step == "RefBrack":
            yield body["index"]
        step, body = expression(body["refr"])


def declared(rule: Tree, text: Text) -> Mapping[str, Place]:
    """The names that a rule declares for itself: arguments, `:=`, `some` and `every`."""
    found: dict[str, Place] = {}
    kind, head = expression(rule["head"])
    for argument in head["args"] if kind == "Func" else []:
        _names(argument, found)
    for query in queries(rule):
        for literal, body, _ in literals(query):
            if literal == "SomeVars":
                _spans(body["vars"], text, found)
            elif literal == "Every":
                _spans((body["key"], body["value"]), text, found)
            elif literal == "SomeIn":
                for part in (body["key"], body["value"]):
                    if part is not None:
                        _names(part, found)
            for part in parts(literal, body):
                for inner in local(part):
                    step, assigned = expression(inner)
                    if step == "AssignExpr" and assigned["op"] == "ColEq":
                        _names(assigned["lhs"], found)
    return found


def queries(rule: Tree) -> Iterator[Tree]:
    """Every body in a rule, those of comprehensions and `every` too."""
    kind, head = expression(rule["head"])
    outside = [*_head(kind, head, own=True), *head.get("args", ())]
    outside += [body["assign"]["value"] for body in rule["bodies"] if body["assign"]]
    waiting = [body["query"] for body in rule["bodies"]]
    waiting += [inner for expr in outside for inner in _within(expr)]
    for query in waiting:
        yield query
        for literal, body, _ in literals(query):
            waiting += [inner for part in parts(literal, body) for inner in _within(part)]
            if literal == "Every":
                waiting.append(body["query"])


def _within(node: Tree) -> Iterator[Tree]:
    """The bodies of the comprehensions directly in an expression; those within their terms too."""
    for one in local(node):
        kind, body = expression(one)
        if kind in COMPREHENSIONS:
            yield body["query"]
            for child in children(one):
                yield from _within(child)


def local(node: Tree) -> Iterator[Tree]:
    """An expression and those in it, not those in comprehensions."""
    yield node
    if expression(node)[0] not in COMPREHENSIONS:
        for child in children(node):
            yield from local(child)


def _spans(spans: Iterable[Tree | None], text: Text, found: dict[str, Place]) -> None:
    """The variables of which the tree says only where they stand."""
    for span in spans:
        if span is not None:
            found.setdefault(text.within(span), place(span))


def _names(node: Tree, found: dict[str, Place]) -> None:
    """The variables of a pattern."""
    kind, body = expression(node)
    if kind == "Var":
        if body["value"] != WILDCARD:
            found.setdefault(str(body["value"]), place(body))
    elif kind in _PATTERNS:
        for child in children(node):
            _names(child, found)

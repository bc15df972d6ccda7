"""The engine's syntax tree as this program walks it: kinds, children, places, names, literals.

The tree comes from another program, so every access that finds another form than expected raises `Unfamiliar`, which refuses the module.
Nesting is bounded before anything walks down recursively.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from aaf.domain.canonical import Json
from aaf.policy.positioned import Node

Tree: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[int, int]

MAX_LEVELS = 400
"""Levels of the tree as JSON: about three for each level of an expression."""

MAX_NODES = 400_000

CONSTANTS = frozenset({"Bool", "Null", "Number", "RawString", "String"})
COMPREHENSIONS = frozenset({"ArrayCompr", "ObjectCompr", "SetCompr"})
_TWO_SIDED = frozenset({"ArithExpr", "AssignExpr", "BinExpr", "BoolExpr", "OrExpr"})


class Unfamiliar(Exception):
    """The tree isn't of the form that this program knows."""


@dataclass(frozen=True, slots=True)
class Text:
    """The bytes that the parser was given: some names stand in the tree only as a span of them."""

    data: bytes

    def within(self, span: Tree) -> str:
        """The text of a span."""
        return self.data[span["start"] : span["end"]].decode()


def place(node: Tree) -> Place:
    """Where a node, or what is in it, begins."""
    span = node if "line" in node else node["span"]
    return int(span["line"]), int(span["col"])


def bounded(tree: Json) -> bool:
    """Whether a tree is neither too deep nor too large to be walked."""
    level: list[Any] = [tree]
    nodes = 0
    for _ in range(MAX_LEVELS):
        nodes += len(level)
        if not level or nodes > MAX_NODES:
            return not level
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
    return False


def expression(node: Tree) -> tuple[str, Tree]:
    """The kind of an expression, and its parts."""
    (found,) = node.items()
    return found


def begins(node: Tree) -> Place:
    """Where an expression begins; spans of references and operators name the dot or operator, so the leftmost part is asked."""
    kind, body = expression(node)
    while True:
        if kind in ("RefDot", "RefBrack"):
            kind, body = expression(body["refr"])
        elif kind in _TWO_SIDED:
            kind, body = expression(body["lhs"])
        elif kind == "Call":
            kind, body = expression(body["fcn"])
        else:
            line, column = place(body)
            # The span of a text is what is between its quotes.
            return line, column - (kind in ("String", "RawString"))


_PARTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*CONSTANTS, "Var"), ()),
    **dict.fromkeys(("ArrayCompr", "SetCompr"), ("term",)),
    **dict.fromkeys(_TWO_SIDED, ("lhs", "rhs")),
    "Membership": ("key", "value", "collection"),
    "ObjectCompr": ("key", "value"),
    "RefBrack": ("refr", "index"),
    "RefDot": ("refr",),
    "UnaryExpr": ("expr",),
}
_LISTS = {"Array": "items", "Call": "params", "Set": "items"}


def children(node: Tree) -> Iterator[Tree]:
    """The expressions that stand directly in an expression, without the queries of comprehensions."""
    kind, body = expression(node)
    if kind in _PARTS:
        yield from (body[part] for part in _PARTS[kind] if body[part] is not None)
    elif kind in _LISTS:
        yield from body[_LISTS[kind]]
    elif kind == "Object":
        for _, key, value in body["fields"]:
            yield key
            yield value
    else:
        raise Unfamiliar


def literals(query: Tree) -> Iterator[tuple[str, Tree, Tree]]:
    """The kind, the parts and the whole statement of each literal of a body."""
    for statement in query["stmts"]:
        kind, body = expression(statement["literal"])
        yield kind, body, statement


def parts(kind: str, body: Tree) -> Iterator[Tree]:
    """The expressions that stand directly in a literal, without the body of `every`."""
    if kind in ("Expr", "NotExpr"):
        yield body["expr"]
    elif kind == "SomeIn":
        yield from (part for part in (body["key"], body["value"], body["collection"]) if part is not None)
    elif kind == "Every":
        yield body["domain"]
    elif kind != "SomeVars":
        raise Unfamiliar


def everything(node: Tree) -> Iterator[Tree]:
    """An expression and all expressions in it, those in the bodies of comprehensions too."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        inner = [*children(one)]
        kind, body = expression(one)
        if kind in COMPREHENSIONS:
            inner += _stated(body["query"])
        waiting += reversed(inner)


def in_query(query: Tree) -> Iterator[Tree]:
    """All expressions of a body."""
    for part in _stated(query):
        yield from everything(part)


def _stated(query: Tree) -> Iterator[Tree]:
    """The outermost expressions of a body, and of the bodies of `every` in it."""
    for kind, body, _ in literals(query):
        yield from parts(kind, body)
        if kind == "Every":
            yield from _stated(body["query"])


def steps(node: Tree) -> tuple[Tree, list[tuple[str | None, Place, Tree | None]]]:
    """What a reference begins with, and its steps: the name where it is constant, the place, the index expression of brackets."""
    found: list[tuple[str | None, Place, Tree | None]] = []
    kind, body = expression(node)
    while kind in ("RefDot", "RefBrack"):
        if kind == "RefDot":
            span, name = body["field"]
            found.append((name, place(span), None))
        else:
            index_kind, index = expression(body["index"])
            name = index["value"] if index_kind in ("String", "RawString") else None
            found.append((name, begins(body["index"]), body["index"]))
        node = body["refr"]
        kind, body = expression(node)
    return node, found[::-1]


def variable(node: Tree) -> str | None:
    """The name of a variable, or None where the expression is something else."""
    kind, body = expression(node)
    return str(body["value"]) if kind == "Var" else None


class NotConstant(Exception):
    """The expression depends on something."""


def constant(node: Tree, key: Place = (0, 0)) -> Node:
    """The value of a literal, with places.

    Raises:
        NotConstant: it is none, or a set, which is no JSON.
    """
    kind, body = expression(node)
    line, column = begins(node)
    if kind in CONSTANTS:
        return Node(body["value"], line, column, key)
    if kind == "Array":
        return Node([constant(item) for item in body["items"]], line, column, key)
    if kind != "Object":
        raise NotConstant
    fields: dict[str, Node] = {}
    for _, name, value in body["fields"]:
        stated = constant(name)
        if not isinstance(stated.value, str):
            raise NotConstant
        fields[stated.value] = constant(value, (stated.line, stated.column))
    return Node(fields, line, column, key)

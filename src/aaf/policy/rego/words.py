"""Comparisons of a field with a literal that never hold, or always: a tool or an operation that no action type has, a number where the field is text.

Unknown words are worth a warning and no more, because a configuration may let unknown action types be asked for. A value of another type is
refused: the engine says nothing about it, and to it any text is greater than any number.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aaf.policy.catalogue import ActionClass, Entry, Risk
from aaf.policy.reading import did_you_mean
from aaf.policy.rego.document import SCHEMA, operation_of
from aaf.policy.rego.references import Complaints, Unit
from aaf.policy.rego.syntax import Place, Tree, begins, expression, steps, variable
from aaf.policy.schemas import Kind

_LITERALS = {
    "Bool": Kind.FLAG,
    "Null": Kind.ANY,
    "Number": Kind.NUMBER,
    "RawString": Kind.TEXT,
    "String": Kind.TEXT,
}
_DECLARED = {"boolean": Kind.FLAG, "integer": Kind.NUMBER, "string": Kind.TEXT}
_HINTS = {Kind.TEXT: "compare with a text, or `to_number(…)` with a number"}


def unknown_words(unit: Unit, entries: Iterable[Entry]) -> Iterator[tuple[Place, str]]:
    """Comparisons that never hold, each with its place and what is wrong."""
    entries = tuple(entries)
    known: dict[tuple[str, ...], set[str]] = {
        ("action", "class"): set(ActionClass),
        ("action", "name"): {entry.name for entry in entries},
        ("action", "operation"): {entry.operation for entry in entries},
        ("action", "tool"): {entry.tool for entry in entries},
        ("risk",): set(Risk),
        ("operation",): {operation_of(entry.operation, entry) for entry in entries},
        ("tool",): {entry.tool for entry in entries},
    }
    for rule in unit.rules:
        for node in rule.bodies():
            for field, words in _compared(node):
                of_field = known.get(path_of(field), set())
                if path_of(field) in known and words and of_field.isdisjoint(words):
                    stated = ", ".join(f"`{word}`" for word in words)
                    hint = did_you_mean(words[0], of_field)
                    yield begins(field), f"no action type has {stated} as `input.{'.'.join(path_of(field))}` ({hint})"


def _compared(node: Tree) -> Iterator[tuple[Tree, list[str]]]:
    """What may be a field, and the words that it is compared with."""
    kind, body = expression(node)
    if kind == "BoolExpr" and body["op"] in ("Eq", "Ne"):
        yield body["lhs"], _texts([body["rhs"]])
        yield body["rhs"], _texts([body["lhs"]])
    elif kind == "Membership":
        within, collection = expression(body["collection"])
        if within in ("Array", "Set"):
            yield body["value"], _texts(collection["items"])


def check_types(unit: Unit, entries: Iterable[Entry], complaints: Complaints) -> None:
    """Complain about comparisons of a field with a literal of another type."""
    entries = tuple(entries)
    for rule in unit.rules:
        for node in rule.bodies():
            kind, body = expression(node)
            if kind != "BoolExpr":
                continue
            for field, other in ((body["lhs"], body["rhs"]), (body["rhs"], body["lhs"])):
                literal, path = _LITERALS.get(expression(other)[0], Kind.ANY), path_of(field)
                found = declared(path, entries) if literal is not Kind.ANY and path else Kind.ANY
                if found not in (Kind.ANY, literal):
                    what = f"`input.{'.'.join(path)}` is a {found}, which never equals a {literal}"
                    complaints.add(begins(field), what, _HINTS.get(found, f"compare with a {found}"))


def declared(path: tuple[str, ...], entries: Iterable[Entry]) -> Kind:
    """What every value of a field of the input is, or any value where that differs or isn't known."""
    names = path[1:] if path[0] == "action" else path
    if names[:1] == ("params",):
        kinds = {entry.input.kind(".".join(names[1:])) for entry in entries if len(names) > 1} - {None}
        only = next(iter(kinds)) if len(kinds) == 1 else None
        return only if only in (Kind.FLAG, Kind.NUMBER, Kind.TEXT) else Kind.ANY
    schema: Mapping[str, Any] = SCHEMA
    for name in path:
        schema = schema.get("properties", {}).get(name, {})
    stated = schema.get("type")
    return _DECLARED.get(stated, Kind.ANY) if isinstance(stated, str) else Kind.ANY


def _texts(nodes: list[Tree]) -> list[str]:
    """The texts where all of them are, otherwise none."""
    found = [body["value"] for kind, body in map(expression, nodes) if kind in ("String", "RawString")]
    return found if len(found) == len(nodes) else []


def path_of(node: Tree) -> tuple[str, ...]:
    """The constant path of a field of the input; empty for anything else."""
    start, walked = steps(node)
    return tuple(str(name) for name, _, _ in walked) if variable(start) == "input" else ()

"""Calls of AAF's own functions: what is written in place of an argument has to be what the function takes.

A literal is read as the function will read it; a field of the input, by what the catalogue declares it to be. What is computed is looked at when it
is reached, where a wrong one is an error and so a deny.
"""

from collections.abc import Iterable

from aaf.domain.canonical import Json
from aaf.policy.catalogue import Entry
from aaf.policy.positioned import Node
from aaf.policy.rego.builtins import OWN
from aaf.policy.rego.functions import Argument, fault
from aaf.policy.rego.references import Complaints, Unit
from aaf.policy.rego.syntax import NotConstant, Tree, begins, constant, expression, steps, variable
from aaf.policy.rego.words import declared, path_of
from aaf.policy.schemas import Kind

_TAKES = {Argument.AMOUNT: (Kind.NUMBER, Kind.TEXT), Argument.DAYS: (), Argument.TIME: (Kind.NUMBER,)}
"""Kinds of fields that may be an argument; text where nothing else stands here."""


def check_calls(unit: Unit, entries: Iterable[Entry], complaints: Complaints) -> None:
    """Check every call in a module."""
    entries = tuple(entries)
    for rule in unit.rules:
        for node in rule.bodies():
            kind, body = expression(node)
            taken = OWN.get(_name(body["fcn"]), ()) if kind == "Call" else ()
            for argument, given in zip(taken, body["params"] if taken else (), strict=False):
                _check(_name(body["fcn"]), argument, given, entries, complaints)


def _name(node: Tree) -> str:
    start, walked = steps(node)
    return ".".join(str(one) for one in (variable(start), *(name for name, _, _ in walked)))


def _check(name: str, argument: Argument, given: Tree, entries: tuple[Entry, ...], complaints: Complaints) -> None:
    try:
        value = _plain(constant(given))
    except NotConstant:
        path = path_of(given)
        found = declared(path, entries) if path else Kind.ANY
        if found is not Kind.ANY and found not in _TAKES.get(argument, (Kind.TEXT,)):
            complaints.add(begins(given), f"`input.{'.'.join(path)}` is a {found}", f"`{name}` takes {argument} here")
        return
    if fault(argument, value) is not None:
        complaints.add(begins(given), f"`{name}` can't take this argument", f"it takes {argument} here")


def _plain(node: Node) -> Json:
    return node.plain()

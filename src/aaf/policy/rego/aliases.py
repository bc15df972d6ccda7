"""Other names for parts of the input: `x := input.action`, a rule `asked := input`, `object.get(input, "tool", …)`.

Fields that are read through one are checked like any other. Followed is what one rule, or one rule beside it, says plainly; a name that stands
for two things, and the argument of a function, stand for nothing known here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from aaf.policy.rego.syntax import Tree, expression, steps, variable

Path: TypeAlias = tuple[str, ...]
"""Names beneath `input`."""

_LOOK_UP = ("object", ("get",), 3)


@dataclass(frozen=True, slots=True)
class Aliases:
    """What names stand for; `plain` are expressions whose whole value isn't read where they stand, by their identity."""

    paths: dict[str, Path] = field(default_factory=dict)
    plain: set[int] = field(default_factory=set)

    def path(self, node: Tree) -> Path | None:
        """Where in the input an expression leads, None where it leads elsewhere or depends on a value."""
        start, walked = steps(node)
        name = variable(start)
        base = () if name == "input" else self.paths.get(name or "")
        names = tuple(step for step, _, _ in walked if step is not None)
        return (*base, *names) if base is not None and len(names) == len(walked) else None

    def within(self, nodes: Iterable[Tree]) -> "Aliases":
        """These and those that one rule makes for itself; `nodes` are its expressions."""
        found = Aliases(dict(self.paths), set(self.plain))
        made: dict[str, list[tuple[Path | None, Tree, Tree]]] = {}
        for node in nodes:
            kind, body = expression(node)
            if kind == "AssignExpr":
                name = variable(body["lhs"])
                if name is not None and name not in self.paths:
                    path = found.path(body["rhs"])
                    made.setdefault(name, []).append((path, body["lhs"], body["rhs"]))
                    found.settle(name, {one for one, _, _ in made[name]})
            elif kind == "Call" and keys_of(body):
                found.plain.add(id(body["params"][0]))
        for name in made.keys() & found.paths.keys():
            found.plain.update(id(side) for _, *sides in made[name] for side in sides)
        return found

    def settle(self, name: str, paths: set[Path | None]) -> None:
        """A name stands for something where it always stands for the same."""
        only = next(iter(paths)) if len(paths) == 1 else None
        if only is None:
            self.paths.pop(name, None)
        else:
            self.paths[name] = only


def aliases_of_rules(imports: Mapping[str, tuple[Path, object]], rules: Iterable[Tree]) -> Aliases:
    """What imports and rules of one value stand for in a whole module."""
    found = Aliases({name: path[1:] for name, (path, _) in imports.items() if path[0] == "input"})
    stated: dict[str, list[Tree | None]] = {}
    for rule in rules:
        kind, head = expression(rule["head"])
        name = variable(head["refr"]) if kind == "Compr" else None
        if name is not None:
            values = [head["assign"], *(body["assign"] for body in rule["bodies"] if body["is_else"])]
            stated.setdefault(name, []).extend(one and one["value"] for one in values)
    for _ in range(2):  # one may be made from another
        for name, values in stated.items():
            found.settle(name, {found.path(one) if one is not None else None for one in values})
    for name in stated.keys() & found.paths.keys():
        found.plain.update(map(id, stated[name]))
    return found


def keys_of(call: Tree) -> Path:
    """The constant keys that a call of `object.get` asks for; nothing for other calls."""
    start, walked = steps(call["fcn"])
    if (variable(start), tuple(name for name, _, _ in walked), len(call["params"])) != _LOOK_UP:
        return ()
    kind, key = expression(call["params"][1])
    listed = [(kind, key)] if kind != "Array" else [expression(item) for item in key["items"]]
    found = tuple(one["value"] for of_kind, one in listed if of_kind in ("String", "RawString"))
    return found if len(found) == len(listed) else ()

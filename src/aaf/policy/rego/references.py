"""What a module refers to: fields of the input, its own rules, libraries, functions; and whether following that could ever end.

The engine finds out about most of these only when it reaches them, and about a recursive function by crashing. Modules
don't share rules: what several need is in a library, which is imported by name.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from aaf.policy.reading import did_you_mean
from aaf.policy.rego.aliases import Aliases, aliases_of_rules, keys_of
from aaf.policy.rego.builtins import BUILTINS, REFUSED
from aaf.policy.rego.metadata import LIBRARIES
from aaf.policy.rego.syntax import Place, Text, Tree, begins, everything, expression, in_query, place, steps, variable

RuleName: TypeAlias = tuple[str, tuple[str, ...]]
"""A module's name and the constant beginning of a rule's name in it."""

RuleForm: TypeAlias = tuple[tuple[str, ...], int | None]

_KEYWORDS = ("rego", "future")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as written: `path` is the constant beginning of its name, `arity` None where it is no function."""

    path: tuple[str, ...]
    tree: Tree
    place: Place
    arity: int | None = None
    _walked: list[Tree] = field(default_factory=list, compare=False, repr=False)

    def bodies(self) -> Iterable[Tree]:
        """Every expression of the rule, its head first; walked once, because many ask."""
        if not self._walked:
            self._walked[:] = [*self._walk()]
        return self._walked

    def _walk(self) -> Iterator[Tree]:
        _, head = expression(self.tree["head"])
        node = head["refr"]
        kind, body = expression(node)
        while kind in ("RefDot", "RefBrack"):
            if kind == "RefBrack":
                yield from everything(body["index"])
            kind, body = expression(body["refr"])
        for argument in head.get("args") or ():
            yield from everything(argument)
        for single in (head.get("key"), (head.get("assign") or {}).get("value")):
            if single is not None:
                yield from everything(single)
        for part in self.tree["bodies"]:
            if part["assign"] is not None:
                yield from everything(part["assign"]["value"])
            yield from in_query(part["query"])


@dataclass(frozen=True, slots=True)
class Unit:
    """One module read: its rules, the functions that have a default, and what its imports stand for."""

    name: str
    package: tuple[str, ...]
    text: Text
    rules: tuple[Rule, ...]
    defaults: Mapping[tuple[str, ...], Place]
    imports: Mapping[str, tuple[tuple[str, ...], Place]]

    @property
    def known(self) -> frozenset[str]:
        """The names that aren't variables."""
        names = {rule.path[0] for rule in self.rules} | {path[0] for path in self.defaults}
        return frozenset(names | self.imports.keys() | {"data", "input"})

    @property
    def library(self) -> bool:
        """Whether others may refer to it."""
        return ".".join(self.package).startswith(f"{LIBRARIES}.")


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference: `root` is `input`, `data` or empty for a rule of the module itself; None in `path` is a step that isn't constant."""

    root: str
    path: tuple[str | None, ...]
    places: tuple[Place, ...]
    place: Place
    rule: Rule
    call: int | None = None
    taken: bool = False
    """Whether its value is used as a whole, so that nothing says which of its fields are read."""


@dataclass(slots=True)
class Complaints:
    """Problems of one module, as place, message and hint; each place is complained about once."""

    found: dict[Place, tuple[str, str]] = field(default_factory=dict)

    def add(self, where: Place, message: str, hint: str = "") -> None:
        """Note one."""
        self.found.setdefault(where, (message, hint))


def references(unit: Unit) -> Iterator[Reference]:
    """Every reference and call in a module, in no particular order; imports are replaced by what they stand for."""
    known, shared = unit.known, aliases_of_rules(unit.imports, (rule.tree for rule in unit.rules))
    for rule in unit.rules:
        names = shared.within(rule.bodies())
        inner: set[int] = set()
        for node in rule.bodies():
            kind, body = expression(node)
            if kind == "Call":
                yield _reference(unit, rule, body["fcn"], call=len(body["params"]))
                yield from _looked_up(rule, body, names)
                continue
            if kind not in ("RefDot", "RefBrack", "Var"):
                continue
            if kind != "Var":
                # Only the longest form of a chain is a reference of its own.
                inner.add(id(body["refr"]))
            if id(node) in inner:
                continue
            name = variable(steps(node)[0])
            if name in known:
                yield _reference(unit, rule, node, taken=id(node) not in names.plain)
            if name in names.paths:
                yield _reference(unit, rule, node, taken=id(node) not in names.plain, stands_for=names.paths[name])


def _looked_up(rule: Rule, call: Tree, names: Aliases) -> Iterator[Reference]:
    """A field that `object.get` names by constant keys."""
    keys = keys_of(call)
    path = names.path(call["params"][0]) if keys else None
    if path is not None:
        where = begins(call["params"][1])
        yield Reference("input", (*path, *keys), (begins(call["params"][0]),) * len(path), where, rule)


def _reference(
    unit: Unit,
    rule: Rule,
    node: Tree,
    call: int | None = None,
    *,
    taken: bool = False,
    stands_for: tuple[str, ...] | None = None,
) -> Reference:
    start, walked = steps(node)
    root, where = str(variable(start)), begins(node)
    path: tuple[str | None, ...] = tuple(name for name, _, _ in walked)
    places = tuple(at for _, at, _ in walked)
    if stands_for is not None:
        return Reference("input", (*stands_for, *path), (*[where] * len(stands_for), *places), where, rule, taken=taken)
    if root in unit.imports:
        target, _ = unit.imports[root]
        root, path, places = target[0], (*target[1:], *path), (*[where] * (len(target) - 1), *places)
    if root not in ("input", "data"):
        root, path, places = "", (root, *path), (where, *places)
    return Reference(root, path, places, where, rule, call, taken)


class Links:
    """The rules of all modules of a release by their full names, and who refers to whom."""

    def __init__(self, units: Iterable[Unit]) -> None:
        """Index them; the rules of a module are found from itself, those of a library from everywhere."""
        self._units = tuple(units)
        self._libraries = {unit.package: unit for unit in self._units if unit.library}
        self._edges: dict[RuleName, dict[RuleName, Place]] = {}
        self._targets: dict[int, list[RuleName]] = {}
        self._index: dict[str, dict[str, dict[RuleForm, None]]] = {unit.name: _indexed(unit) for unit in self._units}

    def targets(self, reference: Reference) -> Iterable[RuleName]:
        """The rules that a reference leads to."""
        return self._targets.get(id(reference), ())

    def check_imports(self, unit: Unit, complaints: Complaints) -> None:
        """Every import of a library leads to one, into one, or to several."""
        for target, where in unit.imports.values():
            if target[0] == "data" and not any(_alike(package, target[1:]) for package in self._libraries):
                names = [".".join(("data", *package)) for package in self._libraries]
                stated = ".".join(target)
                complaints.add(where, f"there is no library for `{stated}`", did_you_mean(stated, names))

    def check(self, unit: Unit, reference: Reference, complaints: Complaints) -> None:
        """Resolve a reference to a rule or a function, and remember the link."""
        if reference.root == "input":
            if reference.call is not None:
                complaints.add(reference.place, "a field of the input is no function")
            return
        if reference.root == "":
            self._link(unit, unit, reference.path, reference, complaints)
            return
        constant = tuple(step for step in reference.path if step is not None)
        if constant[: len(unit.package)] == unit.package and len(reference.path) > len(unit.package):
            self._link(unit, unit, reference.path[len(unit.package) :], reference, complaints)
            return
        for length in range(len(reference.path) - 1, 2, -1):
            library = self._libraries.get(tuple(str(step) for step in reference.path[:length]))
            if library is not None:
                self._link(unit, library, reference.path[length:], reference, complaints)
                return
        names = [".".join(("data", *package)) for package in self._libraries]
        stated = ".".join(("data", *(step or "…" for step in reference.path)))
        if reference.path[:2] == tuple(LIBRARIES.split(".")):
            complaints.add(reference.place, f"there is no library for `{stated}`", did_you_mean(stated, names))
        else:
            hint = f"a module sees its own rules and libraries, data.{LIBRARIES}.<name>; the rest is in `input`"
            complaints.add(reference.place, f"`{stated}` is nothing that a module can see", hint)

    def _link(
        self, unit: Unit, target: Unit, path: tuple[str | None, ...], reference: Reference, complaints: Complaints
    ) -> None:
        if path[0] is None:
            complaints.add(reference.place, "which rule this is depends on a value", "write the rule's name")
            return
        found = [form for form in self._index[target.name].get(path[0], ()) if _alike(form[0], path)]
        paths = {one for one, _ in found}
        arities = sorted({arity for _, arity in found if arity is not None})
        name = ".".join(step or "…" for step in path)
        if reference.call is not None and not arities:
            self._function(target, unit, name, paths, reference, complaints)
        elif not paths:
            known = [".".join(rule.path) for rule in target.rules]
            complaints.add(reference.place, f"`{target.name}` has no rule `{name}`", did_you_mean(name, known))
        elif reference.call is None and arities:
            complaints.add(reference.place, f"`{name}` is a function", f"call it: {name}(…)")
        elif reference.call is not None and arities != [reference.call]:
            wanted = " or ".join(map(str, arities))
            complaints.add(reference.place, f"`{name}` takes {wanted} arguments, here are {reference.call}")
        origin = (unit.name, reference.rule.path)
        self._targets[id(reference)] = [(target.name, one) for one in paths]
        for one in paths:
            self._edges.setdefault(origin, {}).setdefault((target.name, one), reference.place)

    def _function(
        self,
        target: Unit,
        unit: Unit,
        name: str,
        paths: set[tuple[str, ...]],
        reference: Reference,
        complaints: Complaints,
    ) -> None:
        """A call of what is no function of a module: a built-in one, or a problem."""
        if paths:
            complaints.add(reference.place, f"`{name}` is no function", "leave out the brackets")
        elif target is not unit:
            known = [".".join(rule.path) for rule in target.rules if rule.arity is not None]
            complaints.add(reference.place, f"`{target.name}` has no function `{name}`", did_you_mean(name, known))
        elif name in REFUSED:
            complaints.add(reference.place, f"`{name}` may not be called", REFUSED[name])
        elif name not in BUILTINS:
            own = [".".join(rule.path) for rule in unit.rules if rule.arity is not None]
            complaints.add(reference.place, f"there is no function `{name}`", did_you_mean(name, [*BUILTINS, *own]))
        elif reference.call != BUILTINS[name] and (name, reference.call) != ("walk", 2):
            hint = "write `x := …` for its result" if reference.call == BUILTINS[name] + 1 else ""
            what = f"`{name}` takes {BUILTINS[name]} arguments, here are {reference.call}"
            complaints.add(reference.place, what, hint)

    def circle(self) -> tuple[str, tuple[str, ...], Place] | None:
        """The module, the name and the place of a rule that leads back to itself, or None."""
        done: set[RuleName] = set()
        for start in sorted(self._edges):
            trail: dict[RuleName, None] = {start: None}
            ways = [iter(self._edges[start].items())]
            while ways and start not in done:
                step = next(ways[-1], None)
                if step is None:
                    ways.pop()
                    done.add(trail.popitem()[0])
                elif step[0] in trail:
                    *_, (module, path) = trail
                    return module, path, step[1]
                elif step[0] not in done:
                    trail[step[0]] = None
                    ways.append(iter(self._edges.get(step[0], {}).items()))
        return None


def _indexed(unit: Unit) -> dict[str, dict[RuleForm, None]]:
    """The rules of a module by the first part of their names, each form once."""
    found: dict[str, dict[RuleForm, None]] = {}
    for rule in unit.rules:
        found.setdefault(rule.path[0], {})[rule.path, rule.arity] = None
    for path in unit.defaults:
        found.setdefault(path[0], {}).setdefault((path, None))
    return found


def _alike(rule: tuple[str, ...], path: tuple[str | None, ...]) -> bool:
    """Whether a path could lead to a rule, into its value, or to several rules of which this is one."""
    return all(step is None or step == name for name, step in zip(rule, path, strict=False))


def read_imports(tree: Tree, text: Text, complaints: Complaints) -> dict[str, tuple[tuple[str, ...], Place]]:
    """What each imported name stands for; imports of the language's own words need nothing."""
    found: dict[str, tuple[tuple[str, ...], Place]] = {}
    for one in tree["imports"]:
        start, walked = steps(one["refr"])
        where = begins(one["refr"])
        root = str(variable(start))
        path = tuple(name for name, _, _ in walked)
        if root in _KEYWORDS:
            if (root, *path[:1]) not in (("rego", "v1"), ("future", "keywords")):
                complaints.add(where, "this import isn't known", "import rego.v1, future.keywords or a library")
            continue
        # The engine takes constant paths only, and no name twice.
        constant = tuple(str(name) for name in path)
        shared = root == "data" and path[:2] == tuple(LIBRARIES.split("."))
        if not path or not (shared or root == "input"):
            complaints.add(
                where, "only libraries and fields of the input are imported", f"such as data.{LIBRARIES}.<name>"
            )
            continue
        alias = text.within(one["as"]) if one.get("as") is not None else constant[-1]
        found[alias] = ((root, *constant), where)
    return found


def read_rules(tree: Tree) -> tuple[list[Rule], list[tuple[tuple[str, ...], Tree]]]:
    """The rules of a module, and its defaults by their names."""
    rules: list[Rule] = []
    defaults: list[tuple[tuple[str, ...], Tree]] = []
    for one in tree["rules"]:
        kind, body = expression(one)
        if kind == "Default":
            defaults.append((_constant_path(body["refr"]), body))
            continue
        head_kind, head = expression(body["head"])
        arity = len(head["args"]) if head_kind == "Func" else None
        rules.append(Rule(_constant_path(head["refr"]), body, place(body), arity))
    return rules, defaults


def _constant_path(node: Tree) -> tuple[str, ...]:
    start, walked = steps(node)
    path = [str(variable(start))]
    for name, _, _ in walked:
        if name is None:
            break
        path.append(name)
    return tuple(path)

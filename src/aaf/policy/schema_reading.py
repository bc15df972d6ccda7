"""Holds a schema to a strict subset of JSON Schema 2020-12 before it is ever used.

An unknown keyword is a problem, not an annotation; an object says `additionalProperties: false` or `open: true`; a reference is
local, doesn't come back to itself and doesn't unfold without bounds; a default satisfies its own schema. One thing stays without effect: a default that is reached
only through `anyOf` or `oneOf` is checked and never filled in, because which branch it belongs to isn't known.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import jsonschema_rs

from aaf.domain.canonical import Json
from aaf.policy.positioned import Faults, Node
from aaf.policy.reading import did_you_mean
from aaf.policy.schemas import Schema

MAX_PARTS = 5000
"""Schemas within one schema, both as written and with every definition put in where it is used: each use costs memory and time."""

MAX_LEVELS = 64
"""How deep a schema may be with its definitions put in; no parameters are nested nearly as deep."""

MAX_FIELD = 128
"""Characters of a field's name."""

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
FORMATS = frozenset(
    {
        "date",
        "date-time",
        "duration",
        "email",
        "hostname",
        "idn-email",
        "idn-hostname",
        "ipv4",
        "ipv6",
        "json-pointer",
        "regex",
        "time",
        "uri",
        "uri-reference",
        "uuid",
    }
)
_SHAPES = ("type", "enum", "const", "$ref", "anyOf", "oneOf")
_REF = "#/$defs/"
_PLAIN = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_FIELD}}}")
_NUMBERED = re.compile(r"\.d([0-9]+)")
_BESIDE_REF = frozenset({"$ref", "default", "description", "title"})
_ELSEWHERE = {
    "allOf": "write the fields into one schema",
    "if": "write one schema for each case with oneOf",
    "not": "say what is allowed, not what isn't",
    "nullable": "write type: [string, 'null']",
    "definitions": "write $defs",
}


def _is_text(node: Node) -> bool:
    return isinstance(node.value, str)


def _is_number(node: Node) -> bool:
    return isinstance(node.value, int | float) and not isinstance(node.value, bool)


def _is_count(node: Node) -> bool:
    return type(node.value) is int and node.value >= 0


def _is_flag(node: Node) -> bool:
    return isinstance(node.value, bool)


def _is_list(node: Node) -> bool:
    return isinstance(node.value, list) and bool(node.value)


def _is_anything(_: Node) -> bool:
    return True


KEYWORDS: dict[str, tuple[Callable[[Node], bool], str]] = {
    **dict.fromkeys(("title", "description", "$ref", "pattern", "format"), (_is_text, "a string")),
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), (_is_number, "a number")
    ),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
        (_is_count, "a whole number from 0"),
    ),
    **dict.fromkeys(("open", "uniqueItems", "x-allow-control", "additionalProperties"), (_is_flag, "true or false")),
    **dict.fromkeys(
        ("enum", "required", "anyOf", "oneOf", "prefixItems", "examples"), (_is_list, "a list that is not empty")
    ),
    **dict.fromkeys(("const", "default", "type", "items"), (_is_anything, "")),
    **dict.fromkeys(("properties", "$defs"), (lambda node: isinstance(node.value, dict), "a mapping")),
}


def read_schema(node: Node, faults: Faults) -> Schema | None:
    """The schema that `node` describes, or None where `faults` says what is wrong with it."""
    before = len(faults.problems)
    reading = _Reading(node, faults)
    reading.schema(node, root=True)
    reading.unfold()
    if len(faults.problems) > before:
        return None
    document = node.plain()
    try:
        schema = Schema(document if isinstance(document, dict) else {})
    except ValueError as error:
        faults.at(node, "the schema can't be compiled", str(error).splitlines()[0][:200])
        return None
    reading.check_defaults()
    return schema if len(faults.problems) == before else None


class _Reading:
    """One schema with its definitions; remembers references and defaults for the checks that need the whole."""

    def __init__(self, root: Node, faults: Faults) -> None:
        self._root = root
        self._faults = faults
        self._written = 0
        definitions = _children(root).get("$defs")
        self._definitions = _children(definitions) if definitions else {}
        self._refs: dict[str, set[str]] = {}
        self._within = ""
        self._defaults: list[tuple[Node, Node]] = []

    def schema(self, node: Node, *, root: bool = False, branch: bool = False) -> None:
        """Check one schema and everything beneath it; `branch` says that it is an alternative of anyOf or oneOf."""
        self._written += 1
        if self._written == MAX_PARTS + 1:
            self._faults.at(node, f"the schema has more than {MAX_PARTS} parts", "describe less, or use definitions")
        if self._written > MAX_PARTS:
            return
        if not isinstance(node.value, dict):
            self._faults.at(node, "a schema must be a mapping", "write it as `type: string` and so on")
            return
        fields = node.value
        for keyword, value in fields.items():
            self._keyword(keyword, value, root=root, branch=branch)
        if not any(shape in fields for shape in _SHAPES):
            self._faults.at(node, "the schema doesn't say what it takes", "add `type`")
        if "$ref" in fields:
            self._reference(fields)
        if "default" in fields:
            self._defaults.append((fields["default"], node))
        self._object(node, fields, root=root)
        self._nested(fields, branch=branch)

    def unfold(self) -> None:
        """A definition that leads back to itself is a problem, and so is a schema that is too large with its definitions put in."""
        order = _peeled(self._refs, self._definitions)
        circular = self._definitions.keys() - order
        if self._written > MAX_PARTS or circular:
            self._find_circles(circular)
            return
        known: dict[str, tuple[int, int]] = {}
        for name in order:
            known[name] = _unfolded(self._definitions[name], known)
        found = [(self._definitions[name], known[name]) for name in order]
        for node, (parts, levels) in (*found, (self._root, _unfolded(self._root, known))):
            if parts > MAX_PARTS or levels > MAX_LEVELS:
                what = f"more than {MAX_PARTS} parts" if parts > MAX_PARTS else f"more than {MAX_LEVELS} levels"
                self._faults.at(
                    node, f"with its definitions put in, the schema has {what}", "let definitions use each other less"
                )
                return

    def _find_circles(self, names: Iterable[str]) -> None:
        """Say which of the definitions that lead to a circle are part of one."""
        users: dict[str, set[str]] = {}
        for name in names:
            for target in self._refs[name]:
                users.setdefault(target, set()).add(name)
        for start in sorted(names - _peeled(users, names).keys()):
            seen: set[str] = set()
            queue = sorted(self._refs[start])
            while queue:
                name = queue.pop()
                if name not in seen:
                    seen.add(name)
                    queue.extend(self._refs.get(name, ()))
            if start in seen:
                self._faults.at_key(
                    self._definitions[start], f"the definition `{start}` refers to itself", "write it flat"
                )

    def check_defaults(self) -> None:
        """Every default satisfies the schema that it stands in."""
        if not self._defaults:
            return
        # All of them at once, as the fields of one object: to compile the definitions for each would take too long.
        schemas: dict[str, Json] = {f"d{number}": node.plain() for number, (_, node) in enumerate(self._defaults)}
        values: dict[str, Json] = {f"d{number}": value.plain() for number, (value, _) in enumerate(self._defaults)}
        definitions: Json = {name: node.plain() for name, node in self._definitions.items()}
        for fault in Schema({"properties": schemas, "$defs": definitions}).check(values, at=""):
            _, number, rest = _NUMBERED.split(fault.path, maxsplit=1)
            self._faults.at(
                self._defaults[int(number)][0],
                f"default{rest} {fault.message}",
                "a default must satisfy its own schema",
            )

    def _keyword(self, keyword: str, value: Node, *, root: bool, branch: bool) -> None:
        if keyword not in KEYWORDS:
            hint = _ELSEWHERE.get(keyword) or did_you_mean(keyword, KEYWORDS)
            self._faults.at_key(value, f"`{keyword}` is not a keyword of schemas here", hint)
            return
        fits, wanted = KEYWORDS[keyword]
        if not fits(value):
            self._faults.at(value, f"`{keyword}` must be {wanted}")
        elif keyword == "$defs" and not root:
            self._faults.at_key(value, "`$defs` stands at the top of a schema only", "move it there")
        elif keyword == "format" and value.value not in FORMATS:
            self._faults.at(value, f"the format `{value.value}` is unknown", did_you_mean(str(value.value), FORMATS))
        elif keyword == "pattern":
            self._pattern(value)
        elif keyword == "type":
            self._types(value)
        elif keyword in ("default", "x-allow-control") and branch:
            self._faults.at_key(
                value, f"`{keyword}` has no effect in an alternative", "put it beside anyOf or oneOf, or leave it out"
            )

    def _types(self, node: Node) -> None:
        for item in node.value if isinstance(node.value, list) and node.value else [node]:
            if not isinstance(item.value, str) or item.value not in _TYPES:
                self._faults.at(item, "`type` names a JSON type", did_you_mean(str(item.plain())[:64], _TYPES))

    def _pattern(self, node: Node) -> None:
        try:
            jsonschema_rs.Draft202012Validator({"pattern": node.value}, pattern_options=jsonschema_rs.RegexOptions())
        except ValueError:
            self._faults.at(
                node, "`pattern` is no regular expression of linear time", "leave out look-around and back references"
            )

    def _reference(self, fields: dict[str, Node]) -> None:
        target = fields["$ref"]
        name = target.value.removeprefix(_REF) if isinstance(target.value, str) else ""
        if f"{_REF}{name}" != target.value or name not in self._definitions:
            hint = did_you_mean(name, self._definitions)
            self._faults.at(target, f"`$ref` must be {_REF}<name> of a definition in this schema", hint)
        self._refs.setdefault(self._within, set()).add(name)
        for keyword in fields.keys() - _BESIDE_REF - {"$defs"}:
            self._faults.at_key(fields[keyword], f"`{keyword}` can't stand beside $ref", "put it into the definition")

    def _object(self, node: Node, fields: dict[str, Node], *, root: bool) -> None:
        kinds = fields["type"].plain() if "type" in fields else None
        is_object = "properties" in fields or kinds == "object" or (isinstance(kinds, list) and "object" in kinds)
        if root and kinds != "object":
            self._faults.at(node, "the top of a schema must be `type: object`", "describe the parameters by name")
        if not is_object:
            return
        closed = "additionalProperties" in fields and fields["additionalProperties"].value is False
        if closed == ("open" in fields and fields["open"].value is True):
            hint = "write `additionalProperties: false`, or `open: true` where any other field may come"
            self._faults.at(node, "an object is either closed or open", hint)
        declared = _children(fields["properties"]) if "properties" in fields else {}
        required = fields["required"].value if "required" in fields else []
        for item in required if isinstance(required, list) else []:
            if not isinstance(item.value, str):
                self._faults.at(item, "`required` must hold strings", "quote it")
            elif item.value not in declared:
                self._faults.at(
                    item, f"`required` names `{item.value}`, which is not declared", did_you_mean(item.value, declared)
                )

    def _nested(self, fields: dict[str, Node], *, branch: bool) -> None:
        for name, child in (_children(fields["properties"]) if "properties" in fields else {}).items():
            if len(name) > MAX_FIELD:
                self._faults.at_key(child, f"a field's name has at most {MAX_FIELD} characters", "choose a shorter one")
            self.schema(child, branch=branch)
        for name, child in (_children(fields["$defs"]) if "$defs" in fields else {}).items():
            if not _PLAIN.fullmatch(name):
                # In a reference ~, / and % would be read as escapes.
                what = f"a definition's name is at most {MAX_FIELD} letters, digits, dots, hyphens and _"
                self._faults.at_key(child, what, "such as address")
            self._within = name
            self.schema(child, branch=branch)
            self._within = ""
        for keyword in ("anyOf", "oneOf", "prefixItems"):
            alternatives = fields[keyword].value if keyword in fields else []
            for child in alternatives if isinstance(alternatives, list) else []:
                self.schema(child, branch=True)
        if "items" in fields:
            self.schema(fields["items"], branch=branch)


def _children(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}


def _peeled(uses: Mapping[str, set[str]], names: Iterable[str]) -> dict[str, None]:
    """The names in an order in which each comes after those it uses, without those that lead to a circle or to an unknown one."""
    left = {name: len(uses.get(name, ())) for name in names}
    users: dict[str, list[str]] = {}
    for name in left:
        for used in uses.get(name, ()):
            users.setdefault(used, []).append(name)
    order = [name for name, count in left.items() if not count]
    for done in order:
        for user in users.get(done, ()):
            left[user] -= 1
            if not left[user]:
                order.append(user)
    return dict.fromkeys(order)


def _inner(fields: dict[str, Node]) -> Iterator[Node]:
    """The schemas that stand directly in one, without its definitions."""
    if "properties" in fields:
        yield from _children(fields["properties"]).values()
    for keyword in ("anyOf", "oneOf", "prefixItems"):
        alternatives = fields[keyword].value if keyword in fields else []
        yield from alternatives if isinstance(alternatives, list) else []
    if "items" in fields:
        yield fields["items"]


def _unfolded(node: Node, known: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """How many parts and levels a schema has with its definitions, which are `known`, put in; just over the limits where it is more."""
    fields = _children(node)
    parts, levels = 1, 0
    for inner in _inner(fields):
        more, deeper = _unfolded(inner, known)
        parts, levels = parts + more, max(levels, deeper)
    target = fields["$ref"].value if "$ref" in fields else None
    more, deeper = known.get(target.removeprefix(_REF), (0, 0)) if isinstance(target, str) else (0, 0)
    return min(parts + more, MAX_PARTS + 1), min(max(levels, deeper), MAX_LEVELS) + 1

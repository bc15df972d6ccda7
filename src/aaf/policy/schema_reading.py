"""Holds a schema to a strict subset of JSON Schema 2020-12 before it is ever used.

An unknown keyword is a problem, not an annotation; an object says `additionalProperties: false` or `open: true`; a reference is
local and doesn't come back to itself; a default satisfies its own schema. One thing stays without effect: a default that is reached
only through `anyOf` or `oneOf` is checked and never filled in, because which branch it belongs to isn't known.
"""

from collections.abc import Callable

import jsonschema_rs

from aaf.domain.canonical import Json
from aaf.policy.positioned import Faults, Node
from aaf.policy.reading import did_you_mean
from aaf.policy.schemas import Schema

_TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
_FORMATS = frozenset(
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


_KEYWORDS: dict[str, tuple[Callable[[Node], bool], str]] = {
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
    reading.find_circle()
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
        self._faults = faults
        definitions = _children(root).get("$defs")
        self._definitions = _children(definitions) if definitions else {}
        self._refs: dict[str, set[str]] = {}
        self._within = ""
        self._defaults: list[tuple[Node, Node]] = []

    def schema(self, node: Node, *, root: bool = False, branch: bool = False) -> None:
        """Check one schema and everything beneath it; `branch` says that it is an alternative of anyOf or oneOf."""
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

    def find_circle(self) -> None:
        """A definition that leads back to itself is a problem."""
        for start in sorted(self._refs):
            seen: set[str] = set()
            queue = sorted(self._refs[start])
            while queue:
                name = queue.pop()
                if name not in seen:
                    seen.add(name)
                    queue.extend(self._refs.get(name, ()))
            if start in seen and start in self._definitions:
                self._faults.at_key(
                    self._definitions[start], f"the definition `{start}` refers to itself", "write it flat"
                )

    def check_defaults(self) -> None:
        """Every default satisfies the schema that it stands in."""
        definitions: Json = {name: node.plain() for name, node in self._definitions.items()}
        for default, node in self._defaults:
            document = node.plain()
            inner = {**document, "$defs": definitions} if isinstance(document, dict) else {}
            for fault in Schema(inner).check(default.plain(), at="default"):
                self._faults.at(default, f"{fault.path} {fault.message}", "a default must satisfy its own schema")

    def _keyword(self, keyword: str, value: Node, *, root: bool, branch: bool) -> None:
        if keyword not in _KEYWORDS:
            hint = _ELSEWHERE.get(keyword) or did_you_mean(keyword, _KEYWORDS)
            self._faults.at_key(value, f"`{keyword}` is not a keyword of schemas here", hint)
            return
        fits, wanted = _KEYWORDS[keyword]
        if not fits(value):
            self._faults.at(value, f"`{keyword}` must be {wanted}")
        elif keyword == "$defs" and not root:
            self._faults.at_key(value, "`$defs` stands at the top of a schema only", "move it there")
        elif keyword == "format" and value.value not in _FORMATS:
            self._faults.at(value, f"the format `{value.value}` is unknown", did_you_mean(str(value.value), _FORMATS))
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
            if item.value not in declared:
                self._faults.at(
                    item,
                    f"`required` names `{item.plain()}`, which is not declared",
                    did_you_mean(str(item.plain()), declared),
                )

    def _nested(self, fields: dict[str, Node], *, branch: bool) -> None:
        for keyword in ("properties", "$defs"):
            for name, child in (_children(fields[keyword]) if keyword in fields else {}).items():
                if keyword == "$defs":
                    self._within = name
                self.schema(child, branch=branch)
                self._within = "" if keyword == "$defs" else self._within
        for keyword in ("anyOf", "oneOf", "prefixItems"):
            alternatives = fields[keyword].value if keyword in fields else []
            for child in alternatives if isinstance(alternatives, list) else []:
                self.schema(child, branch=True)
        if "items" in fields:
            self.schema(fields["items"], branch=branch)


def _children(node: Node) -> dict[str, Node]:
    return node.value if isinstance(node.value, dict) else {}

"""Schemas of parameters and results: does a value match, what is left out, and is its text harmless.

Validation is JSON Schema 2020-12 by jsonschema-rs with formats asserted, linear-time patterns and no retrieval of anything. What is
said of a fault names the place and the expectation, never the value. Values are refused rather than changed; the only addition is
a declared default. `open` and `x-allow-control` are our own keywords, which the validator ignores as annotations.
"""

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import cached_property
from operator import itemgetter
from typing import Any, TypeAlias

import jsonschema_rs

from aaf.domain.canonical import Json
from aaf.domain.errors import Code
from aaf.policy.reading import did_you_mean

MAX_FAULTS = 20
_MAX_MESSAGE = 300
_MAX_NAME = 64
_REF = "#/$defs/"
_BRANCHES = frozenset({"allOf", "anyOf", "else", "oneOf", "patternProperties", "then"})
"""Keywords under which an object may declare members that aren't among its own properties."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NO_PATH: Mapping[str, Any] = {}
_Fill: TypeAlias = Callable[[Json], Json]


@unique
class Kind(StrEnum):
    """What a rule can ask of a field; `opaque` can only exist or not."""

    AMOUNT = "amount"
    ANY = "any value"
    CLASS = "action class"
    FLAG = "true or false"
    LIST = "list"
    NUMBER = "number"
    NUMBERS = "list of numbers"
    OPAQUE = "structure"
    RISK = "risk"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    TEXT = "string"
    TEXTS = "list of strings"
    TIME = "time"


_KINDS = {
    "array": Kind.LIST,
    "boolean": Kind.FLAG,
    "integer": Kind.NUMBER,
    "number": Kind.NUMBER,
    "object": Kind.OPAQUE,
    "string": Kind.TEXT,
}
_LISTS = {Kind.NUMBER: Kind.NUMBERS, Kind.TEXT: Kind.TEXTS}


@dataclass(frozen=True, slots=True)
class SchemaFault:
    """One way in which a value is not what its schema says; safe to show the caller."""

    code: Code
    path: str
    message: str
    hint: str = ""


class Schema:
    """A compiled schema; `document` is what was written, and all that is stored."""

    def __init__(self, document: dict[str, Json]) -> None:
        """Compile.

        Raises:
            ValueError: jsonschema-rs doesn't take it.
        """
        self.document = document
        self._definitions: Mapping[str, Any] = _mapping(document.get("$defs"))
        self._validator = jsonschema_rs.Draft202012Validator(
            document,
            validate_formats=True,
            ignore_unknown_formats=False,
            offline=True,
            pattern_options=jsonschema_rs.RegexOptions(),
        )
        self._fillers: dict[str, _Fill | None] = {}
        self._fill = self._filler(document)

    def check(self, value: Json, *, at: str = "$.params") -> tuple[SchemaFault, ...]:
        """Every fault of `value`, at most 20, in order of their places."""
        if self._validator.is_valid(value):
            return ()
        # What is said of a fault costs more than to find it, so it is put into words only where it will be said.
        found = [placed for error in self._validator.iter_errors(value) for placed in _placed(error, at)]
        found.sort(key=itemgetter(0))
        return tuple(self._explained(*placed) for placed in found[:MAX_FAULTS])

    def fill_defaults(self, params: dict[str, Json]) -> dict[str, Json]:
        """A copy in which every missing field that declares a default has it."""
        filled = self._fill(params) if self._fill else params
        return dict(filled) if isinstance(filled, dict) else {}

    def sanitise(self, value: Json, *, at: str = "$.params") -> tuple[SchemaFault, ...]:
        """Where text holds control characters other than tab and newline, or lone surrogates, that its field doesn't allow."""
        faults: list[SchemaFault] = []
        self._walk(value, self.document, at, faults)
        return tuple(faults[:MAX_FAULTS])

    def kind(self, path: str) -> Kind | None:
        """The kind of a dotted path through declared properties, or None where no such field is declared."""
        found = self._at(path)
        return None if found is None else self._kind_of(found)

    def options(self, path: str) -> list[Json] | None:
        """The values that a declared field can have, or None where they aren't listed."""
        found = self._at(path)
        return None if found is None else self._resolved(found).get("enum")

    def open_at(self, path: str) -> bool:
        """Whether an object may have members that aren't among its declared properties; the parameters themselves for an empty path."""
        found = self._at(path) if path else self.document
        if found is None:
            return False
        found = self._resolved(found)
        return found.get("open") is True or not _BRANCHES.isdisjoint(found)

    def nullable(self, path: str) -> bool:
        """Whether a declared field can be null."""
        found = self._at(path)
        return found is not None and self._takes_null(found)

    def paths(self) -> tuple[str, ...]:
        """Every declared path, for hints."""
        return self._paths

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        found: list[str] = []
        queue: list[tuple[str, Mapping[str, Any]]] = [("", self.document)]
        for prefix, schema in queue:
            for name, inner in _mapping(self._resolved(schema).get("properties")).items():
                found.append(prefix + name)
                queue.append((f"{prefix}{name}.", inner))
        return tuple(found)

    def _at(self, path: str) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] = self.document
        for name in path.split("."):
            inner = _mapping(self._resolved(found).get("properties")).get(name)
            if inner is None:
                return None
            found = inner
        return found

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow a `$ref`; the load has made sure that it is local and doesn't lead back to itself."""
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix(_REF)]
        return schema

    def _kind_of(self, schema: Mapping[str, Any]) -> Kind:
        schema = self._resolved(schema)
        if "type" in schema:
            names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            kinds = {_KINDS[name] for name in names if name != "null"}
        elif "enum" in schema or "const" in schema:
            kinds = {_kind_of_value(value) for value in schema.get("enum", [schema.get("const")])}
        else:
            kinds = {self._kind_of(branch) for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ()))}
        if kinds == {Kind.LIST, Kind.OPAQUE}:
            return Kind.OPAQUE
        if kinds == {Kind.LIST}:
            return _LISTS.get(self._kind_of_items(schema), Kind.LIST)
        return kinds.pop() if len(kinds) == 1 else Kind.ANY

    def _takes_null(self, schema: Mapping[str, Any]) -> bool:
        """Whether every keyword that says what a field is takes null; at least one of them is there."""
        schema = self._resolved(schema)
        if "type" in schema and "null" not in schema["type"]:
            return False
        if "const" in schema and schema["const"] is not None:
            return False
        if None not in schema.get("enum", (None,)):
            return False
        return all(any(map(self._takes_null, schema[each])) for each in ("anyOf", "oneOf") if each in schema)

    def _kind_of_items(self, schema: Mapping[str, Any]) -> Kind:
        items = schema.get("items")
        return Kind.ANY if items is None or "prefixItems" in schema else self._kind_of(items)

    def _filler(self, schema: Mapping[str, Any]) -> _Fill | None:
        """A function that fills defaults beneath `schema`, or None where there is none; made once for each definition."""
        if "$ref" not in schema:
            return self._made_filler(schema)
        name = schema["$ref"].removeprefix(_REF)
        if name not in self._fillers:
            self._fillers[name] = self._filler(self._definitions[name])
        return self._fillers[name]

    def _made_filler(self, schema: Mapping[str, Any]) -> _Fill | None:
        each = self._filler(schema["items"]) if "items" in schema else None
        if each is not None:
            # What stands under `prefixItems` is something else, and alternatives are never filled.
            start = len(schema.get("prefixItems", ()))
            return lambda value: (
                [*value[:start], *(each(item) for item in value[start:])] if isinstance(value, list) else value
            )
        plan: list[tuple[str, Mapping[str, Any], _Fill | None]] = []
        for name, inner in _mapping(schema.get("properties")).items():
            deeper, holder = self._filler(inner), self._holder_of_default(inner)
            if deeper is not None or "default" in holder:
                plan.append((name, holder, deeper))
        return (lambda value: _filled(value, plan)) if plan else None

    def _holder_of_default(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema itself where it says its default, or the definition that says it for it."""
        while "default" not in schema and "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix(_REF)]
        return schema

    def _walk(self, value: Json, schema: Mapping[str, Any], path: str, faults: list[SchemaFault]) -> None:
        schema = self._resolved(schema)
        if isinstance(value, str):
            if not schema.get("x-allow-control") and _CONTROL.search(value):
                faults.append(_text_fault(path))
        elif isinstance(value, list):
            start = len(schema.get("prefixItems", ()))
            for index, item in enumerate(value):
                declared = schema.get("items", _NO_PATH) if index >= start else _NO_PATH
                self._walk(item, declared, f"{path}[{index}]", faults)
        elif isinstance(value, dict):
            fields = _mapping(schema.get("properties"))
            for name, item in value.items():
                place = _step(path, name)
                if _CONTROL.search(name):
                    faults.append(_text_fault(place))
                self._walk(item, fields.get(name, _NO_PATH), place, faults)

    def _explained(self, place: str, error: jsonschema_rs.ValidationError, name: str) -> SchemaFault:
        """The fault in words; `name` is the field that is missing or too much."""
        match error.kind.name:
            case "required":
                return SchemaFault(Code.MISSING_FIELD, place, "is required")
            case "additionalProperties":
                hint = did_you_mean(name, self._names_at(error.instance_path))
                return SchemaFault(Code.UNKNOWN_FIELD, place, "is not a field here", hint)
            case "type":
                return SchemaFault(Code.WRONG_TYPE, place, f"must be {' or '.join(error.kind.as_dict()['types'])}")
            case "maxLength":
                limit = error.kind.as_dict()["limit"]
                return SchemaFault(Code.VALUE_TOO_LONG, place, f"may have at most {limit} characters")
            case keyword:
                wanted = json.dumps(self._wanted(error.schema_path), ensure_ascii=True)
                return SchemaFault(Code.SCHEMA_VIOLATION, place, f"does not satisfy {keyword} {wanted}"[:_MAX_MESSAGE])

    def _names_at(self, instance_path: list[str | int]) -> list[str]:
        """The declared names of the object at `instance_path`, for hints."""
        found: Mapping[str, Any] = self._resolved(self.document)
        for part in instance_path:
            inner = found.get("items") if isinstance(part, int) else _mapping(found.get("properties")).get(part)
            found = self._resolved(inner or _NO_PATH)
        return list(_mapping(found.get("properties")))

    def _wanted(self, schema_path: list[str | int]) -> Json:
        """What the schema says at `schema_path`: never anything of the value."""
        found: Any = self.document
        for part in schema_path:
            found = found[part]
        wanted: Json = found
        return wanted


def _placed(error: jsonschema_rs.ValidationError, at: str) -> list[tuple[str, jsonschema_rs.ValidationError, str]]:
    """Where an error lies, and the field that is missing or too much; one for each field."""
    place = at
    for part in error.instance_path:
        place = f"{place}[{part}]" if isinstance(part, int) else _step(place, part)
    names: list[str] = []
    match error.kind.name:
        case "required":
            names = [error.kind.as_dict()["property"]]
        case "additionalProperties":
            names = error.kind.as_dict()["unexpected"]
        case _:
            return [(place, error, "")]
    return [(_step(place, name), error, name) for name in names]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _kind_of_value(value: object) -> Kind:
    match value:
        case bool():
            return Kind.FLAG
        case int() | float():
            return Kind.NUMBER
        case str():
            return Kind.TEXT
    return Kind.ANY


def _filled(value: Json, plan: list[tuple[str, Mapping[str, Any], _Fill | None]]) -> Json:
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for name, inner, deeper in plan:
        if name not in filled and "default" in inner:
            filled[name] = deepcopy(inner["default"])
        if deeper is not None and name in filled:
            filled[name] = deeper(filled[name])
    return filled


def _text_fault(path: str) -> SchemaFault:
    hint = "send text without control characters; tab and newline are fine"
    return SchemaFault(Code.TEXT_REFUSED, path, "holds a control character or half a surrogate pair", hint)


def _step(path: str, name: str) -> str:
    """One member further; a name that is no plain word is quoted, escaped and cut."""
    if _PLAIN_NAME.fullmatch(name) and len(name) <= _MAX_NAME:
        return f"{path}.{name}"
    return f"{path}[{json.dumps(name[:_MAX_NAME])}]"

"""Nothing that the loader knows is missing in the schemas, and nothing in them is a key that it doesn't know."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from aaf.policy.catalogue import ActionClass
from aaf.policy.conditions import FIELDS
from aaf.policy.configuration import load
from aaf.policy.document.published.conditions import matching
from aaf.policy.document.published.files import Published, schema_of
from aaf.policy.limit_reading import MEMBERS
from aaf.policy.operators import Op
from aaf.policy.positioned import Faults, parse
from aaf.policy.reading import Section
from aaf.policy.schema_reading import KEYWORDS
from tests.policy.document.test_published import misfits
from tools.fuzz.configuration import unfolded
from tools.fuzz.seeds import DOCUMENT, LISTED

BASE = unfolded(DOCUMENT)
OPERANDS: dict[Op, Any] = {
    Op.CIDR: "10.0.0.0/8",
    Op.CONTAINS: "a",
    Op.ENDS_WITH: "a",
    Op.EQ: "a",
    Op.EVERY: {"eq": "a"},
    Op.EXISTS: True,
    Op.GLOB: "a*",
    Op.GT: "1",
    Op.GTE: "1",
    Op.HOST: "a.example.com",
    Op.IN: ["a"],
    Op.LT: "1",
    Op.LTE: "1",
    Op.MATCHES: "a.c",
    Op.NE: "a",
    Op.NOT_IN: ["a"],
    Op.SIZE: 2,
    Op.SOME: {"eq": "a"},
    Op.STARTS_WITH: "a",
    Op.UNDER: "docs",
    Op.WITHIN: {"days": "mon", "zone": "UTC"},
}
OF_FIELDS: dict[str, Any] = {
    "amount": {"gt": "1", "currency": "EUR"},
    "class": "payment",
    "operation": "send",
    "risk": "high",
    "role": "agent",
    "findings": "secret_detected",
    "time": {"gt": "2026-12-24T18:00:00Z"},
    "tool": "pay",
}
ORDER = (Op.EQ, Op.GT, Op.GTE, Op.LT, Op.LTE, Op.NE)


def _matches() -> Iterator[dict[str, Any]]:
    for op in Op:
        if op is Op.WITHIN:
            yield {"time": {op: OPERANDS[op]}}
            continue
        yield {"context.x": {op: OPERANDS[op]}}
        if op is not Op.EXISTS:
            yield {"context.x": {"every": {op: OPERANDS[op]}}}
    for op in ORDER:
        yield {"params.cc": {"size": {op: 2}}}
        yield {"amount": {op: "1.50", "currency": "EUR"}}
        if op not in (Op.EQ, Op.NE):
            yield {"time": {op: "2026-12-24T18:00:00Z"}}
    yield {"params.cc": {"size": {"in": [1, 2], "not_in": [4]}}}
    yield from ({name: OF_FIELDS.get(name, "a")} for name in FIELDS)
    yield from ({f"counters.refunds.{member}": {"exceeded": True}.get(member, {"lt": 2})} for member in MEMBERS)


def _written(match: dict[str, Any]) -> dict[str, bytes]:
    rule = json.dumps({"name": "generated", "match": {"tool": "pay", **match}, "decision": "deny"})
    return {**BASE, "aaf.yaml": BASE["aaf.yaml"].replace(b"rules:\n", f"rules:\n  - {rule}\n".encode(), 1)}


def _keywords() -> Iterator[dict[str, bytes]]:
    """Action types that say every keyword of a schema, and documents with every class."""
    declared: dict[str, Any] = {
        "type": "object",
        "title": "t",
        "description": "d",
        "additionalProperties": False,
        "minProperties": 0,
        "maxProperties": 9,
        "required": ["a"],
        "examples": [{}],
        "properties": {
            "a": {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "a", "format": "date", "x-allow-control": True},
            "b": {"type": "number", "minimum": 0, "maximum": 9, "multipleOf": 1, "default": 1},
            "c": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 9},
            "d": {"type": "array", "items": {"type": "string"}, "minItems": 0, "maxItems": 9, "uniqueItems": True, "prefixItems": [{"type": "string"}]},
            "e": {"anyOf": [{"const": 1}, {"enum": [2]}]},
            "f": {"oneOf": [{"$ref": "#/$defs/x"}, {"type": "null"}]},
            "g": {"type": "object", "open": True},
        },
        "$defs": {"x": {"type": "string"}},
    }  # fmt: skip
    action = {"name": "any.thing", "class": "other", "risk": "low", "effect": "caller", "input": declared}
    defaults = {klass.value: "deny" for klass in ActionClass}
    yield {"aaf.yaml": b"version: 1", "actions/any.yaml": json.dumps(action).encode()}
    yield {"aaf.yaml": json.dumps({"version": 1, "defaults": defaults}).encode()}
    part = {"guard": True, "defaults": defaults}
    yield {"aaf.yaml": b"version: 1\ninclude: [rules/a.yaml]\n", "rules/a.yaml": json.dumps(part).encode()}


GENERATED = [*map(_written, _matches()), *_keywords()]


@pytest.mark.parametrize("files", GENERATED)
def test_each_operator_field_and_keyword_loads_and_fits(files: dict[str, bytes]) -> None:
    load(files)

    assert misfits(files) == []


def _inner(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for key in ("allOf", "anyOf", "oneOf"):
        for one in schema.get(key, ()):
            yield from _inner(one)


def _known(node: Any, at: str, found: set[str]) -> None:
    """The names of all properties; those of a definition are counted there, once."""
    if isinstance(node, list):
        for child in node:
            _known(child, at, found)
    for key, child in node.items() if isinstance(node, dict) else ():
        if key == "properties":
            found |= {f"{at}.{name}" for name in child}
        if key in ("properties", "patternProperties"):
            for name, one in child.items():
                _known(one, f"{at}.{name}", found)
        elif key == "$defs":
            for name, one in child.items():
                _known(one, name, found)
        elif key not in ("const", "default", "enum", "examples"):
            _known(child, at, found)


def _used(schema: dict[str, Any], defs: dict[str, Any], value: Any, at: str, found: set[str]) -> None:
    for one in _inner(schema):
        if "$ref" in one:
            name = one["$ref"].rpartition("/")[2]
            _used(defs[name], defs, value, name, found)
        for child in value if isinstance(value, list) else ():
            for items in (one.get("items"), *one.get("prefixItems", ())):
                if isinstance(items, dict):
                    _used(items, defs, child, at, found)
        for key, child in value.items() if isinstance(value, dict) else ():
            fitting = (each for said, each in one.get("patternProperties", {}).items() if re.search(said, key))
            inner = one.get("properties", {}).get(key) or next(fitting, one.get("additionalProperties"))
            if key in one.get("properties", {}):
                found.add(f"{at}.{key}")
            if isinstance(inner, dict):
                _used(inner, defs, child, f"{at}.{key}" if key in one.get("properties", {}) else at, found)


@pytest.mark.parametrize("kind", Published)
def test_every_key_of_a_schema_stands_in_a_file_that_loads(kind: Published) -> None:
    schema, known, used = schema_of(kind), set[str](), set[str]()
    _known(schema, "", known)
    for files in (BASE, unfolded(LISTED), *GENERATED):
        load(files)
        for name, data in files.items():
            own = Published.DOCUMENT if name == "aaf.yaml" else Published.PART
            own = Published.ACTION if name.startswith("actions/") else own
            # What a part may say it says as the main file does.
            if own is kind or (own is Published.DOCUMENT and kind is Published.PART):
                root = parse(data, Faults(name))
                assert root is not None
                _used(schema, schema["$defs"], root.plain(), "", used)

    assert known - used == set()


def test_every_mapping_that_the_loader_reads_is_in_a_schema_with_all_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, set[str]] = defaultdict(set)
    took, closed = Section.take, Section.close
    sections: dict[int, tuple[Section, set[str]]] = {}

    def take(self: Section, key: str, *, required: bool = False) -> Any:
        sections.setdefault(id(self), (self, set()))[1].add(key)
        return took(self, key, required=required)

    def close(self: Section, **more: Any) -> None:
        closed(self, **more)
        asked[self.what] |= sections[id(self)][1] if id(self) in sections else set()

    monkeypatch.setattr(Section, "take", take)
    monkeypatch.setattr(Section, "close", close)
    for files in (BASE, unfolded(LISTED)):
        load(files)
    mappings: list[set[str]] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict) and isinstance(node.get("properties"), dict):
            mappings.append(set(node["properties"]))
        for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(child)

    for kind in Published:
        walk(schema_of(kind))
    # The document's own keys are read by several sections, also those of parts.
    known = set[str]().union(*(schema_of(kind)["properties"] for kind in Published))
    missing = {what: keys for what, keys in asked.items() if not any(keys <= each for each in [*mappings, known])}

    assert missing == {}
    assert len(asked) > 20


def test_an_operator_or_a_field_without_a_sentence_has_no_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    from aaf.policy.document.published import conditions

    for name, key in (("_OPERATOR", Op.HOST), ("_FIELD", "server")):
        kept = {one: said for one, said in getattr(conditions, name).items() if one != key}
        with monkeypatch.context() as patch:
            patch.setattr(conditions, name, kept)
            with pytest.raises(KeyError):
                matching()


def test_the_keywords_of_parameters_are_those_of_the_loader() -> None:
    assert set(schema_of(Published.ACTION)["$defs"]["schema"]["properties"]) == set(KEYWORDS)

"""A document for trying a module out before it is published: one action type that it is asked about, with a value for each declared parameter.

The values are plain, and prove nothing about others: what fails with them is worth a look, what passes isn't shown to be right.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.catalogue import ActionClass, Entry, Risk
from aaf.policy.decision_input import Input
from aaf.policy.rego.document import encoded
from aaf.policy.rego.module import Module

AGENT = "sample"
FACTS = b'{"rate":{"sample":false}}'
MAX_LEVELS = 8
_VALUES: Mapping[str, Json] = {"array": [], "boolean": True, "integer": 1, "null": None, "number": 1, "string": "1"}


def sample(module: Module, entries: Iterable[Entry]) -> bytes:
    """The document of an action that `module` is asked about."""
    entry = next((one for one in entries if module.applies_to(one.name)), None)
    params = _value(entry.input.document, entry.input.document, MAX_LEVELS) if entry else None
    asked = Input(
        name=entry.name if entry else "sample.action",
        params=params if isinstance(params, dict) else {},
        agent_id=AGENT,
        agent_name=AGENT,
        org=AGENT,
        klass=entry.klass if entry else ActionClass.OTHER,
        risk=entry.risk if entry else Risk.HIGH,
        time=0,
        release=1,
    )
    return encoded(asked, entry)


def _value(schema: Mapping[str, Any], whole: Mapping[str, Any], levels: int) -> Json:
    """A value as a schema describes it, as far as that is simple."""
    while "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    for stated in (schema.get("enum", ())[:1], [schema[name] for name in ("const", "default") if name in schema]):
        if stated:
            value: Json = stated[0]
            return value
    kinds = schema.get("type", "object" if "properties" in schema else "null")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind != "object":
        return _VALUES[kind]
    inner = schema.get("properties", {}) if levels else {}
    return {name: _value(one, whole, levels - 1) for name, one in inner.items()}

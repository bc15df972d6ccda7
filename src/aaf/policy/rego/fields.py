"""Which fields of the input there are: those of the published schema, and beneath `params` those that action types declare.

A policy on a field that nothing has would silently never match. What stands beneath `context` is the caller's, so anything may;
beneath an object that its schema leaves open, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum, unique
from typing import Any

from aaf.domain.reserved import asserts_authority
from aaf.policy.catalogue import Entry
from aaf.policy.reading import did_you_mean
from aaf.policy.rego.document import LATER, SCHEMA
from aaf.policy.schemas import Kind

PRE_APPROVED = "pre_approved"
_ANYTHING: Mapping[str, Any] = {}


@unique
class Field(StrEnum):
    """What became of looking for a field."""

    FINE = "fine"
    NOWHERE = "nowhere"
    NO_PARAMETER = "no_parameter"
    SECRET = "secret"  # noqa: S105 - the name of an outcome


def look_up(path: Sequence[str | None], entries: Iterable[Entry]) -> tuple[Field, int, str]:
    """Whether `input.<path>` can be there, the index of the step that can't, and a hint; None in a path is a step that isn't constant."""
    schema: Mapping[str, Any] = SCHEMA
    for index, name in enumerate(path):
        properties: Mapping[str, Any] = schema.get("properties", _ANYTHING)
        if name == "params" and index == (1 if path[0] == "action" else 0):
            return _parameter(path, index + 1, entries)
        if (
            path[0] == "context"
            and index == 1
            and name is not None
            and name != PRE_APPROVED
            and asserts_authority(name)
        ):
            return (
                Field.NOWHERE,
                index,
                "the context may not claim authority; only `pre_approved` is there, set by the firewall",
            )
        if name is None and _is_plain(schema) and schema is not _ANYTHING:
            return Field.NOWHERE, index, f"`{'.'.join(str(step) for step in path[:index])}` has no members"
        if name is None or name in properties:
            schema = properties.get(name, _ANYTHING) if name else _ANYTHING
        elif schema.get("additionalProperties", True) is False:
            dotted = ".".join(str(step) for step in path[: index + 1])
            if any(dotted == later or dotted.startswith(f"{later}.") for later in LATER):
                return Field.NOWHERE, index, "nothing sets it in this version; leave the condition out"
            return Field.NOWHERE, index, did_you_mean(name, properties)
        elif schema is not _ANYTHING and schema.get("type") not in (None, "object"):
            return Field.NOWHERE, index, f"`{'.'.join(str(step) for step in path[:index])}` is no object"
    return Field.FINE, len(path), ""


def is_read_whole(path: Sequence[str | None]) -> bool:
    """Whether a value of this path has fields of its own that are known, so that it matters which of them are read."""
    schema: Mapping[str, Any] = SCHEMA
    for name in path:
        if name is None or schema.get("additionalProperties", True):
            break
        schema = schema["properties"].get(name, _ANYTHING)
    return schema.get("additionalProperties", True) is False


def _parameter(path: Sequence[str | None], first: int, entries: Iterable[Entry]) -> tuple[Field, int, str]:
    """Look for a parameter in the schemas of the action types that the module speaks about."""
    entries = tuple(entries)
    farthest, secret = first, False
    for entry in entries:
        reached = _reach(entry.input.document, path, first)
        names = [str(step) for step in path[first:]]
        hidden = any(entry.kind(".".join(names[:length])) is Kind.SECRET for length in range(1, len(names) + 1))
        if reached == len(path) and not hidden:
            return Field.FINE, reached, ""
        secret = secret or (hidden and reached == len(path))
        farthest = max(farthest, reached)
    if len(path) == first:
        return Field.FINE, first, ""
    if secret:
        return Field.SECRET, first, "modules see a placeholder instead of secrets; decide on another parameter"
    known = (known for entry in entries for known in entry.input.paths())
    return Field.NO_PARAMETER, farthest, did_you_mean(".".join(str(step) for step in path[first:]), known)


def _reach(document: Mapping[str, Any], path: Sequence[str | None], index: int) -> int:
    """How many steps of `path` this schema knows: all of them where it ends in something that isn't described."""
    schema = document
    while index < len(path):
        while "$ref" in schema:
            schema = document["$defs"][schema["$ref"].rpartition("/")[2]]
        name = path[index]
        properties: Mapping[str, Any] = schema.get("properties", _ANYTHING)
        if name is not None and name in properties:
            schema = properties[name]
            index += 1
        elif name is None or schema.get("open") is True or "properties" not in schema:
            return len(path) if name is None or not _is_plain(schema) else index
        else:
            return index
    return index


def _is_plain(schema: Mapping[str, Any]) -> bool:
    """Whether a value of this schema has no members: it is text, a number or a flag."""
    kinds = schema.get("type", "any")
    return not {"any", "array", "object"}.intersection([kinds] if isinstance(kinds, str) else kinds)

"""The input document that modules see, version 1: a flat form and a nested one, both always there.

`input.schema.json` beside this file is the same as `SCHEMA`, published for editors; a test holds the two together. Fields are only added within
a version. What the catalogue declares secret is replaced by a placeholder, and `context.pre_approved` is the firewall's word, never
the agent's. Nothing is in it that nobody knows yet: a policy on such a field would silently never match.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from aaf.domain.canonical import Json
from aaf.policy.catalogue import ActionClass, Entry, Risk
from aaf.policy.decision_input import Input

VERSION = 1
HIDDEN = "[secret]"
"""Stands in place of a parameter that the catalogue declares secret."""

_NANOSECONDS = 1000
_TEXT: dict[str, Json] = {"type": "string"}
_TEXTS: dict[str, Json] = {"type": "array", "items": {"type": "string"}}


def _closed(properties: dict[str, Json], description: str) -> dict[str, Json]:
    """An object in which every field is there, and no other."""
    return {
        "type": "object",
        "description": description,
        "additionalProperties": False,
        "required": [*properties],
        "properties": properties,
    }


_TOOL: Json = {"type": "string", "description": "The action type's name without its last part."}
_OPERATION: Json = {
    "type": "string",
    "description": "The last part of the action type's name; a method in capitals where the connector http runs it.",
}
_PARAMS: Json = {"type": "object", "description": "As the action type's schema declares; secret ones are '[secret]'."}
SCHEMA: dict[str, Json] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:aaf:rego-input:1",
    "title": "Input of policy modules, version 1",
    **_closed(
        {
            "action": _closed(
                {
                    "class": {"type": "string", "enum": [klass.value for klass in ActionClass]},
                    "id": {"type": ["string", "null"]},
                    "name": {"type": "string", "description": "The action type's name, such as email.send."},
                    "operation": {
                        "type": "string",
                        "description": "The last part of the name, as the catalogue has it.",
                    },
                    "params": _PARAMS,
                    "server": {"type": ["string", "null"], "description": "The identity of the MCP server."},
                    "tool": _TOOL,
                },
                "The action that is judged.",
            ),
            "agent": _closed({"id": _TEXT, "name": _TEXT, "roles": _TEXTS}, "Who asks for it."),
            "agent_id": {"type": "string", "description": "The same as agent.id."},
            "context": {
                "type": "object",
                "description": "The caller's claim, and pre_approved, which only the firewall sets.",
                "required": ["pre_approved"],
                "properties": {"pre_approved": {"type": "boolean"}},
            },
            "counters": {
                "type": "object",
                "description": "By name, each limit that is judged and is about the action, as it stood before the action.",
                "additionalProperties": _closed(
                    {
                        "exceeded": {"type": "boolean", "description": "Whether the action is over the limit."},
                        "remaining": {
                            "type": ["integer", "string"],
                            "description": "Units of a rate; of a ceiling an amount as a decimal string.",
                        },
                    },
                    "What is left under a limit.",
                ),
            },
            "findings": {"type": "array", "items": {"type": "string"}, "description": "Codes of what analysis saw."},
            "operation": _OPERATION,
            "org": _closed({"id": _TEXT}, "The organisation."),
            "params": _PARAMS,
            "release": {"type": "integer", "description": "The number of the release that judges."},
            "risk": {"type": "string", "enum": [risk.value for risk in Risk]},
            "time": {"type": "integer", "description": "Nanoseconds since 1970 UTC, as the functions time.* take it."},
            "tool": _TOOL,
            "version": {"type": "integer", "const": VERSION},
        },
        "What a policy module sees of an action.",
    ),
}
"""JSON Schema 2020-12 of the document."""

LATER = ("action.digest", "agent.owner", "agent.risk_score", "org.region", "principal", "provenance", "session")
"""Fields that nothing sets yet: a policy on one is refused rather than silently never matching."""


COUNTERS = "counters"
COUNTED = ("exceeded", "remaining")
"""What each limit has beneath it."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_NO_CONTEXT = _encode({"pre_approved": False})


def document(asked: Input, entry: Entry | None) -> dict[str, Json]:
    """The document for one action; `entry` is the action type's, None where the catalogue has none."""
    hidden = entry.secret if entry else ()
    params = _without(asked.params, [path.removeprefix("params.").split(".") for path in hidden])
    return {
        "action": {
            "class": asked.klass,
            "id": asked.action_id,
            "name": asked.name,
            "operation": asked.operation,
            "params": params,
            "server": asked.server,
            "tool": asked.tool,
        },
        "agent": {"id": asked.agent_id, "name": asked.agent_name, "roles": [*sorted(asked.roles)]},
        "agent_id": asked.agent_id,
        "context": _claimed(asked),
        "counters": _counted(asked),
        "findings": [*sorted(asked.findings)],
        "operation": operation_of(asked.operation, entry),
        "org": {"id": asked.org},
        "params": params,
        "release": asked.release,
        "risk": asked.risk,
        "time": asked.time * _NANOSECONDS,
        "tool": asked.tool,
        "version": VERSION,
    }


def _claimed(asked: Input) -> dict[str, Json]:
    """The context, in which one word is the firewall's."""
    return {**asked.context, "pre_approved": False}


def _counted(asked: Input) -> dict[str, Json]:
    """The counters by limit; a flag is a boolean there."""
    found: dict[str, dict[str, Json]] = {}
    for key, value in asked.counters.items():
        limit, _, member = key.partition(".")
        if member == "exceeded":
            found.setdefault(limit, {})[member] = bool(value)
        elif member == "remaining":
            found.setdefault(limit, {})[member] = value
    return {**found}


def operation_of(operation: str, entry: Entry | None) -> str:
    """The operation as the flat form has it: what the connector http runs is named by its method, which is in capitals everywhere."""
    return operation.upper() if entry is not None and entry.effect == "http" else operation


def encoded(asked: Input, entry: Entry | None) -> bytes:
    """The document as the engine reads it; not canonical, for its time has more digits than canonical numbers may."""
    hidden = entry.secret if entry else ()
    params = _encode(_without(asked.params, [path.removeprefix("params.").split(".") for path in hidden]))
    action, rest = _constant(
        asked.klass,
        asked.name,
        asked.operation,
        asked.server,
        asked.tool,
        operation_of(asked.operation, entry),
        asked.agent_id,
        asked.agent_name,
        asked.roles,
        asked.org,
        asked.release,
        asked.risk,
    )
    context = _encode(_claimed(asked)) if asked.context else _NO_CONTEXT
    counters = _encode(_counted(asked)) if asked.counters else "{}"
    findings = _encode([*sorted(asked.findings)]) if asked.findings else "[]"
    # The parameters stand in it twice and are most of it, so they are encoded once.
    return (
        f'{{"action":{{"id":{_encode(asked.action_id)},"params":{params},{action},"params":{params},'
        f'"context":{context},"counters":{counters},"findings":{findings},"time":{asked.time * _NANOSECONDS},{rest}'
    ).encode()


@lru_cache(maxsize=256)
def _constant(  # noqa: PLR0917 - what most documents of one agent have in common
    klass: ActionClass,
    name: str,
    operation: str,
    server: str | None,
    tool: str,
    flat: str,
    agent: str,
    agent_name: str,
    roles: frozenset[str],
    org: str,
    release: int,
    risk: Risk,
) -> tuple[str, str]:
    """The rest of `action`, and of the document, encoded, each without its opening brace."""
    action = {"class": klass, "name": name, "operation": operation, "server": server, "tool": tool}
    rest = {
        "agent": {"id": agent, "name": agent_name, "roles": sorted(roles)},
        "agent_id": agent,
        "operation": flat,
        "org": {"id": org},
        "release": release,
        "risk": risk,
        "tool": tool,
        "version": VERSION,
    }
    return _encode(action)[1:], _encode(rest)[1:]


def _without(params: Mapping[str, Any], hidden: list[list[str]]) -> dict[str, Json]:
    """A copy in which each hidden path that is there holds the placeholder."""
    shown = dict(params)
    for name, *rest in hidden:
        inner = shown.get(name)
        if name not in shown:
            continue
        shown[name] = _without(inner, [rest]) if rest and isinstance(inner, dict) else HIDDEN
    return shown

"""JSON Schemas (2020-12) of the files that people write, for editors that complete and check while typing.

They say what has which shape, and take everything that the loader takes. What needs the other files, such as whether a parameter
exists, only the loader knows: a file that fits its schema may still be refused. Names of permissions, events, classes and operators come
from the same enums as the loader's.
"""

from enum import StrEnum, unique
from typing import Any, TypeAlias

from aaf.domain.decision import Verdict
from aaf.domain.events import EventType
from aaf.domain.principal import ADMIN_ONLY, Permission
from aaf.domain.record import ManagedBy
from aaf.policy.catalogue import ActionClass, Risk, Trust
from aaf.policy.conditions import FIELDS
from aaf.policy.document.alerts import MAX_COUNT, Per, Severity
from aaf.policy.limits import Enforce
from aaf.policy.operators import Op

_Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@unique
class Published(StrEnum):
    """The files that have a schema; each value names the file `<value>.schema.json` beside this module."""

    ACTION = "action"
    """A file of `actions/`."""
    DOCUMENT = "document"
    """`aaf.yaml`."""
    PART = "part"
    """A file that `include` names."""


def schema_of(kind: Published) -> _Schema:
    """The JSON Schema of one kind of file."""
    match kind:
        case Published.ACTION:
            return _top(kind, "An action type of the Agent Action Firewall", _action(), {"schema": _PARAMETERS})
        case Published.DOCUMENT:
            fields = {"version": _said("The version of this format.", const=1), **_document(), **_main_only()}
            return _top(
                kind, "The configuration of the Agent Action Firewall", _object("", fields, "version"), _MATCHING
            )
    fields = {
        "guard": _flag("Whether the defaults of this file are votes of their own wherever none of its rules speaks."),
        **_document(),
    }
    return _top(kind, "A part of the configuration of the Agent Action Firewall", _object("", fields), _MATCHING)


def _top(kind: Published, title: str, schema: _Schema, definitions: _Schema) -> _Schema:
    head = {"$schema": DIALECT, "$id": f"urn:aaf:schema:{kind}:1", "title": title}
    return {**head, **{key: value for key, value in schema.items() if key != "description"}, "$defs": definitions}


def _said(description: str, **schema: Any) -> _Schema:  # noqa: ANN401 - keywords of JSON Schema
    return {"description": description, **schema}


def _object(description: str, properties: _Schema, *required: str) -> _Schema:
    wanted = {"required": list(required)} if required else {}
    return _said(description, type="object", additionalProperties=False, properties=properties, **wanted)


def _text(description: str, **more: Any) -> _Schema:  # noqa: ANN401 - as above
    return _said(description, type="string", minLength=1, **more)


def _flag(description: str) -> _Schema:
    return _said(description, type="boolean")


def _choice(description: str, kind: type[StrEnum], *left_out: str) -> _Schema:
    return _said(description, enum=[member.value for member in kind if member not in left_out])


def _texts(description: str, **more: Any) -> _Schema:  # noqa: ANN401 - as above
    return _said(description, type="array", items={"type": "string", "minLength": 1, **more})


def _duration(description: str) -> _Schema:
    return _said(
        f"{description} Such as 30s, 15m, 2h or 1d, at most 30 days.", type="string", pattern="^[1-9][0-9]{0,6}[smhd]$"
    )


def _rate(description: str) -> _Schema:
    return _said(
        f"{description} Such as 60/m; units are s, m, h and d.", type="string", pattern="^[1-9][0-9]{0,6}/[smhd]$"
    )


def _days(description: str) -> _Schema:
    return _said(f"{description} Such as 90d.", type="string", pattern="^[1-9][0-9]{0,4}d$")


def _whole(description: str, least: int, most: int) -> _Schema:
    return _said(description, type="integer", minimum=least, maximum=most)


def _main_only() -> _Schema:
    return {
        "managed_by": _choice(
            "Who may change the configuration: the files of this folder, or people over the API.", ManagedBy
        )
    }


def _document() -> _Schema:
    return {
        "alerts": _said(
            "When somebody shall be told. This version reads and stores it; nothing acts on it yet.",
            type="array",
            items=_alert(),
        ),
        "approvals": _requirement("What a hold asks of people unless its rule says otherwise."),
        "connectors": _connectors(),
        "defaults": _object(
            "What holds for a class of actions where no rule and no policy module speaks; only reads may be allowed by default.",
            {klass.value: _default(klass) for klass in ActionClass},
        ),
        "egress": _egress(),
        "fallback": _object(
            "Holds action types that aren't in the catalogue, instead of denying them.",
            {
                "approval": _requirement("What that asks of people."),
                "decision": _said("Only require_approval is possible.", const="require_approval"),
            },
            "decision",
        ),
        "include": _texts(
            "More files of this document, relative to the folder; * stands in the name of a file only.",
            pattern=r"\.yaml$",
        ),
        "limits": _limits(),
        "organisation": _text("The name of the organisation."),
        "redact": _texts(
            "Names of fields whose values are kept out of logs, views and records, beside those that always are."
        ),
        "retention": _object(
            "How long records are kept. This version reads and stores it; nothing acts on it yet.",
            {
                "records": _days("How long the records of actions stay."),
                "values": _days("How long sealed values can be opened; at most as long as the records."),
            },
        ),
        "roles": _said(
            "Roles of the organisation's own: a list of permissions under each name.",
            type="object",
            propertyNames={"pattern": "^[a-z][a-z0-9_-]{0,63}$"},
            additionalProperties={
                "type": "array",
                "minItems": 1,
                "items": _choice(
                    "A permission; what could give itself more is the administrator's alone.", Permission, *ADMIN_ONLY
                ),
            },
        ),
        "rules": _said(
            "The rules; every one that matches speaks, and their order never matters.", type="array", items=_rule()
        ),
        "run_timeout": _duration("How long a connector may run, at most 1h."),
        "use_within": _duration("How long an approved or allowed action may wait until it is run."),
    }


def _default(klass: ActionClass) -> _Schema:
    left_out = () if klass is ActionClass.READ else (Verdict.ALLOW,)
    said = "denied" if klass in (ActionClass.OTHER, ActionClass.READ) else "held for approval"
    return _choice(f"The default of the class {klass}; without it, such actions are {said}.", Verdict, *left_out)


def _requirement(description: str) -> _Schema:
    return _object(
        description,
        {
            "approvers": _texts("Who may approve: role:<name> or user:<id>, any of them.", pattern="^(role|user):"),
            "on_timeout": _said("What happens when nobody answers in time.", const="deny"),
            "quorum": _whole("How many different people have to approve.", 1, 20),
            "reason_required": _flag("Whether each of them has to give a reason."),
            "timeout": _duration("How long the action waits for them."),
        },
    )


def _rule() -> _Schema:
    return _object(
        "One rule.",
        {
            "approval": _requirement("What a hold of this rule asks of people; goes with require_approval only."),
            "decision": _choice("What the rule says of the actions that it matches.", Verdict),
            "match": {
                "$ref": "#/$defs/match",
                "description": "Which actions the rule is about: every condition must hold.",
            },
            "name": _text(
                "The rule's name: lower case letters, digits and hyphens.", pattern="^[a-z0-9][a-z0-9-]{0,63}$"
            ),
            "reason": _text("A sentence for people, shown wherever the rule decides."),
        },
        "decision",
        "match",
        "name",
    )


_FIELD = {
    "agent": "The name of the agent that acts.",
    "class": "The class of the action, as declared or as analysis raised it.",
    "findings": "What connectors found in the parameters.",
    "labels": "What the session has collected.",
    "operation": "What stands after the last dot of the action type's name.",
    "risk": "The risk: low, medium, high or critical.",
    "role": "The roles of whoever acts.",
    "server": "The server that the caller names.",
    "tool": "What stands before the last dot of the action type's name.",
}
_OPERATOR = {
    Op.CONTAINS: "Has this text, or this item.",
    Op.ENDS_WITH: "Ends with this text.",
    Op.EQ: "Equals this value.",
    Op.EXISTS: "Whether there is a value at all.",
    Op.GLOB: "Fits this pattern, in which * stands for any characters.",
    Op.GT: "Is greater than this number, or decimal number in quotes.",
    Op.GTE: "Is at least this number, or decimal number in quotes.",
    Op.IN: "Is one of these values.",
    Op.LT: "Is less than this number, or decimal number in quotes.",
    Op.LTE: "Is at most this number, or decimal number in quotes.",
    Op.NE: "Isn't this value.",
    Op.NOT_IN: "Is none of these values.",
    Op.STARTS_WITH: "Begins with this text.",
}
_TEST: _Schema = {"$ref": "#/$defs/test"}
_NON_EMPTY: _Schema = {"allOf": [{"$ref": "#/$defs/match"}, {"minProperties": 1}]}
_MATCHING: _Schema = {
    "match": {
        "type": "object",
        "properties": {
            "all": _said("Each of these must hold.", type="array", minItems=1, items=_NON_EMPTY),
            "any": _said("One of these must hold.", type="array", minItems=1, items=_NON_EMPTY),
            "not": {**_NON_EMPTY, "description": "This must not hold."},
            **{name: {**_TEST, "description": _FIELD.get(name, f"The field {name}.")} for name in FIELDS},
        },
        "patternProperties": {
            r"^params\..": {**_TEST, "description": "A parameter, by its path."},
            r"^context\..": {**_TEST, "description": "What the caller claims, by its path."},
        },
        "additionalProperties": False,
    },
    "test": {
        "description": "A value, a list of values of which one must fit, or operators that must all fit.",
        "type": ["array", "boolean", "null", "number", "object", "string"],
        "minProperties": 1,
        "properties": {op.value: _said(_OPERATOR.get(op, f"The operator {op}.")) for op in Op},
        "additionalProperties": False,
    },
}


def _alert() -> _Schema:
    return _object(
        "One alert.",
        {
            "cooldown": _duration("How long the same alert is not given again; as `within` unless it is said."),
            "event": _choice("Which event is counted.", EventType),
            "more_than": _whole("How many of them are still no alert.", 0, MAX_COUNT),
            "name": _text(
                "The alert's name: lower case letters, digits and hyphens.", pattern="^[a-z0-9][a-z0-9-]{0,63}$"
            ),
            "per": _choice("What they are counted for.", Per),
            "severity": _choice("How urgent it is.", Severity),
            "within": _duration("Within which time they are counted; 5m unless it is said."),
        },
        "event",
        "name",
    )


def _limits() -> _Schema:
    return _object(
        "How much may be done.",
        {
            "agent": _object(
                "How often each agent may act.",
                {
                    "burst": _whole("How many at once.", 1, 100_000),
                    "enforce": _choice(
                        "Whether the door refuses what is beyond the limit, or policy modules decide.", Enforce
                    ),
                    "rate": _rate("How often."),
                },
                "rate",
            )
        },
    )


def _connectors() -> _Schema:
    return _object(
        "What runs actions here, and its settings.",
        {
            "files": _object(
                "Files beneath one folder.",
                {
                    "max_bytes": _whole("The largest file that is read or written.", 1, 64 << 20),
                    "protect": _texts("Patterns of files that are never touched."),
                    "root": _text("The folder."),
                },
                "root",
            ),
            "http": _object(
                "Requests to listed destinations.",
                {
                    "allow": _said(
                        "The destinations; or write only their hosts under `egress.allow`.",
                        type="array",
                        items=_destination(),
                    ),
                    "max_bytes": _whole("The largest answer.", 1, 16 << 20),
                    "redact": _texts("More names of fields that are kept out of what is recorded of answers."),
                    "redirects": _whole("How many redirects are followed, each of them checked anew.", 0, 5),
                    "timeout": _duration("How long a request may take."),
                },
            ),
        },
    )


def _destination() -> _Schema:
    return _object(
        "One destination.",
        {
            "burst": _whole("How many requests at once; goes with `rate`.", 1, 100_000),
            "credential": _object(
                "The secret that is put into requests to this destination.",
                {
                    "as": _text("How: bearer, basic or header:NAME.", pattern="^(bearer|basic|header:.+)$"),
                    "secret": _text("Its handle.", pattern="^[a-z][a-z0-9_]{0,63}$"),
                },
                "as",
                "secret",
            ),
            "host": _text("A host, or *.example.com for those beneath one."),
            "methods": _texts("GET and HEAD unless it is said."),
            "paths": _texts("Only what lies beneath one of these.", pattern="^/"),
            "ports": _said("443 unless it is said.", type="array", items=_whole("A port.", 1, 65_535)),
            "rate": _rate("How often."),
            "schemes": _texts("https unless it is said.", enum=["http", "https"]),
        },
        "host",
    )


def _egress() -> _Schema:
    return _object(
        "Where requests of this firewall may go.",
        {
            "allow": _texts(
                "Hosts to which GET and HEAD over https are allowed: the short form of connectors.http.allow, never beside it."
            ),
            "unsafe_allow": _said(
                "Exact origins whose address isn't checked. Leave it out unless an upstream of your own needs it.",
                type="array",
                items=_object(
                    "One origin.",
                    {
                        "address": _text("The one IP address that it may have."),
                        "host": _text("The host."),
                        "port": _whole("The port.", 1, 65_535),
                        "scheme": _said("The scheme.", enum=["http", "https"]),
                    },
                    "address",
                    "host",
                    "port",
                    "scheme",
                ),
            ),
        },
    )


_INNER: _Schema = {"$ref": "#/$defs/schema"}
_TYPE = {"enum": ["array", "boolean", "integer", "null", "number", "object", "string"]}
_NUMBER = {"type": "number"}
_COUNT = {"type": "integer", "minimum": 0}
_SOME: _Schema = {"type": "array", "minItems": 1}
_PARAMETERS: _Schema = {
    "description": "A JSON Schema 2020-12 of a strict kind: unknown keywords are refused, and an object is closed or says `open: true`.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "$defs": _said("Schemas by name, at the top only.", type="object", additionalProperties=_INNER),
        "$ref": _said("A schema of $defs.", type="string", pattern="^#/\\$defs/"),
        "additionalProperties": _said("False: other fields are refused.", type="boolean"),
        "anyOf": _said("One of these at least.", **_SOME, items=_INNER),
        "const": _said("Exactly this value."),
        "default": _said("What is filled in where nothing was sent."),
        "description": _said("A sentence for people.", type="string"),
        "enum": _said("One of these values.", **_SOME),
        "examples": _said("Examples.", **_SOME),
        "exclusiveMaximum": _said("Less than this.", **_NUMBER),
        "exclusiveMinimum": _said("More than this.", **_NUMBER),
        "format": _said("A format, which is checked.", type="string"),
        "items": {**_INNER, "description": "What every item is."},
        "maxItems": _said("How many items at most.", **_COUNT),
        "maxLength": _said("How many characters at most.", **_COUNT),
        "maxProperties": _said("How many fields at most.", **_COUNT),
        "maximum": _said("At most this.", **_NUMBER),
        "minItems": _said("How many items at least.", **_COUNT),
        "minLength": _said("How many characters at least.", **_COUNT),
        "minProperties": _said("How many fields at least.", **_COUNT),
        "minimum": _said("At least this.", **_NUMBER),
        "multipleOf": _said("A multiple of this.", **_NUMBER),
        "oneOf": _said("Exactly one of these.", **_SOME, items=_INNER),
        "open": _said("True: any other field may come.", type="boolean"),
        "pattern": _said("A regular expression of linear time.", type="string"),
        "prefixItems": _said("What the first items are.", **_SOME, items=_INNER),
        "properties": _said("The fields.", type="object", additionalProperties=_INNER),
        "required": _said("The fields that must be there.", **_SOME, items={"type": "string"}),
        "title": _said("A title for people.", type="string"),
        "type": _said("The JSON type, or a list of them.", anyOf=[_TYPE, {**_SOME, "items": _TYPE}]),
        "uniqueItems": _said("Whether no item may come twice.", type="boolean"),
        "x-allow-control": _said("Whether control characters may come in this text.", type="boolean"),
    },
}


def _action() -> _Schema:
    path = r"^params\..+$"
    schema = {"$ref": "#/$defs/schema"}
    return _object(
        "",
        {
            "amount": _object(
                "Where the amount of a payment stands.",
                {
                    "currency": _text("The path of its ISO 4217 currency.", pattern=path),
                    "value": _text("The path of its value, a decimal number as a string.", pattern=path),
                },
                "currency",
                "value",
            ),
            "class": _choice("What kind of effect it has.", ActionClass),
            "description": _text("A sentence for people."),
            "effect": _said(
                "Who runs it: the caller, or a connector.",
                anyOf=[
                    {"const": "caller"},
                    _object("A connector.", {"connector": _text("Its name, such as files or http.")}, "connector"),
                ],
            ),
            "idempotent": _flag("Whether running it twice does no more than running it once."),
            "input": {**schema, "description": "What it takes."},
            "name": _text(
                "Lower case words with dots between, such as email.send.",
                pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$",
            ),
            "output": {**schema, "description": "What it gives; a result that doesn't fit is withheld."},
            "reversible": _flag("Whether what it does can be undone."),
            "risk": _choice("How bad it could be; analysis only raises it.", Risk),
            "run_when_approved": _flag("Whether the approval itself may start it, where the caller asks for that."),
            "secret": _texts("Paths of parameters that only the run sees.", pattern=path),
            "secrets": _texts("Handles of the secrets that it may use.", pattern="^[a-z][a-z0-9_]{0,63}$"),
            "targets": _texts("Paths of what it acts on, which every approver is shown.", pattern=path),
            "trust": _choice("What its results bring into a session.", Trust),
        },
        "class",
        "effect",
        "input",
        "name",
        "risk",
    )

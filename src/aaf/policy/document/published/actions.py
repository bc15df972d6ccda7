"""A file of `actions/`, and the strict kind of JSON Schema that it holds."""

from aaf.policy.catalogue import ActionClass, Risk, Trust
from aaf.policy.document.published.shapes import Schema, choice, closed, flag, said, text, texts
from aaf.policy.schema_reading import FORMATS

_INNER: Schema = {"$ref": "#/$defs/schema"}
_TYPE = {"enum": ["array", "boolean", "integer", "null", "number", "object", "string"]}
_NUMBER = {"type": "number"}
_COUNT = {"type": "integer", "minimum": 0}
_SOME: Schema = {"type": "array", "minItems": 1}
PARAMETERS: Schema = {
    "description": "A JSON Schema 2020-12 of a strict kind: unknown keywords are refused, and an object is closed or says `open: true`.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "$defs": said("Schemas by name, at the top only.", type="object", additionalProperties=_INNER),
        "$ref": said("A schema of $defs.", type="string", pattern="^#/\\$defs/"),
        "additionalProperties": said("False: other fields are refused.", type="boolean"),
        "anyOf": said("One of these at least.", **_SOME, items=_INNER),
        "const": said("Exactly this value."),
        "default": said("What is filled in where nothing was sent."),
        "description": said("A sentence for people.", type="string"),
        "enum": said("One of these values.", **_SOME),
        "examples": said("Examples.", **_SOME),
        "exclusiveMaximum": said("Less than this.", **_NUMBER),
        "exclusiveMinimum": said("More than this.", **_NUMBER),
        "format": said("A format, which is checked.", enum=sorted(FORMATS)),
        "items": {**_INNER, "description": "What every item is."},
        "maxItems": said("How many items at most.", **_COUNT),
        "maxLength": said("How many characters at most.", **_COUNT),
        "maxProperties": said("How many fields at most.", **_COUNT),
        "maximum": said("At most this.", **_NUMBER),
        "minItems": said("How many items at least.", **_COUNT),
        "minLength": said("How many characters at least.", **_COUNT),
        "minProperties": said("How many fields at least.", **_COUNT),
        "minimum": said("At least this.", **_NUMBER),
        "multipleOf": said("A multiple of this.", **_NUMBER),
        "oneOf": said("Exactly one of these.", **_SOME, items=_INNER),
        "open": said("True: any other field may come.", type="boolean"),
        "pattern": said("A regular expression of linear time.", type="string"),
        "prefixItems": said("What the first items are.", **_SOME, items=_INNER),
        "properties": said("The fields.", type="object", additionalProperties=_INNER),
        "required": said("The fields that must be there.", **_SOME, items={"type": "string"}),
        "title": said("A title for people.", type="string"),
        "type": said("The JSON type, or a list of them.", anyOf=[_TYPE, {**_SOME, "items": _TYPE}]),
        "uniqueItems": said("Whether no item may come twice.", type="boolean"),
        "x-allow-control": said("Whether control characters may come in this text.", type="boolean"),
    },
}


def action() -> Schema:
    """The whole file."""
    path = r"^params\..+$"
    schema = {"$ref": "#/$defs/schema"}
    return closed(
        "",
        {
            "amount": closed(
                "Where the amount of a payment stands.",
                {
                    "currency": text("The path of its ISO 4217 currency.", pattern=path),
                    "value": text("The path of its value, a decimal number as a string.", pattern=path),
                },
                "currency",
                "value",
            ),
            "class": choice("What kind of effect it has.", ActionClass),
            "description": text("A sentence for people."),
            "effect": said(
                "Who runs it: the caller, or a connector.",
                anyOf=[
                    {"const": "caller"},
                    closed("A connector.", {"connector": text("Its name, such as files or http.")}, "connector"),
                ],
            ),
            "idempotent": flag("Whether running it twice does no more than running it once."),
            "input": {**schema, "description": "What it takes."},
            "name": text(
                "Lower case words with dots between, such as email.send.",
                pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$",
            ),
            "output": {**schema, "description": "What it gives; a result that doesn't fit is withheld."},
            "reversible": flag("Whether what it does can be undone."),
            "risk": choice("How bad it could be; analysis only raises it.", Risk),
            "run_when_approved": flag("Whether the approval itself may start it, where the caller asks for that."),
            "secret": texts("Paths of parameters that only the run sees.", pattern=path),
            "secrets": texts("Handles of the secrets that it may use.", pattern="^[a-z][a-z0-9_]{0,63}$"),
            "targets": texts("Paths of what it acts on, which every approver is shown.", pattern=path),
            "trust": choice("What its results bring into a session.", Trust),
        },
        "class",
        "effect",
        "input",
        "name",
        "risk",
    )

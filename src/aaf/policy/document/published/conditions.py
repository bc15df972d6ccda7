"""`match` of a rule: its fields, and what each operator takes.

Every field and operator of the language has to have a sentence here: one that is missing is a KeyError, and no schema at all.
"""

from aaf.policy.conditions import FIELDS
from aaf.policy.document.published.shapes import Schema, said
from aaf.policy.limit_reading import MEMBERS
from aaf.policy.operands.patterns import MAX_PATTERN
from aaf.policy.operands.windows import DAYS
from aaf.policy.operators import Op

_FIELD = {
    "agent": "The name of the agent that acts.",
    "amount": 'The amount that the action type declares, in one currency: {gt: "100.00", currency: EUR}.',
    "class": "The class of the action, as declared or as analysis raised it.",
    "findings": "What connectors found in the parameters.",
    "labels": "What the session has collected.",
    "operation": "What stands after the last dot of the action type's name.",
    "risk": "The risk: low, medium, high or critical.",
    "role": "The roles of whoever acts.",
    "server": "The server that the caller names.",
    "time": "When it is judged: an instant, or within days and hours of a zone.",
    "tool": "What stands before the last dot of the action type's name.",
}
_OPERATOR = {
    Op.CIDR: "The address is in this network, or in one of these.",
    Op.CONTAINS: "Has this text, or this item.",
    Op.ENDS_WITH: "Ends with this text.",
    Op.EQ: "Equals this value.",
    Op.EVERY: "Every item is so; those of an empty list are.",
    Op.EXISTS: "Whether there is a value at all.",
    Op.GLOB: "Fits this pattern, in which * stands for any characters.",
    Op.GT: "Is greater than this number, or decimal number in quotes.",
    Op.GTE: "Is at least this number, or decimal number in quotes.",
    Op.HOST: "The host, or the host of the URL, is this one or one of these; *.example.com is everything beneath it.",
    Op.IN: "Is one of these values.",
    Op.LT: "Is less than this number, or decimal number in quotes.",
    Op.LTE: "Is at most this number, or decimal number in quotes.",
    Op.MATCHES: "As a whole is described by this RE2 expression.",
    Op.NE: "Isn't this value.",
    Op.NOT_IN: "Is none of these values.",
    Op.SIZE: "So many items are in the list.",
    Op.SOME: "At least one item is so.",
    Op.STARTS_WITH: "Begins with this text.",
    Op.UNDER: "The path is this folder or beneath it, or one of these.",
    Op.WITHIN: "In these days and hours of a zone.",
}
_ORDER = (Op.GT, Op.GTE, Op.LT, Op.LTE)
_SCALAR: Schema = {"type": ["boolean", "null", "number", "string"]}
_SCALARS: Schema = {"type": "array", "minItems": 1, "items": _SCALAR}
_TEXT: Schema = {"type": "string", "minLength": 1}
_TEXTS: Schema = {"type": ["array", "string"], "minItems": 1, "minLength": 1, "items": _TEXT}
_ORDERED: Schema = {"type": ["number", "string"]}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_COUNTS: Schema = {"type": "array", "minItems": 1, "items": _COUNT}
_DECIMAL: Schema = {"type": "string", "pattern": r"^-?[0-9]{1,64}(\.[0-9]{1,64})?$"}
_INSTANT: Schema = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$",
}
_ITEM: Schema = {"$ref": "#/$defs/item"}


def matching() -> Schema:
    """What `$defs` of a schema with rules holds."""
    operators = {op.value: said(_OPERATOR[op], **_operand(op)) for op in Op if op is not Op.WITHIN}
    of_items = {op: schema for op, schema in operators.items() if op != Op.EXISTS}
    return {
        "match": _match(),
        "test": _asked("A value, a list of values of which one must fit, or operators that must all fit.", operators),
        "item": _asked("A value, a list of values of which one must fit, or operators that each item is held to.", of_items),
        "size": {
            **_asked("A number, a list of numbers, or operators.", _sizes()),
            "type": ["array", "integer", "object"],
            "items": _COUNT,
            "minimum": 0,
        },
        "amount": _mapping(
            _FIELD["amount"],
            {
                "currency": said("An ISO 4217 currency; of another one nothing is known.", type="string", pattern="^[A-Z]{3}$"),
                **{op.value: said(_OPERATOR[op], **_DECIMAL) for op in (Op.EQ, Op.NE, *_ORDER)},
            },
            minProperties=2,
            required=["currency"],
        ),
        "time": _mapping(
            _FIELD["time"],
            {
                **{op.value: said(f"The instant to compare with: {_OF_TIME[op]}.", **_INSTANT) for op in _ORDER},
                Op.WITHIN.value: {**_window(), "description": _OPERATOR[Op.WITHIN]},
            },
            minProperties=1,
        ),
    }  # fmt: skip


_OF_TIME = {Op.GT: "after it", Op.GTE: "at it or after", Op.LT: "before it", Op.LTE: "at it or before"}


def _match() -> Schema:
    some: Schema = {"allOf": [{"$ref": "#/$defs/match"}, {"minProperties": 1}]}
    test: Schema = {"$ref": "#/$defs/test"}
    own = {name: {"$ref": f"#/$defs/{name}"} for name in ("amount", "time")}
    return {
        "type": "object",
        "properties": {
            "all": said("Each of these must hold.", type="array", minItems=1, items=some),
            "any": said("One of these must hold.", type="array", minItems=1, items=some),
            "not": {**some, "description": "This must not hold."},
            **{name: {**own.get(name, test), "description": _FIELD[name]} for name in FIELDS},
        },
        "patternProperties": {
            r"^params\..": {**test, "description": "A parameter, by its path."},
            r"^context\..": {**test, "description": "What the caller claims, by its path."},
            rf"^counters\.[a-z][a-z0-9-]{{0,63}}\.({'|'.join(MEMBERS)})$": {
                **test,
                "description": "What is left of a limit that is judged, or whether it is used up.",
            },
        },
        "additionalProperties": False,
    }


def _operand(op: Op) -> Schema:  # noqa: PLR0911 - one for each shape
    """What an operator takes on a field that is no amount and no time."""
    match op:
        case Op.EXISTS:
            return {"type": "boolean"}
        case Op.IN | Op.NOT_IN:
            return _SCALARS
        case Op.CIDR | Op.HOST | Op.UNDER:
            return _TEXTS
        case Op.GT | Op.GTE | Op.LT | Op.LTE:
            return _ORDERED
        case Op.CONTAINS:
            return {**_ORDERED, "minLength": 1}
        case Op.ENDS_WITH | Op.STARTS_WITH:
            return _TEXT
        case Op.GLOB:
            return {**_TEXT, "pattern": r"^[^?\[{]*$"}
        case Op.MATCHES:
            return {**_TEXT, "maxLength": MAX_PATTERN}
        case Op.EVERY | Op.SOME:
            return _ITEM
        case Op.SIZE:
            return {"$ref": "#/$defs/size"}
        case _:
            return _SCALAR


def _asked(description: str, operators: Schema) -> Schema:
    kinds = ["array", "boolean", "null", "number", "object", "string"]
    return _mapping(description, operators, minProperties=1) | {"type": kinds, "minItems": 1, "items": _SCALAR}


def _sizes() -> Schema:
    one = {op.value: said(_OPERATOR[op], **_COUNT) for op in (Op.EQ, Op.NE, *_ORDER)}
    return one | {op.value: said(_OPERATOR[op], **_COUNTS) for op in (Op.IN, Op.NOT_IN)}


def _window() -> Schema:
    day = f"({'|'.join(DAYS)})"
    one_day = {"type": "string", "pattern": f"^{day}(-{day})?$"}
    hour = "([01][0-9]|2[0-4]):([0-5][0-9])"
    hours = {"type": "string", "pattern": f"^{hour}-{hour}$"}
    keys = {
        "days": said("Days or ranges of them: mon-fri, or [mon, wed].", **_one_or_more(one_day)),
        "hours": said('Times of day: "09:00-17:00"; "22:00-06:00" goes over midnight.', **_one_or_more(hours)),
        "zone": said("UTC, or a name of the IANA database such as Europe/Zurich.", **_TEXT),
    }
    return _mapping("", keys, required=["zone"], anyOf=[{"required": ["days"]}, {"required": ["hours"]}])


def _one_or_more(one: Schema) -> Schema:
    return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}


def _mapping(description: str, properties: Schema, **more: object) -> Schema:
    return said(description, type="object", additionalProperties=False, properties=properties, **more)

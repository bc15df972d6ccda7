"""`limits`: how often somebody may act, and how much may be spent."""

from aaf.policy.catalogue import ActionClass
from aaf.policy.document.published.shapes import Schema, approval, choice, closed, duration, rate, said, text, whole
from aaf.policy.limit_reading import MAX_LIMITS
from aaf.policy.limits import AGENT, Enforce, Over, Per

_MAX_BURST = 100_000
_AMOUNT = {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$"}


def limits() -> Schema:
    """The whole key."""
    return closed(
        "How often somebody may act, and how much may be spent.",
        {
            "agent": closed("How often each agent may act: the short form of one rate.", _speed(), "rate"),
            "rates": said("How often somebody may act.", type="array", maxItems=MAX_LIMITS, items=_rate()),
            "spend": said("How much may be spent.", type="array", maxItems=MAX_LIMITS, items=_ceiling()),
        },
    )


def _speed() -> Schema:
    return {
        "burst": whole("How many at once; 1 unless it is said.", 1, _MAX_BURST),
        "enforce": choice("Whether the door refuses what is over it, or it is judged and recorded.", Enforce),
        "rate": rate("How often."),
    }


def _rate() -> Schema:
    over = choice("With enforce: policy, what is said of an action over it; deny unless it is said.", Over)
    return closed("One rate.", {**_common(), **_speed(), "over": over}, "name", "per", "rate")


def _ceiling() -> Schema:
    keys = {
        **_common(),
        "ceiling": said('The most that may be spent: a decimal number in quotes, such as "500.00".', **_AMOUNT),
        "ceilings": said(
            "The most that may be spent, by currency.",
            type="object",
            minProperties=1,
            propertyNames={"pattern": "^[A-Z]{3}$"},
            additionalProperties=_AMOUNT,
        ),
        "currency": said("The ISO 4217 currency of `ceiling`.", type="string", pattern="^[A-Z]{3}$"),
        "over": choice("What is said of an action over it; deny unless it is said.", Over, Over.INFORM),
        "window": duration("Of how long a time; it rolls."),
    }
    either = [{"required": ["ceiling", "currency"]}, {"required": ["ceilings"]}]
    return {**closed("One ceiling.", keys, "match", "name", "per", "window"), "oneOf": either}


def _common() -> Schema:
    return {
        "approval": approval("With over: require_approval, what is asked of people."),
        "match": closed(
            "The action types that it is about.",
            {
                "class": _words("A class of actions, or some.", choice("", ActionClass)),
                "operation": _words("What stands after the last dot of the type's name; one word or some.", text("")),
                "tool": _words("What stands before the last dot of the type's name; one word or some.", text("")),
            },
        )
        | {"minProperties": 1},
        "name": text(
            "The limit's name: lower case letters, digits and hyphens, a letter first.",
            pattern="^[a-z][a-z0-9-]{0,63}$",
            **{"not": {"const": AGENT}},
        ),
        "per": _words("What is counted apart; organisation is all together, and stands alone.", choice("", Per)),
    }


def _words(description: str, one: Schema) -> Schema:
    word = {key: value for key, value in one.items() if key != "description"}
    return said(description, anyOf=[word, {"type": "array", "minItems": 1, "items": word}])

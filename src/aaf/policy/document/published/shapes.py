"""The shapes that return in every schema, each with a sentence that an editor shows."""

from enum import StrEnum
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]


def said(description: str, **schema: Any) -> Schema:  # noqa: ANN401 - keywords of JSON Schema
    """A schema with its sentence."""
    return {"description": description, **schema}


def closed(description: str, properties: Schema, *required: str) -> Schema:
    """A mapping without other keys."""
    wanted = {"required": list(required)} if required else {}
    return said(description, type="object", additionalProperties=False, properties=properties, **wanted)


def text(description: str, **more: Any) -> Schema:  # noqa: ANN401 - as above
    """A text that isn't empty."""
    return said(description, type="string", minLength=1, **more)


def flag(description: str) -> Schema:
    """True or false."""
    return said(description, type="boolean")


def choice(description: str, kind: type[StrEnum], *left_out: str) -> Schema:
    """A word of a closed set, but for those that are left out."""
    return said(description, enum=[member.value for member in kind if member not in left_out])


def texts(description: str, **more: Any) -> Schema:  # noqa: ANN401 - as above
    """A list of texts."""
    return said(description, type="array", items={"type": "string", "minLength": 1, **more})


def duration(description: str) -> Schema:
    """A time such as 15m."""
    return said(
        f"{description} Such as 30s, 15m, 2h or 1d, at most 30 days.", type="string", pattern="^[1-9][0-9]{0,6}[smhd]$"
    )


def rate(description: str) -> Schema:
    """A rate such as 60/m."""
    return said(
        f"{description} Such as 60/m; units are s, m, h and d.", type="string", pattern="^[1-9][0-9]{0,6}/[smhd]$"
    )


def days(description: str) -> Schema:
    """A number of days such as 90d."""
    return said(f"{description} Such as 90d.", type="string", pattern="^[1-9][0-9]{0,4}d$")


def whole(description: str, least: int, most: int) -> Schema:
    """A whole number within bounds."""
    return said(description, type="integer", minimum=least, maximum=most)


def approval(description: str) -> Schema:
    """What is asked of people; `$defs` holds what that says."""
    return said(description, **{"$ref": "#/$defs/approval"})


def requirement() -> Schema:
    """The definition of `approval`."""
    return closed(
        "What is asked of people.",
        {
            "approvers": texts("Who may approve: role:<name> or user:<id>, any of them.", pattern="^(role|user):"),
            "on_timeout": said("What happens when nobody answers in time.", const="deny"),
            "quorum": whole("How many different people have to approve.", 1, 20),
            "reason_required": flag("Whether each of them has to give a reason."),
            "timeout": duration("How long the action waits for them."),
        },
    )

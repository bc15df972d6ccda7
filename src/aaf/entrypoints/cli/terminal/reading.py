"""Read members of an answer: what isn't there or has another type ends the command, with a code, not with a traceback."""

from collections.abc import Mapping

from aaf.domain.canonical import Json
from aaf.entrypoints.cli.terminal.stopping import Stopped


def unexpected(what: str) -> Stopped:
    """The answer is not what this version of the command understands."""
    return Stopped(
        "unexpected_answer",
        f"The server's answer has no {what}.",
        hint="Use the `aaf` command of the same version as the server.",
    )


def text(value: Mapping[str, Json], name: str) -> str:
    """A member that is text."""
    found = value.get(name)
    if not isinstance(found, str):
        raise unexpected(f"text `{name}`")
    return found


def optional_text(value: Mapping[str, Json], name: str) -> str | None:
    """A member that is text, or None where it is null or missing."""
    return None if value.get(name) is None else text(value, name)


def number(value: Mapping[str, Json], name: str) -> int:
    """A member that is a whole number."""
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, int):
        raise unexpected(f"number `{name}`")
    return found


def optional_number(value: Mapping[str, Json], name: str) -> int | None:
    """A member that is a whole number, or None where it is null or missing."""
    return None if value.get(name) is None else number(value, name)


def member(value: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """A member that is an object."""
    found = value.get(name)
    if not isinstance(found, dict):
        raise unexpected(f"object `{name}`")
    return found


def optional_member(value: Mapping[str, Json], name: str) -> Mapping[str, Json] | None:
    """A member that is an object, or None where it is null or missing."""
    return None if value.get(name) is None else member(value, name)


def flag(value: Mapping[str, Json], name: str) -> bool:
    """A member that is true or false."""
    found = value.get(name)
    if not isinstance(found, bool):
        raise unexpected(f"flag `{name}`")
    return found


def members(value: Mapping[str, Json], name: str) -> list[Mapping[str, Json]]:
    """A member that is a list of objects."""
    return [one for one in elements(value, name) if isinstance(one, dict)]


def elements(value: Mapping[str, Json], name: str) -> list[Json]:
    """A member that is a list."""
    found = value.get(name)
    if not isinstance(found, list):
        raise unexpected(f"list `{name}`")
    return found


def texts(value: Mapping[str, Json], name: str) -> list[str]:
    """A member that is a list of texts."""
    return [one for one in elements(value, name) if isinstance(one, str)]

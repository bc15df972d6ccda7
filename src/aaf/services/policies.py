"""What judges in a release: its rules with where they stand in its files, and its policy modules. Everything is read from the release."""

import json
import re
from collections.abc import Mapping

from aaf.domain.canonical import Json
from aaf.domain.errors import Code, NotFound
from aaf.domain.record import Release
from aaf.policy.configuration import MAIN
from aaf.services.releases import files_of

_NAMED = re.compile(
    rb"^[ \t]*(?:-[ \t]+)?(?:\{[ \t]*)?name:[ \t]*[\"']?([a-z0-9][a-z0-9-]{0,63})[\"']?[ \t]*(?:$|[,}#\r])",
    re.MULTILINE,
)


def file_of(name: str) -> str:
    """The file of a policy module."""
    return f"policies/{name}.rego"


def rules(release: Release) -> list[dict[str, Json]]:
    """Each rule with its decision, reason and place, in the order of the release."""
    places = _places(files_of(release))
    return [
        {
            "name": rule["name"],
            "decision": rule["decision"],
            "reason": rule["reason"],
            "file": places.get(rule["name"], (MAIN, 0))[0],
            "line": places.get(rule["name"], (MAIN, 0))[1],
        }
        for rule in json.loads(release.document)["rules"]
    ]


def _places(files: Mapping[str, bytes]) -> dict[str, tuple[str, int]]:
    """Where each name of a rule is written first; a file is looked at line by line, because it compiled once and is no riddle."""
    found: dict[str, tuple[str, int]] = {}
    for file, data in files.items():
        if file.endswith(".yaml") and not file.startswith("actions/"):
            line, counted = 1, 0
            for match in _NAMED.finditer(data):
                line += data.count(b"\n", counted, match.start(1))
                counted = match.start(1)
                found.setdefault(match[1].decode(), (file, line))
    return found


def modules(release: Release) -> list[dict[str, Json]]:
    """Each policy module, without its text."""
    return [
        {
            "name": _stem(one["name"]),
            "file": file_of(_stem(one["name"])),
            "package": one["package"],
            "dialect": one["dialect"],
            "tools": one["tools"],
            "guard": one["guard"],
            "library": one["library"],
            "warnings": one["warnings"],
        }
        for one in json.loads(release.document).get("modules", ())
    ]


def module(release: Release, name: str) -> dict[str, Json]:
    """One policy module with its text as it was written.

    Raises:
        NotFound: the release has none of this name, or its files were not kept.
    """
    text = files_of(release).get(file_of(name))
    found = next((one for one in modules(release) if one["name"] == name), None)
    if text is None or found is None:
        raise NotFound(Code.NOT_FOUND, "There is no such policy module.", hint="`GET /v1/policies` lists them.")
    return {**found, "text": text.decode()}


def _stem(name: str) -> str:
    """A module's name, whether or not it is given as its file."""
    return name.removeprefix("policies/").removesuffix(".rego")

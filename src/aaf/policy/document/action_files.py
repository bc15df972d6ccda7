"""The files of a folder by what they are, and the action types among them: one file each, none of them twice."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from aaf.domain.redaction import Fields, plain_field
from aaf.policy.catalogue import Entry, hide_named, read_entry
from aaf.policy.document.environment import refuse_templates
from aaf.policy.document.including import MAIN, could_be_part
from aaf.policy.positioned import Faults, Node, parse
from aaf.policy.reading import Section, did_you_mean

Declared: TypeAlias = tuple[Entry, Node, Faults]
"""An action type, its file, and where to note what is wrong with it."""

_ACTION = re.compile(r"actions/[^/]+\.yaml")
_MODULE = re.compile(r"policies/[^/]+\.rego")


def modules_among(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The policy modules, in order of their names."""
    return {name: data for name, data in sorted(files.items()) if _MODULE.fullmatch(name)}


def read_actions(files: Mapping[str, bytes], faults: Faults) -> dict[str, Declared]:
    """The action types by their names; a file that has no place in a folder is a problem too."""
    for name in files:
        if not (_ACTION.fullmatch(name) or _MODULE.fullmatch(name) or could_be_part(name)):
            _stranger(name, faults.of(name))
    if MAIN not in files:
        faults.add((0, 0), "the file is missing", "write at least `version: 1` into it")
    entries: dict[str, Declared] = {}
    for name in sorted(name for name in files if _ACTION.fullmatch(name)):
        _read(files[name], faults.of(name), entries)
    return entries


def _stranger(name: str, faults: Faults) -> None:
    if name.endswith(".rego"):
        faults.add(
            (0, 0), "a policy module lies in the folder `policies`", f"move it to policies/{name.rpartition('/')[2]}"
        )
        return
    faults.add(
        (0, 0),
        "this file has no place in a configuration",
        did_you_mean(name, [MAIN, "actions/<name>.yaml", "policies/<name>.rego"]),
    )


def _read(data: bytes, faults: Faults, entries: dict[str, Declared]) -> None:
    node = parse(data, faults)
    if node is None:
        return
    refuse_templates(node, faults)
    entry = read_entry(node, faults)
    if entry is None:
        return
    if entry.name in entries:
        _, first, where = entries[entry.name]
        hint = f"the first is in {where.file}:{first.line}"
        faults.at(node, f"the action type `{entry.name}` is declared a second time", hint)
        return
    entries[entry.name] = (entry, node, faults)


def redacted(section: Section, entries: Mapping[str, Declared]) -> tuple[tuple[str, ...], dict[str, Declared]]:
    """The names of fields that `redact` lists, and the entries with every parameter of such a name declared secret."""
    named = section.texts("redact")
    for name, place in named:
        if not plain_field(name):
            section.faults.at(place, f"`{name}` names no field", "a name has a letter or a digit")
    fields = Fields(name for name, _ in named)
    found: dict[str, Declared] = {}
    for name, (entry, node, where) in entries.items():
        hidden, shown = hide_named(entry, fields)
        found[name] = (hidden, node, where)
        _check_shown(section, named, name, shown)
    return tuple(name for name, _ in named), found


def _check_shown(section: Section, named: Iterable[tuple[str, Node]], entry: str, shown: Iterable[str]) -> None:
    """What an approver must see can't be hidden by its name."""
    for path in shown:
        last = plain_field(path.rpartition(".")[2])
        for given, place in named:
            if plain_field(given) == last:
                message = f"`{given}` would hide {path} of {entry}, which an approver must see"
                section.faults.at(place, message, "take it out of `redact`, or out of the targets")

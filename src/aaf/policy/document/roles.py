"""Roles of an organisation's own: names for sets of permissions, beside the built-in ones, which nobody can redefine.

What would let somebody give themselves more than they were given is for the built-in administrator alone. That agents and services never
hold what only people may do is kept where permissions are asked for, whatever is written here.
"""

import re
from collections.abc import Mapping
from typing import Any

from aaf.domain.canonical import Json
from aaf.domain.principal import ADMIN_ONLY, ROLES, Permission
from aaf.policy.positioned import Node
from aaf.policy.reading import Section, did_you_mean

MAX_ROLES = 100
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_GRANTABLE = tuple(sorted(set(Permission) - ADMIN_ONLY))


def read_roles(section: Section | None) -> dict[str, frozenset[Permission]]:
    """Read `roles`: a list of permissions under each name."""
    found: dict[str, frozenset[Permission]] = {}
    if section is None:
        return found
    for name, node in section.rest():
        if name in ROLES:
            section.faults.at_key(node, f"the role `{name}` is built in", "choose another name")
        elif not _NAME.fullmatch(name):
            hint = "such as treasurer"
            section.faults.at_key(node, "a role's name is lower case letters, digits, hyphens and _", hint)
        elif len(found) == MAX_ROLES:
            section.faults.at_key(node, f"there are more than {MAX_ROLES} roles", "put some of them together")
            break
        else:
            found[name] = _permissions(name, node, section)
    return found


def _permissions(name: str, node: Node, section: Section) -> frozenset[Permission]:
    if not isinstance(node.value, list) or not node.value:
        section.faults.at(node, f"the role {name} is a list of permissions", "such as [org:action:read]")
        return frozenset()
    found: set[Permission] = set()
    for item in node.value:
        text = item.value if isinstance(item.value, str) else ""
        if text in ADMIN_ONLY:
            section.faults.at(item, f"only the built-in role admin has `{text}`", "leave it out")
        elif text not in _GRANTABLE:
            section.faults.at(item, f"there is no permission `{text}`", did_you_mean(text, _GRANTABLE))
        elif text in found:
            section.faults.at(item, f"`{text}` stands here a second time", "leave one out")
        else:
            found.add(Permission(text))
    return frozenset(found)


def roles_to_json(roles: Mapping[str, frozenset[Permission]]) -> dict[str, Json]:
    """As stored."""
    return {name: [*sorted(granted)] for name, granted in roles.items()}


def roles_from_json(stored: Mapping[str, Any]) -> dict[str, frozenset[Permission]]:
    """What `roles_to_json` stored; a permission that this program doesn't know is left out."""
    known = set(Permission)
    return {name: frozenset(Permission(one) for one in granted if one in known) for name, granted in stored.items()}

"""What an action is, as bytes, and the keyed hashes that speak of it (docs/formats.md sections 2 and 3).

Every approval, permit and run is bound to `digest`. A salt is random for each action or field, is kept sealed, and never enters the
ledger: without it nobody can try out which card number a digest stands for. The values are taken as they came through the door;
nothing is validated against a schema or changed here.
"""

import re
from hashlib import sha256

from aaf.domain.canonical import Json, canonical
from aaf.domain.digests import keyed_hash
from aaf.domain.errors import Code, InputRefused

SALT_SIZE = 32
MAX_NAME = 128
_MIN_KEY = 16
_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
_LONG_FORM = ".action.do"


def plain_name(name: str) -> str:
    """Return the one spelling of an action type's name: `email.send` also for `email.send.action.do`.

    Raises:
        InputRefused: WRONG_TYPE, it is no name.
    """
    plain = name.removesuffix(_LONG_FORM)
    split_name(plain)
    return plain


def split_name(name: str) -> tuple[str, str]:
    """Take `email.send` apart at its last dot into tool and operation.

    Raises:
        InputRefused: WRONG_TYPE, it is no name, or not the plain spelling of one.
    """
    if len(name) > MAX_NAME or not _NAME.fullmatch(name) or name.endswith(_LONG_FORM):
        raise InputRefused(
            Code.WRONG_TYPE,
            "This is no name of an action.",
            hint=f"Write tool.operation in lowercase letters, digits and _, such as email.send; at most {MAX_NAME} characters.",
            path="$.action",
        )
    tool, _, operation = name.rpartition(".")
    return tool, operation


def action_object(
    *, org: str, agent: str, server: str | None, tool: str, operation: str, params: dict[str, Json]
) -> dict[str, Json]:
    """Return the object whose canonical bytes are digested; `server` is the identity of an MCP server."""
    return {
        "agent": agent,
        "operation": operation,
        "org": org,
        "params": params,
        "server": server,
        "tool": tool,
        "v": 1,
    }


def action_bytes(
    *, org: str, agent: str, server: str | None, tool: str, operation: str, params: dict[str, Json]
) -> bytes:
    """Return the canonical bytes of the action object.

    Raises:
        InputRefused: `params` have no canonical form.
    """
    return canonical(action_object(org=org, agent=agent, server=server, tool=tool, operation=operation, params=params))


def digest(salt: bytes, data: bytes) -> str:
    """Return the digest of action bytes, 64 hex digits."""
    return _salted(b"aaf-action-v1\0", salt, data)


def view_digest(salt: bytes, data: bytes) -> str:
    """Return the digest of what an approver was shown: the canonical bytes of the view."""
    return _salted(b"aaf-view-v1\0", salt, data)


def effect_digest(salt: bytes, data: bytes) -> str:
    """Return the digest of what a dry run found: the canonical bytes of the effect."""
    return _salted(b"aaf-effect-v1\0", salt, data)


def context_digest(salt: bytes, data: bytes) -> str:
    """Return the digest of the exact input that was judged, as canonical bytes."""
    return _salted(b"aaf-context-v1\0", salt, data)


def commitment(salt: bytes, value_bytes: bytes) -> str:
    """Return what the ledger says of one field: an HMAC of its value's canonical bytes under the field's own salt."""
    return keyed_hash(_checked(salt), b"aaf-field-v1\0" + value_bytes).hex()


def alike_bytes(*, agent: str, name: str, server: str | None, params: dict[str, Json]) -> bytes:
    """Return the canonical bytes of what makes two calls alike."""
    return canonical({"agent": agent, "params": params, "server": server, "type": name})


def match_key(key: bytes, alike: bytes) -> str:
    """Return the same text for alike calls of an agent, and only for those who hold the organisation's key (16 bytes or more)."""
    if len(key) < _MIN_KEY:
        raise ValueError("a match key has at least 16 bytes")
    return keyed_hash(key, b"aaf-match-v1\0" + alike).hex()


def _salted(tag: bytes, salt: bytes, data: bytes) -> str:
    return sha256(tag + _checked(salt) + data).hexdigest()


def _checked(salt: bytes) -> bytes:
    if len(salt) != SALT_SIZE:
        raise ValueError("a salt has 32 bytes")
    return salt

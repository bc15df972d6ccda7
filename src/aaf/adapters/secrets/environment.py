"""Secrets from the process's environment: `AAF_SECRET_<HANDLE>`, taken once at start.

A server takes them out of `os.environ`, so that no child process inherits one and nothing that prints the environment shows one. That hides
them from children only: whoever may read this process's memory, or `/proc` as the same user, still can. They can't be rotated
without a restart; the sealed file can.
"""

import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Self
from urllib.parse import unquote

from aaf.adapters.secrets.handles import check_handle, check_value, unavailable
from aaf.analysis.deployment import SENSITIVE_NAME
from aaf.domain.errors import Code, InputRefused
from aaf.domain.redaction import SHORTEST

PREFIX = "AAF_SECRET_"
_WITH_CREDENTIALS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://([^/?#\s]{0,2048})@")
"""A URL in which a user or a password stands."""


class EnvironmentSecrets:
    """The values that were there at start."""

    def __init__(self, values: Mapping[str, str], others: frozenset[str] = frozenset()) -> None:
        """Take values by handle, and `others` that no connector gets and nobody is shown either."""
        self._values = dict(values)
        self._others = others

    @classmethod
    def taken(cls, environ: MutableMapping[str, str] = os.environ, *, remove: bool) -> Self:
        """Read the variables, and `remove` them where the process is the firewall's own.

        Raises:
            InputRefused: a handle or a value isn't one; the message names the variable, never its value.
        """
        found: dict[str, str] = {}
        for name in [name for name in environ if name.startswith(PREFIX)]:
            handle = name.removeprefix(PREFIX).lower()
            value = environ.pop(name) if remove else environ[name]
            try:
                check_handle(handle)
                check_value(value)
            except InputRefused as refused:
                raise InputRefused(refused.code, f"{name[:100]}: {refused.message}", hint=refused.hint) from None
            if handle in found:
                raise InputRefused(Code.WRONG_TYPE, f"{name[:100]}: two variables name this secret.", hint="Keep one.")
            found[handle] = value
        others = {value for name, value in environ.items() if SENSITIVE_NAME.search(name)}
        others.update(part for value in environ.values() for part in _credentials(value))
        return cls(found, frozenset(value for value in others if len(value) >= SHORTEST))

    def __repr__(self) -> str:
        """Never a value."""
        return f"EnvironmentSecrets({', '.join(self.handles())})"

    def values(self) -> frozenset[str]:
        """Every value, and those of variables whose names say that they are secret."""
        return self._others.union(self._values.values())

    def handles(self) -> list[str]:
        """The handles that are there."""
        return sorted(self._values)

    async def get(self, handle: str) -> str:
        """One value.

        Raises:
            ConnectorFailed: SECRET_UNAVAILABLE, there is none.
        """
        found = self._values.get(handle)
        if found is None:
            raise unavailable(f"no secret {handle}")
        return found


def _credentials(value: str) -> Iterator[str]:
    """What nobody may be shown of a URL with credentials: all of it, both together, and the password as it is and as it is meant."""
    found = _WITH_CREDENTIALS.match(value)
    if found is not None:
        password = found[1].partition(":")[2]
        yield from (value, found[1], password, unquote(password))

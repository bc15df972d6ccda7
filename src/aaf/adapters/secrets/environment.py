"""Secrets from the process's environment: `AAF_SECRET_<HANDLE>`, taken once at start.

A server takes them out of `os.environ`, so that no child process inherits one and nothing that prints the environment shows one. That hides
them from children only: whoever may read this process's memory, or `/proc` as the same user, still can. They can't be rotated
without a restart; the sealed file can.
"""

import os
import re
from collections.abc import Mapping, MutableMapping
from typing import Self

from aaf.adapters.secrets.handles import check_handle, check_value, unavailable
from aaf.domain.errors import Code, InputRefused
from aaf.domain.redaction import SHORTEST

PREFIX = "AAF_SECRET_"
_SENSITIVE = re.compile(r"(?:^|_)(?:API_?KEY|CREDENTIALS?|KEY|PASSPHRASE|PASSWORD|PASSWD|SECRET|TOKEN)$", re.IGNORECASE)
"""Variables that are likely to hold a secret, by how their names end."""


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
        others = (value for name, value in environ.items() if _SENSITIVE.search(name) and len(value) >= SHORTEST)
        return cls(found, frozenset(others))

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

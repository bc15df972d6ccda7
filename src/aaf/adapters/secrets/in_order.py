"""Several providers as one: the first that has a handle gives its value.

The sealed file stands before the environment, because what can be rotated while the server runs has to count.
"""

from typing import Protocol

from aaf.adapters.secrets.handles import unavailable
from aaf.domain.errors import ConnectorFailed
from aaf.domain.redaction import Values


class Provider(Protocol):
    """One provider of secrets."""

    def handles(self) -> list[str]:
        """The handles that it has now.

        Raises:
            ConnectorFailed: it can't be read.
        """

    async def get(self, handle: str) -> str:
        """One value."""

    def values(self) -> frozenset[str]:
        """Every value that nobody may be shown.

        Raises:
            ConnectorFailed: it can't be read.
        """


class InOrder:
    """Asks each provider in turn; one that can't be read is a failure, not a reason to ask the next."""

    def __init__(self, *providers: Provider) -> None:
        """Take the providers, the first that counts first."""
        self._providers = providers
        self._read: dict[int, frozenset[str]] = {}
        self._last: tuple[frozenset[str], Values] = (frozenset(), Values(()))

    async def get(self, handle: str) -> str:
        """One value.

        Raises:
            ConnectorFailed: SECRET_UNAVAILABLE, none has it or one can't be read.
        """
        for provider in self._providers:
            if handle in provider.handles():
                return await provider.get(handle)
        raise unavailable(f"no provider has the secret {handle}")

    def known(self) -> Values:
        """A finder of every value; while a provider can't be read, of what that one had before, so that nothing comes to light meanwhile.

        Raises:
            ConnectorFailed: one could never be read, so nobody knows what it holds.
        """
        for place, provider in enumerate(self._providers):
            try:
                self._read[place] = provider.values()
            except ConnectorFailed:
                if place not in self._read:
                    raise
        values = frozenset[str]().union(*self._read.values())
        before, finder = self._last
        if values != before:
            finder = Values(values)
            self._last = values, finder
        return finder

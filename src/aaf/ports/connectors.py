"""What runs actions. Connectors judge nothing."""

from collections.abc import Mapping
from typing import Protocol

from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.finding import Analysis


class Connector(Protocol):
    """Runs actions of one tool. Nothing here judges; whatever can't be told apart from harm is a `ConnectorFailed`."""

    @property
    def name(self) -> str:
        """As the catalogue's `effect: {connector: name}`."""

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        """Look at the parameters alone; no I/O."""

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:
        """What a run would do now.

        Raises:
            ConnectorFailed: it would not succeed, or may not.
        """

    async def run(self, *, operation: str, params: Mapping[str, Json], expected: Effect | None) -> Json:
        """Do it, if the target is still what `expected` saw; return the result.

        Raises:
            ConnectorFailed: it didn't happen (or, for CONNECTOR_TIMEOUT, it isn't known).
        """


class Connectors(Protocol):
    """The connectors of an organisation, as the active release configures them."""

    def get(
        self, name: str, settings: Mapping[str, Mapping[str, Json]], timeout: int, secrets: tuple[str, ...] = (), /
    ) -> Connector | None:
        """The connector under these settings of all connectors and this run timeout in seconds, or None.

        `secrets` are the handles that the action type declares; no other is used for it.
        """

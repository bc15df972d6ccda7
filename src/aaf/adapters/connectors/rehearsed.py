"""Connectors of which only the analysis is there: for policy tests, which look at parameters and touch nothing.

What analysis says is the real connectors' word, under the settings of the configuration. A dry run looks at nothing and always finds that
there is something to approve; a run is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from aaf.adapters.connectors.files import MAX_BYTES, analysed
from aaf.domain.canonical import Json
from aaf.domain.effect import Effect
from aaf.domain.errors import Code, ConnectorFailed
from aaf.domain.finding import Analysis
from aaf.ports import Connector


class Rehearsed:
    """`aaf.ports.Connectors` that look only."""

    def get(
        self, name: str, settings: Mapping[str, Mapping[str, Json]], timeout: int, secrets: tuple[str, ...] = (), /
    ) -> Connector | None:
        """One that analyses as the connector of this name does; None where the configuration has none."""
        if name not in settings:
            return None
        match name:
            case "files":
                return _Files(name, settings[name])
            case "http":
                return _Http(name, settings[name], timeout, frozenset(secrets))
            case _:
                return None


@dataclass(frozen=True, slots=True)
class _Looking:
    """What both have in common."""

    name: str
    settings: Mapping[str, Json]

    async def dry_run(self, *, operation: str, params: Mapping[str, Json]) -> Effect:  # noqa: ARG002 - the port's
        """Nothing is looked at."""
        return Effect(operation, "", "a test looks at nothing", {})

    async def run(self, **_: object) -> Json:
        """Nothing runs.

        Raises:
            ConnectorFailed: always.
        """
        raise ConnectorFailed(Code.CONNECTOR_UNAVAILABLE, "A test runs nothing.")


@dataclass(frozen=True, slots=True)
class _Files(_Looking):
    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        """By the letters of the path."""
        protect, size = self.settings.get("protect"), self.settings.get("max_bytes")
        return analysed(
            operation,
            params,
            protect=[str(pattern) for pattern in protect] if isinstance(protect, list) else (),
            max_bytes=size if isinstance(size, int) else MAX_BYTES,
        )


@dataclass(frozen=True, slots=True)
class _Http(_Looking):
    timeout: int
    usable: frozenset[str]

    def analyse(self, *, operation: str, params: Mapping[str, Json]) -> Analysis:
        """By the letters of the request."""
        from aaf.adapters.connectors.http import HttpConnector, rules_of  # noqa: PLC0415 - only where one is configured
        from aaf.policy.destinations import HttpSettings  # noqa: PLC0415 - as above

        settings = HttpSettings.from_json(self.settings)
        connector = HttpConnector(
            settings,
            client=_nothing_is_called,
            secrets=_NoSecret(),
            usable=self.usable,
            limits=rules_of(settings, seconds=self.timeout).limits,
        )
        return connector.analyse(operation=operation, params=params)


def _nothing_is_called() -> NoReturn:
    raise ConnectorFailed(Code.CONNECTOR_UNAVAILABLE, "A test calls nothing.")


class _NoSecret:
    """A test knows no credential."""

    async def get(self, handle: str) -> str:  # noqa: ARG002 - the port's
        """None.

        Raises:
            ConnectorFailed: always.
        """
        raise ConnectorFailed(Code.CONNECTOR_UNAVAILABLE, "A test knows no credential.")

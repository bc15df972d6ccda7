"""Makes the connectors that a release names, under its settings; one that could reach the firewall's own files is refused."""

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.ports import Connector, Log, SecretSource
from aaf.settings import Settings


class Configured:
    """Connectors under the settings of whichever release the caller judges by, so that a new release binds every process.

    Each is made once for its settings; a run under the release before may still be using the one of that.
    """

    def __init__(self, settings: Settings, log: Log, secrets: SecretSource, *, asynchronous: bool) -> None:
        """Make none yet."""
        self._settings = settings
        self._log = log
        self._secrets = secrets
        self._asynchronous = asynchronous
        self._made: dict[tuple[str, bytes, int, tuple[str, ...]], Connector] = {}

    def check(self, wanted: Mapping[str, Mapping[str, Json]], timeout: int) -> None:
        """Make all of them.

        Raises:
            ConfigurationInvalid: one can't be used safely.
        """
        for name in wanted:
            self._get(name, wanted, timeout, ())

    def get(
        self, name: str, settings: Mapping[str, Mapping[str, Json]], timeout: int, secrets: tuple[str, ...] = (), /
    ) -> Connector | None:
        """The connector, or None where there is none or where this process can't use it safely."""
        try:
            return self._get(name, settings, timeout, secrets)
        except (ConfigurationInvalid, OSError) as failure:
            self._log.entry("connector_refused", {"connector": name, "cause": str(failure)})
            return None

    def _get(
        self, name: str, wanted: Mapping[str, Mapping[str, Json]], timeout: int, secrets: tuple[str, ...]
    ) -> Connector | None:
        """The one that is there, or a new one."""
        make = {"files": self._files, "http": self._http}.get(name)
        if make is None or name not in wanted:
            return None
        key = (name, canonical(dict(wanted[name])), timeout, secrets)
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = make(wanted[name], timeout, secrets)
        return found

    def _http(self, http: Mapping[str, Json], timeout: int, secrets: tuple[str, ...]) -> Connector:
        """The connector for requests; what calls the outside is made at the first call."""
        from aaf.adapters.connectors.http import Client, HttpConnector, rules_of
        from aaf.policy.destinations import HttpSettings

        if find_spec("httpcore2") is None:
            hint = "install agent-action-firewall[http]"
            raise ConfigurationInvalid(
                (Problem("aaf.yaml", 0, 0, "connectors.http needs a library that isn't there", hint),)
            )
        settings = HttpSettings.from_json(http)
        rules = rules_of(settings, seconds=timeout)

        @cache
        def client() -> Client:
            if self._asynchronous:
                from aaf.adapters.egress.on_loop import loop_client

                return loop_client(rules)
            from aaf.adapters.egress.blocking import blocking_client

            return blocking_client(rules)

        return HttpConnector(
            settings, client=client, secrets=self._secrets, usable=frozenset(secrets), limits=rules.limits
        )

    def _files(self, files: Mapping[str, Json], timeout: int, _secrets: tuple[str, ...]) -> Connector:
        """The connector for files."""
        from aaf.adapters.connectors.files import FilesConnector

        protect, size = files.get("protect"), files.get("max_bytes")
        root = self._settings.root or (self._settings.config or Path()) / str(files.get("root"))
        keep_apart(root, self._settings)
        root.mkdir(exist_ok=True)
        made = FilesConnector(
            root,
            max_bytes=size if isinstance(size, int) else 0,
            protect=[str(pattern) for pattern in protect] if isinstance(protect, list) else (),
        )
        if not self._asynchronous:
            return made
        from aaf.adapters.threaded import Threaded

        return Threaded(made, timeout=timeout)


def keep_apart(root: Path, settings: Settings) -> None:
    """Refuse a root from which an action could reach the firewall's own data or configuration.

    Raises:
        ConfigurationInvalid: it holds one of them, or lies in the data.
    """
    real, data = root.resolve(), settings.data.resolve()
    own = [data, *([settings.config.resolve()] if settings.config else [])]
    if any(path.is_relative_to(real) for path in own) or real.is_relative_to(data):
        problem = Problem(
            "aaf.yaml",
            0,
            0,
            f"connectors.files.root is {real}, from where actions could reach the firewall's own data or configuration",
            "choose a folder beside them, or beneath the configuration such as ./workspace",
        )
        raise ConfigurationInvalid((problem,))

"""Makes the connectors that a release names, under its settings; one that could reach the firewall's own files is refused."""

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from aaf.domain.canonical import Json, canonical
from aaf.domain.errors import ConfigurationInvalid, Problem
from aaf.policy.configuration import Configuration
from aaf.ports import Connector, Loader, Log, SecretSource
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
            with _as_problem(name):
                self._get(name, wanted, timeout, ())

    def check_candidate(self, wanted: Mapping[str, Mapping[str, Json]]) -> None:
        """Look whether all of them could be made; nothing is, because nobody is judged by this configuration yet.

        Raises:
            ConfigurationInvalid: one can't be used safely.
        """
        for name, settings in wanted.items():
            with _as_problem(name):
                if name == "files":
                    self._check_root(settings)
                elif name == "http":
                    need_client()

    def _check_root(self, files: Mapping[str, Json]) -> None:
        """Whether the root is a folder, or could be made one, and is apart from our own files."""
        root = self._root(files)
        keep_apart(root, self._settings)
        if root.exists():
            os.scandir(root).close()
        elif not root.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root.parent))
        elif not os.access(root.parent, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(root.parent))

    def _root(self, files: Mapping[str, Json]) -> Path:
        """Where the connector for files works."""
        return self._settings.root or (self._settings.config or Path()) / str(files.get("root"))

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

        need_client()
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
        root = self._root(files)
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


def need_client() -> None:
    """Refuse requests where what makes them isn't installed.

    Raises:
        ConfigurationInvalid: it isn't.
    """
    if find_spec("httpcore2") is None:
        hint = "install agent-action-firewall[http]"
        raise ConfigurationInvalid(
            (Problem("aaf.yaml", 0, 0, "connectors.http needs a library that isn't there", hint),)
        )


@contextlib.contextmanager
def _as_problem(name: str) -> Iterator[None]:
    """What the system refuses a connector is a problem of the configuration that names it."""
    try:
        yield
    except OSError as failure:
        message = f"connectors.{name} can't be used: {failure.strerror or type(failure).__name__}"
        hint = f"look at {failure.filename}" if failure.filename else "look at its settings"
        raise ConfigurationInvalid((Problem("aaf.yaml", 0, 0, message, hint),)) from None


class Checking:
    """The port `Loader` of a process that runs actions: a configuration whose connectors it couldn't use safely is refused like any other."""

    def __init__(self, loader: Loader, connectors: Configured) -> None:
        """Compile with `loader`."""
        self._loader = loader
        self._connectors = connectors

    async def load(self, files: Mapping[str, bytes], /) -> Configuration:
        """Compile, and look at the connectors.

        Raises:
            ConfigurationInvalid: it has problems.
        """
        configuration = await self._loader.load(files)
        self._connectors.check_candidate(configuration.connectors)
        return configuration


def keep_apart(root: Path, settings: Settings) -> None:
    """Refuse a root from which an action could reach the firewall's own data or configuration.

    Raises:
        ConfigurationInvalid: it holds one of them, or lies in the data.
    """
    real, data = root.resolve(), settings.data.resolve()
    own = [data, *([settings.config.resolve()] if settings.config else [])]
    if any(_lies_in(path, real) for path in own) or _lies_in(real, data):
        problem = Problem(
            "aaf.yaml",
            0,
            0,
            f"connectors.files.root is {real}, from where actions could reach the firewall's own data or configuration",
            "choose a folder beside them, or beneath the configuration such as ./workspace",
        )
        raise ConfigurationInvalid((problem,))


def _lies_in(path: Path, folder: Path) -> bool:
    """Whether a path is a folder or lies in it, also where the disk knows the folder by a second name: in other letters, or mounted twice."""
    return any(one == folder or _same(one, folder) for one in (path, *path.parents))


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except FileNotFoundError:  # what isn't there has no second name
        return False

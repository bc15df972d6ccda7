"""Composes the entry points: the command line, and what its `serve` runs: the HTTP API and the console as one, with the worker beside them.

API, console and worker are imported only when a server starts, so that every other command starts quickly. Nothing is decided here but
whose an address is: the API's are named, every other is the console's.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import partial
from typing import Any, TypeAlias

from aaf.domain.metering import Metric
from aaf.entrypoints.cli.app import start
from aaf.services.core import Core

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
Application: TypeAlias = Callable[[_Message, _Receive, _Send], Awaitable[None]]
"""ASGI, named here because the command line runs without a server's packages."""

_API = frozenset({"v1", "openapi.json", "healthz", "readyz", "metrics"})
"""The first step of every address that is the API's."""


def compose(api: Application, console: Application) -> Application:
    """One application: `api` has its own addresses and the lifespan, `console` everything else."""

    async def both(scope: _Message, receive: _Receive, send: _Send) -> None:
        is_api = scope["type"] != "http" or scope["path"].lstrip("/").partition("/")[0] in _API
        await (api if is_api else console)(scope, receive, send)

    return both


def web(core: Core) -> object:
    """The API and the console of a running core, with the work that nobody asks for, and the limits of their connections."""
    from aaf.entrypoints.api.app import create_app
    from aaf.entrypoints.api.protocol import Connection
    from aaf.entrypoints.api.wire import Wire
    from aaf.entrypoints.cli.serving import Web
    from aaf.entrypoints.console import create_console
    from aaf.entrypoints.worker import work

    api = create_app(core, background=(lambda stop: work(core, stop=stop),))
    wire = Wire(core.log, meter=core.meter)
    core.meter.gauge(Metric.CONNECTIONS, lambda: wire.connected)
    return Web(compose(api, create_console(core)), partial(Connection, wire=wire))


def cli() -> None:
    """Run the command `aaf`."""
    start(asgi=web)

"""Composes the entry points: the command line, and what its `serve` runs: the HTTP API with the worker beside it. It decides nothing.

API and worker are imported only when a server starts, so that every other command starts quickly.
"""

from functools import partial

from aaf.entrypoints.cli.app import start
from aaf.services.core import Core


def api(core: Core) -> object:
    """The HTTP API of a running core, with the work that nobody asks for, and the limits of its connections."""
    from aaf.entrypoints.api.app import create_app
    from aaf.entrypoints.api.protocol import Connection
    from aaf.entrypoints.api.wire import Wire
    from aaf.entrypoints.cli.serving import Web
    from aaf.entrypoints.worker import work

    app = create_app(core, background=(lambda stop: work(core, stop=stop),))
    return Web(app, partial(Connection, wire=Wire(core.log)))


def cli() -> None:
    """Run the command `aaf`."""
    start(asgi=api)

"""Composes the entry points: the command line, and the HTTP API that its `serve` runs. It decides nothing.

The API is imported only when a server starts, so that every other command starts quickly.
"""

from aaf.entrypoints.cli.app import start
from aaf.services.core import Core


def api(core: Core) -> object:
    """The HTTP API of a running core, with its background work."""
    from aaf.entrypoints.api.app import create_app

    return create_app(core, worker=True)


def cli() -> None:
    """Run the command `aaf`."""
    start(asgi=api)

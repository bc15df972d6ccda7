"""Composes the entry points: the command line, and what its `serve` runs: the HTTP API with the worker beside it. It decides nothing.

API and worker are imported only when a server starts, so that every other command starts quickly.
"""

from aaf.entrypoints.cli.app import start
from aaf.services.core import Core


def api(core: Core) -> object:
    """The HTTP API of a running core, with the work that nobody asks for."""
    from aaf.entrypoints.api.app import create_app
    from aaf.entrypoints.worker import work

    return create_app(core, background=(lambda stop: work(core, stop=stop),))


def cli() -> None:
    """Run the command `aaf`."""
    start(asgi=api)

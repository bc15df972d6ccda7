"""The console: pages for the people who answer. Pages, forms and refusals are here; what may be done is decided by the services."""

from aaf.entrypoints.console.app import create_console

__all__ = ["create_console"]

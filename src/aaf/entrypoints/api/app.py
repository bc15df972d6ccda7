"""Puts the HTTP interface together: routes, the layer around them, and work that runs while the server does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, compile_path
from starlette.types import ASGIApp

from aaf.entrypoints.api.edge import Edge
from aaf.entrypoints.api.openapi import document
from aaf.entrypoints.api.problems import Addresses, no_such_route
from aaf.entrypoints.api.receiving import ApiLimits, Door, check_query
from aaf.entrypoints.api.routes import (
    actions,
    approvals,
    configuration,
    configuration_status,
    drafts,
    dry_runs,
    explaining,
    health,
    keys,
    ledger,
    metrics,
    policies,
    streaming,
)
from aaf.entrypoints.api.routes import limits as in_use
from aaf.entrypoints.api.routes.submitting import METHOD, PATH, Submitting
from aaf.services.core import Core

ROUTES: list[BaseRoute] = [
    route
    for part in (
        actions,
        explaining,
        streaming,
        approvals,
        keys,
        in_use,
        configuration,
        configuration_status,
        drafts,
        policies,
        dry_runs,
        ledger,
        health,
        metrics,
    )
    for route in part.router.routes
]
"""Every route that FastAPI knows; the hot one is none of them."""

Background = Callable[[asyncio.Event], Awaitable[None]]
"""Work that runs beside the server until the event is set."""


def create_app(core: Core, *, limits: ApiLimits | None = None, background: tuple[Background, ...] = ()) -> ASGIApp:
    """Make the ASGI application of `core`; `background` is started and ended with it."""
    door = Door(core, limits or ApiLimits())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for work in background:
                tasks.create_task(_until(work, stop))
            yield
            stop.set()

    api = FastAPI(
        openapi_url=None,  # the complete document has a route of its own
        docs_url=None,  # those pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat the caller's Host
        lifespan=lifespan,
        exception_handlers={HTTPException: no_such_route, Exception: _to_the_edge},
    )
    api.state.door = door
    api.state.addresses = _addresses()
    submitting = Submitting(door)
    api.router.routes += [
        *ROUTES,
        Route(PATH, submitting, methods=[METHOD]),
        Route("/openapi.json", openapi, methods=["GET"]),
    ]
    return Edge(door, submitting=submitting, api=api)


async def _to_the_edge(_: Request, error: Exception) -> Response:
    """Hand on what fails between the routes, before Starlette answers it in words of its own."""
    raise error


async def _until(work: Background, stop: asyncio.Event) -> None:
    await work(stop)


@cache
def _document() -> dict[str, Any]:
    """The document is of the code alone, so it is made once."""
    return document(ROUTES)


def _addresses() -> Addresses:
    """What has an address, for `Allow`."""
    return [(compile_path(path)[0], {*map(str.upper, methods)}) for path, methods in _document()["paths"].items()]


async def openapi(request: Request) -> Response:
    """Serve the document; no key is asked for, because it holds nothing of any organisation."""
    check_query(request)
    return Response(orjson.dumps(_document()), media_type="application/json")

"""Puts the HTTP interface together: routes, the layer around them, and work that runs while the server does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from aaf.entrypoints.api import actions, approvals, health, keys, ledger
from aaf.entrypoints.api.edge import Edge
from aaf.entrypoints.api.openapi import document
from aaf.entrypoints.api.problems import no_such_route
from aaf.entrypoints.api.receiving import ApiLimits, Door
from aaf.entrypoints.api.submitting import METHOD, PATH, Submitting
from aaf.services.core import Core

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
        exception_handlers={HTTPException: no_such_route},
        generate_unique_id_function=_operation_id,
    )
    api.state.door = door
    submitting = Submitting(door)
    api.router.routes.append(Route(PATH, submitting, methods=[METHOD], include_in_schema=False))
    for part in (actions, approvals, keys, ledger, health):
        api.include_router(part.router)
    described = orjson.dumps(document(api))

    async def openapi(_: Request) -> Response:
        return Response(described, media_type="application/json")

    api.router.routes.append(Route("/openapi.json", openapi, methods=["GET"], include_in_schema=False))
    return Edge(core, submitting=submitting, api=api)


async def _until(work: Background, stop: asyncio.Event) -> None:
    await work(stop)


def _operation_id(route: APIRoute) -> str:
    """The handler's name: short, and the name of a method in generated clients."""
    return route.name

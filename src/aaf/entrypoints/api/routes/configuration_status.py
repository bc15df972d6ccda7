"""How the configuration stands: what is active, what was refused since, and who watches which folder."""

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response
from typing_extensions import TypedDict

from aaf.domain.errors import Problem
from aaf.domain.instants import instant
from aaf.domain.record import Release, Watch
from aaf.entrypoints.api.answers import answer, closed
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated, DoorRoute
from aaf.services.standing import read_standing


@closed
class ActiveBody(TypedDict):
    """The active release; `source` is the hash of the files that it was compiled from."""

    number: int
    source: str
    managed_by: Literal["api", "file"]
    author: str
    message: str
    activated_at: str


@closed
class PlacedBody(TypedDict):
    """One problem: lines and columns count from 1, 0 is the whole file."""

    file: str
    line: int
    column: int
    message: str
    hint: str


@closed
class RefusedBody(TypedDict):
    """What was found in the folder while the active release was active, and why it isn't."""

    source: str
    at: str
    problems: list[PlacedBody]


@closed
class WatchBody(TypedDict):
    """Who looked at which folder last; `holds` says whether it still keeps the lease, that is whether it lives."""

    process: str
    pid: int
    folder: str
    source: str
    holds: bool


@closed
class LeaseBody(TypedDict):
    """The process that imports the folder, and until when it does unless it says so again."""

    process: str
    until: str


@closed
class StandingBody(TypedDict):
    """`stale` is whether the folder isn't what is active although it ought to be; `process` is the one that answers."""

    release: ActiveBody
    refused: RefusedBody | None
    watch: WatchBody | None
    lease: LeaseBody | None
    stale: bool
    process: str


router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["configuration"])


@router.get(
    "/configuration/status",
    response_model=StandingBody,
    summary="How does the configuration stand?",
    responses=refusals(400, 403, 404),
)
async def configuration_status(call: Authenticated) -> Response:
    """Every server tells the same, whether it watches the folder or not."""
    found = await read_standing(call.core, call.caller)
    lease: LeaseBody | None = None
    if found.holder is not None:
        lease = {"process": found.holder, "until": instant(found.until)}
    body: StandingBody = {
        "release": _active(found.release),
        "refused": _refused(found.watch) if found.watch is not None and found.refused else None,
        "watch": _watch(found.watch, found.holder) if found.watch is not None else None,
        "lease": lease,
        "stale": found.stale,
        "process": call.core.process,
    }
    return answer(body)


def _active(release: Release) -> ActiveBody:
    return {
        "number": release.number,
        "source": release.source,
        "managed_by": release.managed_by.value,
        "author": release.author,
        "message": release.message,
        "activated_at": instant(release.activated_at),
    }


def _refused(watch: Watch) -> RefusedBody:
    return {"source": watch.source, "at": instant(watch.at), "problems": [_placed(one) for one in watch.problems]}


def _placed(problem: Problem) -> PlacedBody:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
    }


def _watch(watch: Watch, holder: str | None) -> WatchBody:
    return {
        "process": watch.process,
        "pid": watch.pid,
        "folder": watch.folder,
        "source": watch.source,
        "holds": watch.process == holder,
    }

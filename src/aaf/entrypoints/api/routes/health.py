"""Whether the process lives and takes new actions; asked by load balancers, so nobody has to be known."""

from typing import Literal, cast

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from aaf.entrypoints.api.answers import answer, closed
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Door, check_query


@closed
class HealthBody(TypedDict):
    """Whether new actions are taken."""

    status: Literal["ok", "recovering", "unavailable"]


router = APIRouter(prefix="/v1", tags=["process"])


@router.get(
    "/health",
    response_model=HealthBody,
    summary="Is the process ready?",
    responses={**refusals(400), 503: {"model": HealthBody, "description": "The store does not answer."}},
)
async def health(request: Request) -> Response:
    """`recovering` still answers 200: people can look and decide, new actions are refused."""
    check_query(request)
    core = cast("Door", request.app.state.door).core
    body: HealthBody = {"status": "ok"}
    try:
        await core.store.now()
        if await core.store.recovering() is not None:
            body = {"status": "recovering"}
    except Exception as failure:  # noqa: BLE001 - whatever it is, the process is not ready
        core.log.entry("unhealthy", {"error": type(failure).__name__})
        body = {"status": "unavailable"}
    return answer(body, 503 if body["status"] == "unavailable" else 200)

"""API keys: make, list, revoke."""

from fastapi import APIRouter
from starlette.responses import Response

from aaf.entrypoints.api import answers
from aaf.entrypoints.api.answers import answer, key_body
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated, DoorRoute
from aaf.entrypoints.api.requests import KeyBody, KeyId
from aaf.services import access

router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["keys"])


@router.get("/api-keys", response_model=answers.KeyList, summary="List keys", responses=refusals(400, 403))
async def list_keys(call: Authenticated) -> Response:
    """Every key of the organisation, revoked ones too, never a key itself."""
    found = await access.list_keys(call.core, call.caller)
    return answer({"keys": [key_body(key, principal) for key, principal in found]})


@router.post(
    "/api-keys",
    response_model=answers.NewKeyBody,
    status_code=201,
    summary="Make a key",
    responses=refusals(400, 403, 409),
)
async def create_key(call: Authenticated, body: KeyBody) -> Response:
    """The key is in the answer, this once."""
    wanted = access.KeyWanted(
        name=body.name,
        kind=body.kind,
        roles=tuple(body.roles),
        action_types=tuple(body.action_types),
        lifetime=body.lifetime,
    )
    made = await access.create_key(call.core, call.caller, wanted)
    return answer({**key_body(made.record, made.principal), "key": made.secret}, 201)


@router.post(
    "/api-keys/{key}/revoke",
    response_model=answers.RevokedBody,
    summary="Revoke a key",
    responses=refusals(400, 403, 404, 409),
)
async def revoke_key(call: Authenticated, key: KeyId) -> Response:
    """At once, in every process."""
    record = await access.revoke_key(call.core, call.caller, key)
    return answer({"id": record.id, "revoked": True})

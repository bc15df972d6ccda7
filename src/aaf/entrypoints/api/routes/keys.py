"""API keys: make, list, revoke."""

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response
from typing_extensions import TypedDict

from aaf.domain.instants import instant
from aaf.domain.record import KeyRecord, PrincipalRecord
from aaf.entrypoints.api.answers import answer, closed
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated, DoorRoute
from aaf.entrypoints.api.requests import KeyId, KeyWantedBody
from aaf.services import access


@closed
class PrincipalBody(TypedDict):
    """Whom a key stands for."""

    id: str
    kind: str
    name: str
    roles: list[str]


@closed
class KeyBody(TypedDict):
    """A key, without the key itself: `hint` is how it begins."""

    id: str
    name: str
    hint: str
    principal: PrincipalBody
    action_types: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None


@closed
class NewKeyBody(KeyBody):
    """A key just made: `key` is shown this once."""

    key: str


@closed
class KeyList(TypedDict):
    """Every key, oldest first."""

    keys: list[KeyBody]


@closed
class RevokedBody(TypedDict):
    """A key that is good no longer."""

    id: str
    revoked: Literal[True]


def key_body(key: KeyRecord, principal: PrincipalRecord) -> KeyBody:
    """A key."""
    return {
        "id": key.id,
        "name": key.name,
        "hint": key.hint,
        "principal": {
            "id": principal.id,
            "kind": principal.kind,
            "name": principal.name,
            "roles": list(principal.roles),
        },
        "action_types": list(key.action_types),
        "created_at": instant(key.created_at),
        "expires_at": None if key.expires_at is None else instant(key.expires_at),
        "revoked_at": None if key.revoked_at is None else instant(key.revoked_at),
    }


router = APIRouter(prefix="/v1", route_class=DoorRoute, tags=["keys"])


@router.get("/api-keys", response_model=KeyList, summary="List keys", responses=refusals(400, 403))
async def list_keys(call: Authenticated) -> Response:
    """Every key of the organisation, revoked ones too, never a key itself."""
    found = await access.list_keys(call.core, call.caller)
    return answer({"keys": [key_body(key, principal) for key, principal in found]})


@router.post(
    "/api-keys",
    response_model=NewKeyBody,
    status_code=201,
    summary="Make a key",
    responses=refusals(400, 403, 409),
)
async def create_key(call: Authenticated, body: KeyWantedBody) -> Response:
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
    response_model=RevokedBody,
    summary="Revoke a key",
    responses=refusals(400, 403, 404, 409),
)
async def revoke_key(call: Authenticated, key: KeyId) -> Response:
    """At once, in every process."""
    record = await access.revoke_key(call.core, call.caller, key)
    return answer({"id": record.id, "revoked": True})

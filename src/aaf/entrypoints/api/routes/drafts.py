"""Drafts of a configuration: begun from what is active, saved by version, compared, rebased, activated, discarded."""

from fastapi import APIRouter
from starlette.responses import Response

from aaf.domain.record import Draft
from aaf.entrypoints.api import releasing
from aaf.entrypoints.api.answers import answer
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated, Call
from aaf.entrypoints.api.releasing import (
    ETAG,
    IF_MATCH,
    ActivateBody,
    DraftEditBody,
    DraftFilesBody,
    DraftId,
    DraftWantedBody,
    RebaseBody,
    ReleasingRoute,
    activated_body,
    checked_body,
    draft_body,
    draft_summary,
    if_match,
    quoted,
)
from aaf.services import drafts
from aaf.services.releases import tag

PATH = "/v1/configuration/drafts"
router = APIRouter(prefix=PATH, route_class=ReleasingRoute, tags=["drafts"])
_SAVED = {200: {"headers": ETAG}, **refusals(400, 403, 404, 409, 428)}


@router.get("", response_model=releasing.DraftList, summary="List drafts", responses=refusals(400, 403))
async def list_drafts(call: Authenticated) -> Response:
    """Oldest first."""
    found = await drafts.listed(call.core, call.caller)
    return answer({"drafts": [draft_summary(call.caller.known, one) for one in found]})


@router.post(
    "",
    response_model=releasing.DraftBody,
    status_code=201,
    summary="Begin a draft",
    responses={
        201: {"headers": {**ETAG, "Location": {"schema": {"type": "string"}}}},
        **refusals(400, 403, 409),
    },
)
async def create_draft(call: Authenticated, body: DraftWantedBody) -> Response:
    """From the active release; `files` is a merge patch on it. Nobody is judged by a draft, and it may be wrong."""
    made = await drafts.create(call.core, call.caller, edit=body.files, message=body.message)
    response = _saved(call, made, 201)
    response.headers["Location"] = f"{PATH}/{made.id}"
    return response


@router.get(
    "/{draft}",
    response_model=releasing.DraftBody,
    summary="Read a draft",
    responses={200: {"headers": ETAG}, **refusals(400, 403, 404)},
)
async def read_draft(call: Authenticated, draft: DraftId) -> Response:
    """With its files."""
    return _saved(call, await drafts.read(call.core, call.caller, draft))


@router.put(
    "/{draft}", response_model=releasing.DraftBody, summary="Save a draft", responses=_SAVED, openapi_extra=IF_MATCH
)
async def save_draft(call: Authenticated, draft: DraftId, body: DraftFilesBody) -> Response:
    """All of its files, on top of the version that `If-Match` names."""
    saved = await drafts.save(
        call.core, call.caller, draft, files=body.files, message=body.message, expected=if_match(call)
    )
    return _saved(call, saved)


@router.patch(
    "/{draft}",
    response_model=releasing.DraftBody,
    summary="Change files of a draft",
    responses=_SAVED,
    openapi_extra=IF_MATCH,
)
async def change_draft(call: Authenticated, draft: DraftId, body: DraftEditBody) -> Response:
    """`files` is a merge patch."""
    saved = await drafts.edit(
        call.core, call.caller, draft, changes=body.files, message=body.message, expected=if_match(call)
    )
    return _saved(call, saved)


@router.delete(
    "/{draft}",
    response_model=releasing.DiscardedBody,
    summary="Discard a draft",
    responses=refusals(400, 403, 404, 409, 428),
    openapi_extra=IF_MATCH,
)
async def discard_draft(call: Authenticated, draft: DraftId) -> Response:
    """There is no way back."""
    gone = await drafts.discard(call.core, call.caller, draft, expected=if_match(call))
    return answer({"id": gone.id, "discarded": True})


@router.get(
    "/{draft}/diff",
    response_model=releasing.CheckedBody,
    summary="Compare a draft with what is active",
    responses=refusals(400, 403, 404),
)
async def compare_draft(call: Authenticated, draft: DraftId) -> Response:
    """And compile it: what it would change, and every problem that keeps it from being activated."""
    return answer(checked_body(await drafts.compared(call.core, call.caller, draft)))


@router.post(
    "/{draft}/rebase",
    response_model=releasing.DraftBody,
    summary="Put a draft on top of what is active",
    responses=_SAVED,
    openapi_extra=IF_MATCH,
)
async def rebase_draft(call: Authenticated, draft: DraftId, body: RebaseBody) -> Response:
    """File by file; a file that both sides changed is a conflict until `files` says what it shall be."""
    saved = await drafts.rebase(call.core, call.caller, draft, resolved=body.files, expected=if_match(call))
    return _saved(call, saved)


@router.post(
    "/{draft}/activate",
    response_model=releasing.ActivatedBody,
    summary="Activate a draft",
    responses=_SAVED,
    openapi_extra=IF_MATCH,
)
async def activate_draft(call: Authenticated, draft: DraftId, body: ActivateBody) -> Response:
    """Its base has to be active still; the draft is gone afterwards."""
    done = await drafts.activate(call.core, call.caller, draft, message=body.message, expected=if_match(call))
    return answer(activated_body(call.caller.known, done), 200, quoted(tag(done.release)))


def _saved(call: Call, draft: Draft, status: int = 200) -> Response:
    return answer(draft_body(call.caller.known, draft), status, quoted(draft_body(call.caller.known, draft)["etag"]))

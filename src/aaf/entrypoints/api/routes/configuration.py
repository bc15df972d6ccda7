"""The configuration and its releases: read, validate, change on top of what was read, roll back."""

from fastapi import APIRouter
from starlette.responses import Response

from aaf.domain.errors import Code, NotFound
from aaf.entrypoints.api import releasing
from aaf.entrypoints.api.answers import answer
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated, Call
from aaf.entrypoints.api.releasing import (
    ETAG,
    IF_MATCH,
    BeforeRelease,
    ConfigurationWantedBody,
    EditBody,
    FilesBody,
    ReleaseLimit,
    ReleaseNumber,
    ReleasingRoute,
    RollbackBody,
    activated_body,
    changes_body,
    checked_body,
    configuration_body,
    if_match,
    quoted,
    release_body,
    wants_yaml,
)
from aaf.policy.configuration import MAIN
from aaf.services import changing
from aaf.services.releases import Activated, files_of, tag

router = APIRouter(prefix="/v1", route_class=ReleasingRoute, tags=["configuration"])
YAML = "application/yaml"


@router.get(
    "/configuration",
    response_model=releasing.ConfigurationBody,
    summary="Read the active configuration",
    responses={
        200: {"headers": ETAG, "content": {YAML: {"schema": {"type": "string"}}}},
        **refusals(400, 403, 404),
    },
)
async def read_configuration(call: Authenticated) -> Response:
    """The files as they were written, comments too. `Accept: application/yaml` is answered with the text of `aaf.yaml` alone."""
    release = await changing.active(call.core, call.caller)
    headers = {**quoted(tag(release)), "Vary": "Accept"}
    if not wants_yaml(call.request):
        return answer(configuration_body(call.caller.known, release), 200, headers)
    text = files_of(release).get(MAIN)
    if text is None:
        raise NotFound(Code.NOT_FOUND, "The files of this release were not kept.", hint="Send whole files by PUT.")
    return Response(text, 200, headers, YAML)


@router.put(
    "/configuration",
    response_model=releasing.ActivatedBody,
    summary="Replace the configuration",
    responses={200: {"headers": ETAG}, **refusals(400, 403, 409, 428)},
    openapi_extra=IF_MATCH,
)
async def replace_configuration(call: Authenticated, body: ConfigurationWantedBody) -> Response:
    """All of its files: validated whole, activated whole, in effect in every process. Of two at once, the second gets what the first changed."""
    done = await changing.replace(
        call.core, call.caller, files=body.files, message=body.message, expected=if_match(call)
    )
    return _activated(call, done)


@router.patch(
    "/configuration",
    response_model=releasing.ActivatedBody,
    summary="Change files of the configuration",
    responses={200: {"headers": ETAG}, **refusals(400, 403, 409, 428)},
    openapi_extra=IF_MATCH,
)
async def change_configuration(call: Authenticated, body: EditBody) -> Response:
    """`files` is a merge patch: a text replaces or adds a file, null removes it, and what isn't named stays."""
    done = await changing.patch(call.core, call.caller, edit=body.files, message=body.message, expected=if_match(call))
    return _activated(call, done)


@router.post(
    "/configuration/validate",
    response_model=releasing.CheckedBody,
    summary="Validate a configuration",
    responses=refusals(400, 403),
)
async def validate_configuration(call: Authenticated, body: FilesBody) -> Response:
    """Nothing is written. Every problem has file, line, column and what to write instead."""
    return answer(checked_body(await changing.validate(call.core, call.caller, body.files)))


@router.post(
    "/configuration/rollback",
    response_model=releasing.ActivatedBody,
    summary="Go back to an earlier release",
    responses={200: {"headers": ETAG}, **refusals(400, 403, 404, 409, 428)},
    openapi_extra=IF_MATCH,
)
async def roll_back_configuration(call: Authenticated, body: RollbackBody) -> Response:
    """A new release of the old files, compiled by the rules of today. Actions that wait are judged again before they run."""
    done = await changing.roll_back(
        call.core, call.caller, number=body.release, message=body.message, expected=if_match(call)
    )
    return _activated(call, done)


@router.get(
    "/configuration/releases",
    response_model=releasing.ReleaseList,
    summary="List releases",
    responses=refusals(400, 403),
)
async def list_releases(call: Authenticated, before: BeforeRelease = None, limit: ReleaseLimit = 20) -> Response:
    """Newest first: author, time, message and how much stands in each."""
    page = await changing.history(call.core, call.caller, before=before, limit=limit)
    listed = [release_body(call.caller.known, one) for one in page.releases]
    return answer({"releases": listed, "next": page.next})


@router.get(
    "/configuration/releases/{release}",
    response_model=releasing.ConfigurationBody,
    summary="Read a release",
    responses=refusals(400, 403, 404),
)
async def read_release(call: Authenticated, release: ReleaseNumber) -> Response:
    """With its files."""
    found = await changing.read(call.core, call.caller, release)
    return answer(configuration_body(call.caller.known, found))


@router.get(
    "/configuration/releases/{old}/diff/{new}",
    response_model=releasing.ChangesBody,
    summary="Compare two releases",
    responses=refusals(400, 403, 404, 409),
)
async def compare_releases(call: Authenticated, old: ReleaseNumber, new: ReleaseNumber) -> Response:
    """A unified diff of each file, and by name the rules, action types, modules and limits that came, went and became others."""
    return answer(changes_body(await changing.compared(call.core, call.caller, old, new)))


def _activated(call: Call, done: Activated) -> Response:
    return answer(activated_body(call.caller.known, done), 200, quoted(tag(done.release)))

"""The policies of the active release: rules and modules with where they stand, and single policy modules to change."""

from fastapi import APIRouter
from starlette.responses import Response
from typing_extensions import TypedDict

from aaf.entrypoints.api import releasing
from aaf.entrypoints.api.answers import answer, closed
from aaf.entrypoints.api.openapi import refusals
from aaf.entrypoints.api.receiving import Authenticated
from aaf.entrypoints.api.releasing import (
    ETAG,
    IF_MATCH,
    PolicyBody,
    PolicyName,
    ReleasingRoute,
    activated_body,
    if_match,
    quoted,
)
from aaf.services import changing, policies
from aaf.services.releases import tag


@closed
class RuleBody(TypedDict):
    """A rule; `line` counts from 1, and is 0 where the files of the release were not kept."""

    name: str
    decision: str
    reason: str
    file: str
    line: int


@closed
class ModuleSummary(TypedDict):
    """A policy module; no `tools` means every action. A guard never allows, a library never speaks."""

    name: str
    file: str
    package: str
    dialect: str
    tools: list[str]
    guard: bool
    library: bool
    warnings: list[str]


@closed
class ModuleBody(ModuleSummary):
    """A policy module with its text."""

    release: int
    etag: str
    text: str


@closed
class PolicyList(TypedDict):
    """Everything that judges, of one release."""

    release: int
    etag: str
    rules: list[RuleBody]
    modules: list[ModuleSummary]


router = APIRouter(prefix="/v1", route_class=ReleasingRoute, tags=["policies"])


@router.get(
    "/policies",
    response_model=PolicyList,
    summary="List rules and policy modules",
    responses={200: {"headers": ETAG}, **refusals(400, 403)},
)
async def list_policies(call: Authenticated) -> Response:
    """With the file and line of each rule."""
    release = await changing.active(call.core, call.caller)
    body = {
        "release": release.number,
        "etag": tag(release),
        "rules": policies.rules(release),
        "modules": policies.modules(release),
    }
    return answer(body, 200, quoted(tag(release)))


@router.get(
    "/policies/{name}",
    response_model=ModuleBody,
    summary="Read a policy module",
    responses={200: {"headers": ETAG}, **refusals(400, 403, 404)},
)
async def read_policy(call: Authenticated, name: PolicyName) -> Response:
    """As it was written."""
    release = await changing.active(call.core, call.caller)
    body = {"release": release.number, "etag": tag(release), **policies.module(release, name)}
    return answer(body, 200, quoted(tag(release)))


@router.put(
    "/policies/{name}",
    response_model=releasing.ActivatedBody,
    summary="Write a policy module",
    responses={200: {"headers": ETAG}, **refusals(400, 403, 404, 409, 428)},
    openapi_extra=IF_MATCH,
)
async def write_policy(call: Authenticated, name: PolicyName, body: PolicyBody) -> Response:
    """New or in place of the one that is there; the whole configuration is validated and activated with it."""
    done = await changing.patch(
        call.core,
        call.caller,
        edit={policies.file_of(name): body.text},
        message=body.message or f"Write policy module {name}",
        expected=if_match(call),
    )
    return answer(activated_body(call.caller.known, done), 200, quoted(tag(done.release)))


@router.delete(
    "/policies/{name}",
    response_model=releasing.ActivatedBody,
    summary="Remove a policy module",
    responses={200: {"headers": ETAG}, **refusals(400, 403, 404, 409, 428)},
    openapi_extra=IF_MATCH,
)
async def remove_policy(call: Authenticated, name: PolicyName) -> Response:
    """A new release without it."""
    done = await changing.remove(
        call.core,
        call.caller,
        name=policies.file_of(name),
        message=f"Remove policy module {name}",
        expected=if_match(call),
    )
    return answer(activated_body(call.caller.known, done), 200, quoted(tag(done.release)))

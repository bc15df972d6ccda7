"""The OpenAPI document: what FastAPI knows of the routes, and what it can't know: problems, credentials and the hot route."""

from collections.abc import Sequence
from typing import Any, NotRequired

from fastapi.openapi.utils import get_openapi
from pydantic import ConfigDict, TypeAdapter, with_config
from starlette.routing import BaseRoute
from typing_extensions import TypedDict

from aaf.entrypoints.api.releasing import ChangesBody, FaultyPlace
from aaf.entrypoints.api.requests import SubmissionBody

_PROBLEM_TYPE = "application/problem+json"
_REF = "#/components/schemas/{model}"
_OPEN = frozenset({"/v1/health", "/openapi.json"})
"""Addresses that ask for no key."""
_MEANING = {
    400: "The request is malformed; `path` says where.",
    401: "No key, or one that is not good for this.",
    403: "The key lacks the right.",
    404: "There is no such thing, or not for this key.",
    408: "The body did not arrive in time.",
    409: "The thing exists; its state or its digest says no.",
    413: "The body is too large.",
    428: "The change does not name what it begins from.",
    429: "The agent's rate limit; `Retry-After` says when to come back.",
    500: "An internal error; `incident` is its number in the log.",
    503: "Nothing can be recorded now, so nothing may run.",
}
_TITLE = "Agent Action Firewall"
_VERSION = "1"
_DESCRIPTION = (
    "Agents submit actions, people answer those that are held, and everything is recorded. Refusals are problem details (RFC 9457) with "
    "stable codes; an action that was denied is not a refusal but an action with `status` `denied`."
)


@with_config(ConfigDict(extra="forbid"))
class Problem(TypedDict):
    """A refusal (RFC 9457). No action came to be, or nothing of it changed, unless the code says so."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    path: NotRequired[str]
    retry_after: NotRequired[int]
    incident: NotRequired[str]
    problems: NotRequired[list[FaultyPlace]]
    etag: NotRequired[str]
    changes: NotRequired[ChangesBody]


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem responses of a route; 401, 408, 413, 500 and 503 are everywhere and needn't be named."""
    return {status: _refusal(status) for status in statuses}


def _refusal(status: int) -> dict[str, Any]:
    content = {_PROBLEM_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    headers = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return {
        "description": _MEANING[status],
        "content": content,
        **({"headers": headers} if status in {429, 503} else {}),
    }


def text(description: str) -> dict[int | str, dict[str, Any]]:
    """A response of plain text."""
    return {200: {"description": description, "content": {"text/plain": {"schema": {"type": "string"}}}}}


def lines(description: str) -> dict[int | str, dict[str, Any]]:
    """A response of JSON values, one a line."""
    return {
        200: {"description": description, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}},
    }


def event_stream(description: str) -> dict[int | str, dict[str, Any]]:
    """A response of server-sent events."""
    return {200: {"description": description, "content": {"text/event-stream": {"schema": {"type": "string"}}}}}


def binary(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """A response of bytes."""
    return {
        200: {"description": description, "content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}
    }


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Make the whole document of `routes` and the hot route."""
    made = get_openapi(title=_TITLE, version=_VERSION, description=_DESCRIPTION, routes=routes)
    schemas = made["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    told = TypeAdapter(Problem).json_schema(ref_template=_REF)
    schemas.update(told.pop("$defs"))
    schemas["Problem"] = told
    schemas["SubmissionBody"] = SubmissionBody.model_json_schema(ref_template=_REF)
    made["paths"].setdefault("/v1/actions", {})["post"] = _submit()
    made["paths"]["/openapi.json"] = {"get": _itself()}
    made["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
        "agentKey": {
            "type": "apiKey",
            "in": "header",
            "name": "X-Agent-Key",
            "description": "The same key, in another header.",
        },
    }
    made["security"] = [{"bearer": []}, {"agentKey": []}]
    for path, operations in made["paths"].items():
        for operation in operations.values():
            _complete(path, operation)
    return made


def _complete(path: str, operation: dict[str, Any]) -> None:
    """Add what every route has; an operation's id is its handler's name."""
    operation["operationId"] = operation["operationId"].partition("_v1_")[0].partition("_metrics_")[0]
    operation["responses"].pop("422", None)
    if path in _OPEN:
        operation["security"] = []
        return
    for status in (401, 408, 413, 500, 503):
        operation["responses"].setdefault(str(status), _refusal(status))
    operation.setdefault("parameters", []).append(
        {
            "name": "X-Agent-Id",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "Id or name of the key's own agent; any other is refused.",
        }
    )


def _submit() -> dict[str, Any]:
    """The hot route."""
    body = {"application/json": {"schema": {"$ref": _REF.format(model="SubmissionBody")}}}
    action = {"application/json": {"schema": {"$ref": _REF.format(model="ActionBody")}}}
    return {
        "tags": ["actions"],
        "summary": "Submit an action",
        "description": "Decides and records it. Denied and held actions are answered 201 too: `status` says which.",
        "operationId": "submit_action",
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "description": "The same key with the same body leads to the same action.",
            }
        ],
        "requestBody": {"required": True, "content": body},
        "responses": {
            "201": {
                "description": "The action, as it was decided.",
                "content": action,
                "headers": {"Location": {"schema": {"type": "string"}}},
            },
            "200": {
                "description": "The action that this idempotency key stands for, as it is now.",
                "content": action,
                "headers": {
                    "Idempotent-Replayed": {"schema": {"const": "true"}},
                    "Location": {"schema": {"type": "string"}},
                },
            },
            **{str(status): _refusal(status) for status in (400, 403, 409, 429)},
        },
    }


def _itself() -> dict[str, Any]:
    """The route of this document."""
    content = {"application/json": {"schema": {"type": "object"}}}
    return {
        "tags": ["process"],
        "summary": "This document",
        "operationId": "openapi",
        "responses": {"200": {"description": "OpenAPI 3.1.", "content": content}, "400": _refusal(400)},
    }

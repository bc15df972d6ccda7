"""The document is complete, and the page says the same."""

import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from starlette.routing import Route

from aaf.entrypoints.api.app import ROUTES
from tests.api.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def test_the_document_names_every_route(world: World) -> None:
    served = {
        f"{method} {route.path}" for route in ROUTES if isinstance(route, Route) for method in route.methods or ()
    }
    assert set(_operations(world.document)) == served | {"POST /v1/actions", "GET /openapi.json"}
    assert len(served) == len(ROUTES)


def test_the_page_names_every_route(world: World) -> None:
    rows = re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(_operations(world.document))


def test_every_operation_has_a_summary_an_id_of_its_own_and_answers(world: World) -> None:
    operations = _operations(world.document).values()
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"]
        assert any(status.startswith("2") for status in operation["responses"])
        assert "422" not in operation["responses"]


def test_every_operation_but_health_and_the_document_wants_a_key(world: World) -> None:
    assert world.document["security"] == [{"bearer": []}, {"agentKey": []}]
    assert set(world.document["components"]["securitySchemes"]) == {"bearer", "agentKey"}
    open_ = {name for name, operation in _operations(world.document).items() if operation.get("security") == []}
    assert open_ == {"GET /v1/health", "GET /openapi.json"}
    for name, operation in _operations(world.document).items():
        if name not in open_:
            assert {"401", "500", "503"} <= set(operation["responses"])
            assert "X-Agent-Id" in [parameter["name"] for parameter in operation["parameters"]]


def test_every_body_is_described_and_closed(world: World) -> None:
    for name, operation in _operations(world.document).items():
        for media in operation.get("requestBody", {}).get("content", {}).values():
            schema = _resolved(world.document, media["schema"])
            assert schema["additionalProperties"] is False, name
        for status, response in operation["responses"].items():
            assert response["description"]
            for media_type, media in response["content"].items():
                schema = _resolved(world.document, media["schema"])
                if media_type.endswith(("/json", "+json")) and name != "GET /openapi.json":
                    assert schema["additionalProperties"] is False, (name, status)


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref", "")
    return document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def test_every_schema_is_one_and_every_reference_leads_somewhere(world: World) -> None:
    assert world.document["openapi"].startswith("3.1")
    schemas = world.document["components"]["schemas"]
    for name, schema in schemas.items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert name
    assert set(re.findall(r"'#/components/schemas/(\w+)'", str(world.document))) <= set(schemas)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/v1/docs"])
def test_there_are_no_pages_that_load_scripts_from_elsewhere(world: World, path: str) -> None:
    assert world.get("admin", path).status_code == 404

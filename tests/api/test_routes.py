"""Every route: who may, who may not, and what isn't there."""

import re
from dataclasses import dataclass

import pytest
from httpx2 import Response

from tests.api.world import World, configuration

TEXTS = {"files": {name: data.decode() for name, data in configuration().items()}}
NOWHERE = "01890000-0000-7000-8000-000000000000"
DIGEST = {"digest": "0" * 64}
REVIEW = {"verdict": "approve", "digest": "0" * 64, "view_digest": "0" * 64}


@dataclass(frozen=True)
class Case:
    """A route with a body that fits, somebody who may call it, and somebody who may not."""

    method: str
    path: str
    may: str
    may_not: str | None
    body: object = None
    match: bool = False
    """Whether it takes `If-Match`."""

    @property
    def address(self) -> str:
        return (
            self.path.replace("{action}", NOWHERE)
            .replace("{jti}", NOWHERE)
            .replace("{key}", NOWHERE)
            .replace("{index}", "0")
            .replace("{draft}", NOWHERE)
            .replace("{name}", NOWHERE)
            .replace("{release}", "9")
            .replace("{old}/diff/{new}", "9/diff/9")
        )

    def send(self, world: World, who: str, address: str | None = None) -> Response:
        etag = world.get("admin", "/v1/configuration").headers["etag"] if self.match else None
        headers = {"If-Match": etag} if etag else {}
        return world.send(who, self.method, address or self.address, self.body, headers=headers)


CASES = [
    Case("POST", "/v1/actions", "agent", "approver", {"action": "note.take", "params": {"text": "x"}}),
    Case("GET", "/v1/actions", "agent", None),
    Case("GET", "/v1/actions/{action}", "agent", None),
    Case("GET", "/v1/actions/{action}/events", "agent", None),
    Case("GET", "/v1/actions/{action}/explanation", "auditor", "approver"),
    Case("POST", "/v1/actions/{action}/execute", "agent", "approver", DIGEST),
    Case("POST", "/v1/actions/{action}/permit", "agent", "approver", {**DIGEST, "audience": "tool"}),
    Case("POST", "/v1/permits/{jti}/consume", "agent", "approver", DIGEST),
    Case("POST", "/v1/actions/{action}/outcome", "agent", "auditor", {"lease": "x", "succeeded": True}),
    Case("POST", "/v1/actions/{action}/cancel", "agent", "viewer"),
    Case("POST", "/v1/actions/{action}/resolve", "admin", "agent", {"succeeded": True, "reason": "seen"}),
    Case("GET", "/v1/approvals", "approver", "agent"),
    Case("GET", "/v1/approvals/{action}", "approver", "agent"),
    Case("POST", "/v1/approvals/{action}/values/{index}/open", "approver", "auditor"),
    Case("POST", "/v1/approvals/{action}/reviews", "approver", None, REVIEW),
    Case("GET", "/v1/api-keys", "admin", "agent"),
    Case("POST", "/v1/api-keys", "admin", "agent", {"name": "new", "kind": "agent"}),
    Case("POST", "/v1/api-keys/{key}/revoke", "admin", "approver"),
    Case("GET", "/v1/limits", "auditor", "agent"),
    Case("GET", "/v1/configuration", "approver", "agent"),
    Case("PUT", "/v1/configuration", "admin", "auditor", TEXTS, match=True),
    Case("PATCH", "/v1/configuration", "admin", "agent", {"files": {}}, match=True),
    Case("POST", "/v1/configuration/validate", "admin", "auditor", TEXTS),
    Case("POST", "/v1/configuration/rollback", "admin", "approver", {"release": 1}, match=True),
    Case("GET", "/v1/configuration/releases", "auditor", "viewer"),
    Case("GET", "/v1/configuration/releases/{release}", "auditor", "agent"),
    Case("GET", "/v1/configuration/releases/{old}/diff/{new}", "auditor", "agent"),
    Case("GET", "/v1/configuration/drafts", "auditor", "agent"),
    Case("POST", "/v1/configuration/drafts", "admin", "agent", {}),
    Case("GET", "/v1/configuration/drafts/{draft}", "auditor", "agent"),
    Case("PUT", "/v1/configuration/drafts/{draft}", "admin", "auditor", TEXTS, match=True),
    Case("PATCH", "/v1/configuration/drafts/{draft}", "admin", "auditor", {"files": {}}, match=True),
    Case("DELETE", "/v1/configuration/drafts/{draft}", "admin", "auditor", match=True),
    Case("GET", "/v1/configuration/drafts/{draft}/diff", "admin", "auditor"),
    Case("POST", "/v1/configuration/drafts/{draft}/rebase", "admin", "auditor", {}, match=True),
    Case("POST", "/v1/configuration/drafts/{draft}/activate", "admin", "auditor", {}, match=True),
    Case("GET", "/v1/policies", "auditor", "agent"),
    Case("GET", "/v1/policies/{name}", "auditor", "agent"),
    Case("PUT", "/v1/policies/{name}", "admin", "agent", {"text": "package aaf.policies.x"}, match=True),
    Case("DELETE", "/v1/policies/{name}", "admin", "agent", match=True),
    Case("POST", "/v1/dry-run", "auditor", "agent", {"candidate": {"release": 1}}),
    Case("POST", "/v1/policies/suggest", "auditor", "approver", {"agent": "agent"}),
    Case("GET", "/v1/audit/events", "auditor", "agent"),
    Case("GET", "/v1/audit/verify", "auditor", "agent"),
    Case("GET", "/v1/audit/export", "auditor", "agent"),
    Case("GET", "/v1/checkpoints/latest", "agent", "viewer"),
    Case("GET", "/v1/checkpoints/consistency?old=1&new=1", "agent", "viewer"),
    Case("GET", "/v1/proof-pack/{action}", "agent", "viewer"),
    Case("GET", "/v1/configuration/status", "auditor", "agent"),
    Case("GET", "/metrics", "viewer", "agent"),
]
MAKES = [case for case in CASES if case.method == "PUT" and "{name}" in case.path]
"""Those for which an unknown name is a new one."""
BAD = re.compile(rf"{NOWHERE}|\b9\b")
OPEN = {"GET /v1/health", "GET /openapi.json"}


def _id(case: Case) -> str:
    return f"{case.method} {case.path}"


def test_the_table_has_every_route(world: World) -> None:
    served = {f"{m.upper()} {path}" for path, operations in world.document["paths"].items() for m in operations}
    assert {f"{case.method} {case.path.partition('?')[0]}" for case in CASES} | OPEN == served


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_without_a_key_nothing_is_read_or_done(world: World, case: Case) -> None:
    response = world.send(None, case.method, case.address, content=b'{"not": "even JSON')
    assert (response.status_code, response.json()["code"]) == (401, "missing_credential")
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("case", [case for case in CASES if case.may_not], ids=_id)
def test_a_key_without_the_right_is_refused(world: World, case: Case) -> None:
    assert case.may_not
    response = case.send(world, case.may_not)
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize("case", [case for case in CASES if "{" in case.path and case not in MAKES], ids=_id)
def test_an_unknown_id_is_not_found(world: World, case: Case) -> None:
    response = case.send(world, case.may)
    assert response.status_code == 404
    assert response.json()["code"] in {"not_found", "unknown_permit"}


@pytest.mark.parametrize("case", [case for case in CASES if "{" in case.path], ids=_id)
def test_an_id_that_is_none_is_not_found_either(world: World, case: Case) -> None:
    response = case.send(world, case.may, BAD.sub("%00'; --", case.address))
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("case", [case for case in CASES if "{" not in case.path], ids=_id)
def test_who_may_gets_an_answer(world: World, case: Case) -> None:
    assert case.send(world, case.may).status_code in {200, 201}


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/actions/", "/v2/actions", "/v1/actions/x/y", "/../etc/passwd"])
def test_an_unknown_address_is_a_problem(world: World, path: str) -> None:
    response = world.get("agent", path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("DELETE", "/v1/actions", "GET, POST"), ("PUT", "/v1/health", "GET"), ("GET", "/v1/api-keys/x/revoke", "POST")],
)
def test_an_unknown_method_is_a_problem_that_names_the_others(world: World, method: str, path: str, allow: str) -> None:
    response = world.send("agent", method, path)
    assert (response.status_code, response.json()["code"], response.headers["allow"]) == (
        405,
        "method_not_allowed",
        allow,
    )

"""What no action is: each refused with a stable code, its status and no echo, before anything is recorded."""

import json
from collections.abc import AsyncIterator, Callable

import pytest

from aaf.domain.principal import Kind
from aaf.services.access import KeyWanted, authenticate, create_key
from tests.api.world import World

SECRET = "hunter2-do-not-repeat"
NOWHERE = "01890000-0000-7000-8000-000000000000"


def _action(**fields: object) -> bytes:
    return json.dumps({"action": "note.take", "params": {"text": SECRET}, **fields}).encode()


def _params(text: str) -> bytes:
    return b'{"action":"note.take","params":' + text.encode() + b"}"


BODIES = [
    ("not JSON", b'{"action": "' + SECRET.encode(), 400, "malformed_json"),
    ("nothing", b"", 400, "malformed_json"),
    ("not UTF-8", b'{"a": "\xff' + SECRET.encode() + b'"}', 400, "malformed_json"),
    ("two values", _action() + b"{}", 400, "malformed_json"),
    ("a list", json.dumps([SECRET]).encode(), 400, "wrong_type"),
    ("duplicate keys", b'{"action":"note.take","action":"' + SECRET.encode() + b'"}', 400, "duplicate_key"),
    ("duplicate keys deep inside", _params(f'{{"text":"{SECRET}","text":"x"}}'), 400, "duplicate_key"),
    ("NaN", _params(f'{{"text":"{SECRET}","n":NaN}}'), 400, "number_out_of_range"),
    ("Infinity", _params(f'{{"text":"{SECRET}","n":-Infinity}}'), 400, "number_out_of_range"),
    ("an exponent beyond every double", _params(f'{{"text":"{SECRET}","n":1e999}}'), 400, "number_out_of_range"),
    ("an integer beyond 2^53", _params(f'{{"text":"{SECRET}","n":9007199254740993}}'), 400, "number_out_of_range"),
    ("a lone surrogate", _params(f'{{"text":"{SECRET}\\ud800"}}'), 400, "lone_surrogate"),
    ("deep nesting", _params('{"text":' + "[" * 40 + f'"{SECRET}"' + "]" * 40 + "}"), 400, "too_deep"),
    ("nesting beyond the reader", b"[" * 200_000, 400, "too_deep"),
    ("an unknown field", _action(agent=SECRET), 400, "unknown_field"),
    ("a missing name", json.dumps({"params": {"text": SECRET}}).encode(), 400, "missing_field"),
    ("a name of the wrong type", _action(action=[SECRET]), 400, "wrong_type"),
    ("a name that is none", _action(action=f"{SECRET}!"), 400, None),
    ("params of the wrong type", _action(params=SECRET), 400, "wrong_type"),
    ("context of the wrong type", _action(context=SECRET), 400, "wrong_type"),
    ("run of the wrong type", _action(run=SECRET), 400, "wrong_type"),
    ("a reserved context key", _action(context={"pre_approved": SECRET}), 400, "reserved_context_key"),
    ("too much", _action(params={"text": SECRET + "x" * 1_100_000}), 413, "body_too_large"),
]


@pytest.mark.attack("G25", part="duplicate keys, NaN, big integers, surrogates and depth over HTTP")
@pytest.mark.requirement("R09")
@pytest.mark.parametrize(("body", "status", "code"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_a_body_that_is_no_action_is_refused_without_repeating_it(
    world: World, body: bytes, status: int, code: str | None
) -> None:
    before = world.run(world.core.store.head(world.org)).size
    response = world.post("agent", "/v1/actions", content=body)
    assert response.status_code == status, response.text
    assert code is None or response.json()["code"] == code
    assert response.headers["content-type"] == "application/problem+json"
    assert SECRET not in response.text
    assert SECRET not in world.log.text
    assert "Traceback" not in response.text
    assert world.run(world.core.store.head(world.org)).size == before


@pytest.mark.attack("G25", guard="aaf.domain.canonical:parse", without="tests.api.without:lenient_parse")
def test_a_body_with_two_readings_becomes_no_action(world: World) -> None:
    assert world.post("agent", "/v1/actions", content=_params('{"text":"a","text":"b"}')).status_code == 400


@pytest.mark.attack("G25")
@pytest.mark.parametrize("text", ['{"text":"a","n":NaN}', '{"text":"a","n":9007199254740993}'])
def test_a_number_that_json_does_not_have_becomes_no_action(world: World, text: str) -> None:
    assert world.post("agent", "/v1/actions", content=_params(text)).status_code == 400


PARAMETERS = [
    ("an unknown type of action", "no.such", {"text": SECRET}, "unknown_action_type"),
    ("an unknown parameter", "note.take", {"text": "x", "more": SECRET}, "schema_violation"),
    ("a missing parameter", "note.take", {}, "schema_violation"),
    ("a parameter of the wrong type", "note.take", {"text": [SECRET]}, "schema_violation"),
    ("a text that deceives", "note.take", {"text": f"{SECRET}\u0007"}, "text_refused"),
]


@pytest.mark.parametrize(
    ("name", "params", "code"), [case[1:] for case in PARAMETERS], ids=[case[0] for case in PARAMETERS]
)
def test_an_action_that_can_be_formed_is_recorded_and_denied(
    world: World, name: str, params: object, code: str
) -> None:
    action = world.submit("agent", name, params)
    assert (action["status"], action["code"]) == ("denied", code)
    assert SECRET not in json.dumps(action)
    kinds = [row.type for row in world.run(world.core.store.events_of(world.org, action["id"]))]
    assert kinds == ["action.denied"]


def test_the_faults_of_parameters_are_told_by_path_when_submitted_and_when_read_again(world: World) -> None:
    action = world.submit("agent", "note.take", {"text": [SECRET]})
    assert action["faults"]
    assert world.get("agent", f"/v1/actions/{action['id']}").json()["faults"] == action["faults"]


HEADERS = [
    ("no content type", {"Content-Type": ""}, 400, "bad_request"),
    ("another content type", {"Content-Type": "text/plain"}, 400, "bad_request"),
    ("another charset", {"Content-Type": "application/json; charset=latin-1"}, 400, "bad_request"),
    ("a length that is a lie", {"Content-Length": "99999999999999999999999"}, 413, "body_too_large"),
    ("a length beyond the limit", {"Content-Length": "1048577"}, 413, "body_too_large"),
    ("an idempotency key beyond ASCII", {"Idempotency-Key": "ä"}, 400, "bad_request"),
    ("an idempotency key without end", {"Idempotency-Key": "k" * 256}, 400, "bad_request"),
]


@pytest.mark.parametrize(
    ("headers", "status", "code"), [case[1:] for case in HEADERS], ids=[case[0] for case in HEADERS]
)
def test_headers_that_make_no_sense_are_refused(world: World, headers: dict[str, str], status: int, code: str) -> None:
    sent = {key: value.encode("latin-1") for key, value in headers.items()}
    response = world.post("agent", "/v1/actions", content=_action(), headers=sent)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_a_body_in_pieces_is_counted_as_it_arrives(world: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    response = world.post("agent", "/v1/actions", content=pieces())
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert response.headers["connection"] == "close"


def test_a_body_in_pieces_within_the_limit_is_read_whole(world: World) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for index in range(0, len(_action()), 7):
            yield _action()[index : index + 7]

    assert world.post("agent", "/v1/actions", content=pieces()).status_code == 201


QUERIES = [
    ("GET", "/v1/actions?nonsense=1", 400, "unknown_field"),
    ("GET", "/v1/actions?limit=1&limit=2", 400, "bad_request"),
    ("GET", "/v1/actions?limit=0", 400, "wrong_type"),
    ("GET", "/v1/actions?limit=many", 400, "wrong_type"),
    ("GET", "/v1/actions?state=" + SECRET, 400, "wrong_type"),
    ("GET", "/v1/actions?before=" + SECRET, 400, "wrong_type"),
    ("GET", f"/v1/actions/{NOWHERE}?wait=61", 400, "wrong_type"),
    ("GET", f"/v1/actions/{NOWHERE}?wait=-1", 400, "wrong_type"),
    ("POST", "/v1/actions?dry=1", 400, "unknown_field"),
    ("GET", "/v1/checkpoints/consistency", 400, "missing_field"),
    ("GET", "/v1/checkpoints/consistency?old=2&new=1", 400, "wrong_type"),
    ("GET", "/v1/checkpoints/consistency?old=1&new=100000", 400, "wrong_type"),
    ("GET", "/v1/audit/events?type=" + SECRET, 400, "wrong_type"),
    ("GET", "/v1/audit/events?after=-1", 400, "wrong_type"),
    ("GET", "/v1/health?x=1", 400, "unknown_field"),
    ("GET", "/openapi.json?x=1", 400, "unknown_field"),
]


@pytest.mark.parametrize(("method", "path", "status", "code"), QUERIES)
def test_a_query_that_makes_no_sense_is_refused(world: World, method: str, path: str, status: int, code: str) -> None:
    response = world.send("admin", method, path, {} if method == "POST" else None)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert SECRET not in response.text


@pytest.mark.parametrize(
    ("sizes", "where"), [("old=2&new=1", "?old"), ("old=1&new=100000", "?new"), ("old=0&new=1", "?old")]
)
def test_sizes_that_no_tree_has_are_named_as_they_were_given(world: World, sizes: str, where: str) -> None:
    world.note()
    assert world.get("admin", f"/v1/checkpoints/consistency?{sizes}").json()["path"] == where


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/actions"), ("POST", "/v1/api-keys"), ("GET", "/v1/actions")]
)
def test_a_content_type_that_is_given_twice_is_refused(world: World, method: str, path: str) -> None:
    headers = [(b"authorization", b"Bearer " + world.key("admin").encode())]
    headers += [(b"content-type", b"application/json"), (b"content-type", b"application/json")]
    response = world.run(world.client.request(method, path, headers=headers))
    assert (response.status_code, response.json()["code"]) == (400, "bad_request")


REVIEW = {"verdict": "approve", "digest": "d", "view_digest": "v"}
KEY = {"name": "n", "kind": "agent"}
FIELDS: list[tuple[str, object, str, str]] = [
    (f"/v1/actions/{NOWHERE}/execute", {}, "missing_field", "$.digest"),
    (f"/v1/actions/{NOWHERE}/execute", {"digest": 1}, "wrong_type", "$.digest"),
    (f"/v1/actions/{NOWHERE}/execute", {"digest": "d", SECRET: 1}, "unknown_field", "$"),
    (f"/v1/actions/{NOWHERE}/execute", [SECRET], "wrong_type", "$"),
    (f"/v1/actions/{NOWHERE}/execute", None, "malformed_json", "$"),
    (f"/v1/actions/{NOWHERE}/outcome", {"lease": "x", "succeeded": "true"}, "wrong_type", "$.succeeded"),
    (f"/v1/actions/{NOWHERE}/outcome", {"lease": "x", "succeeded": 1}, "wrong_type", "$.succeeded"),
    (f"/v1/actions/{NOWHERE}/cancel", {"why": SECRET}, "unknown_field", "$"),
    (f"/v1/actions/{NOWHERE}/resolve", {"succeeded": True, "reason": ""}, "reason_required", "$.reason"),
    (f"/v1/approvals/{NOWHERE}/reviews", {**REVIEW, "verdict": SECRET}, "wrong_type", "$.verdict"),
    (f"/v1/approvals/{NOWHERE}/reviews", {**REVIEW, "reviewer": SECRET}, "unknown_field", "$"),
    ("/v1/api-keys", {**KEY, "kind": SECRET}, "wrong_type", "$.kind"),
    ("/v1/api-keys", {**KEY, "roles": [SECRET]}, "wrong_type", "$.roles"),
    ("/v1/api-keys", {**KEY, "roles": ["agent", 1]}, "wrong_type", "$.roles[1]"),
    ("/v1/api-keys", {**KEY, "lifetime": 2**52}, "wrong_type", "$.lifetime"),
    ("/v1/api-keys", {**KEY, "lifetime": 0}, "wrong_type", "$.lifetime"),
    ("/v1/api-keys", {**KEY, "name": ""}, "wrong_type", "$.name"),
    ("/v1/api-keys", {**KEY, "org": SECRET}, "unknown_field", "$"),
]


@pytest.mark.parametrize(("path", "body", "code", "where"), FIELDS)
def test_a_field_that_does_not_fit_is_named_by_its_path(
    world: World, path: str, body: object, code: str, where: str
) -> None:
    content = b"" if body is None else json.dumps(body).encode()
    response = world.post("admin", path, content=content)
    assert (response.status_code, response.json()["code"], response.json().get("path")) == (400, code, where)
    assert SECRET not in response.text


def test_a_number_beyond_2_53_is_refused_in_every_body(world: World) -> None:
    response = world.post("admin", "/v1/api-keys", content=b'{"name":"n","kind":"agent","lifetime":9007199254740993}')
    assert response.json()["code"] == "number_out_of_range"


def test_a_request_without_a_body_takes_an_empty_object(world: World) -> None:
    action = world.note()
    assert world.post("agent", f"/v1/actions/{action['id']}/cancel", {}).json()["status"] == "cancelled"


def test_a_permit_that_has_expired_is_refused_and_recorded(world: World) -> None:
    action = world.note()
    permit = world.post(
        "agent", f"/v1/actions/{action['id']}/permit", {"digest": action["digest"], "audience": "t"}
    ).json()
    world.clock.advance(61)
    response = world.post("agent", f"/v1/permits/{permit['jti']}/consume", {"digest": action["digest"]})
    assert (response.status_code, response.json()["code"]) == (409, "expired_permit")
    kinds = [row.type for row in world.run(world.core.store.events_of(world.org, action["id"]))]
    assert kinds[-1] == "permit.refused"


def _revoked(world: World) -> str:
    made = _made(world, lifetime=None)
    assert world.post("admin", f"/v1/api-keys/{made[0]}/revoke").status_code == 200
    return made[1]


def _expired(world: World) -> str:
    made = _made(world, lifetime=10)
    world.clock.advance(11)
    return made[1]


def _made(world: World, *, lifetime: int | None) -> tuple[str, str]:
    body = {"name": "short", "kind": "agent", **({"lifetime": lifetime} if lifetime else {})}
    made = world.post("admin", "/v1/api-keys", body).json()
    return made["id"], made["key"]


def _mistyped(world: World) -> str:
    return world.key("agent")[:-1] + "!"


def _foreign(world: World) -> str:
    return world.core.secrets.new_api_key()


CREDENTIALS: list[tuple[str, Callable[[World], str]]] = [
    ("revoked", _revoked),
    ("expired", _expired),
    ("mistyped", _mistyped),
    ("foreign", _foreign),
]


@pytest.mark.requirement("R09")
@pytest.mark.parametrize("make", [case[1] for case in CREDENTIALS], ids=[case[0] for case in CREDENTIALS])
def test_a_key_that_is_not_good_looks_like_every_other_such_key(world: World, make: Callable[[World], str]) -> None:
    key = make(world)
    response = world.get(None, "/v1/actions", headers={"Authorization": f"Bearer {key}"})
    assert response.status_code == 401
    body = response.json()
    assert body["code"] == "invalid_credential"
    assert body["detail"] == "The key is missing, unknown, revoked or expired, or it belongs to another agent."
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert key not in response.text + world.log.text
    refused = world.run(world.core.store.events(world.core.installation))
    assert [row.type for row in refused] == ["access.refused"]


def test_a_key_of_another_scope_gets_a_denied_action(world: World) -> None:
    async def scoped() -> str:
        admin = await authenticate(world.core, key=world.key("admin"), agent=None, source="test")
        wanted = KeyWanted(name="scoped", kind=Kind.AGENT, action_types=("files.*",))
        return (await create_key(world.core, admin, wanted)).secret

    headers = {"Authorization": f"Bearer {world.run(scoped())}"}
    response = world.post(None, "/v1/actions", content=_action(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (201, "action_not_allowed_for_key")

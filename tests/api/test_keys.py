"""Keys over HTTP: shown once, listed without themselves, revoked at once."""

from tests.api.world import World


def test_a_new_key_works_and_is_shown_once(world: World) -> None:
    made = world.post(
        "admin", "/v1/api-keys", {"name": "bot", "kind": "agent", "action_types": ["note.*"], "lifetime": 60}
    )
    assert made.status_code == 201
    key = made.json()["key"]
    assert world.get(None, "/v1/actions", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    listed = world.get("admin", "/v1/api-keys")
    assert key not in listed.text
    entry = next(one for one in listed.json()["keys"] if one["name"] == "bot")
    assert key.removeprefix("aaf_live_").startswith(entry["hint"])
    assert entry["principal"] | {"id": ""} == {"id": "", "kind": "agent", "name": "bot", "roles": ["agent"]}
    assert (entry["action_types"], entry["expires_at"]) == (["note.*"], "2023-11-14T22:14:20.000000Z")


def test_a_second_key_belongs_to_the_same_principal(world: World) -> None:
    one = world.post("admin", "/v1/api-keys", {"name": "bot", "kind": "agent"}).json()
    two = world.post("admin", "/v1/api-keys", {"name": "bot", "kind": "agent"}).json()
    assert one["principal"] == two["principal"]
    assert one["id"] != two["id"]


def test_a_revoked_key_is_good_no_longer_and_cannot_be_revoked_again(world: World) -> None:
    key = world.keys["other"].record.id
    assert world.post("admin", f"/v1/api-keys/{key}/revoke").json() == {"id": key, "revoked": True}
    assert world.get("other", "/v1/actions").status_code == 401
    again = world.post("admin", f"/v1/api-keys/{key}/revoke")
    assert (again.status_code, again.json()["code"]) == (409, "revoked_credential")
    revoked = next(one for one in world.get("admin", "/v1/api-keys").json()["keys"] if one["id"] == key)
    assert revoked["revoked_at"] is not None

"""Planted secrets are looked for, in every form, in whatever anybody but the target could have seen."""

import base64
import json
import os
import string
import urllib.parse
from random import Random

import pytest

from aaf.domain.redaction import MASK, Values
from tests.adapters.upstream import Heard, Says
from tests.outgoing.world import LOGIN, PIN, SECRET, TYPED, World

FOREIGN = "ghp_" + "".join(Random(5).choices(string.ascii_letters + string.digits, k=36))
"""A credential that the firewall doesn't hold."""
PLANTED = (FOREIGN, SECRET, LOGIN, LOGIN.partition(":")[2], base64.b64encode(LOGIN.encode()).decode(), PIN, TYPED)


def echo(heard: Heard) -> Says:
    """Says in every form what it was sent, and more that is nobody's business."""
    sent = heard.headers.get("authorization", "").partition(" ")[2]
    raw = sent.encode()
    told = {
        "sent": sent,
        "encoded": [raw.hex(), base64.b64encode(raw).decode(), urllib.parse.quote(sent, safe="")],
        "again": json.dumps(json.dumps(sent)),
        "pin": PIN,
    }
    headers = (("Location", f"/?{sent}"), ("X-Request-Id", raw.hex()), ("Set-Cookie", f"id={sent}"), ("X-Other", sent))
    return Says(json.dumps(told).encode(), headers=headers)


def every_way(world: World) -> None:
    """Every way in which a secret comes in or could come back."""
    world.server.says |= {
        "/echo": echo,
        "/moved": lambda heard: Says(
            status=302, headers=(("Location", f"http://169.254.169.254/{heard.headers['authorization']}"),)
        ),
        "/gone": Says(status=0),
        "/text": lambda heard: Says(f"you are {heard.headers['authorization']}".encode() + b"\xff", 500),
    }
    for name in ("http.get", "bank.get"):
        for path in ("/echo", "/moved", "/gone", "/text"):
            world.submit(name, path, run=True)
    for secret in ({"Authorization": TYPED}, {"X-Api-Key": TYPED}, {"Cookie": TYPED}):
        assert world.submit("http.get", "/echo", headers=secret)["code"] == "credential_in_request"
    assert world.submit("http.get", f"/echo?password={TYPED}")["code"] == "credential_in_request"
    held = world.submit("pay.post", f"/gone?ref={FOREIGN}", headers={"X-Note": FOREIGN})
    assert held["status"] == "pending_approval", held["code"]
    assert FOREIGN not in json.dumps(world.ask("ann", "GET", f"/v1/approvals/{held['id']}"))
    for path in ("/echo", "/gone"):
        held = world.submit("pay.post", path, json={"pin": PIN, "password": PIN, "to": "ann", "note": FOREIGN})
        assert held["status"] == "pending_approval"
        world.approve(held)
        world.execute(held)


@pytest.mark.requirement("R07")
@pytest.mark.attack("G32", guard="aaf.domain.redaction:Values.clean", without="tests.attacks.without:second_argument")
@pytest.mark.attack("G32", guard="aaf.adapters.connectors.http_request:_without_credentials")
def test_no_secret_is_in_anything_that_anybody_sees(world: World) -> None:
    every_way(world)
    sent = [one.headers.get("authorization") for one in world.server.heard]
    login = "Basic " + base64.b64encode(LOGIN.encode()).decode()
    assert sent == [f"Bearer {SECRET}"] * 4 + [login] * 4 + [f"Bearer {SECRET}"] * 2
    assert PIN.encode() in world.server.heard[-1].body  # what is hidden is still what runs
    values = Values(PLANTED)
    for where, data in world.everything().items():
        assert not values.found(data), (where, values.clean(data)[:2000])


@pytest.mark.requirement("R08")
def test_what_a_person_approves_is_what_is_sent(world: World) -> None:
    world.server.says["/pay"] = Says(b"paid", 201)
    held = world.submit("pay.post", "/pay", json={"to": "ann"})
    assert world.server.heard == []
    world.approve(held)
    ran = world.execute(held)
    assert (ran["status"], ran["result"]["status"], ran["result"]["body"]) == ("succeeded", 201, "paid")
    assert [one.body for one in world.server.heard] == [b'{"to":"ann"}']


def test_a_result_shows_that_something_was_taken_out(world: World) -> None:
    world.server.says["/echo"] = echo
    result = world.execute(world.submit("http.get", "/echo"))["result"]
    told = json.loads(result["body"])
    assert (told["sent"], told["pin"]) == (MASK, MASK)
    assert all(one == MASK for one in told["encoded"][:1])
    assert "set-cookie" not in result["headers"]
    assert "x-other" not in result["headers"]


@pytest.mark.requirement("R07")
def test_the_server_has_no_secret_in_its_environment(world: World) -> None:
    assert not [name for name in os.environ if name.startswith("AAF_SECRET_")]
    world.server.says["/echo"] = echo
    assert world.execute(world.submit("bank.get", "/echo"))["status"] == "succeeded"


@pytest.mark.requirement("R06")
def test_a_secret_that_is_replaced_is_used_from_the_next_request_on(world: World) -> None:
    from aaf.bootstrap import sealed_secrets
    from aaf.settings import Settings

    world.server.says["/echo"] = echo
    store = sealed_secrets(Settings(data=world.folder), create=False)
    world.execute(world.submit("http.get", "/echo"))
    store.put("shop_key", "the next key of the shop")
    world.execute(world.submit("http.get", "/echo"))
    store.remove("shop_key")
    ran = world.execute(world.submit("http.get", "/echo"))
    assert (ran["status"], ran["code"]) == ("failed", "secret_unavailable")
    sent = [one.headers["authorization"] for one in world.server.heard]
    assert sent == [f"Bearer {SECRET}", "Bearer the next key of the shop"]


@pytest.mark.requirement("R08")
def test_a_destination_has_a_rate_of_its_own(world: World) -> None:
    world.server.says["/echo"] = Says()
    codes = [world.submit("http.get", "/echo")["code"] for _ in range(21)]
    assert codes == ["rule"] * 20 + ["rate_limited"]
    assert world.submit("bank.get", "/echo")["code"] == "rule"

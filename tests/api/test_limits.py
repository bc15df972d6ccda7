"""Limits over HTTP: who uses how much now, and when an action that one denied may come back."""

import pytest

from aaf.adapters.loading import InPlace
from aaf.adapters.system import SystemIds
from aaf.services.releases import activate
from tests.api.world import World, configuration

PAY = b"""\
name: pay.send
class: payment
risk: medium
description: Pay somebody.
input:
  type: object
  additionalProperties: false
  required: [amount]
  properties:
    amount: {type: string, maxLength: 20}
    currency: {type: string, default: EUR}
amount: {value: params.amount, currency: params.currency}
effect: caller
"""
LIMITS = b"""
  rates:
    - {name: notes, per: [action, agent], match: {tool: note}, rate: 6/h, burst: 2, enforce: policy}
    - {name: doors, per: organisation, match: {class: other}, rate: 100/h, burst: 100}
  spend:
    - {name: payments, per: agent, match: {tool: pay}, ceiling: "100.00", currency: EUR, window: 1h}
"""
RULE = b"""
  - name: payments
    match: {tool: pay}
    decision: allow
"""


@pytest.fixture
def limited(world: World) -> World:
    files = configuration()
    files["actions/pay.send.yaml"] = PAY
    main = files["aaf.yaml"].replace(b"\nrules:", b"\nrules:" + RULE)
    head, _, rest = main.partition(b"\nlimits:\n")
    first, _, more = rest.partition(b"\n")
    files["aaf.yaml"] = head + b"\nlimits:\n" + first + LIMITS + more
    done = activate(world.core.store, SystemIds(), InPlace(), org=world.org, files=files, author="x", message="y")
    world.run(done)
    return world


@pytest.mark.requirement("R20")
def test_limits_are_listed_with_what_is_used(limited: World) -> None:
    limited.note()
    paid = limited.submit("agent", "pay.send", {"amount": "30.50"})
    assert paid["status"] == "allowed"
    listed = limited.get("approver", "/v1/limits").json()["limits"]
    assert [one["name"] for one in listed] == ["agent", "notes", "doors", "payments"]
    _, notes, doors, payments = listed
    who = {"per": "agent", "id": limited.id("agent"), "name": "agent"}
    assert notes == {
        "kind": "rate",
        "name": "notes",
        "per": ["action", "agent"],
        "match": {"tool": ["note"], "operation": [], "class": []},
        "enforce": "policy",
        "over": "deny",
        "rate": "6/h",
        "burst": 2,
        "uses": [
            {
                "subject": [{"per": "action", "id": "note.take", "name": "note.take"}, who],
                "remaining": 1,
                "frees_at": "2023-11-14T22:23:20.000000Z",
            }
        ],
    }
    assert (doors["over"], doors["uses"][0]["subject"]) == (
        None,
        [{"per": "organisation", "id": limited.org, "name": "everybody"}],
    )
    assert payments["ceilings"] == {"EUR": "100.00"}
    assert payments["window"] == 3600
    assert payments["uses"] == [
        {
            "subject": [who],
            "currency": "EUR",
            "reserved": "30.50",
            "committed": "0.00",
            "remaining": "69.50",
            "frees_at": None,
        }
    ]


@pytest.mark.requirement("R20")
def test_what_was_committed_says_when_it_leaves_the_window(limited: World) -> None:
    paid = limited.submit("agent", "pay.send", {"amount": "30.50"})
    body = {"digest": paid["digest"], "audience": "shop"}
    permit = limited.post("agent", f"/v1/actions/{paid['id']}/permit", body).json()
    limited.post("agent", f"/v1/permits/{permit['jti']}/consume", {"digest": paid["digest"]})
    (use,) = limited.get("admin", "/v1/limits").json()["limits"][3]["uses"]
    assert (use["reserved"], use["committed"], use["frees_at"]) == ("0.00", "30.50", "2023-11-14T23:13:20.000000Z")
    denied = limited.submit("agent", "pay.send", {"amount": "70.00"})
    assert (denied["status"], denied["code"], denied["retry_after"]) == ("denied", "spend_exceeded", 3600)


@pytest.mark.requirement("R20")
def test_a_denied_action_says_when_to_come_back_and_names_no_limit(limited: World) -> None:
    for _ in range(2):
        assert limited.note()["retry_after"] is None
    denied = limited.note()
    assert (denied["status"], denied["code"], denied["retry_after"]) == ("denied", "rate_limited", 600)
    assert "notes" not in str(denied)
    read = limited.get("agent", f"/v1/actions/{denied['id']}").json()
    assert read["retry_after"] == 600


@pytest.mark.parametrize("who", ["agent", "viewer"])
def test_limits_are_not_for_everybody(limited: World, who: str) -> None:
    refused = limited.get(who, "/v1/limits")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")

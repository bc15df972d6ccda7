"""Events, checks, export, checkpoints and packs over HTTP."""

import hashlib
import io
import json
import zipfile

import pytest

from aaf.domain.chain import chain_next, genesis
from aaf.domain.merkle import leaf_hash
from tests.api.world import World


def test_events_are_the_recorded_bytes_in_order_and_in_pages(world: World) -> None:
    action = world.note()
    first = world.get("auditor", "/v1/audit/events?limit=3").json()
    second = world.get("auditor", f"/v1/audit/events?limit=1000&after={first['next']}").json()
    events = first["events"] + second["events"]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert second["next"] is None
    rows = world.run(world.core.store.events(world.org))
    assert [event["body"] for event in events] == [json.loads(row.body) for row in rows]
    assert events[-1]["body"]["action"] == action["id"]


def test_the_chain_can_be_recomputed_from_the_bytes_that_were_sent(world: World) -> None:
    world.note()
    response = world.get("auditor", "/v1/audit/events?limit=1")
    body = response.content.partition(b'"body":')[2].removesuffix(b'}],"next":1}')
    chain = chain_next(world.org, 1, genesis(world.org), leaf_hash(body))
    assert response.json()["events"][0]["chain"] == chain.hex()


@pytest.mark.requirement("R40")
def test_events_can_be_asked_for_by_action_and_by_type(world: World) -> None:
    action, _ = world.mail(), world.note()
    world.answer("approver", action["id"], "reject", "No")
    of_action = world.get("auditor", f"/v1/audit/events?action={action['id']}").json()["events"]
    assert [event["body"]["type"] for event in of_action] == ["action.pending_approval", "action.rejected"]
    of_family = world.get("auditor", "/v1/audit/events?type=key.").json()["events"]
    assert {event["body"]["type"] for event in of_family} == {"key.created"}
    of_type = world.get("auditor", "/v1/audit/events?type=action.allowed").json()["events"]
    assert [event["body"]["type"] for event in of_type] == ["action.allowed"]


@pytest.mark.requirement("R26")
def test_a_check_of_the_ledger_finds_nothing_wrong(world: World) -> None:
    world.note()
    report = world.get("auditor", "/v1/audit/verify").json()
    head = world.run(world.core.store.head(world.org))
    assert (report["ok"], report["bad"], report["size"], report["root"]) == (True, None, head.size, head.root.hex())


def test_the_export_has_a_header_and_every_event(world: World) -> None:
    world.note()
    response = world.get("auditor", "/v1/audit/export")
    header, *lines = response.text.splitlines()
    assert response.headers["content-type"].startswith("text/plain")
    assert "attachment" in response.headers["content-disposition"]
    assert json.loads(header)["size"] == len(lines)
    assert json.loads(lines[-1].split(" ", 2)[2])["type"] == "ledger.exported"


def test_a_checkpoint_is_signed_and_the_next_one_continues_it(world: World) -> None:
    world.note()
    old = world.get("agent", "/v1/checkpoints/latest").json()
    world.note()
    new = world.get("agent", "/v1/checkpoints/latest").json()
    assert old["note"].splitlines()[:2] == [old["origin"], str(old["size"])]
    assert old["vkey"].startswith(old["origin"])
    assert new["size"] == old["size"] + 1
    proof = world.get("agent", f"/v1/checkpoints/consistency?old={old['size']}&new={new['size']}").json()
    assert (proof["old"], proof["new"]) == (old["size"], new["size"])
    assert all(len(bytes.fromhex(one)) == 32 for one in proof["proof"])


@pytest.mark.requirement("R32")
def test_a_proof_pack_is_a_zip_of_what_its_manifest_says(world: World) -> None:
    action = world.mail(password="hunter2")
    world.answer("approver", action["id"], "reject", "No")
    response = world.get("agent", f"/v1/proof-pack/{action['id']}")
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as pack:
        manifest = json.loads(pack.read("manifest.json"))
        assert manifest["action"] == action["id"]
        for name, digest in manifest["files"].items():
            assert hashlib.sha256(pack.read(name)).hexdigest() == digest
        everything = b"".join(pack.read(name) for name in pack.namelist())
    assert b"hunter2" not in everything
    assert b"bob@example.org" in everything


def test_a_reviewers_pack_does_not_disclose_what_they_may_not(world: World) -> None:
    action = world.mail()
    with zipfile.ZipFile(io.BytesIO(world.get("approver", f"/v1/proof-pack/{action['id']}").content)) as pack:
        everything = b"".join(pack.read(name) for name in pack.namelist())
    assert b"bob@example.org" not in everything

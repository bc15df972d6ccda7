"""Proof packs, as the offline verifier reads them."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from aaf.domain.errors import Code, NotFound, NotPermitted, Unavailable
from aaf.domain.principal import Kind
from aaf.domain.record import ActionRecord
from aaf.services import actions
from aaf.services.ledger import checkpoint
from aaf.services.permits import consume, issue, report
from aaf.services.proof import proof_pack
from tests.services.test_actions import unknown
from tests.services.world import FILES, World, edited, make, refused


def pack(world: World, record: ActionRecord, by: str = "bot") -> bytes:
    return world.run(proof_pack(world.core, world.caller(by), record.id))


def disclosed(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        found = json.loads(opened.read("disclosures.json"))
    assert isinstance(found, dict)
    return found


def values(data: bytes) -> dict[str, Any]:
    """Field → value; the last one where several events have the field."""
    return {name.partition("/")[2]: one["value"] for name, one in disclosed(data)["fields"].items()}


def unpacked(data: bytes) -> str:
    """Everything that a pack says."""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return "".join(opened.read(name).decode() for name in opened.namelist())


def executed(world: World) -> ActionRecord:
    record = world.write("new\n", context={"ticket": "T-1"})
    world.approve(record, reason="fine")
    return world.execute(record).record


@pytest.mark.requirement("R32")
def test_the_pack_of_a_whole_story_verifies_offline(either: World) -> None:
    record = executed(either)
    data = pack(either, record)
    done = either.verify(data, "--require-end", "--json")
    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["verdict"], verdict["open"]) == (0, "proven", False)
    assert values(data) == {
        "context": {"ticket": "T-1"},
        "params.content": "new\n",
        "params.create": True,
        "params.overwrite": True,
        "params.path": "a.txt",
        "reason": "fine",
        "result": {
            "bytes": 4,
            "created": False,
            "sha256": "7aa7a5359173d05b63cfd682e3c38487f3cb4f7f1d60659fe59fab1505977d4c",
        },
    }
    action = disclosed(data)["action"]["value"]
    assert (action["tool"], action["operation"], action["params"]["content"]) == ("files", "write", "new\n")


@pytest.mark.requirement("R32")
@pytest.mark.parametrize(
    "end", ["denied", "rejected", "cancelled", "unknown", "unknown type", "quorum", "round two", "permit", "closed"]
)
def test_every_kind_of_story_verifies_offline(world: World, end: str) -> None:
    match end:
        case "denied":
            record = world.submit("files.read", {"path": 1, "x": "y"}).record
        case "rejected":
            record = world.reject(world.write())
        case "cancelled":
            record = world.cancel(world.write())
        case "unknown":
            record = unknown(world)
        case "unknown type":
            record = world.submit("mail.send", {"to": "x"}, context={"a": [1, None]}).record
        case "quorum":
            record = world.payment("250.00")
            world.approve(record, reason="one")
            world.approve(record, by="ben", reason="two")
        case "round two":
            record = world.write()
            world.approve(record, reason="first")
            world.configure(edited("aaf.yaml", ("quorum: 1", "quorum: 2")))
            with refused(Code.REQUIREMENT_CHANGED):
                world.execute(record)
            world.approve(world.record(record), reason="second")
        case "permit":
            record = world.payment()
            made = world.run(issue(world.core, world.bot, record.id, digest=record.digest, audience="me"))
            world.run(consume(world.core, world.bot, made.permit.jti, digest=record.digest))
            world.run(
                report(
                    world.core, world.bot, record.id, lease=made.permit.jti, succeeded=True, result={"reference": "r"}
                )
            )
        case _:
            record = unknown(world)
            world.run(actions.resolve(world.core, world.admin, record.id, succeeded=True, reason="r"))
    done = world.verify(pack(world, record), "--json")
    assert done.returncode == 0, done.stdout
    assert world.verify(pack(world, record, by="admin")).returncode == 0


@pytest.mark.requirement("R32")
def test_an_open_action_is_proven_as_open(world: World) -> None:
    record = world.write()
    done = world.verify(pack(world, record), "--json")
    assert (done.returncode, json.loads(done.stdout)["open"]) == (0, True)
    assert world.verify(pack(world, record), "--require-end").returncode == 1


@pytest.mark.requirement("R32")
def test_a_pack_of_another_installation_does_not_verify_here(world: World, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = make(tmp_path / "other", memory=True)
    assert other.verify(pack(world, executed(world))).returncode == 1
    other.close()


def test_every_reason_of_every_round_is_disclosed_with_its_own_event(world: World) -> None:
    record = world.payment("250.00")
    world.approve(record, reason="one")
    world.approve(record, by="ben", reason="two")
    found = disclosed(pack(world, record))["fields"]
    assert [one["value"] for name, one in found.items() if name.endswith("/reason")] == ["one", "two"]


def test_that_a_pack_was_made_is_recorded_before_it_is_made(either: World) -> None:
    record = executed(either)
    data = pack(either, record, by="admin")
    (body,) = either.bodies("proof.exported")
    assert (body["about"], body["actor"], body["data"]) == (
        record.id,
        either.admin.principal.actor,
        {"disclosed": True},
    )
    assert '"type":"proof.exported"' in unpacked(data)


@pytest.mark.requirement("R32")
def test_who_may_read_proofs_and_not_values_gets_no_values(either: World) -> None:
    record = executed(either)
    data = pack(either, record, by="ann")
    assert disclosed(data) == {"action": None, "fields": {}}
    assert either.verify(data, "--require-end").returncode == 0
    either.add("eve", Kind.USER, "auditor")
    assert values(pack(either, record, by="eve"))["params.content"] == "new\n"


def test_another_agent_s_action_and_none_look_alike(world: World) -> None:
    world.add("bot2", Kind.AGENT)
    record = executed(world)
    for action in (record.id, "0195b3c4-0000-7000-8000-00000000dead"):
        with world.unrecorded(), refused(Code.NOT_FOUND, NotFound):
            world.run(proof_pack(world.core, world.caller("bot2"), action))


def test_a_viewer_gets_no_proof(world: World) -> None:
    world.add("looker", Kind.USER, "viewer")
    with refused(Code.PERMISSION_DENIED, NotPermitted):
        pack(world, executed(world), by="looker")


@pytest.mark.parametrize("by", ["bot", "admin"])
@pytest.mark.parametrize("later", ["same", "no longer secret", "type is gone"])
def test_a_declared_secret_is_never_disclosed(world: World, by: str, later: str) -> None:
    record = world.submit("pay.send", {"to": "shop", "amount": "20.00", "pin": "PIN-4711"}).record
    match later:
        case "no longer secret":
            world.configure(edited("actions/pay.send.yaml", ("secret: [params.pin]\n", "")))
        case "type is gone":
            rules = FILES["aaf.yaml"].decode()
            without = (
                rules[: rules.index("  - name: small-payments")]
                + rules[rules.index("approvals: {approvers: [role:approver, role:admin]") :]
            )
            world.configure(
                {**{name: data for name, data in FILES.items() if "pay" not in name}, "aaf.yaml": without.encode()}
            )
        case _:
            pass
    data = pack(world, record, by=by)
    assert "PIN-4711" not in unpacked(data)
    assert disclosed(data)["action"] is None
    assert values(data) == {"params.amount": "20.00", "params.currency": "EUR", "params.to": "shop"}
    assert world.verify(data).returncode == 0


def test_what_became_secret_later_is_not_disclosed_either(world: World) -> None:
    world.configure(edited("actions/pay.send.yaml", ("secret: [params.pin]\n", "")))
    record = world.submit("pay.send", {"to": "shop", "amount": "20.00", "pin": "PIN-4711"}).record
    assert values(pack(world, record))["params.pin"] == "PIN-4711"
    world.configure(FILES)
    assert "PIN-4711" not in unpacked(pack(world, record))


def test_parameters_that_a_schema_refused_are_not_disclosed_where_it_has_secrets(world: World) -> None:
    record = world.submit("pay.send", {"to": 1, "amount": "20.00", "pin": "PIN-4711"}).record
    data = pack(world, record)
    assert "PIN-4711" not in unpacked(data)
    assert world.verify(data).returncode == 0


def test_a_pack_waits_for_the_checkpoint_that_covers_it(filed: World) -> None:
    record, twin = executed(filed), filed.twin()
    assert twin.run(checkpoint(twin.core, twin.org)) is not None
    with refused(Code.STORE_BUSY, Unavailable):
        pack(filed, record)
    filed.clock.advance(16)
    assert filed.verify(pack(filed, record)).returncode == 0
    twin.close()


def test_a_result_that_was_erased_is_left_out(filed: World) -> None:
    record = executed(filed)
    with filed.sql() as database:
        database.execute("DELETE FROM sealed WHERE name = 'result'")
    assert "result" not in values(pack(filed, record))

"""G19: an entry rewritten, the whole chain recomputed, the signing key swapped; found offline, with the entry named."""

import base64
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import aaf_verify
from aaf.adapters.keys import KeyRing
from aaf.domain.chain import chain_next, genesis
from aaf.domain.merkle import leaf_hash
from aaf.domain.pack import export_header, export_line
from aaf.services.ledger import export, verifier_key
from aaf.services.proof import proof_pack
from tests.services.world import World
from tests.verify import forge

Verdict = Callable[[World, bytes], dict[str, object]]


@pytest.fixture
def verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verdict:
    """Verify in this process, so that a guard of the verifier can be taken out; what came of it, and the first bad entry."""

    def verify(world: World, data: bytes) -> dict[str, object]:
        (tmp_path / "given").write_bytes(data)
        (tmp_path / "keys").write_text(verifier_key(world.core, world.org) + "\n")
        status = aaf_verify.main(["--key", str(tmp_path / "keys"), "--json", str(tmp_path / "given")])
        lines = json.loads(capsys.readouterr().out)["checks"]
        bad = [line for line in lines if line["result"] == "false"]
        return {"status": status, "check": bad[0]["check"] if bad else None, "seq": bad[0].get("seq") if bad else None}

    return verify


def told(world: World) -> list[bytes]:
    """A short story, as its bodies."""
    record = world.write()
    world.approve(record)
    world.execute(record)
    return [row.body for row in world.events()]


def exported(world: World) -> list[bytes]:
    async def read() -> bytes:
        return b"".join([part async for part in await export(world.core, world.admin)])

    return world.run(read()).splitlines(keepends=True)


def rewritten(world: World, lines: list[bytes], seq: int, old: bytes, new: bytes) -> bytes:
    """The export with one body changed and every chain value recomputed."""
    assert old in lines[seq]
    chain, done = genesis(world.org), [lines[0]]
    for number, line in enumerate(lines[1:], start=1):
        body = line[:-1].split(b" ", 2)[2]
        body = body.replace(old, new) if number == seq else body
        chain = chain_next(world.org, number, chain, leaf_hash(body))
        done.append(export_line(number, chain, body))
    return b"".join(done)


@pytest.mark.attack("G19", guard="aaf_verify:_Ledger._compare")
def test_a_rewritten_entry_with_the_whole_chain_recomputed_is_found(world: World, verdict: Verdict) -> None:
    told(world)
    lines = exported(world)
    approved = next(number for number, line in enumerate(lines) if b'"action.approved"' in line)
    assert verdict(world, b"".join(lines))["status"] == 0
    found = verdict(world, rewritten(world, lines, approved, b'"verdict":"approve"', b'"verdict":"reject!"'))
    assert (found["status"], found["check"]) == (1, "root")


@pytest.mark.attack("G19", guard="aaf_verify:is_included", without="tests.attacks.without:returns_true")
def test_a_rewritten_event_in_a_pack_with_a_new_manifest_is_found_and_named(world: World, verdict: Verdict) -> None:
    record = world.write()
    world.reject(record)
    data = world.run(proof_pack(world.core, world.bot, record.id))
    assert verdict(world, data)["status"] == 0
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        files = {name: opened.read(name) for name in opened.namelist() if name != "manifest.json"}
    name = next(name for name, body in files.items() if b'"action.rejected"' in body)
    files[name] = files[name].replace(b'"verdict":"reject"', b'"verdict":"accept"')
    manifest = json.loads(forge.manifest(files)) | {
        "action": record.id,
        "org": world.org,
        "origin": world.core.origin(world.org),
    }
    found = verdict(world, forge.zipped({**files, "manifest.json": forge.jcs(manifest)}))
    assert (found["status"], found["seq"]) == (1, int(name[7:27]))


@pytest.mark.attack("G19", guard="aaf_verify:verify_signature", without="tests.attacks.without:returns_true")
def test_a_ledger_that_another_key_signed_is_found(world: World, verdict: Verdict) -> None:
    told(world)
    lines = exported(world)
    note = json.loads(lines[0])["checkpoints"][-1]
    text, _, line = note.rpartition("\n\n")
    head, _, signature = line.rpartition(" ")
    raw = base64.b64decode(signature)
    other = KeyRing.fresh().signer("log").sign(f"{text}\n".encode())
    forged = f"{text}\n\n{head} {base64.b64encode(raw[:4] + other).decode()}\n"
    header = export_header(
        org=world.org, origin=world.core.origin(world.org), size=len(lines) - 1, checkpoints=[forged]
    )
    assert verdict(world, header + b"".join(lines[1:]))["check"] == "checkpoints"

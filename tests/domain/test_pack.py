"""Proof packs and ledger exports: pinned members, deterministic bytes, bounded size."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import aaf_verify
from aaf.domain.canonical import MAX_DEPTH, Json
from aaf.domain.errors import Code, InputRefused
from aaf.domain.merkle import leaf_hash, verify_inclusion
from aaf.domain.note import parse_checkpoint, split_note
from aaf.domain.pack import EXPORT_FORMAT, build_pack, export_header, export_line, proof_text

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "pack.json").read_text(encoding="utf-8")
)


def pack_of(**changed: Any) -> bytes:
    parts: dict[str, Any] = {name: VECTOR[name] for name in ("org", "origin", "action", "note", "vkey", "disclosures")}
    parts["transitions"] = [(seq, body.encode()) for seq, body in VECTOR["transitions"]]
    parts["related"] = [(seq, body.encode()) for seq, body in VECTOR["related"]]
    parts["proofs"] = {int(seq): [bytes.fromhex(part) for part in path] for seq, path in VECTOR["proofs"].items()}
    return build_pack(**(parts | changed))


def members_of(pack: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


@pytest.mark.requirement("R32")
def test_pinned_pack() -> None:
    """The deflated bytes are zlib's own affair; what they hold is pinned member by member."""
    members = members_of(pack_of())
    assert list(members) == VECTOR["members"]
    files = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    manifest = json.loads(members["manifest.json"])
    del files["manifest.json"]
    assert manifest["files"] == files
    del files["VERIFY.md"]
    assert files == VECTOR["files"]
    assert {name: manifest[name] for name in ("action", "org", "origin", "format")} == {
        "action": VECTOR["action"],
        "org": VECTOR["org"],
        "origin": VECTOR["origin"],
        "format": "aaf-proof-pack/1",
    }


def test_the_pinned_proofs_prove_the_events() -> None:
    checkpoint = parse_checkpoint(split_note(VECTOR["note"])[0])
    for seq, body in (*VECTOR["transitions"], *VECTOR["related"]):
        path = [bytes.fromhex(part) for part in VECTOR["proofs"][str(seq)]]
        leaf = leaf_hash(body.encode())
        assert verify_inclusion(index=seq - 1, size=checkpoint.size, leaf=leaf, path=path, root=checkpoint.root) is None


def test_the_same_pack_has_the_same_bytes_in_whatever_order_it_is_given() -> None:
    proofs = {int(seq): [bytes.fromhex(part) for part in path] for seq, path in VECTOR["proofs"].items()}
    backwards = [(seq, body.encode()) for seq, body in reversed(VECTOR["transitions"])]
    assert pack_of(transitions=backwards, proofs=dict(reversed(proofs.items()))) == pack_of()


def test_members_are_deflated_dated_1980_and_carry_nothing_else() -> None:
    with zipfile.ZipFile(io.BytesIO(pack_of())) as archive:
        assert archive.comment == b""
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_DEFLATED
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert (info.extra, info.comment, info.flag_bits) == (b"", b"", 0)
            assert info.external_attr >> 16 == 0o100644


def test_a_proof_ends_in_exactly_the_checkpoint() -> None:
    members = members_of(pack_of())
    proof = members["proofs/00000000000000000001.tlog-proof"].decode()
    assert proof == proof_text(0, [bytes.fromhex(part) for part in VECTOR["proofs"]["1"]], VECTOR["note"])
    assert proof.endswith("\n\n" + members["checkpoint.txt"].decode())
    assert proof.startswith("c2sp.org/tlog-proof@v1\nindex 0\n")


def test_a_proof_in_a_tree_of_one_leaf_has_no_hashes() -> None:
    assert proof_text(0, [], "note") == "c2sp.org/tlog-proof@v1\nindex 0\n\nnote"


def test_the_deepest_action_that_the_door_takes_can_be_disclosed() -> None:
    params: Json = {}
    for _ in range(MAX_DEPTH - 2):
        params = {"a": params}
    value: Json = {"params": params}
    disclosures: Json = {"action": {"salt": "", "value": value}, "fields": {}}
    assert json.loads(members_of(pack_of(disclosures=disclosures))["disclosures.json"]) == disclosures


def test_the_text_for_people_names_the_command() -> None:
    text = members_of(pack_of())["VERIFY.md"].decode()
    assert text == (Path(__file__).parent.parent / "vectors" / "VERIFY.md").read_text(encoding="utf-8")
    assert "python aaf_verify.py --key KEYFILE PACK.zip" in text


@pytest.mark.parametrize(
    "changed",
    [
        {"proofs": {}},
        {"proofs": {1: [], 2: [], 3: [], 4: [], 5: []}},
        {"related": [(1, b"{}")]},
        {"transitions": [(1, b"{}"), (1, b"{}"), (2, b"{}"), (3, b"{}")]},
        {"disclosures": {}},
        {"disclosures": {"action": None, "fields": {}, "more": 1}},
    ],
)
def test_a_pack_that_does_not_fit_together_is_a_bug_of_the_caller(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"every event of a pack|disclosures are"):
        pack_of(**changed)


@pytest.mark.parametrize(
    ("count", "size"),
    [(2_498, 2), (2, 33 * 2**20)],
)
def test_a_pack_that_no_verifier_would_take_is_refused(count: int, size: int) -> None:
    related = [(seq, b" " * size) for seq in range(4, 4 + count)]
    proofs: dict[int, list[bytes]] = {seq: [] for seq in range(1, 4 + count)}
    with pytest.raises(InputRefused) as caught:
        pack_of(related=related, proofs=proofs)
    assert caught.value.code is Code.RESULT_TOO_LARGE


def test_the_header_of_an_export_says_what_follows() -> None:
    line = export_header(org=VECTOR["org"], origin=VECTOR["origin"], size=4, checkpoints=[VECTOR["note"]])
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "checkpoints": [VECTOR["note"]],
        "first": 1,
        "format": EXPORT_FORMAT,
        "org": VECTOR["org"],
        "origin": VECTOR["origin"],
        "size": 4,
    }


def test_a_line_of_an_export_is_number_chain_and_body() -> None:
    assert export_line(12, bytes(32), b'{"v":1}') == b"12 " + b"0" * 64 + b' {"v":1}\n'


@pytest.mark.requirement("R32")
def test_the_offline_verifier_proves_the_pinned_pack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The verifier was written from docs/formats.md alone, so that both agree means that both read it alike."""
    pack, keys = tmp_path / "pack.zip", tmp_path / "keys"
    pack.write_bytes(pack_of())
    keys.write_text(VECTOR["vkey"] + "\n", encoding="utf-8")
    assert aaf_verify.main(["--key", str(keys), str(pack)]) == 0, capsys.readouterr().out


def test_disclosures_that_no_verifier_would_take_are_refused() -> None:
    with pytest.raises(InputRefused) as caught:
        pack_of(disclosures={"action": None, "fields": {"a/b": {"salt": "0" * 64, "value": "x" * 16 * 2**20}}})
    assert caught.value.code is Code.RESULT_TOO_LARGE

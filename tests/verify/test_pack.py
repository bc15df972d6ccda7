"""Proof packs: what is proven, and that no change of one is."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

import aaf_verify
from tests.verify import forge
from tests.verify.conftest import Verify

STORY = forge.history()
MEMBERS = STORY[0].members(STORY[1], STORY[2], **forge.disclosures())
FIRST, SECOND, THIRD, LAST = STORY[1]
CHECKPOINT_SIZE = len(STORY[0].bodies)


def made(change: Callable[[forge.Log], object], **members: Any) -> bytes:
    """Return a pack that an insider with the log's key made from a changed ledger."""
    log = STORY[0].copy()
    change(log)
    return forge.pack(log.members(STORY[1], STORY[2], **forge.disclosures()), **members)


def with_members(**changed: bytes | None) -> bytes:
    """Return a pack with members replaced or taken out, and a manifest that fits."""
    files = {name: data for name, data in (MEMBERS | changed).items() if data is not None}
    return forge.pack(files)


SMALL = 700
KEYS, _ = aaf_verify.read_keys(STORY[0].vkey())


def judge(data: bytes, report: aaf_verify.Report | None = None) -> str:
    """Verify without files and process, for many packs in one test."""
    return aaf_verify.verify_pack(data, KEYS, report or aaf_verify.Report(), org=None, ended=False)


def changed(data: bytes, at: int) -> bytes:
    """Return the bytes with one changed: a digit to the next, so that a number or a hash keeps its form, others by one bit."""
    digits = b"0123456789abcdef"
    found = digits.find(data[at])
    value = data[at] ^ 1 if found < 0 else digits[(found + 1) % len(digits)]
    return data[:at] + bytes([value]) + data[at + 1 :]


def places(data: bytes) -> list[int]:
    """Return every place of a small member; of a larger one both ends and every fifth between."""
    ends = range(len(data)) if len(data) <= SMALL else (*range(64), *range(len(data) - 64, len(data)))
    return sorted({*ends, *range(0, len(data), 5)})


@pytest.mark.requirement("R32")
def test_a_good_pack_is_proven_with_every_check_named(verify: Verify) -> None:
    verdict = verify(forge.pack(MEMBERS), "--org", forge.ORG, "--require-end")
    report = json.loads(verdict.out)
    assert (verdict.status, report["verdict"], report["open"]) == (0, "proven", False)
    assert [line["check"] for line in report["checks"] if line["result"] == "proved"] == [
        "members", "manifest", "text", "checkpoint", "inclusion", "event", "event", "event", "event", "transitions", "end",
        "digest", "related", "disclosures",
    ]  # fmt: skip
    assert [line["seq"] for line in report["checks"] if line["check"] == "event"] == STORY[1]
    assert [line["check"] for line in report["checks"] if line["result"] == "not asked"] == ["anchor"]
    assert f"the action {forge.ACTION} ended succeeded" in report["sentence"]


def test_a_stored_zip_and_an_anchor_that_nobody_asked_for_are_taken(verify: Verify) -> None:
    files = MEMBERS | {"anchor/org-checkpoint.tlog-proof": b"anything"}
    packed = forge.zipped({**files, "manifest.json": forge.manifest(files)}, method=0)
    assert verify(packed).status == 0


@pytest.mark.parametrize(
    "states",
    [
        ("denied",),
        ("allowed", "executing", "unknown", "failed"),
        ("allowed", "lapsed"),
        ("pending_approval", "rejected"),
        ("pending_approval", "approved", "pending_approval", "approved", "executing", "failed"),
        ("pending_approval", "expired"),
        ("pending_approval", "approved", "cancelled"),
    ],
    ids=" ".join,
)
def test_every_way_that_an_action_can_end_is_proven(verify: Verify, states: tuple[str, ...]) -> None:
    log, events, related = forge.history(states)
    verdict = verify(forge.pack(log.members(events, related)), "--require-end")
    assert verdict.status == 0
    assert f"ended {states[-1]}" in verdict.sentence


@pytest.mark.parametrize(
    "states", [("pending_approval",), ("allowed", "executing"), ("allowed", "executing", "unknown")]
)
def test_an_open_action_is_proven_and_said_to_be_open(verify: Verify, states: tuple[str, ...]) -> None:
    log, events, _ = forge.history(states)
    data = forge.pack(log.members(events))
    verdict = verify(data)
    assert verdict.status == 0
    assert f"open as of checkpoint {len(log.bodies)}" in verdict.sentence
    assert json.loads(verdict.out)["open"] is True
    refused = verify(data, "--require-end")
    assert (refused.status, refused.false["check"]) == (1, "end")


def test_a_pack_that_leaves_out_the_end_is_never_said_to_have_ended(verify: Verify) -> None:
    data = forge.pack(STORY[0].members(STORY[1][:-1], STORY[2], **forge.disclosures()))
    verdict = verify(data)
    assert "open as of checkpoint" in verdict.sentence
    assert verify(data, "--require-end").status == 1


@pytest.mark.attack("G19", guard="aaf_verify:_Pack.manifest")
@pytest.mark.requirement("R32")
@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_one_changed_byte_in_a_member_is_found(verify: Verify, name: str) -> None:
    files = {**MEMBERS, "manifest.json": forge.manifest(MEMBERS)}
    data = files[name]
    for at in sorted({0, len(data) // 3, len(data) // 2, len(data) - 2, len(data) - 1}):
        verdict = verify(forge.zipped({**files, name: changed(data, at)}))
        assert (verdict.status, verdict.false["check"], name in verdict.false["text"]) == (1, "manifest", True)


@pytest.mark.attack("G19")
def test_one_changed_byte_in_the_manifest_is_found_at_every_place() -> None:
    manifest = forge.manifest(MEMBERS)
    for at in range(len(manifest)):
        with pytest.raises((aaf_verify.Disproved, aaf_verify.Unusable)):
            judge(forge.zipped({**MEMBERS, "manifest.json": changed(manifest, at)}, method=0))


GUARDS = {
    "VERIFY.md": "aaf_verify:_Pack.text",
    "disclosures.json": ("aaf_verify:_Pack._field", "aaf_verify:_Pack._action"),
    "events": "aaf_verify:is_included",
    "proofs": "aaf_verify:is_included",
    "related": "aaf_verify:is_included",
}
"""What finds a changed byte where the manifest was rebuilt; without it the pack has to be taken."""


def with_guard(name: str) -> object:
    """Return the case of a member with the guard that the member has for itself."""
    guard = GUARDS.get(name, GUARDS.get(name.partition("/")[0]))
    without = "tests.attacks.without:returns_true" if guard == "aaf_verify:is_included" else None
    return pytest.param(name, marks=pytest.mark.attack("G19", guard=guard, without=without))


@pytest.mark.parametrize("name", [with_guard(name) for name in sorted(MEMBERS)])
def test_one_changed_byte_is_found_with_a_rebuilt_manifest_too(name: str) -> None:
    manifest, was = forge.manifest(MEMBERS), hashlib.sha256(MEMBERS[name]).hexdigest().encode()
    for at in places(MEMBERS[name]):
        data, report = changed(MEMBERS[name], at), aaf_verify.Report()
        rebuilt = manifest.replace(was, hashlib.sha256(data).hexdigest().encode())
        with pytest.raises(aaf_verify.Disproved):
            judge(forge.zipped({**MEMBERS, name: data, "manifest.json": rebuilt}, method=0), report)
        false = [line for line in report.lines if line.result is aaf_verify.Result.FALSE]
        assert len(false) == 1
        assert false[0].check != "manifest"
        if name.startswith(("events/", "proofs/", "related/")):
            assert false[0].seq == int(name.split("/")[1][:20])


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_a_missing_member_is_found(verify: Verify, name: str) -> None:
    manifest = forge.manifest(MEMBERS)
    files = {key: data for key, data in MEMBERS.items() if key != name}
    verdict = verify(forge.zipped({**files, "manifest.json": manifest}))
    assert (verdict.status, verdict.false["text"]) == (1, f"{name} is missing")
    rebuilt = verify(forge.pack(files))
    assert (rebuilt.status, rebuilt.false["check"] in {"members", "transitions"}) == (1, True)


def test_a_member_that_the_manifest_does_not_name_is_found(verify: Verify) -> None:
    files = {**MEMBERS, "manifest.json": forge.manifest(MEMBERS), "anchor/more": b""}
    assert verify(forge.zipped(files)).false["text"] == "anchor/more is not in the manifest"


def test_an_event_that_is_both_a_transition_and_related_is_found(verify: Verify) -> None:
    number = f"{LAST:020d}"
    verdict = verify(with_members(**{f"related/{number}.json": MEMBERS[f"events/{number}.json"]}))
    assert verdict.false["text"] == f"event {LAST} is both a transition and related"


@pytest.mark.attack("G19", guard="aaf_verify:Story.follow")
@pytest.mark.parametrize("left_out", [FIRST, SECOND, THIRD])
def test_a_transition_that_was_left_out_is_named(verify: Verify, left_out: int) -> None:
    log, events, related = STORY
    verdict = verify(forge.pack(log.members([seq for seq in events if seq != left_out], related)))
    missing = events.index(left_out) + 1
    assert (verdict.status, verdict.false["check"], verdict.false["seq"]) == (1, "transitions", events[missing])
    assert f"transition {missing} of the action is missing" in verdict.false["text"]


def test_a_pack_without_a_transition_proves_nothing(verify: Verify) -> None:
    assert verify(forge.pack(STORY[0].members([]))).false["text"] == "there is no transition of the action"


def test_an_event_under_another_number_is_found(verify: Verify) -> None:
    one, two = (f"{seq:020d}" for seq in (SECOND, THIRD))
    swapped = {
        f"events/{one}.json": MEMBERS[f"events/{two}.json"],
        f"events/{two}.json": MEMBERS[f"events/{one}.json"],
    }
    assert verify(with_members(**swapped)).false["seq"] == SECOND
    proofs = {
        f"proofs/{one}.tlog-proof": MEMBERS[f"proofs/{two}.tlog-proof"],
        f"proofs/{two}.tlog-proof": MEMBERS[f"proofs/{one}.tlog-proof"],
    }
    assert (
        verify(with_members(**swapped, **proofs)).false["text"]
        == f"event {SECOND} is not the entry {SECOND} of the signed tree"
    )


def test_a_proof_that_ends_in_another_checkpoint_is_found(verify: Verify) -> None:
    """An earlier note of the same log is good by itself, but it is not the pack's."""
    name = f"proofs/{FIRST:020d}.tlog-proof"
    head = MEMBERS[name].partition(b"\n\n")[0]
    for proof in (head + b"\n\n" + STORY[0].note(FIRST).encode(), head, head + b"\n\n", b"", b"\n\n"):
        verdict = verify(with_members(**{name: proof}))
        assert "does not end in exactly checkpoint.txt" in verdict.false["text"]


@pytest.mark.parametrize(
    "head",
    [
        "c2sp.org/tlog-proof@v1",
        "c2sp.org/tlog-proof@v2\nindex 3\n{hash}",
        "c2sp.org/tlog-proof@v1\nindex 03\n{hash}",
        "c2sp.org/tlog-proof@v1\nindex -3\n{hash}",
        "c2sp.org/tlog-proof@v1\nindex 99\n{hash}",
        "c2sp.org/tlog-proof@v1\nindex " + "9" * 5000,
        "c2sp.org/tlog-proof@v1\nindex 3\n{hash}",
        "c2sp.org/tlog-proof@v1\nindex 3",
        "c2sp.org/tlog-proof@v1\nindex 3\n" + "{hash}\n" * 70 + "{hash}",
        "c2sp.org/tlog-proof@v1\nindex 3\n!",
        "c2sp.org/tlog-proof@v1\nindex 3\nAAAA",
        "c2sp.org/tlog-proof@v1\nindex 3\n{hash}AAAA",
        "c2sp.org/tlog-proof@v1\nindex 3\n" + "A" * 44,
        "c2sp.org/tlog-proof@v1\nindex 3\nextra AAAA\n{hash}",
        "\x00\xff",
    ],
)
def test_a_proof_of_another_shape_is_found(verify: Verify, head: str) -> None:
    text = head.replace("{hash}", base64.b64encode(bytes(32)).decode())
    proof = text.encode() + b"\n\n" + MEMBERS["checkpoint.txt"]
    verdict = verify(with_members(**{f"proofs/{FIRST:020d}.tlog-proof": proof}))
    assert (verdict.status, verdict.false["check"], verdict.false["seq"]) == (1, "inclusion", FIRST)


def test_every_proof_of_every_tree_verifies_and_no_other_index_does() -> None:
    for size in range(1, 34):
        leaves = [hashlib.sha256(bytes([n])).digest() for n in range(size)]
        root = forge.tree(leaves)
        for index in range(size):
            path = forge.path(index, leaves)
            assert aaf_verify.is_included(leaves[index], index, size, path, root)
            assert not aaf_verify.is_included(leaves[index], index, size, [*path, root], root)
            assert not aaf_verify.is_included(leaves[index], index, size, path[:-1], root) or not path
            assert not any(
                aaf_verify.is_included(leaves[index], other, size, path, root)
                for other in range(size + 2)
                if other != index
            )


@pytest.mark.parametrize(
    ("members", "check", "text"),
    [
        ({"org": forge.OTHER_ORG}, "inclusion", "of the organisation"),
        ({"data": {"digest": "0" * 64}}, "transitions", "another action was judged or run"),
        ({"data": {}}, "inclusion", "digest"),
        ({"data": {"digest": 1}}, "inclusion", "digest"),
        ({"data": []}, "inclusion", "no object"),
        ({"commit": []}, "inclusion", "no object"),
        ({"commit": {"params.a": "x"}}, "inclusion", "no hash"),
        ({"final": True}, "inclusion", "type or final"),
        ({"final": 0}, "inclusion", "type or final"),
        ({"type": "action.approved"}, "inclusion", "type or final"),
        ({"state": "approved", "type": "action.approved"}, "inclusion", "no action moves from approved to approved"),
        ({"state": "succeeded", "type": "action.succeeded", "final": True}, "inclusion", "no action moves"),
        ({"from": "submitted"}, "inclusion", "no action moves from submitted to executing"),
        ({"from": "allowed"}, "transitions", "it moves from allowed, but the action was approved"),
        ({"from": ["allowed"]}, "inclusion", "no action moves"),
        ({"state": ["executing"]}, "inclusion", "no action moves"),
        ({"state": None}, "inclusion", "no action moves"),
        ({"action_seq": 4}, "transitions", "transition 3 of the action is missing"),
        ({"action_seq": 2}, "transitions", "transition 3 of the action is missing"),
        ({"action_seq": "3"}, "inclusion", "action_seq"),
        ({"action_seq": True}, "inclusion", "action_seq"),
        ({"action": forge.OTHER_ACTION}, "transitions", f"no transition of the action {forge.ACTION}"),
        ({"action": forge.ACTION.upper()}, "inclusion", "its action"),
        ({"actor": "agent:"}, "inclusion", "actor"),
        ({"actor": f"root:{forge.AGENT}"}, "inclusion", "actor"),
        ({"actor": None}, "inclusion", "actor"),
        ({"id": "1"}, "inclusion", "its id"),
        ({"id": forge.ident(0x10000 + 101)}, "inclusion", "the id of another event"),
        ({"ts": -1}, "inclusion", "time"),
        ({"ts": "1"}, "inclusion", "time"),
        ({"type": "action"}, "inclusion", "type"),
        ({"v": 2}, "inclusion", "version 1"),
        ({"v": True}, "inclusion", "version 1"),
        ({"about": forge.ACTION}, "inclusion", "missing or unknown"),
        ({"extra": 1}, "inclusion", "missing or unknown"),
        ({"data": {"digest": "0" * 64, "x": 0.5}}, "inclusion", "no number"),
    ],
)
def test_an_event_of_another_form_is_named_though_the_log_signed_it(
    verify: Verify, members: dict[str, Any], check: str, text: str
) -> None:
    verdict = verify(made(lambda log: log.edit(THIRD, **members)))
    assert (verdict.status, verdict.false["check"], verdict.false["seq"]) == (1, check, THIRD)
    assert text in verdict.false["text"]


@pytest.mark.parametrize(
    "members",
    [
        {"about": forge.OTHER_ACTION},
        {"about": None},
        {"about": "x"},
        {"type": "action.allowed"},
        {"action": forge.ACTION},
    ],
    ids=str,
)
def test_a_related_event_that_is_not_about_the_action_is_named(verify: Verify, members: dict[str, Any]) -> None:
    related = STORY[2][0]
    verdict = verify(made(lambda log: log.edit(related, **members)))
    assert (verdict.status, verdict.false["seq"]) == (1, related)


def test_a_transition_in_the_place_of_a_related_event_is_named(verify: Verify) -> None:
    log, events, _ = STORY
    verdict = verify(forge.pack(log.members(events, [events[0] + 1])))
    assert (verdict.false["check"], verdict.false["seq"]) == ("related", events[0] + 1)


def test_an_event_about_nothing_is_not_related(verify: Verify) -> None:
    verdict = verify(forge.pack(STORY[0].members(STORY[1], [1])))
    assert (verdict.false["check"], verdict.false["seq"]) == ("related", 1)


def test_a_body_in_another_writing_of_the_same_value_is_named(verify: Verify) -> None:
    def respace(log: forge.Log) -> None:
        log.bodies[THIRD - 1] = json.dumps(json.loads(log.bodies[THIRD - 1])).encode()

    assert verify(made(respace)).false["text"] == f"event {THIRD}: not in canonical form"


@pytest.mark.attack("G19", guard="aaf_verify:verify_signature", without="tests.attacks.without:returns_true")
def test_a_pack_signed_by_another_key_under_the_name_of_yours_is_false(verify: Verify) -> None:
    log = STORY[0].copy()
    log.edit(THIRD, ts=1)
    note = log.note()
    forged = forge.under_the_name_of(log.private, note, forge.key(2)).encode()
    files = log.members(STORY[1], STORY[2], **forge.disclosures())
    files = {name: data.replace(note.encode(), forged) for name, data in files.items()}
    verdict = verify(forge.pack(files))
    assert (verdict.status, verdict.false["check"]) == (1, "checkpoint")
    assert "carries a bad signature" in verdict.false["text"]


@pytest.mark.attack("G19")
def test_a_pack_signed_by_another_key_is_false_whatever_key_it_brings(verify: Verify) -> None:
    def swap(log: forge.Log) -> None:
        log.private = forge.key(2)

    verdict = verify(made(swap))
    assert (verdict.status, verdict.false["check"]) == (1, "checkpoint")
    assert "not by a key in your key file" in verdict.false["text"]


def test_a_pack_that_names_another_key_than_yours_is_false(verify: Verify) -> None:
    other = forge.vkey(forge.ORIGIN, forge.key(2)).encode()
    for text in (other, MEMBERS["keys/log.vkey"] + other, b"", b"\xff"):
        assert "keys/log.vkey" in verify(with_members(**{"keys/log.vkey": text})).false["text"]


def test_the_range_of_tree_sizes_of_a_key_counts(verify: Verify) -> None:
    data, key = forge.pack(MEMBERS), STORY[0].vkey()
    size = CHECKPOINT_SIZE
    for limit in (f"1-{size}", f"{size}-", f"{size}-{size}", "0-"):
        assert verify(data, keys=[f"{key} {limit}"]).status == 0
    for limit in (f"1-{size - 1}", f"{size + 1}-"):
        assert "other tree sizes" in verify(data, keys=[f"{key} {limit}"]).false["text"]
    assert verify(data, keys=[f"{key} 1-2 # the first", "# and", "", f"  {key} 3-  # the second"]).status == 0


def test_a_key_of_another_name_does_not_count(verify: Verify) -> None:
    """The same public key as a witness of another name: the log's own line is missing, the witness's is good and not enough."""
    log = STORY[0]
    text, witness = log.note().rpartition("\n\n")[0] + "\n", "witness.example/w"
    note = f"{text}\n{forge.signature_line(text, witness, log.private)}".encode()
    files = {
        name: data.replace(MEMBERS["checkpoint.txt"], note) if name.startswith("proofs/") else data
        for name, data in (MEMBERS | {"checkpoint.txt": note}).items()
    }
    verdict = verify(forge.pack(files), keys=[log.vkey(), forge.vkey(witness, log.private)])
    assert "not signed by a key that you trust" in verdict.false["text"]


def test_signature_lines_of_unknown_keys_are_counted_as_not_checked(verify: Verify) -> None:
    log = STORY[0]
    more = forge.signature_line("other", "witness.example/w", forge.key(5)).encode()
    files = {
        name: data + more if name == "checkpoint.txt" or name.startswith("proofs/") else data
        for name, data in MEMBERS.items()
    }
    verdict = verify(forge.pack(files))
    assert verdict.status == 0
    assert ("signatures", "not checked") in {(c["check"], c["result"]) for c in json.loads(verdict.out)["checks"]}
    spoilt = verify(forge.pack(files), keys=[log.vkey(), forge.vkey("witness.example/w", forge.key(5))])
    assert "carries a bad signature of witness.example/w" in spoilt.false["text"]


@pytest.mark.parametrize(
    "change",
    [
        lambda note: b"\xff" + note,
        lambda note: note.replace(b"\n\n", b"\n"),
        lambda note: note.replace(b"\n\n", b"\nmore\n\n"),
        lambda note: note[:-1],
        lambda note: note.partition(b"\n\n")[0] + b"\n\n",
        lambda note: note.replace(b"\n13\n", b"\n013\n"),
        lambda note: note.replace(b"\n13\n", b"\n-13\n"),
        lambda note: note.replace(b"\n13\n", b"\n" + b"9" * 5000 + b"\n"),
        lambda note: note.replace(b"=\n\n", b"\n\n"),
        lambda note: note.replace(b"=\n\n", b"AAAA=\n\n"),
        lambda note: note.replace("\u2014 ".encode(), b"- "),
        lambda note: note.replace("\u2014 ".encode(), "\u2014  ".encode()),
        lambda note: note[:-1] + b" more\n",
        lambda note: note + b"\n",
        lambda note: note + "\u2014 a AAAA\n".encode(),
        lambda note: note + "\u2014 a\x1b AAAAAAAA\n".encode(),
        lambda note: note + "\u2014 a AAAAAAAA\n".encode() * 2,
        lambda note: note + note.partition(b"\n\n")[2],
        lambda note: note + note.partition(b"\n\n")[2][:-8] + b"AAA=\n",
    ],
)
def test_a_checkpoint_of_another_shape_is_false(verify: Verify, change: Callable[[bytes], bytes]) -> None:
    note = change(MEMBERS["checkpoint.txt"])
    assert note != MEMBERS["checkpoint.txt"]
    verdict = verify(with_members(**{"checkpoint.txt": note}))
    assert (verdict.status, verdict.false["check"]) == (1, "checkpoint")
    assert "is no checkpoint" in verdict.false["text"]


def test_another_origin_or_organisation_is_false(verify: Verify) -> None:
    elsewhere = f"aaf/{forge.INSTALLATION}/org/{forge.OTHER_ORG}"
    twin = f"aaf/{forge.ident(5)}/org/{forge.ORG}"
    assert "is not the origin of the organisation" in verify(forge.pack(MEMBERS, origin=elsewhere)).false["text"]
    assert f"not of {twin}" in verify(forge.pack(MEMBERS, origin=twin)).false["text"]
    assert verify(forge.pack(MEMBERS, origin=elsewhere, org=forge.OTHER_ORG)).status == 1
    assert f"not of {forge.OTHER_ORG}" in verify(forge.pack(MEMBERS), "--org", forge.OTHER_ORG).false["text"]


def test_a_pack_of_another_action_is_false(verify: Verify) -> None:
    verdict = verify(forge.pack(MEMBERS, action=forge.OTHER_ACTION))
    assert (verdict.status, verdict.false["check"], verdict.false["seq"]) == (1, "transitions", FIRST)


@pytest.mark.parametrize(
    "members",
    [{"format": "aaf-proof-pack/2"}, {"org": 1}, {"action": "x"}, {"origin": "x"}, {"files": []}, {"more": 1}],
    ids=str,
)
def test_a_manifest_of_another_shape_is_unusable(verify: Verify, members: dict[str, Any]) -> None:
    assert verify(forge.pack(MEMBERS, **members)).status == 2


def test_a_zip_without_a_readable_manifest_is_unusable(verify: Verify) -> None:
    for text in (None, b"", b"{}", b"[]", b'{"a":1,"a":1}', b"[" * 100_000):
        files = dict(MEMBERS) if text is None else {**MEMBERS, "manifest.json": text}
        assert verify(forge.zipped(files)).status == 2


AMOUNT = f"{forge.ident(0x10000 + 101)}/params.amount"
NOTE = f"{forge.ident(0x10000 + 101)}/params.note"


def revealing(**fields: Any) -> bytes:
    """Return a pack whose disclosures have these fields changed, or taken out where None, and a manifest that fits."""
    told = forge.disclosures()
    told["fields"] = {name: item for name, item in {**told["fields"], **fields}.items() if item is not None}
    return with_members(**{"disclosures.json": forge.jcs(told)})


def item(value: Any, salt: bytes = forge.FIELD_SALT) -> dict[str, Any]:
    """Return one disclosure."""
    return {"salt": salt.hex(), "value": value}


@pytest.mark.attack("G19", guard="aaf_verify:_Pack._field")
@pytest.mark.parametrize(
    "told",
    [
        item("120.01"),
        item("120.0"),
        item(120),
        item(None),
        item(["120.00"]),
        item(forge.PARAMS["note"]),
        item("120.00", bytes(32)),
        item("120.00", forge.FIELD_SALT[:-1] + b"\0"),
        item("120.00", forge.ACTION_SALT),
    ],
    ids=str,
)
def test_another_value_or_another_salt_than_the_event_committed_to_is_named(
    verify: Verify, told: dict[str, Any]
) -> None:
    verdict = verify(revealing(**{AMOUNT: told}))
    assert (verdict.status, verdict.false["check"], verdict.false["seq"]) == (1, "disclosures", FIRST)
    assert "committed to another value of params.amount" in verdict.false["text"]


@pytest.mark.attack("G19", guard="aaf_verify:_Pack._field")
def test_a_value_that_is_revealed_for_another_field_is_named(verify: Verify) -> None:
    swapped = {AMOUNT: item(forge.PARAMS["note"]), NOTE: item(forge.PARAMS["amount"])}
    assert verify(revealing(**swapped)).false["check"] == "disclosures"


@pytest.mark.attack("G19", guard="aaf_verify:_Pack._field")
@pytest.mark.parametrize(
    "name",
    [
        f"{forge.ident(0x99999)}/params.amount",
        f"{forge.ident(0x10000)}/params.amount",
        f"{forge.ident(0x10000 + 102)}/params.amount",
        f"{forge.ident(0x10000 + 201)}/params.amount",
        f"{forge.ident(0x10000 + 300)}/params.amount",
        f"{forge.ident(0x10000 + 101)}/params.other",
        f"{forge.ident(0x10000 + 101)}/params",
        f"{forge.ident(0x10000 + 101)}/",
        f"{forge.ident(0x10000 + 101)}//params.amount",
        forge.ident(0x10000 + 101),
        "/params.amount",
        "",
    ],
)
def test_a_value_that_no_event_in_the_pack_committed_to_is_false(verify: Verify, name: str) -> None:
    """The value and the salt are true ones: of an unknown event, one that is not in the pack, another event, another field."""
    verdict = verify(revealing(**{name: item("120.00")}))
    assert (verdict.status, verdict.false["check"]) == (1, "disclosures")
    assert "no event in the pack committed to" in verdict.false["text"]


@pytest.mark.attack("G19", guard="aaf_verify:_Pack._field")
def test_a_value_of_one_event_does_not_fit_another_with_a_field_of_the_same_name(verify: Verify) -> None:
    log = STORY[0].copy()
    log.edit(SECOND, commit={"params.amount": forge.commitment("999.00")})
    told = forge.disclosures()
    second = f"{forge.ident(0x10000 + 102)}/params.amount"
    for value, status in (("999.00", 0), ("120.00", 1)):
        told["fields"][second] = item(value)
        assert verify(forge.pack(log.members(STORY[1], STORY[2], **told))).status == status
    told["fields"] |= {second: item("999.00"), AMOUNT: item("999.00")}
    assert verify(forge.pack(log.members(STORY[1], STORY[2], **told))).false["seq"] == FIRST


def test_what_is_not_revealed_is_not_held_against_a_pack(verify: Verify) -> None:
    verdict = verify(revealing(**{AMOUNT: None}))
    assert verdict.status == 0
    assert f"{len(forge.PARAMS) - 1} values match their commitments" in verdict.out
    told = forge.disclosures()
    rest: list[dict[str, Any]] = [{**told, "action": None}, {**told, "fields": {}}, {"action": None, "fields": {}}]
    for left in rest:
        assert verify(with_members(**{"disclosures.json": forge.jcs(left)})).status == 0


@pytest.mark.attack("G19", guard="aaf_verify:_Pack._action")
@pytest.mark.parametrize(
    "change",
    [
        {"tool": "shell"},
        {"operation": "delete"},
        {"agent": forge.PERSON},
        {"server": "other"},
        {"org": forge.OTHER_ORG},
        {"v": 2},
        {"more": 1},
        {"params": forge.PARAMS | {"amount": "120.01"}},
        {"params": {}},
    ],
    ids=str,
)
def test_an_action_that_was_not_the_one_judged_is_false(verify: Verify, change: dict[str, Any]) -> None:
    told = forge.disclosures()
    told["action"]["value"] |= change
    verdict = verify(with_members(**{"disclosures.json": forge.jcs(told)}))
    assert (verdict.status, verdict.false["check"]) == (1, "disclosures")
    assert "the action that is revealed" in verdict.false["text"]


@pytest.mark.attack("G19", guard="aaf_verify:_Pack._action")
def test_an_action_with_another_salt_or_that_is_none_is_false(verify: Verify) -> None:
    told, action = forge.disclosures(), forge.action_object()
    for whole in (item(action, forge.FIELD_SALT), item("x", forge.ACTION_SALT), item([action], forge.ACTION_SALT)):
        verdict = verify(with_members(**{"disclosures.json": forge.jcs({**told, "action": whole})}))
        assert (verdict.status, verdict.false["check"]) == (1, "disclosures")


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        {"fields": {}},
        {"action": None, "fields": []},
        {"action": None, "fields": {}, "more": 1},
        {"action": None, "fields": {"x": {"salt": "00" * 32, "value": 1}}},
        {"action": None, "fields": {f"{forge.ident(0x10000 + 102)}/params.amount": {"salt": "00" * 32, "value": 1}}},
        {"action": None, "fields": {"x": {"salt": "00" * 32}}},
        {"action": None, "fields": {"x": {"salt": "00", "value": 1}}},
        {"action": None, "fields": {"x": {"salt": 1, "value": 1}}},
        {"action": None, "fields": {"x": 1}},
        {"action": 1, "fields": {}},
    ],
    ids=str,
)
def test_disclosures_of_another_shape_are_false(verify: Verify, told: Any) -> None:
    verdict = verify(with_members(**{"disclosures.json": forge.jcs(told)}))
    assert (verdict.status, verdict.false["check"]) == (1, "disclosures")


def test_more_values_than_an_action_can_have_are_false_before_they_are_decoded(
    verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aaf_verify, "MAX_REVEALED", 2_000)
    for count, text in ((1_900, "committed to another value"), (2_001, "a text of more than 2000 values")):
        assert text in verify(revealing(**{AMOUNT: item([0] * count)})).false["text"]


def test_a_text_of_commas_and_brackets_is_one_value(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends an action full of commas must not make its proof unusable."""
    monkeypatch.setattr(aaf_verify, "MAX_REVEALED", 2_000)
    log, value = STORY[0].copy(), ',[{\\"' * 1_000 + "\\"
    log.edit(FIRST, commit={"params.amount": forge.commitment(value)})
    files = log.members(STORY[1], STORY[2], action=None, fields={AMOUNT: item(value)})
    assert verify(forge.pack(files)).status == 0


def test_a_value_nested_too_deep_is_false(verify: Verify) -> None:
    told = forge.disclosures()
    told["fields"][next(iter(told["fields"]))]["value"] = json.loads("[" * 33 + "]" * 33)
    assert "nested too deep" in verify(with_members(**{"disclosures.json": forge.jcs(told)})).false["text"]


def test_after_the_first_false_check_the_rest_is_named_as_not_checked(verify: Verify) -> None:
    verdict = verify(with_members(**{"checkpoint.txt": b"x"}))
    later = [line["check"] for line in json.loads(verdict.out)["checks"] if line["result"] == "not checked"]
    assert later == ["inclusion", "transitions", "end", "digest", "related", "disclosures"]

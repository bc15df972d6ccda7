"""Signed notes: the specification's own examples, the pinned checkpoint, and everything else refused."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aaf.domain.errors import Code, InputRefused
from aaf.domain.note import (
    MAX_NOTE,
    Checkpoint,
    assemble,
    checkpoint_text,
    key_id,
    parse_checkpoint,
    parse_vkey,
    signature_line,
    split_note,
    vkey,
)

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "checkpoint.json").read_text(encoding="utf-8")
)
KEY = bytes.fromhex(VECTOR["public_key"])
ROOT = bytes.fromhex(VECTOR["root"])

# The example of c2sp.org/signed-note.
C2SP_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3"
    "mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# The example of c2sp.org/tlog-checkpoint.
C2SP_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOA"
    "YQ8=\n"
)


def refused(function: Any, text: str) -> None:
    with pytest.raises(InputRefused) as caught:
        function(text)
    assert caught.value.code is Code.BAD_REQUEST


def test_the_example_of_the_specification_verifies() -> None:
    key = parse_vkey(C2SP_VKEY)
    text, signatures = split_note(C2SP_NOTE)
    assert text == "This is an example message.\n"
    assert [(found.name, found.key_id) for found in signatures] == [(key.name, key.key_id)]
    public = Ed25519PublicKey.from_public_bytes(key.public_key)
    public.verify(signatures[0].raw, text.encode())
    with pytest.raises(InvalidSignature):
        public.verify(signatures[0].raw, text.encode() + b"\n")


def test_the_example_of_the_specification_is_what_we_write() -> None:
    key = parse_vkey(C2SP_VKEY)
    text, signatures = split_note(C2SP_NOTE)
    assert vkey(key.name, key.public_key) == C2SP_VKEY
    assert assemble(text, [signature_line(key.name, key.public_key, signatures[0].raw)]) == C2SP_NOTE


def test_the_example_checkpoint_of_the_specification_is_read() -> None:
    text, signatures = split_note(C2SP_CHECKPOINT)
    assert parse_checkpoint(text) == Checkpoint(
        "example.com/behind-the-sofa", 20852163, base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    )
    assert len(signatures[0].raw) == 64


@pytest.mark.requirement("R26")
def test_pinned_checkpoint() -> None:
    text = checkpoint_text(VECTOR["origin"], VECTOR["size"], ROOT)
    assert text == VECTOR["text"]
    assert key_id(VECTOR["origin"], KEY).hex() == VECTOR["key_id"]
    assert vkey(VECTOR["origin"], KEY) == VECTOR["vkey"]
    signature = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTOR["secret_key"])).sign(text.encode())
    assert signature.hex() == VECTOR["signature"]
    assert assemble(text, [signature_line(VECTOR["origin"], KEY, signature)]) == VECTOR["note"]
    assert parse_checkpoint(split_note(VECTOR["note"])[0]) == Checkpoint(VECTOR["origin"], VECTOR["size"], ROOT)


def test_the_name_and_the_type_are_part_of_a_key_id() -> None:
    assert key_id("a", KEY) != key_id("b", KEY)
    assert len(key_id("a", KEY)) == 4


def test_a_text_may_hold_empty_lines_and_a_note_several_signatures() -> None:
    lines = [signature_line("a", KEY, bytes(64)), "— witness.example AAAAAAA=\n"]
    note = assemble("one\n\ntwo — three\n", lines)
    text, signatures = split_note(note)
    assert text == "one\n\ntwo — three\n"
    assert [(found.name, len(found.raw)) for found in signatures] == [("a", 64), ("witness.example", 1)]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        "text",
        "text\n",
        "text\n\n",
        "text\n\n\n",
        "text\n— a AAAAAAA=\n",
        "text\n\n— a AAAAAAA=",
        "text\n\n— a AAAAAAA=\n\n",
        "text\n\n— a AAAAAAA=\nx\n",
        "text\n\n- a AAAAAAA=\n",
        "text\n\n—a AAAAAAA=\n",
        "text\n\na AAAAAAA=\n",
        "text\n\n— AAAAAAA=\n",
        "text\n\n—  AAAAAAA=\n",
        "text\n\n— a+b AAAAAAA=\n",
        "text\n\n— a\u00a0b AAAAAAA=\n",
        "text\n\n— a\u2028 AAAAAAA=\n",
        "text\n\n— a  AAAAAAA=\n",
        "text\n\n— a AAAAAAA= \n",
        "text\n\n— a AAAAAAA\n",
        "text\n\n— a AAAAAAB=\n",
        "text\n\n— a AAAA_AA=\n",
        "text\n\n— a AAAAAA==\n",
        "text\n\n— a é\n",
        "text\n\n— a \n",
        "text\r\n\n— a AAAAAAA=\n",
        "te\x00xt\n\n— a AAAAAAA=\n",
        "te\tt\n\n— a AAAAAAA=\n",
        "te\ud800t\n\n— a AAAAAAA=\n",
        "x" * MAX_NOTE + "\n\n— a AAAAAAA=\n",
        "é" * (MAX_NOTE // 2) + "\n\n— a AAAAAAA=\n",
    ],
)
def test_what_is_no_note_is_refused(note: str) -> None:
    refused(split_note, note)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n3\n",
        VECTOR["text"][:-1],
        VECTOR["text"] + "\n",
        VECTOR["text"] + "extension\n",
        VECTOR["text"].replace("\n3\n", "\n03\n"),
        VECTOR["text"].replace("\n3\n", "\n+3\n"),
        VECTOR["text"].replace("\n3\n", "\n-3\n"),
        VECTOR["text"].replace("\n3\n", "\n3 \n"),
        VECTOR["text"].replace("\n3\n", "\n\u0663\n"),
        VECTOR["text"].replace("\n3\n", "\n\n"),
        VECTOR["text"].replace("\n3\n", f"\n{10**16}\n"),
        "\n" + VECTOR["text"].partition("\n")[2],
        "a b\n" + VECTOR["text"].partition("\n")[2],
        "origin\n3\nAAAA\n",
        "origin\n3\nno base64\n",
        "origin\n3\n" + base64.b64encode(bytes(33)).decode() + "\n",
        "origin\n3\n" + base64.b64encode(ROOT).decode()[:-2] + "/=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    refused(parse_checkpoint, text)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name",
        "name+00000000",
        C2SP_VKEY + "\n",
        C2SP_VKEY + "+x",
        C2SP_VKEY.replace("530d903a", "530d903b"),
        C2SP_VKEY.replace("530d903a", "530D903A"),
        C2SP_VKEY.replace("example.com/foo", "example.com/fop"),
        C2SP_VKEY.replace("example.com/foo", ""),
        C2SP_VKEY.replace("example.com/foo", "a b"),
        C2SP_VKEY.replace("+Aek", "+Bek"),
        C2SP_VKEY.replace("3U2k", ""),
        C2SP_VKEY[:-1] + "=",
    ],
)
def test_what_is_no_verifier_key_is_refused(line: str) -> None:
    refused(parse_vkey, line)


def test_what_can_not_be_written_is_a_bug_of_the_caller() -> None:
    for origin, size, root in (("", 1, ROOT), ("a b", 1, ROOT), ("a", -1, ROOT), ("a", 10**16, ROOT), ("a", 1, b"")):
        with pytest.raises(ValueError, match="a checkpoint has"):
            checkpoint_text(origin, size, root)
    for name, key in (("", KEY), ("a+b", KEY), ("a\nb", KEY), ("a\x07b", KEY), ("a", KEY[1:])):
        with pytest.raises(ValueError, match="a key has"):
            key_id(name, key)
    with pytest.raises(ValueError, match="64 bytes"):
        signature_line("a", KEY, bytes(63))
    with pytest.raises(ValueError, match="not the signature lines"):
        assemble("text\n", ["\n", signature_line("a", KEY, bytes(64))])
    with pytest.raises(InputRefused):
        assemble("text\n", [])

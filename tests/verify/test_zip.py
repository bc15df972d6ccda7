"""The zip around a pack: whatever is wrong with it is a refusal, never a traceback, and no header is believed."""

import io
import struct
import warnings
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aaf_verify
from tests.verify import forge
from tests.verify.conftest import Verify

LOG, EVENTS, RELATED = forge.history(("denied",))
MEMBERS = LOG.members(EVENTS, RELATED)
PACK = forge.pack(MEMBERS)
KEYS, _ = aaf_verify.read_keys(LOG.vkey())


def written(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    """Zip members in any order, also twice the same."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.comment = comment
            for name, data in members:
                archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return out.getvalue()


def whole() -> list[tuple[str, bytes]]:
    """Return the members of a good pack."""
    return [*MEMBERS.items(), ("manifest.json", forge.manifest(MEMBERS))]


@pytest.mark.parametrize(
    "name",
    [
        "../etc/passwd",
        "/etc/passwd",
        "anchor/..",
        "anchor/../x",
        "..",
        "events\\x",
        "C:x",
        "anchor/",
        "anchor/.x",
        "x",
        "a/b",
        "é",
        "\x1b[2J",
    ],
)
def test_a_name_that_a_pack_cannot_hold_is_refused(verify: Verify, name: str) -> None:
    verdict = verify(written(*whole(), (name, b"")))
    assert verdict.status == 2
    assert verdict.out.isascii()


def test_a_member_that_is_there_twice_is_refused(verify: Verify) -> None:
    verdict = verify(written(*whole(), ("checkpoint.txt", MEMBERS["checkpoint.txt"])))
    assert (verdict.status, "is there twice" in verdict.sentence) == (2, True)


@pytest.mark.parametrize("size", [aaf_verify.MAX_UNPACKED + 1, aaf_verify.MAX_UNPACKED + (1 << 20)])
def test_a_bomb_is_refused_when_the_limit_is_reached(verify: Verify, size: int) -> None:
    verdict = verify(written(("anchor/bomb", bytes(size))))
    assert (verdict.status, "more than 64 MiB" in verdict.sentence) == (2, True)


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("VERIFY.md", 65_536),
        ("checkpoint.txt", 65_536),
        ("disclosures.json", 16 << 20),
        ("keys/log.vkey", 1_024),
        ("manifest.json", 4 << 20),
        (next(name for name in MEMBERS if name.startswith("events/")), 65_536),
        (next(name for name in MEMBERS if name.startswith("related/")), 65_536),
        (next(name for name in MEMBERS if name.startswith("proofs/")), 65_536 + 4_096),
    ],
)
def test_a_member_longer_than_its_limit_is_refused_while_it_unpacks(verify: Verify, name: str, limit: int) -> None:
    assert aaf_verify.read_zip(written((name, bytes(limit)))) == {name: bytes(limit)}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        members = {**dict(whole()), name: bytes(limit + 1)}
        verdict = verify(written(*members.items(), method=method))
        assert (verdict.status, f"{name} is longer than {limit} bytes" in verdict.sentence) == (2, True)


def test_a_manifest_of_very_many_values_is_refused_before_it_is_decoded(verify: Verify) -> None:
    for value in (b"[]", b"{}", b"0"):
        text = b'{"action":[' + b",".join([value] * (aaf_verify.MAX_LISTED + 1)) + b"]}"
        verdict = verify(written(*MEMBERS.items(), ("manifest.json", text)))
        assert (verdict.status, "a text of more than 100000 values" in verdict.sentence) == (2, True)


def test_a_bomb_of_many_members_is_refused(verify: Verify) -> None:
    verdict = verify(written(*[(f"anchor/{n}", bytes(1 << 23)) for n in range(9)]))
    assert (verdict.status, "more than 64 MiB" in verdict.sentence) == (2, True)


def test_a_bomb_that_lies_about_its_size_is_refused(verify: Verify) -> None:
    data = bytearray(written(("anchor/bomb", bytes(1 << 20))))
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, 22, 1)
    struct.pack_into("<I", data, at + 24, 1)
    verdict = verify(bytes(data))
    assert (verdict.status, "is damaged" in verdict.sentence) == (2, True)


def test_too_many_members_are_refused(verify: Verify) -> None:
    verdict = verify(written(*[(f"anchor/{n}", b"") for n in range(aaf_verify.MAX_MEMBERS + 1)]))
    assert (verdict.status, "more than 5000 members" in verdict.sentence) == (2, True)


def test_a_file_larger_than_any_pack_is_refused(verify: Verify) -> None:
    verdict = verify(b"P" + bytes(aaf_verify.MAX_PACKED))
    assert (verdict.status, "is larger than" in verdict.sentence) == (2, True)


def test_other_methods_comments_and_extra_fields_are_refused(verify: Verify) -> None:
    assert verify(written(*whole(), method=zipfile.ZIP_BZIP2)).status == 2
    assert verify(written(*whole(), comment=b"more")).status == 2
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("anchor/x")
        info.extra = b"\x01\x00\x02\x00ab"
        archive.writestr(info, b"")
    assert verify(out.getvalue()).status == 2


def test_an_encrypted_member_is_refused(verify: Verify) -> None:
    data = bytearray(PACK)
    data[data.index(b"PK\x01\x02") + 8] |= 1
    verdict = verify(bytes(data))
    assert (verdict.status, "encrypted" in verdict.sentence) == (2, True)


def test_bytes_before_between_and_after_the_members_are_refused(verify: Verify) -> None:
    directory = PACK.index(b"PK\x01\x02")
    end = len(PACK) - 22
    moved = bytearray(PACK[:directory] + b"more" + PACK[directory:])
    struct.pack_into("<I", moved, len(moved) - 6, directory + 4)
    longer = bytearray(PACK[:end] + b"more" + PACK[end:])
    struct.pack_into("<I", longer, len(longer) - 10, end - directory + 4)
    for data in (b"P" + PACK, PACK + b"\0", bytes(moved), bytes(longer), PACK[:directory] + b"more" + PACK[directory:]):
        assert verify(data).status == 2


def test_a_local_header_that_tells_another_story_is_refused(verify: Verify) -> None:
    for at in (6, 8, 14, 18, 22, 26, 28, 30):
        data = bytearray(PACK)
        data[at] ^= 2
        assert verify(bytes(data)).status == 2, at


def test_a_deflate_stream_that_ends_early_or_late_is_refused(verify: Verify) -> None:
    def forged(packed: bytes, content: bytes) -> bytes:
        crc, name = zlib.crc32(content), b"anchor/x"
        common = (0, 8, 0, 0x21, crc, len(packed), len(content), len(name), 0)
        local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, *common) + name + packed
        entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, *common, 0, 0, 0, 0, 0) + name
        return local + entry + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local), 0)

    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b"content") + packer.flush()
    assert "manifest.json is missing" in verify(forged(packed, b"content")).sentence
    for broken in (packed + b"\0", packed[:-2], b"\xff" + packed):
        assert "damaged" in verify(forged(broken, b"content")).sentence
    assert "damaged" in verify(forged(packed, b"Content")).sentence


def test_a_cut_zip_is_refused_at_every_length(verify: Verify) -> None:
    for length in [*range(1, 60), *range(60, len(PACK), 97), len(PACK) - 1]:
        assert verify(PACK[:length]).status == 2, length


@pytest.mark.parametrize("data", [b"", b"P", b"PK", b"PK\x05\x06" + bytes(18), b"no zip", b"\x1f\x8b", b"\x00" * 1000])
def test_what_is_no_zip_and_no_export_is_unusable(verify: Verify, data: bytes) -> None:
    assert verify(data).status == 2


@settings(deadline=None, max_examples=400)
@given(
    st.lists(st.tuples(st.integers(0, len(PACK) - 1), st.integers(0, 255)), min_size=1, max_size=4), st.integers(0, 40)
)
def test_no_damage_to_the_file_is_proven_or_a_traceback(edits: list[tuple[int, int]], tail: int) -> None:
    data = bytearray(PACK)
    for at, byte in edits:
        data[at] = byte
    data = data[: len(data) - tail] if tail > 30 else data
    report = aaf_verify.Report()
    try:
        aaf_verify.verify_pack(bytes(data), KEYS, report, org=None, ended=True)
    except (aaf_verify.Disproved, aaf_verify.Unusable):
        return
    # What is left are bytes that say nothing: dates, versions, attributes.
    assert aaf_verify.read_zip(bytes(data)) == aaf_verify.read_zip(PACK)

"""The two things that leave for a verifier: the proof pack of one action and the export of a ledger (docs/formats.md sections 6, 8, 10).

Both are written from bytes that the ledger holds, byte for byte, and nothing in them is judged here: that is what the verifier is for. The
zip is laid out here because its bytes have to be the same each time: fixed order, fixed date, no extra fields.
"""

import struct
import zlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256

from aaf.domain.canonical import MAX_DEPTH, Json, canonical
from aaf.domain.errors import Code, InputRefused

PACK_FORMAT = "aaf-proof-pack/1"
EXPORT_FORMAT = "aaf-ledger/1"
MAX_MEMBERS = 5_000
MAX_UNPACKED = 64 * 2**20
MAX_DISCLOSURES = 16 * 2**20
"""Bytes of all members together, unpacked."""

# What an action's parameters may hold at the door stands deeper here: in disclosures.json, "action", "value".
_DISCLOSURES_DEPTH = MAX_DEPTH + 4

VERIFY_TEXT = """\
# How to verify this pack

This pack proves what happened to one action of one organisation. You need Python 3.11 or newer, the file
`aaf_verify.py` (standard library only, nothing to install), and a key file with the log's verifier key that you got
from somewhere other than this pack:

    python aaf_verify.py --key KEYFILE PACK.zip

Exit status 0: everything required is proven. 1: something is false. 2: the pack can't be used.

## What is proven
- Each event is in the log whose signed checkpoint is `checkpoint.txt`, unchanged.
- The action's transitions are complete from the first to the last one in the pack and follow the rules; where the
  last one is not final, the action was open at the time of the checkpoint.
- All transitions speak of the same digest; the values in `disclosures.json` are those that the events commit to.

## What is not proven
- That the log's operator shows everybody the same log: compare the checkpoint with others that you hold, or ask witnesses.
- That what the organisation recorded is true of the world outside, such as the outcome that a connector reported.
- `keys/log.vkey` proves nothing: whoever forges a pack puts a forged key beside it.
- Values that are not disclosed stay hidden behind salted commitments.
"""


def build_pack(
    *,
    org: str,
    origin: str,
    action: str,
    transitions: Sequence[tuple[int, bytes]],
    related: Sequence[tuple[int, bytes]],
    proofs: Mapping[int, Sequence[bytes]],
    note: str,
    vkey: str,
    disclosures: Mapping[str, Json],
) -> bytes:
    """Make the zip.

    Args:
        org: id of the organisation.
        origin: the log's name, as the checkpoint says it.
        action: id of the action.
        transitions: `(seq, body)` of every transition of the action.
        related: `(seq, body)` of the events about it.
        proofs: the inclusion path of each of these, by `seq`, in the tree of the checkpoint.
        note: the signed checkpoint.
        vkey: the log's verifier key.
        disclosures: `{"action": …, "fields": …}` as it shall stand in the pack.

    Raises:
        InputRefused: RESULT_TOO_LARGE, the pack would pass 5,000 members or 64 MiB.
        ValueError: an event is there twice or has no proof, or the disclosures have another shape.
    """
    numbers = [seq for seq, _ in (*transitions, *related)]
    if len(set(numbers)) != len(numbers) or set(numbers) != set(proofs):
        raise ValueError("every event of a pack is there once and has its proof")
    if set(disclosures) != {"action", "fields"}:
        raise ValueError("disclosures are an action and fields")
    members = {
        "VERIFY.md": VERIFY_TEXT.encode(),
        "checkpoint.txt": note.encode(),
        "disclosures.json": canonical(dict(disclosures), max_depth=_DISCLOSURES_DEPTH),
        "keys/log.vkey": f"{vkey}\n".encode(),
    }
    members |= {f"events/{seq:020}.json": body for seq, body in transitions}
    members |= {f"related/{seq:020}.json": body for seq, body in related}
    members |= {
        f"proofs/{seq:020}.tlog-proof": proof_text(seq - 1, path, note).encode() for seq, path in proofs.items()
    }
    files: dict[str, Json] = {name: sha256(content).hexdigest() for name, content in members.items()}
    members["manifest.json"] = canonical(
        {"action": action, "files": files, "format": PACK_FORMAT, "org": org, "origin": origin}
    )
    told = len(members["disclosures.json"])
    if len(members) > MAX_MEMBERS or sum(map(len, members.values())) > MAX_UNPACKED or told > MAX_DISCLOSURES:
        raise InputRefused(
            Code.RESULT_TOO_LARGE,
            "The proof pack of this action is too large.",
            hint="Export the ledger instead; it proves the same.",
        )
    return _zipped(sorted(members.items()))


def proof_text(index: int, path: Sequence[bytes], note: str) -> str:
    """Write a C2SP tlog-proof for the leaf `index`, ending in the checkpoint note."""
    lines = "".join(f"{b64encode(part).decode()}\n" for part in path)
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{lines}\n{note}"


def export_header(*, org: str, origin: str, size: int, checkpoints: Sequence[str]) -> bytes:
    """Write the first line of a ledger export; `checkpoints` are notes in ascending size."""
    header: dict[str, Json] = {
        "checkpoints": list(checkpoints),
        "first": 1,
        "format": EXPORT_FORMAT,
        "org": org,
        "origin": origin,
        "size": size,
    }
    return canonical(header) + b"\n"


def export_line(seq: int, chain: bytes, body: bytes) -> bytes:
    """Write the line of one entry; canonical JSON holds no line break."""
    return b"%d %s %s\n" % (seq, chain.hex().encode(), body)


# --- zip (PKWARE APPNOTE 6.3) -----------------------------------------------------------------------------------------

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_NEEDED = 20  # version 2.0: deflate
_MADE_BY = 3 << 8 | _NEEDED  # Unix, so that the mode below counts
_MODE = 0o100644 << 16
_DEFLATED = 8
_DATE = 1 << 5 | 1  # 1980-01-01


def _zipped(members: Sequence[tuple[str, bytes]]) -> bytes:
    """Store members in this order. The counts and sizes stay below 2^16 and 2^32, so plain zip holds them."""
    body, directory = bytearray(), bytearray()
    for name, content in members:
        packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(content) + packer.flush()
        shared = (_NEEDED, 0, _DEFLATED, 0, _DATE, zlib.crc32(content), len(packed), len(content), len(name), 0)
        directory += _CENTRAL.pack(b"PK\x01\x02", _MADE_BY, *shared, 0, 0, 0, _MODE, len(body)) + name.encode()
        body += _LOCAL.pack(b"PK\x03\x04", *shared) + name.encode() + packed
    end = _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return bytes(body + directory + end)

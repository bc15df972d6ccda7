"""Good packs and exports, made from docs/formats.md alone: neither the server's code nor the verifier's is used here.

A `Log` is one organisation's ledger in memory. Tests change what it holds, or the bytes that it gives out, and look at what the
verifier says.
"""

import base64
import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

INSTALLATION = "00000000-0000-4000-8000-00000000aaaa"
ORG = "00000000-0000-4000-8000-000000000001"
OTHER_ORG = "00000000-0000-4000-8000-000000000002"
ORIGIN = f"aaf/{INSTALLATION}/org/{ORG}"
AGENT = "00000000-0000-4000-8000-00000000a9e7"
PERSON = "00000000-0000-4000-8000-000000000bea"
FINAL = {"denied", "rejected", "expired", "cancelled", "lapsed", "succeeded", "failed"}
FIELD_SALT = bytes(range(32))
ACTION_SALT = bytes(range(32, 64))
PARAMS: dict[str, Any] = {
    "amount": "120.00",
    "note": "née \u20ac\U0001f600",
    "path": "/tmp/a",
    "ratio": 0.000025,
    "small": 1.5e-9,
}
HELD = ("pending_approval", "approved", "executing", "succeeded")

type_of = "action.{}".format

VERIFY_TEXT = (Path(__file__).parent.parent / "vectors" / "VERIFY.md").read_bytes()


def jcs(value: Any) -> bytes:
    """Return canonical JSON, by another implementation than the one under test."""
    return rfc8785.dumps(value)


def ident(number: int) -> str:
    """Return the id with a number."""
    return f"00000000-0000-4000-8000-{number:012x}"


ACTION = ident(0xAC7)
OTHER_ACTION = ident(0xAC8)


def key(seed: int = 1) -> Ed25519PrivateKey:
    """Return the private key with a number."""
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def public(private: Ed25519PrivateKey) -> bytes:
    """Return the 32 bytes of the public key."""
    return private.public_key().public_bytes_raw()


def key_id(name: str, kind: int, raw: bytes) -> bytes:
    """Return the four bytes that name a key in a note."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + raw).digest()[:4]


def vkey(name: str, private: Ed25519PrivateKey, kind: int = 1) -> str:
    """Return a verifier key."""
    raw = public(private)
    return f"{name}+{key_id(name, kind, raw).hex()}+{base64.b64encode(bytes([kind]) + raw).decode()}"


def signature_line(text: str, name: str, private: Ed25519PrivateKey) -> str:
    """Sign the text of a note."""
    data = key_id(name, 1, public(private)) + private.sign(text.encode())
    return f"\u2014 {name} {base64.b64encode(data).decode()}\n"


def note(origin: str, size: int, root: bytes, private: Ed25519PrivateKey) -> str:
    """Return a signed checkpoint."""
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    return f"{text}\n{signature_line(text, origin, private)}"


def under_the_name_of(named: Ed25519PrivateKey, signed: str, private: Ed25519PrivateKey) -> str:
    """Return a checkpoint with the name and the id of one key, and the signature of another."""
    text, _, line = signed.rpartition("\n\n")
    name = line.split(" ")[1]
    data = key_id(name, 1, public(named)) + private.sign(f"{text}\n".encode())
    return f"{text}\n\n\u2014 {name} {base64.b64encode(data).decode()}\n"


def tree(leaves: Sequence[bytes]) -> bytes:
    """Return the root of RFC 6962 section 2.1, written as its definition is."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree(leaves[:half]) + tree(leaves[half:])).digest()


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Return the audit path of RFC 6962 section 2.1.1, written as its definition is."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*path(index, leaves[:half]), tree(leaves[half:])]
    return [*path(index - half, leaves[half:]), tree(leaves[:half])]


def commitment(value: Any) -> str:
    """Commit to a value of a field."""
    return hmac.new(FIELD_SALT, b"aaf-field-v1\0" + jcs(value), hashlib.sha256).hexdigest()


def action_object(org: str = ORG) -> dict[str, Any]:
    """Return the action of section 2 that every forged story is about."""
    return {"agent": AGENT, "operation": "write", "org": org, "params": PARAMS, "server": None, "tool": "files", "v": 1}


def digest(action: Mapping[str, Any]) -> str:
    """Return an action's digest."""
    return hashlib.sha256(b"aaf-action-v1\0" + ACTION_SALT + jcs(action)).hexdigest()


def transition(
    number: int, seq: int, before: str, after: str, *, action: str = ACTION, org: str = ORG
) -> dict[str, Any]:
    """Return the body of one transition; the first carries the commitments."""
    first = {"commit": {f"params.{name}": commitment(value) for name, value in PARAMS.items()}} if seq == 1 else {}
    return first | {
        "action": action,
        "action_seq": seq,
        "actor": f"user:{PERSON}" if after in {"approved", "rejected"} else f"agent:{AGENT}",
        "data": {"digest": digest(action_object(org)), "rule": "large-writes"},
        "final": after in FINAL,
        "from": before,
        "id": ident(0x10000 + number),
        "org": org,
        "state": after,
        "ts": 1_700_000_000_000_000 + number,
        "type": type_of(after),
        "v": 1,
    }


def occurrence(number: int, kind: str = "key.created", about: str | None = None, org: str = ORG) -> dict[str, Any]:
    """Return the body of an event that is no transition."""
    where = {} if about is None else {"about": about}
    return where | {
        "actor": "system",
        "data": {"count": number},
        "id": ident(0x10000 + number),
        "org": org,
        "ts": 1_700_000_000_000_000 + number,
        "type": kind,
        "v": 1,
    }


@dataclass
class Log:
    """One organisation's ledger: bodies in order, and who signs it."""

    bodies: list[bytes] = field(default_factory=list)
    org: str = ORG
    origin: str = ORIGIN
    private: Ed25519PrivateKey = field(default_factory=key)

    def add(self, body: Mapping[str, Any]) -> int:
        """Append an event and return its number."""
        self.bodies.append(jcs(dict(body)))
        return len(self.bodies)

    def leaves(self, size: int | None = None) -> list[bytes]:
        """Return the leaf hashes of the first entries."""
        return [hashlib.sha256(b"\x00" + body).digest() for body in self.bodies[:size]]

    def note(self, size: int | None = None) -> str:
        """Sign the tree of the first entries."""
        leaves = self.leaves(size)
        return note(self.origin, len(leaves), tree(leaves), self.private)

    def vkey(self) -> str:
        """Return the line for a key file."""
        return vkey(self.origin, self.private)

    def copy(self) -> "Log":
        """Return a log that can be changed without changing this one."""
        return replace(self, bodies=list(self.bodies))

    def edit(self, seq: int, **members: Any) -> None:
        """Change members of the body of one entry."""
        self.bodies[seq - 1] = jcs({**json.loads(self.bodies[seq - 1]), **members})

    def lines(self) -> list[bytes]:
        """Return the lines of an export after its header."""
        org16 = bytes.fromhex(self.org.replace("-", ""))
        chain, lines = hashlib.sha256(b"aaf-genesis-v1\0" + org16).digest(), []
        for seq, body in enumerate(self.bodies, 1):
            leaf = hashlib.sha256(b"\x00" + body).digest()
            chain = hashlib.sha256(b"aaf-chain-v1\0" + org16 + seq.to_bytes(8, "big") + chain + leaf).digest()
            lines.append(b"%d %s %s\n" % (seq, chain.hex().encode(), body))
        return lines

    def header(self, notes: Sequence[str], size: int | None = None, **members: Any) -> bytes:
        """Return the first line of an export."""
        size = len(self.bodies) if size is None else size
        head = {
            "checkpoints": list(notes),
            "first": 1,
            "format": "aaf-ledger/1",
            "org": self.org,
            "origin": self.origin,
        }
        return jcs({**head, "size": size, **members}) + b"\n"

    def export(self, sizes: Sequence[int]) -> bytes:
        """Return an export with checkpoints of these sizes."""
        return self.header([self.note(size) for size in sizes]) + b"".join(self.lines())

    def proof(self, seq: int) -> bytes:
        """Return the inclusion proof of one entry in the whole tree."""
        hashes = "".join(base64.b64encode(step).decode() + "\n" for step in path(seq - 1, self.leaves()))
        return f"c2sp.org/tlog-proof@v1\nindex {seq - 1}\n{hashes}\n{self.note()}".encode()

    def members(self, events: Sequence[int], related: Sequence[int] = (), **told: Any) -> dict[str, bytes]:
        """Return the members of a pack without its manifest; `told` is `disclosures.json`."""
        files = {
            "VERIFY.md": VERIFY_TEXT,
            "checkpoint.txt": self.note().encode(),
            "disclosures.json": jcs({"action": None, "fields": {}} | told),
            "keys/log.vkey": self.vkey().encode() + b"\n",
        }
        for folder, numbers in (("events", events), ("related", related)):
            for seq in numbers:
                files[f"{folder}/{seq:020d}.json"] = self.bodies[seq - 1]
                files[f"proofs/{seq:020d}.tlog-proof"] = self.proof(seq)
        return files


def manifest(files: Mapping[str, bytes], /, **members: Any) -> bytes:
    """Return the manifest of a pack."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    head = {"action": ACTION, "files": hashes, "format": "aaf-proof-pack/1", "org": ORG, "origin": ORIGIN}
    return jcs({**head, **members})


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Zip members as section 8 says."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = method
            archive.writestr(info, data)
    return out.getvalue()


def pack(files: Mapping[str, bytes], /, **members: Any) -> bytes:
    """Return a pack whose manifest fits its members."""
    return zipped({**files, "manifest.json": manifest(files, **members)})


def history(states: Sequence[str] = HELD) -> tuple[Log, list[int], list[int]]:
    """Return a ledger of a whole story among other events, with the numbers of its transitions and of related events."""
    log, events, related, before = Log(), [], [], "submitted"
    for number in range(3):
        log.add(occurrence(number))
    for seq, state in enumerate(states, 1):
        events.append(log.add(transition(100 + seq, seq, before, state)))
        log.add(transition(200 + seq, 1, "submitted", "denied", action=ident(0xB000 + seq)))
        before = state
    related.append(log.add(occurrence(300, "execution.refused", about=ACTION)))
    log.add(occurrence(301))
    return log, events, related


def disclosures(first_event: str = ident(0x10000 + 101)) -> dict[str, Any]:
    """Return what reveals every parameter and the action."""
    fields = {
        f"{first_event}/params.{name}": {"salt": FIELD_SALT.hex(), "value": value} for name, value in PARAMS.items()
    }
    return {"action": {"salt": ACTION_SALT.hex(), "value": action_object()}, "fields": fields}

"""Offline verifier of proof packs and ledger exports: one file, standard library only, no code shared with the server.

Written from docs/formats.md. Trust comes from the key file that the user gives and from nothing inside the input. Every malformed
thing is a typed refusal: `Disproved` (exit 1) where a claim is wrong, `Unusable` (exit 2) where there is nothing to judge. It does not
say that what happened was right, nor that events were not kept out of the ledger before they were recorded.
"""

import argparse
import base64
import functools
import hashlib
import hmac
import json
import os
import re
import struct
import sys
import zlib
from binascii import hexlify
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, pairwise
from pathlib import Path
from typing import BinaryIO, NoReturn, TypeAlias, TypeGuard

__version__ = "0.1.0"

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Point: TypeAlias = tuple[int, int, int, int]

MAX_MEMBERS, MAX_UNPACKED, MAX_PACKED = 5_000, 64 << 20, 72 << 20
MAX_BODY, MAX_NOTE, MAX_HEADER, MAX_KEYS, MAX_DEPTH = 65_536, 65_536, 8 << 20, 1 << 20, 32
MAX_LINE = 20 + 1 + 64 + 1 + MAX_BODY + 1
MAX_INT = 2**53 - 1
MAX_LISTED, MAX_REVEALED = 100_000, 1_500_000
"""Values of one JSON text: in memory each may cost a hundred times its two bytes. What is revealed may hold more, because an action
that fills a request of 1 MiB is revealed twice over, as a whole and field by field."""
LIMITS = {
    "VERIFY.md": 65_536,
    "checkpoint.txt": MAX_NOTE,
    "disclosures.json": 16 << 20,
    "events": MAX_BODY,
    "keys/log.vkey": 1_024,
    "manifest.json": 4 << 20,
    "proofs": MAX_NOTE + 4_096,
    "related": MAX_BODY,
}
"""Bytes of a member, by its name or its folder; what stands in `anchor/` is not read and has only the limit of the whole."""
TICK = 1 << 17

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
IS_ID = re.compile(UUID)
IS_HASH = re.compile(r"[0-9a-f]{64}")
IS_ORIGIN = re.compile(rf"aaf/{UUID}/org/({UUID})")
IS_ACTOR = re.compile(rf"(?:agent|user|service):{UUID}|system|anonymous")
IS_TYPE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")
IS_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
IS_INDEX = re.compile(r"index (0|[1-9][0-9]{0,17})")
IS_RANGE = re.compile(r"([0-9]{1,18})-([0-9]{1,18})?")
IS_MEMBER = re.compile(
    r"VERIFY\.md|checkpoint\.txt|disclosures\.json|keys/log\.vkey|manifest\.json|anchor/[A-Za-z0-9_-][A-Za-z0-9._-]*"
    r"|(?:events|related)/[0-9]{20}\.json|proofs/[0-9]{20}\.tlog-proof",
)
TEXTS = {"121b208152f71a62183fb7f1ea046fe08c6ba737587fcb41b6ea7ee20a05d21e"}
"""Nothing signs VERIFY.md, so its bytes are pinned here: SHA-256 of every text that packs of version 1 were made with."""
ALWAYS = {"VERIFY.md", "checkpoint.txt", "disclosures.json", "keys/log.vkey", "manifest.json"}

TRANSITIONS = {
    "submitted": {"denied", "allowed", "pending_approval"},
    "pending_approval": {"approved", "rejected", "expired", "cancelled", "denied"},
    "approved": {"executing", "pending_approval", "denied", "expired", "cancelled", "lapsed"},
    "allowed": {"executing", "denied", "cancelled", "lapsed"},
    "executing": {"succeeded", "failed", "unknown"},
    "unknown": {"succeeded", "failed"},
}
FINAL = {"denied", "rejected", "expired", "cancelled", "lapsed", "succeeded", "failed"}
STATES = (TRANSITIONS.keys() | FINAL) - {"submitted"}


class Malformed(ValueError):
    """Bytes that are not what they should be; the caller knows whether that disproves a claim or leaves nothing to judge."""


class Disproved(Exception):
    """A claim is wrong. `seq` and `last` name the entry or the range of entries that it is about."""

    def __init__(self, text: str, *, check: str | None = None, seq: int | None = None, last: int | None = None) -> None:
        super().__init__(text)
        self.check, self.seq, self.last = check, seq, last


class Unusable(Exception):
    """There is nothing to judge: unreadable, not one of the formats, over a limit, no key."""


class Result(StrEnum):
    """What came of one check."""

    PROVED = "proved"
    FALSE = "false"
    NOT_ASKED = "not asked"
    NOT_CHECKED = "not checked"


# --- Ed25519, RFC 8032 section 5.1, strict -----------------------------------------------------------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
D2 = 2 * D % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
IDENTITY: Point = (0, 1, 1, 0)
BASE = bytes.fromhex("58" + "66" * 31)
KEY_LENGTH, SIGNATURE_LENGTH, WINDOWS, WINDOW = 32, 64, 64, 16


def _add(a: Point, b: Point) -> Point:
    """Add two points in extended coordinates; the formula is complete, so it doubles too."""
    x1, y1, z1, t1 = a
    x2, y2, z2, t2 = b
    m, n = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = t1 * D2 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def _decode_point(data: bytes) -> Point | None:
    """Decode a canonical point, or return None: y must be below p, and x = 0 has no sign."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * ROOT_OF_MINUS_ONE % P
        if v * x * x % P != u:
            return None
    if x == 0 and sign:
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def _encode_point(point: Point) -> bytes:
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(KEY_LENGTH, "little")


def _multiples(point: Point) -> list[list[Point]]:
    """Row i holds 0 … 15 times 16^i times the point: with it a multiplication needs additions only."""
    rows = []
    for _ in range(WINDOWS):
        row = [IDENTITY, point]
        for _ in range(WINDOW - 2):
            row.append(_add(row[-1], point))
        rows.append(row)
        point = _add(row[-1], point)
    return rows


def _multiply(rows: list[list[Point]], scalar: int) -> Point:
    total = IDENTITY
    for row in rows:
        total = _add(total, row[scalar & 15])
        scalar >>= 4
    return total


@functools.lru_cache(maxsize=64)
def _prepare(public: bytes) -> list[list[Point]] | None:
    """Return the multiples of a public key, or None for what is no key: a point of small or mixed order is none."""
    point = _decode_point(public) if len(public) == KEY_LENGTH else None
    if point is None or point[:2] == IDENTITY[:2]:
        return None
    rows = _multiples(point)
    x, y, z, _ = _multiply(rows, L)
    return rows if x == 0 and y == z else None


def verify_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether an Ed25519 signature is good: RFC 8032 section 5.1.7 without the cofactor, canonical encodings only."""
    rows = _prepare(public)
    base = _prepare(BASE)
    if rows is None or base is None or len(signature) != SIGNATURE_LENGTH:
        return False
    r, s = signature[:KEY_LENGTH], int.from_bytes(signature[KEY_LENGTH:], "little")
    if s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L
    # [s]B - [k]A must be R. It is compared as bytes, so only the canonical encoding of R is accepted.
    return _encode_point(_add(_multiply(base, s), _multiply(rows, L - k))) == r


# --- canonical JSON, RFC 8785 ------------------------------------------------------------------------------------------
def _refuse(text: str) -> NoReturn:
    raise Malformed(f"{text[:40]} is no number that canonical JSON knows")


def _integer(text: str) -> int:
    if len(text) > len(str(-MAX_INT)) or abs(int(text)) > MAX_INT:
        _refuse(text)
    return int(text)


def _decimal(text: str) -> int | float:
    value = float(text)
    if abs(value) > MAX_INT:
        _refuse(text)
    return int(value) if value.is_integer() else value


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("an object has a member twice")
    return found


def _format_decimal(value: float) -> str:
    """Write a number that is not integral as ECMAScript does: decimal down to 1e-6, with an exponent below."""
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    if not exponent:
        return text
    if int(power) < -6:  # noqa: PLR2004 - ECMA-262, Number::toString
        return f"{mantissa}e{int(power)}"
    sign = "-" if value < 0 else ""
    return f"{sign}0.{'0' * (-int(power) - 1)}{mantissa.lstrip('-').replace('.', '')}"


def _jcs(value: Json, depth: int) -> str:
    if isinstance(value, str) or value is None or isinstance(value, bool):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _format_decimal(value)
    if depth == 0:
        raise Malformed("nested too deep")
    if isinstance(value, list):
        return "[" + ",".join([_jcs(item, depth - 1) for item in value]) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join([f"{json.dumps(n, ensure_ascii=False)}:{_jcs(value[n], depth - 1)}" for n in names]) + "}"


def jcs(value: Json) -> bytes:
    """Return the canonical bytes of a parsed value."""
    return _jcs(value, MAX_DEPTH).encode()


_BODIES = json.JSONDecoder(object_pairs_hook=_members, parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
_VALUES = json.JSONDecoder(object_pairs_hook=_members, parse_int=_integer, parse_float=_decimal, parse_constant=_refuse)


_STRUCTURE = re.compile(rb'"[^"]*"|([,\[{])')


def _has_more_values(data: bytes, most: int) -> bool:
    """Count before anything is decoded: every value but the outermost has a comma or a bracket before it."""
    if sum(data.count(mark) for mark in (b",", b"[", b"{")) <= most:
        return False
    # A long text may be full of commas, and who wrote it must not be able to spoil the proof: what is inside strings is left out.
    bare = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    found = (mark for mark in _STRUCTURE.finditer(bare) if mark.lastindex)
    return next(islice(found, most, None), None) is not None


def read_canonical(
    data: bytes, *, decimals: bool = False, depth: int = MAX_DEPTH, most: int = MAX_LISTED
) -> dict[str, Json]:
    """Parse an object of at most `most` values and hold its bytes against their canonical form; decimals only where `decimals`."""
    if _has_more_values(data, most):
        raise Malformed(f"a text of more than {most} values")
    try:
        value: Json = (_VALUES if decimals else _BODIES).decode(data.decode())
        canonical = _jcs(value, depth).encode()
    except Malformed:
        raise
    except (ValueError, RecursionError) as error:
        raise Malformed("not readable as JSON") from error
    if canonical != data:
        raise Malformed("not in canonical form")
    if not isinstance(value, dict):
        raise Malformed("not an object")
    return value


def _is(value: Json, pattern: re.Pattern[str]) -> TypeGuard[str]:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: Json) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


# --- Merkle tree, RFC 6962 section 2.1 ---------------------------------------------------------------------------------
def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _root(peaks: list[bytes]) -> bytes:
    """Fold the peaks of a tree, largest first, into its root."""
    if not peaks:
        return hashlib.sha256(b"").digest()
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = _node(peak, root)
    return root


def is_included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """Say whether an inclusion proof holds (RFC 9162 section 2.1.3.2)."""
    if index >= size:
        return False
    fn, sn, found = index, size - 1, leaf
    for sibling in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = _node(sibling, found)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = _node(found, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root


# --- keys, checkpoints, proofs -----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Key:
    """A key that the user trusts for trees of `first` to `last` entries."""

    name: str
    id: bytes
    public: bytes
    vkey: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head; `foreign` counts the signature lines of keys that the user did not give."""

    origin: str
    size: int
    root: bytes
    vkeys: frozenset[str]
    foreign: int


def _unbase64(text: str, least: int) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Malformed("not base64") from error
    if base64.b64encode(data).decode() != text or len(data) < least:
        raise Malformed("not base64 in its one form, or too short")
    return data


def _line_of_key(line: str) -> Key | None:
    """Read one line of a key file; None for a signature type that this program does not know."""
    vkey, *limits = line.split()
    name, key_id, encoded = [*vkey.split("+", 2), "", ""][:3]
    data = _unbase64(encoded, 2)
    expected = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    limit = IS_RANGE.fullmatch(limits[0] if limits else "0-")
    if not name or key_id != expected.hex() or len(limits) > 1 or limit is None:
        raise Malformed("no verifier key with a range of tree sizes")
    if data[0] != 1:
        return None
    if _prepare(data[1:]) is None:
        raise Malformed("not a point that can be an Ed25519 key")
    return Key(name, expected, data[1:], vkey, int(limit[1]), int(limit[2] or MAX_INT))


def read_keys(text: str) -> tuple[list[Key], int]:
    """Read a key file; also return how many of its keys are of a type that this program does not know."""
    lines = [(number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    keys: list[Key | None] = []
    for number, line in lines:
        try:
            keys += [_line_of_key(line)] if line else []
        except ValueError as error:
            raise Unusable(f"key file, line {number}: {error}") from error
    known = [key for key in keys if key is not None]
    if not known:
        raise Unusable("the key file holds no Ed25519 verifier key")
    return known, len(keys) - len(known)


def _parse_note(note: bytes) -> tuple[str, str, int, bytes, list[tuple[str, bytes]]]:
    if len(note) > MAX_NOTE:
        raise Malformed("longer than 65,536 bytes")
    try:
        text, gap, tail = note.decode().rpartition("\n\n")
    except UnicodeDecodeError as error:
        raise Malformed("not UTF-8") from error
    head, lines = text.split("\n"), tail.split("\n")
    if not gap or len(head) != len(("origin", "size", "root")) or lines.pop() or not lines:
        raise Malformed("not three lines, an empty line and signature lines")
    if any(ord(letter) < ord(" ") for part in (*head, *lines) for letter in part) or not IS_SIZE.fullmatch(head[1]):
        raise Malformed("a control character, or a size that is no number")
    root, signatures = _unbase64(head[2], 32), []
    if len(root) != hashlib.sha256().digest_size:
        raise Malformed("the root is not 32 bytes")
    for line in lines:
        dash, name, encoded = [*line.split(" "), "", ""][:3]
        if dash != "\u2014" or not name or line.count(" ") != len((name, encoded)):
            raise Malformed("a line that is no signature line")
        signatures.append((name, _unbase64(encoded, 5)))
    if len({(name, data[:4]) for name, data in signatures}) != len(signatures):
        raise Malformed("two signature lines of one key")
    return text + "\n", head[0], int(head[1]), root, signatures


@functools.lru_cache(maxsize=1024)
def _is_signed(public: bytes, text: bytes, signature: bytes) -> bool:
    """Remember what was verified: one checkpoint may stand in the export and be kept, one key have several ranges."""
    return verify_signature(public, text, signature)


def open_checkpoint(note: bytes, keys: Sequence[Key], origin: str, what: str) -> Checkpoint:
    """Verify a checkpoint of `origin` with the user's keys, or raise `Disproved`."""
    try:
        text, found, size, root, signatures = _parse_note(note)
    except Malformed as error:
        raise Disproved(f"{what} is no checkpoint: {error}") from error
    if found != origin:
        raise Disproved(f"{what} is of {found}, not of {origin}")
    good, foreign, out_of_range = set(), 0, False
    for name, data in signatures:
        candidates = [key for key in keys if (key.name, key.id) == (name, data[:4])]
        valid = [key for key in candidates if _is_signed(key.public, text.encode(), data[4:])]
        if candidates and not valid:
            raise Disproved(f"{what} of size {size} carries a bad signature of {name}")
        foreign += not candidates
        counted = [key for key in valid if key.first <= size <= key.last]
        out_of_range |= bool(valid) and not counted
        good |= {key.vkey for key in counted if key.name == origin}
    if not good:
        why = "your key file limits its key to other tree sizes" if out_of_range else "not by a key in your key file"
        raise Disproved(f"{what} of size {size} is not signed by a key that you trust for {origin} ({why})")
    return Checkpoint(origin, size, root, frozenset(good), foreign)


def _read_proof(data: bytes, note: bytes) -> tuple[int, list[bytes]]:
    head, gap, tail = data.partition(b"\n\n")
    if not gap or tail != note:
        raise Malformed("the proof does not end in exactly checkpoint.txt")
    first, *lines = head.decode("ascii", "replace").split("\n")
    index = IS_INDEX.fullmatch(lines[0] if lines else "")
    if first != "c2sp.org/tlog-proof@v1" or index is None:
        raise Malformed("not an inclusion proof of version 1")
    path = [_unbase64(line, 32) for line in lines[1:]]
    if any(len(step) != hashlib.sha256().digest_size for step in path):
        raise Malformed("a hash that is not 32 bytes")
    return int(index[1]), path


# --- events ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Event:
    """One event body, well formed: a transition of `action`, or something that happened `about` an action, or neither."""

    id: str
    ts: int
    actor: str
    commit: dict[str, Json]
    about: str = ""
    action: str = ""
    action_seq: int = 0
    before: str = ""
    state: str = ""
    digest: str = ""


_ALWAYS_IN_BODY = {"v", "id", "org", "type", "ts", "actor", "data"}
_TRANSITION = ("action", "action_seq", "from", "state", "final")


def read_event(body: bytes, org: str) -> Event:
    """Read one body of the organisation `org` as docs/formats.md section 3 describes it, or raise `Malformed`."""
    if len(body) > MAX_BODY:
        raise Malformed("longer than 65,536 bytes")
    e = read_canonical(body)
    moves = "action" in e
    required = _ALWAYS_IN_BODY.union(_TRANSITION if moves else ())
    if not required <= e.keys() or not e.keys() <= required | {"commit"} | (set() if moves else {"about"}):
        raise Malformed("a member is missing or unknown")
    event_id, kind, ts, actor, data, commit = e["id"], e["type"], e["ts"], e["actor"], e["data"], e.get("commit", {})
    if not _is_count(e["v"]) or e["v"] != 1:
        raise Malformed("not of version 1")
    if e["org"] != org:
        raise Malformed(f"of the organisation {e['org']}, not {org}")
    if not (_is(event_id, IS_ID) and _is(kind, IS_TYPE) and _is(actor, IS_ACTOR) and _is_count(ts)):
        raise Malformed("its id, type, actor or time is not of the form that it must have")
    if not isinstance(data, dict) or not isinstance(commit, dict):
        raise Malformed("data or commit is no object")
    if not all(_is(value, IS_HASH) for value in commit.values()):
        raise Malformed("a commitment is no hash")
    if not moves:
        about = e.get("about")
        if "about" in e and not _is(about, IS_ID):
            raise Malformed("about is no id")
        if kind.startswith("action.") and kind.removeprefix("action.") in STATES:
            raise Malformed("the type of a transition without an action")
        return Event(event_id, ts, actor, commit, about=str(about or ""))
    action, count, before, state, final = (e[name] for name in _TRANSITION)
    digest = data.get("digest")
    if not _is(action, IS_ID) or not _is_count(count) or not _is(digest, IS_HASH):
        raise Malformed("its action, action_seq or digest is not of the form that it must have")
    if not isinstance(before, str) or not isinstance(state, str) or state not in TRANSITIONS.get(before, set()):
        raise Malformed(f"no action moves from {before} to {state}")
    if kind != f"action.{state}" or final is not (state in FINAL):
        raise Malformed(f"type or final is not that of the state {state}")
    return Event(event_id, ts, actor, commit, "", action, count, before, state, digest)


@dataclass(slots=True)
class Story:
    """Where one action stands while its transitions are read in order."""

    count: int = 0
    state: str = "submitted"
    digest: str = ""

    def follow(self, event: Event) -> None:
        """Take the next transition, or raise `Malformed`."""
        if event.action_seq != self.count + 1:
            raise Malformed(
                f"transition {self.count + 1} of the action is missing: {event.action_seq} stands in its place"
            )
        if event.before != self.state:
            raise Malformed(f"it moves from {event.before}, but the action was {self.state}")
        if self.count and event.digest != self.digest:
            raise Malformed("its digest is not the action's: another action was judged or run")
        self.count, self.state, self.digest = event.action_seq, event.state, event.digest


# --- the report --------------------------------------------------------------------------------------------------------
def printable(text: str) -> str:
    """Escape what a hostile input could do to a terminal, and everything beyond ASCII."""
    shown = "".join(c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text[:600])
    return shown if len(text) <= 600 else shown + "..."  # noqa: PLR2004 - a line for people


@dataclass(frozen=True, slots=True)
class Line:
    """What one check found; `seq` and `last` name the entry or the range of entries that it is about."""

    check: str
    result: Result
    text: str
    seq: int | None = None
    last: int | None = None


@dataclass(slots=True)
class Report:
    """What was checked, in order; the text of a line is safe to print."""

    lines: list[Line] = field(default_factory=list)
    open: bool = False

    def add(self, result: Result, check: str, text: str, seq: int | None = None, last: int | None = None) -> None:
        """Note one line."""
        self.lines.append(Line(check, result, printable(text), seq, last))

    def run(self, steps: Sequence[tuple[str, Callable[[], str]]]) -> None:
        """Run checks in order. A step that is false ends it: what follows would build on it and is named as not checked."""
        for number, (check, step) in enumerate(steps):
            try:
                text = step()
            except Disproved as error:
                self.add(Result.FALSE, error.check or check, str(error), error.seq, error.last)
                for later, _ in steps[number + 1 :]:
                    self.add(Result.NOT_CHECKED, later, "an earlier check is false")
                raise
            if text:
                self.add(Result.PROVED, check, text)


# --- zip, strict -------------------------------------------------------------------------------------------------------
_END = struct.Struct("<4s4H2IH")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
STORED, DEFLATED, ENCRYPTED, HARMLESS_FLAGS = 0, 8, 1, 0x0806


def _take(shape: struct.Struct, data: bytes, at: int, magic: bytes) -> tuple[int, ...]:
    if at < 0 or at + shape.size > len(data) or data[at : at + 4] != magic:
        raise Unusable("the zip is damaged or cut")
    return shape.unpack_from(data, at)[1:]


def _inflate(method: int, packed: bytes, budget: int) -> bytes:
    if method == STORED:
        return packed[: budget + 1]
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = unpacker.decompress(packed, budget + 1)
    except zlib.error as error:
        raise Unusable("the zip is damaged: a member does not unpack") from error
    if len(data) <= budget and (not unpacker.eof or unpacker.unused_data):
        raise Unusable("the zip is damaged: a member does not end where it must")
    return data


def read_zip(data: bytes) -> dict[str, bytes]:
    """Unpack a zip whose members lie end to end with nothing before, between or after; sizes are counted, not believed."""
    end = len(data) - _END.size
    disk, first_disk, here, count, length, at, comment = _take(_END, data, end, b"PK\x05\x06")
    if (disk, first_disk, comment) != (0, 0, 0) or here != count or at + length != end:
        raise Unusable("the zip has a comment, several parts, or bytes that belong to no member")
    if count > MAX_MEMBERS:
        raise Unusable(f"more than {MAX_MEMBERS} members")
    found: dict[str, bytes] = {}
    directory, position, budget = at, 0, MAX_UNPACKED
    for _ in range(count):
        entry = _take(_ENTRY, data, at, b"PK\x01\x02")
        _, _, flags, method, _, _, crc, packed, size, named, extra, comment, disk, _, _, offset = entry
        if flags & ENCRYPTED:
            raise Unusable("a member is encrypted")
        if flags & ~HARMLESS_FLAGS or method not in (STORED, DEFLATED) or (extra, comment, disk) != (0, 0, 0):
            raise Unusable("a member is neither stored nor deflated, or has extra fields")
        raw = data[at + _ENTRY.size : at + _ENTRY.size + named]
        at += _ENTRY.size + named
        name = raw.decode("ascii", "backslashreplace")
        if name in found:
            raise Unusable(f"the member {name} is there twice")
        if IS_MEMBER.fullmatch(name) is None or ".." in name:
            raise Unusable(f"{name} is no name that a proof pack can hold")
        local = _take(_LOCAL, data, position, b"PK\x03\x04")
        start = position + _LOCAL.size + named
        position = start + packed
        same = (flags, method, crc, packed, size, named, 0) == (*local[1:3], *local[5:])
        if (
            offset != start - _LOCAL.size - named
            or not same
            or data[start - named : start] != raw
            or position > directory
        ):
            raise Unusable(f"the zip tells two stories about {name}")
        limit = LIMITS.get(name, LIMITS.get(name.partition("/")[0], MAX_UNPACKED))
        content = _inflate(method, data[start:position], min(limit, budget))
        budget -= len(content)
        if budget < 0:
            raise Unusable(f"more than {MAX_UNPACKED >> 20} MiB unpacked")
        if len(content) > limit:
            raise Unusable(f"the member {name} is longer than {limit} bytes")
        if len(content) != size or zlib.crc32(content) != crc:
            raise Unusable(f"the member {name} is damaged")
        found[name] = content
    if at != end or position != directory:
        raise Unusable("the zip has bytes that belong to no member")
    return found


# --- proof pack --------------------------------------------------------------------------------------------------------
class _Pack:
    """The checks of a proof pack in the order of docs/formats.md section 8; each returns the sentence that it proved."""

    def __init__(self, data: bytes, keys: Sequence[Key], report: Report, *, org: str | None, ended: bool) -> None:
        """Unpack; `org` is the organisation that the user expects, `ended` refuses the pack of an open action."""
        self.files, self.keys, self.report, self.wanted, self.must_end = read_zip(data), keys, report, org, ended
        self.action, self.org, self.origin, self.hashes = self._manifest()
        self.events: dict[int, Event] = {}
        self.related: dict[int, Event] = {}
        self.by_id: dict[str, tuple[int, Event]] = {}
        self.story = Story()
        self.head: Checkpoint

    def steps(self) -> list[tuple[str, Callable[[], str]]]:
        """Return the checks in order."""
        return [
            ("members", self.members),
            ("manifest", self.manifest),
            ("text", self.text),
            ("checkpoint", self.checkpoint),
            ("inclusion", self.inclusion),
            ("transitions", self.transitions),
            ("end", self.end),
            ("digest", self.digest),
            ("related", self.relation),
            ("disclosures", self.disclosures),
        ]

    def text(self) -> str:
        """Check that people are told what this version tells them, and nothing else."""
        if hashlib.sha256(self.files["VERIFY.md"]).hexdigest() not in TEXTS:
            raise Disproved("VERIFY.md is not the text of a proof pack of version 1")
        return "VERIFY.md is the text of a proof pack of version 1"

    def _manifest(self) -> tuple[str, str, str, dict[str, Json]]:
        try:
            m = read_canonical(self.files.get("manifest.json", b""))
        except Malformed as error:
            raise Unusable(f"no proof pack: manifest.json is missing or {error}") from error
        if m.get("format") != "aaf-proof-pack/1":
            raise Unusable("no proof pack of version 1: manifest.json names another format")
        if m.keys() != {"action", "files", "format", "org", "origin"}:
            raise Unusable("manifest.json does not have the members of a proof pack of version 1")
        action, org, origin, files = m["action"], m["org"], m["origin"], m["files"]
        if not (_is(action, IS_ID) and _is(org, IS_ID) and _is(origin, IS_ORIGIN) and isinstance(files, dict)):
            raise Unusable("manifest.json has a member that is not of the form that it must have")
        return action, org, origin, files

    def members(self) -> str:
        """Hold the set of members against the manifest and the format."""
        here = self.files.keys() - {"manifest.json"}
        for name in sorted(here ^ self.hashes.keys()):
            raise Disproved(f"{name} is {'not in the manifest' if name in here else 'missing'}")
        for name in sorted(ALWAYS - self.files.keys()):
            raise Disproved(f"{name} is missing, every proof pack has it")
        events, related, proofs = (
            {name.partition("/")[2][:20] for name in here if name.startswith(folder)}
            for folder in ("events/", "related/", "proofs/")
        )
        for number in sorted(proofs ^ (events | related)):
            raise Disproved(f"event {int(number)} has no proof, or a proof has no event", seq=int(number))
        for number in sorted(events & related):
            raise Disproved(f"event {int(number)} is both a transition and related", seq=int(number))
        return f"exactly the {len(here)} members that the manifest names"

    def manifest(self) -> str:
        """Recompute the hash of each member."""
        for name, expected in sorted(self.hashes.items()):
            if hashlib.sha256(self.files[name]).hexdigest() != expected:
                seq = int(name[7:27]) if name[7:27].isdigit() else None
                raise Disproved(f"{name} is not what the manifest's hash says", seq=seq)
        return "every member has the hash that the manifest gives"

    def checkpoint(self) -> str:
        """Verify the checkpoint with the user's keys; what the pack says about its key must then be the same key."""
        _expect_org(self.origin, self.org, self.wanted)
        self.head = open_checkpoint(self.files["checkpoint.txt"], self.keys, self.origin, "the checkpoint")
        if self.files["keys/log.vkey"].decode("ascii", "replace").removesuffix("\n") not in self.head.vkeys:
            raise Disproved("keys/log.vkey is not the key that signed the checkpoint")
        _say_foreign(self.report, [self.head])
        return f"size {self.head.size} of {self.origin}, signed by a key in your key file"

    def inclusion(self) -> str:
        """Read each event and prove that it is in the tree that was signed."""
        for name in sorted(name for name in self.files if name.startswith(("events/", "related/"))):
            body, number = self.files[name], name[-25:-5]
            seq = int(number)
            try:
                event = read_event(body, self.org)
                index, path = _read_proof(self.files[f"proofs/{number}.tlog-proof"], self.files["checkpoint.txt"])
            except Malformed as error:
                raise Disproved(f"event {seq}: {error}", seq=seq) from error
            leaf = hashlib.sha256(b"\x00" + body).digest()
            if index != seq - 1 or not is_included(leaf, index, self.head.size, path, self.head.root):
                raise Disproved(f"event {seq} is not the entry {seq} of the signed tree", seq=seq)
            if event.id in self.by_id:
                raise Disproved(f"event {seq} has the id of another event", seq=seq)
            self.by_id[event.id] = (seq, event)
            (self.events if name.startswith("events/") else self.related)[seq] = event
        return f"{len(self.by_id)} events, canonical, of this organisation, each in the signed tree at its place"

    def transitions(self) -> str:
        """Follow the action from its submission."""
        for seq, event in self.events.items():
            if event.action != self.action:
                raise Disproved(f"event {seq} is no transition of the action {self.action}", seq=seq)
            try:
                self.story.follow(event)
            except Malformed as error:
                raise Disproved(f"event {seq}: {error}", seq=seq) from error
        if not self.events:
            raise Disproved("there is no transition of the action")
        for seq, event in self.events.items():
            when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=event.ts)
            text = f"{event.before} -> {event.state} by {event.actor} at {when:%Y-%m-%dT%H:%M:%S.%fZ}"
            self.report.add(Result.PROVED, "event", f"entry {seq}: {text}", seq)
        return f"{len(self.events)} of the action {self.action}, 1 to {self.story.count} without a gap, each of them allowed"

    def end(self) -> str:
        """Say how the action ended; an open one is said to be open, because a later transition may have been left out."""
        if self.story.state in FINAL:
            return f"the action ended: {self.story.state}"
        text = f"open as of checkpoint {self.head.size}, last seen {self.story.state}"
        if self.must_end:
            raise Disproved(f"{text}: the end that you asked for is not in the pack")
        self.report.open = True
        self.report.add(Result.NOT_CHECKED, "end", f"{text}; a later transition, if there is one, is not in this pack")
        return ""

    def digest(self) -> str:
        """Name the one digest that `transitions` found in every event."""
        return f"one digest through all transitions: {self.story.digest}"

    def relation(self) -> str:
        """Hold related events against the action."""
        for seq, event in self.related.items():
            if event.about != self.action:
                raise Disproved(f"event {seq} is not about the action {self.action}", seq=seq)
        if not self.related:
            self.report.add(Result.NOT_CHECKED, "related", "the pack holds no related events")
            return ""
        return f"{len(self.related)} related, each about the action"

    def disclosures(self) -> str:
        """Hold the values that the pack reveals against the commitments and the action's digest."""
        try:
            text = self.files["disclosures.json"]
            told = read_canonical(text, decimals=True, depth=MAX_DEPTH + 4, most=MAX_REVEALED)
            if told.keys() != {"fields", "action"} or not isinstance(told["fields"], dict):
                raise Disproved("disclosures.json is not an object of fields and action")
            for name, item in told["fields"].items():
                self._field(name, *_salted(item))
            if told["action"] is not None:
                self._action(*_salted(told["action"]))
        except Malformed as error:
            raise Disproved(f"disclosures.json: {error}") from error
        if not told["fields"] and told["action"] is None:
            self.report.add(Result.NOT_CHECKED, "disclosures", "the pack reveals no values")
            return ""
        whole = "is not revealed" if told["action"] is None else "matches its digest"
        return f"{len(told['fields'])} values match their commitments; the action itself {whole}"

    def _field(self, name: str, salt: bytes, value: Json) -> None:
        event_id, _, field_name = name.partition("/")
        seq, event = self.by_id.get(event_id, (0, None))
        if event is None or field_name not in event.commit:
            raise Disproved(f"no event in the pack committed to {name}")
        if hmac.new(salt, b"aaf-field-v1\0" + jcs(value), hashlib.sha256).hexdigest() != event.commit[field_name]:
            raise Disproved(f"event {seq} committed to another value of {field_name}", seq=seq)

    def _action(self, salt: bytes, value: Json) -> None:
        if not isinstance(value, dict) or value.get("org") != self.org:
            raise Disproved("the action that is revealed is no action of this organisation")
        if hashlib.sha256(b"aaf-action-v1\0" + salt + jcs(value)).hexdigest() != self.story.digest:
            raise Disproved("the action that is revealed is not the one that was judged: its digest differs")


def _salted(item: Json) -> tuple[bytes, Json]:
    salt = item.get("salt") if isinstance(item, dict) and item.keys() == {"salt", "value"} else None
    if not isinstance(item, dict) or not _is(salt, IS_HASH):
        raise Malformed("a disclosure is not a salt and a value")
    return bytes.fromhex(salt), item["value"]


def _expect_org(origin: str, org: str, wanted: str | None) -> None:
    if not origin.endswith(f"/org/{org}"):
        raise Disproved(f"{origin} is not the origin of the organisation {org}")
    if wanted is not None and wanted != org:
        raise Disproved(f"of the organisation {org}, not of {wanted}")


def _say_foreign(report: Report, heads: Sequence[Checkpoint]) -> None:
    foreign = sum(head.foreign for head in heads)
    if foreign:
        report.add(
            Result.NOT_CHECKED, "signatures", f"{foreign} signature lines of keys that your key file does not hold"
        )


def verify_pack(data: bytes, keys: Sequence[Key], report: Report, *, org: str | None, ended: bool) -> str:
    """Verify a proof pack and return the sentence of the verdict."""
    pack = _Pack(data, keys, report, org=org, ended=ended)
    report.run(pack.steps())
    report.add(Result.NOT_ASKED, "anchor", "whether witnesses saw the checkpoint")
    state = f"is open as of checkpoint {pack.head.size}" if report.open else f"ended {pack.story.state}"
    return f"Proven: the action {pack.action} {state}, as the signed ledger tells it."


# --- ledger export -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Mark:
    """A place where the root is known: from the export's own checkpoints, or from one that the user kept."""

    head: Checkpoint
    kept: bool


class _Bodies:
    """The slower check of every body. It remembers event ids and actions: memory grows with the ledger."""

    def __init__(self, org: str) -> None:
        """Check bodies of the organisation `org`."""
        self.org = org
        self.ids: set[bytes] = set()
        self.stories: dict[str, Story] = {}

    def __call__(self, seq: int, body: bytes) -> None:
        """Check the body of entry `seq`."""
        try:
            event = read_event(body, self.org)
            if event.action:
                self.stories.setdefault(event.action, Story()).follow(event)
        except Malformed as error:
            raise Disproved(f"entry {seq}: {error}", check="bodies", seq=seq) from error
        self.ids.add(bytes.fromhex(event.id.replace("-", "")))
        if len(self.ids) != seq:
            raise Disproved(f"entry {seq} has the id of an earlier event", check="bodies", seq=seq)


class _Ledger:
    """The checks of a ledger export in order; entries are read once and not kept."""

    def __init__(self, stream: BinaryIO, keys: Sequence[Key], report: Report, *, progress: bool) -> None:
        """Read the header of an export."""
        self.stream, self.keys, self.report, self.progress = stream, keys, report, progress
        line = stream.readline(MAX_HEADER + 1)
        if len(line) > MAX_HEADER:
            raise Unusable(f"no ledger export: its first line is longer than {MAX_HEADER} bytes")
        try:
            h = read_canonical(line[:-1])
        except Malformed as error:
            raise Unusable(f"no ledger export: its first line is {error}") from error
        if h.get("format") != "aaf-ledger/1":
            raise Unusable("no ledger export of version 1: the first line names another format")
        if h.keys() != {"checkpoints", "first", "format", "org", "origin", "size"} or not line.endswith(b"\n"):
            raise Unusable("the first line does not have the members of a ledger export of version 1")
        org, origin, size, first, notes = h["org"], h["origin"], h["size"], h["first"], h["checkpoints"]
        if not (_is(org, IS_ID) and _is(origin, IS_ORIGIN) and _is_count(size) and _is_count(first) and first == 1):
            raise Unusable("the first line has a member that is not of the form that it must have")
        if not isinstance(notes, list):
            raise Unusable("the first line has no list of checkpoints")
        self.notes = [str(note).encode() for note in notes]
        self.org, self.origin, self.size = org, origin, size
        self.marks: list[_Mark] = []
        self.good, self.kept_good = 0, 0
        self.bodies: _Bodies | None = None

    def checkpoints(self, wanted: str | None) -> str:
        """Verify every checkpoint of the header."""
        _expect_org(self.origin, self.org, wanted)
        heads = [open_checkpoint(note, self.keys, self.origin, "a checkpoint") for note in self.notes]
        _expect_ascending(heads)
        self._cut(heads, "a signed checkpoint", None)
        self.marks = [_Mark(head, kept=False) for head in heads]
        _say_foreign(self.report, heads)
        if not heads:
            self.report.add(Result.NOT_CHECKED, "checkpoints", "the export holds no signed checkpoint")
            return ""
        return f"{len(heads)} of {self.origin}, signed by a key in your key file"

    def since(self, notes: Sequence[bytes]) -> str:
        """Verify the checkpoints that the user kept from earlier."""
        heads = [open_checkpoint(note, self.keys, self.origin, "the checkpoint that you kept") for note in notes]
        self._cut(heads, "the checkpoint that you kept", "since")
        self.marks += [_Mark(head, kept=True) for head in heads]
        return ""

    def _cut(self, heads: Sequence[Checkpoint], what: str, check: str | None) -> None:
        for head in heads:
            if head.size > self.size:
                text = f"the tail is cut: {what} counts {head.size} entries, the export {self.size}"
                lost = f"entries {self.size + 1}..{head.size} are missing"
                raise Disproved(f"{text}; {lost}", check=check, seq=self.size + 1, last=head.size)

    def _compare(self, mark: _Mark, root: bytes) -> None:
        size = mark.head.size
        if mark.head.root != root:
            good = self.kept_good if mark.kept else self.good
            first = good + 1 if good < size else 1
            whose = "the checkpoint that you kept" if mark.kept else "the signed checkpoint"
            why = "forked or rewritten" if mark.kept else "rewritten, with the chain recomputed"
            text = f"the root at {size} is not that of {whose}: one or more of entries {first}..{size} were {why}"
            raise Disproved(text, check="since" if mark.kept else "root", seq=first, last=size)
        if mark.kept:
            self.kept_good = size
        self.good = size

    def entries(self) -> str:
        """Recompute leaf, chain and root of every entry, and compare the root wherever a checkpoint gives one."""
        sha256, order, to_hex = hashlib.sha256, struct.Struct(">Q").pack, hexlify
        org16 = bytes.fromhex(self.org.replace("-", ""))
        prefix, chain = b"aaf-chain-v1\0" + org16, sha256(b"aaf-genesis-v1\0" + org16).digest()
        peaks: list[bytes] = []
        # The export's own checkpoints first: where both speak of one size, the narrower range is named.
        ahead = sorted(self.marks, key=lambda mark: (-mark.head.size, not mark.kept))
        while ahead and ahead[-1].head.size == 0:
            self._compare(ahead.pop(), _root(peaks))
        due, bodies, seq, size = ahead[-1].head.size if ahead else 0, self.bodies, 0, self.size
        for line in iter(functools.partial(self.stream.readline, MAX_LINE), b""):
            parts = line[:-1].split(b" ", 2)
            seq += 1
            if parts[0] != b"%d" % seq or len(parts) != 3 or line[-1] != 10 or seq > size:  # noqa: PLR2004
                self._misplaced(seq, line)
            body = parts[2]
            leaf = sha256(b"\x00" + body).digest()
            chain = sha256(prefix + order(seq) + chain + leaf).digest()
            if to_hex(chain) != parts[1]:
                self._broken(seq)
            bits = seq - 1
            while bits & 1:
                leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
                bits >>= 1
            peaks.append(leaf)
            if bodies is not None:
                bodies(seq, body)
            if seq == due:
                root = _root(peaks)
                while ahead and ahead[-1].head.size == seq:
                    self._compare(ahead.pop(), root)
                due = ahead[-1].head.size if ahead else 0
            if self.progress and not seq % TICK:
                print(f"\r{seq} of {size} entries", end="", file=sys.stderr, flush=True)
        if self.progress:
            print(file=sys.stderr)
        self._ended(seq)
        return f"1..{size} without a gap, leaf and chain of each recomputed"

    def _broken(self, seq: int) -> NoReturn:
        text = f"the chain breaks at entry {seq}: it was changed, or one after {self.good} with its own chain value"
        raise Disproved(text, check="chain", seq=seq)

    def _ended(self, seq: int) -> None:
        if seq < self.size:
            text = f"the tail is cut: the header counts {self.size} entries, {seq} are there"
            lost = f"entries {seq + 1}..{self.size} are missing"
            raise Disproved(f"{text}; {lost}", check="chain", seq=seq + 1, last=self.size)

    def _misplaced(self, seq: int, line: bytes) -> NoReturn:
        """Say what is wrong with the line that stands where entry `seq` must."""
        found, following = _number(line), _number(self.stream.readline(MAX_LINE))
        if seq > self.size:
            text = f"after the {self.size} entries that the header counts comes another line"
        elif found is None or (found == seq and line[-1:] == b"\n"):
            text = f"entry {seq} is no line of number, chain value and body"
        elif found == seq:
            text = f"entry {seq} is cut short, or longer than a body may be"
        elif found < seq:
            text = f"entry {found} stands again where entry {seq} must: duplicated or reordered"
        elif following == seq:
            text = f"entries are reordered: {found} stands before {seq}"
        else:
            text = f"entries {seq}..{found - 1} are missing: after {seq - 1} comes {found}"
            raise Disproved(text, check="chain", seq=seq, last=found - 1)
        raise Disproved(text, check="chain", seq=seq)

    def coverage(self, *, required: bool) -> str:
        """Say how far the signed checkpoints reach."""
        covered = max([mark.head.size for mark in self.marks], default=-1)
        if covered == self.size:
            return f"the root at {self.size} is the one that was signed: every entry is covered"
        first = max(covered, 0) + 1
        what = f"entries {first}..{self.size} are" if self.size else "the empty ledger is"
        text = f"{what} not covered by a signed checkpoint"
        # Chain values need no key: where nothing at all is signed nothing is proven, whatever the user accepts.
        if required or covered <= 0:
            raise Disproved(text, seq=first, last=self.size)
        signed = f"the root at {covered} is the one that was signed: entries 1..{covered} are covered"
        self.report.add(Result.PROVED, "root", signed, 1, covered)
        self.report.add(Result.NOT_CHECKED, "root", text, first, self.size)
        return ""

    def sentence(self) -> str:
        """Say what is proven and up to which entry."""
        if self.size == 0:
            return f"Proven: the ledger of {self.org} is empty, as it was signed."
        if self.good == self.size:
            return f"Proven up to entry {self.size}, the last: the ledger of {self.org} is the one that was signed."
        rest = f"entries {self.good + 1}..{self.size} are not signed and not proven"
        return f"Proven up to entry {self.good}: so far the ledger of {self.org} is the one that was signed; {rest}."


def _expect_ascending(heads: Sequence[Checkpoint]) -> None:
    for left, right in pairwise(heads):
        if left.size >= right.size:
            raise Disproved(f"the checkpoint of size {right.size} stands after that of size {left.size}")


def _number(line: bytes) -> int | None:
    text = line.partition(b" ")[0].decode("ascii", "replace")
    return int(text) if IS_SIZE.fullmatch(text) else None


def verify_ledger(
    stream: BinaryIO,
    keys: Sequence[Key],
    report: Report,
    *,
    org: str | None = None,
    since: Sequence[bytes] = (),
    canonical: bool = False,
    allow_uncovered: bool = False,
    progress: bool = False,
) -> str:
    """Verify a ledger export and return the sentence of the verdict."""
    ledger = _Ledger(stream, keys, report, progress=progress)
    ledger.bodies = _Bodies(ledger.org) if canonical else None
    report.run(
        [
            ("checkpoints", lambda: ledger.checkpoints(org)),
            ("since", lambda: ledger.since(since)),
            ("chain", ledger.entries),
            ("root", lambda: ledger.coverage(required=not allow_uncovered)),
        ],
    )
    if canonical:
        text = "every body canonical and of this organisation, ids unique, every action's transitions without a gap"
        report.add(Result.PROVED, "bodies", text)
    else:
        report.add(
            Result.NOT_ASKED, "bodies", "whether every body is canonical and every action's story whole (--canonical)"
        )
    if since:
        sizes = ", ".join(str(mark.head.size) for mark in ledger.marks if mark.kept)
        report.add(Result.PROVED, "since", f"the ledger continues what you kept: same root at size {sizes}")
    else:
        report.add(Result.NOT_ASKED, "since", "whether the ledger continues a checkpoint that you kept (--since)")
    return ledger.sentence()


# --- command line ------------------------------------------------------------------------------------------------------
_EPILOG = """\
examples:
  aaf_verify --key log.keys pack.zip
  aaf_verify --key log.keys --json --org 5f0c...e1 pack.zip
  aaf_verify --key log.keys --since checkpoint-of-last-month.txt --canonical ledger.aaf

The key file holds one verifier key (vkey) a line, with an optional range of tree sizes (1-5000, 5001-) after it; '#' begins
a comment. Get it from the operator by another way than the pack: a key inside a pack proves nothing.

exit status: 0 everything required is proven, 1 something is false or not proven, 2 unusable input or arguments"""

_COLOURS = {
    Result.PROVED: "\x1b[32m",
    Result.FALSE: "\x1b[1;31m",
    Result.NOT_ASKED: "\x1b[2m",
    Result.NOT_CHECKED: "\x1b[33m",
}
PROVEN, WRONG, UNUSABLE = 0, 1, 2


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aaf_verify",
        description="Verify a proof pack or a ledger export offline.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="PACK.zip|LEDGER.aaf", help="which of the two it is, is seen from its content")
    parser.add_argument("--key", required=True, metavar="KEYFILE", help="verifier keys that you trust")
    parser.add_argument("--org", metavar="UUID", help="refuse what is of another organisation")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    pack = parser.add_argument_group("proof packs")
    pack.add_argument("--require-end", action="store_true", help="refuse the pack of an action that is still open")
    ledger = parser.add_argument_group("ledger exports")
    ledger.add_argument(
        "--since",
        action="append",
        default=[],
        metavar="CHECKPOINT",
        help="a checkpoint kept from earlier; may be repeated",
    )
    ledger.add_argument(
        "--canonical", action="store_true", help="also check every body and every action's story (slower)"
    )
    ledger.add_argument(
        "--allow-uncovered",
        action="store_true",
        help="accept entries after the last signed checkpoint; one must be there, and what follows it is not proven",
    )
    ledger.add_argument(
        "--progress", choices=["auto", "always", "never"], default="auto", help="count entries on stderr"
    )
    parser.add_argument("--version", action="version", version=f"aaf_verify {__version__}")
    return parser


def _bounded(stream: BinaryIO, limit: int) -> bytes:
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise Unusable(f"{stream.name} is larger than {limit} bytes")
    return data


def _read(path: str, limit: int) -> bytes:
    with Path(path).open("rb") as stream:
        return _bounded(stream, limit)


def _verify(options: argparse.Namespace, report: Report) -> str:
    try:
        text = _read(options.key, MAX_KEYS).decode()
    except UnicodeDecodeError as error:
        raise Unusable(f"{options.key} is no key file") from error
    keys, unknown = read_keys(text)
    if unknown:
        report.add(
            Result.NOT_CHECKED, "keys", f"{unknown} keys of a type that this program does not know; they don't count"
        )
    if options.org is not None and not _is(options.org, IS_ID):
        raise Unusable("--org is no UUID in lowercase")
    with Path(options.file).open("rb", buffering=1 << 20) as stream:
        start = stream.read(1)
        stream.seek(0)
        if start == b"P":
            if options.since or options.canonical or options.allow_uncovered:
                raise Unusable("--since, --canonical and --allow-uncovered are for ledger exports, this is a zip")
            return verify_pack(_bounded(stream, MAX_PACKED), keys, report, org=options.org, ended=options.require_end)
        if start == b"{":
            if options.require_end:
                raise Unusable("--require-end is for proof packs, this is a ledger export")
            progress = options.progress == "always" or (options.progress == "auto" and sys.stderr.isatty())
            return verify_ledger(
                stream,
                keys,
                report,
                org=options.org,
                since=[_read(path, MAX_NOTE) for path in options.since],
                canonical=options.canonical,
                allow_uncovered=options.allow_uncovered,
                progress=progress,
            )
    raise Unusable(f"{options.file} is neither a proof pack nor a ledger export")


def _lines(report: Report, *, colour: bool) -> Iterator[str]:
    for line in report.lines:
        word = "FALSE" if line.result is Result.FALSE else line.result.value
        start, stop = (_COLOURS[line.result], "\x1b[0m") if colour else ("", "")
        yield f"{start}{word:<11}{stop} {line.check}: {line.text}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify what the command line names, print what was proved and return the exit status."""
    options = _arguments().parse_args(arguments)
    report = Report()
    try:
        status, verdict, sentence = PROVEN, "proven", _verify(options, report)
    except Disproved:
        status, verdict, sentence = WRONG, "false", "False: see the line above; do not rely on this file."
    except (Unusable, OSError, ValueError) as error:
        status, verdict, sentence = UNUSABLE, "unusable", f"Unusable: {error}"
    except (MemoryError, RecursionError) as error:
        sentence = f"Unusable: too large or nested too deep for this machine ({type(error).__name__})"
        status, verdict = UNUSABLE, "unusable"
    sentence = printable(sentence)
    if options.json:
        checks = [{k: v for k, v in asdict(line).items() if v is not None} for line in report.lines]
        print(json.dumps({"verdict": verdict, "open": report.open, "sentence": sentence, "checks": checks}))
        return status
    for text in _lines(report, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ):
        print(text)
    print(sentence)
    return status


if __name__ == "__main__":
    sys.exit(main())

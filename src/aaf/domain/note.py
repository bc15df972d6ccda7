"""Signed notes and checkpoints as text (docs/formats.md section 5; c2sp.org/signed-note, c2sp.org/tlog-checkpoint).

Only the one spelling that the specifications give is read. Nothing is signed or verified here: a note that parses proves nothing until
a known key's signature over its text was checked, and a bad signature of a known key spoils the note.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn

from aaf.domain.errors import Code, InputRefused

MAX_NOTE = 65_536
"""Bytes of the longest note."""

_ED25519 = b"\x01"
_KEY_SIZE = 32
_HASH_SIZE = 32
_KEY_ID_SIZE = 4
_SIGNATURE_SIZE = 64
_SIGNATURE_MARK = "— "  # em dash, U+2014
_MAX_DIGITS = 16
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,15}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: `size` leaves of the log `origin` have this root."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """An Ed25519 public key (32 bytes) under its name; `key_id` is 4 bytes."""

    name: str
    key_id: bytes
    public_key: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; `raw` is what follows the key id, 64 bytes where the key is an Ed25519 one."""

    name: str
    key_id: bytes
    raw: bytes


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """Write the three lines that are signed."""
    if not _is_name(origin) or not 0 <= size < 10**_MAX_DIGITS or len(root) != _HASH_SIZE:
        raise ValueError("a checkpoint has an origin without spaces, a size and a root of 32 bytes")
    return f"{origin}\n{size}\n{_b64(root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint note.

    Raises:
        InputRefused: it isn't exactly three lines as `checkpoint_text` writes them.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:  # noqa: PLR2004 - three lines and nothing after the last newline
        _refuse("A checkpoint has three lines.")
    origin, size, root = lines[:3]
    if not _is_name(origin):
        _refuse("A checkpoint's origin is no plain name.")
    if not _DECIMAL.fullmatch(size):
        _refuse("A checkpoint's size is no plain decimal number.")
    raw = _unb64(root)
    if raw is None or len(raw) != _HASH_SIZE:
        _refuse("A checkpoint's root is no hash of 32 bytes in base64.")
    return Checkpoint(origin, int(size), raw)


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the 4 bytes by which a note names an Ed25519 key."""
    if not _is_name(name) or len(public_key) != _KEY_SIZE:
        raise ValueError("a key has a name without spaces and plus signs, and 32 bytes")
    return sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_SIZE]


def vkey(name: str, public_key: bytes) -> str:
    """Write the verifier key that people keep outside: `<name>+<hex of key id>+<base64>`."""
    return f"{name}+{key_id(name, public_key).hex()}+{_b64(_ED25519 + public_key)}"


def parse_vkey(line: str) -> VerifierKey:
    """Read a verifier key; a line without its end.

    Raises:
        InputRefused: it is no vkey, not of an Ed25519 key, or its key id is not that of its name and key.
    """
    name, hexed, coded = (*line.split("+", 2), "", "")[:3]
    raw = _unb64(coded)
    if not _is_name(name) or raw is None or raw[:1] != _ED25519 or len(raw) != 1 + _KEY_SIZE:
        _refuse("This is no verifier key of an Ed25519 key.")
    found = VerifierKey(name, key_id(name, raw[1:]), raw[1:])
    if hexed != found.key_id.hex():
        _refuse("The verifier key's id is not that of its name and key.")
    return found


def signature_line(name: str, public_key: bytes, signature: bytes) -> str:
    """Write the line of an Ed25519 signature of 64 bytes, with its newline."""
    if len(signature) != _SIGNATURE_SIZE:
        raise ValueError("an Ed25519 signature has 64 bytes")
    return f"{_SIGNATURE_MARK}{name} {_b64(key_id(name, public_key) + signature)}\n"


def assemble(text: str, lines: Sequence[str]) -> str:
    """Put a note together from its text and its signature lines, each with its newline."""
    note = f"{text}\n{''.join(lines)}"
    if split_note(note)[0] != text:
        raise ValueError("the lines are not the signature lines of this text")
    return note


def split_note(note: str) -> tuple[str, tuple[Signature, ...]]:
    """Take a note apart: the text that was signed, with its last newline, and the signatures in their order.

    Raises:
        InputRefused: it is no note, or longer than 65,536 bytes.
    """
    if len(note) > MAX_NOTE or len(note.encode(errors="replace")) > MAX_NOTE:
        _refuse("A note has at most 65,536 bytes.")
    if _CONTROL.search(note) or not _is_unicode(note):
        _refuse("A note holds UTF-8 without control characters.")
    # The last empty line parts the two: a text may hold empty lines, signatures can't.
    text, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        _refuse("A note has a text, an empty line and signature lines.")
    return f"{text}\n", tuple(_signature(line) for line in tail[:-1].split("\n"))


def _signature(line: str) -> Signature:
    name, _, coded = line.removeprefix(_SIGNATURE_MARK).partition(" ")
    raw = _unb64(coded)
    if not line.startswith(_SIGNATURE_MARK) or not _is_name(name) or raw is None or len(raw) <= _KEY_ID_SIZE:
        _refuse("A signature line of the note is malformed.")
    return Signature(name, raw[:_KEY_ID_SIZE], raw[_KEY_ID_SIZE:])


def _is_name(name: str) -> bool:
    """Key names are not empty and hold no Unicode space and no plus sign; control characters are refused with them."""
    return bool(name) and "+" not in name and not _CONTROL.search(name) and not any(char.isspace() for char in name)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _b64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _unb64(text: str) -> bytes | None:
    """Read base64 in its one spelling, or give None: padding and unused bits have to be right."""
    try:
        raw = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return None
    return raw if _b64(raw) == text else None


def _refuse(message: str) -> NoReturn:
    raise InputRefused(Code.BAD_REQUEST, message)

"""The hash chain of one organisation's ledger (docs/formats.md section 4).

Each value covers the organisation, the entry's number, the value before and the entry's leaf, so an entry can't be moved, dropped or
taken to another ledger without every later value changing. Who recomputes the whole chain is caught by a signed checkpoint, not here.
"""

import re
import struct
from functools import lru_cache
from hashlib import sha256

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_U64 = struct.Struct(">Q").pack


def org_bytes(org: str) -> bytes:
    """Return the 16 bytes of a UUID in canonical lowercase text.

    Raises:
        ValueError: `org` is written in any other way.
    """
    if not _ID.fullmatch(org):
        raise ValueError("an id is a UUID of 36 lowercase characters")
    return bytes.fromhex(org.replace("-", ""))


def genesis(org: str) -> bytes:
    """Return `chain(0)`, the value before the first entry."""
    return sha256(b"aaf-genesis-v1\0" + org_bytes(org)).digest()


@lru_cache(maxsize=4096)
def chain_prefix(org: str) -> bytes:
    """Return the constant beginning of every chain input of `org`, for `chain_step`."""
    return b"aaf-chain-v1\0" + org_bytes(org)


def chain_next(org: str, seq: int, previous: bytes, leaf: bytes) -> bytes:
    """Return `chain(seq)` from `chain(seq - 1)` and the entry's leaf hash; `seq` counts from 1."""
    return sha256(chain_prefix(org) + _U64(seq) + previous + leaf).digest()


def chain_step(prefix: bytes, seq: int, previous: bytes, leaf: bytes) -> bytes:
    """Do what `chain_next` does with a prefix at hand, for loops over a whole ledger."""
    return sha256(prefix + _U64(seq) + previous + leaf).digest()

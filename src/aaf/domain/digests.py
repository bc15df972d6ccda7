"""Keyed hashes, and comparing digests that a caller sent without telling by time how much of them was right."""

import hmac
from hashlib import sha256

_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


def keyed_hash(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104, FIPS 198-1), 32 bytes.

    Written out, because `hmac.digest` hands the interpreter's lock over on every call, however short: with a writer thread beside it each of
    the five of a decision then costs ten times the hash.
    """
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return sha256(block.translate(_OUTER) + sha256(block.translate(_INNER) + data).digest()).digest()


def same_digest(given: str, expected: str) -> bool:
    """Whether two texts are the same; empty ones and texts beyond ASCII never are."""
    if not given or not given.isascii() or not expected:
        return False
    return hmac.compare_digest(given.encode(), expected.encode())

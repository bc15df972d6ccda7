"""API keys as text (docs/formats.md section 12): made from given random bytes, checked for typing errors, kept as a keyed hash.

The checksum is no security: whoever can read this can compute it. It lets a door refuse a mistyped key, and a scanner find a leaked
one, without asking the store.
"""

import re
from enum import StrEnum, unique
from zlib import crc32

from aaf.domain.digests import keyed_hash

PREFIX = "aaf_live_"

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 30
_CHECK_LENGTH = 6
_HINT_LENGTH = 4
_MIN_RANDOM = 24
_BODY = re.compile(f"[0-9A-Za-z]{{{_RANDOM_LENGTH + _CHECK_LENGTH}}}")


@unique
class KeyFault(StrEnum):
    """Why a text is no API key."""

    WRONG_CHECKSUM = "wrong_checksum"
    WRONG_PREFIX = "wrong_prefix"
    WRONG_SHAPE = "wrong_shape"


def make_key(random: bytes) -> str:
    """Make a key from at least 24 random bytes; 32 leave no bias worth a number.

    30 characters hold 178.6 bits. A remainder of 192 random bits falls on some keys with a probability that differs by one part in
    10,000, which takes no measurable strength away; of 256 bits, by one part in 10^23.

    Raises:
        ValueError: fewer than 24 bytes were given.
    """
    if len(random) < _MIN_RANDOM:
        raise ValueError("an API key needs at least 24 random bytes")
    body = PREFIX + _base62(int.from_bytes(random), _RANDOM_LENGTH)
    return body + _checksum(body)


def check_key(text: str) -> KeyFault | None:
    """Say why `text` can't be a key, or None where it may be one."""
    if not text.startswith(PREFIX):
        return KeyFault.WRONG_PREFIX
    if not _BODY.fullmatch(text, len(PREFIX)):
        return KeyFault.WRONG_SHAPE
    if text[-_CHECK_LENGTH:] != _checksum(text[:-_CHECK_LENGTH]):
        return KeyFault.WRONG_CHECKSUM
    return None


def well_formed(text: str) -> bool:
    """Whether `check_key` finds no fault."""
    return check_key(text) is None


def key_mac(pepper: bytes, key: str) -> bytes:
    """Return what a store keeps of a key: HMAC-SHA-256 under the installation's pepper, 32 bytes."""
    return keyed_hash(pepper, key.encode())


def hint_of(key: str) -> str:
    """Return the first four random characters, by which people tell keys apart in lists."""
    return key[len(PREFIX) : len(PREFIX) + _HINT_LENGTH]


def _checksum(body: str) -> str:
    return _base62(crc32(body.encode()), _CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    """The last `length` digits in base 62, big end first."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))

"""Keyed hashes and comparisons."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.digests import keyed_hash, same_digest

# RFC 4231, test cases 1, 2 and 6.
VECTORS = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
]


@pytest.mark.parametrize(("key", "data", "expected"), VECTORS)
def test_the_published_vectors_come_out(key: bytes, data: bytes, expected: str) -> None:
    assert keyed_hash(key, data).hex() == expected


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_it_is_the_hmac_of_the_standard_library(key: bytes, data: bytes) -> None:
    assert keyed_hash(key, data) == hmac.digest(key, data, "sha256")


@pytest.mark.parametrize(
    ("given_", "expected", "same"),
    [
        ("ab", "ab", True),
        ("ab", "ac", False),
        ("", "", False),
        ("ab", "", False),
        ("\u00e4b", "\u00e4b", False),
        ("a", "ab", False),
    ],
)
def test_only_equal_ascii_texts_are_the_same(given_: str, expected: str, same: bool) -> None:
    assert same_digest(given_, expected) is same

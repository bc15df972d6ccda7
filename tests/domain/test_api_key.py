"""API keys: their text, their checksum, and what is kept of them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.api_key import PREFIX, KeyFault, check_key, hint_of, key_mac, make_key, well_formed

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "api_key.json").read_text(encoding="utf-8")
)
KEY = str(VECTOR["key"])


def test_pinned_key() -> None:
    assert make_key(bytes.fromhex(VECTOR["random"])) == KEY
    assert key_mac(bytes.fromhex(VECTOR["pepper"]), KEY).hex() == VECTOR["mac"]
    assert hint_of(KEY) == VECTOR["hint"]
    assert len(KEY) == 45


@given(st.binary(min_size=24, max_size=40))
def test_every_key_that_is_made_is_well_formed(random: bytes) -> None:
    key = make_key(random)
    assert check_key(key) is None
    assert well_formed(key)
    assert key.startswith(PREFIX)


def test_keys_of_other_random_bytes_are_other_keys() -> None:
    assert len({make_key(bytes([number]) * 32) for number in range(256)}) == 256


def test_too_little_randomness_makes_no_key() -> None:
    with pytest.raises(ValueError, match="24 random bytes"):
        make_key(bytes(23))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", KeyFault.WRONG_PREFIX),
        (KEY[1:], KeyFault.WRONG_PREFIX),
        ("aaf_test_" + KEY[9:], KeyFault.WRONG_PREFIX),
        (KEY[:-1], KeyFault.WRONG_SHAPE),
        (KEY + "0", KeyFault.WRONG_SHAPE),
        (KEY + "\n", KeyFault.WRONG_SHAPE),
        (KEY[:-1] + "é", KeyFault.WRONG_SHAPE),
        (KEY[:20] + "-" + KEY[21:], KeyFault.WRONG_SHAPE),
        (PREFIX, KeyFault.WRONG_SHAPE),
    ],
)
def test_what_is_no_key_is_named(text: str, fault: KeyFault) -> None:
    assert check_key(text) is fault
    assert not well_formed(text)


@given(st.integers(len(PREFIX), 44), st.sampled_from("0123456789ABCXYZabcxyz"))
def test_one_mistyped_character_is_found(at: int, character: str) -> None:
    mistyped = KEY[:at] + character + KEY[at + 1 :]
    assert check_key(mistyped) is (None if mistyped == KEY else KeyFault.WRONG_CHECKSUM)


def test_a_mac_needs_the_same_pepper_and_key() -> None:
    assert len({key_mac(b"p", KEY), key_mac(b"q", KEY), key_mac(b"p", KEY[:-1])}) == 3

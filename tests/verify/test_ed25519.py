"""The verifier's own Ed25519: the RFC's vectors, Wycheproof's, our own cases of what is refused, and `cryptography` as the oracle."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

import aaf_verify

WYCHEPROOF = json.loads((Path(__file__).parent.parent / "vectors/ed25519_wycheproof.json").read_text())["cases"]
P, ORDER = aaf_verify.P, aaf_verify.L

# RFC 8032 section 7.1: the secret seed, the public key, the message, the signature. Test 1024 is case 83 of Wycheproof's.
RFC_8032 = {
    "test 1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        b"",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "test 2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        b"\x72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "test 3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        b"\xaf\x82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    "test SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").digest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
}

# The eight points of small order in every encoding that a lenient reader takes, and an x = 0 with a sign.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


@pytest.mark.parametrize("name", RFC_8032)
def test_the_vectors_of_rfc_8032_verify(name: str) -> None:
    seed, public, message, signature = RFC_8032[name]
    assert Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).public_key().public_bytes_raw().hex() == public
    assert aaf_verify.verify_signature(bytes.fromhex(public), message, bytes.fromhex(signature))
    assert not aaf_verify.verify_signature(bytes.fromhex(public), message + b"\0", bytes.fromhex(signature))


@pytest.mark.parametrize("case", WYCHEPROOF, ids=lambda case: f"{case['id']} {case['comment']}")
def test_the_verdict_is_that_of_wycheproof(case: dict[str, Any]) -> None:
    public, message, signature = (bytes.fromhex(case[name]) for name in ("public", "message", "signature"))
    assert aaf_verify.verify_signature(public, message, signature) is case["valid"]


@pytest.mark.parametrize("public", SMALL_ORDER)
def test_a_key_of_small_order_verifies_nothing(public: str) -> None:
    """With such a key one signature is good for many messages: R is the key itself or the identity, s is 0."""
    for r in (*SMALL_ORDER, "01" + "00" * 31):
        assert not aaf_verify.verify_signature(bytes.fromhex(public), b"any", bytes.fromhex(r) + bytes(32))


def test_a_key_of_mixed_order_verifies_nothing() -> None:
    """An honest key plus a point of order two: a reader without the check takes some signatures and refuses others."""
    private = Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32)
    honest = aaf_verify._decode_point(private.public_key().public_bytes_raw())
    twist = aaf_verify._decode_point(bytes.fromhex(SMALL_ORDER[1]))
    assert honest is not None
    assert twist is not None
    mixed = aaf_verify._encode_point(aaf_verify._add(honest, twist))
    assert not any(aaf_verify.verify_signature(mixed, bytes([n]), private.sign(bytes([n]))) for n in range(4))


@pytest.mark.parametrize("times", [1, 2, 7])
def test_a_scalar_beyond_the_group_order_is_refused(times: int) -> None:
    private, message = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32), b"pay 10"
    signature, public = private.sign(message), private.public_key().public_bytes_raw()
    s = int.from_bytes(signature[32:], "little") + times * ORDER
    assert aaf_verify.verify_signature(public, message, signature)
    assert not aaf_verify.verify_signature(public, message, signature[:32] + s.to_bytes(32, "little"))


@pytest.mark.parametrize("y", [P, P + 1, P + 18, 2**255 - 1], ids=["p", "p+1", "p+18", "all ones"])
@pytest.mark.parametrize("sign", [0, 1])
def test_an_encoding_beyond_the_field_is_refused(y: int, sign: int) -> None:
    assert aaf_verify._decode_point((y | sign << 255).to_bytes(32, "little")) is None


def test_bytes_that_are_no_point_or_not_of_the_length_are_refused() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32)
    public, signature = private.public_key().public_bytes_raw(), private.sign(b"")
    assert aaf_verify._decode_point((2).to_bytes(32, "little")) is None
    for key, data in [
        ((2).to_bytes(32, "little"), signature),
        (public[:31], signature),
        (public + b"\0", signature),
        (public, signature[:63]),
        (public, signature + b"\0"),
        (public, b""),
        (public, (2).to_bytes(32, "little") + signature[32:]),
    ]:
        assert not aaf_verify.verify_signature(key, b"", data)


def _oracle(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@settings(deadline=None, max_examples=60)
@given(
    seed=st.binary(min_size=32, max_size=32),
    message=st.binary(max_size=200),
    where=st.sampled_from(["public", "message", "signature"]),
    bit=st.integers(0, 2**16),
)
def test_it_takes_what_the_oracle_signs_and_nothing_that_the_oracle_refuses(
    seed: bytes, message: bytes, where: str, bit: int
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    parts = {"public": private.public_key().public_bytes_raw(), "message": message + b".", "signature": b""}
    parts["signature"] = private.sign(parts["message"])
    assert aaf_verify.verify_signature(**parts)
    flipped = bytearray(parts[where])
    flipped[bit // 8 % len(flipped)] ^= 1 << bit % 8
    parts[where] = bytes(flipped)
    assert not aaf_verify.verify_signature(**parts)
    assert not _oracle(**parts)


@settings(deadline=None, max_examples=100)
@given(
    public=st.one_of(st.sampled_from(SMALL_ORDER).map(bytes.fromhex), st.binary(min_size=32, max_size=32)),
    data=st.data(),
)
def test_where_the_two_disagree_ours_is_the_stricter(public: bytes, data: st.DataObject) -> None:
    r = data.draw(st.one_of(st.sampled_from(SMALL_ORDER).map(bytes.fromhex), st.binary(min_size=32, max_size=32)))
    s = data.draw(st.sampled_from([0, 1, ORDER - 1, ORDER, ORDER + 1, 2**256 - 1])).to_bytes(32, "little")
    message = data.draw(st.binary(max_size=8))
    if aaf_verify.verify_signature(public, message, r + s):
        assert _oracle(public, message, r + s)

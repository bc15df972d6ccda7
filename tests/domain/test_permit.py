"""The permit's token: pinned bytes, and no second spelling."""

import base64
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aaf.domain.errors import Code, InputRefused
from aaf.domain.permit import (
    MAX_LIFETIME,
    Claims,
    assemble_token,
    key_fingerprint,
    parse_token,
    signing_input,
)

VECTOR: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "permit.json").read_text(encoding="utf-8")
)
SECRET = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(VECTOR["secret_key"]))
PUBLIC = bytes.fromhex(VECTOR["public_key"])
CLAIMS = Claims(**VECTOR["claims"])
HEADER = {"alg": "EdDSA", "kid": VECTOR["kid"], "typ": "aaf-permit+jwt"}


def segment(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def token_of(header: bytes, claims: bytes, signature: bytes = bytes(64)) -> str:
    return ".".join(segment(part) for part in (header, claims, signature))


def token_with(**changed: Any) -> str:
    """A token whose claims are canonical and differ in these members; None takes one out."""
    claims = {name: value for name, value in (VECTOR["claims"] | changed).items() if value is not None}
    return token_of(rfc8785.dumps(HEADER), rfc8785.dumps(claims))


def test_the_key_is_the_first_of_rfc_8032_section_7_1() -> None:
    assert SECRET.public_key().public_bytes_raw() == PUBLIC
    assert SECRET.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155")


def test_pinned_token() -> None:
    kid = key_fingerprint(PUBLIC)
    assert kid == VECTOR["kid"]
    signed = signing_input(CLAIMS, kid)
    assert assemble_token(signed, SECRET.sign(signed)) == VECTOR["token"]


def test_a_token_is_taken_apart_and_its_signature_verifies() -> None:
    token = parse_token(VECTOR["token"])
    assert (token.kid, token.claims) == (VECTOR["kid"], CLAIMS)
    public = Ed25519PublicKey.from_public_bytes(PUBLIC)
    public.verify(token.signature, token.signing_input)
    with pytest.raises(InvalidSignature):
        public.verify(token.signature, signing_input(replace(CLAIMS, aud="other.example"), token.kid))


def test_a_canonical_token_is_read() -> None:
    assert parse_token(token_with()).claims == CLAIMS
    assert parse_token(token_with(aud="Werkzeug-Größe")).claims.aud == "Werkzeug-Größe"
    assert parse_token(token_with(exp=CLAIMS.iat)).claims.exp == CLAIMS.iat


IMPOSSIBLE: list[dict[str, Any]] = [
    {"aud": ""},
    {"aud": "a\nb"},
    {"aud": "a" * 257},
    {"iss": ""},
    {"digest": CLAIMS.digest.upper()},
    {"digest": CLAIMS.digest[1:]},
    {"salt": CLAIMS.salt + "00"},
    {"jti": "x"},
    {"jti": CLAIMS.jti.upper()},
    {"sub": CLAIMS.sub + "\n"},
    {"exp": CLAIMS.iat + MAX_LIFETIME + 1},
    {"exp": CLAIMS.iat - 1, "nbf": CLAIMS.iat - 1},
    {"iat": -1, "exp": 10, "nbf": 0},
    {"nbf": CLAIMS.exp + 1},
    {"nbf": -1},
    {"iat": 2**53 - 1, "exp": 2**53},
]


@pytest.mark.parametrize("changed", IMPOSSIBLE)
def test_a_permit_that_can_not_be_is_neither_written_nor_read(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no permit can say this"):
        signing_input(replace(CLAIMS, **changed), VECTOR["kid"])
    text = json.dumps(asdict(CLAIMS) | changed, sort_keys=True, separators=(",", ":"))
    refused(token_of(rfc8785.dumps(HEADER), text.encode()))


def refused(token: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_token(token)
    assert caught.value.code is Code.BAD_REQUEST
    assert caught.value.hint


@pytest.mark.parametrize("kid", ["", "21FE31DFA154A261", VECTOR["kid"] + "0", VECTOR["kid"] + "\n"])
def test_a_key_is_named_by_sixteen_hex_digits(kid: str) -> None:
    with pytest.raises(ValueError, match="no permit can say this"):
        signing_input(CLAIMS, kid)
    refused(token_of(rfc8785.dumps(HEADER | {"kid": kid}), rfc8785.dumps(VECTOR["claims"])))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "kid": VECTOR["kid"], "typ": "aaf-permit+jwt"},
        {"alg": "HS256", "kid": VECTOR["kid"], "typ": "aaf-permit+jwt"},
        {"alg": "eddsa", "kid": VECTOR["kid"], "typ": "aaf-permit+jwt"},
        {"alg": "EdDSA", "kid": VECTOR["kid"], "typ": "JWT"},
        {"alg": "EdDSA", "typ": "aaf-permit+jwt"},
        {"alg": "EdDSA", "kid": VECTOR["kid"]},
        HEADER | {"jwk": {}},
        HEADER | {"crit": []},
    ],
)
def test_a_header_is_fixed(header: dict[str, Any]) -> None:
    refused(token_of(rfc8785.dumps(header), rfc8785.dumps(VECTOR["claims"])))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": None},
        {"aud": ["tools.example"]},
        {"exp": str(CLAIMS.exp)},
        {"exp": CLAIMS.exp + 0.5},
        {"nbf": True},
        {"iat": False, "exp": True, "nbf": False},
        {"scope": "all"},
        {"digest": 7},
        {"salt": {}},
    ],
)
def test_claims_are_these_nine_of_these_types(changed: dict[str, Any]) -> None:
    refused(token_with(**changed))


@pytest.mark.parametrize(
    "claims",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        rfc8785.dumps(VECTOR["claims"]) + b" ",
        json.dumps(VECTOR["claims"]).encode(),
        rfc8785.dumps(VECTOR["claims"]).replace(b'{"aud"', b'{"aud":"other","aud"'),
        rfc8785.dumps(VECTOR["claims"]).replace(b"1760000060", b"1760000060.0"),
        rfc8785.dumps(VECTOR["claims"]).replace(b"tools.example", b"tools\\u002eexample"),
    ],
)
def test_claims_have_one_spelling(claims: bytes) -> None:
    refused(token_of(rfc8785.dumps(HEADER), claims))


PARTS = VECTOR["token"].split(".")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        ".".join(PARTS[:2]),
        f"{PARTS[0]}.{PARTS[1]}.",
        VECTOR["token"] + ".",
        VECTOR["token"] + ".x",
        VECTOR["token"] + "=",
        VECTOR["token"] + "\n",
        " " + VECTOR["token"],
        VECTOR["token"][:-1],
        VECTOR["token"][:-1] + "x",
        VECTOR["token"] + "A",
        VECTOR["token"] + "AA",
        f"{PARTS[0]}.{PARTS[1]}.{PARTS[2].replace('_', '/').replace('-', '+')}",
        f"{PARTS[0]}.{PARTS[1]}.é{PARTS[2][1:]}",
        f"{PARTS[0]}.{PARTS[1]}.AAAAA",
        VECTOR["token"] * 10,
    ],
)
def test_a_token_has_one_spelling(token: str) -> None:
    refused(token)


def test_a_signature_of_another_length_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        assemble_token(b"a.b", bytes(63))

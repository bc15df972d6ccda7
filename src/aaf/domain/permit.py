"""The permit's token: a JWS in compact serialisation with exactly one header and exactly nine claims (docs/formats.md section 7).

Nothing about it can be negotiated: the algorithm is fixed, and every byte has one spelling. Nothing is signed or verified here, and a good
signature only tells who issued it: the right to run is used up in the store, by its clock.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from typing import NoReturn

from aaf.domain.canonical import MAX_INTEGER, canonical, parse
from aaf.domain.errors import Code, InputRefused

MAX_LIFETIME = 60
"""Seconds between `iat` and `exp` at most."""

MAX_TOKEN = 4096
_MAX_TEXT = 256
_SIGNATURE_SIZE = 64
_HEADER = re.compile(rb'\{"alg":"EdDSA","kid":"([0-9a-f]{16})","typ":"aaf-permit\+jwt"\}')
_KID = re.compile(r"[0-9a-f]{16}")
_HEX = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a permit says; times in whole seconds since 1970-01-01T00:00:00Z, `digest` and `salt` in hex."""

    aud: str
    digest: str
    exp: int
    iat: int
    iss: str
    jti: str
    nbf: int
    salt: str
    sub: str


_TYPES = {field.name: field.type for field in fields(Claims)}


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart: which key is said to have signed `signing_input`, and what it says if that is so."""

    kid: str
    claims: Claims
    signing_input: bytes
    signature: bytes


def key_fingerprint(public_key: bytes) -> str:
    """Return the `kid` of an Ed25519 public key of 32 bytes."""
    return sha256(public_key).hexdigest()[:16]


def signing_input(claims: Claims, kid: str) -> bytes:
    """Return the bytes that are signed.

    Raises:
        ValueError: such a permit can't be issued.
    """
    if not _KID.fullmatch(kid) or not _is_possible(claims):
        raise ValueError("no permit can say this")
    header = canonical({"alg": "EdDSA", "kid": kid, "typ": "aaf-permit+jwt"})
    return f"{_segment(header)}.{_segment(canonical(asdict(claims)))}".encode()


def assemble_token(signing_input: bytes, signature: bytes) -> str:
    """Put the token together; `signature` is the Ed25519 signature of 64 bytes over `signing_input`."""
    if len(signature) != _SIGNATURE_SIZE:
        raise ValueError("an Ed25519 signature has 64 bytes")
    return f"{signing_input.decode()}.{_segment(signature)}"


def parse_token(token: str) -> Token:
    """Take a token apart. The caller verifies the signature, the audience and the times.

    Raises:
        InputRefused: BAD_REQUEST, it isn't spelt exactly as `signing_input` and `assemble_token` spell a permit.
    """
    parts = token.split(".", 3) if len(token) <= MAX_TOKEN else []
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        _refuse()
    header, body, signature = (_bytes(part) for part in parts)
    found = _HEADER.fullmatch(header)
    if found is None or len(signature) != _SIGNATURE_SIZE:
        _refuse()
    return Token(found[1].decode(), _claims(body), f"{parts[0]}.{parts[1]}".encode(), signature)


def _claims(body: bytes) -> Claims:
    try:
        value = parse(body)
    except InputRefused:
        _refuse()
    if not isinstance(value, dict) or {name: type(part) for name, part in value.items()} != _TYPES:
        _refuse()
    claims = Claims(**value)  # type: ignore[arg-type]
    if not _is_possible(claims) or canonical(value) != body:
        _refuse()
    return claims


def _is_possible(claims: Claims) -> bool:
    """Whether these values can stand in a permit at all."""
    return (
        all(0 < len(text) <= _MAX_TEXT and text.isprintable() for text in (claims.aud, claims.iss))
        and all(_HEX.fullmatch(text) for text in (claims.digest, claims.salt))
        and all(_ID.fullmatch(text) for text in (claims.jti, claims.sub))
        and 0 <= claims.iat <= claims.exp <= min(claims.iat + MAX_LIFETIME, MAX_INTEGER)
        and 0 <= claims.nbf <= claims.exp
    )


def _segment(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(segment: str) -> bytes:
    """Read base64url without padding in its one spelling."""
    if not _SEGMENT.fullmatch(segment) or len(segment) % 4 == 1:
        _refuse()
    raw = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if _segment(raw) != segment:
        _refuse()
    return raw


def _refuse() -> NoReturn:
    raise InputRefused(
        Code.BAD_REQUEST, "This is no permit.", hint="Send the token as it was issued, whole and unchanged."
    )

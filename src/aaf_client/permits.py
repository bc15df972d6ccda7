"""A permit checked offline, by the tool server that it was issued to (docs/formats.md section 7).

The signature proves who issued it and nothing more; the right to run is used up in a durable seen-set that this server owns, before anything
runs. Algorithm, type and spelling are fixed, nothing in a token is negotiated, and whatever is wrong is a `PermitRefused`. Consuming at the firewall is the
stronger way: it judges again. Needs the package `cryptography`.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from hmac import compare_digest
from typing import Final, Protocol

from aaf_client import clock
from aaf_client.canonical import canonical
from aaf_client.codecs import Unfit
from aaf_client.errors import Misuse, PermitRefused
from aaf_client.models import Json

MAX_LIFETIME: Final = 60
"""Seconds between `iat` and `exp` at most."""

LEEWAY: Final = 5
"""Seconds that this machine's clock may be behind the firewall's; being ahead only makes permits shorter."""

_MAX_TOKEN = 4096
_MAX_TEXT = 256
_MAX_INTEGER = 2**53 - 1
_HEADER = re.compile(rb'\{"alg":"EdDSA","kid":"([0-9a-f]{16})","typ":"aaf-permit\+jwt"\}')
_HEX = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ORIGIN = re.compile(r"aaf/[0-9a-f-]{36}/org/([0-9a-f-]{36})")
_SEGMENT = re.compile(r"[A-Za-z0-9_-]+")
_KEY_SIZE, _PARTS = 32, 3


@dataclass(frozen=True, slots=True)
class Claims:
    """What a permit says: for whom (`aud`), by whom (`iss`), whose action (`sub`), which bytes (`digest`), until when (`exp`, seconds)."""

    aud: str
    digest: str
    exp: int
    iat: int
    iss: str
    jti: str
    nbf: int
    salt: str = field(repr=False)
    sub: str


class SeenSet(Protocol):
    """The permits that this server has used up. It must outlive the process, and be one for all processes of one audience."""

    def add(self, jti: str, *, until: int, now: int) -> bool:
        """Remember `jti` at least until `until`, durably; True the first time.

        `now` and `until` are seconds; a permit whose time was over at any `now` that this set has been told is never new.

        Raises:
            PermitRefused: it can't be remembered.
        """
        ...


class PermitChecker:
    """Checks permits for one audience.

    Args:
        public_key: the firewall's permit key, 32 bytes.
        audience: this tool server, as permits name it.
        issuer: the origin of the organisation's ledger, `aaf/<installation>/org/<organisation>`.
        seen: the permits that were used up.
        now: seconds since 1970-01-01T00:00:00Z.

    Raises:
        Misuse: this is no Ed25519 public key.
    """

    def __init__(
        self,
        public_key: bytes,
        *,
        audience: str,
        issuer: str,
        seen: SeenSet,
        now: Callable[[], float] = clock.wall,
    ) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415 - only who checks pays for it
            Ed25519PublicKey,
        )

        if len(public_key) != _KEY_SIZE:
            raise Misuse("An Ed25519 public key has 32 bytes.")
        self._key = Ed25519PublicKey.from_public_bytes(public_key)
        self._kid = sha256(public_key).hexdigest()[:16]
        self._audience = audience
        self._issuer = issuer
        self._seen = seen
        self._now = now

    def use(
        self, token: str, *, tool: str, operation: str, params: Mapping[str, Json], server: str | None = None
    ) -> Claims:
        """Use a permit up for exactly this call; run the call afterwards, once.

        Raises:
            PermitRefused: it isn't good, isn't for this call, or was used before; run nothing.
        """
        claims = self._verified(token)
        now = int(self._now())
        if claims.aud != self._audience:
            raise PermitRefused("The permit is for another tool server.", code="wrong_audience")
        if claims.iss != self._issuer:
            raise PermitRefused("The permit is of another firewall.", code="wrong_issuer")
        if now >= claims.exp:
            raise PermitRefused("The permit has expired.", code="expired_permit", hint="Ask for a new one.")
        if now + LEEWAY < max(claims.nbf, claims.iat):
            raise PermitRefused("The permit is not good yet.", code="early_permit", hint="Check this machine's clock.")
        found = action_digest(claims, tool=tool, operation=operation, params=params, server=server)
        if not compare_digest(found, claims.digest):
            raise PermitRefused(
                "The permit is for another call.",
                code="digest_mismatch",
                hint="A changed action is a new action: submit it.",
            )
        if not self._seen.add(claims.jti, until=claims.exp, now=now):
            raise PermitRefused("The permit was used before.", code="already_consumed")
        return claims

    def _verified(self, token: str) -> Claims:
        """What the token says, once it is certain who said it."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - as above

        parts = token.split(".", _PARTS) if len(token) <= _MAX_TOKEN else []
        if len(parts) != _PARTS:
            raise _malformed()
        header, body, signature = (_bytes(part) for part in parts)
        named = _HEADER.fullmatch(header)
        if named is None:
            raise _malformed()
        if named[1].decode() != self._kid:
            raise PermitRefused("The permit is signed with another key.", code="unknown_key")
        try:
            self._key.verify(signature, f"{parts[0]}.{parts[1]}".encode())
        except InvalidSignature:
            raise PermitRefused("The permit's signature is not good.", code="bad_signature") from None
        return _claims(body)


def action_digest(claims: Claims, *, tool: str, operation: str, params: Mapping[str, Json], server: str | None) -> str:
    """The digest of a call under the claims' agent, organisation and salt (docs/formats.md section 2).

    Raises:
        PermitRefused: the issuer is no origin, or the parameters are not what JSON can hold.
    """
    origin = _ORIGIN.fullmatch(claims.iss)
    if origin is None:
        raise _malformed()
    action = {
        "agent": claims.sub,
        "operation": operation,
        "org": origin[1],
        "params": dict(params),
        "server": server,
        "tool": tool,
        "v": 1,
    }
    try:
        data = canonical(action)
    except Unfit:
        raise PermitRefused("The parameters are not what JSON can hold.", code="digest_mismatch") from None
    return sha256(b"aaf-action-v1\0" + bytes.fromhex(claims.salt) + data).hexdigest()


_TYPES = {one.name: one.type for one in fields(Claims)}


def _claims(body: bytes) -> Claims:
    try:
        value = json.loads(body)
        spelt = canonical(value)
    except (ValueError, RecursionError):
        raise _malformed() from None
    if spelt != body or not isinstance(value, dict) or {name: type(part) for name, part in value.items()} != _TYPES:
        raise _malformed()
    claims = Claims(**value)
    if not _is_possible(claims):
        raise _malformed()
    return claims


def _is_possible(claims: Claims) -> bool:
    """Whether a permit can say this at all."""
    return (
        all(0 < len(text) <= _MAX_TEXT and text.isprintable() for text in (claims.aud, claims.iss))
        and all(_HEX.fullmatch(text) for text in (claims.digest, claims.salt))
        and all(_ID.fullmatch(text) for text in (claims.jti, claims.sub))
        and 0 <= claims.iat <= claims.exp <= min(claims.iat + MAX_LIFETIME, _MAX_INTEGER)
        and 0 <= claims.nbf <= claims.exp
    )


def _bytes(segment: str) -> bytes:
    """base64url without padding, in its one spelling."""
    if not _SEGMENT.fullmatch(segment) or len(segment) % 4 == 1:
        raise _malformed()
    raw = urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    if urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise _malformed()
    return raw


def _malformed() -> PermitRefused:
    return PermitRefused("This is no permit.", code="malformed_permit", hint="Send the token whole and unchanged.")

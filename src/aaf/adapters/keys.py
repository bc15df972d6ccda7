"""The installation's secret keys, in files that only their owner can read, and what is computed with them.

One file a purpose: log, permit, key-encryption, pepper, match. No key is ever printed, and none leaves this module. A key file that others could
read is refused: whoever could read it could sign, open or forge.
"""

import contextlib
import hashlib
import os
import stat
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from aaf.adapters.system import random_bytes
from aaf.domain.api_key import key_mac, make_key
from aaf.domain.digests import keyed_hash
from aaf.domain.errors import Code, StoreFailed, Unavailable
from aaf.domain.record import DataKey, Sealed

PURPOSES = ("log", "permit", "key-encryption", "pepper", "match")
_SIZE = 32
_NONCE = 12


class KeyRing:
    """The secret bytes by purpose."""

    def __init__(self, secrets: dict[str, bytes]) -> None:
        """Take 32 bytes for every purpose."""
        self._secrets = secrets

    @classmethod
    def fresh(cls) -> Self:
        """New keys that are kept nowhere: for a store in memory."""
        return cls({purpose: os.urandom(_SIZE) for purpose in PURPOSES})

    @classmethod
    def open(cls, folder: Path, *, create: bool) -> Self:
        """Read the key files of `folder`; `create` makes those of a new installation.

        Raises:
            StoreFailed: a file is missing where the installation isn't new, is readable by others, or has the wrong size.
        """
        if create:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls({purpose: _read(folder / f"{purpose}.key", create=create) for purpose in PURPOSES})

    def __repr__(self) -> str:
        """Never a secret."""
        return "KeyRing(…)"

    def signer(self, purpose: str) -> "FileSigner":
        """The Ed25519 key of `log` or `permit`."""
        return FileSigner(self._secrets[purpose])

    def vault(self) -> "LocalVault":
        """Sealing under the key-encryption key."""
        return LocalVault(self._secrets["key-encryption"])

    def cipher(self, purpose: str) -> AESGCM:
        """AES-256-GCM under a key of its own for `purpose`, derived from the key-encryption key (docs/formats.md section 13)."""
        return AESGCM(keyed_hash(self._secrets["key-encryption"], f"aaf-derived-key-v1\0{purpose}".encode()))

    def hashes(self) -> "KeyedHashes":
        """HMACs under pepper and match key."""
        return KeyedHashes(self._secrets["pepper"], self._secrets["match"])


def _read(path: Path, *, create: bool) -> bytes:
    """One key file: 64 hexadecimal digits and a line break, mode 0600."""
    if create and not path.exists():
        _make(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(2 * _SIZE + 2).strip()
        secret = bytes.fromhex(text)
    except (OSError, ValueError) as failure:
        raise _bad(path, f"can't be read: {type(failure).__name__}", "Put it back from your backup.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise _bad(path, "can be read by others", f"Run: chmod 600 {path}")
    if len(secret) != _SIZE:
        raise _bad(path, "has the wrong size", "Put it back from your backup.")
    return secret


def _make(path: Path) -> None:
    """Put a new key there whole, unless another process was first: then its key is the one."""
    temporary = path.with_name(f"{path.name}.{os.urandom(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(os.urandom(_SIZE).hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()


def _bad(path: Path, what: str, hint: str) -> StoreFailed:
    """A key file that can't be used."""
    return StoreFailed(Code.STORE_UNAVAILABLE, f"The key file {path.name} {what}.", hint=hint, detail=str(path))


class FileSigner:
    """One Ed25519 key (RFC 8032)."""

    def __init__(self, seed: bytes) -> None:
        """Take the 32 bytes of the private key."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key().public_bytes_raw()

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(data)


class LocalVault:
    """AES-256-GCM under data keys that are wrapped by one local key (docs/formats.md section 11)."""

    def __init__(self, secret: bytes) -> None:
        """Take the key-encryption key."""
        self._wrapping = AESGCM(secret)
        self.kek_id = hashlib.sha256(b"aaf-kek-id-v1\0" + secret).hexdigest()[:16]
        self._open: dict[str, AESGCM] = {}

    def new_data_key(self, org: str, key_id: str, subject: str) -> DataKey:
        """Make and wrap a data key."""
        secret, nonce = random_bytes(32), random_bytes(_NONCE)
        wrapped = nonce + self._wrapping.encrypt(nonce, secret, _wrap_context(org, key_id, subject))
        self._open[key_id] = AESGCM(secret)
        return DataKey(org, key_id, subject, wrapped, self.kek_id)

    def seal(self, key: DataKey, *, owner: str, name: str, plaintext: bytes) -> Sealed:
        """Seal under a fresh nonce."""
        nonce = random_bytes(_NONCE)
        sealed = self._unwrapped(key).encrypt(nonce, plaintext, _context(key.org, owner, name))
        return Sealed(owner, name, key.id, nonce, sealed)

    def unseal(self, key: DataKey, sealed: Sealed) -> bytes:
        """Open what `seal` made.

        Raises:
            Unavailable: wrong key, or the bytes were changed or moved.
        """
        try:
            cipher = self._unwrapped(key)
            return cipher.decrypt(sealed.nonce, sealed.ciphertext, _context(key.org, sealed.owner, sealed.name))
        except InvalidTag:
            raise _not_ours(sealed.name) from None

    def _unwrapped(self, key: DataKey) -> AESGCM:
        """The data key, kept in memory once it was needed."""
        found = self._open.get(key.id)
        if found is None:
            context = _wrap_context(key.org, key.id, key.subject)
            try:
                secret = self._wrapping.decrypt(key.wrapped[:_NONCE], key.wrapped[_NONCE:], context)
            except InvalidTag:
                raise _not_ours("data key") from None
            found = self._open[key.id] = AESGCM(secret)
        return found


def _context(org: str, owner: str, name: str) -> bytes:
    """What a sealed value is bound to."""
    return f"aaf-sealed-v1\0{org}|{owner}|{name}".encode()


def _wrap_context(org: str, key_id: str, subject: str) -> bytes:
    """What a wrapped key is bound to."""
    return f"aaf-data-key-v1\0{org}|{key_id}|{subject}".encode()


def _not_ours(what: str) -> Unavailable:
    """A value that doesn't open."""
    return Unavailable(
        Code.STORE_UNAVAILABLE,
        "A sealed value doesn't open.",
        hint="The key-encryption key is another one, or the store was changed.",
        detail=what,
    )


class KeyedHashes:
    """HMACs whose keys stay here."""

    def __init__(self, pepper: bytes, match: bytes) -> None:
        """Take the two keys."""
        self._pepper = pepper
        self._match = match
        self._derived: dict[str, bytes] = {}

    def key_mac(self, key: str) -> bytes:
        """HMAC-SHA-256 of an API key."""
        return key_mac(self._pepper, key)

    def match_key(self, org: str) -> bytes:
        """The organisation's own key, derived from the installation's."""
        found = self._derived.get(org)
        if found is None:
            found = self._derived[org] = keyed_hash(self._match, b"aaf-match-key-v1\0" + org.encode())
        return found

    def new_api_key(self) -> str:
        """A new API key."""
        return make_key(os.urandom(32))

"""Keys, and the secrets that they keep. What is used here is never written in the clear, and no value is promised to be fresh."""

from typing import Protocol

from aaf.domain.record import DataKey, Sealed
from aaf.domain.redaction import Values


class Vault(Protocol):
    """Seals values under data keys; keeps unwrapped keys in memory and never writes one in the clear."""

    def new_data_key(self, org: str, key_id: str, subject: str) -> DataKey:
        """Make and wrap a data key."""

    def seal(self, key: DataKey, *, owner: str, name: str, plaintext: bytes) -> Sealed:
        """Seal under `key` with a fresh nonce (docs/formats.md section 11)."""

    def unseal(self, key: DataKey, sealed: Sealed) -> bytes:
        """Open what `seal` made.

        Raises:
            Unavailable: the key or the bytes are not what they were.
        """


class Signer(Protocol):
    """One Ed25519 key."""

    @property
    def public_key(self) -> bytes:
        """32 bytes, RFC 8032."""

    def sign(self, data: bytes) -> bytes:
        """64 bytes, RFC 8032."""


class Secrets(Protocol):
    """Keyed hashes whose keys never leave the adapter."""

    def key_mac(self, key: str) -> bytes:
        """HMAC-SHA-256 of an API key under the pepper."""

    def match_key(self, org: str) -> bytes:
        """The organisation's key for matching alike calls."""

    def new_api_key(self) -> str:
        """A new API key (docs/formats.md section 12)."""


class SecretSource(Protocol):
    """Credentials by handle. Nothing is promised of how fresh a value is, beyond the provider's own lifetime."""

    async def get(self, handle: str) -> str:
        """One value, to be used at once and kept nowhere.

        Raises:
            ConnectorFailed: SECRET_UNAVAILABLE; it names the handle to the log only, and no value to anybody.
        """


class KnownSecrets(Protocol):
    """What the firewall itself must not let out. It finds values that it holds, and no others."""

    def known(self) -> Values:
        """A finder of every value that is there now, or that was when they could last be read.

        Raises:
            ConnectorFailed: SECRET_UNAVAILABLE, they could never be read.
        """


class HeldSecrets(SecretSource, KnownSecrets, Protocol):
    """Credentials, and a finder of them."""


class SecretStore(SecretSource, Protocol):
    """Credentials that an operator keeps; nothing gives a value back but `get`."""

    def values(self) -> frozenset[str]:
        """Every value, for the finder."""

    def handles(self) -> list[str]:
        """The handles that are there, in order."""

    def put(self, handle: str, value: str) -> bool:
        """Keep a value durably; True where it replaced one.

        Raises:
            InputRefused: the handle or the value isn't one.
            StoreFailed: it can't be kept.
        """

    def remove(self, handle: str) -> bool:
        """Forget a value; False where there was none."""

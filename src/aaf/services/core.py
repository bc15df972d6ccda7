"""What every use case works with: the ports, chosen once by bootstrap, and what is known under one epoch.

`Knowledge` caches keys, people and configuration of an organisation together with the epoch that they were read under. A path that writes
hands that epoch to the store, which refuses the commit if it has moved on; a path that only reads asks for it afresh each time.
Nothing here decides.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aaf.domain.approval import Review
from aaf.domain.errors import Code, NotAuthenticated, PolicyFailed, Unavailable
from aaf.domain.metering import UNCOUNTED
from aaf.domain.principal import Principal
from aaf.domain.record import DataKey, KeyRecord, PrincipalRecord, Release
from aaf.domain.redaction import Values
from aaf.policy.configuration import Configuration, load
from aaf.policy.rego.answers import Answer
from aaf.ports import (
    Anchors,
    Connectors,
    Ids,
    KnownSecrets,
    Loader,
    Log,
    Meter,
    PolicyEngine,
    Secrets,
    Signer,
    Store,
    Vault,
)

_TRUSTED = 1_000_000
"""Microseconds that an epoch is trusted for without asking; what is committed under it is compared by the store all the same."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is so in one organisation under one epoch."""

    org: str
    epoch: int
    release: int
    configuration: Configuration
    people: dict[str, PrincipalRecord]
    keys: dict[str, KeyRecord]
    data_keys: dict[str, DataKey] = field(default_factory=dict)

    def principal(self, key: KeyRecord) -> Principal:
        """The principal that `key` stands for, with the roles of this epoch."""
        record = self.people[key.principal]
        return Principal(
            org=record.org,
            kind=record.kind,
            id=record.id,
            name=record.name,
            roles=frozenset(record.roles),
            credential=key.id,
            action_types=key.action_types,
            granted=self.configuration.granted(record.roles),
        )

    def person(self, principal_id: str) -> Principal | None:
        """Somebody by id as they are now, without a credential; None if they are gone."""
        record = self.people.get(principal_id)
        if record is None:
            return None
        granted = self.configuration.granted(record.roles)
        return Principal(
            record.org, record.kind, record.id, record.name, frozenset(record.roles), credential="", granted=granted
        )

    def holder(self, principal_id: str, action_type: str, *, now: int) -> Principal | None:
        """Somebody by id with a live key that reaches `action_type`; None where they have none left."""
        for key in self.keys.values():
            if key.principal == principal_id and key.is_live(now):
                principal = self.principal(key)
                if principal.may_submit(action_type):
                    return principal
        return None

    def counting(self, reviews: Iterable[Review], *, now: int) -> list[Review]:
        """The reviews that still count: given under a key that was not revoked, by somebody who has a live key."""
        alive = {key.principal for key in self.keys.values() if key.is_live(now)}
        good = {key.id for key in self.keys.values() if key.revoked_at is None}
        return [one for one in reviews if one.reviewer in alive and one.credential in good]

    def name(self, principal_id: str) -> str:
        """A name for people; the id where nobody has it."""
        record = self.people.get(principal_id)
        return record.name if record else principal_id


@dataclass(slots=True)
class Knowledge:
    """The cache; one per process, safe to share between tasks and threads because entries are replaced whole."""

    store: Store
    _known: dict[str, tuple[Known, int]] = field(default_factory=dict)
    """With the instant at which the epoch was compared last, as one value: another thread must not mix an old one with a new instant."""
    _keys: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    _releases: dict[tuple[str, int], Configuration] = field(default_factory=dict)

    async def of(self, org: str, *, fresh: bool) -> Known:
        """What is known of `org`; `fresh` compares the epoch with the store's first, and so does whatever was compared over a second ago.

        Raises:
            Unavailable: the organisation has no configuration, or the store can't be asked.
        """
        now = await self.store.now()
        known, compared = self._known.get(org, (None, 0))
        if known is not None and not fresh and now - compared <= _TRUSTED:
            return known
        if known is None or await self.store.epoch(org) != known.epoch:
            known = await self._read(org)
        self._known[org] = known, now
        return known

    def remember(self, mac: bytes, key: KeyRecord) -> None:
        """Note which key has this HMAC; nothing but its id, which the next epoch may know as revoked."""
        self._keys[mac] = (key.org, key.id)

    def remembered(self, mac: bytes, *, now: int) -> tuple[Known, KeyRecord] | None:
        """The key with this HMAC under the epoch that was read last, or None; also where that was compared over a second ago."""
        org, key_id = self._keys.get(mac, ("", ""))
        known, compared = self._known.get(org, (None, 0))
        if known is None or now - compared > _TRUSTED:
            return None
        key = known.keys.get(key_id)
        return (known, key) if key else None

    async def _read(self, org: str) -> Known:
        """Read everything; the epoch first, so that a change in between leaves an old epoch, which the store then refuses."""
        epoch = await self.store.epoch(org)
        release = await self.store.release(org)
        if release is None:
            raise Unavailable(
                Code.EMPTY_POLICY, "There is no configuration.", hint="Start the server with a configuration folder."
            )
        people = {record.id: record for record in await self.store.principals(org)}
        keys = {record.id: record for record in await self.store.keys(org)}
        return Known(org, epoch, release.number, self._configuration(release), people, keys)

    def _configuration(self, release: Release) -> Configuration:
        """The compiled form, kept while the release is active."""
        found = self._releases.get((release.org, release.number))
        if found is None:
            found = Configuration.from_stored(json.loads(release.document))
            self._releases = {key: value for key, value in self._releases.items() if key[0] != release.org}
            self._releases[release.org, release.number] = found
        return found


class NoEngine:
    """A policy engine that isn't there: what modules would have to be asked about is denied."""

    async def evaluate(self, *_: object) -> tuple[Answer, ...]:
        """Ask nobody.

        Raises:
            PolicyFailed: always.
        """
        raise PolicyFailed(Code.POLICY_ENGINE_UNAVAILABLE, "The policy engine can't be asked.", detail="not installed")

    async def close(self) -> None:
        """Nothing was started."""


NO_ENGINE = NoEngine()


class WithoutModules:
    """Compiles in place, and knows no policy modules."""

    async def load(self, files: Mapping[str, bytes], /) -> Configuration:
        """Compile.

        Raises:
            ConfigurationInvalid: it has problems, or a policy module.
        """
        return load(files)


WITHOUT_MODULES = WithoutModules()


class NoSecrets:
    """A firewall that holds no secrets."""

    def known(self) -> Values:
        """None."""
        return _NO_VALUES


_NO_VALUES = Values(())
NO_SECRETS = NoSecrets()


@dataclass(frozen=True, slots=True)
class Core:
    """The ports of one running product."""

    store: Store
    knowledge: Knowledge
    ids: Ids
    vault: Vault
    secrets: Secrets
    log_signer: Signer
    permit_signer: Signer
    connectors: Connectors
    anchors: Anchors
    log: Log
    installation: str
    process: str
    meter: Meter = UNCOUNTED
    engine: PolicyEngine = NO_ENGINE
    held_secrets: KnownSecrets = NO_SECRETS
    loader: Loader = WITHOUT_MODULES

    def origin(self, org: str) -> str:
        """The name of the organisation's log (docs/formats.md section 5)."""
        return f"aaf/{self.installation}/org/{org}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody authenticated, with what was known when they were."""

    principal: Principal
    known: Known

    async def again(self, core: Core, *, fresh: bool = True) -> "Caller":
        """The same credential under what is so now; `fresh` unless every answer of what follows is a commit, which the store compares by itself.

        Raises:
            NotAuthenticated: it was revoked or has expired meanwhile.
        """
        known = await core.knowledge.of(self.principal.org, fresh=fresh)
        key = known.keys.get(self.principal.credential)
        if key is None or key.revoked_at is not None:
            raise NotAuthenticated(Code.REVOKED_CREDENTIAL, "This key was revoked.", hint="Ask for a new key.")
        if not key.is_live(await core.store.now()):
            raise NotAuthenticated(Code.EXPIRED_CREDENTIAL, "This key has expired.", hint="Ask for a new key.")
        return replace(self, principal=known.principal(key), known=known)

"""Who is asking: API keys, their making and their end.

Identity comes from the key alone; an agent id in a header must be the key's own. What is refused before anybody is known is counted in the
installation's own ledger, per source and minute, and never tells which part was wrong.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from aaf.domain.action_bytes import split_name
from aaf.domain.api_key import hint_of, well_formed
from aaf.domain.errors import AafError, Code, InputRefused, NotAuthenticated, NotFound, NotPermitted, StateConflict
from aaf.domain.events import EventType, occurrence
from aaf.domain.principal import ROLES, Kind, Permission, Principal
from aaf.domain.record import KeyRecord, PrincipalRecord
from aaf.ports import Commit, Committed, Conflict, InsertKey, InsertPrincipal, RaiseEpoch, RevokeKey, StaleEpoch, Write
from aaf.services.core import Caller, Core, Known
from aaf.services.quoting import quotes_a_secret
from aaf.services.refusals import count_refusal

_FAILED = "The key is missing, unknown, revoked or expired, or it belongs to another agent."
_HINT = "Look at the key, the agent's name and the address: they belong together. An administrator makes keys."
MAX_NAME = 120
MAX_LIFETIME = 10 * 366 * 86_400
"""Seconds; ten years."""
ATTEMPTS = 3


async def authenticate(core: Core, *, key: str | None, agent: str | None, source: str, fresh: bool = True) -> Caller:
    """Return who holds `key`; `agent` is an id or name that the caller claims, `source` where the call came from.

    Without `fresh` what was known last is enough: only for a call whose every answer is a commit, because the store refuses a commit
    under an epoch that is over, and a revoked key is found then.

    Raises:
        NotAuthenticated: the one public reason for all of them; the exact code goes to the log and the ledger.
    """
    try:
        return await _identify(core, key=key, agent=agent, fresh=fresh)
    except NotAuthenticated as refusal:
        await count_refusal(core, org=core.installation, code=refusal.code, source=source)
        raise


async def _identify(core: Core, *, key: str | None, agent: str | None, fresh: bool) -> Caller:
    """Find the key and everything that is wrong with it."""
    if not key:
        raise _refusal(Code.MISSING_CREDENTIAL)
    if not well_formed(key):
        raise _refusal(Code.INVALID_CREDENTIAL)
    mac = core.secrets.key_mac(key)
    known, record = (None if fresh else core.knowledge.remembered(mac, now=await core.store.now())) or await _looked_up(
        core, mac
    )
    if record.revoked_at is not None:
        raise _refusal(Code.REVOKED_CREDENTIAL)
    if record.expires_at is not None and await core.store.now() >= record.expires_at:
        raise _refusal(Code.EXPIRED_CREDENTIAL)
    principal = known.principal(record)
    _check_claimed(principal, agent)
    return Caller(principal, known)


def _check_claimed(principal: Principal, agent: str | None) -> None:
    """Whether the caller is who it says it is; it need not say."""
    if agent is not None and agent not in {principal.id, principal.name}:
        raise _refusal(Code.AGENT_MISMATCH)


async def _looked_up(core: Core, mac: bytes) -> tuple[Known, KeyRecord]:
    """The key in the store, and what is known now."""
    found = await core.store.key_by_mac(mac)
    if found is None:
        raise _refusal(Code.INVALID_CREDENTIAL)
    known = await core.knowledge.of(found[0].org, fresh=True)
    record = known.keys.get(found[0].id, found[0])
    core.knowledge.remember(mac, record)
    return known, record


def _refusal(code: Code) -> NotAuthenticated:
    """One sentence for every reason, so that nobody learns which keys exist."""
    return NotAuthenticated(code, _FAILED, hint=_HINT)


def require(caller: Caller, *permissions: Permission) -> None:
    """Check that the caller holds one of `permissions`.

    Raises:
        NotPermitted: it holds none of them.
    """
    if not any(caller.principal.may(permission) for permission in permissions):
        raise NotPermitted(
            Code.PERMISSION_DENIED,
            "This key may not do that.",
            hint=f"It takes the permission {' or '.join(permissions)}.",
        )


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: `secret` is shown once and kept nowhere."""

    record: KeyRecord
    principal: PrincipalRecord
    secret: str


@dataclass(frozen=True, slots=True)
class KeyWanted:
    """What a new key shall be: an existing principal's name and kind add a key to it; `lifetime` in seconds."""

    name: str
    kind: Kind
    roles: tuple[str, ...] = ()
    action_types: tuple[str, ...] = ()
    lifetime: int | None = None


async def create_key(core: Core, caller: Caller, wanted: KeyWanted) -> NewKey:
    """Make a key, and its principal if there is none of that kind and name.

    Raises:
        NotPermitted: the caller may not.
        InputRefused: a role doesn't exist, or the name is none.
        StateConflict: the principal exists with other roles.
    """
    require(caller, Permission.ORG_KEY_CREATE)
    check_name(core, wanted.name)
    for _ in range(ATTEMPTS):
        made = await _make_key(core, caller.principal.org, caller.principal.actor, caller, wanted)
        if made is not None:
            return made
        caller = await caller.again(core)
        require(caller, Permission.ORG_KEY_CREATE)
    raise StateConflict(Code.STORE_CONFLICT, "Others changed keys at the same time.", hint="Try again.")


async def first_key(core: Core, *, org: str, name: str) -> NewKey | None:
    """Make the first administrator's key of an organisation; None if it has people already."""
    if any(one.kind is Kind.USER for one in await core.store.principals(org)):
        return None
    return await _make_key(core, org, "system", None, KeyWanted(name=name, kind=Kind.USER, roles=("admin",)))


async def recovery_key(core: Core, *, org: str, name: str) -> NewKey:
    """Make another key for the first administrator, after a recovery revoked every one.

    Raises:
        StateConflict: others changed keys at the same time.
    """
    made = await _make_key(core, org, "system", None, KeyWanted(name=name, kind=Kind.USER, roles=("admin",)))
    if made is None:
        raise StateConflict(Code.STORE_CONFLICT, "Others changed keys at the same time.", hint="Try again.")
    return made


async def _make_key(core: Core, org: str, actor: str, caller: Caller | None, wanted: KeyWanted) -> NewKey | None:
    """Try once; None where somebody else was faster."""
    known = frozenset({*ROLES, *(caller.known.configuration.roles if caller else ())})
    roles = _checked(wanted, known)
    now = await core.store.now()
    writes: list[Write] = []
    same = [p for p in await core.store.principals(org) if (p.kind, p.name) == (wanted.kind, wanted.name)]
    if same:
        principal = same[0]
        if wanted.roles and set(roles) != set(principal.roles):
            raise StateConflict(
                Code.WRONG_TYPE,
                f"The {wanted.kind} {wanted.name!r} exists with other roles.",
                hint=f"Leave the roles out to add a key to it; it has: {', '.join(principal.roles)}.",
            )
    elif not roles:
        raise InputRefused(Code.WRONG_TYPE, "A new person needs a role.", hint=_listed(known), path="$.roles")
    else:
        principal = PrincipalRecord(org, core.ids.new(), wanted.kind, wanted.name, roles, now)
        writes.append(InsertPrincipal(principal))
    secret = core.secrets.new_api_key()
    record = KeyRecord(
        org=org,
        id=core.ids.new(),
        principal=principal.id,
        name=wanted.name,
        mac=core.secrets.key_mac(secret),
        hint=hint_of(secret),
        action_types=wanted.action_types,
        created_at=now,
        expires_at=None if wanted.lifetime is None else now + wanted.lifetime * 1_000_000,
    )
    event = occurrence(
        event_id=core.ids.new(),
        org=org,
        at=now,
        actor=actor,
        kind=EventType.KEY_CREATED,
        data={"key": record.id, "kind": principal.kind, "principal": principal.id, "roles": list(principal.roles)},
    )
    writes += [InsertKey(record), RaiseEpoch()]
    epoch = caller.known.epoch if caller else None
    match await core.store.commit(Commit(org, tuple(writes), (event,), epoch=epoch, admission=True)):
        case Committed():
            return NewKey(record, principal, secret)
        case _:
            return None


def check_name(core: Core, name: str) -> None:
    """Refuse what nobody could tell from another name, and a secret: a name stands in every list.

    Raises:
        InputRefused: WRONG_TYPE or SECRET_DETECTED.
        Unavailable: the secrets to be looked for can't be read.
    """
    if not name or name != name.strip() or len(name) > MAX_NAME or not name.isprintable():
        hint = f"Write 1 to {MAX_NAME} printable characters, without a space at either end."
        raise InputRefused(Code.WRONG_TYPE, "This is no name.", hint=hint, path="$.name")
    if quotes_a_secret(core, name):
        raise InputRefused(Code.SECRET_DETECTED, "The name holds a credential.", path="$.name")


def _listed(roles: Iterable[str]) -> str:
    return f"Roles are: {', '.join(sorted(roles))}."


def _checked(wanted: KeyWanted, known: frozenset[str]) -> tuple[str, ...]:
    """The roles to give, of those that are `known`; an agent or service has `agent` where none is named."""
    roles = wanted.roles or (("agent",) if wanted.kind is not Kind.USER else ())
    if not known >= set(roles):
        raise InputRefused(Code.WRONG_TYPE, "There is no such role.", hint=_listed(known), path="$.roles")
    for pattern in wanted.action_types:
        split_name(f"{pattern[:-1]}any" if pattern.endswith(".*") else pattern)
    if wanted.lifetime is not None and not 0 < wanted.lifetime <= MAX_LIFETIME:
        raise InputRefused(Code.WRONG_TYPE, "A lifetime is a number of seconds, ten years at most.", path="$.lifetime")
    return tuple(sorted(set(roles)))


async def revoke_key(core: Core, caller: Caller, key_id: str) -> KeyRecord:
    """End a key at once, in every process.

    Raises:
        NotPermitted: the caller may not.
        NotFound: the organisation has no such key.
        StateConflict: it was revoked before.
    """
    for _ in range(ATTEMPTS):
        require(caller, Permission.ORG_KEY_REVOKE)
        record = caller.known.keys.get(key_id)
        if record is None:
            raise NotFound(Code.NOT_FOUND, "There is no such key.", hint="`aaf keys list` shows the keys.")
        event = occurrence(
            event_id=core.ids.new(),
            org=record.org,
            at=await core.store.now(),
            actor=caller.principal.actor,
            kind=EventType.KEY_REVOKED,
            data={"key": key_id, "principal": record.principal},
        )
        commit = Commit(record.org, (RevokeKey(key_id), RaiseEpoch()), (event,), epoch=caller.known.epoch)
        match await core.store.commit(commit):
            case Committed():
                return record
            case StaleEpoch():
                caller = await caller.again(core)
            case Conflict():
                raise StateConflict(Code.REVOKED_CREDENTIAL, "This key was revoked before.")
            case _:
                break
    raise StateConflict(Code.STORE_CONFLICT, "Others changed keys at the same time.", hint="Try again.")


async def list_keys(core: Core, caller: Caller) -> list[tuple[KeyRecord, PrincipalRecord]]:
    """Every key with its principal, oldest first.

    Raises:
        NotPermitted: the caller may not.
    """
    require(caller, Permission.ORG_KEY_READ)
    known = await core.knowledge.of(caller.principal.org, fresh=True)
    return [(key, known.people[key.principal]) for key in known.keys.values()]


def public_code(error: AafError) -> Code:
    """The code that a caller may see: every failed authentication looks alike, except that no credential was sent."""
    if isinstance(error, NotAuthenticated) and error.code is not Code.MISSING_CREDENTIAL:
        return Code.INVALID_CREDENTIAL
    return error.code

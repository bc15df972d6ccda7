"""Agents that live in the firewall's own process and so need no key that could be stolen: a key record whose secret nobody ever had.

Who may open the data may be any agent of it; that is what advisory mode means. What an administrator decided stands all the same: an agent
that was made with a key is entered with that key, and one whose record was revoked stays out.
"""

from aaf.domain.errors import Code, NotAuthenticated, Unavailable
from aaf.domain.events import EventType, occurrence
from aaf.domain.principal import Kind
from aaf.domain.record import KeyRecord, PrincipalRecord
from aaf.ports import Commit, InsertKey, InsertPrincipal, RaiseEpoch
from aaf.services.access import check_name
from aaf.services.core import Caller, Core, Known

LOCAL = "-"
"""The hint of a key record without a key; no key begins with it."""
ATTEMPTS = 5
_ROLE = "agent"


async def enter(core: Core, *, org: str, name: str) -> Caller:
    """The agent `name`, made where there is none.

    Raises:
        InputRefused: it is no name.
        NotAuthenticated: an administrator gave this agent a key, or revoked its record.
        Unavailable: it can't be recorded.
    """
    for _ in range(ATTEMPTS):
        known = await core.knowledge.of(org, fresh=True)
        found = [one for one in known.people.values() if (one.kind, one.name) == (Kind.AGENT, name)]
        if found:
            return Caller(known.principal(await _record(core, known, found[0])), known)
        check_name(core, name)
        await _make(core, org, name)
    raise Unavailable(Code.STORE_CONFLICT, "Others changed agents at the same time.", hint="Try again.")


async def _record(core: Core, known: Known, agent: PrincipalRecord) -> KeyRecord:
    """The live record of an agent that was made here."""
    records = [key for key in known.keys.values() if key.principal == agent.id and key.hint == LOCAL]
    now = await core.store.now()
    for record in records:
        if record.is_live(now):
            return record
    code = Code.REVOKED_CREDENTIAL if records else Code.MISSING_CREDENTIAL
    why = "was shut out by an administrator" if records else "was made by an administrator, with a key of its own"
    raise NotAuthenticated(
        code,
        f"The agent {agent.name!r} {why}.",
        hint="Open with `key=`, a key of this agent: an administrator makes one with `aaf keys create`.",
    )


async def _make(core: Core, org: str, name: str) -> None:
    """Make the agent and its record in one commit, unless somebody else is faster: whoever reads next finds theirs."""
    now = await core.store.now()
    agent = PrincipalRecord(org, core.ids.new(), Kind.AGENT, name, (_ROLE,), now)
    mac = core.secrets.key_mac(core.secrets.new_api_key())  # the key is forgotten here
    record = KeyRecord(org, core.ids.new(), agent.id, name, mac, LOCAL, (), now, None)
    event = occurrence(
        event_id=core.ids.new(),
        org=org,
        at=now,
        actor="system",
        kind=EventType.KEY_CREATED,
        data={"key": record.id, "kind": agent.kind, "principal": agent.id, "roles": [_ROLE]},
    )
    writes = (InsertPrincipal(agent), InsertKey(record), RaiseEpoch())
    await core.store.commit(Commit(org, writes, (event,), admission=True))

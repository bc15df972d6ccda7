"""The proof pack of one action: its events, their place in the signed tree, and what the exporter may reveal.

Values are disclosed only to the agent that sent them or to people with the right to; secrets that the catalogue declares are never disclosed.
That a pack was made is an event about the action, written before the pack.
"""

from aaf.domain.canonical import Json, parse
from aaf.domain.errors import Code, NotFound, Unavailable
from aaf.domain.events import EventType, occurrence
from aaf.domain.merkle import inclusion_path
from aaf.domain.pack import build_pack
from aaf.domain.principal import Permission
from aaf.domain.record import ActionRecord, EventRow
from aaf.domain.redaction import touches
from aaf.domain.states import State
from aaf.ports import Commit, Committed
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.ledger import checkpoint, verifier_key
from aaf.services.moving import too_much_changed
from aaf.services.quoting import quotes_a_secret, without_named
from aaf.services.sealing import unseal_object

ATTEMPTS = 3


async def proof_pack(core: Core, caller: Caller, action: str) -> bytes:
    """Make the pack (docs/formats.md section 8) as of a checkpoint of now.

    Raises:
        NotPermitted: the caller may not read proofs.
        NotFound: there is no such action for this caller.
        Unavailable: no checkpoint covers the action's events yet, because another process holds the lease.
    """
    caller, record, disclose = await _announced(core, caller, action)
    head = await checkpoint(core, record.org)
    rows = await core.store.events_of(record.org, record.id)
    if head is None or head.size < rows[-1].seq:
        raise Unavailable(
            Code.STORE_BUSY, "The checkpoint that covers this action is being made.", hint="Try again in a few seconds."
        )
    proofs = {row.seq: await _path(core, record.org, row.seq, head.size) for row in rows}
    moves = [row for row in rows if _is_transition(row)]
    related = [row for row in rows if not _is_transition(row)]
    return build_pack(
        org=record.org,
        origin=core.origin(record.org),
        action=record.id,
        transitions=[(row.seq, row.body) for row in moves],
        related=[(row.seq, row.body) for row in related],
        proofs=proofs,
        note=head.note,
        vkey=verifier_key(core, record.org),
        disclosures=await _disclosures(core, caller, record, moves[0]) if disclose else {"action": None, "fields": {}},
    )


async def _announced(core: Core, caller: Caller, action: str) -> tuple[Caller, ActionRecord, bool]:
    """Record that a pack is made, under what the caller may do now; return the caller, the action and whether values are disclosed."""
    for _ in range(ATTEMPTS):
        require(caller, Permission.OWN_PROOF_READ, Permission.ORG_PROOF_READ)
        record = await core.store.action(caller.principal.org, action)
        own = record is not None and record.agent == caller.principal.id
        if record is None or not (own or caller.principal.may(Permission.ORG_PROOF_READ)):
            raise NotFound(Code.NOT_FOUND, "There is no such action.")
        disclose = own or caller.principal.may(Permission.ORG_PROOF_DISCLOSE)
        event = occurrence(
            event_id=core.ids.new(),
            org=record.org,
            at=await core.store.now(),
            actor=caller.principal.actor,
            kind=EventType.PROOF_EXPORTED,
            about=record.id,
            data={"disclosed": disclose},
        )
        if isinstance(await core.store.commit(Commit(record.org, (), (event,), caller.known.epoch)), Committed):
            return caller, record, disclose
        caller = await caller.again(core)
    raise too_much_changed()


def _is_transition(row: EventRow) -> bool:
    """Whether a row is a transition of the action, not an event about it."""
    return row.type.startswith("action.")


async def _path(core: Core, org: str, seq: int, size: int) -> list[bytes]:
    """The inclusion path of one event; the tree hashes that it needs are asked of the store first."""
    plan: list[tuple[int, int]] = []

    def record(start: int, end: int) -> bytes:
        plan.append((start, end))
        return b""

    inclusion_path(seq - 1, size, record)
    known = {(start, end): await core.store.subtree(org, start, end) for start, end in plan}
    return inclusion_path(seq - 1, size, lambda start, end: known[start, end])


async def _disclosures(core: Core, caller: Caller, record: ActionRecord, first: EventRow) -> dict[str, Json]:
    """Values with their salts; an action with a secret is disclosed field by field without it, never as a whole."""
    stored = await unseal_object(core, record.org, record.id, "input")
    salts, asked = stored["salts"], stored["input"]
    entry = caller.known.configuration.catalogue.get(record.type)
    # What was secret when it was sent stays so, whatever the catalogue says today, and the other way round.
    declared = stored["secret"] if isinstance(stored["secret"], list) else []
    secret = [str(path) for path in (*declared, *(entry.secret if entry else ()))]
    values: dict[str, Json] = {}
    action = _action(asked)
    if isinstance(asked, dict) and isinstance(action, dict) and isinstance(action["params"], dict):
        shown = without_named(caller.known.configuration.sensitive, action["params"], entry)
        secret += [f"params.{key}" for key, value in action["params"].items() if shown[key] is not value]
        values = {f"params.{key}": value for key, value in action["params"].items()}
        values["params"], values["context"] = action["params"], asked["context"]
    fields: dict[str, dict[str, Json]] = {}
    for name, salt in (salts if isinstance(salts, dict) else {}).items():
        if name in values and not any(touches(name, path) for path in secret):
            fields[f"{first.id}/{name}"] = {"salt": salt, "value": values[name]}
    fields.update(await _reviews(core, record))
    fields.update(await _result(core, record))
    names = caller.known.configuration.sensitive
    fields = {
        name: one
        for name, one in fields.items()
        if not quotes_a_secret(core, one) and names.redacted(one["value"]) is one["value"]
    }
    secret_params = any(touches("params", path) for path in secret)
    whole: Json = None if secret_params or quotes_a_secret(core, action) else {"salt": stored["salt"], "value": action}
    return {"action": whole, "fields": {**fields}}


def _action(asked: Json) -> Json:
    """The action object whose digest was decided on, from the decision input."""
    match asked:
        case {"action": dict() as action, "agent": dict() as agent, "org": str() as org}:
            return {
                "agent": agent["id"],
                "operation": action["operation"],
                "org": org,
                "params": action["params"],
                "server": action["server"],
                "tool": action["tool"],
                "v": 1,
            }
        case _:
            return None


async def _reviews(core: Core, record: ActionRecord) -> dict[str, dict[str, Json]]:
    """The reviewers' reasons, by the events that commit to them."""
    found: dict[str, dict[str, Json]] = {}
    reasons: dict[int, int] = {}
    for row in await core.store.events_of(record.org, record.id):
        body = parse(row.body)
        data = body["data"] if isinstance(body, dict) else None
        if not isinstance(body, dict) or not isinstance(data, dict) or "verdict" not in data:
            continue
        round_ = int(str(data["round"]))
        ordinal = reasons.get(round_, 0)
        reasons[round_] = ordinal + 1
        kept = await unseal_object(core, record.org, record.id, f"review:{round_}:{ordinal}")
        found[f"{row.id}/reason"] = {"salt": kept["salt"], "value": kept["reason"]}
    return found


async def _result(core: Core, record: ActionRecord) -> dict[str, dict[str, Json]]:
    """The result, where the action succeeded and a run reported one."""
    if record.state is not State.SUCCEEDED or await core.store.sealed(record.org, record.id, "result") is None:
        return {}
    kept = await unseal_object(core, record.org, record.id, "result")
    last = await core.store.events_of(record.org, record.id)
    ends = [row for row in last if row.type == EventType.ACTION_SUCCEEDED]
    return {f"{ends[-1].id}/result": {"salt": kept["salt"], "value": kept["result"]}}

"""Read the ledger, sign its head, export it, and look for what doesn't fit.

A checkpoint is made from the stored head, by whoever holds the lease, and only of a tree whose root the store confirms. What is checked here is
a convenience for operators: proof for others is the export and the offline verifier, with a key that they hold themselves.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from aaf.domain.chain import chain_next, genesis
from aaf.domain.errors import Code, InputRefused
from aaf.domain.events import EventType, occurrence
from aaf.domain.merkle import Frontier, consistency_path, leaf_hash
from aaf.domain.note import assemble, checkpoint_text, signature_line, vkey
from aaf.domain.pack import export_header, export_line
from aaf.domain.principal import Permission
from aaf.domain.record import CheckpointRow, EventRow
from aaf.ports import Commit, Committed, Store
from aaf.services.access import require
from aaf.services.core import Caller, Core
from aaf.services.moving import too_much_changed

ATTEMPTS = 3
PAGE = 1_000
LEASE = "checkpoint"
"""The lease whose holder signs."""
LEASE_SECONDS = 15
MAX_CHECKPOINTS = 1_000


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of a whole ledger found: `bad` is the first sequence number that doesn't fit, and `why`."""

    size: int
    root: bytes
    checkpoint: int
    bad: int | None = None
    why: str = ""


async def page(
    core: Core, caller: Caller, *, after: int = 0, limit: int = 100, action: str | None = None, kind: str | None = None
) -> list[EventRow]:
    """Events after a sequence number, in order; of one action, or of one type or family (`key.`), where given.

    Raises:
        NotPermitted: the caller may not read the audit log.
        InputRefused: `limit` is not 1 to 1,000.
    """
    require(caller, Permission.ORG_AUDIT_READ)
    if not 1 <= limit <= PAGE or after < 0:
        raise InputRefused(Code.WRONG_TYPE, f"`limit` is 1 to {PAGE} and `after` not negative.", path="$.limit")
    org = caller.principal.org
    if action is not None:
        rows = [row for row in await core.store.events_of(org, action) if row.seq > after]
        return [row for row in rows if _is_kind(row, kind)][:limit]
    found: list[EventRow] = []
    while len(found) < limit:
        rows = await core.store.events(org, after=after, limit=PAGE)
        found += [row for row in rows if _is_kind(row, kind)]
        if len(rows) < PAGE:
            break
        after = rows[-1].seq
    return found[:limit]


def _is_kind(row: EventRow, kind: str | None) -> bool:
    """Whether a row is of a type, or of a family that ends in a dot."""
    return kind is None or row.type == kind or (kind.endswith(".") and row.type.startswith(kind))


async def checkpoint(core: Core, org: str) -> CheckpointRow | None:
    """Sign the head of a ledger that has grown; None for an empty one. Without the lease, what stands is returned."""
    newest = await core.store.checkpoint(org)
    head = await core.store.head(org)
    if head.size == 0 or (newest is not None and newest.size >= head.size):
        return newest
    if not await core.store.take_lease(LEASE, core.process, LEASE_SECONDS):
        return newest
    row = CheckpointRow(org, head.size, head.root, _note(core, org, head.size, head.root), await core.store.now())
    if await core.store.put_checkpoint(row):
        core.anchors.keep(org, row.size, row.root)
    return await core.store.checkpoint(org)


def _note(core: Core, org: str, size: int, root: bytes) -> str:
    """The signed note of a tree head; Ed25519 is deterministic (RFC 8032), so the same head has the same note."""
    name = core.origin(org)
    text = checkpoint_text(name, size, root)
    return assemble(text, [signature_line(name, core.log_signer.public_key, core.log_signer.sign(text.encode()))])


async def checkpoint_dirty(core: Core) -> int:
    """Sign every ledger that has grown; return how many."""
    dirty = await core.store.dirty()
    for org in dirty:
        await checkpoint(core, org)
    return len(dirty)


async def last_checkpoint(core: Core) -> None:
    """Sign what this process leaves behind, and let the next one sign at once.

    Where another process is just signing, it is the one that looks again: what was written before it gave the lease back is signed.
    """
    for _ in range(ATTEMPTS):
        await checkpoint_dirty(core)
        if not await core.store.take_lease(LEASE, core.process, 0) or not await core.store.dirty():
            return


async def newest_checkpoint(core: Core, caller: Caller) -> CheckpointRow | None:
    """A checkpoint of now.

    Raises:
        NotPermitted: the caller may neither read the audit log nor export its own proofs.
    """
    require(caller, Permission.ORG_AUDIT_READ, Permission.ORG_PROOF_READ, Permission.OWN_PROOF_READ)
    return await checkpoint(core, caller.principal.org)


def verifier_key(core: Core, org: str) -> str:
    """The vkey that an outsider checks this organisation's log with."""
    return vkey(core.origin(org), core.log_signer.public_key)


async def consistency(core: Core, caller: Caller, *, old: int, new: int) -> list[bytes]:
    """The proof that the tree of `new` events continues the tree of `old` (RFC 9162 section 2.1.4).

    Raises:
        InputRefused: sizes that the ledger doesn't have.
    """
    require(caller, Permission.ORG_AUDIT_READ, Permission.OWN_PROOF_READ)
    org = caller.principal.org
    head = await core.store.head(org)
    if not 0 < old <= new <= head.size:
        raise InputRefused(Code.WRONG_TYPE, f"Sizes are 1 to {head.size}, the older one first.", path="$.old")
    plan: list[tuple[int, int]] = []

    def record(start: int, end: int) -> bytes:
        plan.append((start, end))
        return b""

    consistency_path(old, new, record)
    known = {(start, end): await core.store.subtree(org, start, end) for start, end in plan}
    return consistency_path(old, new, lambda start, end: known[start, end])


async def export(core: Core, caller: Caller) -> AsyncIterator[bytes]:
    """The ledger as lines (docs/formats.md section 10), up to a checkpoint of now; that it was exported is an event first.

    Raises:
        NotPermitted: the caller may not export.
    """
    org = caller.principal.org
    for _ in range(ATTEMPTS):
        require(caller, Permission.ORG_AUDIT_EXPORT)
        event = occurrence(
            event_id=core.ids.new(),
            org=org,
            at=await core.store.now(),
            actor=caller.principal.actor,
            kind=EventType.LEDGER_EXPORTED,
            data={},
        )
        if isinstance(await core.store.commit(Commit(org, (), (event,), caller.known.epoch)), Committed):
            await checkpoint(core, org)
            return _lines(core, org)
        caller = await caller.again(core)
    raise too_much_changed()


async def _lines(core: Core, org: str) -> AsyncIterator[bytes]:
    """Header and events, a page at a time."""
    rows_ = await core.store.checkpoints(org)
    size = rows_[-1].size if rows_ else 0
    # Every n-th and always the last: each narrows where a break can lie, and the header stays small.
    step = -(-len(rows_) // MAX_CHECKPOINTS) or 1
    notes = [row.note for row in rows_[::-1][::step][::-1]]
    yield export_header(org=org, origin=core.origin(org), size=size, checkpoints=notes)
    after = 0
    while after < size:
        rows = await core.store.events(org, after=after, limit=min(PAGE, size - after))
        if not rows:
            return
        yield b"".join(export_line(row.seq, row.chain, row.body) for row in rows)
        after = rows[-1].seq


async def check(core: Core, caller: Caller) -> Report:
    """Recompute chain, tree and checkpoints of the whole ledger and compare them with what is stored.

    Raises:
        NotPermitted: the caller may not read the audit log.
    """
    require(caller, Permission.ORG_AUDIT_READ)
    org = caller.principal.org
    report = await check_org(core.store, org)
    if report.bad is not None:
        return report
    for row in await core.store.checkpoints(org):
        if row.note != _note(core, org, row.size, row.root):
            return replace(report, bad=row.size, why="not what its checkpoint says")
    return report


async def check_org(store: Store, org: str) -> Report:
    """The same without a key, for a process that starts: the checkpoints' signatures are not looked at."""
    head = await store.head(org)
    roots = {row.size: row.root for row in await store.checkpoints(org)}
    newest = max(roots, default=0)
    chain, tree, after = genesis(org), Frontier(), 0
    while after < head.size:
        rows = await store.events(org, after=after, limit=min(PAGE, head.size - after))
        if not rows:
            return Report(head.size, head.root, newest, after + 1, "missing")
        for row in rows:
            leaf = leaf_hash(row.body)
            chain = chain_next(org, after + 1, chain, leaf)
            tree.append(leaf)
            after += 1
            if row.seq != after:
                return Report(head.size, head.root, newest, after, "missing")
            if row.chain != chain:
                return Report(head.size, head.root, newest, after, "changed")
            if after in roots and tree.root() != roots[after]:
                return Report(head.size, head.root, newest, after, "not what its checkpoint says")
    if newest > head.size:
        return Report(head.size, head.root, newest, head.size + 1, "cut off")
    if tree.root() != head.root or chain != head.chain:
        return Report(head.size, head.root, newest, head.size, "not what the head says")
    beyond = await store.events(org, after=head.size, limit=1)
    if beyond and (await store.head(org)).size == head.size:
        return Report(head.size, head.root, newest, head.size + 1, "added")
    return Report(head.size, head.root, newest)

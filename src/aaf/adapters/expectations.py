"""Whether what a commit expects is so, for every store alike: the rules of the port in one place.

Each store answers small questions about the state before the commit; the first expectation that isn't met, in the order of the
writes, is the conflict. Versions and permits follow the commit's own earlier writes; a row claimed twice by one commit is refused. Nothing is written here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from aaf.domain.errors import Code, StoreFailed
from aaf.domain.record import PermitRecord, PermitState
from aaf.domain.spending import MAX_AMOUNT
from aaf.domain.states import FINAL, State
from aaf.ports import (
    AddAggregate,
    ChargeLimit,
    Commit,
    Conflict,
    ConflictKind,
    ConsumePermit,
    InsertAction,
    InsertDataKey,
    InsertIdempotency,
    InsertKey,
    InsertOpening,
    InsertPermit,
    InsertPrincipal,
    InsertRelease,
    InsertReview,
    InsertSealed,
    NotAfter,
    NotBefore,
    PutDraft,
    PutWatch,
    RaiseEpoch,
    RemoveDraft,
    ReserveSpend,
    RevokeKey,
    TakeAggregate,
    UpdateAction,
    Write,
)

OPEN = tuple(sorted(state for state in State if state not in FINAL and state is not State.SUBMITTED))
"""States of an action that something may still follow."""
MAX_SPENT = 2**62
"""Micro-units that one subject can have spent at most, whoever approves it."""


class Before(Protocol):
    """What a store knows before the commit. A store that lets a constraint find clashes may answer the `*_taken` of new ids with False."""

    def version(self, org: str, action: str) -> int | None:
        """The action's version, None if there is none."""

    def action_taken(self, org: str, action: str) -> bool:
        """Whether this id of a new action is taken."""

    def data_key_taken(self, org: str, key_id: str) -> bool:
        """Whether this id of a new data key is taken."""

    def reviewed(self, org: str, write: InsertReview) -> bool:
        """Whether the ordinal or the reviewer is there already in this round."""

    def idempotency_taken(self, org: str, agent: str, key: str, now: int) -> bool:
        """Whether the key stands for something: unexpired, or its action is open."""

    def tat(self, org: str, name: str, subject: str) -> int:
        """The limit's theoretical arrival time."""

    def spent(self, org: str, name: str, subject: str, since: int) -> int:
        """Micro-units that are reserved, and that were committed after `since`."""

    def reserved(self, org: str, write: ReserveSpend) -> bool:
        """Whether the action has an entry there already."""

    def permit(self, jti: str) -> PermitRecord | None:
        """One permit."""

    def permit_taken(self, jti: str) -> bool:
        """Whether this id of a new permit is taken."""

    def principal_taken(self, org: str, write: InsertPrincipal) -> bool:
        """Whether the id, or the name among its kind, is taken."""

    def key_taken(self, org: str, write: InsertKey) -> bool:
        """Whether the id or the HMAC is taken."""

    def principal_known(self, org: str, principal: str) -> bool:
        """Whether there is such a principal."""

    def key_live(self, org: str, key_id: str) -> bool:
        """Whether the key is there and not revoked."""

    def release(self, org: str) -> int:
        """The number of the active release, 0 if there is none."""

    def draft(self, org: str, draft: str) -> int:
        """The draft's version, 0 if there is none."""

    def aggregate(self, org: str, name: str, source: str, minute: int) -> int | None:
        """The aggregate's count."""


def charged(tat: int, interval: int, now: int) -> int:
    """The theoretical arrival time after one more unit (GCRA, ATM Forum TM 4.0)."""
    return max(tat, now) + interval


def within(tat: int, tolerance: int, now: int) -> bool:
    """Whether one more unit conforms (GCRA, ATM Forum TM 4.0)."""
    return max(tat, now) - now <= tolerance


def affordable(spent: int, amount: int, ceiling: int | None) -> bool:
    """Whether `amount` more still fits; nothing that an integer of 64 bits couldn't hold ever does."""
    return 0 <= amount < MAX_AMOUNT and spent + amount <= (MAX_SPENT if ceiling is None else ceiling)


def permit_refusal(permit: PermitRecord | None, *, org: str, now: int) -> ConflictKind | None:
    """Why this permit can't be consumed now, or None. Another organisation's permit is unknown."""
    if permit is None or permit.org != org:
        return ConflictKind.PERMIT_UNKNOWN
    if permit.state is not PermitState.ISSUED:
        return ConflictKind.PERMIT_USED
    return ConflictKind.PERMIT_EXPIRED if now > permit.expires_at else None


def reviews(commit: Commit) -> bool:
    """Whether a person answers in it: an older store may have forgotten who may, so that waits until it is released."""
    return any(isinstance(write, InsertReview) for write in commit.writes)


def past(at: int, now: int) -> bool:
    """Whether the store's clock is past `at`."""
    return now > at


@dataclass(slots=True)
class _Look:
    """One look at one commit."""

    org: str
    now: int
    before: Before
    versions: dict[str, int] = field(default_factory=dict)
    tats: dict[tuple[str, str], int] = field(default_factory=dict)
    spent: dict[tuple[str, str], int] = field(default_factory=dict)
    claims: set[tuple[str | int, ...]] = field(default_factory=set)
    permits: dict[str, PermitRecord] = field(default_factory=dict)
    live: dict[str, str] = field(default_factory=dict)

    def claim(self, *row: str | int) -> bool:
        """Whether this commit hasn't claimed the row before."""
        known = row in self.claims
        self.claims.add(row)
        return not known

    def ours(self, org: str) -> None:
        """Refuse a write into another organisation: a caller's bug that must not cross tenants.

        Raises:
            StoreFailed: it is another one.
        """
        if org != self.org:
            raise StoreFailed(
                Code.INTERNAL_ERROR,
                "This cannot be recorded.",
                detail="a write names another organisation than its commit",
            )

    def insert_action(self, write: InsertAction) -> ConflictKind | None:
        record = write.record
        self.ours(record.org)
        if record.version != 1 or record.id in self.versions or self.before.action_taken(self.org, record.id):
            return ConflictKind.VERSION
        self.versions[record.id] = 1
        return None

    def update_action(self, write: UpdateAction) -> ConflictKind | None:
        record = write.record
        self.ours(record.org)
        version = self.versions.get(record.id) or self.before.version(self.org, record.id)
        if version is None or version != record.version - 1:
            return ConflictKind.VERSION
        self.versions[record.id] = record.version
        return None

    def insert_data_key(self, write: InsertDataKey) -> ConflictKind | None:
        self.ours(write.key.org)
        if not self.claim("data key", write.key.id) or self.before.data_key_taken(self.org, write.key.id):
            return ConflictKind.KEY
        return None

    def insert_review(self, write: InsertReview) -> ConflictKind | None:
        if self.before.version(self.org, write.action) != write.action_version:
            return ConflictKind.VERSION
        taken = (
            not self.claim("ordinal", write.action, write.round, write.ordinal),
            not self.claim("reviewer", write.action, write.round, write.review.reviewer),
            self.before.reviewed(self.org, write),
        )
        return ConflictKind.REVIEW if any(taken) else None

    def insert_idempotency(self, write: InsertIdempotency) -> ConflictKind | None:
        if not self.claim("idempotency", write.agent, write.key):
            return ConflictKind.IDEMPOTENCY
        taken = self.before.idempotency_taken(self.org, write.agent, write.key, self.now)
        return ConflictKind.IDEMPOTENCY if taken else None

    def charge_limit(self, write: ChargeLimit) -> ConflictKind | None:
        place = (write.name, write.subject)
        tat = self.tats.get(place)
        if tat is None:
            tat = self.before.tat(self.org, *place)
        if not within(tat, write.tolerance, self.now):
            return ConflictKind.LIMIT
        self.tats[place] = charged(tat, write.interval, self.now)
        return None

    def reserve_spend(self, write: ReserveSpend) -> ConflictKind | None:
        place = (write.name, write.subject)
        if not self.claim("spend", write.action, *place) or self.before.reserved(self.org, write):
            return ConflictKind.SPEND
        spent = self.spent.get(place, 0) + self.before.spent(self.org, *place, self.now - write.window)
        if not affordable(spent, write.amount, write.ceiling):
            return ConflictKind.SPEND
        self.spent[place] = self.spent.get(place, 0) + write.amount
        return None

    def insert_permit(self, write: InsertPermit) -> ConflictKind | None:
        permit = write.permit
        self.ours(permit.org)
        if permit.jti in self.permits or self.before.permit_taken(permit.jti):
            return ConflictKind.PERMIT_USED
        self.permits[permit.jti] = permit
        self.live[permit.action] = permit.jti
        return None

    def consume_permit(self, write: ConsumePermit) -> ConflictKind | None:
        permit = self.permits.get(write.jti) or self.before.permit(write.jti)
        refusal = permit_refusal(permit, org=self.org, now=self.now)
        if permit is None or refusal is not None:
            return refusal
        replaced = self.live.get(permit.action, write.jti) != write.jti
        return ConflictKind.PERMIT_USED if replaced or not self.claim("permit", write.jti) else None

    def not_after(self, write: NotAfter) -> ConflictKind | None:
        return ConflictKind.DEADLINE if past(write.at, self.now) else None

    def not_before(self, write: NotBefore) -> ConflictKind | None:
        return None if past(write.at, self.now) else ConflictKind.DEADLINE

    def insert_principal(self, write: InsertPrincipal) -> ConflictKind | None:
        record = write.record
        self.ours(record.org)
        taken = (
            not self.claim("principal", record.id),
            not self.claim("name", record.kind, record.name),
            self.before.principal_taken(self.org, write),
        )
        return ConflictKind.NAME if any(taken) else None

    def insert_key(self, write: InsertKey) -> ConflictKind | None:
        record = write.record
        self.ours(record.org)
        taken = (
            not self.claim("key", record.id),
            not self.claim("mac", record.mac.hex()),
            self.before.key_taken(self.org, write),
            ("principal", record.principal) not in self.claims
            and not self.before.principal_known(self.org, record.principal),
        )
        return ConflictKind.KEY if any(taken) else None

    def revoke_key(self, write: RevokeKey) -> ConflictKind | None:
        if not self.claim("revocation", write.key) or not self.before.key_live(self.org, write.key):
            return ConflictKind.KEY
        return None

    def insert_release(self, write: InsertRelease) -> ConflictKind | None:
        self.ours(write.release.org)
        if not self.claim("release") or write.release.number != self.before.release(self.org) + 1:
            return ConflictKind.VERSION
        return None

    def put_draft(self, write: PutDraft) -> ConflictKind | None:
        draft = write.draft
        self.ours(draft.org)
        if not self.claim("draft", draft.id) or draft.version != self.before.draft(self.org, draft.id) + 1:
            return ConflictKind.VERSION
        return None

    def remove_draft(self, write: RemoveDraft) -> ConflictKind | None:
        if not self.claim("draft", write.draft) or write.version != self.before.draft(self.org, write.draft):
            return ConflictKind.VERSION
        return None if write.version else ConflictKind.VERSION

    def put_watch(self, write: PutWatch) -> ConflictKind | None:
        self.ours(write.watch.org)
        return None

    def add_aggregate(self, write: AddAggregate) -> ConflictKind | None:
        self.ours(write.aggregate.org)
        return None

    def take_aggregate(self, write: TakeAggregate) -> ConflictKind | None:
        one = write.aggregate
        self.ours(one.org)
        if not self.claim("aggregate", one.name, one.source, one.minute):
            return ConflictKind.AGGREGATE
        count = self.before.aggregate(self.org, one.name, one.source, one.minute)
        return None if count == one.count else ConflictKind.AGGREGATE


def _none(look: _Look, write: Write) -> None:
    """Expect nothing."""


_LOOKS: dict[type[Write], Callable[[_Look, Any], ConflictKind | None]] = {
    AddAggregate: _Look.add_aggregate,
    ChargeLimit: _Look.charge_limit,
    ConsumePermit: _Look.consume_permit,
    InsertAction: _Look.insert_action,
    InsertDataKey: _Look.insert_data_key,
    InsertIdempotency: _Look.insert_idempotency,
    InsertKey: _Look.insert_key,
    InsertOpening: _none,
    InsertPermit: _Look.insert_permit,
    InsertPrincipal: _Look.insert_principal,
    InsertRelease: _Look.insert_release,
    InsertReview: _Look.insert_review,
    InsertSealed: _none,
    NotAfter: _Look.not_after,
    NotBefore: _Look.not_before,
    PutDraft: _Look.put_draft,
    PutWatch: _Look.put_watch,
    RaiseEpoch: _none,
    RemoveDraft: _Look.remove_draft,
    ReserveSpend: _Look.reserve_spend,
    RevokeKey: _Look.revoke_key,
    TakeAggregate: _Look.take_aggregate,
    UpdateAction: _Look.update_action,
}


def first_conflict(commit: Commit, *, now: int, before: Before) -> Conflict | None:
    """Return the first expectation of `commit` that isn't met, or None; `now` is the store's clock in microseconds.

    Raises:
        StoreFailed: a write names another organisation than its commit.
    """
    if not commit.writes:
        return None
    look = _Look(commit.org, now, before)
    for write in commit.writes:
        kind = _LOOKS[type(write)](look, write)
        if kind is not None:
            return Conflict(kind, type(write).__name__)
    return None

"""The dictionaries of the store in memory, and what the rules in `expectations` ask of them.

A dictionary's keys begin with the organisation. Nothing here is guarded: the store holds its lock around every use.
"""

from collections import defaultdict
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import assert_never

from aaf.adapters.expectations import OPEN, charged
from aaf.domain.approval import Review
from aaf.domain.merkle import Frontier
from aaf.domain.record import (
    ActionRecord,
    CheckpointRow,
    DataKey,
    Draft,
    EventRow,
    KeyRecord,
    PermitRecord,
    PermitState,
    PrincipalRecord,
    Release,
    Sealed,
    Spent,
    Watch,
)
from aaf.domain.spending import KEPT, Settlement, settlement
from aaf.ports import (
    AddAggregate,
    ChargeLimit,
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


def storable(value: object) -> bool:
    """Whether a store on disk could hold it: integers of 64 bits, strings that are Unicode text."""
    match value:
        case bool() | None | bytes():
            return True
        case int():
            return -(2**63) <= value < 2**63
        case str():
            return not any("\ud800" <= letter <= "\udfff" for letter in value)
        case tuple() | list():
            return all(storable(each) for each in value)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return all(storable(getattr(value, part.name)) for part in fields(value))
        case _:  # a JSON object, kept as text
            return True


@dataclass(slots=True)
class Entry:
    """What was reserved for one action in one place, and when it was committed, if it was."""

    amount: int
    committed_at: int | None = None


@dataclass(slots=True)
class Tables:
    """Everything, by organisation first; also what the rules in `expectations` ask."""

    actions: dict[tuple[str, str], ActionRecord] = field(default_factory=dict)
    sealed: dict[tuple[str, str, str], Sealed] = field(default_factory=dict)
    data_keys: dict[tuple[str, str], DataKey] = field(default_factory=dict)
    reviews: dict[tuple[str, str, int], dict[int, Review]] = field(default_factory=lambda: defaultdict(dict))
    openings: dict[tuple[str, str, int, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    idempotency: dict[tuple[str, str, str], InsertIdempotency] = field(default_factory=dict)
    tats: dict[tuple[str, str, str], int] = field(default_factory=dict)
    spends: dict[tuple[str, str, str], dict[str, Entry]] = field(default_factory=lambda: defaultdict(dict))
    permits: dict[str, PermitRecord] = field(default_factory=dict)
    principals: dict[tuple[str, str], PrincipalRecord] = field(default_factory=dict)
    keys: dict[tuple[str, str], KeyRecord] = field(default_factory=dict)
    releases: dict[str, list[Release]] = field(default_factory=lambda: defaultdict(list))
    drafts: dict[tuple[str, str], Draft] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    aggregates: dict[tuple[str, str, str, int], int] = field(default_factory=dict)
    events: dict[str, list[EventRow]] = field(default_factory=dict)
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    frontiers: dict[str, Frontier] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    checkpoints: dict[str, dict[int, CheckpointRow]] = field(default_factory=lambda: defaultdict(dict))
    leases: dict[str, tuple[str, int]] = field(default_factory=dict)

    def version(self, org: str, action: str) -> int | None:
        """The action's version."""
        record = self.actions.get((org, action))
        return None if record is None else record.version

    def action_taken(self, org: str, action: str) -> bool:
        """Whether this id of a new action is taken."""
        return (org, action) in self.actions

    def data_key_taken(self, org: str, key_id: str) -> bool:
        """Whether this id of a new data key is taken."""
        return (org, key_id) in self.data_keys

    def reviewed(self, org: str, write: InsertReview) -> bool:
        """Whether the ordinal or the reviewer is there already in this round."""
        there = self.reviews.get((org, write.action, write.round), {})
        return write.ordinal in there or any(one.reviewer == write.review.reviewer for one in there.values())

    def idempotency_taken(self, org: str, agent: str, key: str, now: int) -> bool:
        """Whether the key stands for something."""
        return self.stands_for(org, agent, key, now) is not None

    def stands_for(self, org: str, agent: str, key: str, now: int) -> InsertIdempotency | None:
        """What the key stands for: while it is unexpired or its action is open."""
        found = self.idempotency.get((org, agent, key))
        if found is None or found.expires_at > now:
            return found
        record = self.actions.get((org, found.action))
        return found if record is not None and record.state in OPEN else None

    def tat(self, org: str, name: str, subject: str) -> int:
        """The limit's theoretical arrival time."""
        return self.tats.get((org, name, subject), 0)

    def spent(self, org: str, name: str, subject: str, since: int) -> int:
        """Micro-units that are reserved, and that were committed after `since`."""
        return self.spent_of(org, name, subject, since).total

    def spent_of(self, org: str, name: str, subject: str, since: int) -> Spent:
        """The same, apart."""
        entries = self.spends.get((org, name, subject), {}).values()
        committed = sum(one.amount for one in entries if one.committed_at is not None and one.committed_at > since)
        return Spent(sum(one.amount for one in entries if one.committed_at is None), committed)

    def reserved(self, org: str, write: ReserveSpend) -> bool:
        """Whether the action has an entry there already."""
        return write.action in self.spends.get((org, write.name, write.subject), {})

    def permit(self, jti: str) -> PermitRecord | None:
        """One permit."""
        return self.permits.get(jti)

    def permit_taken(self, jti: str) -> bool:
        """Whether this id of a new permit is taken."""
        return jti in self.permits

    def principal_taken(self, org: str, write: InsertPrincipal) -> bool:
        """Whether the id, or the name among its kind, is taken."""
        new = write.record
        same = ((one.id, one.kind, one.name) for (its, _), one in self.principals.items() if its == org)
        return any(id_ == new.id or (kind, name) == (new.kind, new.name) for id_, kind, name in same)

    def key_taken(self, org: str, write: InsertKey) -> bool:
        """Whether the id or the HMAC is taken."""
        new = write.record
        return (org, new.id) in self.keys or any(one.mac == new.mac for one in self.keys.values())

    def principal_known(self, org: str, principal: str) -> bool:
        """Whether there is such a principal."""
        return (org, principal) in self.principals

    def key_live(self, org: str, key_id: str) -> bool:
        """Whether the key is there and not revoked."""
        found = self.keys.get((org, key_id))
        return found is not None and found.revoked_at is None

    def release(self, org: str) -> int:
        """The number of the active release, 0 if there is none."""
        return len(self.releases[org])

    def draft(self, org: str, draft: str) -> int:
        """The draft's version, 0 if there is none."""
        found = self.drafts.get((org, draft))
        return 0 if found is None else found.version

    def aggregate(self, org: str, name: str, source: str, minute: int) -> int | None:
        """The aggregate's count."""
        return self.aggregates.get((org, name, source, minute))

    def write(self, org: str, write: Write, at: int) -> None:  # noqa: C901, PLR0912, PLR0915 - one line or two for each write of the port
        """Write what was found to hold."""
        match write:
            case InsertAction(record):
                self.actions[org, record.id] = record
            case UpdateAction(record):
                self.actions[org, record.id] = record
                self._settle(org, record, at)
            case InsertSealed(one):
                self.sealed[org, one.owner, one.name] = one
            case InsertDataKey(key):
                self.data_keys[org, key.id] = key
            case InsertReview():
                self.reviews[org, write.action, write.round][write.ordinal] = write.review
            case InsertOpening():
                self.openings[org, write.action, write.round, write.reviewer].add(write.index)
            case InsertIdempotency():
                self.idempotency[org, write.agent, write.key] = write
            case ChargeLimit():
                tat = self.tat(org, write.name, write.subject)
                self.tats[org, write.name, write.subject] = charged(tat, write.interval, at)
            case ReserveSpend():
                entries = self.spends[org, write.name, write.subject]
                over = at - max(KEPT, write.window)
                for action in [a for a, one in entries.items() if (one.committed_at or at) < over]:
                    del entries[action]
                entries[write.action] = Entry(write.amount)
            case InsertPermit(permit):
                self._void(org, permit.action)
                self.permits[permit.jti] = permit
            case ConsumePermit(jti):
                self.permits[jti] = replace(self.permits[jti], state=PermitState.CONSUMED)
            case InsertPrincipal(principal):
                self.principals[org, principal.id] = principal
            case InsertKey(api_key):
                self.keys[org, api_key.id] = api_key
            case RevokeKey(revoked):
                self.keys[org, revoked] = replace(self.keys[org, revoked], revoked_at=at)
            case RaiseEpoch():
                self.epochs[org] = self.epochs.get(org, 0) + 1
            case InsertRelease(release):
                self.releases[org].append(release)
            case PutDraft(draft):
                self.drafts[org, draft.id] = draft
            case RemoveDraft():
                del self.drafts[org, write.draft]
            case PutWatch(watch):
                self.watches[org] = watch
            case AddAggregate(count):
                place = (org, count.name, count.source, count.minute)
                self.aggregates[place] = self.aggregates.get(place, 0) + count.count
            case TakeAggregate(taken):
                del self.aggregates[org, taken.name, taken.source, taken.minute]
            case NotAfter() | NotBefore():
                pass
            case _:
                assert_never(write)

    def _settle(self, org: str, record: ActionRecord, at: int) -> None:
        """Commit or release what was reserved for an action that moved."""
        settled = settlement(record) if record.spends else Settlement.KEEP
        if settled is Settlement.KEEP:
            return
        for (its, _, _), entries in self.spends.items():
            if its == org and record.id in entries:
                if settled is Settlement.RELEASE:
                    del entries[record.id]
                elif entries[record.id].committed_at is None:
                    entries[record.id].committed_at = at

    def _void(self, org: str, action: str) -> None:
        """Make the live permit of an action void."""
        for jti, permit in self.permits.items():
            if (permit.org, permit.action, permit.state) == (org, action, PermitState.ISSUED):
                self.permits[jti] = replace(permit, state=PermitState.VOID)

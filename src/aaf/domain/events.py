"""Names of events, and the bytes of an event's body (docs/formats.md section 3).

One transition of an action is one event, and only transitions take an `action_seq`. What happens later about an action names it as
`about`. A body holds codes, names of rules, digests and counts; values that somebody sent appear as salted commitments only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique

from aaf.domain.canonical import Json, canonical
from aaf.domain.fragments import members, text
from aaf.domain.states import FINAL, State

MAX_BODY = 65_536
"""Bytes of the longest body that a ledger takes."""


@unique
class EventType(StrEnum):
    """Every event, in alphabetical order; `action.<state>` are the transitions."""

    ACCESS_REFUSED = "access.refused"
    ACTION_ALLOWED = "action.allowed"
    ACTION_APPROVED = "action.approved"
    ACTION_CANCELLED = "action.cancelled"
    ACTION_DENIED = "action.denied"
    ACTION_EXECUTING = "action.executing"
    ACTION_EXPIRED = "action.expired"
    ACTION_FAILED = "action.failed"
    ACTION_LAPSED = "action.lapsed"
    ACTION_PENDING_APPROVAL = "action.pending_approval"
    ACTION_REJECTED = "action.rejected"
    ACTION_SUCCEEDED = "action.succeeded"
    ACTION_UNKNOWN = "action.unknown"
    APPROVAL_REVIEWED = "approval.reviewed"
    APPROVAL_REVIEW_REFUSED = "approval.review_refused"
    APPROVAL_VALUE_OPENED = "approval.value_opened"
    CLOCK_JUMPED = "clock.jumped"
    CONFIGURATION_ACTIVATED = "configuration.activated"
    CONFIGURATION_DRAFT_DISCARDED = "configuration.draft_discarded"
    CONFIGURATION_DRAFT_SAVED = "configuration.draft_saved"
    CONFIGURATION_REFUSED = "configuration.refused"
    DECISION_EXPLAINED = "decision.explained"
    EXECUTION_REFUSED = "execution.refused"
    INSTALLATION_STARTED = "installation.started"
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    LEDGER_EXPORTED = "ledger.exported"
    LEDGER_RESTORED = "ledger.restored"
    LIMIT_EXCEEDED = "limit.exceeded"
    PERMIT_ISSUED = "permit.issued"
    PERMIT_REFUSED = "permit.refused"
    PROOF_EXPORTED = "proof.exported"
    RECOVERY_ENTERED = "recovery.entered"
    RECOVERY_RELEASED = "recovery.released"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry before it has a place: `id` unique in the ledger, `action` the action it belongs to or is about, or None."""

    id: str
    type: EventType
    body: bytes
    action: str | None = None


_TRANSITIONS: dict[State, tuple[EventType, str]] = {
    state: (EventType(f"action.{state}"), "true" if state in FINAL else "false")
    for state in State
    if state is not State.SUBMITTED
}


def transition(
    *,
    event_id: str,
    org: str,
    at: int,
    actor: str,
    action: str,
    seq: int,
    before: State,
    after: State,
    data: Mapping[str, Json],
    commit: Mapping[str, str] | None = None,
) -> Event:
    """Make the event of one transition; `at` in microseconds, `seq` the action's new version, `data` must hold `digest`.

    The members are written in sorted order by a fixed template, because this is the hottest encoding of the product; ids,
    states and actors hold no character that JSON escapes.
    """
    kind, final = _TRANSITIONS[after]
    sealed = f'"commit":{members({name: text(value) for name, value in commit.items()}).decode()},' if commit else ""
    told = canonical(dict(data)).decode()
    body = (
        f'{{"action":"{action}","action_seq":{seq},"actor":"{actor}",{sealed}"data":{told},'
        f'"final":{final},"from":"{before.value}","id":"{event_id}","org":"{org}","state":"{after.value}","ts":{at},'
        f'"type":"{kind.value}","v":1}}'
    )
    return Event(event_id, kind, _bounded(body.encode()), action)


def occurrence(
    *,
    event_id: str,
    org: str,
    at: int,
    actor: str,
    kind: EventType,
    data: Mapping[str, Json],
    about: str | None = None,
    commit: Mapping[str, str] | None = None,
) -> Event:
    """Make an event that is no transition; `about` is the action it concerns."""
    body: dict[str, Json] = {
        "actor": actor,
        "data": dict(data),
        "id": event_id,
        "org": org,
        "ts": at,
        "type": str(kind),
        "v": 1,
    }
    if about is not None:
        body["about"] = about
    if commit:
        body["commit"] = dict(commit)
    return Event(event_id, kind, _bounded(canonical(body)), about)


def _bounded(body: bytes) -> bytes:
    """Refuse a body that no ledger takes: a caller's bug, because every part of a body is bounded before."""
    if len(body) > MAX_BODY:
        msg = f"event body of {len(body)} bytes"
        raise ValueError(msg)
    return body

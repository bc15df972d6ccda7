"""Values to fill a store with; what a test doesn't care about has a default here."""

import itertools
from collections.abc import Iterator

from aaf.domain.approval import Review, ReviewVerdict
from aaf.domain.decision import Requirement
from aaf.domain.errors import Problem
from aaf.domain.events import Event, EventType
from aaf.domain.principal import Kind
from aaf.domain.record import (
    ActionRecord,
    CheckpointRow,
    DataKey,
    Draft,
    KeyRecord,
    PermitRecord,
    PrincipalRecord,
    Release,
    Sealed,
    Watch,
)
from aaf.domain.states import State
from aaf.ports import Commit, Write

ORG = "01890000-0000-7000-8000-0000000000aa"
OTHER = "01890000-0000-7000-8000-0000000000bb"
AGENT = "01890000-0000-7000-8000-00000000a6e7"
DRAFT = "0190aaaa-0000-7000-8000-000000000001"
DIGEST = "ab" * 32

_numbers: Iterator[int] = itertools.count(1)


def new_id() -> str:
    """Ids in the order in which they were asked for."""
    return f"01890000-0000-7000-8000-{next(_numbers):012x}"


def event(action: str | None = None, *, event_id: str | None = None, body: bytes = b"{}") -> Event:
    return Event(event_id or new_id(), EventType.ACCESS_REFUSED, body, action)


def commit(
    *writes: Write, org: str = ORG, events: int = 1, epoch: int | None = None, admission: bool = False
) -> Commit:
    return Commit(org, writes, tuple(event() for _ in range(events)), epoch, admission)


def action(
    action_id: str | None = None,
    *,
    org: str = ORG,
    version: int = 1,
    state: State = State.ALLOWED,
    agent: str = AGENT,
    deadline: int | None = None,
) -> ActionRecord:
    return ActionRecord(
        org=org,
        id=action_id or new_id(),
        version=version,
        state=state,
        agent=agent,
        type="files.write",
        server=None,
        digest=DIGEST,
        match_key="cd" * 32,
        action_class="file_write",
        risk="medium",
        release=1,
        entry="ef" * 32,
        effect="connector",
        created_at=1,
        updated_at=2,
        deadline=deadline,
        reasons=({"code": "rule", "name": "räumen 😀"}, {"code": "guard", "paths": ["$.params.a"]}),
        code="rule",
        requirements=(Requirement(("role:approver", "user:x"), 2, 60, reason_required=True),),
        round=1,
        effect_digest="12" * 32,
        view_digest=None,
        long_values=3,
        run="when_approved",
        lease="lease",
        outcome={"source": "connector", "size": 3},
    )


def permit(action_id: str, *, jti: str | None = None, org: str = ORG, expires_at: int = 2**60) -> PermitRecord:
    return PermitRecord(org, jti or new_id(), action_id, AGENT, DIGEST, "tool", 1, expires_at, 1)


def review(reviewer: str, *, verdict: ReviewVerdict = ReviewVerdict.APPROVE) -> Review:
    return Review(reviewer, new_id(), verdict, "looks right", 5, DIGEST, "34" * 32)


def principal(name: str, *, org: str = ORG, kind: Kind = Kind.USER, principal_id: str | None = None) -> PrincipalRecord:
    return PrincipalRecord(org, principal_id or new_id(), kind, name, ("admin", "approver"), 7)


def key(principal_id: str, *, org: str = ORG, mac: bytes = b"m" * 32, key_id: str | None = None) -> KeyRecord:
    return KeyRecord(org, key_id or new_id(), principal_id, "laptop", mac, "aaf_live_ab", ("files.*",), 8, 9)


def sealed(owner: str, *, name: str = "params", ciphertext: bytes = b"\x00secret") -> Sealed:
    return Sealed(owner, name, "key-1", b"n" * 12, ciphertext)


def data_key(subject: str, *, key_id: str | None = None, org: str = ORG) -> DataKey:
    return DataKey(org, key_id or new_id(), subject, b"wrapped", "kek-1")


def release(number: int, *, org: str = ORG) -> Release:
    return Release(org, number, b'{"a":1}', "56" * 32, "user:x", "first", 10)


def draft(version: int, *, org: str = ORG) -> Draft:
    return Draft(org, DRAFT, version, 1, b'{"aaf.yaml":"version: 1"}', "second thoughts", "user:x", 10 + version)


def watch(
    source: str, *, org: str = ORG, problems: tuple[Problem, ...] = (Problem("aaf.yaml", 2, 1, "no", "yes"),)
) -> Watch:
    return Watch(org, "process-1", 17, "/etc/aaf", source, 3, 12, problems)


def checkpoint(size: int, root: bytes, *, org: str = ORG) -> CheckpointRow:
    return CheckpointRow(org, size, root, f"note of {size}\n", 11)

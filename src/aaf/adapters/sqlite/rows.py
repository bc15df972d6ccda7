"""Records as rows and back. A row is what `queries.py` lists, in its order; nothing is judged and nothing is left out."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from aaf.adapters.sqlite.failures import unreadable
from aaf.domain.approval import Review, ReviewVerdict
from aaf.domain.canonical import Json
from aaf.domain.decision import Requirement
from aaf.domain.errors import Problem
from aaf.domain.principal import Kind
from aaf.domain.record import (
    ActionRecord,
    Draft,
    KeyRecord,
    ManagedBy,
    PermitRecord,
    PermitState,
    PrincipalRecord,
    Recorded,
    Release,
    Sealed,
    Watch,
)
from aaf.domain.states import State
from aaf.ports import InsertReview

Row = tuple[Any, ...]
T = TypeVar("T")

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def _readable(reading: Callable[[Row], T]) -> Callable[[Row], T]:
    """Tell a row that was changed from outside as a failure of the store."""

    @wraps(reading)
    def read(row: Row) -> T:
        try:
            return reading(row)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise unreadable(reading.__name__, error) from error

    return read


def action_row(record: ActionRecord) -> Row:
    """As `INSERT_ACTION` and `UPDATE_ACTION` take it."""
    return (
        record.org,
        record.id,
        record.version,
        str(record.state),
        record.agent,
        record.type,
        record.match_key,
        record.created_at,
        record.deadline,
        _encode(record.to_doc()),
    )


@_readable
def action(row: Row) -> ActionRecord:
    """As `ACTION` returns it."""
    org, id_, version, state, agent, type_, match_key, created_at, deadline, rest = row
    doc = json.loads(rest)
    doc["reasons"] = tuple(doc["reasons"])
    doc["requirements"] = tuple(_requirement(each) for each in doc["requirements"])
    return ActionRecord(
        org=org,
        id=id_,
        version=version,
        state=State(state),
        agent=agent,
        type=type_,
        match_key=match_key,
        created_at=created_at,
        deadline=deadline,
        **doc,
    )


@_readable
def recorded(row: Row) -> Recorded:
    """As `DECIDED` returns it."""
    return Recorded(action(row[:10]), Sealed(*row[10:]) if row[10] is not None else None)


def _requirement(doc: dict[str, Any]) -> Requirement:
    """What `Requirement.to_json` wrote."""
    return Requirement(**{**doc, "approvers": tuple(doc["approvers"])})


@_readable
def review(row: Row) -> Review:
    """As `REVIEWS` returns it."""
    reviewer, credential, verdict, reason, at, digest, view_digest = row
    return Review(reviewer, credential, ReviewVerdict(verdict), reason, at, digest, view_digest)


def review_row(org: str, write: InsertReview) -> Row:
    """As `INSERT_REVIEW` takes it."""
    one = write.review
    place = (org, write.action, write.round, write.ordinal)
    return (*place, one.reviewer, one.credential, str(one.verdict), one.reason, one.at, one.digest, one.view_digest)


def permit_row(permit: PermitRecord) -> Row:
    """As `INSERT_PERMIT` takes it."""
    return (
        permit.org,
        permit.jti,
        permit.action,
        permit.agent,
        permit.digest,
        permit.audience,
        permit.issued_at,
        permit.expires_at,
        permit.action_version,
        str(permit.state),
    )


@_readable
def permit(row: Row) -> PermitRecord:
    """As `PERMIT` returns it."""
    values: list[Any] = [*row[:9], PermitState(row[9])]
    return PermitRecord(*values)


def principal_row(record: PrincipalRecord) -> Row:
    """As `INSERT_PRINCIPAL` takes it."""
    return (record.org, record.id, str(record.kind), record.name, _encode(record.roles), record.created_at)


@_readable
def principal(row: Row) -> PrincipalRecord:
    """As `PRINCIPALS` returns it."""
    org, id_, kind, name, roles, created_at = row
    return PrincipalRecord(org, id_, Kind(kind), name, tuple(json.loads(roles)), created_at)


def release_row(one: Release) -> Row:
    """As `INSERT_RELEASE` takes it."""
    it = (one.org, one.number, one.document, one.source, one.author, one.message, one.activated_at)
    return (*it, one.files, str(one.managed_by))


@_readable
def release(row: Row) -> Release:
    """As `RELEASES` returns it."""
    values: list[Any] = [*row[:8], ManagedBy(row[8])]
    return Release(*values)


def draft_row(one: Draft) -> Row:
    """As `UPSERT_DRAFT` takes it."""
    return (one.org, one.id, one.version, one.base, one.files, one.message, one.author, one.updated_at)


def watch_row(one: Watch) -> Row:
    """As `UPSERT_WATCH` takes it."""
    problems: list[Json] = [[its.file, its.line, its.column, its.message, its.hint] for its in one.problems]
    return (one.org, one.process, one.pid, one.folder, one.source, one.release, one.at, _encode(problems))


@_readable
def watch(row: Row) -> Watch:
    """As `WATCH` returns it."""
    values: list[Any] = [*row[:7], tuple(Problem(*one) for one in json.loads(row[7]))]
    return Watch(*values)


def key_row(record: KeyRecord) -> Row:
    """As `INSERT_KEY` takes it."""
    return (
        record.org,
        record.id,
        record.principal,
        record.name,
        record.mac,
        record.hint,
        _encode(record.action_types),
        record.created_at,
        record.expires_at,
        record.revoked_at,
    )


@_readable
def key(row: Row) -> KeyRecord:
    """As `KEYS` returns it."""
    values: list[Any] = [*row[:6], tuple(json.loads(row[6])), *row[7:]]
    return KeyRecord(*values)

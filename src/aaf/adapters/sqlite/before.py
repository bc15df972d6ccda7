"""What the database says before a commit, for the rules in `expectations`.

Answers come from the transaction's own connection, with what earlier items of the same transaction changed and didn't write yet. A hopeful look
takes ids that ought to be new as new.
"""

import sqlite3
from collections.abc import Callable
from typing import LiteralString

from aaf.adapters.sqlite import queries, rows
from aaf.adapters.sqlite.rows import Row
from aaf.domain.record import PermitRecord, Spent
from aaf.ports import InsertKey, InsertPrincipal, InsertReview, ReserveSpend


class StoredBefore:
    """`versions` and `tats` are what this transaction knows already; `flush` writes what it has gathered; `hopeful` is how it looks."""

    def __init__(self, connection: sqlite3.Connection, flush: Callable[[sqlite3.Connection], None]) -> None:
        self._connection = connection
        self._flush = flush
        self.hopeful = False
        self.versions: dict[tuple[str, str], int] = {}
        self.tats: dict[tuple[str, str, str], int] = {}

    def _one(self, query: LiteralString, *values: str | int | bytes) -> Row | None:
        row: Row | None = self._connection.execute(query, values).fetchone()
        return row

    def version(self, org: str, action: str) -> int | None:
        """The action's version."""
        version = self.versions.get((org, action))
        if version is None:
            row = self._one(queries.ACTION_VERSION, org, action)
            if row is not None:
                version = self.versions[org, action] = int(row[0])
        return version

    def action_taken(self, org: str, action: str) -> bool:
        """Whether this id of a new action is taken."""
        return not self.hopeful and self.version(org, action) is not None

    def data_key_taken(self, org: str, key_id: str) -> bool:
        """Whether this id of a new data key is taken."""
        return not self.hopeful and self._one(queries.DATA_KEY, org, key_id) is not None

    def reviewed(self, org: str, write: InsertReview) -> bool:
        """Whether the ordinal or the reviewer is there already in this round."""
        row = self._one(queries.REVIEWED, org, write.action, write.round, write.ordinal, write.review.reviewer)
        return row is not None

    def idempotency_taken(self, org: str, agent: str, key: str, now: int) -> bool:
        """Whether the key stands for something. Only an expired one needs its action, which may be among what was gathered."""
        row = self._one(queries.IDEMPOTENCY_ENDS, org, agent, key)
        if row is None or row[0] > now:
            return row is not None
        self._flush(self._connection)
        names = {"org": org, "agent": agent, "key": key, "now": now}
        return self._connection.execute(queries.IDEMPOTENCY, names).fetchone() is not None

    def tat(self, org: str, name: str, subject: str) -> int:
        """The limit's theoretical arrival time."""
        tat = self.tats.get((org, name, subject))
        if tat is None:
            row = self._one(queries.TAT, org, name, subject)
            tat = self.tats[org, name, subject] = int(row[0]) if row else 0
        return tat

    def spent(self, org: str, name: str, subject: str, since: int) -> int:
        """Micro-units that are reserved, and that were committed after `since`."""
        return self.spent_of(org, name, subject, since).total

    def spent_of(self, org: str, name: str, subject: str, since: int) -> Spent:
        """The same, apart. What this transaction wrote of it is in the database."""
        names = {"org": org, "name": name, "subject": subject, "since": since}
        row = self._connection.execute(queries.SPENT, names).fetchone()
        return Spent(*row) if row else Spent()

    def reserved(self, org: str, write: ReserveSpend) -> bool:
        """Whether the action has an entry there already."""
        return (
            not self.hopeful and self._one(queries.RESERVED, org, write.action, write.name, write.subject) is not None
        )

    def permit(self, jti: str) -> PermitRecord | None:
        """One permit."""
        row = self._one(queries.PERMIT, jti)
        return rows.permit(row) if row else None

    def permit_taken(self, jti: str) -> bool:
        """Whether this id of a new permit is taken."""
        return not self.hopeful and self.permit(jti) is not None

    def principal_taken(self, org: str, write: InsertPrincipal) -> bool:
        """Whether the id, or the name among its kind, is taken."""
        record = write.record
        return self._one(queries.PRINCIPAL_TAKEN, org, record.id, str(record.kind), record.name) is not None

    def key_taken(self, org: str, write: InsertKey) -> bool:
        """Whether the id or the HMAC is taken."""
        return self._one(queries.KEY_TAKEN, org, write.record.id, write.record.mac) is not None

    def principal_known(self, org: str, principal: str) -> bool:
        """Whether there is such a principal."""
        return self._one(queries.PRINCIPAL_KNOWN, org, principal) is not None

    def key_live(self, org: str, key_id: str) -> bool:
        """Whether the key is there and not revoked."""
        return self._one(queries.KEY_LIVE, org, key_id) is not None

    def release(self, org: str) -> int:
        """The number of the active release, 0 if there is none."""
        row = self._one(queries.RELEASE_NUMBER, org)
        return int(row[0]) if row else 0

    def draft(self, org: str, draft: str) -> int:
        """The draft's version, 0 if there is none."""
        row = self._one(queries.DRAFT_VERSION, org, draft)
        return int(row[0]) if row else 0

    def aggregate(self, org: str, name: str, source: str, minute: int) -> int | None:
        """The aggregate's count. Some of it may be among what was gathered."""
        self._flush(self._connection)
        row = self._one(queries.AGGREGATE, org, name, source, minute)
        return int(row[0]) if row else None

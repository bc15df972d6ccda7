"""Every statement of the SQLite store by name. What is compared by a reader of this file with `migrations/` is all there is.

Reads run on a connection that cannot write. Writes run inside the writer thread's `BEGIN IMMEDIATE`, after what they expect was read in the same
transaction: no statement here decides anything.
"""

from typing import LiteralString

# --- the transaction ---

BEGIN: LiteralString = "BEGIN IMMEDIATE"
"""Take the write lock at once: a transaction that first read and then wanted to write could not wait for another writer."""

SCHEMA: LiteralString = "PRAGMA user_version"
"""Asked in each transaction: a newer program may have migrated the file since this one opened it, and an older one doesn't know what to keep in step."""

COMMIT: LiteralString = "COMMIT"
ROLLBACK: LiteralString = "ROLLBACK"
SAVEPOINT: LiteralString = "SAVEPOINT item"
RELEASE_ITEM: LiteralString = "RELEASE item"
ROLLBACK_ITEM: LiteralString = "ROLLBACK TO item"
TRUNCATE_WAL: LiteralString = "PRAGMA wal_checkpoint(TRUNCATE)"

# --- the installation ---

INSTALLATION: LiteralString = "SELECT id, mark, behind, recovering FROM installation"
INSERT_INSTALLATION: LiteralString = "INSERT INTO installation (one, id, mark) VALUES (1, ?, ?)"
UPDATE_MARK: LiteralString = "UPDATE installation SET mark = ?, behind = ?"
UPDATE_RECOVERING: LiteralString = "UPDATE installation SET recovering = ?"
LEASE: LiteralString = "SELECT holder, ends_at FROM lease WHERE name = ?"
UPSERT_LEASE: LiteralString = """
INSERT INTO lease (name, holder, ends_at) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, ends_at = excluded.ends_at
"""

# --- the ledger ---

LEDGER: LiteralString = "SELECT size, chain, frontier, epoch FROM ledger WHERE org = ?"
UPSERT_LEDGER: LiteralString = """
INSERT INTO ledger (org, size, chain, frontier, epoch) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (org) DO UPDATE
SET size = excluded.size, chain = excluded.chain, frontier = excluded.frontier, epoch = excluded.epoch
"""
ORGANISATIONS: LiteralString = "SELECT org FROM ledger ORDER BY org"
DIRTY: LiteralString = """
SELECT org FROM ledger
WHERE size > coalesce((SELECT max(checkpoint.size) FROM checkpoint WHERE checkpoint.org = ledger.org), 0)
ORDER BY org
"""
INSERT_EVENT: LiteralString = "INSERT INTO event (org, seq, id, type, action, body, chain) VALUES (?, ?, ?, ?, ?, ?, ?)"
EVENT_SEQ: LiteralString = "SELECT seq FROM event WHERE org = ? AND id = ?"
EVENTS: LiteralString = """
SELECT seq, id, type, action, body, chain FROM event WHERE org = ? AND seq > ? ORDER BY seq LIMIT ?
"""
EVENTS_OF: LiteralString = """
SELECT seq, id, type, action, body, chain FROM event WHERE org = ? AND action = ? ORDER BY seq
"""
BODIES: LiteralString = "SELECT body FROM event WHERE org = ? AND seq > ? AND seq <= ? ORDER BY seq"

# --- the tree ---

TREE_NODE: LiteralString = "SELECT hash FROM tree_node WHERE org = ? AND level = ? AND place = ?"
LAST_TREE_NODE: LiteralString = "SELECT coalesce(max(place), -1) FROM tree_node WHERE org = ? AND level = ?"
INSERT_TREE_NODE: LiteralString = """
INSERT INTO tree_node (org, level, place, hash) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
INSERT_CHECKPOINT: LiteralString = "INSERT INTO checkpoint (org, size, root, note, at) VALUES (?, ?, ?, ?, ?)"
CHECKPOINT_AT: LiteralString = "SELECT 1 FROM checkpoint WHERE org = ? AND size = ?"
CHECKPOINT: LiteralString = """
SELECT org, size, root, note, at FROM checkpoint WHERE org = ? AND size >= ? ORDER BY size DESC LIMIT 1
"""
CHECKPOINTS: LiteralString = "SELECT org, size, root, note, at FROM checkpoint WHERE org = ? ORDER BY size"

# --- actions ---

INSERT_ACTION: LiteralString = """
INSERT INTO action (org, id, version, state, agent, type, match_key, created_at, deadline, rest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
UPDATE_ACTION: LiteralString = """
UPDATE action
SET version = ?3, state = ?4, agent = ?5, type = ?6, match_key = ?7, created_at = ?8, deadline = ?9, rest = ?10
WHERE org = ?1 AND id = ?2
"""
ACTION_VERSION: LiteralString = "SELECT version FROM action WHERE org = ? AND id = ?"
ACTION: LiteralString = """
SELECT org, id, version, state, agent, type, match_key, created_at, deadline, rest FROM action WHERE org = ? AND id = ?
"""
ACTIONS: LiteralString = """
SELECT org, id, version, state, agent, type, match_key, created_at, deadline, rest FROM action
WHERE org = :org AND (:state IS NULL OR state = :state) AND (:agent IS NULL OR agent = :agent)
AND (:before IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit
"""
OPEN_ACTIONS: LiteralString = """
SELECT org, id, version, state, agent, type, match_key, created_at, deadline, rest FROM action
WHERE state IN ('allowed', 'approved', 'executing', 'pending_approval', 'unknown')
AND org = :org AND state = :state AND (:agent IS NULL OR agent = :agent) AND (:before IS NULL OR id < :before)
ORDER BY id DESC LIMIT :limit
"""
"""The list of states is that of the index `action_open`, so that what waits is found among millions that are closed."""
COUNT_OPEN: LiteralString = """
SELECT count(*) FROM action
WHERE state IN ('allowed', 'approved', 'executing', 'pending_approval', 'unknown') AND org = ? AND state = ?
"""
COUNT: LiteralString = "SELECT count(*) FROM action WHERE org = ? AND state = ?"

DUE: LiteralString = "SELECT org, id FROM action WHERE deadline <= ? ORDER BY deadline, org, id LIMIT ?"

# --- what lies beside an action ---

UPSERT_SEALED: LiteralString = """
INSERT INTO sealed (org, owner, name, key_id, nonce, ciphertext) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (org, owner, name) DO UPDATE
SET key_id = excluded.key_id, nonce = excluded.nonce, ciphertext = excluded.ciphertext
"""
# An id doesn't say when the action was made, so the first page looks for the smallest id in the index of times; the next begin behind the last.
DECIDED: LiteralString = """
SELECT a.org, a.id, a.version, a.state, a.agent, a.type, a.match_key, a.created_at, a.deadline, a.rest,
       s.owner, s.name, s.key_id, s.nonce, s.ciphertext
FROM action AS a LEFT JOIN sealed AS s ON s.org = a.org AND s.owner = a.id AND s.name = 'input'
WHERE a.org = :org AND a.created_at >= :since AND a.id <> :after AND a.id >= CASE
    WHEN :after <> '' OR :since <= 0 THEN :after
    ELSE (SELECT min(first.id) FROM action AS first WHERE first.org = :org AND first.created_at >= :since)
END
ORDER BY a.id LIMIT :limit
"""
SEALED: LiteralString = (
    "SELECT owner, name, key_id, nonce, ciphertext FROM sealed WHERE org = ? AND owner = ? AND name = ?"
)
INSERT_DATA_KEY: LiteralString = "INSERT INTO data_key (org, id, subject, wrapped, kek_id) VALUES (?, ?, ?, ?, ?)"
DATA_KEY: LiteralString = "SELECT org, id, subject, wrapped, kek_id FROM data_key WHERE org = ? AND id = ?"
DATA_KEY_OF: LiteralString = """
SELECT org, id, subject, wrapped, kek_id FROM data_key WHERE org = ? AND subject = ? ORDER BY place DESC LIMIT 1
"""
INSERT_REVIEW: LiteralString = """
INSERT INTO review (org, action, round, ordinal, reviewer, credential, verdict, reason, at, digest, view_digest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
REVIEWED: LiteralString = """
SELECT 1 FROM review WHERE org = ? AND action = ? AND round = ? AND (ordinal = ? OR reviewer = ?)
"""
REVIEWS: LiteralString = """
SELECT reviewer, credential, verdict, reason, at, digest, view_digest FROM review
WHERE org = ? AND action = ? AND round = ? ORDER BY ordinal
"""
INSERT_OPENING: LiteralString = """
INSERT INTO opening (org, action, round, reviewer, place) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
"""
OPENINGS: LiteralString = "SELECT place FROM opening WHERE org = ? AND action = ? AND round = ? AND reviewer = ?"
UPSERT_IDEMPOTENCY: LiteralString = """
INSERT INTO idempotency (org, agent, key, body_hash, action, expires_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (org, agent, key) DO UPDATE
SET body_hash = excluded.body_hash, action = excluded.action, expires_at = excluded.expires_at
"""
"""Replaces only what was found expired and closed in the same transaction."""

IDEMPOTENCY_ENDS: LiteralString = "SELECT expires_at FROM idempotency WHERE org = ? AND agent = ? AND key = ?"
IDEMPOTENCY: LiteralString = """
SELECT agent, key, body_hash, action, expires_at FROM idempotency AS it
WHERE org = :org AND agent = :agent AND key = :key AND (expires_at > :now OR EXISTS (
    SELECT 1 FROM action WHERE action.org = it.org AND action.id = it.action
    AND state IN ('allowed', 'approved', 'executing', 'pending_approval', 'unknown')
))
"""
TAT: LiteralString = "SELECT tat FROM rate_limit WHERE org = ? AND name = ? AND subject = ?"
UPSERT_TAT: LiteralString = """
INSERT INTO rate_limit (org, name, subject, tat) VALUES (?, ?, ?, ?)
ON CONFLICT (org, name, subject) DO UPDATE SET tat = excluded.tat
"""
TATS: LiteralString = """
SELECT subject, tat FROM rate_limit WHERE org = ? AND name = ? AND tat > ? ORDER BY tat DESC, subject LIMIT ?
"""

# --- spending ---

SPENT: LiteralString = """
SELECT reserved, committed
     - (SELECT coalesce(sum(amount), 0) FROM spend AS s
        WHERE s.org = t.org AND s.name = t.name AND s.subject = t.subject
        AND s.committed_at > t.horizon AND s.committed_at <= :since)
     + (SELECT coalesce(sum(amount), 0) FROM spend AS s
        WHERE s.org = t.org AND s.name = t.name AND s.subject = t.subject
        AND s.committed_at > :since AND s.committed_at <= t.horizon)
FROM spend_total AS t WHERE org = :org AND name = :name AND subject = :subject
"""
"""One of the two sums is empty, and the other is of what left the window since the last reservation."""

SPENDERS: LiteralString = "SELECT subject FROM spend_total WHERE org = ? AND name = ?"
UPSERT_TOTAL: LiteralString = """
INSERT INTO spend_total (org, name, subject, reserved, committed, horizon) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (org, name, subject) DO UPDATE
SET reserved = excluded.reserved, committed = excluded.committed, horizon = excluded.horizon
"""
COMMITMENTS: LiteralString = """
SELECT committed_at, amount FROM spend WHERE org = ? AND name = ? AND subject = ? AND committed_at > ?
ORDER BY committed_at, amount LIMIT ?
"""
RESERVED: LiteralString = "SELECT 1 FROM spend WHERE org = ? AND action = ? AND name = ? AND subject = ?"
INSERT_SPEND: LiteralString = "INSERT INTO spend (org, action, name, subject, amount) VALUES (?, ?, ?, ?, ?)"
COMMIT_TOTALS: LiteralString = """
UPDATE spend_total AS t SET reserved = t.reserved - s.amount, committed = t.committed + s.amount
FROM spend AS s
WHERE s.org = ? AND s.action = ? AND s.committed_at IS NULL
AND t.org = s.org AND t.name = s.name AND t.subject = s.subject
"""
COMMIT_SPEND: LiteralString = "UPDATE spend SET committed_at = ? WHERE org = ? AND action = ? AND committed_at IS NULL"
RELEASE_TOTALS: LiteralString = """
UPDATE spend_total AS t
SET reserved = t.reserved - CASE WHEN s.committed_at IS NULL THEN s.amount ELSE 0 END,
    committed = t.committed - CASE WHEN s.committed_at > t.horizon THEN s.amount ELSE 0 END
FROM spend AS s
WHERE s.org = ? AND s.action = ? AND t.org = s.org AND t.name = s.name AND t.subject = s.subject
"""
RELEASE_SPEND: LiteralString = "DELETE FROM spend WHERE org = ? AND action = ?"
CLEAR_SPEND: LiteralString = """
DELETE FROM spend WHERE (org, action, name, subject) IN (
    SELECT org, action, name, subject FROM spend
    WHERE org = ? AND name = ? AND subject = ? AND committed_at < ? ORDER BY committed_at LIMIT 16
)
"""
"""Of one subject, and a few at a time: each row that comes makes room for as many that are over."""

# --- permits ---

VOID_PERMITS: LiteralString = "UPDATE permit SET state = 'void' WHERE org = ? AND action = ? AND state = 'issued'"
INSERT_PERMIT: LiteralString = """
INSERT INTO permit (org, jti, action, agent, digest, audience, issued_at, expires_at, action_version, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
CONSUME_PERMIT: LiteralString = "UPDATE permit SET state = 'consumed' WHERE jti = ?"
PERMIT: LiteralString = """
SELECT org, jti, action, agent, digest, audience, issued_at, expires_at, action_version, state FROM permit WHERE jti = ?
"""

# --- principals, keys, configuration ---

INSERT_PRINCIPAL: LiteralString = (
    "INSERT INTO principal (org, id, kind, name, roles, created_at) VALUES (?, ?, ?, ?, ?, ?)"
)
PRINCIPAL_TAKEN: LiteralString = "SELECT 1 FROM principal WHERE org = ? AND (id = ? OR (kind = ? AND name = ?))"
PRINCIPAL_KNOWN: LiteralString = "SELECT 1 FROM principal WHERE org = ? AND id = ?"
PRINCIPALS: LiteralString = (
    "SELECT org, id, kind, name, roles, created_at FROM principal WHERE org = ? ORDER BY created_at, id"
)
INSERT_KEY: LiteralString = """
INSERT INTO api_key (org, id, principal, name, mac, hint, action_types, created_at, expires_at, revoked_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
KEY_TAKEN: LiteralString = "SELECT 1 FROM api_key WHERE (org = ? AND id = ?) OR mac = ?"
KEY_LIVE: LiteralString = "SELECT 1 FROM api_key WHERE org = ? AND id = ? AND revoked_at IS NULL"
REVOKE_KEY: LiteralString = "UPDATE api_key SET revoked_at = ? WHERE org = ? AND id = ?"
KEYS: LiteralString = """
SELECT org, id, principal, name, mac, hint, action_types, created_at, expires_at, revoked_at FROM api_key
WHERE org = ? ORDER BY created_at, id
"""
KEY_BY_MAC: LiteralString = """
SELECT k.org, k.id, k.principal, k.name, k.mac, k.hint, k.action_types, k.created_at, k.expires_at, k.revoked_at,
       p.org, p.id, p.kind, p.name, p.roles, p.created_at
FROM api_key AS k JOIN principal AS p ON p.org = k.org AND p.id = k.principal
WHERE k.mac = ?
"""
INSERT_RELEASE: LiteralString = """
INSERT INTO configuration (org, number, document, source, author, message, activated_at, files, managed_by)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
RELEASE_NUMBER: LiteralString = "SELECT coalesce(max(number), 0) FROM configuration WHERE org = ?"
RELEASES: LiteralString = """
SELECT org, number, document, source, author, message, activated_at, files, managed_by FROM configuration
WHERE org = :org AND (:number IS NULL OR number = :number) AND (:before IS NULL OR number < :before)
ORDER BY number DESC LIMIT :limit
"""
UPSERT_DRAFT: LiteralString = """
INSERT INTO draft (org, id, version, base, files, message, author, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (org, id) DO UPDATE
SET version = excluded.version, base = excluded.base, files = excluded.files, message = excluded.message,
    author = excluded.author, updated_at = excluded.updated_at
"""
DELETE_DRAFT: LiteralString = "DELETE FROM draft WHERE org = ? AND id = ?"
DRAFT_VERSION: LiteralString = "SELECT version FROM draft WHERE org = ? AND id = ?"
DRAFT: LiteralString = """
SELECT org, id, version, base, files, message, author, updated_at FROM draft WHERE org = ? AND id = ?
"""
DRAFTS: LiteralString = """
SELECT org, id, version, base, x'7b7d', message, author, updated_at FROM draft WHERE org = ? ORDER BY id
"""

UPSERT_WATCH: LiteralString = """
INSERT INTO watch (org, process, pid, folder, source, release, at, problems) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (org) DO UPDATE
SET process = excluded.process, pid = excluded.pid, folder = excluded.folder, source = excluded.source,
    release = excluded.release, at = excluded.at, problems = excluded.problems
"""
WATCH: LiteralString = "SELECT org, process, pid, folder, source, release, at, problems FROM watch WHERE org = ?"

# --- aggregates ---

ADD_AGGREGATE: LiteralString = """
INSERT INTO aggregate (org, name, source, minute, count) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (org, name, source, minute) DO UPDATE SET count = count + excluded.count
"""
AGGREGATE: LiteralString = "SELECT count FROM aggregate WHERE org = ? AND name = ? AND source = ? AND minute = ?"
TAKE_AGGREGATE: LiteralString = "DELETE FROM aggregate WHERE org = ? AND name = ? AND source = ? AND minute = ?"
AGGREGATES: LiteralString = """
SELECT org, name, source, minute, count FROM aggregate WHERE minute < ? ORDER BY minute, org, name, source
"""

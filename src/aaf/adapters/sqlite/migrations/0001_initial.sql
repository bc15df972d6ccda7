-- Everything of one installation. Every table of an organisation's data begins its key with org. Times are microseconds since 1970.
-- What is secret lies in sealed only; names, codes, digests and counts are in the clear.

-- One row: who this installation is, the highest instant written, whether the wall clock was last seen far behind it, and why
-- everything is refused, if it is.
CREATE TABLE installation (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    id         TEXT    NOT NULL,
    mark       INTEGER NOT NULL,
    behind     INTEGER NOT NULL DEFAULT 0,
    recovering TEXT
) STRICT;

-- The end of each ledger, and the epoch of what may be cached of its organisation.
CREATE TABLE ledger (
    org      TEXT    NOT NULL PRIMARY KEY,
    size     INTEGER NOT NULL,
    chain    BLOB    NOT NULL,
    frontier BLOB    NOT NULL,
    epoch    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The ledger itself. A body is kept byte for byte; its leaf is computed from it.
CREATE TABLE event (
    org    TEXT    NOT NULL,
    seq    INTEGER NOT NULL,
    id     TEXT    NOT NULL,
    type   TEXT    NOT NULL,
    action TEXT,
    body   BLOB    NOT NULL CHECK (length(body) <= 65536),
    chain  BLOB    NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (org, seq),
    UNIQUE (org, id)
) STRICT;
CREATE INDEX event_of_action ON event (org, action, seq) WHERE action IS NOT NULL;

-- Roots of complete subtrees of 256 leaves (level 1), 65,536 leaves (level 2) and so on, once a checkpoint covers them.
CREATE TABLE tree_node (
    org   TEXT    NOT NULL,
    level INTEGER NOT NULL,
    place INTEGER NOT NULL,
    hash  BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (org, level, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (
    org  TEXT    NOT NULL,
    size INTEGER NOT NULL,
    root BLOB    NOT NULL CHECK (length(root) = 32),
    note TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    PRIMARY KEY (org, size)
) STRICT;

-- rest is JSON: what no query asks for.
CREATE TABLE action (
    org        TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    agent      TEXT    NOT NULL,
    type       TEXT    NOT NULL,
    match_key  TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    deadline   INTEGER,
    rest       TEXT    NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;
CREATE INDEX action_open ON action (org, state, id)
    WHERE state IN ('allowed', 'approved', 'executing', 'pending_approval', 'unknown');
CREATE INDEX action_due ON action (deadline) WHERE deadline IS NOT NULL;

CREATE TABLE sealed (
    org        TEXT NOT NULL,
    owner      TEXT NOT NULL,
    name       TEXT NOT NULL,
    key_id     TEXT NOT NULL,
    nonce      BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    PRIMARY KEY (org, owner, name)
) STRICT;

-- place counts up: the newest key of a subject is the one to seal under.
CREATE TABLE data_key (
    place   INTEGER PRIMARY KEY,
    org     TEXT NOT NULL,
    id      TEXT NOT NULL,
    subject TEXT NOT NULL,
    wrapped BLOB NOT NULL,
    kek_id  TEXT NOT NULL,
    UNIQUE (org, id)
) STRICT;
CREATE INDEX data_key_of_subject ON data_key (org, subject, place);

CREATE TABLE review (
    org         TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    round       INTEGER NOT NULL,
    ordinal     INTEGER NOT NULL,
    reviewer    TEXT    NOT NULL,
    credential  TEXT    NOT NULL,
    verdict     TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    digest      TEXT    NOT NULL,
    view_digest TEXT    NOT NULL,
    PRIMARY KEY (org, action, round, ordinal),
    UNIQUE (org, action, round, reviewer),
    FOREIGN KEY (org, action) REFERENCES action (org, id)
) STRICT;

CREATE TABLE opening (
    org      TEXT    NOT NULL,
    action   TEXT    NOT NULL,
    round    INTEGER NOT NULL,
    reviewer TEXT    NOT NULL,
    place    INTEGER NOT NULL,
    PRIMARY KEY (org, action, round, reviewer, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    org        TEXT    NOT NULL,
    agent      TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    body_hash  TEXT    NOT NULL,
    action     TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (org, agent, key)
) STRICT, WITHOUT ROWID;

-- tat is the theoretical arrival time of the generic cell rate algorithm.
CREATE TABLE rate_limit (
    org     TEXT    NOT NULL,
    name    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    tat     INTEGER NOT NULL,
    PRIMARY KEY (org, name, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE permit (
    jti            TEXT    NOT NULL PRIMARY KEY,
    org            TEXT    NOT NULL,
    action         TEXT    NOT NULL,
    agent          TEXT    NOT NULL,
    digest         TEXT    NOT NULL,
    audience       TEXT    NOT NULL,
    issued_at      INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    action_version INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('consumed', 'issued', 'void'))
) STRICT, WITHOUT ROWID;
-- The database itself holds that an action has at most one live permit.
CREATE UNIQUE INDEX permit_live ON permit (org, action) WHERE state = 'issued';

CREATE TABLE principal (
    org        TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    roles      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (org, id),
    UNIQUE (org, kind, name)
) STRICT;

CREATE TABLE api_key (
    org          TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    principal    TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    mac          BLOB    NOT NULL UNIQUE,
    hint         TEXT    NOT NULL,
    action_types TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    PRIMARY KEY (org, id),
    FOREIGN KEY (org, principal) REFERENCES principal (org, id)
) STRICT;

CREATE TABLE configuration (
    org          TEXT    NOT NULL,
    number       INTEGER NOT NULL,
    document     BLOB    NOT NULL,
    source       TEXT    NOT NULL,
    author       TEXT    NOT NULL,
    message      TEXT    NOT NULL,
    activated_at INTEGER NOT NULL,
    PRIMARY KEY (org, number)
) STRICT;

CREATE TABLE aggregate (
    org    TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    source TEXT    NOT NULL,
    minute INTEGER NOT NULL,
    count  INTEGER NOT NULL,
    PRIMARY KEY (org, name, source, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
    name    TEXT    NOT NULL PRIMARY KEY,
    holder  TEXT    NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is reserved for actions and was committed by them, in micro-units of a currency, one row for each action and spend limit.
-- committed_at is null while it is only reserved. Rows that no window reaches any more are cleared as new ones come.
CREATE TABLE spend (
    org          TEXT    NOT NULL,
    action       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    amount       INTEGER NOT NULL CHECK (amount >= 0),
    committed_at INTEGER,
    PRIMARY KEY (org, action, name, subject)
) STRICT, WITHOUT ROWID;
-- It holds all that a sum needs.
CREATE INDEX spend_of_subject ON spend (org, name, subject, committed_at, amount);

-- Running sums, so that no append adds up a whole window: reserved is the sum of what is only reserved, committed that of what was committed
-- after horizon, always. What lies between horizon and another instant is added or taken off exactly.
CREATE TABLE spend_total (
    org       TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    reserved  INTEGER NOT NULL CHECK (reserved >= 0),
    committed INTEGER NOT NULL CHECK (committed >= 0),
    horizon   INTEGER NOT NULL,
    PRIMARY KEY (org, name, subject)
) STRICT, WITHOUT ROWID;

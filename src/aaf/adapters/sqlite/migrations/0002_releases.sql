-- A release keeps the files that it was compiled from, so that it can be shown, compared and gone back to; who may write the next one is its own word.
-- Drafts are files that nobody is judged by.

ALTER TABLE configuration ADD COLUMN files BLOB NOT NULL DEFAULT x'7b7d';
ALTER TABLE configuration ADD COLUMN managed_by TEXT NOT NULL DEFAULT 'file';

CREATE TABLE draft (
    org        TEXT    NOT NULL,
    id         TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    base       INTEGER NOT NULL,
    files      BLOB    NOT NULL,
    message    TEXT    NOT NULL,
    author     TEXT    NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (org, id)
) STRICT;

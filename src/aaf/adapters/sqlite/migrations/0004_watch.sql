-- What was last found in the folder of an organisation's configuration, and why it isn't active, for every process to tell.

CREATE TABLE watch (
    org      TEXT    NOT NULL PRIMARY KEY,
    process  TEXT    NOT NULL,
    pid      INTEGER NOT NULL,
    folder   TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    release  INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    problems TEXT    NOT NULL
) STRICT;

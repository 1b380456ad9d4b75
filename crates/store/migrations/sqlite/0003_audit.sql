-- The audit log: entries in order, personal texts apart from them, and the Merkle tree over them.
-- (PostgreSQL also has audit_pending: there, entries are put in order after their transaction.)

CREATE TABLE audit (
    idx     INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT,
    hash    BLOB NOT NULL,
    leaf    TEXT
) STRICT;

CREATE INDEX audit_by_subject ON audit (subject, idx) WHERE subject IS NOT NULL;
CREATE INDEX audit_by_time ON audit (at_ms) WHERE leaf IS NOT NULL;

CREATE TABLE audit_texts (
    idx     INTEGER NOT NULL,
    place   INTEGER NOT NULL,
    field   TEXT NOT NULL,
    salt    BLOB NOT NULL,
    value   TEXT NOT NULL,
    subject TEXT,
    PRIMARY KEY (idx, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_texts_by_value ON audit_texts (value);
CREATE INDEX audit_texts_by_subject ON audit_texts (subject) WHERE subject IS NOT NULL;

CREATE TABLE audit_head (
    one      INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    size     INTEGER NOT NULL,
    frontier BLOB NOT NULL
) STRICT;

INSERT INTO audit_head (one, size, frontier) VALUES (1, 0, x'');

CREATE TABLE audit_tiles (
    level INTEGER NOT NULL,
    idx   INTEGER NOT NULL,
    hash  BLOB NOT NULL,
    PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_checkpoints (
    size INTEGER NOT NULL PRIMARY KEY,
    note TEXT NOT NULL
) STRICT;

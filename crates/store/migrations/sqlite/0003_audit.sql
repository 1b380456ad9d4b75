-- The audit log: entries by index, personal texts apart, and the Merkle tree over them.

CREATE TABLE audit (
    idx     INTEGER PRIMARY KEY,
    at_ms   INTEGER NOT NULL,
    action  TEXT NOT NULL,
    subject TEXT,
    hash    BLOB NOT NULL,
    leaf    TEXT
);
CREATE INDEX audit_by_subject ON audit (subject, idx) WHERE subject IS NOT NULL;

CREATE TABLE audit_texts (
    idx     INTEGER NOT NULL,
    field   TEXT NOT NULL,
    salt    BLOB NOT NULL,
    value   TEXT NOT NULL,
    subject TEXT,
    PRIMARY KEY (idx, field)
);

-- One row: the size of the log, and the roots of the whole subtrees it consists of.
CREATE TABLE audit_head (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    size     INTEGER NOT NULL,
    frontier BLOB NOT NULL
);
INSERT INTO audit_head VALUES (1, 0, x'');

-- The roots of whole subtrees of 256^level entries.
CREATE TABLE audit_tiles (
    level INTEGER NOT NULL,
    idx   INTEGER NOT NULL,
    hash  BLOB NOT NULL,
    PRIMARY KEY (level, idx)
);

CREATE TABLE audit_checkpoints (
    size INTEGER PRIMARY KEY,
    note TEXT NOT NULL
);

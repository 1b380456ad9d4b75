-- The audit log: entries in order, personal texts apart from them, and the Merkle tree over them.

-- Entries are committed here with what they tell of, in any order; then they get their index.
CREATE TABLE audit_pending (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body    text NOT NULL,
    at_ms   bigint NOT NULL,
    action  text NOT NULL,
    subject text,
    texts   text NOT NULL
);

CREATE TABLE audit (
    idx     bigint NOT NULL PRIMARY KEY,
    at_ms   bigint NOT NULL,
    action  text NOT NULL,
    subject text,
    hash    bytea NOT NULL,
    leaf    text
);

CREATE INDEX audit_by_subject ON audit (subject, idx) WHERE subject IS NOT NULL;
CREATE INDEX audit_by_time ON audit (at_ms) WHERE leaf IS NOT NULL;

CREATE TABLE audit_texts (
    idx     bigint NOT NULL,
    place   bigint NOT NULL,
    field   text NOT NULL,
    salt    bytea NOT NULL,
    value   text NOT NULL,
    subject text,
    PRIMARY KEY (idx, place)
);

-- A hash: texts may be longer than what a tree takes.
CREATE INDEX audit_texts_by_value ON audit_texts USING hash (value);
CREATE INDEX audit_texts_by_subject ON audit_texts USING hash (subject) WHERE subject IS NOT NULL;

CREATE TABLE audit_head (
    one      bigint NOT NULL PRIMARY KEY CHECK (one = 1),
    size     bigint NOT NULL,
    frontier bytea NOT NULL
);

INSERT INTO audit_head (one, size, frontier) VALUES (1, 0, '');

CREATE TABLE audit_tiles (
    level bigint NOT NULL,
    idx   bigint NOT NULL,
    hash  bytea NOT NULL,
    PRIMARY KEY (level, idx)
);

CREATE TABLE audit_checkpoints (
    size bigint NOT NULL PRIMARY KEY,
    note text NOT NULL
);

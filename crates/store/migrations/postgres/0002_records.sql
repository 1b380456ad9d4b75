-- What is known, who leads what, and how far things have come.

CREATE TABLE records (
    kind       text NOT NULL,
    id         text NOT NULL,
    version    bigint NOT NULL,
    updated_ms bigint NOT NULL,
    body       text NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE INDEX records_by_time ON records (kind, updated_ms, id);

CREATE TABLE leases (
    name     text NOT NULL PRIMARY KEY,
    holder   text NOT NULL,
    fence    bigint NOT NULL,
    until_ms bigint NOT NULL
);

CREATE TABLE checkpoints (
    name       text NOT NULL PRIMARY KEY,
    value      text NOT NULL,
    updated_ms bigint NOT NULL
);

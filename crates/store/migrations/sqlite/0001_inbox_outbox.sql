-- What came in, what is owed for it, and who works on it.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE inbox (
    source      TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    body        TEXT NOT NULL,
    answer      TEXT NOT NULL,
    PRIMARY KEY (source, event_id)
) STRICT;

CREATE INDEX inbox_by_time ON inbox (received_ms);

-- state: 0 ready, 1 behind, 2 held, 3 done, 4 dead
CREATE TABLE outbox (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    effect         BLOB NOT NULL UNIQUE,
    source         TEXT NOT NULL,
    event_id       TEXT NOT NULL,
    step           TEXT NOT NULL,
    queue          TEXT NOT NULL,
    subject        TEXT,
    body           TEXT NOT NULL,
    state          INTEGER NOT NULL,
    failures       INTEGER NOT NULL DEFAULT 0,
    created_ms     INTEGER NOT NULL,
    due_ms         INTEGER NOT NULL,
    holder         TEXT,
    lease_until_ms INTEGER,
    fence          INTEGER NOT NULL DEFAULT 0,
    error          TEXT,
    result         TEXT,
    finished_ms    INTEGER
) STRICT;

CREATE INDEX outbox_ready ON outbox (queue, due_ms, id) WHERE state = 0;
CREATE INDEX outbox_held ON outbox (holder) WHERE state = 2;
CREATE INDEX outbox_done ON outbox (finished_ms) WHERE state = 3;
CREATE INDEX outbox_dead ON outbox (queue, id) WHERE state = 4;
CREATE INDEX outbox_order ON outbox (queue, subject, id) WHERE subject IS NOT NULL AND state < 3;
CREATE INDEX outbox_by_event ON outbox (source, event_id);

CREATE TABLE workers (
    id             TEXT NOT NULL PRIMARY KEY,
    alive_until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Events that were accepted, effects that are owed, and who carries them out.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);

CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    source      TEXT NOT NULL,
    event_id    TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    body        TEXT NOT NULL,
    answer      TEXT NOT NULL,
    UNIQUE (source, event_id)
);

-- state: 0 ready, 1 behind another of its subject, 2 held by a worker, 3 done, 4 dead
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
);
CREATE INDEX outbox_due ON outbox (queue, due_ms, id) WHERE state = 0;
CREATE INDEX outbox_line ON outbox (queue, subject, id) WHERE state < 3 AND subject IS NOT NULL;
CREATE INDEX outbox_held ON outbox (holder) WHERE state = 2;
CREATE INDEX outbox_done ON outbox (finished_ms) WHERE state = 3;
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 4;

CREATE TABLE workers (
    id             TEXT PRIMARY KEY,
    alive_until_ms INTEGER NOT NULL
);

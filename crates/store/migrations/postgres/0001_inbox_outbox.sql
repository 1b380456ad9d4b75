-- What came in, what is owed for it, and who works on it.

CREATE TABLE meta (
    name  text NOT NULL PRIMARY KEY,
    value bigint NOT NULL
);

CREATE TABLE inbox (
    source      text NOT NULL,
    event_id    text NOT NULL,
    received_ms bigint NOT NULL,
    body        text NOT NULL,
    answer      text NOT NULL,
    PRIMARY KEY (source, event_id)
);

CREATE INDEX inbox_by_time ON inbox (received_ms);

-- state: 0 ready, 1 behind, 2 held, 3 done, 4 dead
CREATE TABLE outbox (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    effect         bytea NOT NULL UNIQUE,
    source         text NOT NULL,
    event_id       text NOT NULL,
    step           text NOT NULL,
    queue          text NOT NULL,
    subject        text,
    body           text NOT NULL,
    state          bigint NOT NULL,
    failures       bigint NOT NULL DEFAULT 0,
    created_ms     bigint NOT NULL,
    due_ms         bigint NOT NULL,
    holder         text,
    lease_until_ms bigint,
    fence          bigint NOT NULL DEFAULT 0,
    error          text,
    result         text,
    finished_ms    bigint
);

CREATE INDEX outbox_ready ON outbox (queue, due_ms, id) WHERE state = 0;
CREATE INDEX outbox_held ON outbox (holder) WHERE state = 2;
CREATE INDEX outbox_done ON outbox (finished_ms) WHERE state = 3;
CREATE INDEX outbox_dead ON outbox (queue, id) WHERE state = 4;
CREATE INDEX outbox_order ON outbox (queue, subject, state, id) WHERE subject IS NOT NULL AND state < 3;
CREATE INDEX outbox_by_event ON outbox (source, event_id);

CREATE TABLE workers (
    id             text NOT NULL PRIMARY KEY,
    alive_until_ms bigint NOT NULL
);

-- The number of the last batch that each lane committed: how a process finds out what became of a COMMIT whose answer was
-- lost. One row is written with every batch, so it has room to stay on its page.
CREATE TABLE lanes (
    id      text NOT NULL PRIMARY KEY,
    batch   bigint NOT NULL,
    used_ms bigint NOT NULL
) WITH (fillfactor = 10);

-- Under which terms records are found.

CREATE TABLE terms (
    kind  TEXT NOT NULL,
    term  TEXT NOT NULL,
    place INTEGER NOT NULL,
    id    TEXT NOT NULL,
    PRIMARY KEY (kind, term, place, id),
    FOREIGN KEY (kind, id) REFERENCES records (kind, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX terms_by_record ON terms (kind, id);

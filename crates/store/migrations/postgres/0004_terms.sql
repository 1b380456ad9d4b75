-- Under which terms records are found.

CREATE TABLE terms (
    kind  text NOT NULL,
    term  text NOT NULL,
    place bigint NOT NULL,
    id    text NOT NULL,
    PRIMARY KEY (kind, term, place, id),
    FOREIGN KEY (kind, id) REFERENCES records (kind, id) ON DELETE CASCADE
);

CREATE INDEX terms_by_record ON terms (kind, id);

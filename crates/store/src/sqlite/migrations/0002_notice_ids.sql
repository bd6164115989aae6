-- A notice gets an id made of its time and its bytes, so that the same notice written twice is one, on both engines.
CREATE TABLE notices_with_ids (
    id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    connector TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

INSERT INTO notices_with_ids (id, connector, received_at, raw)
SELECT randomblob(16), connector, received_at, raw FROM provider_notices;

DROP TABLE provider_notices;

ALTER TABLE notices_with_ids RENAME TO provider_notices;

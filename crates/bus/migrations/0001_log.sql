-- The embedded log. Offsets are dense per partition when written; compaction and retention leave gaps.

CREATE TABLE IF NOT EXISTS topic (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    partitions INTEGER NOT NULL,
    cleanup    TEXT    NOT NULL CHECK (cleanup IN ('compact', 'retain')),
    retention  INTEGER NOT NULL             -- µs: how long a superseded record stays, or any
);

-- The offset the next record of a partition gets; it outlives the records.
CREATE TABLE IF NOT EXISTS partition_end (
    topic INTEGER NOT NULL,
    part  INTEGER NOT NULL,
    next  INTEGER NOT NULL,
    PRIMARY KEY (topic, part)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS log (
    topic   INTEGER NOT NULL,
    part    INTEGER NOT NULL,
    off     INTEGER NOT NULL,
    time    INTEGER NOT NULL,               -- µs since 1970, by the publisher
    key     BLOB    NOT NULL,
    value   BLOB,                           -- null is a tombstone
    headers BLOB    NOT NULL,
    PRIMARY KEY (topic, part, off)
);

-- Finds what a newer record of the same key has superseded.
CREATE INDEX IF NOT EXISTS log_by_key ON log (topic, part, key, off);

CREATE TABLE IF NOT EXISTS group_offset (
    grp      TEXT    NOT NULL,
    topic    INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    next     INTEGER NOT NULL,
    metadata TEXT    NOT NULL,
    PRIMARY KEY (grp, topic, part)
) WITHOUT ROWID;

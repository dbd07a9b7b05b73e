-- The tables of every store. Times are microseconds since 1970, ids are text.

-- The store's id, created with the store: one row.
CREATE TABLE store_identity (
    id      TEXT    NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL
) STRICT;

-- The next offset of each partition whose effect is stored here.
CREATE TABLE offset_ (
    topic TEXT    NOT NULL,
    part  INTEGER NOT NULL,
    next  INTEGER NOT NULL,
    PRIMARY KEY (topic, part)
) STRICT, WITHOUT ROWID;

-- The owner and expiry of each lease.
CREATE TABLE lease (
    name  TEXT    NOT NULL PRIMARY KEY,
    owner TEXT    NOT NULL,
    epoch INTEGER NOT NULL,
    until INTEGER NOT NULL,
    UNIQUE (name, epoch)
) STRICT, WITHOUT ROWID;

-- Log records not published yet, in order.
CREATE TABLE outbox (
    seq     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    topic   TEXT    NOT NULL,
    key     BLOB    NOT NULL,
    headers BLOB    NOT NULL,
    value   BLOB
) STRICT;

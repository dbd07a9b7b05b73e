-- The tables of every store. Times are microseconds since 1970, ids are text.

-- The store's id, created with the store: one row.
CREATE TABLE store_identity (
    id      TEXT   NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL
);

-- The next offset of each partition whose effect is stored here.
CREATE TABLE offset_ (
    topic TEXT   NOT NULL,
    part  BIGINT NOT NULL,
    next  BIGINT NOT NULL,
    PRIMARY KEY (topic, part)
);

-- The owner and expiry of each lease. The second key makes a change of epoch wait for every transaction that requires the old epoch (`FOR
-- KEY SHARE`); a renewal does not wait.
CREATE TABLE lease (
    name  TEXT   NOT NULL PRIMARY KEY,
    owner TEXT   NOT NULL,
    epoch BIGINT NOT NULL,
    until BIGINT NOT NULL,
    UNIQUE (name, epoch)
);

-- Log records not published yet, in order.
CREATE TABLE outbox (
    seq     BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic   TEXT   NOT NULL,
    key     BYTEA  NOT NULL,
    headers BYTEA  NOT NULL,
    value   BYTEA
);

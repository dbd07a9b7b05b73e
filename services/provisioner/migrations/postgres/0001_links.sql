-- Links and the work on them. Columns hold only what a WHERE needs; `state` is the record of the topic `links`.

CREATE TABLE link (
    target            TEXT    NOT NULL,
    source            TEXT    NOT NULL,
    user_id           TEXT    NOT NULL,
    state             BYTEA    NOT NULL,
    -- The object's id, proven to be ours or not.
    target_id         TEXT,
    anchor            TEXT,
    -- Whether the object is in the directory: what deletions are a share of.
    live              BIGINT NOT NULL,
    link_version      BIGINT NOT NULL,
    -- The trace of the newest decision.
    traceparent       TEXT,
    -- What the user was counted for, when, and for which decision: once a window, however many attempts.
    counted           TEXT,
    -- How often the row was stored: a process that read an older version stores nothing.
    row_version           BIGINT NOT NULL,
    PRIMARY KEY (target, source, user_id),
    UNIQUE (target, target_id),
    UNIQUE (target, anchor)
) WITH (fillfactor = 70);

-- Links whose newest version is not on the bus. Narrow, and apart from the links, so that a publication touches no wide row.
CREATE TABLE unpublished (
    target  TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    version BIGINT  NOT NULL, -- of the link
    -- How often a former owner published late: what was read before that is to be published once more.
    late    BIGINT  NOT NULL,
    PRIMARY KEY (target, source, user_id)
);
-- In the order of their publication.
CREATE INDEX unpublished_version ON unpublished (target, version);

-- Links that are not as desired, and the calls for them. Narrow, so that to store an intent touches no wide row.
CREATE TABLE work (
    target  TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    class   BIGINT NOT NULL,
    -- Null where only a change or an operator helps.
    due     BIGINT,
    -- What holds it back: null, or the kind and code of the link's condition.
    condition TEXT,
    code    TEXT,
    -- The link, as source/user, whose object keeps this one from its address.
    blocked_by TEXT,
    -- The intent of a call that may be under way: until then no other process may call for the link. Null without one.
    called_until BIGINT,
    PRIMARY KEY (target, source, user_id)
) WITH (fillfactor = 70);
CREATE INDEX work_due ON work (target, class, due);
CREATE INDEX work_condition ON work (target, condition) WHERE condition IS NOT NULL;
CREATE INDEX work_blocked ON work (target, blocked_by) WHERE blocked_by IS NOT NULL;

-- The newest decision about each user, with a link or without: one that wants the same as before moves nothing but its version here, and a
-- late older one changes nothing. The key's hash keeps it small: most users of a source are in no scope.
CREATE TABLE decided (
    key_hash BYTEA NOT NULL PRIMARY KEY,
    delta    BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    facts    BIGINT NOT NULL,
    rules    BIGINT NOT NULL,
    digest   BYTEA NOT NULL -- of what is wanted; empty where it is not known, so that the next decision counts as another
) WITH (fillfactor = 80);

-- How many users of a source were counted, by minute: what limits count.
CREATE TABLE window_ (
    target TEXT    NOT NULL,
    source TEXT    NOT NULL,
    counter TEXT   NOT NULL,
    minute BIGINT NOT NULL,
    count  BIGINT NOT NULL,
    PRIMARY KEY (target, source, counter, minute)
);

-- The read model: what the other roles said last, reduced to what questions are asked about. All of it folds anew from the topics.

-- The newest change of each user of a source.
CREATE TABLE view_user (
    source  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    version BIGINT  NOT NULL,
    PRIMARY KEY (source, user_id)
);

-- The newest decision for each user and target; `version` is the four parts, big endian, so that bytes compare as versions do.
CREATE TABLE view_decision (
    target  TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    delta   BIGINT  NOT NULL,
    version BYTEA   NOT NULL,
    desired TEXT    NOT NULL,                -- wanted, disabled, not_wanted or skipped
    reason  TEXT    NOT NULL,                -- why the user is not wanted, or nothing is decided; empty where they are wanted
    due     BIGINT  NOT NULL,                -- when a loss of scope is acted on; 0 where nothing waits for that
    PRIMARY KEY (target, source, user_id)
);

-- Up to which revision a partition of a source's users has been decided again.
CREATE TABLE view_marker (
    target   TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    part     BIGINT  NOT NULL,
    revision BIGINT  NOT NULL,
    PRIMARY KEY (target, source, part)
);

-- The newest state of each link.
CREATE TABLE view_link (
    target   TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    user_id  TEXT    NOT NULL,
    desired  BYTEA   NOT NULL,               -- version of the decision it works towards, as in view_decision
    state    TEXT    NOT NULL,               -- where the shadow user is: none, present, disabled or deleted
    status TEXT    NOT NULL,               -- done, waiting, grace, held, conflict or refused
    code     TEXT    NOT NULL,               -- why, by stable code
    due      BIGINT  NOT NULL,               -- when it goes on by itself; 0 where that is now
    record   BYTEA   NOT NULL,
    PRIMARY KEY (target, source, user_id)
);

-- Outcomes that are counted already, for as long as they may be told again.
CREATE TABLE view_outcome (
    id TEXT    NOT NULL PRIMARY KEY,
    at BIGINT  NOT NULL
);

CREATE INDEX view_outcome_at ON view_outcome (at);

CREATE TABLE view_count (
    target TEXT    NOT NULL,
    source TEXT    NOT NULL,
    verb   TEXT    NOT NULL,
    n      BIGINT  NOT NULL,
    PRIMARY KEY (target, source, verb)
);

CREATE TABLE view_fact (
    tenant TEXT NOT NULL,
    key    TEXT NOT NULL,
    record BYTEA NOT NULL,
    PRIMARY KEY (tenant, key)
);

CREATE TABLE view_role (
    key    TEXT NOT NULL PRIMARY KEY,        -- role/replica/tenant
    record BYTEA NOT NULL
);

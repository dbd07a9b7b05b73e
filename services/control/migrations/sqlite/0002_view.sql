-- The read model: the newest records of the other roles, reduced to the columns that the API needs. It can be rebuilt from the topics.

-- The newest change of each user of a source, and the names by which an administrator looks for the user: in lower case, empty if unknown.
CREATE TABLE view_user (
    source  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    version INTEGER NOT NULL,
    principal_name TEXT NOT NULL,
    mail TEXT NOT NULL,
    PRIMARY KEY (source, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX view_user_id ON view_user (user_id);
CREATE INDEX view_user_principal_name ON view_user (principal_name);
CREATE INDEX view_user_mail ON view_user (mail);

-- The newest decision for each user and target. `version` holds the four parts, big endian, so that the bytes have the order of versions.
CREATE TABLE view_decision (
    target  TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    user_id TEXT    NOT NULL,
    delta   INTEGER NOT NULL,
    version BLOB    NOT NULL,
    digest  BLOB NOT NULL,                -- of what is wanted; with equal digests nothing changes in the target
    desired TEXT    NOT NULL,                -- wanted, disabled, not_wanted or skipped
    reason  TEXT    NOT NULL,                -- why the user is not wanted or skipped; empty if the user is wanted
    attribute TEXT  NOT NULL,                -- the attribute at fault of a skipped user; empty if there is none
    sign_in_blocked INTEGER NOT NULL,         -- 1 if the user is disabled at home
    due     INTEGER NOT NULL,                -- when the scope grace period ends; 0 if there is none
    PRIMARY KEY (target, source, user_id)
) STRICT, WITHOUT ROWID;

-- The newest revision for which policy has replayed a partition of a source's users, and how many partitions there were then.
CREATE TABLE view_marker (
    target   TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    part     INTEGER NOT NULL,
    partitions INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (target, source, part)
) STRICT, WITHOUT ROWID;

-- The newest state of each link.
CREATE TABLE view_link (
    target   TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    user_id  TEXT    NOT NULL,
    desired  BLOB    NOT NULL,               -- version of the decision that the link works towards, as in view_decision
    digest   BLOB NOT NULL,               -- of that decision, as in view_decision
    state    TEXT    NOT NULL,               -- of the shadow user: none, present, disabled or deleted
    status TEXT    NOT NULL,               -- done, waiting, grace, held, conflict or refused
    code     TEXT    NOT NULL,               -- the stable code of the status
    due      INTEGER NOT NULL,               -- when the provisioner continues by itself; 0 if at once or never
    record   BLOB    NOT NULL,
    PRIMARY KEY (target, source, user_id)
) STRICT, WITHOUT ROWID;

-- The ids of counted outcomes, kept as long as the provisioner may republish them.
CREATE TABLE view_outcome (
    id TEXT    NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX view_outcome_at ON view_outcome (at);

CREATE TABLE view_count (
    target TEXT    NOT NULL,
    source TEXT    NOT NULL,
    verb   TEXT    NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (target, source, verb)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_fact (
    tenant TEXT NOT NULL,
    key    TEXT NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE view_role (
    key    TEXT NOT NULL PRIMARY KEY,        -- role/replica/reporting_since/tenant; a heartbeat: role/replica
    record BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX view_decision_user ON view_decision (user_id);
CREATE INDEX view_link_user ON view_link (user_id);

-- The mirror of each tenant's directory, and how far its reading has come.
CREATE TABLE tenant (
    name          TEXT   NOT NULL PRIMARY KEY,
    selected      TEXT   NOT NULL,  -- attributes asked of the directory, sorted, by comma: a delta's cursor is bound to them
    unverified_attributes TEXT NOT NULL,  -- added attributes that no verified full read has read: a user without a value has an unknown one
    directory     TEXT,             -- the id of the directory it was read from; null before that
    phase         BIGINT NOT NULL,  -- of the incremental cycle: 0 none under way, 1 reading groups, 2 reading users, 3 projecting
    page          TEXT,             -- where the incremental cycle goes on
    groups_cursor TEXT,             -- where the next incremental cycle begins; null when everything must be read first
    users_cursor  TEXT,
    full_cycle    BIGINT NOT NULL,  -- counts full reads; a row of an older one was not seen in the newest
    cycle         BIGINT NOT NULL,  -- cycles completed
    full_reason   TEXT,             -- why everything is read; null when it is not
    full_flags    BIGINT NOT NULL,  -- 1 its cursors replace the former ones, 2 it adds attributes, 4 it left something out
    full_phase    BIGINT NOT NULL,  -- see full.rs
    full_page     TEXT,             -- where it goes on, or the cycle that it awaits
    full_selected TEXT,             -- attributes asked of the directory by it
    full_groups   TEXT,             -- the cursors that it gave
    full_users    TEXT,
    unverified    BIGINT NOT NULL,  -- 1 when the last full read could not be relied on
    missing       BIGINT NOT NULL,  -- users that it missed, where most were missing
    resync        BIGINT NOT NULL DEFAULT 0  -- when an operator asked for a full read that has not begun yet
);

CREATE TABLE user_ (
    tenant            TEXT   NOT NULL,
    id                TEXT   NOT NULL,
    body              BYTEA  NOT NULL,  -- the attributes that the projection or the connector needs, of those the directory mentioned
    gone              BIGINT NOT NULL,  -- 0 here, 1 soft-deleted, 2 deleted
    dirty             BIGINT NOT NULL,  -- 1 when the delta may be stale
    full_cycle        BIGINT NOT NULL,
    first_seen        BIGINT NOT NULL,  -- when the oldest change not projected yet was seen
    delta             BYTEA,            -- the record's value as last versioned; null before the first
    projection        BIGINT NOT NULL,  -- the revision it was projected for
    class             BIGINT NOT NULL,
    version           BIGINT NOT NULL,
    published_version BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX user_dirty ON user_ (tenant, id) WHERE dirty = 1;
CREATE INDEX user_unpublished ON user_ (tenant, class, id) WHERE version <> published_version;
CREATE INDEX user_delta ON user_ (tenant, id) WHERE delta IS NOT NULL;

-- What the full read under way says of users, until it is known to be complete.
CREATE TABLE staged (
    tenant     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    full_cycle BIGINT NOT NULL,  -- the full read
    body       BYTEA  NOT NULL,
    reported   BYTEA,            -- what cycles have reported since it began, which its pages do not override; null before the first report
    gone       BIGINT NOT NULL,
    shown      BIGINT NOT NULL,  -- 1 when its pages have shown the user, 0 when only cycles have
    PRIMARY KEY (tenant, id)
);

-- Groups, members and users that cycles have reported beside a full read or a listing under way: its pages do not override them.
CREATE TABLE reported (
    tenant     TEXT   NOT NULL,
    group_id   TEXT   NOT NULL,  -- empty for a user
    child_id   TEXT   NOT NULL,  -- empty for the group itself
    at         BIGINT NOT NULL,
    PRIMARY KEY (tenant, group_id, child_id)
);

CREATE TABLE group_ (
    tenant     TEXT   NOT NULL,
    id         TEXT   NOT NULL,
    name       TEXT,
    state      BIGINT NOT NULL,  -- 0 here, 1 gone, 2 unreadable; memberships of the latter two are frozen
    full_cycle BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE member (
    tenant     TEXT   NOT NULL,
    group_id   TEXT   NOT NULL,
    child_id   TEXT   NOT NULL,
    child_kind BIGINT NOT NULL,  -- 0 user, 1 group
    full_cycle BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL,  -- when a delta query reported it, or the newest listing that has shown it began
    unreported BIGINT NOT NULL,  -- how many cycles were complete when only a listing had shown it; 0 once a delta query has reported it
    PRIMARY KEY (tenant, group_id, child_id)
);
CREATE INDEX member_unreported ON member (tenant, unreported) WHERE unreported > 0;
CREATE INDEX member_child ON member (tenant, child_id);
CREATE INDEX member_group ON member (tenant, group_id, child_id) WHERE child_kind = 1;

-- The listings of the members of groups of scopes, which the groups give beside the delta query.
CREATE TABLE listing (
    tenant    TEXT   NOT NULL,
    group_id  TEXT   NOT NULL,
    began     BIGINT NOT NULL,  -- when the listing under way began; 0 when none is
    page      TEXT,             -- where it goes on
    last      BIGINT NOT NULL,  -- when the last complete listing began; 0 before the first
    former    BIGINT NOT NULL,  -- when the complete listing before that began
    PRIMARY KEY (tenant, group_id)
);

-- Work on more rows than one transaction takes: the owner of the tenant goes on where it stands.
CREATE TABLE pending (
    tenant     TEXT   NOT NULL,
    work       BIGINT NOT NULL,  -- see pending.rs
    subject    TEXT   NOT NULL,  -- a group; empty where the work is on all rows
    full_cycle BIGINT NOT NULL,  -- the full read that it follows; 0 where it follows none
    key_1      TEXT   NOT NULL,  -- the key of the last row that is done; empty at the beginning
    key_2      TEXT   NOT NULL,
    PRIMARY KEY (tenant, work, subject)
);

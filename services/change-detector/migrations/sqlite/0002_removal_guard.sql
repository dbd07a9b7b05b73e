-- Members that a scope group retains because it lost most of its members at once.
CREATE TABLE retained_member (
    tenant   TEXT    NOT NULL,
    user_id  TEXT    NOT NULL,
    group_id TEXT    NOT NULL,
    direct   INTEGER NOT NULL,  -- 0 when the user was in it through other groups only
    PRIMARY KEY (tenant, user_id, group_id)
);
CREATE INDEX retained_member_group ON retained_member (tenant, group_id, user_id);
-- The groups that have retained members.
CREATE TABLE removal_guard (
    tenant    TEXT   NOT NULL,
    group_id  TEXT   NOT NULL,
    retained  INTEGER NOT NULL,  -- how many
    releasing INTEGER NOT NULL,  -- 1 while they are being released
    PRIMARY KEY (tenant, group_id)
);

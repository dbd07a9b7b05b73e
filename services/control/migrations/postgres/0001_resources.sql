-- Resources, their revisions, and who changed what. Times are microseconds since 1970; a tenant is '-' where a resource belongs to none.

CREATE TABLE resource (
    kind      TEXT    NOT NULL,
    tenant    TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    spec      BYTEA   NOT NULL,              -- JSON
    revision  BIGINT  NOT NULL,              -- that last changed it
    published BIGINT  NOT NULL,              -- the revision that the bus knows; 0 or below where it knows none
    PRIMARY KEY (kind, tenant, name)
);

CREATE TABLE revision (
    id        BIGINT  NOT NULL PRIMARY KEY,
    actor     TEXT    NOT NULL,
    at        BIGINT  NOT NULL,
    published BIGINT  NOT NULL               -- 1 when its commit is on the bus; below that it is to be published
);

CREATE TABLE audit (
    seq    BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant TEXT    NOT NULL,
    at     BIGINT  NOT NULL,
    actor  TEXT    NOT NULL,
    declared TEXT  NOT NULL,                 -- what the actor calls itself
    verb   TEXT    NOT NULL,
    object TEXT    NOT NULL,
    digest BYTEA   NOT NULL                  -- SHA-256 of the spec
);

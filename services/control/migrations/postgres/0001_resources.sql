-- Resources, revisions and the audit trail. Times are microseconds since 1970. The tenant is '-' for a resource that belongs to none.

CREATE TABLE resource (
    kind      TEXT    NOT NULL,
    tenant    TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    spec      BYTEA   NOT NULL,              -- JSON
    revision  BIGINT  NOT NULL,              -- the revision that last changed it
    published BIGINT  NOT NULL,              -- the revision on the bus; 0 or below if there is none
    PRIMARY KEY (kind, tenant, name)
);

CREATE TABLE revision (
    id        BIGINT  NOT NULL PRIMARY KEY,
    actor     TEXT    NOT NULL,
    at        BIGINT  NOT NULL,
    published BIGINT  NOT NULL               -- 1 if its commit is on the bus; 0 or below if it is to be published
);

CREATE TABLE audit (
    seq    BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant TEXT    NOT NULL,
    at     BIGINT  NOT NULL,
    actor  TEXT    NOT NULL,
    declared TEXT  NOT NULL,                 -- the name that the actor declares
    verb   TEXT    NOT NULL,
    object TEXT    NOT NULL,
    digest BYTEA   NOT NULL                  -- SHA-256 of the spec or command
);

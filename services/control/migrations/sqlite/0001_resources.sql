-- Resources, revisions and the audit trail. Times are microseconds since 1970. The tenant is '-' for a resource that belongs to none.

CREATE TABLE resource (
    kind      TEXT    NOT NULL,
    tenant    TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    spec      BLOB    NOT NULL,              -- JSON
    revision  INTEGER NOT NULL,              -- the revision that last changed it
    published INTEGER NOT NULL,              -- the revision on the bus; 0 or below if there is none
    PRIMARY KEY (kind, tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE revision (
    id        INTEGER NOT NULL PRIMARY KEY,
    actor     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    published INTEGER NOT NULL               -- 1 if its commit is on the bus; 0 or below if it is to be published
) STRICT;

CREATE TABLE audit (
    seq    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    declared TEXT  NOT NULL,                 -- the name that the actor declares
    verb   TEXT    NOT NULL,
    object TEXT    NOT NULL,
    digest BLOB    NOT NULL                  -- SHA-256 of the spec or command
) STRICT;

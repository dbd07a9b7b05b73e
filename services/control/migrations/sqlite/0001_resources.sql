-- Resources, their revisions, and who changed what. Times are microseconds since 1970; a tenant is '-' where a resource belongs to none.

CREATE TABLE resource (
    kind      TEXT    NOT NULL,
    tenant    TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    spec      BLOB    NOT NULL,              -- JSON
    revision  INTEGER NOT NULL,              -- that last changed it
    published INTEGER NOT NULL,              -- the revision that the bus knows; 0 or below where it knows none
    PRIMARY KEY (kind, tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE revision (
    id        INTEGER NOT NULL PRIMARY KEY,
    actor     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    published INTEGER NOT NULL               -- 1 when its commit is on the bus; below that it is to be published
) STRICT;

CREATE TABLE audit (
    seq    INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    actor  TEXT    NOT NULL,
    declared TEXT  NOT NULL,                 -- what the actor calls itself
    verb   TEXT    NOT NULL,
    object TEXT    NOT NULL,
    digest BLOB    NOT NULL                  -- SHA-256 of the spec
) STRICT;

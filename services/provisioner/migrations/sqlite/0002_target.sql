-- Targets whose links were held against their topic, so that a store that has lost them finds out.
CREATE TABLE target_ (
    target     TEXT NOT NULL PRIMARY KEY,
    reconciled      INTEGER NOT NULL, -- 0 while links are taken from the topic
    directory  TEXT, -- whose objects its links are of; null where that is not known yet
    observe_only_since INTEGER -- when they began to be, into a store that was new; null where it was not, or a person has released the target
) STRICT, WITHOUT ROWID;

-- What an administrator asks to be tried again: the owner of the target does it and removes the row.
CREATE TABLE retry (
    target   TEXT NOT NULL,
    source   TEXT NOT NULL,
    user_id  TEXT NOT NULL, -- empty for all
    asked_at INTEGER NOT NULL,
    PRIMARY KEY (target, source, user_id)
);

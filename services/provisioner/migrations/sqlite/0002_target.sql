-- Targets whose links were held against their topic, so that a store that has lost them finds out.
CREATE TABLE target_ (
    target     TEXT NOT NULL PRIMARY KEY,
    whole      INTEGER NOT NULL, -- 0 while links are taken from the topic
    rebuilt_at INTEGER -- when they began to be, into a store that was new; null where it was not, or a person has released the target
) STRICT, WITHOUT ROWID;

-- Targets whose links were compared with their topic, so that a store that has lost them finds out.
CREATE TABLE target_ (
    target     TEXT NOT NULL PRIMARY KEY,
    reconciled INTEGER NOT NULL, -- 0 while links are taken from the topic
    directory  TEXT, -- the directory of the objects of its links; null while unknown
    observe_only_since INTEGER -- when links were taken into a new store; null if not, or after an administrator resumed it
) STRICT, WITHOUT ROWID;

-- Retries that an administrator requested: the owner of the target retries and removes the row.
CREATE TABLE retry (
    target   TEXT NOT NULL,
    source   TEXT NOT NULL,
    user_id  TEXT NOT NULL, -- empty for all
    asked_at INTEGER NOT NULL,
    PRIMARY KEY (target, source, user_id)
);

-- Rehires that an administrator confirmed: the user takes over the shadow user of the former account.
CREATE TABLE rehire (
    target         TEXT NOT NULL,
    source         TEXT NOT NULL,
    user_id        TEXT NOT NULL,
    former_user_id TEXT NOT NULL,
    PRIMARY KEY (target, source, user_id)
) STRICT, WITHOUT ROWID;

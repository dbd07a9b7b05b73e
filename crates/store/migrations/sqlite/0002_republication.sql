-- The progress of each tenant's republication.
CREATE TABLE republication (
    tenant TEXT NOT NULL PRIMARY KEY,
    began  INTEGER NOT NULL, -- start of the newest one; before the first, the time of the first check
    after_key TEXT -- the last republished key, empty before the first; null while none is in progress
) STRICT, WITHOUT ROWID;

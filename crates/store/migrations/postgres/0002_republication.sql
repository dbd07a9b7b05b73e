-- How far each tenant's scrub has come.
CREATE TABLE republication (
    tenant TEXT NOT NULL PRIMARY KEY,
    began  BIGINT NOT NULL, -- the newest; of one that was never scrubbed, when it was first looked at
    after_key TEXT -- the last key that was told again, empty before the first; null between two scrubs
);

-- The subscriptions to the change notifications of each tenant's directory (R19).
CREATE TABLE subscription (
    tenant     TEXT   NOT NULL,
    resource   TEXT   NOT NULL,  -- users or groups
    id         TEXT,             -- in the directory; null where there is none in force
    state_hash TEXT   NOT NULL,  -- of the client state that its notifications bear, SHA-256 in hex
    url        TEXT   NOT NULL,  -- where it posts notifications
    expires    INTEGER NOT NULL,
    renew_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant, resource)
);

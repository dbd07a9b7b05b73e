-- Of two states that are told of a link the newer one stays, whichever comes last.
ALTER TABLE view_link ADD COLUMN version BIGINT NOT NULL DEFAULT 0;

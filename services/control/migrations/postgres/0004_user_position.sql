-- Where the newest change of a user stands in the topic of the source, so that it can be read without a copy here. An offset of -1 is not known.
ALTER TABLE view_user ADD COLUMN part BIGINT NOT NULL DEFAULT 0;
ALTER TABLE view_user ADD COLUMN position BIGINT NOT NULL DEFAULT -1;

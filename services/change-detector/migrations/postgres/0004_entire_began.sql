-- When the newest reading of everything began; 0 where that is not known.
ALTER TABLE tenant ADD COLUMN entire_began BIGINT NOT NULL DEFAULT 0;

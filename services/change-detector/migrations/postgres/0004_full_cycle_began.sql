-- When the newest full read began; 0 where that is not known.
ALTER TABLE tenant ADD COLUMN full_cycle_began BIGINT NOT NULL DEFAULT 0;

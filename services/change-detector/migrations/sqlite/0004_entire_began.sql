-- When the newest reading of everything began; 0 where that is not known.
ALTER TABLE tenant ADD COLUMN entire_began INTEGER NOT NULL DEFAULT 0;

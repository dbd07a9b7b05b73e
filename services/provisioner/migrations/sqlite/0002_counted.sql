-- The decision that a link's deletion has been counted for: it counts once, however often it is tried.
ALTER TABLE link ADD COLUMN counted TEXT;

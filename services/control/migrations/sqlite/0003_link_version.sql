-- Of two published states of a link the one with the higher version stays, independent of their order on the bus.
ALTER TABLE view_link ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

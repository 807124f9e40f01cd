-- The place of a challenge among the open ones: 0 for the first one of its host, more for each doubling.

ALTER TABLE challenges ADD COLUMN open_rank INTEGER NOT NULL DEFAULT 0;

CREATE INDEX challenges_open_by_rank ON challenges (open_rank, expires_at, id)
    WHERE completed_at IS NULL AND closed_at IS NULL;

CREATE INDEX challenges_open_by_host ON challenges (host_name, expires_at)
    WHERE completed_at IS NULL AND closed_at IS NULL;

DROP INDEX challenges_open;

-- A page of the open challenges of one platform reads no challenge of the other: each open challenge is in one of these.

CREATE INDEX challenges_open_for_all ON challenges (open_rank, expires_at, id)
    WHERE completed_at IS NULL AND closed_at IS NULL AND target_platform IS NULL;

CREATE INDEX challenges_open_for_one ON challenges (target_platform, open_rank, expires_at, id)
    WHERE completed_at IS NULL AND closed_at IS NULL AND target_platform IS NOT NULL;

DROP INDEX challenges_open_by_rank;

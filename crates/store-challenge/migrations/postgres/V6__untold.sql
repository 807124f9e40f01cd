-- Challenges whose stamps or end the scheduler may not have told the app yet. What only a notification in memory knew is
-- found again after a crash.

ALTER TABLE challenges ADD COLUMN untold BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX challenges_untold ON challenges (id) WHERE untold;

UPDATE challenges SET untold = TRUE WHERE stamp_claims > 0 OR closed_at IS NOT NULL;

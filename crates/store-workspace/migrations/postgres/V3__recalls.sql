-- A request that was called off may have been handed over at the same moment: its challenge has to be closed then.
-- When to see to that; null when there is nothing to see to.

ALTER TABLE challenge_requests ADD COLUMN recall_at BIGINT;

CREATE INDEX challenge_requests_recalled ON challenge_requests (recall_at) WHERE recall_at IS NOT NULL;

-- Deleting an app marks it; its orders are cancelled and recalled afterwards, batch by batch. `swept_until` is the last
-- order that this has reached.

ALTER TABLE apps ADD COLUMN swept_until BYTEA;

ALTER TABLE apps ADD COLUMN swept_at BIGINT;

UPDATE apps SET swept_at = deleted_at WHERE deleted_at IS NOT NULL;

CREATE INDEX apps_to_sweep ON apps (deleted_at) WHERE deleted_at IS NOT NULL AND swept_at IS NULL;

-- Few tests fail or are called off, and they are found without walking over the others.
CREATE INDEX challenge_requests_failed ON challenge_requests (workspace_id, client_id, status, id) WHERE status = 'failed';

CREATE INDEX challenge_requests_cancelled ON challenge_requests (workspace_id, client_id, status, id) WHERE status = 'cancelled';

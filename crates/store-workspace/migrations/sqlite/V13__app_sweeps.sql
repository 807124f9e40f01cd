-- Deleting an app marks it; its orders are cancelled and recalled afterwards, batch by batch. `swept_until` is the last
-- order that this has reached.

ALTER TABLE apps ADD COLUMN swept_until BLOB;

ALTER TABLE apps ADD COLUMN swept_at INTEGER;

UPDATE apps SET swept_at = deleted_at WHERE deleted_at IS NOT NULL;

CREATE INDEX apps_to_sweep ON apps (deleted_at) WHERE deleted_at IS NOT NULL AND swept_at IS NULL;

-- Few tests fail or are called off, and they are found without walking over the others.
CREATE INDEX challenge_requests_failed ON challenge_requests (workspace_id, client_id, status, id) WHERE status = 'failed';

CREATE INDEX challenge_requests_cancelled ON challenge_requests (workspace_id, client_id, status, id) WHERE status = 'cancelled';

-- What is to be expected: many requests of an app, of which few failed. Without being told, SQLite prefers the primary key.
ANALYZE challenge_requests;
DELETE FROM sqlite_stat1 WHERE tbl = 'challenge_requests';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('challenge_requests', 'challenge_requests', '1000000 100000 10000 1'),
    ('challenge_requests', 'challenge_requests_due', '10000 1'),
    ('challenge_requests', 'challenge_requests_observed', '100000 1'),
    ('challenge_requests', 'challenge_requests_by_challenge', '1000000 1'),
    ('challenge_requests', 'challenge_requests_recalled', '100 1'),
    ('challenge_requests', 'challenge_requests_failed', '1000 1000 100 100 1'),
    ('challenge_requests', 'challenge_requests_cancelled', '1000 1000 100 100 1');
ANALYZE sqlite_schema;

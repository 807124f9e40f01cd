-- Requests that have failed may have a challenge all the same: it is closed now.

UPDATE challenge_requests SET recall_at = updated_at WHERE status = 'failed' AND recall_at IS NULL;

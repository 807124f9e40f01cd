-- When the challenge of a pending request is to expire, if that was changed; null means as usual.

ALTER TABLE challenge_requests ADD COLUMN requested_expires_at INTEGER;

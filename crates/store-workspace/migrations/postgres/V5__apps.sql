-- Where an app's users may be sent back to, as a JSON array; and when it was deleted. What it has ordered stays readable for the
-- operator, and its client id is never given to another one.

ALTER TABLE apps ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT '[]';

ALTER TABLE apps ADD COLUMN deleted_at BIGINT;

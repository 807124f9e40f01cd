-- When a key was last used, to the minute or so: it is written now and then, not with each request.

ALTER TABLE api_keys ADD COLUMN last_used_at BIGINT;

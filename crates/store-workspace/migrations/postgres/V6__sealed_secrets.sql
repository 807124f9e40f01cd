-- An app's secret is shown once, and again to whoever repeats the request that made it. So it is kept for as long as its
-- idempotency key, sealed with the API key of whoever made it, which is not in this database.

ALTER TABLE idempotency_records ADD COLUMN sealed_secret BYTEA;

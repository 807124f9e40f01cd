-- On SQLite idempotency records get an id. Here their primary key finds them.

SELECT 1;

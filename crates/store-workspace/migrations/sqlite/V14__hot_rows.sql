-- Only PostgreSQL keeps old versions of a row.
SELECT 1;

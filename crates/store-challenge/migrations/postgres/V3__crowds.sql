-- On SQLite this says how many participations are to be expected. PostgreSQL counts for itself.

SELECT 1;

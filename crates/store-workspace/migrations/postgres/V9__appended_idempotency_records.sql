-- On SQLite idempotency records lose their index. Here it stays, because all servers share it.

SELECT 1;

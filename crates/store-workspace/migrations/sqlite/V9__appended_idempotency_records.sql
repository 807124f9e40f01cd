-- Idempotency records are appended in the order in which they come: an index over random keys was the dearest thing in the
-- database. Where a key's record is, the one server of this file remembers in memory; PostgreSQL keeps its index.

CREATE TABLE appended_idempotency_records (
    workspace_id  TEXT    NOT NULL REFERENCES workspaces (id),
    key           TEXT    NOT NULL,
    fingerprint   BLOB    NOT NULL,
    client_id     TEXT    NOT NULL,
    request_id    BLOB    NOT NULL,
    expires_at    INTEGER NOT NULL,
    sealed_secret BLOB
) STRICT;

INSERT INTO appended_idempotency_records (workspace_id, key, fingerprint, client_id, request_id, expires_at, sealed_secret)
SELECT workspace_id, key, fingerprint, client_id, request_id, expires_at, sealed_secret
FROM idempotency_records ORDER BY expires_at;

DROP TABLE idempotency_records;

ALTER TABLE appended_idempotency_records RENAME TO idempotency_records;

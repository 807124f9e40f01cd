-- Idempotency records get an id of their own: a bare rowid changes when the file is compacted. They are pruned by their time of
-- expiry, whichever clock made them.

CREATE TABLE numbered_idempotency_records (
    id            INTEGER NOT NULL PRIMARY KEY,
    workspace_id  TEXT    NOT NULL REFERENCES workspaces (id),
    key           TEXT    NOT NULL,
    fingerprint   BLOB    NOT NULL,
    client_id     TEXT    NOT NULL,
    request_id    BLOB    NOT NULL,
    expires_at    INTEGER NOT NULL,
    sealed_secret BLOB
) STRICT;

INSERT INTO numbered_idempotency_records
    (workspace_id, key, fingerprint, client_id, request_id, expires_at, sealed_secret)
SELECT workspace_id, key, fingerprint, client_id, request_id, expires_at, sealed_secret
FROM idempotency_records ORDER BY rowid;

DROP TABLE idempotency_records;

ALTER TABLE numbered_idempotency_records RENAME TO idempotency_records;

CREATE INDEX idempotency_records_by_expiry ON idempotency_records (expires_at);

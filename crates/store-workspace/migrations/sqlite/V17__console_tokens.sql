-- Who is signed in to the console, the links that sign in, and the links that show one test. A token is known by its hash
-- only, and belongs to the API key that it stands for.

CREATE TABLE console_tokens (
    token_hash   BLOB    NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('link', 'session', 'share')),
    workspace_id TEXT    NOT NULL,
    key_id       BLOB    NOT NULL,
    client_id    TEXT,
    request_id   BLOB,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, token_hash),
    FOREIGN KEY (workspace_id, key_id) REFERENCES api_keys (workspace_id, id),
    CHECK ((kind = 'share') = (client_id IS NOT NULL)),
    CHECK ((kind = 'share') = (request_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX console_tokens_by_hash ON console_tokens (token_hash);
CREATE INDEX console_tokens_by_expiry ON console_tokens (expires_at);
CREATE INDEX console_tokens_by_request ON console_tokens (workspace_id, client_id, request_id) WHERE kind = 'share';

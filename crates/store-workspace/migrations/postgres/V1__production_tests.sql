-- Workspaces, their keys and apps, and the production tests that they ordered.
-- Times are milliseconds since 1970. Every key leads with the workspace, so that the tables can be spread by it.

CREATE TABLE workspaces (
    id         TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT             NOT NULL,
    created_at BIGINT           NOT NULL
);

CREATE TABLE api_keys (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    id           BYTEA            NOT NULL,
    secret_hash  BYTEA            NOT NULL,
    name         TEXT             NOT NULL,
    access       TEXT             NOT NULL CHECK (access IN ('full', 'read_only')),
    created_at   BIGINT           NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    PRIMARY KEY (workspace_id, id)
);

CREATE UNIQUE INDEX api_keys_by_secret ON api_keys (secret_hash);

CREATE TABLE apps (
    workspace_id          TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    client_id             TEXT COLLATE "C" NOT NULL,
    name                  TEXT             NOT NULL,
    client_secret_hash    BYTEA            NOT NULL,
    client_secret_preview TEXT             NOT NULL,
    created_at            BIGINT           NOT NULL,
    updated_at            BIGINT           NOT NULL,
    PRIMARY KEY (workspace_id, client_id)
);

CREATE UNIQUE INDEX apps_by_client_id ON apps (client_id);

CREATE TABLE app_providers (
    workspace_id TEXT COLLATE "C" NOT NULL,
    client_id    TEXT COLLATE "C" NOT NULL,
    provider_id  TEXT COLLATE "C" NOT NULL,
    enabled_at   BIGINT           NOT NULL,
    PRIMARY KEY (workspace_id, client_id, provider_id),
    FOREIGN KEY (workspace_id, client_id) REFERENCES apps (workspace_id, client_id)
);

-- A challenge request and, once it is scheduled, a copy of what the challenge service says of its challenge.
CREATE TABLE challenge_requests (
    workspace_id                  TEXT COLLATE "C" NOT NULL,
    client_id                     TEXT COLLATE "C" NOT NULL,
    id                            BYTEA            NOT NULL,
    host_name                     TEXT             NOT NULL,
    title                         TEXT             NOT NULL,
    description                   TEXT,
    provider_ids                  TEXT             NOT NULL,
    max_stamp_claims              BIGINT           NOT NULL CHECK (max_stamp_claims >= 1),
    target_platform               TEXT             CHECK (target_platform IN ('ios', 'android')),
    allow_duplicate_participation BOOLEAN,
    status                        TEXT             NOT NULL CHECK (status IN ('pending', 'scheduled', 'failed', 'cancelled')),
    attempts                      BIGINT           NOT NULL,
    next_attempt_at               BIGINT,
    give_up_at                    BIGINT           NOT NULL,
    last_error                    TEXT,
    leased_by                     TEXT COLLATE "C",
    lease_expires_at              BIGINT,
    challenge_id                  BYTEA,
    challenge_created_at          BIGINT,
    challenge_expires_at          BIGINT,
    challenge_completed_at        BIGINT,
    challenge_is_closed           BOOLEAN,
    next_observation_at           BIGINT,
    created_at                    BIGINT           NOT NULL,
    updated_at                    BIGINT           NOT NULL,
    PRIMARY KEY (workspace_id, client_id, id),
    FOREIGN KEY (workspace_id, client_id) REFERENCES apps (workspace_id, client_id),
    CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    CHECK ((status = 'scheduled') = (challenge_id IS NOT NULL))
);

CREATE INDEX challenge_requests_due ON challenge_requests (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX challenge_requests_leased ON challenge_requests (leased_by) WHERE leased_by IS NOT NULL;
CREATE INDEX challenge_requests_observed ON challenge_requests (next_observation_at) WHERE next_observation_at IS NOT NULL;
CREATE INDEX challenge_requests_by_challenge ON challenge_requests (challenge_id) WHERE challenge_id IS NOT NULL;

-- What an idempotency key was used for. The answer itself is rebuilt from the request.
CREATE TABLE idempotency_records (
    workspace_id TEXT COLLATE "C" NOT NULL REFERENCES workspaces (id),
    key          TEXT COLLATE "C" NOT NULL,
    fingerprint  BYTEA            NOT NULL,
    client_id    TEXT COLLATE "C" NOT NULL,
    request_id   BYTEA            NOT NULL,
    expires_at   BIGINT           NOT NULL,
    PRIMARY KEY (workspace_id, key)
);

CREATE INDEX idempotency_records_by_expiry ON idempotency_records (expires_at);

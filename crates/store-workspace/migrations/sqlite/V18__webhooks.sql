-- Where an app is told of its events, and how that goes. A webhook with something to deliver is due; whoever delivers leases
-- it as a whole. The secrets are needed to sign, so they stand here as they are.

CREATE TABLE webhooks (
    workspace_id          TEXT    NOT NULL,
    client_id             TEXT    NOT NULL,
    url                   TEXT,
    enabled               INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    retry_attempts        INTEGER NOT NULL,
    timeout_seconds       INTEGER NOT NULL,
    events                TEXT    NOT NULL,
    secret                TEXT    NOT NULL,
    previous_secret       TEXT,
    previous_secret_until INTEGER,
    failing_since         INTEGER,
    failures              INTEGER NOT NULL,
    due_at                INTEGER,
    leased_by             TEXT,
    lease_expires_at      INTEGER,
    PRIMARY KEY (workspace_id, client_id),
    FOREIGN KEY (workspace_id, client_id) REFERENCES apps (workspace_id, client_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;

-- One row for each event that is to be delivered, written with the event. The last attempts are a JSON array.
CREATE TABLE webhook_deliveries (
    workspace_id    TEXT    NOT NULL,
    client_id       TEXT    NOT NULL,
    sequence        INTEGER NOT NULL,
    event_id        BLOB    NOT NULL,
    name            TEXT    NOT NULL,
    request_id      BLOB    NOT NULL,
    state           TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempts        INTEGER NOT NULL,
    attempt_log     TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    next_attempt_at INTEGER,
    PRIMARY KEY (workspace_id, client_id, sequence),
    CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (workspace_id, client_id, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_deliveries_by_request ON webhook_deliveries (workspace_id, client_id, request_id, sequence)
    WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

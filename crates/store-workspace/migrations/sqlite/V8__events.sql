-- What happens to an app's production tests, for those who follow them. An app's events are numbered without a gap in the order
-- in which they were committed: the counter's row is taken in the transaction that writes the event, last of all.

CREATE TABLE event_sequences (
    workspace_id TEXT    NOT NULL,
    client_id    TEXT    NOT NULL,
    newest       INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, client_id),
    FOREIGN KEY (workspace_id, client_id) REFERENCES apps (workspace_id, client_id)
) STRICT, WITHOUT ROWID;

-- Without a foreign key: each event is numbered by its app's counter, which has one, and many are written at once.
CREATE TABLE events (
    workspace_id     TEXT    NOT NULL,
    client_id        TEXT    NOT NULL,
    sequence         INTEGER NOT NULL,
    name             TEXT    NOT NULL,
    request_id       BLOB    NOT NULL,
    challenge_id     BLOB,
    provider_id      TEXT,
    claimed          INTEGER,
    max_stamp_claims INTEGER,
    reason           TEXT,
    happened_at      INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, client_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX events_by_age ON events (happened_at);

-- How many stamps of each provider have been told of, as a JSON object; null before the first one.
ALTER TABLE challenge_requests ADD COLUMN known_claims TEXT;

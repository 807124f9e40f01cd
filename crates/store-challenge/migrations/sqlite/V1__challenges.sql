-- Challenges, who takes part in them, and the stamps that were granted.
-- Times are milliseconds since 1970. Every key leads with the challenge, so that the tables can be spread by it.

CREATE TABLE challenges (
    id                            BLOB    NOT NULL PRIMARY KEY,
    request_id                    BLOB    NOT NULL,
    host_name                     TEXT    NOT NULL,
    title                         TEXT    NOT NULL,
    description                   TEXT,
    provider_ids                  TEXT    NOT NULL,
    max_stamp_claims              INTEGER NOT NULL CHECK (max_stamp_claims >= 1),
    target_platform               TEXT    CHECK (target_platform IN ('ios', 'android')),
    allow_duplicate_participation INTEGER CHECK (allow_duplicate_participation IN (0, 1)),
    stamp_claims                  INTEGER NOT NULL,
    created_at                    INTEGER NOT NULL,
    expires_at                    INTEGER NOT NULL,
    completed_at                  INTEGER,
    closed_at                     INTEGER,
    CHECK (stamp_claims BETWEEN 0 AND max_stamp_claims)
) STRICT, WITHOUT ROWID;

CREATE INDEX challenges_open ON challenges (expires_at) WHERE completed_at IS NULL AND closed_at IS NULL;

-- The tester's browser is known by a keyed hash only.
CREATE TABLE participations (
    challenge_id BLOB    NOT NULL REFERENCES challenges (id),
    id           BLOB    NOT NULL,
    provider_id  TEXT    NOT NULL,
    platform     TEXT    NOT NULL CHECK (platform IN ('ios', 'android')),
    status       TEXT    NOT NULL CHECK (status IN ('started', 'claimed', 'failed', 'missed', 'duplicate', 'lapsed')),
    browser_hash BLOB    NOT NULL,
    joined_at    INTEGER NOT NULL,
    lapses_at    INTEGER NOT NULL,
    decided_at   INTEGER,
    PRIMARY KEY (challenge_id, id),
    CHECK ((status = 'started') = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX participations_by_id ON participations (id);
CREATE INDEX participations_by_browser ON participations (challenge_id, provider_id, browser_hash)
    WHERE status IN ('started', 'claimed');
CREATE INDEX participations_undecided ON participations (lapses_at) WHERE status = 'started';

-- The person is known by a keyed hash only.
CREATE TABLE stamp_claims (
    challenge_id     BLOB    NOT NULL REFERENCES challenges (id),
    number           INTEGER NOT NULL CHECK (number >= 1),
    participation_id BLOB    NOT NULL,
    provider_id      TEXT    NOT NULL,
    subject_hash     BLOB    NOT NULL,
    claimed_at       INTEGER NOT NULL,
    PRIMARY KEY (challenge_id, number),
    FOREIGN KEY (challenge_id, participation_id) REFERENCES participations (challenge_id, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX stamp_claims_by_participation ON stamp_claims (challenge_id, participation_id);
CREATE INDEX stamp_claims_by_subject ON stamp_claims (challenge_id, provider_id, subject_hash);

-- What a tester's idempotency key was used for.
CREATE TABLE idempotency_records (
    challenge_id     BLOB    NOT NULL REFERENCES challenges (id),
    key              TEXT    NOT NULL,
    fingerprint      BLOB    NOT NULL,
    participation_id BLOB    NOT NULL,
    expires_at       INTEGER NOT NULL,
    PRIMARY KEY (challenge_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_records_by_expiry ON idempotency_records (expires_at);

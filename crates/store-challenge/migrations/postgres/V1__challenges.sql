-- Challenges, who takes part in them, and the stamps that were granted.
-- Times are milliseconds since 1970. Every key leads with the challenge, so that the tables can be spread by it.

CREATE TABLE challenges (
    id                            BYTEA   NOT NULL PRIMARY KEY,
    request_id                    BYTEA   NOT NULL,
    host_name                     TEXT    NOT NULL,
    title                         TEXT    NOT NULL,
    description                   TEXT,
    provider_ids                  TEXT    NOT NULL,
    max_stamp_claims              BIGINT  NOT NULL CHECK (max_stamp_claims >= 1),
    target_platform               TEXT    CHECK (target_platform IN ('ios', 'android')),
    allow_duplicate_participation BOOLEAN,
    stamp_claims                  BIGINT  NOT NULL,
    created_at                    BIGINT  NOT NULL,
    expires_at                    BIGINT  NOT NULL,
    completed_at                  BIGINT,
    closed_at                     BIGINT,
    CHECK (stamp_claims BETWEEN 0 AND max_stamp_claims)
);

CREATE INDEX challenges_open ON challenges (expires_at) WHERE completed_at IS NULL AND closed_at IS NULL;

-- The tester's browser is known by a keyed hash only.
CREATE TABLE participations (
    challenge_id BYTEA            NOT NULL REFERENCES challenges (id),
    id           BYTEA            NOT NULL,
    provider_id  TEXT COLLATE "C" NOT NULL,
    platform     TEXT             NOT NULL CHECK (platform IN ('ios', 'android')),
    status       TEXT             NOT NULL CHECK (status IN ('started', 'claimed', 'failed', 'missed', 'duplicate', 'lapsed')),
    browser_hash BYTEA            NOT NULL,
    joined_at    BIGINT           NOT NULL,
    lapses_at    BIGINT           NOT NULL,
    decided_at   BIGINT,
    PRIMARY KEY (challenge_id, id),
    CHECK ((status = 'started') = (decided_at IS NULL))
);

CREATE UNIQUE INDEX participations_by_id ON participations (id);
CREATE INDEX participations_by_browser ON participations (challenge_id, provider_id, browser_hash)
    WHERE status IN ('started', 'claimed');
CREATE INDEX participations_undecided ON participations (lapses_at) WHERE status = 'started';

-- The person is known by a keyed hash only.
CREATE TABLE stamp_claims (
    challenge_id     BYTEA            NOT NULL REFERENCES challenges (id),
    number           BIGINT           NOT NULL CHECK (number >= 1),
    participation_id BYTEA            NOT NULL,
    provider_id      TEXT COLLATE "C" NOT NULL,
    subject_hash     BYTEA            NOT NULL,
    claimed_at       BIGINT           NOT NULL,
    PRIMARY KEY (challenge_id, number),
    FOREIGN KEY (challenge_id, participation_id) REFERENCES participations (challenge_id, id)
);

CREATE UNIQUE INDEX stamp_claims_by_participation ON stamp_claims (challenge_id, participation_id);
CREATE INDEX stamp_claims_by_subject ON stamp_claims (challenge_id, provider_id, subject_hash);

-- What a tester's idempotency key was used for.
CREATE TABLE idempotency_records (
    challenge_id     BYTEA            NOT NULL REFERENCES challenges (id),
    key              TEXT COLLATE "C" NOT NULL,
    fingerprint      BYTEA            NOT NULL,
    participation_id BYTEA            NOT NULL,
    expires_at       BIGINT           NOT NULL,
    PRIMARY KEY (challenge_id, key)
);

CREATE INDEX idempotency_records_by_expiry ON idempotency_records (expires_at);

-- When the verification of a participation began, and what its tester said after its end.

ALTER TABLE participations ADD COLUMN verification_started_at BIGINT;

CREATE TABLE feedback (
    challenge_id     BYTEA            NOT NULL,
    participation_id BYTEA            NOT NULL,
    provider_id      TEXT COLLATE "C"    NOT NULL,
    platform         TEXT    NOT NULL CHECK (platform IN ('ios', 'android')),
    status           TEXT    NOT NULL,
    reasons          TEXT    NOT NULL,
    text             TEXT,
    given_at         BIGINT NOT NULL,
    PRIMARY KEY (challenge_id, participation_id),
    FOREIGN KEY (challenge_id, participation_id) REFERENCES participations (challenge_id, id)
);

CREATE INDEX feedback_by_age ON feedback (challenge_id, given_at);

-- Whatever has ended had begun.
INSERT INTO participation_counts
SELECT challenge_id, provider_id, platform, 'verification_started', '', COUNT(*), 0
FROM participations WHERE status NOT IN ('started', 'lapsed') GROUP BY challenge_id, provider_id, platform;

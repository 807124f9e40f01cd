-- Verifications that have begun at a provider elsewhere. Of what leads back there only a hash of the state is kept; the
-- nonce and the code verifier follow from the state. `returning_browser` is a keyed hash: the browser that came back from the
-- provider, if it is not the one that joined; what it brought is parked until its person says that it was theirs.

CREATE TABLE verifications (
    challenge_id      BYTEA   NOT NULL,
    state_hash        BYTEA   NOT NULL,
    participation_id  BYTEA   NOT NULL,
    started_at        BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    used_at           BIGINT,
    returning_browser BYTEA,
    subject_hash      BYTEA,
    answered_at       BIGINT,
    PRIMARY KEY (challenge_id, state_hash),
    FOREIGN KEY (challenge_id, participation_id) REFERENCES participations (challenge_id, id)
);

CREATE UNIQUE INDEX verifications_by_state ON verifications (state_hash);
CREATE INDEX verifications_by_participation ON verifications (challenge_id, participation_id);
CREATE INDEX verifications_by_expiry ON verifications (expires_at);

-- What reports show, counted as it happens: neither a report nor the scheduler's look counts participations.
-- `outcome` is 'joined', 'verification_started', or how a participation ended; `reason` says why it failed, and is ''
-- otherwise; `milliseconds` is the sum of the times from joining to the stamp.

CREATE TABLE participation_counts (
    challenge_id BLOB    NOT NULL REFERENCES challenges (id),
    provider_id  TEXT    NOT NULL,
    platform     TEXT    NOT NULL,
    outcome      TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    number       INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    PRIMARY KEY (challenge_id, provider_id, platform, outcome, reason)
) STRICT, WITHOUT ROWID;

-- How many stamps took how long, in tenths of a second from joining.
CREATE TABLE completion_counts (
    challenge_id BLOB    NOT NULL REFERENCES challenges (id),
    provider_id  TEXT    NOT NULL,
    platform     TEXT    NOT NULL,
    tenths       INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    PRIMARY KEY (challenge_id, provider_id, platform, tenths)
) STRICT, WITHOUT ROWID;

-- What happened in each minute since 1970.
CREATE TABLE minute_counts (
    challenge_id BLOB    NOT NULL REFERENCES challenges (id),
    minute       INTEGER NOT NULL,
    joined       INTEGER NOT NULL,
    claimed      INTEGER NOT NULL,
    PRIMARY KEY (challenge_id, minute)
) STRICT, WITHOUT ROWID;

INSERT INTO participation_counts
SELECT challenge_id, provider_id, platform, 'joined', '', COUNT(*), 0
FROM participations GROUP BY challenge_id, provider_id, platform;

INSERT INTO participation_counts
SELECT challenge_id, provider_id, platform, status,
    COALESCE(failure_reason, CASE WHEN status = 'failed' THEN 'other' ELSE '' END), COUNT(*),
    SUM(CASE WHEN status = 'claimed' AND decided_at > joined_at THEN decided_at - joined_at ELSE 0 END)
FROM participations WHERE status <> 'started'
GROUP BY challenge_id, provider_id, platform, status, COALESCE(failure_reason, CASE WHEN status = 'failed' THEN 'other' ELSE '' END);

INSERT INTO completion_counts
SELECT challenge_id, provider_id, platform, tenths, COUNT(*)
FROM (SELECT challenge_id, provider_id, platform,
        CASE WHEN decided_at > joined_at THEN (decided_at - joined_at) / 100 ELSE 0 END AS tenths
    FROM participations WHERE status = 'claimed') AS claims
GROUP BY challenge_id, provider_id, platform, tenths;

INSERT INTO minute_counts
SELECT challenge_id, minute, SUM(joined), SUM(claimed)
FROM (SELECT challenge_id, joined_at / 60000 AS minute, 1 AS joined, 0 AS claimed FROM participations
    UNION ALL SELECT challenge_id, claimed_at / 60000, 0, 1 FROM stamp_claims) AS moments
GROUP BY challenge_id, minute;

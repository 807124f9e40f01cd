-- How it goes with the verifier of each provider, as all servers saw it last. Nothing in it is of a tester. Providers come
-- from the catalogue, so there are few rows, and they belong to the deployment.

CREATE TABLE verifier_health (
    provider_id    TEXT NOT NULL PRIMARY KEY,
    discovered_at  INTEGER,
    returned_at    INTEGER,
    succeeded_at   INTEGER,
    failed_at      INTEGER,
    failure_reason TEXT
) STRICT, WITHOUT ROWID;

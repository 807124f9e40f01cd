-- How it goes with the verifier of each provider, as all servers saw it last. Nothing in it is of a tester. Providers come
-- from the catalogue, so there are few rows, and they belong to the deployment.

CREATE TABLE verifier_health (
    provider_id    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    discovered_at  BIGINT,
    returned_at    BIGINT,
    succeeded_at   BIGINT,
    failed_at      BIGINT,
    failure_reason TEXT
);

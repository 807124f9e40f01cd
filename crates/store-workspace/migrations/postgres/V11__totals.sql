-- How many production tests an app has in each status: a page of a list says how many there are in all, and counting them anew
-- took longer with each. The triggers keep it, so that nothing that writes can forget it, an older release least of all. An app's
-- totals are spread over several slots, so that writers do not wait for each other: one slot may even be below zero.

CREATE TABLE production_test_totals (
    workspace_id TEXT COLLATE "C" NOT NULL,
    client_id    TEXT COLLATE "C" NOT NULL,
    slot         BIGINT           NOT NULL,
    pending      BIGINT           NOT NULL,
    scheduled    BIGINT           NOT NULL,
    failed       BIGINT           NOT NULL,
    cancelled    BIGINT           NOT NULL,
    PRIMARY KEY (workspace_id, client_id, slot)
);

CREATE FUNCTION count_added_production_tests() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO production_test_totals AS total (workspace_id, client_id, slot, pending, scheduled, failed, cancelled)
    SELECT workspace_id, client_id, pg_backend_pid() % 16, COUNT(*) FILTER (WHERE status = 'pending'),
        COUNT(*) FILTER (WHERE status = 'scheduled'), COUNT(*) FILTER (WHERE status = 'failed'),
        COUNT(*) FILTER (WHERE status = 'cancelled')
    FROM added GROUP BY workspace_id, client_id ORDER BY workspace_id, client_id
    ON CONFLICT (workspace_id, client_id, slot) DO UPDATE SET
        pending = total.pending + excluded.pending, scheduled = total.scheduled + excluded.scheduled,
        failed = total.failed + excluded.failed, cancelled = total.cancelled + excluded.cancelled;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_changed_production_tests() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO production_test_totals AS total (workspace_id, client_id, slot, pending, scheduled, failed, cancelled)
    SELECT workspace_id, client_id, pg_backend_pid() % 16, SUM(pending), SUM(scheduled), SUM(failed), SUM(cancelled)
    FROM (
        SELECT workspace_id, client_id, (status = 'pending')::int AS pending, (status = 'scheduled')::int AS scheduled,
            (status = 'failed')::int AS failed, (status = 'cancelled')::int AS cancelled
        FROM added
        UNION ALL
        SELECT workspace_id, client_id, -(status = 'pending')::int, -(status = 'scheduled')::int,
            -(status = 'failed')::int, -(status = 'cancelled')::int
        FROM removed) AS changes
    GROUP BY workspace_id, client_id
    HAVING SUM(pending) <> 0 OR SUM(scheduled) <> 0 OR SUM(failed) <> 0 OR SUM(cancelled) <> 0
    ORDER BY workspace_id, client_id
    ON CONFLICT (workspace_id, client_id, slot) DO UPDATE SET
        pending = total.pending + excluded.pending, scheduled = total.scheduled + excluded.scheduled,
        failed = total.failed + excluded.failed, cancelled = total.cancelled + excluded.cancelled;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_removed_production_tests() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO production_test_totals AS total (workspace_id, client_id, slot, pending, scheduled, failed, cancelled)
    SELECT workspace_id, client_id, pg_backend_pid() % 16, -COUNT(*) FILTER (WHERE status = 'pending'),
        -COUNT(*) FILTER (WHERE status = 'scheduled'), -COUNT(*) FILTER (WHERE status = 'failed'),
        -COUNT(*) FILTER (WHERE status = 'cancelled')
    FROM removed GROUP BY workspace_id, client_id ORDER BY workspace_id, client_id
    ON CONFLICT (workspace_id, client_id, slot) DO UPDATE SET
        pending = total.pending + excluded.pending, scheduled = total.scheduled + excluded.scheduled,
        failed = total.failed + excluded.failed, cancelled = total.cancelled + excluded.cancelled;
    RETURN NULL;
END
$$;

-- From here to the end of the migration nobody writes, so what is counted below is all there is.
CREATE TRIGGER production_tests_added AFTER INSERT ON challenge_requests
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_added_production_tests();
CREATE TRIGGER production_tests_changed AFTER UPDATE ON challenge_requests
    REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_changed_production_tests();
CREATE TRIGGER production_tests_removed AFTER DELETE ON challenge_requests
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_removed_production_tests();

INSERT INTO production_test_totals (workspace_id, client_id, slot, pending, scheduled, failed, cancelled)
SELECT workspace_id, client_id, 0, COUNT(*) FILTER (WHERE status = 'pending'), COUNT(*) FILTER (WHERE status = 'scheduled'),
    COUNT(*) FILTER (WHERE status = 'failed'), COUNT(*) FILTER (WHERE status = 'cancelled')
FROM challenge_requests GROUP BY workspace_id, client_id;

-- How many production tests an app has in each status: a page of a list says how many there are in all, and counting them anew
-- took longer with each. The triggers keep it, so that nothing that writes can forget it. PostgreSQL spreads an app's totals over
-- several slots, so that writers do not wait for each other; here there is one writer, and one slot.

CREATE TABLE production_test_totals (
    workspace_id TEXT    NOT NULL,
    client_id    TEXT    NOT NULL,
    slot         INTEGER NOT NULL,
    pending      INTEGER NOT NULL,
    scheduled    INTEGER NOT NULL,
    failed       INTEGER NOT NULL,
    cancelled    INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, client_id, slot)
) STRICT, WITHOUT ROWID;

INSERT INTO production_test_totals (workspace_id, client_id, slot, pending, scheduled, failed, cancelled)
SELECT workspace_id, client_id, 0, SUM(status = 'pending'), SUM(status = 'scheduled'), SUM(status = 'failed'),
    SUM(status = 'cancelled')
FROM challenge_requests GROUP BY workspace_id, client_id;

CREATE TRIGGER production_tests_added AFTER INSERT ON challenge_requests BEGIN
    INSERT INTO production_test_totals (workspace_id, client_id, slot, pending, scheduled, failed, cancelled)
    VALUES (new.workspace_id, new.client_id, 0, new.status = 'pending', new.status = 'scheduled', new.status = 'failed',
        new.status = 'cancelled')
    ON CONFLICT (workspace_id, client_id, slot) DO UPDATE SET
        pending = pending + excluded.pending, scheduled = scheduled + excluded.scheduled, failed = failed + excluded.failed,
        cancelled = cancelled + excluded.cancelled;
END;

CREATE TRIGGER production_tests_changed AFTER UPDATE OF status ON challenge_requests WHEN new.status <> old.status BEGIN
    UPDATE production_test_totals SET
        pending = pending + (new.status = 'pending') - (old.status = 'pending'),
        scheduled = scheduled + (new.status = 'scheduled') - (old.status = 'scheduled'),
        failed = failed + (new.status = 'failed') - (old.status = 'failed'),
        cancelled = cancelled + (new.status = 'cancelled') - (old.status = 'cancelled')
    WHERE workspace_id = new.workspace_id AND client_id = new.client_id AND slot = 0;
END;

CREATE TRIGGER production_tests_removed AFTER DELETE ON challenge_requests BEGIN
    UPDATE production_test_totals SET
        pending = pending - (old.status = 'pending'), scheduled = scheduled - (old.status = 'scheduled'),
        failed = failed - (old.status = 'failed'), cancelled = cancelled - (old.status = 'cancelled')
    WHERE workspace_id = old.workspace_id AND client_id = old.client_id AND slot = 0;
END;

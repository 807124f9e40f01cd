-- Every write of an app changes one of these rows. Their old versions stay in the same page, where they are pruned without the
-- index, as long as the page has room; and they are vacuumed by their number, not by a share of the few rows that there are.

ALTER TABLE event_sequences SET (
    fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);

ALTER TABLE production_test_totals SET (
    fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0
);
